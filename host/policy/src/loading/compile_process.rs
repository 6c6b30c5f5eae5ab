//! Compiling in a process of its own.
//!
//! A compiler takes tens of megabytes for a moment, of which an allocator gives
//! back only a part, and a component can be made to keep it busy. So a host has a
//! second process of its own program compile: that leaves compiled code in the
//! cache and ends, and the host finds it there, as at every later start. What is
//! not there afterwards, because the component is bad or the process could not be
//! started, the host sees to itself: it has the better words for what is wrong.

use std::io::{self, BufRead};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::calling::call_terms::CallTerms;
use crate::calling::engine::{EngineError, PolicyEngine};
use crate::loading::code_cache::{CacheError, CodeCache};
use crate::loading::load::Loader;
use crate::{Grants, Limits, Settings};

/// The argument under which the program calls [`compile_into_cache`].
pub const COMPILE_POLICY: &str = "compile-policy";

/// Components up to this many bytes are compiled in the host itself: that takes
/// some ten milliseconds and little memory, and another process would double the
/// time to the first verdict of a small policy that was swapped.
pub(crate) const SMALL_COMPONENT: usize = 128 << 10;

/// Processor time that one compilation may take, in seconds: the largest
/// components take some twenty.
const PROCESSOR_SECONDS: u64 = 600;

/// The program that compiles, and where it leaves what it made.
#[derive(Debug, Clone)]
pub(crate) struct CompileProcess {
    pub(crate) program: PathBuf,
    pub(crate) cache_dir: PathBuf,
}

/// Why the second process did nothing.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The order or the component could not be read.
    #[error("cannot read what to compile from standard input: {0}")]
    Input(#[from] io::Error),
    /// The order makes no sense.
    #[error(
        "standard input does not begin with an order; only a host of this version calls this: {0}"
    )]
    Order(#[from] serde_json::Error),
    /// There is no engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The cache cannot be used.
    #[error("{0}")]
    Cache(String),
}

/// What precedes the component on standard input, as one line of JSON.
#[derive(Serialize, Deserialize)]
struct Order {
    cache_dir: PathBuf,
    policy: String,
    config: String,
    deadline_ms: u64,
    memory_bytes: u64,
    grants: Grants,
}

impl CompileProcess {
    /// Has `wasm` compiled, and prepared for `config` if that is worth it.
    /// Returns when the process has ended; an error means that it did not come
    /// to an end by itself. Whoever gives up waiting ends the process.
    pub(crate) async fn compile(
        &self,
        wasm: &[u8],
        config: &str,
        terms: &CallTerms,
    ) -> Result<(), ExitStatus> {
        let order = Order {
            cache_dir: self.cache_dir.clone(),
            policy: terms.policy.to_string(),
            config: config.to_owned(),
            deadline_ms: u64::try_from(terms.limits.deadline.as_millis()).unwrap_or(u64::MAX),
            memory_bytes: terms.limits.memory_bytes,
            grants: terms.grants.clone(),
        };
        match self.run(&order, wasm).await {
            Ok(status) if status.signal().is_some() => Err(status),
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::info!(
                    "cannot compile in a process of its own ({}): {error}",
                    self.program.display()
                );
                Ok(())
            }
        }
    }

    async fn run(&self, order: &Order, wasm: &[u8]) -> io::Result<ExitStatus> {
        let mut process = Command::new(&self.program)
            .arg(COMPILE_POLICY)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        let mut sent = Ok(());
        if let Some(mut input) = process.stdin.take() {
            sent = input.write_all(&line).await;
            if sent.is_ok() {
                sent = input.write_all(wasm).await;
            }
        }
        let status = process.wait().await?;
        sent.map(|()| status)
    }
}

/// Compiles what `CompileProcess` sends on standard input, and ends. What is wrong with
/// a component is not told: the host finds out by itself.
pub fn compile_into_cache(input: &mut impl BufRead) -> Result<(), CompileError> {
    limit_processor_time();
    let mut line = String::new();
    input.read_line(&mut line)?;
    let order: Order = serde_json::from_str(&line)?;
    let mut wasm = Vec::new();
    input.read_to_end(&mut wasm)?;

    let engine = PolicyEngine::new(Settings::KEPT_BY_ONE_COMMAND)?;
    let cache = open_cache(&order.cache_dir, &engine)?;
    let loader = Loader::new(engine, Some(cache));
    let terms = Arc::new(CallTerms {
        policy: order.policy.into(),
        limits: Limits {
            deadline: Duration::from_millis(order.deadline_ms),
            memory_bytes: order.memory_bytes,
            ..Limits::default()
        },
        grants: order.grants,
        reuse: false,
        trial: false,
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let prepared = runtime.block_on(loader.prepare_for_cache(&wasm, &order.config, &terms));
    if let Err(rejection) = prepared {
        tracing::debug!("{rejection}");
    }
    Ok(())
}

fn open_cache(folder: &Path, engine: &PolicyEngine) -> Result<CodeCache, CompileError> {
    CodeCache::open(folder, engine)
        .map_err(|error: CacheError| CompileError::Cache(error.to_string()))
}

/// Without the limit a compilation may take longer, no more.
fn limit_processor_time() {
    let limit = Rlimit {
        current: Some(PROCESSOR_SECONDS),
        maximum: Some(PROCESSOR_SECONDS),
    };
    if let Err(error) = setrlimit(Resource::Cpu, limit) {
        tracing::debug!(%error, "no limit of processor time");
    }
}
