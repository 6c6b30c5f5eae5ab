//! How often a caller may ask: the limits of the enhanced-iterm-mcp document, and wide
//! ones, which only a runaway client meets, for every other tool.
//!
//! Each caller has a bucket for each endpoint (a tool, a path) and one for all of
//! them. A bucket holds the burst and fills up again at the rate, so nobody is
//! refused for having been idle, and no clock has to be watched.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

/// Callers that have been idle long enough to be forgotten are looked for after
/// so many requests.
const FORGET_EVERY: u64 = 4_096;

/// How often one caller may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests to one endpoint, for each minute.
    pub per_minute: NonZeroU32,
    /// Requests to all endpoints together, for each hour.
    pub per_hour: NonZeroU32,
    /// Requests to one endpoint that may come at once.
    pub burst: NonZeroU32,
}

/// A limit for callers whose client goes by some name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientLimit {
    /// What the client's name begins with.
    name: String,
    /// `None`: as often as it likes.
    limit: Option<RateLimit>,
}

/// A text that is no [`ClientLimit`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no limit for a client: write NAME:off, or NAME:PER_MINUTE:PER_HOUR:BURST with numbers from 1 on"
)]
pub struct ClientLimitError(String);

/// `NAME:off` or `NAME:PER_MINUTE:PER_HOUR:BURST`.
impl FromStr for ClientLimit {
    type Err = ClientLimitError;

    fn from_str(text: &str) -> Result<Self, ClientLimitError> {
        let parts: Vec<&str> = text.split(':').collect();
        let number = |part: &str| part.trim().parse().ok();
        let parsed = match parts.as_slice() {
            [name, "off"] => Some((name, None)),
            [name, per_minute, per_hour, burst] => {
                let limit = || {
                    Some(RateLimit {
                        per_minute: number(per_minute)?,
                        per_hour: number(per_hour)?,
                        burst: number(burst)?,
                    })
                };
                limit().map(|limit| (name, Some(limit)))
            }
            _ => None,
        };
        let (name, limit) = parsed
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| ClientLimitError(text.to_owned()))?;
        Ok(Self {
            name: (*name).to_owned(),
            limit,
        })
    }
}

/// What is asked over HTTP outside of MCP, streams and the dashboard, as a sort of
/// requests beside the tool families.
pub const HTTP: &str = "http";

/// Who is limited, and how.
#[derive(Clone, Debug)]
pub struct RateSettings {
    /// What has the limit: names of tool families, and [`HTTP`]. Nothing at all is
    /// limited where this is empty.
    pub apply_to: BTreeSet<String>,
    /// The limit of whoever is not in `clients`.
    pub limit: RateLimit,
    /// The limit of the tool families that `apply_to` leaves out, if they have any.
    pub others: Option<RateLimit>,
    /// Other limits for some clients; the first whose name fits counts. They take the
    /// place of `limit`; who is let off is let off from `others`, too.
    pub clients: Vec<ClientLimit>,
}

impl Default for RateSettings {
    /// The documented limits, for the documented server's tools and for HTTP; a thousand
    /// requests a second for the others.
    fn default() -> Self {
        const fn number(number: u32) -> NonZeroU32 {
            NonZeroU32::new(number).expect("more than none")
        }
        Self {
            apply_to: ["enhanced", HTTP].map(str::to_owned).into(),
            limit: RateLimit {
                per_minute: number(100),
                per_hour: number(1_000),
                burst: number(20),
            },
            others: Some(RateLimit {
                per_minute: number(60_000),
                per_hour: number(1_000_000),
                burst: number(10_000),
            }),
            clients: Vec::new(),
        }
    }
}

/// What is left to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Requests for each minute.
    pub limit: u32,
    /// How many may come at once now.
    pub remaining: u32,
    /// When the endpoint's bucket is full again.
    pub full_in: Duration,
}

/// A request too many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooOften {
    /// What was asked for.
    pub endpoint: String,
    /// Which limit, in words.
    pub limit: String,
    /// Requests for each minute.
    pub per_minute: u32,
    /// When to ask again.
    pub retry_in: Duration,
}

type Limiter =
    RateLimiter<String, HashMapStateStore<String>, DefaultClock, StateInformationMiddleware>;

struct Buckets {
    limit: RateLimit,
    endpoints: Limiter,
    totals: Limiter,
}

/// All buckets of a host.
pub(crate) struct RateLimits {
    settings: RateSettings,
    usual: Buckets,
    others: Option<Buckets>,
    /// In the order of `settings.clients`; none for those without a limit.
    special: Vec<Option<Buckets>>,
    asked: AtomicU64,
    refused: AtomicU64,
}

impl RateLimits {
    pub(crate) fn new(settings: RateSettings) -> Self {
        Self {
            usual: Buckets::new(settings.limit),
            others: settings.others.map(Buckets::new),
            special: settings
                .clients
                .iter()
                .map(|client| client.limit.map(Buckets::new))
                .collect(),
            settings,
            asked: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// How many requests were refused.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Counts a request of this sort, a tool family or [`HTTP`], of `caller`, whose
    /// client calls itself `client`. `None` where it is not limited.
    pub(crate) fn count(
        &self,
        sort: &str,
        caller: &str,
        client: Option<&str>,
        endpoint: &str,
    ) -> Result<Option<Allowance>, TooOften> {
        let Some(buckets) = self.buckets(sort, client) else {
            return Ok(None);
        };
        if self.asked.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            buckets.endpoints.retain_recent();
            buckets.totals.retain_recent();
        }
        let taken = buckets.take(caller, endpoint);
        if taken.is_err() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        taken.map(Some)
    }

    fn buckets(&self, sort: &str, client: Option<&str>) -> Option<&Buckets> {
        let has_the_limit = self.settings.apply_to.contains(sort);
        if self.settings.apply_to.is_empty() || (sort == HTTP && !has_the_limit) {
            return None;
        }
        let named = self
            .settings
            .clients
            .iter()
            .position(|limit| client.is_some_and(|client| client.starts_with(&limit.name)));
        match named.map(|at| self.special[at].as_ref()) {
            Some(None) => None,
            Some(Some(special)) if has_the_limit => Some(special),
            None if has_the_limit => Some(&self.usual),
            _ => self.others.as_ref(),
        }
    }
}

impl Buckets {
    fn new(limit: RateLimit) -> Self {
        let endpoint = Quota::per_minute(limit.per_minute).allow_burst(limit.burst);
        let total = Quota::per_hour(limit.per_hour);
        Self {
            limit,
            endpoints: RateLimiter::hashmap(endpoint).with_middleware(),
            totals: RateLimiter::hashmap(total).with_middleware(),
        }
    }

    fn take(&self, caller: &str, endpoint: &str) -> Result<Allowance, TooOften> {
        let now = DefaultClock::default().now();
        let too_often = |limit: String, retry_in: Duration| TooOften {
            endpoint: endpoint.to_owned(),
            limit,
            per_minute: self.limit.per_minute.get(),
            retry_in,
        };
        let left = self
            .endpoints
            .check_key(&format!("{caller} {endpoint}"))
            .map_err(|until| {
                too_often(
                    format!(
                        "{} requests a minute to one endpoint, {} at once",
                        self.limit.per_minute, self.limit.burst
                    ),
                    until.wait_time_from(now),
                )
            })?;
        let left_of_all = self.totals.check_key(&caller.to_owned()).map_err(|until| {
            too_often(
                format!("{} requests an hour", self.limit.per_hour),
                until.wait_time_from(now),
            )
        })?;
        let remaining = left.remaining_burst_capacity();
        let missing = self.limit.burst.get().saturating_sub(remaining);
        Ok(Allowance {
            limit: self.limit.per_minute.get(),
            remaining: remaining.min(left_of_all.remaining_burst_capacity()),
            full_in: Duration::from_secs(60) * missing / self.limit.per_minute.get(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(clients: &[&str]) -> RateLimits {
        RateLimits::new(RateSettings {
            clients: clients
                .iter()
                .map(|client| client.parse().expect("a limit"))
                .collect(),
            ..RateSettings::default()
        })
    }

    #[test]
    fn the_burst_is_granted_and_then_the_rate() {
        let limits = limits(&[]);
        for left in (0..20).rev() {
            let allowance = limits
                .count("enhanced", "a", None, "session_list")
                .expect("granted");
            assert_eq!(allowance.expect("limited").remaining, left);
        }
        let refused = limits
            .count("enhanced", "a", None, "session_list")
            .expect_err("the 21st");
        // One more every 600 ms.
        assert!(
            refused.retry_in <= Duration::from_millis(600),
            "{refused:?}"
        );
        assert!(
            limits.count("enhanced", "a", None, "session_close").is_ok(),
            "another endpoint"
        );
        assert!(
            limits.count("enhanced", "b", None, "session_list").is_ok(),
            "another caller"
        );
        assert_eq!(limits.refused(), 1);
    }

    #[test]
    fn all_endpoints_together_have_a_limit_too() {
        let limits = limits(&["few:60:5:60"]);
        for number in 0..5 {
            let endpoint = number.to_string();
            assert!(
                limits
                    .count("enhanced", "a", Some("few 1.0"), &endpoint)
                    .is_ok()
            );
        }
        let refused = limits
            .count("enhanced", "a", Some("few 1.0"), "5")
            .expect_err("the 6th");
        assert!(refused.limit.contains("an hour"), "{refused:?}");
    }

    #[test]
    fn a_client_can_be_let_off() {
        let limits = limits(&["claude-code:off"]);
        for _ in 0..200 {
            let counted = limits.count("enhanced", "a", Some("claude-code 2.1"), "session_list");
            assert_eq!(counted, Ok(None));
        }
    }

    #[test]
    fn other_tools_are_limited_where_no_work_comes() {
        let limits = limits(&["claude-code:off", "slow:1:1:1"]);
        for client in [None, Some("slow 1.0")] {
            let allowance = limits.count("native", "a", client, "session_read");
            assert_eq!(allowance.expect("granted").expect("limited").limit, 60_000);
        }
        let counted = limits.count("native", "a", Some("claude-code 2"), "session_read");
        assert_eq!(counted, Ok(None));
        for settings in [
            RateSettings {
                apply_to: BTreeSet::new(),
                ..RateSettings::default()
            },
            RateSettings {
                others: None,
                ..RateSettings::default()
            },
        ] {
            let limits = RateLimits::new(settings);
            assert_eq!(limits.count("native", "a", None, "session_read"), Ok(None));
        }
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for text in [
            "",
            "x",
            ":off",
            "x:0:1:1",
            "x:1:1",
            "x:1:1:1:1",
            "x:many:1:1",
        ] {
            let error = text.parse::<ClientLimit>().expect_err(text).to_string();
            assert!(error.contains("NAME:off"), "{error}");
        }
    }
}
