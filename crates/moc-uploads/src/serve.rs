//! `moc-uploads serve`: from the first file opened to the last one closed.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use moc_uploads_api::auth::AuthKeys;
use moc_uploads_api::{ApiConfig, Readiness};
use moc_uploads_core::finalize::RENEW_FINALIZE_EVERY;
use moc_uploads_core::service::Uploads;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::analytics::{Analytics, keep_sums};
use crate::cli::ServeArgs;
use crate::config::{Config, Host};
use crate::failure::Failure;
use crate::greeting::greeting;
use crate::lifecycle::{StopSignals, Stopped, serve_until_stopped};
use crate::traces::follow_caller;
use crate::wiring::{self, Database};

/// How often samples are folded together; they wait in memory until then.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// What nobody owns is looked for in a bucket; that walks over all uploads under way.
const ORPHAN_SWEEP: Duration = Duration::from_secs(60 * 60);

/// What the reaper has under way may take this long at the end; it is safe to break off.
const REAPER_GRACE: Duration = Duration::from_secs(5);

/// Serves until told to stop.
///
/// # Errors
/// What hinders the start. Once it serves, nothing does.
pub(crate) async fn serve(config: Config, args: &ServeArgs) -> Result<(), Failure> {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let mut signals =
        StopSignals::listen().map_err(|error| Failure::new("can't listen for signals", error))?;
    raise_file_limit();
    let listener = bind(&config).await?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::new("can't tell the address", error))?;
    let base_url = base_url(&config, address);
    let started = tokio::select! {
        started = start(&config, args, &base_url) => started?,
        signal = signals.next() => {
            tracing::info!(signal, "stopped before the start was over");
            return Ok(());
        }
    };
    let stop = CancellationToken::new();
    let reaper = tokio::spawn(reap(
        started.uploads.clone(),
        started.database.clone(),
        config.reaper_interval,
        stop.clone(),
    ));
    let analytics = Analytics::start(&started.uploads, &config.analytics);
    let sums = tokio::spawn(keep_sums(started.uploads.clone()));
    let upkeep = tokio::spawn(keep_metrics(started.metrics.clone()));
    let lock_keeper = tokio::spawn(keep_finalize_locks(started.uploads.clone()));
    let sweeper = tokio::spawn(sweep_orphans(started.uploads.clone()));
    let readiness = Readiness::new();
    let api = api_config(&config, &base_url);
    let detached = api.detached.clone();
    let router = moc_uploads_api::router(started.uploads, api, readiness.clone(), started.metrics);
    tracing::info!(addr = %address, url = base_url, "listening");
    // Nobody reading is no reason to stop.
    let _ = std::io::stdout().write_all(greeting(&config, address, &base_url).as_bytes());
    let mut stopped = serve_until_stopped(
        listener,
        router,
        detached,
        &readiness,
        config.shutdown_grace,
        &mut signals,
    )
    .await;
    upkeep.abort();
    sums.abort();
    sweeper.abort();
    lock_keeper.abort();
    let finish = async {
        stop_reaper(reaper, &stop).await;
        if let Some(analytics) = analytics {
            analytics.stop().await;
        }
        started.database.close().await;
    };
    // All of it is safe to break off.
    if stopped == Stopped::InOrder {
        tokio::select! {
            () = finish => {}
            _ = signals.next() => stopped = Stopped::AtOnce,
        }
    }
    match stopped {
        Stopped::InOrder => tracing::info!("stopped"),
        Stopped::AtOnce => tracing::warn!("stopped at once"),
    }
    Ok(())
}

struct Started {
    database: Database,
    uploads: Uploads,
    metrics: PrometheusHandle,
}

/// Opens the stores and puts in order what the last run left.
async fn start(config: &Config, args: &ServeArgs, base_url: &str) -> Result<Started, Failure> {
    let metrics = moc_uploads_api::metrics_builder()
        .install_recorder()
        .map_err(|error| Failure::new("can't record metrics", error))?;
    let database = Database::open(config).await?;
    let prepared = prepare(&database, args).await;
    prepared.map_err(|failure| failure.in_what(&config.database))?;
    let uploads = wiring::open_uploads(config, &database, base_url).await?;
    let removed_count = uploads
        .sweep_leftovers()
        .await
        .map_err(|error| Failure::new("can't put in order what the last run left", error))?;
    if removed_count > 0 {
        tracing::info!(removed_count, "leftovers swept");
    }
    Ok(Started {
        database,
        uploads,
        metrics,
    })
}

/// The database: its schema, its one server, its time.
async fn prepare(database: &Database, args: &ServeArgs) -> Result<(), Failure> {
    if !args.no_migrate {
        database.migrate().await?;
    }
    database.take_over().await.map_err(|failure| {
        if args.no_migrate {
            failure.with_hint("With --no-migrate the schema must be there: moc-uploads migrate")
        } else {
            failure
        }
    })?;
    database.synchronise().await
}

async fn bind(config: &Config) -> Result<TcpListener, Failure> {
    let (host, port) = (&config.host, config.port);
    let bound = match host {
        Host::Address(address) => TcpListener::bind((*address, port)).await,
        Host::Name(name) => TcpListener::bind((name.as_str(), port)).await,
    };
    let listener = bound
        .map_err(|error| Failure::new(format!("can't listen on {host} port {port}"), error))?;
    // A name is loopback by custom only: what it leads to decides.
    let is_loopback = listener
        .local_addr()
        .is_ok_and(|address| address.ip().is_loopback());
    if matches!(config.auth.keys, AuthKeys::Bypass(_)) && !is_loopback {
        return Err(Failure::new(
            format!("{host} is not loopback"),
            "without AUTH_JWKS_URL or AUTH_JWT_SECRET that is refused",
        ));
    }
    Ok(listener)
}

fn base_url(config: &Config, address: SocketAddr) -> String {
    config
        .public_base_url
        .clone()
        .unwrap_or_else(|| config.host.base_url(address.port()))
}

fn api_config(config: &Config, base_url: &str) -> ApiConfig {
    let base_url = Url::parse(base_url).ok();
    ApiConfig {
        cors: config.cors.clone(),
        public_host: base_url.and_then(|url| url.host_str().map(str::to_owned)),
        body_idle_timeout: config.body_idle_timeout,
        request_timeout: config.request_timeout,
        follow_caller: config.traces_endpoint.is_some().then_some(follow_caller),
        ..ApiConfig::new(config.auth.clone())
    }
}

/// Safe to break off anywhere.
async fn sweep_orphans(uploads: Uploads) {
    let mut ticks = tokio::time::interval(ORPHAN_SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match uploads.sweep_orphans().await {
            Ok(swept) => tracing::debug!(
                aborted_count = swept.aborted,
                rechecked_count = swept.rechecked,
                "orphans swept"
            ),
            Err(error) => tracing::warn!(error = error.causes(), "orphans not swept, trying again"),
        }
    }
}

/// Until the last request is answered. Safe to break off anywhere.
async fn keep_finalize_locks(uploads: Uploads) {
    let mut ticks = tokio::time::interval(RENEW_FINALIZE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = uploads.renew_finalize_locks().await {
            tracing::warn!(
                error = error.causes(),
                "finalize locks not renewed, trying again"
            );
        }
    }
}

async fn reap(uploads: Uploads, database: Database, every: Duration, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = database.synchronise().await {
            tracing::warn!(%error, "sessions not reaped, trying again");
            continue;
        }
        match uploads.reap_sessions().await {
            Ok(reaped) => tracing::debug!(
                expired_count = reaped.expired,
                freed_count = reaped.freed,
                "sessions reaped"
            ),
            Err(error) => {
                tracing::warn!(error = error.causes(), "sessions not reaped, trying again")
            }
        }
    }
}

async fn stop_reaper(mut reaper: JoinHandle<()>, stop: &CancellationToken) {
    stop.cancel();
    if tokio::time::timeout(REAPER_GRACE, &mut reaper)
        .await
        .is_err()
    {
        reaper.abort();
    }
}

async fn keep_metrics(metrics: PrometheusHandle) {
    let mut ticks = tokio::time::interval(METRICS_UPKEEP);
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
    }
}

/// Every connection and every open file is a descriptor; the usual soft limit of 1024 is for
/// programs that use `select`.
fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}
