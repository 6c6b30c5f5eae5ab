//! `quarterdeck plugin inspect`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use quarterdeck_core::policy::ComponentFacts;
use serde_json::{Value, json};

use super::check::{component_in, stem, try_component};
use super::config;
use super::folder::read_if_there;
use super::list;
use crate::hosting::runtime;
use crate::{Setup, bundled};

/// What is known of a component, and of the policy that it is or would be.
struct Inspected {
    facts: ComponentFacts,
    /// As a host lists it; of a file that is not installed, as one would.
    status: Value,
    installed: bool,
}

/// Says everything about a component: an installed policy, or a file.
pub(super) fn run(setup: &Setup, subject: &str, json: bool) -> Result<ExitCode> {
    let file = Path::new(subject);
    let inspected = if file.components().count() > 1 || file.is_file() {
        of_file(setup, file)?
    } else {
        of_policy(setup, subject)?
    };
    if json {
        let Inspected { facts, status, .. } = inspected;
        let both = json!({ "component": facts, "policy": status });
        anstream::println!("{both}");
    } else {
        print(&inspected);
    }
    Ok(ExitCode::SUCCESS)
}

/// A file, with the sidecar beside it, as a host would take it.
fn of_file(setup: &Setup, file: &Path) -> Result<Inspected> {
    let name = stem(file)?;
    let component = component_in(file)?;
    let sidecar = read_if_there(&file.with_extension("toml"))?;
    let trial = try_component(setup, name, &component, sidecar.as_deref())?;
    let mut status = serde_json::to_value(&trial.status)?;
    // Those are of the trial's own host.
    status["source"] = json!(file);
    status["generation"] = Value::Null;
    Ok(Inspected {
        facts: ComponentFacts::of(&component),
        status,
        installed: false,
    })
}

/// A policy of the running host, or of one that would be started now.
fn of_policy(setup: &Setup, name: &str) -> Result<Inspected> {
    let policies = runtime()?.block_on(list::policies(setup))?;
    let Some(status) = policies.into_iter().find(|policy| policy["name"] == name) else {
        bail!(
            "there is no policy {name}, and no file of that name; `quarterdeck plugin list` names the policies"
        );
    };
    let source = text(&status, "source");
    let component = if source == "bundled" {
        let bundled = bundled::policies();
        let policy = bundled.iter().find(|policy| policy.name == name);
        let missing = || format!("{name} is bundled with another version of Quarterdeck");
        policy.with_context(missing)?.wasm.to_vec()
    } else {
        fs::read(source).with_context(|| format!("reading {source}"))?
    };
    Ok(Inspected {
        facts: ComponentFacts::of(&component),
        status,
        installed: true,
    })
}

fn print(inspected: &Inspected) {
    let Inspected {
        facts,
        status,
        installed,
    } = inspected;
    let line = |label: &str, said: &str| anstream::println!("  {label:<10} {said}");

    anstream::println!("{}", text(status, "name"));
    match facts.kind {
        Some(kind) => line(
            "world",
            &format!("{kind} of quarterdeck:policy@{}", facts.wit_version),
        ),
        None => line("world", "none: it is no policy"),
    }
    line("file", text(status, "source"));
    line("size", &format!("{} bytes", facts.size));
    line("digest", &facts.digest);
    made_by(facts, line);
    listed("imports", &facts.imports, line);
    listed("exports", &facts.exports, line);
    if let Some(schema) = &facts.config_schema {
        listed("[config]", &config::keys(schema), line);
    }

    if *installed {
        let state = text(status, "state");
        let state = match status["generation"].as_u64() {
            Some(0) => state.to_owned(),
            _ => format!("{state}, generation {}", status["generation"]),
        };
        line("state", &state);
        if text(status, "digest") != facts.digest {
            line("", "another version than the file's is in charge, or none");
        }
        let calls = match status["calls"].as_u64() {
            Some(0) => "none yet".to_owned(),
            _ => format!(
                "{}, half of them under {} µs, 99 of 100 under {} µs; {} failed",
                status["calls"], status["p50Micros"], status["p99Micros"], status["traps"]
            ),
        };
        line("calls", &calls);
    }
    line("trust", text(status, "trust"));
    if let Some(limits) = status["limits"].as_object() {
        line(
            "limits",
            &format!(
                "{} ms and {} bytes of memory for a call",
                limits["deadlineMs"], limits["memoryBytes"]
            ),
        );
    }
    line("instances", text(status, "instances"));
    listed("grants", &grants(&status["grants"]), line);
    let refusal = facts.refusal.as_deref().or(status["lastError"].as_str());
    if let Some(refusal) = refusal {
        line("refused", refusal);
    }
}

/// What the metadata claims; nobody verified it.
fn made_by(facts: &ComponentFacts, line: impl Fn(&str, &str)) {
    let claims = &facts.provenance;
    for (label, claim) in [
        ("name", &claims.name),
        ("version", &claims.version),
        ("authors", &claims.authors),
        ("about", &claims.description),
        ("licence", &claims.licenses),
        ("source", &claims.source),
        ("homepage", &claims.homepage),
        ("revision", &claims.revision),
    ] {
        if let Some(claim) = claim {
            line(label, claim);
        }
    }
    for (label, claims) in [("languages", &claims.languages), ("tools", &claims.tools)] {
        if !claims.is_empty() {
            line(label, &claims.join(", "));
        }
    }
}

/// One thing on each line, the first beside the label.
fn listed(label: &str, things: &[String], line: impl Fn(&str, &str)) {
    if things.is_empty() {
        line(label, "none");
    }
    for (at, thing) in things.iter().enumerate() {
        line(if at == 0 { label } else { "" }, thing);
    }
}

fn grants(granted: &Value) -> Vec<String> {
    let names = |key: &str| granted[key].as_array().cloned().unwrap_or_default();
    let said = |what: &str, names: Vec<Value>| -> Vec<String> {
        let names = names.iter().filter_map(Value::as_str);
        names.map(|name| format!("{what} {name}")).collect()
    };
    let mut grants = said("read", names("read"));
    if granted["clock"] == true {
        grants.push("clock".to_owned());
    }
    grants.extend(said("environment", names("environment")));
    grants
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("?")
}
