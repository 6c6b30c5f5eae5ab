//! How often a policy in shadow mode differed from those that rule: what a
//! person wants to know before promoting it.

use quarterdeck_policy::Tier;
use serde::Serialize;

use super::history::{History, HistoryError, Scope};
use super::row::KeptVerdict;
use crate::clock::rfc3339;

/// How many differences are shown of each shadow.
const EXAMPLES: usize = 10;

/// One shadow, in one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShadowRecord {
    /// The policy.
    pub policy: String,
    /// SHA-256 of its component, in hexadecimal.
    pub digest: String,
    /// How many commands it was asked about.
    pub asked: u64,
    /// How often it was stricter than the ruling.
    pub stricter: u64,
    /// How often it was laxer.
    pub laxer: u64,
    /// The newest commands on which it differed.
    pub newest: Vec<ShadowDifference>,
}

/// A command on which a shadow differed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShadowDifference {
    /// The row in the audit log.
    pub row: i64,
    /// When, in RFC 3339.
    pub at: String,
    /// The command line.
    pub command: String,
    /// What counted.
    pub ruled: Tier,
    /// What the shadow said.
    pub shadow: KeptVerdict,
}

impl ShadowRecord {
    /// How often it differed.
    pub fn differed(&self) -> u64 {
        self.stricter + self.laxer
    }
}

impl History {
    /// Every shadow that was asked about the commands in `scope`, the one asked
    /// last first.
    pub fn shadows(&self, scope: Scope) -> Result<Vec<ShadowRecord>, HistoryError> {
        let mut records: Vec<ShadowRecord> = Vec::new();
        self.read(scope, |command| {
            let Some(ruled) = KeptVerdict::deciding(&command.verdicts).map(|it| it.tier) else {
                return;
            };
            for shadow in &command.shadows {
                let record = record_of(&mut records, shadow);
                record.asked += 1;
                if shadow.tier == ruled {
                    continue;
                }
                if shadow.tier > ruled {
                    record.stricter += 1;
                } else {
                    record.laxer += 1;
                }
                if record.newest.len() < EXAMPLES {
                    record.newest.push(ShadowDifference {
                        row: command.row,
                        at: rfc3339(command.at),
                        command: command.request.command_line.clone(),
                        ruled,
                        shadow: shadow.clone(),
                    });
                }
            }
        })?;
        Ok(records)
    }
}

fn record_of<'a>(records: &'a mut Vec<ShadowRecord>, shadow: &KeptVerdict) -> &'a mut ShadowRecord {
    let at = records
        .iter()
        .position(|record| record.policy == shadow.policy && record.digest == shadow.digest)
        .unwrap_or_else(|| {
            records.push(ShadowRecord {
                policy: shadow.policy.clone(),
                digest: shadow.digest.clone(),
                asked: 0,
                stricter: 0,
                laxer: 0,
                newest: Vec::new(),
            });
            records.len() - 1
        });
    &mut records[at]
}
