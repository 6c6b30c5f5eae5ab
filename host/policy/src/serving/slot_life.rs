//! The life of one policy name, as a pure state machine: what was seen in the
//! folder and how loading ended goes in, what is to be done comes out.
//!
//! [`Settling`] says when to load. Here it is decided what that changes, and two
//! things hold whatever happens, tested as properties: a rejected version never
//! changes who serves, and every change is loaded in the end.

use std::time::Instant;

use crate::folder::seen_files::Sighting;
use crate::folder::settling::{Look, Settling, Word};
use crate::loading::rejection::Rejection;

/// One policy name with whoever serves under it, of type `G`.
#[derive(Debug)]
pub(crate) struct Slot<G> {
    settling: Settling,
    standing: Standing<G>,
    /// Why the latest version was rejected, while that is the latest word.
    rejection: Option<Rejection>,
}

/// Who answers under the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing<G> {
    Vacant,
    /// Nobody, though an approver lies there: it failed when it was tried out.
    /// What it would have refused is not known.
    Unfit(Rejection),
    /// Switched off by the sidecar.
    Disabled,
    Serving(G),
}

/// How loading ended, if not in a rejection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Loaded<G> {
    /// A new generation, tried out and ready.
    Live(G),
    /// The same component and sidecar as the generation in charge.
    Unchanged,
    /// What is bundled under the name, because what lies there is rejected and no
    /// replacement of it.
    StandIn(G, Rejection),
    /// An approver that would rule, and that failed when it was tried out.
    Unfit(Rejection),
    /// An approver that would be asked and not obeyed, and that failed when it was tried
    /// out: nobody misses its rule.
    UnfitShadow(Rejection),
    /// The sidecar switches the policy off.
    Disabled,
    /// There is no component of that name any more.
    Gone,
}

/// What the outcome of a load changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing that anybody has to hear of, now.
    None,
    /// Who serves, or that the latest word is no rejection any more.
    Standing,
    /// The latest word is this rejection.
    Rejected(Rejection),
}

impl<G> Slot<G> {
    pub(crate) fn new() -> Self {
        Slot {
            settling: Settling::new(),
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
        self.settling.due()
    }

    /// Whether nothing is under way.
    pub(crate) fn is_settled(&self) -> bool {
        self.settling.is_settled()
    }

    /// Whether there is neither a file, nor anybody who serves, nor anything to
    /// complain about (a bundled component can be bad without a file), so that
    /// the slot may be forgotten.
    pub(crate) fn is_deserted(&self) -> bool {
        self.settling.is_settled_on_nothing()
            && matches!(self.standing, Standing::Vacant)
            && self.rejection.is_none()
    }

    /// Takes note of a look at the folder. If it returns true, the files are to
    /// be loaded, and [`Slot::loaded`] to be told how that ended.
    pub(crate) fn see(&mut self, look: Look, now: Instant) -> bool {
        self.settling.see(look, now)
    }

    /// Loading ended; `after` was seen afterwards, if the folder could be
    /// looked at.
    pub(crate) fn loaded(
        &mut self,
        result: Result<Loaded<G>, Rejection>,
        after: Option<Sighting>,
        now: Instant,
    ) -> Change {
        let may_pass = result.as_ref().is_err_and(Rejection::may_pass);
        let word = self.settling.has_read(may_pass, after, now);
        match (result, word) {
            (
                Ok(Loaded::Unfit(_) | Loaded::UnfitShadow(_) | Loaded::StandIn(..)),
                Word::NotLast,
            ) => Change::None,
            (Ok(Loaded::Unfit(rejection)), Word::Last) => {
                self.reject(Standing::Unfit(rejection.clone()), rejection)
            }
            (Ok(Loaded::UnfitShadow(rejection)), Word::Last) => {
                self.reject(Standing::Vacant, rejection)
            }
            (Ok(Loaded::StandIn(generation, rejection)), Word::Last) => {
                self.reject(Standing::Serving(generation), rejection)
            }
            (Ok(outcome), _) => {
                self.rejection = None;
                match outcome {
                    Loaded::Live(generation) => self.standing = Standing::Serving(generation),
                    Loaded::Disabled => self.standing = Standing::Disabled,
                    Loaded::Gone => self.standing = Standing::Vacant,
                    Loaded::Unfit(_)
                    | Loaded::UnfitShadow(_)
                    | Loaded::StandIn(..)
                    | Loaded::Unchanged => {}
                }
                Change::Standing
            }
            // What is there then will say more than a complaint about what was.
            (Err(_), Word::NotLast) => Change::None,
            (Err(rejection), Word::Last) => {
                // Whoever reads that it is disabled has to find that in the sidecar.
                let is_enabled = !matches!(rejection, Rejection::Sidecar(_) | Rejection::Host(_));
                if is_enabled && matches!(self.standing, Standing::Disabled) {
                    self.standing = Standing::Vacant;
                }
                self.rejection = Some(rejection.clone());
                Change::Rejected(rejection)
            }
        }
    }

    /// The latest word is this rejection; `otherwise` is how matters stand if nobody serves.
    fn reject(&mut self, otherwise: Standing<G>, rejection: Rejection) -> Change {
        if !matches!(self.standing, Standing::Serving(_)) {
            self.standing = otherwise;
        }
        self.rejection = Some(rejection.clone());
        Change::Rejected(rejection)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::calling::fault::Fault;
    use crate::folder::settling::PATIENCE;
    use crate::loading::core_module::CoreModule;

    /// Versions below this are good, then bad, then unfinished.
    const BAD: u8 = 4;
    const UNFINISHED: u8 = 6;

    fn load(version: u8) -> Result<Loaded<u8>, Rejection> {
        match version {
            0 => Ok(Loaded::Gone),
            version if version < BAD => Ok(Loaded::Live(version)),
            version if version < UNFINISHED => Err(Rejection::CoreModule(CoreModule::default())),
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
        fn new(file: u8) -> Self {
            let mut world = World {
                slot: Slot::new(),
                now: Instant::now(),
                file,
                next: None,
                reports: 0,
            };
            world.see(Look::Found);
            world
        }

        fn see(&mut self, look: fn(Sighting) -> Look) {
            let before = self.slot.standing().clone();
            if !self.slot.see(look(Sighting::numbered(self.file)), self.now) {
                return;
            }
            let read = self.file;
            if let Some(next) = self.next.take() {
                self.file = next;
            }
            let after = Some(Sighting::numbered(self.file));
            if let Change::Rejected(_) = self.slot.loaded(load(read), after, self.now) {
                self.reports += 1;
            }
            // Whoever serves now is what was read, or as before.
            let after = self.slot.standing().clone();
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

        fn pass(&mut self, until: Instant) {
            while let Some(due) = self.slot.due().filter(|due| *due <= until) {
                assert!(due >= self.now, "a look was due in the past");
                self.now = due;
                self.see(Look::Looked);
            }
            self.now = until;
        }
    }

    proptest! {
        #[test]
        fn every_change_is_loaded_in_the_end(steps in prop::collection::vec(step(), 0..40)) {
            let mut world = World::new(0);
            for step in steps {
                match step {
                    Step::Write(version, told) => {
                        world.file = version;
                        if told {
                            world.see(Look::Touched);
                        }
                    }
                    Step::WriteWhileLoading(version) => world.next = Some(version),
                    Step::Wait(millis) => world.pass(world.now + Duration::from_millis(millis)),
                    Step::Look => world.see(Look::Looked),
                }
            }
            world.next = None;
            world.see(Look::Looked);
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
    fn an_unfinished_file_is_reported_once_and_late() {
        let mut world = World::new(1);
        let start = world.now;
        world.file = UNFINISHED;
        world.see(Look::Touched);
        world.pass(start + PATIENCE / 2);
        assert_eq!(world.reports, 0);
        world.pass(start + PATIENCE * 2);
        assert_eq!(world.reports, 1);
        assert_eq!(world.slot.standing(), &Standing::Serving(1));
    }

    #[test]
    fn an_approver_that_fails_on_trial_leaves_a_mark_until_it_is_replaced_or_taken_away() {
        let fails = || Rejection::TrialFault(Fault::Stack);
        let now = Instant::now();
        let load = |slot: &mut Slot<u8>, number, result| {
            slot.see(Look::Touched(Sighting::numbered(number)), now);
            let due = slot.due().expect("it is to be read");
            assert!(slot.see(Look::Looked(Sighting::numbered(number)), due));
            slot.loaded(result, None, due);
            slot.standing().clone()
        };
        let mut slot = Slot::new();
        let unfit = Standing::Unfit(fails());
        assert_eq!(load(&mut slot, 1, Ok(Loaded::Unfit(fails()))), unfit);
        // What is no policy at all changes nothing.
        assert_eq!(
            load(
                &mut slot,
                2,
                Err(Rejection::CoreModule(CoreModule::default()))
            ),
            unfit
        );
        assert_eq!(
            load(&mut slot, 3, Ok(Loaded::Live(3))),
            Standing::Serving(3)
        );
        assert_eq!(
            load(&mut slot, 4, Ok(Loaded::Unfit(fails()))),
            Standing::Serving(3)
        );
        assert_eq!(load(&mut slot, 0, Ok(Loaded::Gone)), Standing::Vacant);
        assert!(slot.is_deserted());
    }

    #[test]
    fn a_bad_component_without_a_file_is_remembered() {
        let mut slot = Slot::<u8>::new();
        let now = Instant::now();
        assert!(slot.see(Look::Found(Sighting::default()), now));
        assert!(!slot.is_deserted());
        slot.loaded(Err(Rejection::CoreModule(CoreModule::default())), None, now);
        assert!(slot.is_settled() && !slot.is_deserted());
    }
}
