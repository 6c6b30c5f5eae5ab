//! Recordings played to a parser, whole and in pieces.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::{Board, Item, Piece, Program, Reader, Status, Update};

/// The board after a whole recording.
pub fn board_after<P: Program>(program: &P, recording: &str) -> Board {
    let mut reader = Reader::new(program.clone());
    reader.feed(&[Piece::Text(recording.to_owned())]);
    reader.board()
}

/// Plays a recording in many splits, and panics when one ends with another board
/// or leaves a host that followed the updates with another picture.
///
/// # Panics
///
/// With the split that made the difference.
pub fn splits_make_no_difference<P: Program>(program: &P, recording: &str) {
    let whole = board_after(program, recording);
    let picture: BTreeMap<String, Update> = whole.items().iter().map(named).collect();
    let mut runner = TestRunner::new(Config {
        cases: 48,
        failure_persistence: None,
        ..Config::default()
    });
    let cuts = proptest::collection::vec(any::<proptest::sample::Index>(), 0..40);
    let outcome = runner.run(&cuts, |cuts| {
        let mut ends: Vec<usize> = cuts
            .iter()
            .map(|cut| recording.floor_char_boundary(cut.index(recording.len() + 1)))
            .collect();
        ends.push(recording.len());
        ends.sort_unstable();
        let mut reader = Reader::new(program.clone());
        let mut followed = BTreeMap::new();
        let mut start = 0;
        for end in ends {
            let updates = reader.feed(&[Piece::Text(recording[start..end].to_owned())]);
            followed.extend(
                updates
                    .into_iter()
                    .map(|update| (update.item.clone(), update)),
            );
            start = end;
        }
        prop_assert_eq!(reader.board(), whole.clone());
        prop_assert_eq!(followed, picture.clone());
        Ok(())
    });
    if let Err(difference) = outcome {
        panic!("{difference}");
    }
}

fn named(item: &Item) -> (String, Update) {
    (item.name.clone(), Update::from(item))
}

/// One line for each item: name, status, counts, percentage, label.
#[must_use]
pub fn outline(board: &Board) -> Vec<String> {
    board
        .items()
        .iter()
        .map(|item| {
            let number = |number: Option<u64>| number.map_or("?".to_owned(), |n| n.to_string());
            format!(
                "{}: {} {}/{} {} | {}",
                item.name,
                status(item.status),
                number(item.completed),
                number(item.total),
                item.percent
                    .map_or("?".to_owned(), |percent| format!("{percent:.1}%")),
                item.label
            )
        })
        .collect()
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Running => "Running",
        Status::Waiting => "Waiting",
        Status::Completed => "Completed",
        Status::Failed => "Failed",
    }
}
