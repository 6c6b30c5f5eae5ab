//! Events that came together, with the frames that carry them.
//!
//! The frames are made once and lie behind each other in one piece of memory. A
//! listener that wants everything is given that piece as it is, any other one the
//! parts of it that it wants.

use std::ops::Range;
use std::sync::Arc;

use axum::body::Bytes;
use quarterdeck_core::events::{Event, EventFilter, EventType};

use super::frames;

/// A batch has no more bytes than this and one event: as much as a listener takes at
/// a time.
const FULL: usize = 256 * 1024;

/// Events whose numbers follow each other, oldest first.
pub(super) struct Batch {
    events: Vec<Told>,
    frames: Bytes,
    /// The types that are among them.
    types: EventFilter,
}

/// An event with its place among the frames.
pub(super) struct Told {
    pub(super) event: Arc<Event>,
    pub(super) event_type: EventType,
    frame: Range<usize>,
}

impl Batch {
    /// One batch, or several where the events are long.
    pub(super) fn of(events: Vec<Arc<Event>>) -> Vec<Self> {
        let mut batches = Vec::new();
        let (mut told, mut frames) = (Vec::new(), Vec::new());
        for event in events {
            let begin = frames.len();
            frames::append_text(event.text(), &mut frames);
            told.push(Told {
                event_type: event.what.event_type(),
                event,
                frame: begin..frames.len(),
            });
            if frames.len() >= FULL {
                batches.push(Self::new(&mut told, &mut frames));
            }
        }
        if !told.is_empty() {
            batches.push(Self::new(&mut told, &mut frames));
        }
        batches
    }

    fn new(events: &mut Vec<Told>, frames: &mut Vec<u8>) -> Self {
        let types: Vec<_> = events.iter().map(|told| told.event_type).collect();
        Self {
            events: std::mem::take(events),
            // Without room that nothing fills: it is kept for a while.
            frames: std::mem::take(frames).into_boxed_slice().into(),
            types: EventFilter::only(&types),
        }
    }

    /// Whether anything in it is of a type that the filter wants.
    pub(super) fn has_any_of(&self, filter: &EventFilter) -> bool {
        self.types.within(filter) != EventFilter::NOTHING
    }

    /// The frames of those events that are `wanted`, neighbours in one piece.
    pub(super) fn frames_of(
        &self,
        mut wanted: impl FnMut(&Told) -> bool,
    ) -> impl Iterator<Item = Bytes> {
        let mut events = self.events.iter();
        std::iter::from_fn(move || {
            let mut piece = events.find(|told| wanted(told))?.frame.clone();
            for next in events.by_ref().take_while(|told| wanted(told)) {
                piece.end = next.frame.end;
            }
            Some(self.frames.slice(piece))
        })
    }

    /// The number of its oldest event.
    pub(super) fn first(&self) -> u64 {
        self.events.first().map_or(0, |told| told.event.sequence)
    }

    /// The number of its newest event.
    pub(super) fn last(&self) -> u64 {
        self.events.last().map_or(0, |told| told.event.sequence)
    }

    /// How many events it has.
    pub(super) fn count(&self) -> usize {
        self.events.len()
    }

    /// How long its frames are.
    pub(super) fn bytes(&self) -> usize {
        self.frames.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use quarterdeck_core::events::{ErrorSeverity, EventBus, SystemError};

    fn events(lengths: impl IntoIterator<Item = usize>) -> Vec<Arc<Event>> {
        let bus = EventBus::default();
        let mut feed = bus.subscribe();
        let told = |length| {
            bus.publish(SystemError {
                error: "x".repeat(length),
                component: "test".to_owned(),
                severity: ErrorSeverity::Warning,
            });
            feed.try_recv().expect("the event")
        };
        lengths.into_iter().map(told).collect()
    }

    #[test]
    fn a_batch_knows_what_is_in_it() {
        let batches = Batch::of(events([1, 2, 3]));
        let [batch] = &batches[..] else {
            panic!("{} batches", batches.len());
        };
        assert_eq!((batch.first(), batch.last(), batch.count()), (1, 3, 3));
        assert!(batch.has_any_of(&EventFilter::EVERYTHING));
        assert!(!batch.has_any_of(&EventFilter::only(&[EventType::SystemStats])));
    }

    #[test]
    fn long_events_make_several_batches() {
        let batches = Batch::of(events([FULL, 10, FULL / 2, FULL / 2, 10]));
        let counts: Vec<_> = batches.iter().map(Batch::count).collect();
        assert_eq!(counts, [1, 3, 1]);
        let numbers: Vec<_> = batches.iter().map(|it| (it.first(), it.last())).collect();
        assert_eq!(numbers, [(1, 1), (2, 4), (5, 5)]);
        assert!(Batch::of(Vec::new()).is_empty());
    }

    proptest! {
        #[test]
        fn everybody_gets_the_frames_of_what_it_wants(wanted in prop::collection::vec(any::<bool>(), 0..40)) {
            let events = events(0..wanted.len());
            let mut expected = Vec::new();
            for (event, _) in events.iter().zip(&wanted).filter(|(_, wanted)| **wanted) {
                frames::append_text(event.text(), &mut expected);
            }
            let mut asked = 0;
            let mut pieces: Vec<Bytes> = Vec::new();
            for batch in Batch::of(events) {
                pieces.extend(batch.frames_of(|told| {
                    asked += 1;
                    wanted[told.event.sequence as usize - 1]
                }));
            }
            prop_assert_eq!(pieces.concat(), expected);
            prop_assert_eq!(asked, wanted.len());
            let runs = wanted.split(|wanted| !wanted).filter(|run| !run.is_empty());
            prop_assert_eq!(pieces.len(), runs.count());
        }
    }
}
