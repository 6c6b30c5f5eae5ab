//! Gives back the pages of the program that are not executed at present.
//!
//! A start touches code all over the program: configuration, migrations, every
//! tool's schema. The kernel counts those pages as resident until memory runs
//! short, two thirds of what an idle host is seen to use. Given back, what is
//! needed again is mapped from the page cache when it is next executed, which
//! takes a busy host a fraction of a millisecond.

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
            .inspect_err(
                |error| tracing::debug!(%error, "code that is not executed stays resident"),
            )
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
    let Some(code) = executable_mapping(&maps, give_back as fn() -> _ as usize) else {
        return Err(std::io::Error::other("no such mapping is listed"));
    };
    let start = std::ptr::without_provenance_mut(code.start);
    // SAFETY: the pages are those of an executable mapping of our own file, which
    // nothing writes to (its protection is `r-x`): the kernel reads the same bytes
    // from the same file again, wherever a thread executes them next.
    #[allow(unsafe_code, reason = "there is no safe way to advise about mappings")]
    unsafe {
        madvise(start, code.len(), Advice::LinuxDontNeed)?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn give_back() -> std::io::Result<()> {
    Ok(())
}

/// The addresses of the mapping of a file that can be executed, not written to,
/// and holds `address`; `maps` is in the form of proc_pid_maps(5).
#[cfg(target_os = "linux")]
fn executable_mapping(maps: &str, address: usize) -> Option<std::ops::Range<usize>> {
    maps.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let start = usize::from_str_radix(start, 16).ok()?;
        let end = usize::from_str_radix(end, 16).ok()?;
        let of_a_file = fields.next() == Some("r-xp") && fields.nth(2) != Some("0");
        (of_a_file && (start..end).contains(&address)).then_some(start..end)
    })
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
    fn only_code_of_a_file_is_found() {
        let found = executable_mapping(MAPS, 0x55d0_c1dc_0000);
        assert_eq!(found, Some(0x55d0_c1db_f000..0x55d0_c4cb_7000));
        for other in [0x55d0_c0a0_0000, 0x55d0_c4cb_7000, 0x7f00_0000_0000, 0] {
            assert_eq!(executable_mapping(MAPS, other), None, "{other:x}");
        }
    }

    #[test]
    fn the_program_runs_on_without_them() {
        for _ in 0..3 {
            give_back().expect("given back");
            assert_eq!("still ".to_owned() + "here", "still here");
        }
    }
}
