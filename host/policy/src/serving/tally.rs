//! What one generation has been through: calls, their times, its conduct.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::calling::fault::Fault;
use crate::serving::quarantine::{Admission, Change, Conduct};

/// Longest time that is told apart, in nanoseconds: a minute.
const LONGEST: u64 = 60_000_000_000;

/// Counts of one generation, shared by its calls. The lock is held for a few
/// nanoseconds at a time and never across a call.
pub(crate) struct Tally(Mutex<Counts>);

struct Counts {
    conduct: Conduct,
    faults: u64,
    last_fault: Option<String>,
    /// How often, as a shadow, it differed from what was ruled.
    differed: u64,
    /// In nanoseconds; two significant digits, about 20 KB.
    times: Histogram<u32>,
}

/// What a list of policies shows of it.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) calls: u64,
    pub(crate) faults: u64,
    pub(crate) differed: u64,
    pub(crate) last_fault: Option<String>,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) quarantined: bool,
}

impl Tally {
    pub(crate) fn new() -> Self {
        let times = Histogram::new_with_bounds(100, LONGEST, 2)
            .expect("the bounds are constants that fit the type");
        Tally(Mutex::new(Counts {
            conduct: Conduct::default(),
            faults: 0,
            last_fault: None,
            differed: 0,
            times,
        }))
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Every change below leaves the counts whole, so a panic elsewhere
        // does not make them unusable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks whether a call may be made; the outcome has to be told.
    pub(crate) fn admit(&self) -> Result<Call<'_>, Refused> {
        let mut counts = self.counts();
        match counts.conduct.admit(Instant::now()) {
            Admission::Refuse(remaining) => Err(Refused {
                remaining,
                last_fault: counts.last_fault.clone().unwrap_or_default(),
            }),
            admission => Ok(Call {
                tally: self,
                admission,
                since: Instant::now(),
                told: false,
            }),
        }
    }

    /// Counts a shadow's answer that was not what was ruled.
    pub(crate) fn differed(&self) {
        self.counts().differed += 1;
    }

    pub(crate) fn summary(&self) -> Summary {
        let counts = self.counts();
        Summary {
            calls: counts.times.len(),
            faults: counts.faults,
            differed: counts.differed,
            last_fault: counts.last_fault.clone(),
            p50: Duration::from_nanos(counts.times.value_at_quantile(0.5)),
            p99: Duration::from_nanos(counts.times.value_at_quantile(0.99)),
            quarantined: counts.conduct.is_quarantined(),
        }
    }
}

/// A policy in quarantine was not asked.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) remaining: Duration,
    pub(crate) last_fault: String,
}

/// One call under way. Dropped without an outcome it counts as given up by
/// whoever made it, which says nothing about the policy.
pub(crate) struct Call<'a> {
    tally: &'a Tally,
    admission: Admission,
    since: Instant,
    told: bool,
}

impl Call<'_> {
    pub(crate) fn succeeded(self) -> Option<Change> {
        self.ended(|conduct, admission, _| conduct.succeeded(admission))
    }

    /// Counts a fault against the policy, if it is to blame.
    pub(crate) fn failed(self, fault: &Fault) -> Option<Change> {
        if !fault.blames_policy() {
            return None;
        }
        let mut counts = self.tally.counts();
        counts.faults += 1;
        counts.last_fault = Some(fault.to_string());
        drop(counts);
        self.ended(|conduct, admission, now| conduct.failed(admission, now))
    }

    fn ended(
        mut self,
        outcome: impl FnOnce(&mut Conduct, Admission, Instant) -> Option<Change>,
    ) -> Option<Change> {
        self.told = true;
        let now = Instant::now();
        let nanos = u64::try_from((now - self.since).as_nanos()).unwrap_or(LONGEST);
        let mut counts = self.tally.counts();
        counts.times.saturating_record(nanos);
        outcome(&mut counts.conduct, self.admission, now)
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.told {
            let mut counts = self.tally.counts();
            counts.conduct.abandoned(self.admission, Instant::now());
        }
    }
}
