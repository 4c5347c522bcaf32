//! What the one server of a database knows of new sessions is what the database says.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

mod database;
mod random;

use futures_util::FutureExt;
use moc_uploads_core::ports::{
    Activity, CompleteFileOutcome, RecordPart, RecordPartOutcome, SessionStore, UploadId,
};
use moc_uploads_testkit::builders::MINUTE;
use moc_uploads_testkit::session_store::fixture::completion;

use crate::database::{Database, NOW, TTL, held, part, restart};

#[tokio::test]
async fn what_is_written_step_by_step_is_known_as_it_is_stored() {
    let database = Database::new().await;
    let session = database.create().await;
    // Near its end, so that this extends it.
    let files = database.register(&session, NOW + 10 * MINUTE).await;
    let [first, second] = files.as_slice() else {
        panic!("{files:?}");
    };
    let known = async || {
        for file in [first, second] {
            assert_eq!(database.knows(&session, file).await, [true, true]);
        }
    };
    known().await;
    for (file, part_number, etag) in [
        (first, 2, "a"),
        (first, 1, "b"),
        (first, 2, "c"),
        (second, 1, "d"),
    ] {
        let outcome = database
            .record(part(&session, file, part_number, etag))
            .await;
        assert_eq!(outcome, RecordPartOutcome::Recorded);
        known().await;
    }
    // Extends it again.
    let late = RecordPart {
        now: NOW + 35 * MINUTE,
        ..part(&session, second, 1, "e")
    };
    database.record(late).await;
    known().await;

    let complete = completion(&session, first, NOW + 60 * MINUTE);
    let activity = database.server.complete_file(complete).await.unwrap();
    assert!(matches!(
        activity,
        Activity::Done {
            outcome: CompleteFileOutcome::Completed,
            extension: Some(_)
        }
    ));
    assert_eq!(database.knows(&session, first).await, [true, false]);
    assert_eq!(database.knows(&session, second).await, [true, true]);
    // When all are, there is nothing left to know.
    let complete = completion(&session, second, NOW + 60 * MINUTE);
    database.server.complete_file(complete).await.unwrap();
    assert_eq!(database.knows(&session, second).await, [false, false]);
}

#[tokio::test]
async fn a_session_is_forgotten_when_anything_else_happens_to_it() {
    let database = Database::new().await;
    let server = &database.server;
    let later = NOW + MINUTE;

    let (session, files) = database.started().await;
    let cancel = server.cancel_session(session.id, &session.user_id, later, TTL);
    cancel.await.unwrap();
    assert_eq!(database.knows(&session, &files[0]).await, [false, false]);

    let (session, files) = database.started().await;
    let begin = server.begin_finalize(session.id, &session.user_id, later, TTL, TTL);
    begin.await.unwrap();
    assert_eq!(database.knows(&session, &files[0]).await, [false, false]);

    let (session, files) = database.started().await;
    let restarted = server.restart_upload(restart(&session, &files[0])).await;
    assert!(restarted.unwrap());
    assert_eq!(database.knows(&session, &files[0]).await, [false, false]);

    let (session, files) = database.started().await;
    let record = held(&session, &files[0]);
    server.record_held_parts(record).await.unwrap();
    assert_eq!(database.knows(&session, &files[0]).await, [false, false]);

    let (session, files) = database.started().await;
    let of_another_upload = RecordPart {
        upload_id: UploadId("another".to_owned()),
        ..part(&session, &files[0], 1, "a")
    };
    let outcome = database.record(of_another_upload).await;
    assert_eq!(outcome, RecordPartOutcome::NoSuchUpload);
    assert_eq!(database.knows(&session, &files[0]).await, [false, false]);

    let (session, files) = database.started().await;
    server
        .expire_sessions(session.expires_at, TTL, 100)
        .await
        .unwrap();
    assert_eq!(database.knows(&session, &files[0]).await, [false, false]);
}

#[tokio::test]
async fn a_session_is_forgotten_when_a_change_of_it_fails() {
    let database = Database::new().await;
    let (session, files) = database.started().await;
    let rename = |from: &str, to: &str| {
        let rename = format!("ALTER TABLE {from} RENAME TO {to}");
        database.raw.execute_batch(&rename).unwrap();
    };
    rename("upload_session_parts", "hidden");
    let failed = database
        .server
        .record_part(part(&session, &files[0], 1, "a"))
        .await;
    rename("hidden", "upload_session_parts");
    assert!(failed.is_err());
    assert_eq!(database.knows(&session, &files[0]).await, [false, false]);
}

/// A client that goes away takes its request with it, but not what was asked of the database.
#[tokio::test]
async fn a_change_that_nobody_waits_for_is_known_too() {
    let database = Database::new().await;
    let (session, files) = database.started().await;
    let record = database
        .server
        .record_part(part(&session, &files[0], 1, "a"));
    assert!(record.now_or_never().is_none());
    // Answered after what was asked for before.
    database.create().await;
    assert_eq!(database.knows(&session, &files[0]).await, [true, true]);
    let target = database
        .server
        .part_target(session.id, files[0].id, 1)
        .await
        .unwrap();
    assert!(target.unwrap().is_recorded);
}
