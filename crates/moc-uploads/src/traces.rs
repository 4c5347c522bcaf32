//! Traces for an OpenTelemetry collector: a span per request, with its log lines as events.

use std::time::Duration;

use http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

use crate::failure::Failure;

/// What is waiting at the end may take this long.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// Sends what is waiting when it is dropped.
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// Starts sending to the collector at `endpoint` (without a slash at its end), by OTLP over HTTP (`{endpoint}/v1/traces`), from
    /// a thread of its own. A collector that does not answer costs traces, never requests.
    ///
    /// # Errors
    /// An endpoint that can't be sent to at all.
    pub(crate) fn start(endpoint: &str) -> Result<Self, Failure> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .build()
            .map_err(|error| Failure::new("can't export traces", error))?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(
                Resource::builder()
                    .with_service_name(env!("CARGO_PKG_NAME"))
                    .build(),
            )
            .build();
        Ok(Self(provider))
    }

    /// Turns spans and what is logged in them into traces.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer(env!("CARGO_PKG_NAME")))
            .with_location(false)
            .with_threads(false)
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown_with_timeout(FLUSH_TIMEOUT) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Makes a request part of its caller's trace (W3C `traceparent`).
pub(crate) fn follow_caller(span: &Span, headers: &HeaderMap) {
    let caller = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    // Fails only where no traces are exported.
    let _ = span.set_parent(caller);
}
