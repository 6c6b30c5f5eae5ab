//! Which machines there are: each says so every few seconds, and when it is asked.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use quarterdeck_core::tasks::Machine;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::connection::Connection;
use crate::subjects::{Announcement, MACHINES, ROLL_CALL};

/// A machine announces itself this often.
pub(crate) const ANNOUNCES_EVERY: Duration = Duration::from_secs(5);

/// One that was not heard of for so long is not counted on.
const COUNTED_ON_FOR: Duration = Duration::from_secs(16);

/// Machines that are listened to at most; more than that can take errands.
const MOST_KNOWN: usize = 10_000;

/// The longest name.
const LONGEST_NAME: usize = 64;

/// A machine's name: letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineName(String);

/// A name that no machine can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot be a machine's name: give 1 to {LONGEST_NAME} letters, digits, - and _")]
pub struct BadMachineName(String);

impl MachineName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// After the name that the system has on its network.
    pub fn of_host(name: &str) -> Self {
        let allowed = |it: char| match it.is_ascii_alphanumeric() || it == '_' {
            true => it,
            false => '-',
        };
        let name: String = name.chars().map(allowed).take(LONGEST_NAME).collect();
        Self::try_from(name).unwrap_or_else(|_| Self("machine".to_owned()))
    }
}

impl TryFrom<String> for MachineName {
    type Error = BadMachineName;

    fn try_from(name: String) -> Result<Self, BadMachineName> {
        let allowed = |it: u8| it.is_ascii_alphanumeric() || b"-_".contains(&it);
        match (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(allowed) {
            true => Ok(Self(name)),
            false => Err(BadMachineName(name)),
        }
    }
}

impl std::str::FromStr for MachineName {
    type Err = BadMachineName;

    fn from_str(name: &str) -> Result<Self, BadMachineName> {
        Self::try_from(name.to_owned())
    }
}

impl fmt::Display for MachineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Keeps the roster until the owner has `gone`.
pub(crate) async fn keep_roster(
    connection: Connection,
    roster: watch::Sender<Arc<[Machine]>>,
    gone: CancellationToken,
) {
    let mut known: HashMap<String, (Machine, Instant)> = HashMap::new();
    loop {
        let Ok(mut announcements) = connection.client.subscribe(MACHINES).await else {
            return;
        };
        // Those who miss it announce themselves soon.
        let _ = connection.client.publish(ROLL_CALL, "".into()).await;
        let mut looks = tokio::time::interval(ANNOUNCES_EVERY);
        loop {
            tokio::select! {
                announced = announcements.next() => match announced {
                    Some(message) => learn(&mut known, &message.payload),
                    None => break,
                },
                _ = looks.tick() => {
                    known.retain(|_, (_, heard)| heard.elapsed() < COUNTED_ON_FOR);
                }
                () = gone.cancelled() => return,
            }
            tell(&known, &roster);
        }
    }
}

fn learn(known: &mut HashMap<String, (Machine, Instant)>, payload: &[u8]) {
    let Ok(announced) = serde_json::from_slice::<Announcement>(payload) else {
        return tracing::warn!("something that is no announcement came over {MACHINES}");
    };
    if announced.leaves {
        known.remove(&announced.instance);
    } else if known.len() < MOST_KNOWN || known.contains_key(&announced.instance) {
        known.insert(announced.instance, (announced.machine, Instant::now()));
    }
}

fn tell(known: &HashMap<String, (Machine, Instant)>, roster: &watch::Sender<Arc<[Machine]>>) {
    let mut machines: Vec<Machine> = known.values().map(|(it, _)| it.clone()).collect();
    machines.sort_by(|one, other| one.name.cmp(&other.name));
    roster.send_if_modified(|told| {
        let changed = **told != *machines;
        if changed {
            *told = machines.into();
        }
        changed
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_into_a_subject() {
        for good in ["a", "builder-1", "B_2"] {
            assert_eq!(good.parse::<MachineName>().expect(good).as_str(), good);
        }
        for bad in ["", "a.b", "a b", "*", "ä", &"x".repeat(65)] {
            let error = bad.parse::<MachineName>().expect_err(bad).to_string();
            assert!(error.contains("cannot be a machine's name"), "{error}");
        }
        assert_eq!(
            MachineName::of_host("host.example.org").as_str(),
            "host-example-org"
        );
        assert_eq!(MachineName::of_host("").as_str(), "machine");
    }

    #[test]
    fn machines_come_and_go() {
        let announced = |instance: &str, slots, leaves| {
            serde_json::to_vec(&Announcement {
                instance: instance.to_owned(),
                machine: Machine {
                    name: "m".to_owned(),
                    tags: Vec::new(),
                    slots,
                },
                leaves,
            })
            .expect("JSON")
        };
        let mut known = HashMap::new();
        let (roster, told) = watch::channel(Arc::from([]));
        for (payload, slots) in [
            (announced("a", 2, false), vec![2]),
            (announced("b", 3, false), vec![2, 3]),
            (announced("a", 2, true), vec![3]),
            (b"nonsense".to_vec(), vec![3]),
        ] {
            learn(&mut known, &payload);
            tell(&known, &roster);
            let mut seen: Vec<u32> = told.borrow().iter().map(|it| it.slots).collect();
            seen.sort_unstable();
            assert_eq!(seen, slots);
        }
    }
}
