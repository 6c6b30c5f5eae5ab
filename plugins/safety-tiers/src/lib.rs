//! The bundled approver.

#[cfg(target_family = "wasm")]
mod guest;
mod verdict;

pub use verdict::{Span, Tier, Verdict};

/// Judges one command line.
pub fn review(command_line: &str) -> Verdict {
    let words: Vec<&str> = command_line.split_whitespace().collect();
    let holds = |word: &str| words.contains(&word);
    let forceful = holds("-rf") || holds("-fr") || holds("-r");
    let (tier, reason, rule) = if holds("rm")
        && forceful
        && words
            .iter()
            .any(|word| matches!(*word, "~" | "~/" | "/" | "$HOME" | "\"$HOME\""))
    {
        (
            Tier::Dangerous,
            "Deletes the home folder or the whole system.",
            "files/rm-home",
        )
    } else if holds("sudo") {
        (Tier::Dangerous, "Raises privileges.", "process/sudo")
    } else if holds("push") && (holds("--force") || holds("-f")) {
        (
            Tier::Dangerous,
            "Overwrites history on the remote.",
            "git/push-force",
        )
    } else if holds("push") || holds("rm") || holds("curl") {
        (
            Tier::Review,
            "Reaches the network or deletes files.",
            "core/first-look",
        )
    } else {
        (
            Tier::Safe,
            "Nothing in it changes anything that matters.",
            "core/default",
        )
    };
    Verdict {
        tier,
        reason: reason.to_owned(),
        rule: Some(rule.to_owned()),
        span: None,
        suggestion: None,
    }
}
