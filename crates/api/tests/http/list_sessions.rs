//! `GET /sessions` (CONTRACT sections 1 and 1.10).

use moc_uploads_testkit::app::{Caller, LocalFile, SESSIONS, TestApp, session_path};
use serde_json::{Value, json};

use crate::MINUTE;

async fn list(caller: &Caller, query: &str) -> Value {
    caller
        .get(format!("{SESSIONS}{query}"))
        .await
        .expect(200)
        .json()
}

fn ids(page: &Value) -> Vec<String> {
    let sessions = page["sessions"].as_array().unwrap();
    let id = |session: &Value| session["sessionId"].as_str().unwrap().to_owned();
    sessions.iter().map(id).collect()
}

#[tokio::test]
async fn shows_ones_own_newest_first() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let mut created = Vec::new();
    for _ in 0..3 {
        created.push(alice.create_session(&[LocalFile::pdf("a", 10)]).await);
        app.clock.advance(MINUTE);
    }
    app.user("bob")
        .create_session(&[LocalFile::pdf("b", 10)])
        .await;
    created.reverse();

    let page = list(&alice, "").await;
    assert_eq!(ids(&page), created);
    assert_eq!(page["pagination"]["total"], 3);
    assert_eq!(page["pagination"]["offset"], 0);
    assert!(page["pagination"]["limit"].as_u64().unwrap() >= 3);
    let nobody = list(&app.user("carol"), "").await;
    assert_eq!(nobody["sessions"], json!([]));
    assert_eq!(nobody["pagination"]["total"], 0);
}

#[tokio::test]
async fn is_the_single_answer_without_files() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let (session, _) = alice.upload_all(&[LocalFile::pdf("a", 1500)]).await;
    alice.finalize_call(&session, "Castle").await.expect(201);
    let mut single = alice.session(&session).await;
    assert!(single["moc"].is_object());
    single.as_object_mut().unwrap().remove("files").unwrap();
    assert_eq!(list(&alice, "").await["sessions"], json!([single]));
}

#[tokio::test]
async fn pages_cover_everything_once() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    for _ in 0..5 {
        // Several in one millisecond: the order must be total all the same.
        alice.create_session(&[LocalFile::pdf("a", 10)]).await;
    }
    let all = ids(&list(&alice, "").await);
    let mut paged = Vec::new();
    for offset in [0, 2, 4] {
        let page = list(&alice, &format!("?limit=2&offset={offset}")).await;
        assert_eq!(
            page["pagination"],
            json!({ "limit": 2, "offset": offset, "total": 5 })
        );
        paged.extend(ids(&page));
    }
    assert_eq!(paged, all);
    let after = list(&alice, "?offset=5").await;
    assert_eq!(after["sessions"], json!([]));
    assert_eq!(after["pagination"]["total"], 5);
}

#[tokio::test]
async fn tells_states_apart_as_they_are_now() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let pdf = |name| [LocalFile::pdf(name, 10)];
    // The oldest expires while nobody looks, before any reaper runs.
    let expired = alice.create_session(&pdf("a")).await;
    app.clock.advance(10 * MINUTE);
    let cancelled = alice.create_session(&pdf("b")).await;
    alice.delete(session_path(&cancelled)).await.expect(204);
    let (completed, _) = alice.upload_all(&pdf("c")).await;
    alice.finalize_call(&completed, "Castle").await.expect(201);
    let active = alice.create_session(&pdf("d")).await;
    app.clock.advance(6 * MINUTE);

    for is_reaped in [false, true] {
        if is_reaped {
            app.uploads.reap_sessions().await.unwrap();
        }
        for (status, id) in [
            ("expired", &expired),
            ("cancelled", &cancelled),
            ("completed", &completed),
            ("active", &active),
        ] {
            let page = list(&alice, &format!("?status={status}")).await;
            assert_eq!(ids(&page), [id.as_str()], "{status}");
            assert_eq!(page["sessions"][0]["status"], status);
            assert_eq!(page["pagination"]["total"], 1);
            assert_eq!(alice.session(id).await["status"], status);
        }
        assert_eq!(ids(&list(&alice, "").await).len(), 4);
    }
}

#[tokio::test]
async fn refuses_what_is_no_page() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    for query in [
        "?limit=-1",
        "?limit=many",
        "?limit=1.5",
        "?limit=99999999999999999999",
        "?offset=-1",
        "?offset=x",
        "?status=done",
        "?status=",
    ] {
        let refused = alice.get(format!("{SESSIONS}{query}")).await;
        refused.refused(422, "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn a_page_is_bounded() {
    let app = TestApp::with(|options| options.settings.daily_limit = None).await;
    let alice = app.user("alice");
    for _ in 0..3 {
        alice.create_session(&[LocalFile::pdf("a", 10)]).await;
    }
    // A limit beyond what is served is either cut or refused, never obeyed to the letter.
    let response = alice.get(format!("{SESSIONS}?limit=1000000")).await;
    if response.status == 200 {
        let limit = response.json()["pagination"]["limit"].as_u64().unwrap();
        assert!((3..=1000).contains(&limit), "{limit}");
    } else {
        response.refused(422, "VALIDATION_ERROR");
    }
}
