//! A component of one world, and the instances in which it is called.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::Store;

use crate::Grants;
use crate::calling::ahead::Ahead;
use crate::calling::call_terms::CallTerms;
use crate::calling::engine::PolicyEngine;
use crate::calling::fault::{Fault, one_line};
use crate::calling::guest::Guest;
use crate::interface::bindings::World;
use crate::loading::prepared::Prepared;
use crate::loading::rejection::Rejection;

/// How many instances of one policy are kept between calls, if its sidecar
/// wants that.
const KEPT_EACH: usize = 4;

/// A linked component whose exports are those of world `W`.
pub(crate) struct Callable<W: World> {
    linked: Arc<Linked<W>>,
    /// Instances that answered and wait for their next call. Held only to take one
    /// out or put one back, never across a call.
    idle: Mutex<Vec<Live<W>>>,
    /// An instance that nobody has called yet.
    ahead: Arc<Ahead<Live<W>>>,
}

/// What instances are made of.
struct Linked<W> {
    prepared: Prepared,
    world: W,
}

/// A configured instance that outlives a call. Whoever calls it has it to
/// himself and drops it when the call fails or is given up: what such a call
/// leaves behind is not to be trusted.
pub(crate) struct Live<W: World> {
    pub(crate) store: Store<Guest>,
    pub(crate) exports: W::Exports,
    /// Its place among the instances that may be kept; none for a trial, which
    /// is over at once and holds the slot of a call.
    _place: Option<OwnedSemaphorePermit>,
}

impl<W: World> Callable<W> {
    /// Finds the exports of `prepared`.
    pub(crate) fn new(prepared: Prepared) -> Result<Self, Rejection> {
        let world = W::find(prepared.pre()).map_err(|error| Rejection::WrongShape {
            kind: W::KIND,
            detail: one_line(&error),
        })?;
        Ok(Callable {
            linked: Arc::new(Linked { prepared, world }),
            idle: Mutex::default(),
            ahead: Arc::default(),
        })
    }

    /// Compares the types of its functions with the world's, which takes an
    /// instance but calls nothing.
    pub(crate) async fn check_shape(
        &self,
        engine: &PolicyEngine,
        terms: &Arc<CallTerms>,
    ) -> Result<(), Rejection> {
        let checked = engine
            .run(terms, async |store| {
                let instance = self.linked.prepared.bare(store).await?;
                Ok(self.linked.world.load(store, &instance).map(drop))
            })
            .await;
        match checked {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Rejection::WrongShape {
                kind: W::KIND,
                detail: one_line(&error),
            }),
            Err(fault) => Err(Rejection::StartFault(fault)),
        }
    }

    /// Makes `call` in a configured instance: a fresh one, or one that answered
    /// before if `terms` allow that.
    pub(crate) async fn call<T>(
        &self,
        engine: &Arc<PolicyEngine>,
        terms: &Arc<CallTerms>,
        call: impl AsyncFnOnce(&mut Store<Guest>, &W::Exports) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        match terms {
            terms if terms.reuse => self.call_again(engine, terms, call).await,
            terms if made_ahead(terms) => self.call_ahead(engine, terms, call).await,
            _ => self.call_fresh(engine, terms, call).await,
        }
    }

    /// In an instance that is made for it.
    async fn call_fresh<T>(
        &self,
        engine: &PolicyEngine,
        terms: &Arc<CallTerms>,
        call: impl AsyncFnOnce(&mut Store<Guest>, &W::Exports) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        engine
            .run(terms, async |store| {
                let exports = self.linked.start(store).await?;
                call(store, &exports).await
            })
            .await
    }

    /// In an instance that was made before anybody asked. What is left of it is
    /// cleared away, and the next one made, while nobody waits for that: together
    /// they take longer than many a call.
    async fn call_ahead<T>(
        &self,
        engine: &Arc<PolicyEngine>,
        terms: &Arc<CallTerms>,
        call: impl AsyncFnOnce(&mut Store<Guest>, &W::Exports) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let (answer, used) = match self.ahead.take() {
            Some(mut live) => {
                let exports = &live.exports;
                let answer = engine
                    .resume(&mut live.store, async |store| call(store, exports).await)
                    .await;
                (answer, Some(live))
            }
            None => (self.call_fresh(engine, terms, call).await, None),
        };
        self.make_ahead(engine, terms, used);
        answer
    }

    fn make_ahead(
        &self,
        engine: &Arc<PolicyEngine>,
        terms: &Arc<CallTerms>,
        used: Option<Live<W>>,
    ) {
        let making = self.ahead.make();
        if making.is_none() && used.is_none() {
            return;
        }
        let (linked, engine, terms) = (
            Arc::clone(&self.linked),
            Arc::clone(engine),
            Arc::clone(terms),
        );
        tokio::spawn(async move {
            // First, so that the next one gets the memory that is in the caches.
            drop(used);
            // Whoever is asked without one makes its own, and says what is wrong.
            if let Some(making) = making
                && let Ok(live) = linked.live(&engine, &terms).await
            {
                making.done(live);
            }
        });
    }

    /// In an instance that answered before, if there is one.
    async fn call_again<T>(
        &self,
        engine: &PolicyEngine,
        terms: &Arc<CallTerms>,
        call: impl AsyncFnOnce(&mut Store<Guest>, &W::Exports) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if let Some(mut live) = self.take() {
            let exports = &live.exports;
            let answer = engine
                .resume(&mut live.store, async |store| call(store, exports).await)
                .await?;
            self.put_back(live);
            return Ok(answer);
        }
        let slot = engine.slot(terms).await?;
        let mut store = engine.store(terms);
        let (answer, exports) = engine
            .resume(&mut store, async |store| {
                let exports = self.linked.start(store).await?;
                Ok((call(store, &exports).await?, exports))
            })
            .await?;
        if let Ok(place) = Arc::clone(engine.places()).try_acquire_owned() {
            drop(slot);
            self.put_back(Live {
                store,
                exports,
                _place: Some(place),
            });
        }
        Ok(answer)
    }

    /// An instance for whoever keeps it, for as long as there is room.
    pub(crate) async fn live(
        &self,
        engine: &PolicyEngine,
        terms: &Arc<CallTerms>,
    ) -> Result<Live<W>, Fault> {
        self.linked.live(engine, terms).await
    }

    /// An instance for a trial, however many are kept. The caller holds the slot
    /// of a call for as long as the instance lives.
    pub(crate) async fn live_on_trial(
        &self,
        engine: &PolicyEngine,
        terms: &Arc<CallTerms>,
    ) -> Result<Live<W>, Fault> {
        self.linked.live_in(engine, terms, None).await
    }

    fn take(&self) -> Option<Live<W>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop()
    }

    fn put_back(&self, live: Live<W>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT_EACH {
            idle.push(live);
        }
    }
}

impl<W: World> Linked<W> {
    async fn live(&self, engine: &PolicyEngine, terms: &Arc<CallTerms>) -> Result<Live<W>, Fault> {
        let place = Arc::clone(engine.places())
            .try_acquire_owned()
            .map_err(|_| Fault::Busy)?;
        self.live_in(engine, terms, Some(place)).await
    }

    async fn live_in(
        &self,
        engine: &PolicyEngine,
        terms: &Arc<CallTerms>,
        place: Option<OwnedSemaphorePermit>,
    ) -> Result<Live<W>, Fault> {
        let mut store = engine.store(terms);
        let exports = engine
            .resume(&mut store, async |store| self.start(store).await)
            .await?;
        Ok(Live {
            store,
            exports,
            _place: place,
        })
    }

    async fn start(&self, store: &mut Store<Guest>) -> Result<W::Exports, Fault> {
        let instance = self.prepared.instance(store).await?;
        self.world
            .load(store, &instance)
            .map_err(|error| Fault::Garbage(one_line(&error)))
    }
}

/// What is on trial is called once. What is granted may be read while an instance is
/// made, and has to be as it is at the call.
fn made_ahead(terms: &CallTerms) -> bool {
    !terms.trial && terms.grants == Grants::default()
}
