//! Gives back the pages of the program that are not in use at present.
//!
//! A start touches code and constants all over the program: relocations, migrations,
//! bundled components, every tool's schema. The kernel counts those pages as resident
//! until memory runs short, more than half of what an idle host is seen to use. Given
//! back, what is needed again is mapped from the page cache when it is next touched,
//! which takes a busy host a fraction of a millisecond.

use std::time::Duration;

/// A host has started by now: it answers within some 20 ms.
const FIRST: Duration = Duration::from_secs(1);

/// From then on, so often.
const AGAIN: Duration = Duration::from_secs(10);

/// Gives them back for as long as the runtime lives. Call it inside one.
pub(crate) fn give_back_regularly() {
    tokio::spawn(async {
        tokio::time::sleep(FIRST).await;
        while give_back()
            .inspect_err(|error| tracing::debug!(%error, "what is not in use stays resident"))
            .is_ok()
        {
            tokio::time::sleep(AGAIN).await;
        }
    });
}

#[cfg(target_os = "linux")]
fn give_back() -> std::io::Result<()> {
    use rustix::mm::{Advice, madvise};

    let maps = std::fs::read_to_string("/proc/self/maps")?;
    let Some(program) = program_mappings(&maps, give_back as fn() -> _ as usize) else {
        return Err(std::io::Error::other("no such mapping is listed"));
    };
    let start = std::ptr::without_provenance_mut(program.start);
    // SAFETY: the pages are those of mappings of our own file which nothing writes to
    // or has written to (see `program_mappings`): the kernel reads the same bytes from
    // the same file again, wherever a thread touches them next.
    #[allow(unsafe_code, reason = "there is no safe way to advise about mappings")]
    unsafe {
        madvise(start, program.len(), Advice::LinuxDontNeed)?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn give_back() -> std::io::Result<()> {
    Ok(())
}

/// The addresses of the program's code, which holds `address`, and of the constants
/// right before it; `maps` is in the form of proc_pid_maps(5).
///
/// Constants are the mapping from the beginning of the file on: nothing can be relocated
/// there. What is relocated at the start is read-only afterwards, too, but differs from
/// the file, and lies elsewhere in it.
#[cfg(target_os = "linux")]
fn program_mappings(maps: &str, address: usize) -> Option<std::ops::Range<usize>> {
    let mut constants = 0..0;
    for line in maps.lines() {
        let mut fields = line.split_ascii_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let start = usize::from_str_radix(start, 16).ok()?;
        let end = usize::from_str_radix(end, 16).ok()?;
        let (rights, offset, inode) = (fields.next()?, fields.next()?, fields.nth(1)?);
        match rights {
            _ if inode == "0" => (),
            "r--p" if usize::from_str_radix(offset, 16) == Ok(0) => constants = start..end,
            "r-xp" if (start..end).contains(&address) => {
                let adjoin = constants.end == start;
                return Some(if adjoin { constants.start } else { start }..end);
            }
            _ => (),
        }
    }
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    const MAPS: &str = "\
55d0c0a00000-55d0c1dbf000 r--p 00000000 fe:00 5763729  /usr/bin/quarterdeck
55d0c1dbf000-55d0c4cb7000 r-xp 013be000 fe:00 5763729  /usr/bin/quarterdeck (deleted)
55d0c4cb7000-55d0c4eab000 rw-p 042b5000 fe:00 5763729  /usr/bin/quarterdeck
7f0000000000-7f0000001000 r-xp 00000000 00:00 0
";

    #[test]
    fn code_and_constants_are_found_and_nothing_else() {
        let found = program_mappings(MAPS, 0x55d0_c1dc_0000);
        assert_eq!(found, Some(0x55d0_c0a0_0000..0x55d0_c4cb_7000));
        for other in [0x55d0_c0a0_0000, 0x55d0_c4cb_7000, 0x7f00_0000_0000, 0] {
            assert_eq!(program_mappings(MAPS, other), None, "{other:x}");
        }
    }

    #[test]
    fn what_was_relocated_is_no_constant() {
        let relocated = MAPS.replace("r--p 00000000", "r--p 00001000");
        let found = program_mappings(&relocated, 0x55d0_c1dc_0000);
        assert_eq!(found, Some(0x55d0_c1db_f000..0x55d0_c4cb_7000));
    }

    #[test]
    fn the_program_runs_on_without_them() {
        for _ in 0..3 {
            give_back().expect("given back");
            assert_eq!("still ".to_owned() + "here", "still here");
        }
    }
}
