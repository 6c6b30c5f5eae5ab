//! `quarterdeck plugin list`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Result;
use quarterdeck_server::socket::{AskError, Request, ask};
use serde_json::Value;

use crate::Setup;
use crate::hosting::{runtime, start_host};

/// Lists the policies of the running host, or those that a host would load.
pub(super) fn run(setup: &Setup, json: bool) -> Result<ExitCode> {
    let policies = runtime()?.block_on(policies(setup))?;
    if json {
        anstream::println!("{}", serde_json::to_string(&policies)?);
        return Ok(ExitCode::SUCCESS);
    }
    let widest = |key: &str| {
        let lengths = policies.iter().map(|policy| text(policy, key).len());
        lengths.max().unwrap_or_default()
    };
    let (names, kinds) = (widest("name"), widest("kind"));
    // What is wrong with the folder is wrong with all of its policies.
    let mut errors: BTreeMap<&str, usize> = BTreeMap::new();
    for error in policies.iter().filter_map(|it| it["lastError"].as_str()) {
        *errors.entry(error).or_default() += 1;
    }
    for policy in &policies {
        let digest = text(policy, "digest");
        let generation = match policy["generation"].as_u64() {
            Some(0) => String::new(),
            _ => format!("generation {}", policy["generation"]),
        };
        anstream::println!(
            "{:names$}  {:kinds$}  {:11}  {generation:12}  {}  {}",
            text(policy, "name"),
            text(policy, "kind"),
            text(policy, "state"),
            digest.get(..12).unwrap_or(digest),
            text(policy, "source"),
        );
        if let Some(differed) = policy["shadowDiffered"].as_u64() {
            anstream::println!(
                "    in shadow: answered otherwise than the ruling policies in {differed} of {} calls",
                policy["calls"]
            );
        }
        match policy["lastError"].as_str() {
            Some(error) if errors.get(error) == Some(&1) => anstream::println!("    {error}"),
            _ => {}
        }
    }
    for (error, policies) in errors.iter().filter(|(_, policies)| **policies > 1) {
        anstream::println!("{policies} of them: {error}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Those of the running host, else those that a host started now would load.
pub(super) async fn policies(setup: &Setup) -> Result<Vec<Value>> {
    match ask(&setup.paths.shared_socket(), &Request::Policies).await {
        Ok(policies) => Ok(policies),
        Err(AskError::NoHost(_)) => {
            let host = start_host(setup)?;
            let policies = host
                .policies()
                .await
                .iter()
                .map(serde_json::to_value)
                .collect::<Result<_, _>>()?;
            host.shutdown().await;
            Ok(policies)
        }
        Err(error) => Err(error.into()),
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("unknown")
}
