//! The rule of `examples/approver-force-push`, in Rust.
//!
//! It reads a line as words between blanks and `; & | ( )`, which is enough to
//! teach and not enough to trust: quotes, variables and aliases get past it. The
//! bundled `safety-tiers` reads shell as shells do.

use quarterdeck_sdk::approver::{Approver, Request, Verdict};
use serde::Deserialize;

/// Reviews `git push`, refuses `git push --force`.
#[derive(Debug)]
pub struct ForcePush {
    allow_lease: bool,
}

/// The sidecar's `[config]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Whether `--force-with-lease` is a push like any other.
    allow_lease: bool,
}

impl Approver for ForcePush {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, String> {
        Ok(Self {
            allow_lease: config.allow_lease,
        })
    }

    fn review(&self, request: &Request) -> Verdict {
        let verdicts = request
            .command_line
            .split([';', '&', '|', '(', ')', '\n'])
            .filter_map(|command| self.review_command(request, command));
        // The strictest; of equals the first.
        verdicts
            .reduce(|strictest, next| {
                if next.tier > strictest.tier {
                    next
                } else {
                    strictest
                }
            })
            .unwrap_or_else(|| Verdict::safe("Nothing is pushed."))
    }
}

impl ForcePush {
    /// A verdict on one command, if it is a push.
    fn review_command(&self, request: &Request, command: &str) -> Option<Verdict> {
        let mut words = command.split([' ', '\t']).filter(|word| !word.is_empty());
        words
            .next()
            .filter(|program| *program == "git" || program.ends_with("/git"))?;
        let push = subcommand(&mut words).filter(|subcommand| *subcommand == "push")?;
        Some(match words.find(|argument| self.forces(argument)) {
            Some(argument) => Verdict::dangerous("A forced push throws away what others pushed.")
                .with_rule("git/force-push")
                .with_piece(request, argument)
                .with_suggestion("Pull, merge, and push without force."),
            None => Verdict::review("A push is seen by others.")
                .with_rule("git/push")
                .with_piece(request, push),
        })
    }

    fn forces(&self, argument: &str) -> bool {
        match argument {
            "--force" | "-f" => true,
            _ if argument.starts_with("--force-with-lease") => !self.allow_lease,
            // A refspec such as `+main`.
            _ => argument.starts_with('+'),
        }
    }
}

/// The first word after git's own options.
fn subcommand<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<&'a str> {
    loop {
        match words.next()? {
            // These take a value.
            "-C" | "-c" => _ = words.next(),
            option if option.starts_with('-') => {}
            subcommand => return Some(subcommand),
        }
    }
}

quarterdeck_sdk::export!(approver: ForcePush);
