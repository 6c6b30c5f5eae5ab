//! The hash chain over the audit log: each row's hash covers the row and the
//! hash of the row before it, so that a changed, deleted or reordered row shows.

use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

use super::{Anchor, Broken, Sound};

/// SHA-256 of a row.
pub(super) type RowHash = [u8; 32];

/// What the first row builds on.
pub(super) const GENESIS: RowHash = [0; 32];

/// The hash of one row. Fields are length-prefixed, so that no two different
/// rows feed the same bytes to the hash.
pub(super) fn row_hash(
    previous: &RowHash,
    sequence: i64,
    time_ms: i64,
    kind: &str,
    body: &str,
) -> RowHash {
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

/// Walks the whole chain: how many rows hold, or the first that does not.
pub(super) fn verify_chain(connection: &Connection) -> rusqlite::Result<Result<Sound, Broken>> {
    let broken = |sequence, reason| Ok(Err(Broken { sequence, reason }));
    // One moment of the log, though hosts go on writing.
    let moment = connection.unchecked_transaction()?;
    let head = moment
        .query_row("SELECT sequence, hash FROM head", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, RowHash>(1)?))
        })
        .optional()?;
    let mut statement = moment
        .prepare("SELECT sequence, time_ms, kind, body, hash FROM entries ORDER BY sequence")?;
    let mut rows = statement.query([])?;
    let anchor = Anchor::of(&moment)?;
    let (mut previous, first) = match &anchor {
        Some(anchor) => (anchor.hash, anchor.sequence + 1),
        None => (GENESIS, 1),
    };
    let mut expected = first;
    let mut is_told = anchor.is_none();
    while let Some(row) = rows.next()? {
        let sequence: i64 = row.get(0)?;
        if sequence != expected {
            return broken(expected, "the row is missing");
        }
        let Some(hash) = hash_of_stored(row, &previous) else {
            return broken(sequence, "the row is not what was written");
        };
        if head.is_some_and(|(at, kept)| at == sequence && kept != hash) {
            return broken(sequence, "the row is not the one that was written last");
        }
        if let (false, Some(anchor)) = (is_told, &anchor) {
            is_told = anchor.is_told_by(&row.get::<_, String>(2)?, &row.get::<_, String>(3)?);
        }
        previous = hash;
        expected += 1;
    }
    match head {
        None => broken(expected, "what says which row is the last is missing"),
        Some((last, _)) if last >= expected => broken(expected, "the row is missing"),
        Some(_) if !is_told => broken(
            first,
            "rows before it are missing, and no row tells that they were taken off",
        ),
        Some(_) => Ok(Ok(Sound {
            rows: (expected - first).unsigned_abs(),
            from: anchor,
        })),
    }
}

/// The row's hash, if it is the hash of what stands there. Anything else in a
/// column than what belongs there was not written by a host.
fn hash_of_stored(row: &rusqlite::Row<'_>, previous: &RowHash) -> Option<RowHash> {
    let kind: String = row.get(2).ok()?;
    let body: String = row.get(3).ok()?;
    let hash: RowHash = row.get(4).ok()?;
    let time_ms = row.get(1).ok()?;
    let sequence = row.get(0).ok()?;
    (row_hash(previous, sequence, time_ms, &kind, &body) == hash).then_some(hash)
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
