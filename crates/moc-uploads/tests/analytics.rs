//! What reports say about random events: SQLite, PostgreSQL and a plain computation agree.
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

#[path = "analytics/model.rs"]
mod model;
#[path = "analytics/random.rs"]
mod random;
#[path = "analytics/stores.rs"]
mod stores;

use moc_uploads_core::analytics_report::{AnalyticsQuery, AnalyticsReport, StoredEvent};
use moc_uploads_core::time::{Clock, SystemClock};
use moc_uploads_store_postgres::{PostgresOptions, PostgresStore};
use moc_uploads_store_sqlite::SqliteStore;
use moc_uploads_testkit::postgres::{Database, is_skipped};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use model::Model;
use random::{Change, Script, script};
use stores::Stores;

/// Events come, go and change, over hours that are over and some that are not, and are asked for in
/// between: what was summed up before must never show.
#[test]
fn both_databases_say_what_a_plain_computation_says() {
    if is_skipped() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stores = runtime.block_on(Stores::open());
    let config = Config {
        cases: 40,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&script(SystemClock.now()), |script| {
        runtime.block_on(play(&stores, &script))
    });
    drop(stores);
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// What docs/analytics.md says that one can paste. The seed rows are what it is about.
#[tokio::test]
async fn the_examples_of_the_documentation_run() {
    let page = include_str!("../../../docs/analytics.md");
    let sqlite: Vec<_> = examples(page, "sqlite").collect();
    assert_eq!(sqlite.len(), 1);
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("test.db"))
        .await
        .unwrap();
    store.migrate().await.unwrap();
    store.seed(SystemClock.now()).await.unwrap();
    let db = rusqlite::Connection::open(folder.path().join("test.db")).unwrap();
    let mut statement = db.prepare(sqlite[0]).unwrap();
    let mut rows = statement.query([]).unwrap();
    let row = rows.next().unwrap().unwrap();
    assert_eq!(row.get::<_, i64>("events").unwrap(), 1);

    if is_skipped() {
        return;
    }
    let database = Database::empty();
    let store = PostgresStore::open(&PostgresOptions::new(database.url())).unwrap();
    store.migrate().await.unwrap();
    store.seed(SystemClock.now()).await.unwrap();
    database.psql(
        "INSERT INTO upload_session_analytics (session_id, event_type, metadata) \
         VALUES ('aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa', 'session_failed', '{\"failure_reason\": \"CANCELLED\"}')",
    );
    let found: Vec<_> = examples(page, "sql")
        .map(|sql| database.psql(sql))
        .collect();
    let [days, times, failures, users, given_up] = found.as_slice() else {
        panic!("{found:#?}");
    };
    assert!(days.ends_with("|1|1|1.000"), "{days}");
    assert_eq!(times, "unknown|1|5000|{5000,5000,5000}");
    assert_eq!(failures, "CANCELLED|1|1.000");
    assert_eq!(users, "dev-user-00000000-0000-0000-0000-000000000001|1|");
    assert!(given_up.ends_with("|CANCELLED|1|1"), "{given_up}");
}

/// The code blocks of a language.
fn examples<'a>(page: &'a str, language: &str) -> impl Iterator<Item = &'a str> {
    let start = format!("```{language}\n");
    let blocks: Vec<_> = page.split(&start).skip(1).collect();
    blocks
        .into_iter()
        .map(|block| block.split_once("```").unwrap().0)
}

async fn play(stores: &Stores, script: &Script) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    stores.reset();
    for change in &script.changes {
        stores.apply(change, &model);
        model.apply(change);
        if matches!(change, Change::Prepare) {
            stores.prepare().await;
        }
        for (index, query) in script.queries.iter().enumerate() {
            // Some are asked before anything is summed up, the others after.
            if index == 1 {
                stores.prepare().await;
            }
            let expected = model.report(query);
            let [sqlite, postgres] = stores.report(query).await;
            same(&sqlite, &expected, "SQLite", query)?;
            same(&postgres, &expected, "PostgreSQL", query)?;
        }
    }
    Ok(())
}

fn same(
    found: &AnalyticsReport,
    expected: &AnalyticsReport,
    who: &str,
    query: &AnalyticsQuery,
) -> Result<(), TestCaseError> {
    let mut found_metrics = found.metrics.clone();
    let mut expected_metrics = expected.metrics.clone();
    for metrics in [&mut found_metrics, &mut expected_metrics] {
        metrics.failures.sort_by(|a, b| a.reason.cmp(&b.reason));
    }
    prop_assert_eq!(found_metrics, expected_metrics, "{}: {:?}", who, query);
    let events = |report: &AnalyticsReport| report.events.iter().map(shown).collect::<Vec<_>>();
    prop_assert_eq!(events(found), events(expected), "{}: {:?}", who, query);
    Ok(())
}

/// But for the spelling of numbers, which `jsonb` does not keep.
fn shown(event: &StoredEvent) -> StoredEvent {
    let mut event = event.clone();
    if let Some(members) = event.metadata.as_object_mut() {
        members.values_mut().for_each(|value| {
            if let Some(number) = value.as_f64() {
                *value = format!("{number:.3e}").into();
            }
        });
    }
    event
}
