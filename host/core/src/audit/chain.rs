//! The hash chain over the audit log: each row's hash covers the row and the
//! hash of the row before it, so that a changed, deleted or reordered row shows.

use sha2::{Digest, Sha256};

/// SHA-256 of a row.
pub type RowHash = [u8; 32];

/// What the first row builds on.
pub const GENESIS: RowHash = [0; 32];

/// The hash of one row. Fields are length-prefixed, so that no two different
/// rows feed the same bytes to the hash.
pub fn row_hash(previous: &RowHash, sequence: i64, time_ms: i64, kind: &str, body: &str) -> RowHash {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    hasher.update(sequence.to_be_bytes());
    hasher.update(time_ms.to_be_bytes());
    for text in [kind, body] {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_counts() {
        let base = row_hash(&GENESIS, 1, 2, "verdict", "{}");
        let changed = [
            row_hash(&[1; 32], 1, 2, "verdict", "{}"),
            row_hash(&GENESIS, 2, 2, "verdict", "{}"),
            row_hash(&GENESIS, 1, 3, "verdict", "{}"),
            row_hash(&GENESIS, 1, 2, "outcome", "{}"),
            row_hash(&GENESIS, 1, 2, "verdict", "{ }"),
            row_hash(&GENESIS, 1, 2, "verdict{", "}"),
        ];
        assert!(changed.iter().all(|hash| *hash != base));
    }
}
