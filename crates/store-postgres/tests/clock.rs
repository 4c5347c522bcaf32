//! Whose time it is.

use std::sync::Arc;
use std::time::Duration;

use moc_uploads_core::ports::SessionStore;
use moc_uploads_core::time::{Clock, Timestamp};
use moc_uploads_store_postgres::PostgresOptions;
use moc_uploads_testkit::clock::ManualClock;

mod common;

/// The clocks of these replicas are weeks and years off, and they agree.
#[tokio::test]
async fn replicas_with_wrong_clocks_have_the_servers_time() {
    let Some(database) = common::migrated().await else {
        return;
    };
    let server_time = || {
        let unix_ms = database.psql("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)");
        Timestamp::from_unix_ms(unix_ms.parse().unwrap())
    };
    for start in [
        ManualClock::START,
        Timestamp::from_unix_ms(4_000_000_000_000),
    ] {
        let local = Arc::new(ManualClock::new());
        local.set(start);
        let store = common::open_with(PostgresOptions {
            local_clock: local.clone(),
            ..PostgresOptions::new(database.url())
        });
        let clock = store.clock();
        assert_eq!(clock.now(), start);

        let before = server_time();
        store.ping().await.unwrap();
        let now = clock.now();
        assert!(before <= now && now <= server_time(), "{before} {now}");
        assert_eq!(clock.ahead_ms(), now.unix_ms() - start.unix_ms());

        // It goes on as the local one does.
        local.advance(Duration::from_secs(5));
        assert_eq!(clock.now(), now + Duration::from_secs(5));
    }
}
