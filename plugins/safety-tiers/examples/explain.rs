//! Prints what a verdict rests on: the commands that a line would run, as they
//! were resolved, and the rule that decided about each.
//!
//! `cargo run -p policy-safety-tiers --example explain -- 'COMMAND LINE'`

use policy_safety_tiers::{Request, Rules, explain};

fn main() {
    for command_line in std::env::args().skip(1) {
        let request = Request {
            command_line,
            cwd: Some("/home/dev/shop".to_owned()),
            ..Request::default()
        };
        let explained = explain(&Rules::default(), &request);
        for step in &explained.steps {
            let indent = "  ".repeat(step.depth as usize);
            println!(
                "{indent}{:?}  {:?} by {}",
                step.command, step.tier, step.rule
            );
        }
        println!("{:#?}", explained.verdict);
    }
}
