//! Spans for a person who looks for something: a line each, on standard error.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use opentelemetry::trace::SpanId;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

/// Prints each span as it ends. Standard output is protocol in `quarterdeck mcp`.
#[derive(Debug)]
pub(super) struct Console;

impl SpanExporter for Console {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        for span in batch {
            // Where nobody reads any more there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "{}", line(&span));
        }
        Ok(())
    }
}

fn line(span: &SpanData) -> String {
    let took = span.end_time.duration_since(span.start_time);
    let mut line = format!(
        "span {} {:.3} ms trace={} id={}",
        span.name,
        took.unwrap_or(Duration::ZERO).as_secs_f64() * 1000.0,
        span.span_context.trace_id(),
        span.span_context.span_id(),
    );
    if span.parent_span_id != SpanId::INVALID {
        let _ = write!(line, " parent={}", span.parent_span_id);
    }
    for attribute in &span.attributes {
        // What a client calls itself may hold anything.
        let value = format!("{:?}", attribute.value.as_str());
        let _ = write!(line, " {}={value}", attribute.key);
    }
    line
}
