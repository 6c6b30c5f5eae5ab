//! Logs: structured lines on standard error and, for a host that serves, in a file
//! of each day. And spans, where somebody wants them.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::{Context, Result};
use quarterdeck_core::TRACE_TARGET;
use tracing::level_filters::LevelFilter;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

use crate::telemetry::Telemetry;

/// Log files are called `host.DATE.log`.
pub(crate) const FILE_PREFIX: &str = "host";
/// See [`FILE_PREFIX`].
pub(crate) const FILE_SUFFIX: &str = "log";
/// Days whose logs are kept.
const DAYS_KEPT: usize = 14;

/// Starts logging at `level`, a level or a filter; `verbose` raises it. Also into
/// `folder`, if there is one, and to the collector, if there is one.
pub(crate) fn start(
    level: &str,
    verbose: u8,
    folder: Option<&Path>,
    telemetry: Option<&Telemetry>,
) -> Result<()> {
    let filter = match verbose {
        0 => level,
        1 => "debug",
        _ => "trace",
    };
    // The protocol library and the compiler speak up about much that is normal.
    let quiet = ["wasmtime", "cranelift", "hyper"]
        .map(|noisy| format!("{noisy}=error"))
        .join(",");
    // Last, so that nothing overrides it: from their lower levels the protocol
    // libraries log whole calls and logins, with the passwords that some of them bring.
    // Spans are for the collector.
    let filter = if verbose > 1 {
        format!("{filter},rmcp=info,async_nats=info,{TRACE_TARGET}=off")
    } else {
        format!("{quiet},{filter},rmcp=error,async_nats=error,{TRACE_TARGET}=off")
    };
    let parsed = || {
        EnvFilter::try_new(&filter).with_context(|| {
            format!(
                "log.level {level:?} is not a level (error, warn, info, debug, trace) or a filter"
            )
        })
    };
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        // Where nobody reads any more there is nobody to tell, and telling would panic.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .with_filter(parsed()?);
    let file = match folder {
        Some(folder) => Some(
            fmt::layer()
                .with_writer(file_of_each_day(folder)?)
                .with_ansi(false)
                .with_target(false)
                .with_filter(parsed()?),
        ),
        None => None,
    };
    let spans = telemetry.map(|telemetry| {
        tracing_opentelemetry::layer()
            .with_tracer(telemetry.tracer())
            .with_filter(Targets::new().with_target(TRACE_TARGET, LevelFilter::TRACE))
    });
    tracing_subscriber::registry()
        .with(spans)
        .with(lines)
        .with(file)
        .init();
    Ok(())
}

/// What is wrong with a level or filter that a person wrote. The library takes a word
/// that is no level for the name of a module, and then logs nothing else.
pub(crate) fn mistake_in(level: &str) -> Option<String> {
    let word = |directive: &&str| !directive.contains(['=', '[']);
    let no_level = (level.split(',').map(str::trim))
        .filter(word)
        .find(|word| word.parse::<LevelFilter>().is_err());
    match (no_level, EnvFilter::try_new(level)) {
        (Some(word), _) => Some(format!(
            "{word:?} is no level: write error, warn, info, debug or trace, or MODULE=LEVEL"
        )),
        (None, Err(error)) => Some(error.to_string()),
        (None, Ok(_)) => None,
    }
}

fn file_of_each_day(folder: &Path) -> Result<RollingFileAppender> {
    RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(FILE_PREFIX)
        .filename_suffix(FILE_SUFFIX)
        .max_log_files(DAYS_KEPT)
        .build(folder)
        .with_context(|| format!("making a log file in {}", folder.display()))
}
