//! What components say about a policy's corpus, and how long they take.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store};

use crate::Policy;
use crate::compile::Workspace;

use self::exports::quarterdeck::policy::approve::{Certainty, Entry, Request, Verdict};
use self::quarterdeck::policy::types::{Caller, PromptState, Session};

wasmtime::component::bindgen!({ path: "../../wit", world: "approver" });

/// One line of a corpus.
struct Case {
    command: String,
    cwd: Option<String>,
    program: Option<String>,
}

/// A component ready to be instantiated for each call, as the host does it.
struct Judge {
    engine: Engine,
    instances: ApproverPre<()>,
}

/// Judges the policy's corpus with both components; gives how many commands
/// there were, or says which verdict differs.
pub(crate) fn compare(
    workspace: &Workspace,
    policy: &Policy,
    committed: &[u8],
    rebuilt: &[u8],
) -> Result<usize> {
    let (committed, rebuilt) = (Judge::new(committed)?, Judge::new(rebuilt)?);
    let cases = corpus(workspace, policy)?;
    for case in &cases {
        let (before, after) = (committed.review(case)?, rebuilt.review(case)?);
        ensure!(
            format!("{before:?}") == format!("{after:?}"),
            "`{}`:\n  committed: {before:?}\n  from source: {after:?}",
            case.command
        );
    }
    Ok(cases.len())
}

/// Prints the median and the worst time of a verdict, fresh instance included.
pub(crate) fn measure(workspace: &Workspace, policy: &Policy, dist: &Path) -> Result<()> {
    const ROUNDS: usize = 20;

    let path = dist.join(format!("{}.wasm", policy.name));
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let judge = Judge::new(&bytes)?;
    let cases = corpus(workspace, policy)?;

    let mut fastest = vec![(Duration::MAX, Duration::MAX); cases.len()];
    for _ in 0..ROUNDS {
        for (case, fastest) in cases.iter().zip(&mut fastest) {
            let (mut store, instance) = judge.instance()?;
            let began = Instant::now();
            call(&mut store, &instance, &request(case))?;
            let verdict = began.elapsed();
            let began = Instant::now();
            judge.review(case)?;
            *fastest = (fastest.0.min(verdict), fastest.1.min(began.elapsed()));
        }
    }
    let summary = |label: &str, mut times: Vec<(Duration, usize)>| {
        times.sort();
        if let (Some(median), Some(worst)) = (times.get(times.len() / 2), times.last()) {
            let (median, worst, command) = (median.0, worst.0, &cases[worst.1].command);
            println!("{label}: median {median:.1?}, worst {worst:.1?} ({command:.60?})");
        }
    };
    println!(
        "{}: {} bytes, {} commands",
        policy.name,
        bytes.len(),
        cases.len()
    );
    let numbered = |pick: fn(&(Duration, Duration)) -> Duration| {
        fastest
            .iter()
            .enumerate()
            .map(|(index, times)| (pick(times), index))
            .collect()
    };
    summary("  verdict", numbered(|times| times.0));
    summary("  fresh instance and verdict", numbered(|times| times.1));

    let line = "for name in a b c; do echo \"$name $(date)\" | sed 's/a/b/' > out.txt; done\n";
    let script = line.repeat(100 * 1024 / line.len());
    let case = Case {
        command: script,
        cwd: None,
        program: None,
    };
    let began = Instant::now();
    judge.review(&case)?;
    println!(
        "  script of {} bytes: {:.1?}",
        case.command.len(),
        began.elapsed()
    );
    Ok(())
}

impl Judge {
    fn new(component: &[u8]) -> Result<Self> {
        let mut config = Config::new();
        config.concurrency_support(false);
        let engine = Engine::new(&config).map_err(readable)?;
        let instances = Component::new(&engine, component)
            .and_then(|component| Linker::new(&engine).instantiate_pre(&component))
            .and_then(ApproverPre::new)
            .map_err(readable)?;
        Ok(Self { engine, instances })
    }

    fn instance(&self) -> Result<(Store<()>, Approver)> {
        let mut store = Store::new(&self.engine, ());
        let instance = self.instances.instantiate(&mut store).map_err(readable)?;
        Ok((store, instance))
    }

    fn review(&self, case: &Case) -> Result<Verdict> {
        let (mut store, instance) = self.instance()?;
        call(&mut store, &instance, &request(case))
    }
}

fn call(store: &mut Store<()>, instance: &Approver, request: &Request) -> Result<Verdict> {
    instance
        .quarterdeck_policy_approve()
        .call_review(store, request)
        .map_err(readable)
        .with_context(|| format!("no verdict on `{:.200}`", request.command_line))
}

/// wasmtime has an error type of its own.
fn readable(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}

/// The request that a host would make of one line of the corpus.
fn request(case: &Case) -> Request {
    Request {
        command_line: case.command.clone(),
        entry: Entry::Command,
        certainty: Certainty::Exact,
        session: Session {
            id: "corpus".to_owned(),
            name: "corpus".to_owned(),
            backend: "pty".to_owned(),
            cwd: case.cwd.clone(),
            program: case.program.clone(),
            prompt: if case.program.is_some() {
                PromptState::Running
            } else {
                PromptState::AtPrompt
            },
            full_screen: false,
            tags: Vec::new(),
            role: None,
            team: None,
            attributes: Vec::new(),
        },
        caller: Caller {
            kind: "agent".to_owned(),
            agent: None,
            client: None,
            role: None,
            transport: "stdio".to_owned(),
        },
        recent: Vec::new(),
        time_ms: 0,
        attributes: Vec::new(),
    }
}

/// Reads `tests/corpus/*.jsonl` of the policy's folder.
fn corpus(workspace: &Workspace, policy: &Policy) -> Result<Vec<Case>> {
    let folder = workspace.root.join(&policy.folder).join("tests/corpus");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .with_context(|| format!("cannot list {}", folder.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file)?;
        for (index, line) in text.lines().enumerate() {
            let place = || format!("{} line {}", file.display(), index + 1);
            let value: Value = serde_json::from_str(line).with_context(place)?;
            let text = |key: &str| value[key].as_str().map(str::to_owned);
            cases.push(Case {
                command: text("command").with_context(place)?,
                cwd: text("cwd"),
                program: text("program"),
            });
        }
    }
    ensure!(!cases.is_empty(), "{} holds no commands", folder.display());
    Ok(cases)
}
