//! `quarterdeck events`.

use std::process::ExitCode;

use quarterdeck_core::events::{EventType, documentation, json_schema};

/// Prints the catalogue: a line for each event, or all there is to know.
pub(crate) fn print(schema: bool, docs: bool) -> ExitCode {
    if schema {
        anstream::println!("{:#}", json_schema());
    } else if docs {
        anstream::print!("{}", documentation());
    } else {
        for event_type in EventType::ALL {
            anstream::println!("{:<20} {}", event_type.as_str(), event_type.meaning());
        }
    }
    ExitCode::SUCCESS
}
