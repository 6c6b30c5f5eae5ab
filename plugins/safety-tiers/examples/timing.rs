//! Measures how long verdicts take, natively: on the corpus, on a long script,
//! and on texts that are meant to be slow.
//!
//! `cargo run --profile policy -p policy-safety-tiers --example timing`; the
//! component is measured by `cargo bench -p quarterdeck-policy`.

#[path = "../tests/support/corpus.rs"]
mod corpus;
#[path = "../tests/support/hostile.rs"]
mod hostile;

use std::path::Path;
use std::time::{Duration, Instant};

use policy_safety_tiers::{Request, Rules, review};

const ROUNDS: usize = 5;

fn main() {
    let rules = Rules::default();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");
    let cases = corpus::read(Path::new(folder));
    let mut times: Vec<(Duration, &str)> = cases
        .iter()
        .map(|case| (best(&rules, &case.request()), case.command.as_str()))
        .collect();
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100].0;
    println!(
        "corpus of {}: median {:.1?}, 99 % {:.1?}, worst {:.1?}",
        times.len(),
        at(50),
        at(99),
        at(100)
    );
    for (time, command) in times.iter().rev().take(5) {
        println!(
            "  {time:>10.1?}  {}",
            command.chars().take(90).collect::<String>()
        );
    }

    // A danger would end the walk early.
    let proper: Vec<&str> = cases
        .iter()
        .filter(|case| case.tier == "safe" && case.stands_alone())
        .map(|case| case.command.as_str())
        .filter(|command| !command.contains(['\n', '<', '\'', '"', '!', '#']))
        .collect();
    let mut script = String::new();
    for command in proper.iter().cycle() {
        if script.len() > 100 * 1024 {
            break;
        }
        script.push_str(command);
        script.push('\n');
    }
    println!(
        "a script of 100 KiB: {:.1?}",
        best(&rules, &request(script))
    );

    let mut slow: Vec<(Duration, &str)> = hostile::texts()
        .into_iter()
        .map(|(name, text)| (best(&rules, &request(text)), name))
        .collect();
    slow.sort_unstable();
    for (time, name) in slow.iter().rev().take(8) {
        println!("hostile {time:>10.1?}  {name}");
    }
}

fn request(command_line: String) -> Request {
    Request {
        command_line,
        cwd: Some("/home/dev/shop".to_owned()),
        ..Request::default()
    }
}

/// The best of a few rounds: what else the machine does is not what is
/// measured.
fn best(rules: &Rules, request: &Request) -> Duration {
    let once = || {
        let began = Instant::now();
        std::hint::black_box(review(rules, request));
        began.elapsed()
    };
    (0..ROUNDS).map(|_| once()).min().unwrap_or_default()
}
