//! What is exported, and where to: from the configuration, and from what the environment
//! says in OpenTelemetry's own words and in those of iterm-mcp.

use std::time::Duration;

use serde::Deserialize;

/// The port at which collectors take OTLP over gRPC.
const GRPC_PORT: &str = ":4317";

/// The `[telemetry]` table.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct TelemetrySettings {
    /// The collector's address; empty for none.
    endpoint: String,
    protocol: ProtocolChoice,
    service_name: String,
    /// Empty for none.
    environment: String,
    metrics_seconds: u64,
}

/// How to speak to the collector.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
enum ProtocolChoice {
    /// As is usual at the endpoint's port.
    #[serde(rename = "")]
    AsThePortSays,
    #[serde(rename = "grpc")]
    Grpc,
    #[serde(rename = "http/protobuf")]
    Http,
}

/// How OTLP is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Grpc,
    /// In protobuf.
    Http,
}

/// What is exported.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exports {
    pub(super) collector: Option<Collector>,
    /// Whether spans are printed, too.
    pub(super) console: bool,
    pub(super) service_name: String,
    /// Empty for none.
    pub(super) environment: String,
    pub(super) metrics_interval: Duration,
}

/// A collector, and what it gets.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Collector {
    pub(super) endpoint: String,
    pub(super) protocol: Protocol,
    pub(super) traces: bool,
    pub(super) metrics: bool,
}

impl TelemetrySettings {
    /// Lays what the environment says over the settings; none if nothing is exported.
    pub(crate) fn with_environment(
        &self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Option<Exports> {
        let given = |name| environment(name).filter(|value| !value.is_empty());
        let says = |name, word: &str| given(name).is_some_and(|it| it.eq_ignore_ascii_case(word));
        if says("OTEL_SDK_DISABLED", "true") || says("OTEL_ENABLED", "false") {
            return None;
        }
        let among = |name, word: &str| {
            given(name).map(|exporters| exporters.split(',').any(|it| it.trim() == word))
        };
        let traces = among("OTEL_TRACES_EXPORTER", "otlp");
        let metrics = among("OTEL_METRICS_EXPORTER", "otlp");
        // Whoever asks for OTLP by name means the usual collector, if no other.
        let asked_for = [traces, metrics].contains(&Some(true)) || says("OTEL_ENABLED", "true");
        let endpoint = given("OTEL_EXPORTER_OTLP_ENDPOINT")
            .or_else(|| Some(self.endpoint.clone()).filter(|it| !it.is_empty()));
        let choice = match given("OTEL_EXPORTER_OTLP_PROTOCOL").as_deref() {
            Some("grpc") => ProtocolChoice::Grpc,
            Some(other) if other.starts_with("http/") => ProtocolChoice::Http,
            _ => self.protocol,
        };
        let endpoint = match endpoint {
            None if asked_for && choice == ProtocolChoice::Http => Some("localhost:4318".into()),
            None if asked_for => Some("localhost:4317".into()),
            endpoint => endpoint,
        };
        let encrypted = says("OTEL_EXPORTER_OTLP_INSECURE", "false");
        let collector = endpoint.map(|endpoint| Collector {
            protocol: choice.at(&endpoint),
            endpoint: with_scheme(endpoint, encrypted),
            traces: traces.unwrap_or(true),
            metrics: metrics.unwrap_or(true),
        });
        let collector = collector.filter(|it| it.traces || it.metrics);
        let console = among("OTEL_TRACES_EXPORTER", "console") == Some(true)
            || says("OTEL_CONSOLE_EXPORTER", "true");
        (console || collector.is_some()).then(|| Exports {
            collector,
            console,
            service_name: given("OTEL_SERVICE_NAME").unwrap_or_else(|| self.service_name.clone()),
            environment: given("OTEL_ENVIRONMENT").unwrap_or_else(|| self.environment.clone()),
            metrics_interval: Duration::from_secs(self.metrics_seconds.max(1)),
        })
    }
}

impl ProtocolChoice {
    fn at(self, endpoint: &str) -> Protocol {
        match self {
            Self::Grpc => Protocol::Grpc,
            Self::Http => Protocol::Http,
            Self::AsThePortSays if endpoint.trim_end_matches('/').ends_with(GRPC_PORT) => {
                Protocol::Grpc
            }
            Self::AsThePortSays => Protocol::Http,
        }
    }
}

fn with_scheme(endpoint: String, encrypted: bool) -> String {
    match (endpoint.contains("://"), encrypted) {
        (true, _) => endpoint,
        (false, true) => format!("https://{endpoint}"),
        (false, false) => format!("http://{endpoint}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exports(configured: &str, variables: &[(&str, &str)]) -> Option<Exports> {
        let settings = TelemetrySettings {
            endpoint: configured.to_owned(),
            protocol: ProtocolChoice::AsThePortSays,
            service_name: "quarterdeck".to_owned(),
            environment: String::new(),
            metrics_seconds: 60,
        };
        settings.with_environment(|name| {
            let known = variables.iter().find(|(known, _)| *known == name);
            known.map(|(_, value)| (*value).to_owned())
        })
    }

    const HTTP: &str = "http://localhost:4318";
    const GRPC: &str = "http://localhost:4317";

    #[test]
    fn the_environment_says_where_to_and_how() {
        use Protocol::{Grpc, Http};
        let endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
        let protocol = "OTEL_EXPORTER_OTLP_PROTOCOL";
        for (configured, variables, expected) in [
            ("", &[][..], None),
            (HTTP, &[], Some((HTTP, Http))),
            (GRPC, &[], Some((GRPC, Grpc))),
            (
                "",
                &[(endpoint, "http://c:4318")],
                Some(("http://c:4318", Http)),
            ),
            ("", &[(endpoint, "c:4317")], Some(("http://c:4317", Grpc))),
            (
                "",
                &[
                    (endpoint, "c:4317"),
                    ("OTEL_EXPORTER_OTLP_INSECURE", "false"),
                ],
                Some(("https://c:4317", Grpc)),
            ),
            (HTTP, &[(endpoint, "")], Some((HTTP, Http))),
            (HTTP, &[(protocol, "grpc")], Some((HTTP, Grpc))),
            (GRPC, &[(protocol, "http/protobuf")], Some((GRPC, Http))),
            ("", &[("OTEL_ENABLED", "true")], Some((GRPC, Grpc))),
            ("", &[("OTEL_TRACES_EXPORTER", "otlp")], Some((GRPC, Grpc))),
            (
                "",
                &[("OTEL_ENABLED", "true"), (protocol, "http/protobuf")],
                Some((HTTP, Http)),
            ),
            (HTTP, &[("OTEL_ENABLED", "false")], None),
            (HTTP, &[("OTEL_SDK_DISABLED", "TRUE")], None),
        ] {
            let found = exports(configured, variables).and_then(|it| it.collector);
            let found = found.as_ref().map(|it| (it.endpoint.as_str(), it.protocol));
            assert_eq!(found, expected, "{configured:?} {variables:?}");
        }
    }

    #[test]
    fn the_environment_says_what_goes_where() {
        for (variables, traces, metrics, console) in [
            (&[][..], true, true, false),
            (&[("OTEL_TRACES_EXPORTER", "none")], false, true, false),
            (&[("OTEL_METRICS_EXPORTER", "none")], true, false, false),
            (&[("OTEL_TRACES_EXPORTER", "console")], false, true, true),
            (
                &[("OTEL_TRACES_EXPORTER", "otlp, console")],
                true,
                true,
                true,
            ),
            (&[("OTEL_CONSOLE_EXPORTER", "true")], true, true, true),
        ] {
            let found = exports(HTTP, variables).expect("something is exported");
            let collector = found.collector.expect("a collector");
            let told = (collector.traces, collector.metrics, found.console);
            assert_eq!(told, (traces, metrics, console), "{variables:?}");
        }
        let console = exports("", &[("OTEL_TRACES_EXPORTER", "console")]);
        assert!(console.is_some_and(|it| it.console && it.collector.is_none()));
        let none = [
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_METRICS_EXPORTER", "none"),
        ];
        assert_eq!(exports(HTTP, &none), None);
    }
}
