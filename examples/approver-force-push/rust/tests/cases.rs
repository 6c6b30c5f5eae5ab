//! Holds the rule to `cases.toml`, natively: the component is held to the same
//! file by `tests/sdk/run`.

use approver_force_push::{Config, ForcePush};
use quarterdeck_sdk::approver::{Approver, Request, Tier};
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    case: Vec<Case>,
    refused: Vec<Refused>,
}

#[derive(Deserialize)]
struct Case {
    #[serde(default)]
    config: toml::Table,
    command: String,
    tier: String,
    rule: Option<String>,
    piece: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    config: toml::Table,
    names: String,
}

fn cases() -> File {
    toml::from_str(include_str!("../../cases.toml")).expect("a case file")
}

fn configured(config: &toml::Table) -> Result<ForcePush, String> {
    let config: Config = config
        .clone()
        .try_into()
        .map_err(|error| format!("{error}"))?;
    ForcePush::configure(config)
}

#[test]
fn every_case_is_judged_as_written() {
    for case in cases().case {
        let request = Request::for_test(&case.command);
        let verdict = configured(&case.config).expect("a policy").review(&request);
        let tier = match verdict.tier {
            Tier::Safe => "safe",
            Tier::Review => "review",
            Tier::Dangerous => "dangerous",
        };
        let piece = verdict
            .span
            .map(|span| case.command[span.start as usize..span.end as usize].to_owned());
        assert_eq!(
            (tier, verdict.rule, piece),
            (case.tier.as_str(), case.rule, case.piece),
            "{:?}",
            case.command
        );
    }
}

#[test]
fn a_wrong_configuration_is_refused_by_name() {
    for refused in cases().refused {
        let error = configured(&refused.config).expect_err("a refusal");
        assert!(error.contains(&refused.names), "{error}");
    }
}
