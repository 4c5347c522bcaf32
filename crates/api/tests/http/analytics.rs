//! `GET /sessions/analytics` (CONTRACT section 1.8), over events that were put in by hand.

use moc_uploads_core::time::Clock;
use moc_uploads_testkit::app::{Caller, LocalFile, Response, SESSIONS, TestApp};
use moc_uploads_testkit::faults::Fault;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{MINUTE, instant, members};

/// Of both sessions of the seed rows, whatever their events' metadata say.
const OWNER: &str = "dev-user-00000000-0000-0000-0000-000000000001";

/// With the rows of the seed document and no others.
async fn seeded() -> TestApp {
    TestApp::with(|options| options.is_seeded = true).await
}

async fn analytics(caller: &Caller, query: &str) -> Response {
    caller.get(format!("{SESSIONS}/analytics{query}")).await
}

async fn json_of(app: &TestApp, query: &str) -> Value {
    analytics(&app.admin(), query).await.expect(200).json()
}

/// Puts rows in by hand; `:now1` is a millisecond from now.
pub(crate) fn execute(app: &TestApp, sql: &str) {
    let database = app.database();
    let mut sql = sql.to_owned();
    for offset_ms in 0..=3 {
        let at = app.clock.now().unix_ms() + offset_ms;
        let at = match database {
            Some(_) => format!("to_timestamp({at} / 1000.0)"),
            None => at.to_string(),
        };
        sql = sql.replace(&format!(":now{offset_ms}"), &at);
    }
    match database {
        Some(database) => drop(database.psql(&sql)),
        None => Connection::open(app.folder().join("moc-uploads.db"))
            .unwrap()
            .execute_batch(&sql)
            .unwrap(),
    }
}

fn event_types(page: &Value) -> Vec<&str> {
    let events = page["events"].as_array().unwrap().iter();
    events
        .map(|event| event["eventType"].as_str().unwrap())
        .collect()
}

/// AN-HP-001
#[tokio::test]
async fn an_hp_001_the_seed_rows_alone_say_what_they_say() {
    let app = seeded().await;
    let answer = json_of(&app, "").await;
    let now = app.clock.now();
    let event = |id: &str, event_type: &str, metadata: Value, minutes: u32| {
        json!({
            "eventId": id, "sessionId": "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa",
            "eventType": event_type, "metadata": metadata,
            "createdAt": (now - minutes * MINUTE).to_string(),
        })
    };
    assert_eq!(
        answer,
        json!({
            "filters": { "from": null, "to": null, "eventType": [], "userId": null },
            "metrics": {
                "sessionsCreated": 1, "sessionsFinalized": 1, "sessionsFailed": 0,
                "sessionSuccessRate": 1,
                "averageUploadTimeMs": 5000,
                "uploadTimeMs": { "p50": 5000, "p95": 5000, "p99": 5000 },
                "filesRegistered": 0, "filesCompleted": 1, "bytesUploaded": 0,
                "commonFailurePoints": [],
                "eventCounts": {
                    "session_created": 1, "file_registered": 0, "file_completed": 1,
                    "session_finalized": 1, "session_failed": 0
                }
            },
            "events": [
                event("55555555-5555-5555-5555-555555555555", "session_finalized", json!({ "total_size_bytes": 5_000_000 }), 20),
                event("44444444-4444-4444-4444-444444444444", "file_completed", json!({ "elapsed_time_ms": 5000 }), 25),
                event("33333333-3333-3333-3333-333333333333", "session_created", json!({ "user_id": "dev-user-001", "file_count": 1 }), 30)
            ],
            "pagination": { "limit": 50, "offset": 0, "total": 3 }
        })
    );
}

/// AN-HP-002: from is inclusive, to exclusive.
#[tokio::test]
async fn an_hp_002_a_range_bounds_metrics_and_events() {
    let app = seeded().await;
    let at = |minutes: u32| app.clock.now() - minutes * MINUTE;
    let query = format!("?from={}&to={}", at(25), at(20));
    let answer = json_of(&app, &query).await;
    assert_eq!(event_types(&answer), ["file_completed"]);
    assert_eq!(answer["pagination"]["total"], 1);
    assert_eq!(instant(&answer["filters"]["from"]), at(25));
    assert_eq!(instant(&answer["filters"]["to"]), at(20));
    assert_eq!(answer["metrics"]["averageUploadTimeMs"], 5000);
    assert_eq!(answer["metrics"]["sessionsCreated"], 0);
    assert_eq!(answer["metrics"]["sessionSuccessRate"], Value::Null);

    // Created in the range, finalized after it: finalized at any time counts.
    let query = format!("?from={}&to={}", at(30), at(25));
    let answer = json_of(&app, &query).await;
    assert_eq!(answer["metrics"]["sessionsFinalized"], 1);
    assert_eq!(answer["metrics"]["sessionSuccessRate"], 1);
    assert_eq!(answer["metrics"]["averageUploadTimeMs"], Value::Null);
    let none = json!({ "p50": null, "p95": null, "p99": null });
    assert_eq!(answer["metrics"]["uploadTimeMs"], none);

    // The clock stands at 12:00 of this day.
    let today = json_of(&app, "?from=2026-01-25&to=2026-01-26").await;
    assert_eq!(today["pagination"]["total"], 3);
    let yesterday = json_of(&app, "?to=2026-01-25").await;
    assert_eq!(yesterday["pagination"]["total"], 0);
}

/// AN-ERR-001
#[tokio::test]
async fn an_err_001_it_is_for_admins_alone() {
    let app = seeded().await;
    let refused = analytics(&app.user(OWNER), "").await;
    refused.refused(403, "FORBIDDEN");
    // Whatever else is wrong.
    let refused = analytics(&app.user("alice"), "?limit=x").await;
    refused.refused(403, "FORBIDDEN");
    let refused = analytics(&app.anonymous(), "").await;
    refused.refused(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn the_user_is_the_owner_of_the_session_whatever_the_metadata_say() {
    let app = seeded().await;
    let owned = json_of(&app, &format!("?userId={OWNER}")).await;
    assert_eq!(owned["pagination"]["total"], 3);
    assert_eq!(owned["metrics"]["sessionsCreated"], 1);
    assert_eq!(owned["filters"]["userId"], OWNER);
    let named = json_of(&app, "?userId=dev-user-001").await;
    assert_eq!(named["pagination"]["total"], 0);
    assert_eq!(named["metrics"]["sessionsCreated"], 0);
}

#[tokio::test]
async fn a_type_bounds_events_their_total_and_their_counts_and_nothing_else() {
    let app = seeded().await;
    let all = json_of(&app, "").await;
    let query = "?eventType=session_created&eventType=session_failed";
    let answer = json_of(&app, query).await;
    assert_eq!(event_types(&answer), ["session_created"]);
    assert_eq!(answer["pagination"]["total"], 1);
    let counts = json!({ "session_created": 1, "session_failed": 0 });
    assert_eq!(answer["metrics"]["eventCounts"], counts);
    for metric in members(&all["metrics"]) {
        if metric != "eventCounts" {
            assert_eq!(
                answer["metrics"][metric], all["metrics"][metric],
                "{metric}"
            );
        }
    }
}

#[tokio::test]
async fn pages_are_newest_first_and_may_be_empty() {
    let app = seeded().await;
    let metrics_alone = json_of(&app, "?limit=0").await;
    assert_eq!(metrics_alone["events"], json!([]));
    assert_eq!(
        metrics_alone["pagination"],
        json!({ "limit": 0, "offset": 0, "total": 3 })
    );
    let mut paged = Vec::new();
    for offset in 0..3 {
        let page = json_of(&app, &format!("?limit=1&offset={offset}")).await;
        paged.extend(event_types(&page).into_iter().map(str::to_owned));
    }
    let all = json_of(&app, "?limit=500").await;
    assert_eq!(paged, event_types(&all));
    let after = json_of(&app, "?offset=3").await;
    assert_eq!(after["events"], json!([]));
    assert_eq!(after["pagination"]["total"], 3);
}

#[tokio::test]
async fn failures_are_counted_by_reason_and_a_finalized_session_has_not_failed() {
    let app = seeded().await;
    execute(
        &app,
        "INSERT INTO upload_session_analytics (event_id, session_id, event_type, metadata, created_at) VALUES
         ('00000000-0000-4000-8000-000000000001', 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa', 'session_failed', '{\"failure_reason\": \"FILES_INCOMPLETE\"}', :now0),
         ('00000000-0000-4000-8000-000000000002', '99999999-9999-9999-9999-999999999999', 'session_created', NULL, :now0),
         ('00000000-0000-4000-8000-000000000003', '99999999-9999-9999-9999-999999999999', 'session_failed', '{\"failure_reason\": \"CANCELLED\"}', :now0),
         ('00000000-0000-4000-8000-000000000004', '99999999-9999-9999-9999-999999999999', 'session_failed', '{\"failure_reason\": \"CANCELLED\"}', :now0),
         ('00000000-0000-4000-8000-000000000005', '99999999-9999-9999-9999-999999999999', 'session_failed', NULL, :now0)",
    );
    let metrics = &json_of(&app, "").await["metrics"];
    assert_eq!(metrics["sessionsCreated"], 2);
    assert_eq!(metrics["sessionsFinalized"], 1);
    assert_eq!(metrics["sessionsFailed"], 1);
    assert_eq!(metrics["sessionSuccessRate"], 0.5);
    assert_eq!(
        metrics["commonFailurePoints"],
        json!([
            { "reason": "CANCELLED", "count": 2, "share": 0.5 },
            { "reason": "FILES_INCOMPLETE", "count": 1, "share": 0.25 },
            { "reason": "UNKNOWN", "count": 1, "share": 0.25 }
        ])
    );
}

/// Whoever writes into the table by hand may write anything.
#[tokio::test]
async fn odd_rows_are_shown_and_break_nothing() {
    let app = seeded().await;
    // PostgreSQL takes nothing else.
    let no_json = if app.database().is_some() {
        "\"no json\""
    } else {
        "no json"
    };
    let sql =
        "INSERT INTO upload_session_analytics (event_id, session_id, event_type, metadata, created_at) VALUES
         ('00000000-0000-4000-8000-000000000001', 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa', 'file_completed', ':no-json', :now1),
         ('00000000-0000-4000-8000-000000000002', 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa', 'file_completed', '{\"elapsed_time_ms\": \"7\", \"total_size_bytes\": 10}', :now2),
         ('00000000-0000-4000-8000-000000000003', 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa', 'coffee break', '[]', :now3)";
    execute(&app, &sql.replace(":no-json", no_json));
    let answer = json_of(&app, "").await;
    assert_eq!(answer["metrics"]["filesCompleted"], 3);
    assert_eq!(answer["metrics"]["averageUploadTimeMs"], 5000);
    assert_eq!(answer["metrics"]["bytesUploaded"], 10);
    assert_eq!(answer["metrics"]["eventCounts"]["coffee break"], 1);
    assert_eq!(answer["pagination"]["total"], 6);
    assert_eq!(answer["events"][0]["eventType"], "coffee break");
    assert_eq!(answer["events"][0]["metadata"], json!([]));
    assert_eq!(answer["events"][2]["metadata"], "no json");
}

/// A column of text takes them; PostgreSQL's takes none.
#[tokio::test]
async fn an_id_that_is_none_is_shown_as_one_that_is_derived_from_it() {
    let app = seeded().await;
    let event_id = match app.database() {
        Some(_) => "4fefc6d6-04f5-5465-9de2-0dfca9179c1d",
        None => "evt-1",
    };
    let sql = "INSERT INTO upload_session_analytics (event_id, session_id, event_type, created_at)
         VALUES (':id', 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa', 'coffee break', :now1)";
    execute(&app, &sql.replace(":id", event_id));
    let answer = json_of(&app, "").await;
    assert_eq!(answer["pagination"]["total"], 4);
    let id = answer["events"][0]["eventId"].as_str();
    assert_eq!(id, Some("4fefc6d6-04f5-5465-9de2-0dfca9179c1d"));
}

#[tokio::test]
async fn refuses_what_it_does_not_know_by_name() {
    let app = seeded().await;
    for (query, pointer) in [
        ("?form=2026-01-01", "/form"),
        ("?from=last%20week", "/from"),
        ("?from=2026-01-02&to=2026-01-01", "/from"),
        ("?from=2026-01-01&to=2026-01-01", "/from"),
        ("?to=2026-13-01", "/to"),
        ("?to=9999-12-31T23:59:59-01:00", "/to"),
        ("?from=-4800-01-01", "/from"),
        ("?from=0000-01-01T00:00:00%2B01:00", "/from"),
        ("?eventType=finalized", "/eventType"),
        ("?userId=", "/userId"),
        ("?limit=501", "/limit"),
        ("?limit=-1", "/limit"),
        ("?offset=x", "/offset"),
    ] {
        let refused = analytics(&app.admin(), query).await;
        assert_eq!(refused.invalid_pointers(), [pointer], "{query}");
    }
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_said_to() {
    let app = seeded().await;
    app.event_faults.fail("report", Fault::Unavailable);
    let refused = analytics(&app.admin(), "").await;
    refused.refused(503, "DATABASE_UNAVAILABLE");
    app.event_faults.clear();
    analytics(&app.admin(), "").await.expect(200);
}

#[tokio::test]
async fn sessions_keep_their_routes() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let id = alice.create_session(&[LocalFile::pdf("a", 1)]).await;
    assert_eq!(alice.session(&id).await["sessionId"], id);
    let path = format!("{SESSIONS}/analytics");
    alice.delete(&path).await.refused(405, "METHOD_NOT_ALLOWED");
}
