//! Holds the rules to the labelled commands of `corpus/*.jsonl`; see
//! `support/corpus.rs` for what a line may say.

#[path = "support/corpus.rs"]
mod corpus;

use std::path::Path;

use corpus::Comparison;

#[test]
fn every_command_has_the_tier_that_is_right_for_it() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");
    let cases = corpus::read(Path::new(folder));
    let comparison = Comparison::of(&cases);
    assert!(
        comparison.missed() == 0 && comparison.false_alarms() < 0.02,
        "{comparison}"
    );
    assert!(
        comparison.wrong.is_empty(),
        "{}\n{comparison}",
        comparison.wrong.join("\n")
    );
    assert!(
        cases.len() >= 600,
        "the corpus has only {} commands left",
        cases.len()
    );
}
