//! The life of one policy name, as a pure state machine: what was seen in the
//! folder and how loading ended goes in, what is to be done comes out.
//!
//! ```text
//!            touched, changed           quiet, or patience at its end
//! Settled ───────────────────▶ Settling ───────────────────────────▶ Loading
//!    ▲                            ▲                                     │
//!    │                            └── changed meanwhile, unfinished ────┤
//!    └────────── live, withdrawn, unchanged or rejected ────────────────┘
//! ```
//!
//! Two things hold whatever happens, and are tested as properties: a rejected
//! version never changes who serves, and every change is loaded in the end.

use std::time::{Duration, Instant};

use crate::rejection::Rejection;

/// How long a file has to stay untouched before it is read.
pub(crate) const QUIET: Duration = Duration::from_millis(10);
/// How long a file that never comes to rest is waited for.
pub(crate) const RESTLESS: Duration = Duration::from_millis(250);
/// How long an unfinished file is waited for before it is rejected.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);
/// How long it takes to look again at a folder that cannot be looked at.
pub(crate) const BLIND: Duration = Duration::from_secs(1);
/// How long an unfinished file is left alone between two attempts.
pub(crate) const RETRY: Duration = Duration::from_millis(50);

/// What the folder holds for a name, as far as the file system tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sighting {
    pub(crate) component: Option<Stamp>,
    pub(crate) sidecar: Option<Stamp>,
}

impl Sighting {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Sighting::default()
    }
}

/// What changes when a file is replaced or written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    pub(crate) modified: (i64, i64),
    /// Changes with the mode and the owner too.
    pub(crate) changed: (i64, i64),
}

/// One policy name with whoever serves under it, of type `G`.
#[derive(Debug)]
pub(crate) struct Slot<G> {
    phase: Phase,
    standing: Standing<G>,
    /// Why the latest version was rejected, while that is the latest word.
    rejection: Option<Rejection>,
}

/// Who answers under the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing<G> {
    Vacant,
    /// Switched off by the sidecar.
    Disabled,
    Serving(G),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing to do: what was seen then has been dealt with.
    Settled(Option<Sighting>),
    Settling {
        seen: Sighting,
        /// When the first change of this round was seen.
        since: Instant,
        /// When to look again.
        due: Instant,
        /// When the file was first found to be unfinished.
        unfinished: Option<Instant>,
    },
    Loading {
        seen: Sighting,
        unfinished: Option<Instant>,
    },
}

/// What happens to a slot.
#[derive(Debug)]
pub(crate) enum Event<G> {
    /// The folder was looked at for the first time since the host started:
    /// what lies there has been at rest for long.
    Found(Sighting),
    /// Somebody wrote, renamed or removed one of the files. Equal stamps mean
    /// nothing then: the clock of a file system is coarse.
    Touched(Sighting),
    /// The folder was looked at without an occasion, or because it was due.
    Looked(Sighting),
    /// It was time to look, but the folder cannot be looked at.
    Blind,
    /// Loading ended; the sighting is from afterwards, if there could be one.
    Loaded(Result<Loaded<G>, Rejection>, Option<Sighting>),
}

/// How loading ended, if not in a rejection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Loaded<G> {
    /// A new generation, tried out and ready.
    Live(G),
    /// The same component and sidecar as the generation in charge.
    Unchanged,
    /// The sidecar switches the policy off.
    Disabled,
    /// There is no component of that name any more.
    Gone,
}

/// What is to be done about a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Read the files and load them.
    Load,
    /// Who serves has changed.
    Publish,
    /// Tell that a version was rejected.
    Report(Rejection),
}

impl<G> Slot<G> {
    pub(crate) fn new() -> Self {
        Slot {
            phase: Phase::Settled(None),
            standing: Standing::Vacant,
            rejection: None,
        }
    }

    pub(crate) fn standing(&self) -> &Standing<G> {
        &self.standing
    }

    pub(crate) fn rejection(&self) -> Option<&Rejection> {
        self.rejection.as_ref()
    }

    /// When the slot wants to be looked at, if it waits for anything.
    pub(crate) fn due(&self) -> Option<Instant> {
        match self.phase {
            Phase::Settling { due, .. } => Some(due),
            _ => None,
        }
    }

    /// Whether nothing is under way.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.phase, Phase::Settled(_))
    }

    /// Whether there is neither a file nor anybody who serves, so that the slot
    /// may be forgotten.
    pub(crate) fn is_deserted(&self) -> bool {
        matches!(self.phase, Phase::Settled(seen) if seen.unwrap_or_default().is_empty())
            && matches!(self.standing, Standing::Vacant)
    }

    /// Moves on. Effects are to be carried out in order.
    pub(crate) fn on(&mut self, event: Event<G>, now: Instant) -> Vec<Effect> {
        match (self.phase, event) {
            (Phase::Settled(_), Event::Found(seen)) => self.load(seen, None),
            (Phase::Settled(seen), Event::Looked(now_seen)) if seen == Some(now_seen) => vec![],
            (Phase::Settled(_), Event::Looked(seen) | Event::Touched(seen)) => {
                self.settle(seen, now, now, None)
            }
            (
                Phase::Settling {
                    seen,
                    since,
                    due,
                    unfinished,
                },
                Event::Looked(now_seen) | Event::Found(now_seen),
            ) => {
                let at_rest = now_seen == seen;
                if now >= due && (at_rest || now >= since + RESTLESS) {
                    // A file that changed is not the unfinished one any more.
                    self.load(now_seen, unfinished.filter(|_| at_rest))
                } else if at_rest {
                    vec![]
                } else {
                    self.settle(now_seen, since, now, None)
                }
            }
            (Phase::Settling { since, .. }, Event::Touched(seen)) => {
                self.settle(seen, since, now, None)
            }
            (
                Phase::Settling {
                    seen,
                    since,
                    unfinished,
                    ..
                },
                Event::Blind,
            ) => {
                self.phase = Phase::Settling {
                    seen,
                    since,
                    due: now + BLIND,
                    unfinished,
                };
                vec![]
            }
            (Phase::Loading { seen, unfinished }, Event::Loaded(result, after)) => {
                self.loaded(result, seen, after.unwrap_or(seen), unfinished, now)
            }
            // A look while loading tells nothing that the one afterwards does
            // not; a result without a load is nobody's.
            (Phase::Settled(_), Event::Blind)
            | (Phase::Loading { .. }, _)
            | (_, Event::Loaded(..)) => vec![],
        }
    }

    fn load(&mut self, seen: Sighting, unfinished: Option<Instant>) -> Vec<Effect> {
        self.phase = Phase::Loading { seen, unfinished };
        vec![Effect::Load]
    }

    fn settle(
        &mut self,
        seen: Sighting,
        since: Instant,
        now: Instant,
        unfinished: Option<Instant>,
    ) -> Vec<Effect> {
        let due = match unfinished {
            Some(_) => now + RETRY,
            None => (now + QUIET).min((since + RESTLESS).max(now)),
        };
        self.phase = Phase::Settling {
            seen,
            since,
            due,
            unfinished,
        };
        vec![]
    }

    fn loaded(
        &mut self,
        result: Result<Loaded<G>, Rejection>,
        seen: Sighting,
        after: Sighting,
        unfinished: Option<Instant>,
        now: Instant,
    ) -> Vec<Effect> {
        let superseded = after != seen;
        let mut effects = Vec::new();
        match result {
            Ok(outcome) => {
                self.rejection = None;
                let standing = match outcome {
                    Loaded::Live(generation) => Some(Standing::Serving(generation)),
                    Loaded::Disabled => Some(Standing::Disabled),
                    Loaded::Gone => Some(Standing::Vacant),
                    Loaded::Unchanged => None,
                };
                if let Some(standing) = standing {
                    self.standing = standing;
                }
                effects.push(Effect::Publish);
            }
            // What is there now will say more than a complaint about what was.
            Err(_) if superseded => {}
            Err(rejection) if rejection.may_be_unfinished() => {
                let first = unfinished.unwrap_or(now);
                if now < first + PATIENCE {
                    return self.settle(seen, now, now, Some(first));
                }
                self.reject(rejection, &mut effects);
            }
            Err(rejection) => self.reject(rejection, &mut effects),
        }
        if superseded {
            self.settle(after, now, now, None);
        } else {
            self.phase = Phase::Settled(Some(seen));
        }
        effects
    }

    fn reject(&mut self, rejection: Rejection, effects: &mut Vec<Effect>) {
        self.rejection = Some(rejection.clone());
        effects.push(Effect::Report(rejection));
        // The list of policies shows the rejection.
        effects.push(Effect::Publish);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sighting(version: u8) -> Sighting {
        Sighting {
            component: (version > 0).then_some(Stamp {
                device: 1,
                inode: u64::from(version),
                size: 1,
                modified: (0, 0),
                changed: (0, 0),
            }),
            sidecar: None,
        }
    }

    /// Versions below this are good, then bad, then unfinished.
    const BAD: u8 = 4;
    const UNFINISHED: u8 = 6;

    fn load(version: u8) -> Result<Loaded<u8>, Rejection> {
        match version {
            0 => Ok(Loaded::Gone),
            version if version < BAD => Ok(Loaded::Live(version)),
            version if version < UNFINISHED => Err(Rejection::CoreModule),
            _ => Err(Rejection::Empty),
        }
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        /// The file is replaced; whether anybody is told.
        Write(u8, bool),
        /// The file is replaced while it is being loaded next.
        WriteWhileLoading(u8),
        Wait(u64),
        Look,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..8u8, any::<bool>()).prop_map(|(version, told)| Step::Write(version, told)),
            (0..8u8).prop_map(Step::WriteWhileLoading),
            (1..400u64).prop_map(Step::Wait),
            Just(Step::Look),
        ]
    }

    /// A folder with one file, and a slot that is told about it.
    struct World {
        slot: Slot<u8>,
        now: Instant,
        file: u8,
        next: Option<u8>,
        reports: usize,
    }

    impl World {
        fn new() -> Self {
            World {
                slot: Slot::new(),
                now: Instant::now(),
                file: 0,
                next: None,
                reports: 0,
            }
        }

        fn tell(&mut self, event: Event<u8>) {
            let before = *self.slot.standing();
            for effect in self.slot.on(event, self.now) {
                match effect {
                    Effect::Load => {
                        let read = self.file;
                        if let Some(next) = self.next.take() {
                            self.file = next;
                        }
                        self.tell(Event::Loaded(load(read), Some(sighting(self.file))));
                        // Whoever serves now is what was read, or as before.
                        let after = *self.slot.standing();
                        assert!(
                            after == before
                                || after == Standing::Serving(read)
                                || (read == 0 && after == Standing::Vacant),
                            "{before:?} became {after:?} by loading {read}"
                        );
                        assert!(
                            read < BAD || after == before,
                            "a rejection changed who serves"
                        );
                    }
                    Effect::Report(_) => self.reports += 1,
                    Effect::Publish => {}
                }
            }
        }

        fn look(&mut self) {
            self.tell(Event::Looked(sighting(self.file)));
        }

        fn pass(&mut self, until: Instant) {
            while let Some(due) = self.slot.due().filter(|due| *due <= until) {
                assert!(due >= self.now, "a look was due in the past");
                self.now = due;
                self.look();
            }
            self.now = until;
        }
    }

    proptest! {
        #[test]
        fn every_change_is_loaded_in_the_end(steps in prop::collection::vec(step(), 0..40)) {
            let mut world = World::new();
            world.tell(Event::Found(sighting(0)));
            for step in steps {
                match step {
                    Step::Write(version, told) => {
                        world.file = version;
                        if told {
                            world.tell(Event::Touched(sighting(version)));
                        }
                    }
                    Step::WriteWhileLoading(version) => world.next = Some(version),
                    Step::Wait(millis) => world.pass(world.now + Duration::from_millis(millis)),
                    Step::Look => world.look(),
                }
            }
            world.next = None;
            world.look();
            world.pass(world.now + PATIENCE * 2);
            prop_assert!(world.slot.is_settled(), "{:?}", world.slot);
            match load(world.file) {
                Ok(Loaded::Live(version)) => {
                    prop_assert_eq!(world.slot.standing(), &Standing::Serving(version));
                    prop_assert!(world.slot.rejection().is_none());
                }
                Ok(_) => prop_assert!(world.slot.is_deserted()),
                Err(rejection) => {
                    prop_assert_eq!(world.slot.rejection(), Some(&rejection));
                    prop_assert!(world.reports > 0);
                }
            }
        }
    }

    #[test]
    fn a_file_at_rest_is_loaded_after_the_quiet_time() {
        let mut world = World::new();
        world.tell(Event::Found(sighting(0)));
        world.file = 1;
        world.tell(Event::Touched(sighting(1)));
        assert_eq!(world.slot.due(), Some(world.now + QUIET));
        world.look();
        assert_eq!(world.slot.standing(), &Standing::Vacant);
        world.pass(world.now + QUIET);
        assert_eq!(world.slot.standing(), &Standing::Serving(1));
    }

    #[test]
    fn a_file_that_never_rests_is_loaded_all_the_same() {
        let mut world = World::new();
        world.tell(Event::Found(sighting(0)));
        let start = world.now;
        while *world.slot.standing() == Standing::Vacant {
            world.file = world.file % 3 + 1;
            world.tell(Event::Touched(sighting(world.file)));
            world.pass(world.now + QUIET / 2);
            assert!(world.now < start + RESTLESS * 2, "starved");
        }
    }

    #[test]
    fn an_unfinished_file_is_waited_for_and_then_rejected_once() {
        let mut world = World::new();
        world.tell(Event::Found(sighting(0)));
        let start = world.now;
        world.file = UNFINISHED;
        world.tell(Event::Touched(sighting(UNFINISHED)));
        world.pass(start + PATIENCE / 2);
        assert_eq!(world.reports, 0);
        world.pass(start + PATIENCE * 2);
        assert_eq!(world.reports, 1);
        assert!(world.slot.is_settled());
    }

    #[test]
    fn the_same_stamp_is_read_again_only_when_the_file_was_touched() {
        let mut world = World::new();
        world.file = 1;
        world.tell(Event::Found(sighting(1)));
        world.look();
        assert!(world.slot.is_settled());
        world.tell(Event::Touched(sighting(1)));
        assert!(!world.slot.is_settled());
    }
}
