//! The progress parsers as their callers see them, and the sessions that they
//! follow.

use std::borrow::Cow;
use std::sync::Arc;

use crate::kinds::progress_parser::facade::LiveParser;
use crate::serving::catalogue::Catalogue;
use crate::serving::generation::{Facade, Generation};
use crate::serving::problem::Problems;
use crate::{OutputPiece, PolicyKind, ProgressUpdate, SessionFacts};

/// How much text is fed at once, in bytes; more is fed in several portions, so
/// that each has a deadline of its own and fits the parser's memory.
const PORTION: usize = 256 << 10;

/// The progress parsers at one moment. A swap does not touch it: sessions that
/// are followed stay with the generation that they began with.
#[derive(Clone)]
pub struct ProgressParsers {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) problems: Problems,
}

impl ProgressParsers {
    /// The names of the progress parsers, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.catalogue
            .of_kind(PolicyKind::ProgressParser)
            .map(|generation| &*generation.name)
    }

    /// Has the parser `name` follow `session`; `None` when there is none of
    /// that name. Nothing runs before the first chunk.
    pub fn follow(&self, name: &str, session: &SessionFacts) -> Option<FollowedSession> {
        let generation = self
            .catalogue
            .named(PolicyKind::ProgressParser, name)
            .ok()?;
        Some(FollowedSession {
            generation: Arc::clone(generation),
            problems: self.problems.clone(),
            session: session.clone(),
            parser: None,
        })
    }
}

/// One session as one progress parser sees it: an instance of its own, which
/// lasts as long as this value.
///
/// It cannot fail: a parser that does is begun anew with the next chunk, and
/// left out while it is in quarantine.
pub struct FollowedSession {
    generation: Arc<Generation>,
    problems: Problems,
    session: SessionFacts,
    /// Taken out for each call, so that one that fails or is given up never
    /// comes back.
    parser: Option<LiveParser>,
}

impl FollowedSession {
    /// Name of the parser.
    pub fn policy(&self) -> &str {
        &self.generation.name
    }

    /// The generation that the session began with.
    pub fn generation(&self) -> u64 {
        self.generation.number
    }

    /// SHA-256 of its component, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.generation.origin.digest
    }

    /// Feeds what arrived, in order, and returns what that says of progress:
    /// nothing when the parser fails.
    pub async fn feed(&mut self, chunk: &[OutputPiece]) -> Vec<ProgressUpdate> {
        let mut updates = Vec::new();
        for portion in portions(chunk) {
            match self.feed_portion(&portion).await {
                Some(more) => updates.extend(more),
                None => break,
            }
        }
        updates
    }

    async fn feed_portion(&mut self, portion: &[OutputPiece]) -> Option<Vec<ProgressUpdate>> {
        let FollowedSession {
            generation,
            problems,
            session,
            parser: kept,
        } = self;
        let Facade::ProgressParser(parser) = &generation.facade else {
            return None;
        };
        let engine = &generation.engine;
        let asked = generation
            .ask(async {
                let mut live = match kept.take() {
                    Some(live) => live,
                    None => parser.start(engine, &generation.terms, session).await?,
                };
                let updates = live.feed(engine, portion).await?;
                *kept = Some(live);
                Ok(updates)
            })
            .await;
        if let Some(change) = asked.change {
            let last = match &asked.answer {
                Ok(_) => String::new(),
                Err(none) => none.to_string(),
            };
            problems.raise(generation.change_of_conduct(change, "reports nothing", &last));
        }
        asked.answer.ok()
    }
}

/// `chunk` in pieces of which none holds more than [`PORTION`] bytes of text.
pub(crate) fn portions(chunk: &[OutputPiece]) -> Vec<Cow<'_, [OutputPiece]>> {
    let length = |piece: &OutputPiece| match piece {
        OutputPiece::Text(text) => text.len(),
        _ => 0,
    };
    if chunk.iter().map(length).sum::<usize>() <= PORTION {
        return vec![Cow::Borrowed(chunk)];
    }
    let mut portions = Vec::new();
    let mut portion = Vec::new();
    let mut room = PORTION;
    for piece in chunk {
        let OutputPiece::Text(text) = piece else {
            portion.push(piece.clone());
            continue;
        };
        let mut rest = &text[..];
        while !rest.is_empty() {
            let cut = rest.floor_char_boundary(room);
            if cut == 0 {
                portions.push(Cow::Owned(std::mem::take(&mut portion)));
                room = PORTION;
                continue;
            }
            portion.push(OutputPiece::Text(rest[..cut].to_owned()));
            room -= cut;
            rest = &rest[cut..];
        }
    }
    portions.push(Cow::Owned(portion));
    portions
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn piece() -> impl Strategy<Value = OutputPiece> {
        prop_oneof![
            (0..3usize, 1..4usize).prop_map(|(letter, thirds)| OutputPiece::Text(
                ["a", "é", "日"][letter].repeat(thirds * PORTION / 3)
            )),
            Just(OutputPiece::PromptStart),
            Just(OutputPiece::CommandEnd(Some(0))),
        ]
    }

    /// Neighbouring texts joined: where they are cut says nothing.
    fn joined(pieces: impl IntoIterator<Item = OutputPiece>) -> Vec<OutputPiece> {
        let mut joined = Vec::new();
        for piece in pieces {
            match (joined.last_mut(), piece) {
                (Some(OutputPiece::Text(before)), OutputPiece::Text(text)) => {
                    before.push_str(&text);
                }
                (_, piece) => joined.push(piece),
            }
        }
        joined
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn portions_are_bounded_and_lose_nothing(chunk in prop::collection::vec(piece(), 0..6)) {
            let portions = portions(&chunk);
            for portion in &portions {
                let size: usize = portion
                    .iter()
                    .map(|piece| match piece {
                        OutputPiece::Text(text) => text.len(),
                        _ => 0,
                    })
                    .sum();
                prop_assert!(size <= PORTION);
            }
            let all = portions.into_iter().flat_map(Cow::into_owned);
            prop_assert_eq!(joined(all), joined(chunk));
        }
    }
}
