//! Traces and metrics for a collector, as OTLP over gRPC or HTTP, and traces for a person
//! who looks on. Off unless it is configured.
//!
//! Spans come from `tracing`, under a target of their own that only the exporter
//! listens to: without one, they are not made. Exporting happens on threads of the
//! exporter's own. Metrics are read off the host when they are due.

use std::sync::{Arc, Weak};

use anyhow::{Context, Result};
use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{ExporterBuildError, MetricExporter, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use quarterdeck_core::Host;
use tokio::runtime::{Builder, Runtime};

mod collector;
mod console;
mod settings;

use collector::Told;
use console::Console;
use settings::{Collector, Protocol};
pub(crate) use settings::{Exports, TelemetrySettings};

/// The name of what is instrumented.
const SCOPE: &str = "quarterdeck";

/// What is exported, until it is dropped: spans that wait then are sent first.
pub(crate) struct Telemetry {
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
    /// Carries the connection to a collector that takes gRPC.
    runtime: Option<Runtime>,
}

impl Telemetry {
    /// Prepares to export. Nothing is sent before something happens.
    pub(crate) fn start(exports: &Exports) -> Result<Self> {
        // Also where `plugin add` has not chosen it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut resource = Resource::builder()
            .with_service_name(exports.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        if !exports.environment.is_empty() {
            let environment = exports.environment.clone();
            resource =
                resource.with_attribute(KeyValue::new("deployment.environment.name", environment));
        }
        let resource = resource.build();
        let mut traces = SdkTracerProvider::builder().with_resource(resource.clone());
        let mut metrics = SdkMeterProvider::builder().with_resource(resource);
        if exports.console {
            traces = traces.with_simple_exporter(Console);
        }
        let mut runtime = None;
        if let Some(collector) = &exports.collector {
            if collector.protocol == Protocol::Grpc {
                runtime = Some(runtime_of_its_own()?);
            }
            let _within = runtime.as_ref().map(Runtime::enter);
            let wrong = || {
                format!(
                    "telemetry.endpoint is {:?}, which is no address of a collector such as http://localhost:4318",
                    collector.endpoint
                )
            };
            let endpoint = &collector.endpoint;
            if collector.traces {
                let exporter = collector.spans().with_context(wrong)?;
                let exporter = Told::new(exporter, "traces", endpoint.clone());
                traces = traces.with_batch_exporter(exporter);
            }
            if collector.metrics {
                let exporter = collector.figures().with_context(wrong)?;
                let exporter = Told::new(exporter, "metrics", endpoint.clone());
                let reader = PeriodicReader::builder(exporter)
                    .with_interval(exports.metrics_interval)
                    .build();
                metrics = metrics.with_reader(reader);
            }
        }
        Ok(Self {
            traces: traces.build(),
            metrics: metrics.build(),
            runtime,
        })
    }

    /// Makes spans of what `tracing` tells.
    pub(crate) fn tracer(&self) -> SdkTracer {
        self.traces.tracer(SCOPE)
    }

    /// Exports figures of this host from now on.
    pub(crate) fn watch(&self, host: &Arc<Host>) {
        let meter = self.metrics.meter(SCOPE);
        let host = Arc::downgrade(host);
        let gauge = |name: &'static str, what: &'static str, read: fn(&Host) -> u64| {
            let host = Weak::clone(&host);
            meter
                .u64_observable_gauge(name)
                .with_description(what)
                .with_callback(move |seen| {
                    if let Some(host) = host.upgrade() {
                        seen.observe(read(&host), &[]);
                    }
                })
                .build();
        };
        gauge("quarterdeck.sessions", "Sessions that are open", |host| {
            host.overview().sessions as u64
        });
        gauge(
            "quarterdeck.confirmations.waiting",
            "Commands that wait for a person",
            |host| host.overview().waiting as u64,
        );
        let of = Weak::clone(&host);
        meter
            .u64_observable_counter("quarterdeck.verdicts")
            .with_description("Command lines judged, by tier and by what the gate did")
            .with_callback(move |seen| {
                let verdicts = of.upgrade().map(|host| host.overview().verdicts);
                for count in verdicts.into_iter().flatten() {
                    let tier = count.tier.map_or("none", |tier| tier.as_str());
                    let labels = [
                        KeyValue::new("tier", tier),
                        KeyValue::new("decision", count.decision),
                    ];
                    seen.observe(count.count, &labels);
                }
            })
            .build();
        let of = Weak::clone(&host);
        meter
            .u64_observable_counter("quarterdeck.events")
            .with_description("Events published, by type")
            .with_callback(move |seen| {
                let Some(host) = of.upgrade() else { return };
                for (event_type, count) in host.events().counts() {
                    seen.observe(count, &[KeyValue::new("type", event_type.as_str())]);
                }
            })
            .build();
        meter
            .u64_observable_counter("quarterdeck.policy.calls")
            .with_description("Calls of each policy's generation in charge")
            .with_callback(move |seen| {
                let Some(host) = host.upgrade() else { return };
                for policy in host.policies_so_far() {
                    let kind = policy.kind_name().to_string();
                    let labels = [
                        KeyValue::new("policy", policy.name.clone()),
                        KeyValue::new("kind", kind),
                    ];
                    seen.observe(policy.calls, &labels);
                }
            })
            .build();
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Err(error) = self.traces.shutdown() {
            tracing::debug!(%error, "the last spans did not reach the collector");
        }
        if let Err(error) = self.metrics.shutdown() {
            tracing::debug!(%error, "the last metrics did not reach the collector");
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Collector {
    fn spans(&self) -> Result<SpanExporter, ExporterBuildError> {
        let builder = SpanExporter::builder();
        match self.protocol {
            Protocol::Grpc => builder.with_tonic().with_endpoint(&self.endpoint).build(),
            Protocol::Http => (builder.with_http())
                .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
                .with_endpoint(self.path("/v1/traces"))
                .build(),
        }
    }

    fn figures(&self) -> Result<MetricExporter, ExporterBuildError> {
        let builder = MetricExporter::builder();
        match self.protocol {
            Protocol::Grpc => builder.with_tonic().with_endpoint(&self.endpoint).build(),
            Protocol::Http => (builder.with_http())
                .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
                .with_endpoint(self.path("/v1/metrics"))
                .build(),
        }
    }

    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.endpoint.trim_end_matches('/'))
    }
}

/// Spans are also sent when the host's runtime has ended.
fn runtime_of_its_own() -> Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("telemetry")
        .enable_all()
        .build()
        .context("starting the thread that speaks to the collector")
}
