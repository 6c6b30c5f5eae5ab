//! Traces and metrics for a collector, as OTLP over HTTP (protobuf). Off unless an
//! endpoint is configured.
//!
//! Spans come from `tracing`, under a target of their own that only the exporter
//! listens to: without one, they are not made. Exporting happens on threads of the
//! exporter's own. Metrics are read off the host when they are due.

use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::{Context, Result};
use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{MetricExporter, Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use quarterdeck_core::Host;
use serde::Deserialize;

mod collector;

use collector::Told;

/// The name of what is instrumented.
const SCOPE: &str = "quarterdeck";

/// Where traces and metrics go.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct TelemetrySettings {
    /// The collector's address; empty for none.
    endpoint: String,
    service_name: String,
    /// Empty for none.
    environment: String,
    metrics_seconds: u64,
}

impl TelemetrySettings {
    /// Takes over what the environment says in OpenTelemetry's own words.
    pub(crate) fn with_environment(
        mut self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Option<Self> {
        let given = |name| environment(name).filter(|value| !value.is_empty());
        if let Some(endpoint) = given("OTEL_EXPORTER_OTLP_ENDPOINT") {
            self.endpoint = endpoint;
        }
        if let Some(name) = given("OTEL_SERVICE_NAME") {
            self.service_name = name;
        }
        if let Some(environment) = given("OTEL_ENVIRONMENT") {
            self.environment = environment;
        }
        let off = [
            given("OTEL_SDK_DISABLED").is_some_and(|it| it.eq_ignore_ascii_case("true")),
            given("OTEL_ENABLED").is_some_and(|it| it.eq_ignore_ascii_case("false")),
            given("OTEL_TRACES_EXPORTER").is_some_and(|it| it == "none"),
            self.endpoint.is_empty(),
        ];
        (!off.contains(&true)).then_some(self)
    }

    fn signal(&self, path: &str) -> String {
        format!("{}{path}", self.endpoint.trim_end_matches('/'))
    }
}

/// What is exported, until it is dropped: spans that wait then are sent first.
pub(crate) struct Telemetry {
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
}

impl Telemetry {
    /// Prepares to export. Nothing is sent before something happens.
    pub(crate) fn start(settings: &TelemetrySettings) -> Result<Self> {
        // Also where `plugin add` has not chosen it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut resource = Resource::builder()
            .with_service_name(settings.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        if !settings.environment.is_empty() {
            let environment = settings.environment.clone();
            resource =
                resource.with_attribute(KeyValue::new("deployment.environment.name", environment));
        }
        let resource = resource.build();
        let wrong = || {
            format!(
                "telemetry.endpoint is {:?}, which is no address of a collector such as http://localhost:4318",
                settings.endpoint
            )
        };
        let spans = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(settings.signal("/v1/traces"))
            .build()
            .with_context(wrong)?;
        let figures = MetricExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(settings.signal("/v1/metrics"))
            .build()
            .with_context(wrong)?;
        let interval = Duration::from_secs(settings.metrics_seconds.max(1));
        Ok(Self {
            traces: SdkTracerProvider::builder()
                .with_resource(resource.clone())
                .with_batch_exporter(Told::new(spans, "traces", settings.endpoint.clone()))
                .build(),
            metrics: SdkMeterProvider::builder()
                .with_resource(resource)
                .with_reader(
                    PeriodicReader::builder(Told::new(
                        figures,
                        "metrics",
                        settings.endpoint.clone(),
                    ))
                    .with_interval(interval)
                    .build(),
                )
                .build(),
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(endpoint: &str) -> TelemetrySettings {
        TelemetrySettings {
            endpoint: endpoint.to_owned(),
            service_name: "quarterdeck".to_owned(),
            environment: String::new(),
            metrics_seconds: 60,
        }
    }

    #[test]
    fn the_environment_decides_in_opentelemetrys_words() {
        let endpoint = "http://localhost:4318";
        for (configured, variables, expected) in [
            ("", &[][..], None),
            (endpoint, &[], Some(endpoint)),
            (
                "",
                &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318")],
                Some("http://c:4318"),
            ),
            (
                endpoint,
                &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")],
                Some(endpoint),
            ),
            (endpoint, &[("OTEL_ENABLED", "false")], None),
            (endpoint, &[("OTEL_SDK_DISABLED", "TRUE")], None),
            (endpoint, &[("OTEL_TRACES_EXPORTER", "none")], None),
        ] {
            let environment = |name: &str| {
                let known = variables.iter().find(|(known, _)| *known == name);
                known.map(|(_, value)| (*value).to_owned())
            };
            let found = settings(configured).with_environment(environment);
            let endpoint = found.as_ref().map(|it| it.endpoint.as_str());
            assert_eq!(endpoint, expected, "{configured:?} {variables:?}");
        }
    }
}
