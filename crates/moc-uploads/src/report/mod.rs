//! `moc-uploads analytics`: asks a running server what its sessions' events say.

mod args;
mod days;
mod show;
mod wire;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use moc_uploads_core::time::{Clock, SystemClock, Timestamp};
use serde_json::Value;

use crate::upload::{Api, Error, Lines, Retry};

pub(crate) use args::AnalyticsArgs;
use days::Day;
use wire::Metrics;

/// Requests at once: a report costs the server more than most.
const CONCURRENCY: usize = 4;

/// How often a request is repeated: of many, one that comes at a bad moment must not spoil all.
const RETRIES: u16 = 5;

/// Metrics of a range, and of each of its days.
struct Report {
    from: Timestamp,
    to: Timestamp,
    user_id: Option<String>,
    metrics: Metrics,
    days: Vec<(Day, Metrics)>,
}

/// Prints the metrics; `--help` lists the exit statuses.
///
/// The process must have a default TLS provider (rustls on ring).
pub(crate) async fn run(args: AnalyticsArgs) -> ExitCode {
    let text = match ask(&args, SystemClock.now()).await {
        Ok(report) if args.json => show::json(&report),
        Ok(report) if args.csv => show::csv(&report),
        Ok(report) => show::table(&report),
        Err(error) => {
            let advice = error.advice().map(|advice| format!("{advice}\n"));
            let text = format!("error: {error}\n{}", advice.unwrap_or_default());
            // There is nobody left to tell when this fails.
            let _ = io::stderr().write_all(text.as_bytes());
            return ExitCode::from(error.exit_status());
        }
    };
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

async fn ask(args: &AnalyticsArgs, now: Timestamp) -> Result<Report, Error> {
    let (from, to) = args.range(now)?;
    let api = Api::new(&args.server, args.token.as_deref())?;
    let user_id = args.user.as_deref();
    let of_all = metrics(&api, from, to, user_id).await?;
    let days = days::of(from, to).into_iter().map(|day| {
        let api = &api;
        async move {
            let metrics = metrics(api, day.from, day.to, user_id).await?;
            Ok::<_, Error>((day, metrics))
        }
    });
    Ok(Report {
        from,
        to,
        user_id: args.user.clone(),
        metrics: of_all,
        days: stream::iter(days)
            .buffered(CONCURRENCY)
            .try_collect()
            .await?,
    })
}

async fn metrics(
    api: &Api,
    from: Timestamp,
    to: Timestamp,
    user_id: Option<&str>,
) -> Result<Metrics, Error> {
    let (from, to) = (from.to_string(), to.to_string());
    let mut query = vec![("from", from.as_str()), ("to", to.as_str()), ("limit", "0")];
    query.extend(user_id.map(|user_id| ("userId", user_id)));
    // A server that is not there is said at once.
    let is_busy = |error: &Error| matches!(error, Error::Refused(_)) && error.is_transient();
    let mut answer: Value = Retry::new(RETRIES, Arc::new(Lines))
        .run_when("analytics", is_busy, || api.analytics(&query))
        .await?;
    serde_json::from_value(answer["metrics"].take())
        .map_err(|error| Error::Unexpected(error.to_string()))
}
