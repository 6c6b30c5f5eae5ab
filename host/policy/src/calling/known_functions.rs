//! Functions that were compiled before. Two versions of a policy share most of theirs,
//! and any two that were made with the same tools share the runtime of their language.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use wasmtime::CacheStore;

/// How much is kept at most, in bytes: the code of some ten small policies.
const MAX_BYTES: usize = 4 << 20;

/// Compiled functions by what the compiler calls them, which says all that their code
/// depends on. Locked only to look one up or to put one in.
#[derive(Debug, Default)]
pub(crate) struct KnownFunctions(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    functions: HashMap<Box<[u8]>, Box<[u8]>>,
    bytes: usize,
}

impl CacheStore for KnownFunctions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.functions
            .get(key)
            .map(|code| Cow::Owned(code.to_vec()))
    }

    fn insert(&self, key: &[u8], code: Vec<u8>) -> bool {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += key.len() + code.len();
        if kept.bytes > MAX_BYTES {
            // Which of them nobody needs any more is not known. The next load brings
            // back what is in use.
            *kept = Kept {
                bytes: key.len() + code.len(),
                ..Kept::default()
            };
        }
        kept.functions.insert(key.into(), code.into());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_comes_out() {
        let known = KnownFunctions::default();
        assert!(known.insert(b"f", vec![1, 2]));
        assert_eq!(known.get(b"f").as_deref(), Some(&[1, 2][..]));
        assert_eq!(known.get(b"g"), None);
    }

    #[test]
    fn no_more_is_kept_than_has_room() {
        let known = KnownFunctions::default();
        for number in 0_u8..=200 {
            known.insert(&[number], vec![0; MAX_BYTES / 100]);
        }
        let kept = known.0.lock().unwrap();
        let held: usize = kept.functions.iter().map(|(k, v)| k.len() + v.len()).sum();
        assert_eq!(held, kept.bytes);
        assert!(held <= MAX_BYTES);
        drop(kept);
        assert!(known.get(&[200]).is_some());
    }
}
