//! Labelled screens of agents' programs, and what the bundled rules make of them: a
//! confusion matrix, which has nothing beside its diagonal.
//!
//! The screens in `agent-screens/` are recordings of the real programs, where they say so
//! with their version (`tests/real-agents` makes them), and drawn after what the programs'
//! own tests and their users' captures show; a line `@@ LABEL: what it is` begins each.

use std::collections::BTreeMap;
use std::path::Path;

use quarterdeck_core::coding_agents::{Activity, AllRules, Frame};

struct Labelled {
    program: String,
    what: String,
    label: Activity,
    frame: Frame,
}

fn labelled() -> Vec<Labelled> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agent-screens");
    let mut screens = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the screens") {
        let path = entry.expect("a file").path();
        let program = path.file_stem().expect("a name").to_string_lossy();
        let text = std::fs::read_to_string(&path).expect("text");
        for screen in text.split("@@ ").filter(|screen| !screen.is_empty()) {
            let (head, body) = screen.split_once('\n').unwrap_or((screen, ""));
            let (label, what) = head.split_once(": ").expect("LABEL: what it is");
            screens.push(Labelled {
                program: program.to_string(),
                what: what.to_owned(),
                label: *(Activity::ALL.iter().find(|it| it.as_str() == label)).expect(head),
                frame: Frame::of_text(body),
            });
        }
    }
    screens
}

/// Rows are labels, columns what was made of them.
fn matrix(counts: &BTreeMap<(Activity, Activity), usize>) -> String {
    let shown: Vec<Activity> = (Activity::ALL.into_iter())
        .filter(|it| counts.keys().any(|(label, made)| label == it || made == it))
        .collect();
    let mut text = format!("{:>20}", "");
    for made in &shown {
        text.push_str(&format!("{:>19}", made.as_str()));
    }
    for label in &shown {
        text.push_str(&format!("\n{:>20}", label.as_str()));
        for made in &shown {
            let count = counts.get(&(*label, *made)).copied().unwrap_or(0);
            text.push_str(&format!("{count:>19}"));
        }
    }
    text
}

#[test]
fn every_labelled_screen_is_read_as_what_it_is() {
    let (rules, errors) = AllRules::load(None);
    assert!(errors.is_empty(), "{errors:?}");
    let mut counts = BTreeMap::new();
    let mut wrong = Vec::new();
    for screen in labelled() {
        let rules = rules.of(&screen.program).expect(&screen.program);
        let made = screen.frame.sighting(rules);
        let activity = (made.as_ref()).map_or(Activity::Unknown, |made| made.activity);
        *counts.entry((screen.label, activity)).or_default() += 1;
        if activity != screen.label {
            let why = made.map(|made| made.why);
            wrong.push(format!(
                "{} ({}): {activity:?}, {why:?}",
                screen.program, screen.what
            ));
        }
    }
    println!(
        "{} screens\n{}",
        counts.values().sum::<usize>(),
        matrix(&counts)
    );
    assert!(
        wrong.is_empty(),
        "{}\n{}",
        matrix(&counts),
        wrong.join("\n")
    );
}

#[test]
fn a_limits_end_is_read_in_the_programs_own_words() {
    let (rules, _) = AllRules::load(None);
    let mut told = Vec::new();
    for screen in labelled() {
        if screen.label == Activity::RateLimited {
            let made = screen
                .frame
                .sighting(rules.of(&screen.program).expect("rules"));
            let when = made.and_then(|made| made.resets).unwrap_or_default();
            told.push(format!("{}, {}: {when}", screen.program, screen.what));
        }
    }
    told.sort();
    assert_eq!(
        told,
        [
            "aider, it gave up: 20s",
            "claude, a session limit: 1:20am (Europe/Vienna)",
            "claude, a weekly limit after some work: Oct 9 at 5pm (America/Los_Angeles)",
            "claude, in older words: 3pm (America/Santiago)",
            "claude, it offers to wait: 4:20am (Europe/Warsaw)",
            "codex, at a time of day: 3:28 PM",
            "codex, in days: 3 days 6 hours 57 minutes",
            "codex, recorded with 0.169.0, with a curly apostrophe: 9:40 AM",
            "gemini, said in the conversation: 12h22m45s",
            "gemini, the quota's dialog: 11:00 AM GMT+2",
            "opencode, its model has had enough: 12 minutes",
        ]
    );
}

#[test]
fn an_empty_box_is_told_from_a_draft() {
    let (rules, _) = AllRules::load(None);
    for screen in labelled() {
        if screen.label == Activity::Idle {
            let text = screen
                .frame
                .box_text(rules.of(&screen.program).expect("rules"));
            let text =
                text.unwrap_or_else(|| panic!("{}, {}: no box", screen.program, screen.what));
            let draft = screen.what.contains("draft");
            assert_eq!(
                !text.is_empty(),
                draft,
                "{}, {}: {text:?}",
                screen.program,
                screen.what
            );
        }
    }
}
