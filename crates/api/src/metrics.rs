//! What is counted.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use http::StatusCode;
use metrics::{Counter, Gauge, Histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use moc_uploads_core::event_queue::EventStats;

/// Counter: `method`, `route`, `status`.
const REQUESTS: &str = "http_requests_total";
/// Histogram, seconds to the last byte of the answer: `route`.
const REQUEST_DURATION: &str = "http_request_duration_seconds";
/// Gauge.
const REQUESTS_IN_FLIGHT: &str = "http_requests_in_flight";
/// Counter: bytes of parts, accepted or not.
pub(crate) const UPLOAD_BYTES: &str = "upload_bytes_total";

/// Gauge: sessions whose events are to be written.
const EVENT_QUEUE: &str = "analytics_queue_depth";
/// Counter.
const EVENTS_WRITTEN: &str = "analytics_events_written_total";
/// Counter: more than now and then means that writers crash or that the queue is too small.
const EVENTS_DERIVED: &str = "analytics_events_derived_total";
/// Counter.
const EVENT_FAILURES: &str = "analytics_write_failures_total";
/// Counter.
const EVENT_DROPS: &str = "analytics_sessions_dropped_total";

/// From a database lookup to a large part on a slow line.
const SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
];

/// A recorder with this crate's histogram buckets. Install it once per process
/// (`install_recorder`), before [`crate::router`] and without an idle timeout: its places to count in
/// are looked up once. Call `run_upkeep` of the handle every few seconds, or samples pile up in memory
/// until somebody asks for `/metrics`.
pub fn metrics_builder() -> PrometheusBuilder {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(REQUEST_DURATION.to_owned()), &SECONDS)
        .unwrap_or_else(|_| PrometheusBuilder::new())
}

/// Where requests are counted. Each place is looked up once, since looking it up takes longer than
/// counting.
pub(crate) struct RequestMetrics {
    pub(crate) in_flight: Gauge,
    routes: RwLock<HashMap<String, RouteMetrics>>,
}

struct RouteMetrics {
    duration: Histogram,
    /// Methods and statuses are few.
    answers: Vec<(Answer, Counter)>,
}

/// Method and status; no status for a client that went away before.
type Answer = (&'static str, Option<StatusCode>);

impl RequestMetrics {
    pub(crate) fn new() -> Self {
        Self {
            in_flight: metrics::gauge!(REQUESTS_IN_FLIGHT),
            routes: RwLock::default(),
        }
    }

    pub(crate) fn count(&self, route: &str, answer: Answer, elapsed: Duration) {
        {
            let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(metrics) = routes.get(route)
                && metrics.count(answer, elapsed)
            {
                return;
            }
        }
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        let metrics = routes
            .entry(route.to_owned())
            .or_insert_with(|| RouteMetrics {
                duration: metrics::histogram!(REQUEST_DURATION, "route" => route.to_owned()),
                answers: Vec::new(),
            });
        if !metrics.count(answer, elapsed) {
            metrics
                .answers
                .push((answer, answer_counter(route, answer)));
            metrics.count(answer, elapsed);
        }
    }
}

impl RouteMetrics {
    /// Whether it has a place for this answer.
    fn count(&self, answer: Answer, elapsed: Duration) -> bool {
        let mut answers = self.answers.iter();
        let Some((_, counter)) = answers.find(|(counted, _)| *counted == answer) else {
            return false;
        };
        counter.increment(1);
        self.duration.record(elapsed.as_secs_f64());
        true
    }
}

fn answer_counter(route: &str, (method, status): Answer) -> Counter {
    let status = status.as_ref().map_or("aborted", StatusCode::as_str);
    metrics::counter!(
        REQUESTS, "method" => method, "route" => route.to_owned(), "status" => status.to_owned()
    )
}

/// What was counted elsewhere, as of now.
pub(crate) fn show_events(stats: EventStats) {
    metrics::gauge!(EVENT_QUEUE).set(stats.queue_depth as f64);
    metrics::counter!(EVENTS_WRITTEN).absolute(stats.written);
    metrics::counter!(EVENTS_DERIVED).absolute(stats.derived);
    metrics::counter!(EVENT_FAILURES).absolute(stats.failed);
    metrics::counter!(EVENT_DROPS).absolute(stats.dropped);
}

/// Help texts of `/metrics`.
pub(crate) fn describe() {
    metrics::describe_counter!(REQUESTS, "Requests answered.");
    metrics::describe_histogram!(
        REQUEST_DURATION,
        metrics::Unit::Seconds,
        "Time from a request's head to the last byte of its answer."
    );
    metrics::describe_gauge!(REQUESTS_IN_FLIGHT, "Requests being answered.");
    metrics::describe_counter!(
        UPLOAD_BYTES,
        metrics::Unit::Bytes,
        "Bytes of parts received."
    );
    metrics::describe_gauge!(EVENT_QUEUE, "Sessions whose events are to be written.");
    metrics::describe_counter!(EVENTS_WRITTEN, "Events written after they happened.");
    metrics::describe_counter!(EVENTS_DERIVED, "Events found missing, and written.");
    metrics::describe_counter!(EVENT_FAILURES, "Attempts to write events that failed.");
    metrics::describe_counter!(
        EVENT_DROPS,
        "Sessions that found the queue full: their events are derived."
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_counted_once_with_its_route_method_and_status() {
        let recorder = metrics_builder().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            let requests = RequestMetrics::new();
            requests.in_flight.increment(1.0);
            let elapsed = Duration::from_millis(2);
            for status in [Some(StatusCode::OK), Some(StatusCode::OK), None] {
                requests.count("/a", ("GET", status), elapsed);
            }
            requests.count("/a", ("PUT", Some(StatusCode::OK)), elapsed);
            requests.count("/b", ("GET", Some(StatusCode::NOT_FOUND)), elapsed);
        });
        let shown = recorder.handle().render();
        let counted: Vec<_> = shown
            .lines()
            .filter(|line| {
                line.starts_with(REQUESTS)
                    || line.starts_with(REQUESTS_IN_FLIGHT)
                    || line.starts_with("http_request_duration_seconds_count")
            })
            .collect();
        for line in [
            r#"http_requests_total{method="GET",route="/a",status="200"} 2"#,
            r#"http_requests_total{method="GET",route="/a",status="aborted"} 1"#,
            r#"http_requests_total{method="PUT",route="/a",status="200"} 1"#,
            r#"http_requests_total{method="GET",route="/b",status="404"} 1"#,
            r#"http_request_duration_seconds_count{route="/a"} 4"#,
            r#"http_request_duration_seconds_count{route="/b"} 1"#,
            "http_requests_in_flight 1",
        ] {
            assert!(counted.contains(&line), "{line} is not in {counted:#?}");
        }
        assert_eq!(counted.len(), 7, "{counted:#?}");
    }
}
