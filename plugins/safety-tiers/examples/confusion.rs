//! Prints how the rules' answers compare with labelled commands.
//!
//! `cargo run -p policy-safety-tiers --example confusion -- [--all] [FILE|FOLDER…]`
//! takes files of JSON lines (`{"command": …, "tier": …}`), and without any
//! the corpus of this policy; `--all` lists every answer that is not as labelled.

#[path = "../tests/support/corpus.rs"]
mod corpus;

use std::path::PathBuf;

use corpus::Comparison;

/// Answers that are listed without `--all`.
const LISTED: usize = 40;

fn main() {
    let (flags, mut paths): (Vec<PathBuf>, Vec<PathBuf>) = std::env::args_os()
        .skip(1)
        .map(PathBuf::from)
        .partition(|argument| argument.as_os_str() == "--all");
    if paths.is_empty() {
        paths.push(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus").into());
    }
    let cases: Vec<_> = paths.iter().flat_map(|path| corpus::read(path)).collect();
    let comparison = Comparison::of(&cases);
    let listed = if flags.is_empty() { LISTED } else { usize::MAX };
    for line in comparison.wrong.iter().take(listed) {
        println!("{line}");
    }
    if comparison.wrong.len() > listed {
        println!("… and {} more (--all)", comparison.wrong.len() - listed);
    }
    print!("{comparison}");
    if comparison.missed() > 0 {
        std::process::exit(1);
    }
}
