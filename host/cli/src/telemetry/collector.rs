//! The collector as an operator hears of it: a line in the log when it cannot be
//! reached, and one when it is reached again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

/// An exporter whose failures are told of, once for each change.
#[derive(Debug)]
pub(super) struct Told<E> {
    exporter: E,
    /// What it exports.
    what: &'static str,
    endpoint: String,
    failing: AtomicBool,
}

impl<E> Told<E> {
    pub(super) fn new(exporter: E, what: &'static str, endpoint: String) -> Self {
        Self {
            exporter,
            what,
            endpoint,
            failing: AtomicBool::new(false),
        }
    }

    /// Says what has changed.
    fn tell(&self, result: &OTelSdkResult) {
        let failing = match result {
            Ok(()) => false,
            // The host ends.
            Err(OTelSdkError::AlreadyShutdown) => return,
            Err(_) => true,
        };
        if self.failing.swap(failing, Ordering::Relaxed) == failing {
            return;
        }
        let Self { what, endpoint, .. } = self;
        match result {
            Ok(()) => tracing::info!("the collector at {endpoint} takes {what} again"),
            Err(error) => tracing::warn!(
                "the collector at {endpoint} does not take {what}, which are lost until it does: {error}; see telemetry.endpoint in the configuration, or OTEL_EXPORTER_OTLP_ENDPOINT"
            ),
        }
    }
}

impl<E: SpanExporter> SpanExporter for Told<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let result = self.exporter.export(batch).await;
        self.tell(&result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Told<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let result = self.exporter.export(metrics).await;
        self.tell(&result);
        result
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}
