//! Figures for Prometheus, in its text format (version 0.0.4).

use std::fmt::{Display, Write};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use quarterdeck_core::Host;
use quarterdeck_core::operations::HostOverview;
use quarterdeck_core::policy::PolicyStatus;

use crate::streams::Streams;

/// The host's figures at this moment.
pub(crate) async fn metrics(State((host, streams)): State<(Arc<Host>, Arc<Streams>)>) -> Response {
    let text = figures(&host, &streams);
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    )
        .into_response()
}

fn figures(host: &Host, streams: &Streams) -> String {
    let mut page = Page::default();
    let overview = host.overview();
    host_figures(&mut page, &overview);
    verdict_and_event_figures(&mut page, &overview, host);
    stream_figures(&mut page, streams);
    policy_figures(&mut page, &host.policies_so_far());
    page.text
}

fn host_figures(page: &mut Page, overview: &HostOverview) {
    let started = overview
        .started_at
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    page.figure(
        "start_time_seconds",
        Kind::Gauge,
        "When the host started, in seconds since the Unix epoch",
    )
    .value(&[], started.as_secs_f64());
    page.figure("sessions", Kind::Gauge, "Sessions that are open")
        .value(&[], overview.sessions);
    page.figure(
        "coding_agents",
        Kind::Gauge,
        "Coding agents in front of sessions",
    )
    .value(&[], overview.coding_agents.len());
    page.figure(
        "confirmations_waiting",
        Kind::Gauge,
        "Commands that wait for a person",
    )
    .value(&[], overview.waiting);
    page.figure(
        "rate_limited_total",
        Kind::Counter,
        "Requests refused for coming too often",
    )
    .value(&[], overview.requests_refused);
}

fn verdict_and_event_figures(page: &mut Page, overview: &HostOverview, host: &Host) {
    let mut verdicts = page.figure(
        "verdicts_total",
        Kind::Counter,
        "Command lines judged, by tier and by what the gate did",
    );
    for count in &overview.verdicts {
        let tier = count.tier.map_or("none", |tier| tier.as_str());
        verdicts.value(&[("tier", tier), ("decision", count.decision)], count.count);
    }
    let mut events = page.figure("events_total", Kind::Counter, "Events published, by type");
    for (event_type, count) in host.events().counts() {
        events.value(&[("type", event_type.as_str())], count);
    }
}

fn stream_figures(page: &mut Page, streams: &Streams) {
    page.figure(
        "stream_subscribers",
        Kind::Gauge,
        "Clients that listen to streams",
    )
    .value(&[], streams.subscribers());
    page.figure(
        "stream_events_missed_total",
        Kind::Counter,
        "Events left out for clients that read too slowly",
    )
    .value(&[], streams.missed());
}

/// How each policy in charge fares.
fn policy_figures(page: &mut Page, policies: &[PolicyStatus]) {
    type Reading = fn(&PolicyStatus) -> f64;
    let readings: [(&str, Kind, &str, Reading); 5] = [
        (
            "policy_generation",
            Kind::Gauge,
            "Generation of the policy in charge; 0 without one",
            |it| it.generation as f64,
        ),
        (
            "policy_calls_total",
            Kind::Counter,
            "Calls of the generation in charge",
            |it| it.calls as f64,
        ),
        (
            "policy_faults_total",
            Kind::Counter,
            "Calls that ended in a trap, a limit or an answer out of shape",
            |it| it.traps as f64,
        ),
        (
            "policy_call_p50_seconds",
            Kind::Gauge,
            "Median time of a call",
            |it| it.p50_micros as f64 / 1e6,
        ),
        (
            "policy_call_p99_seconds",
            Kind::Gauge,
            "The time that 99 of 100 calls stay under",
            |it| it.p99_micros as f64 / 1e6,
        ),
    ];
    for (name, kind, help, reading) in readings {
        let mut figure = page.figure(name, kind, help);
        for policy in policies {
            let labels = [
                ("policy", policy.name.as_str()),
                ("kind", &policy.kind_name()),
                ("state", &policy.state.to_string()),
            ];
            figure.value(&labels, reading(policy));
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
}

#[derive(Default)]
struct Page {
    text: String,
}

struct Figure<'a> {
    text: &'a mut String,
    name: &'static str,
}

impl Page {
    fn figure(&mut self, name: &'static str, kind: Kind, help: &str) -> Figure<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            self.text,
            "# HELP quarterdeck_{name} {help}\n# TYPE quarterdeck_{name} {kind}"
        );
        Figure {
            text: &mut self.text,
            name,
        }
    }
}

impl Figure<'_> {
    fn value(&mut self, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
            .collect();
        let labels = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        let _ = writeln!(self.text, "quarterdeck_{}{labels} {value}", self.name);
    }
}

fn escaped(label: &str) -> String {
    label
        .replace('\\', r"\\")
        .replace('"', r#"\""#)
        .replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut page = Page::default();
        page.figure("calls_total", Kind::Counter, "Calls")
            .value(&[("policy", "a\"b\\c\nd")], 3);
        assert_eq!(
            page.text,
            "# HELP quarterdeck_calls_total Calls\n# TYPE quarterdeck_calls_total counter\nquarterdeck_calls_total{policy=\"a\\\"b\\\\c\\nd\"} 3\n"
        );
    }
}
