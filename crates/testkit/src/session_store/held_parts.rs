//! Recording what the object store holds, and beginning anew what it lost.

use moc_uploads_core::file::FileStatus;
use moc_uploads_core::part::{ETag, Part};
use moc_uploads_core::ports::{
    Activity, HeldPart, NewFile, NewSession, RecordHeldParts, RecordPartOutcome, RestartUpload,
    UploadId,
};
use moc_uploads_core::session::SessionStatus;
use moc_uploads_core::time::Timestamp;

use super::Stores;
use super::fixture::{MILLISECOND, NOW, as_stored, outcome_of, part};
use crate::builders::{MINUTE, file_id, instruction, session_id};

/// A part as the object store has held it since a minute, where this etag was recorded.
fn held(part_number: u32, etag: &str, recorded: Option<&str>) -> HeldPart {
    HeldPart {
        part: Part {
            part_number,
            etag: ETag::parse(etag),
            size_bytes: 4,
            uploaded_at: NOW - MINUTE,
        },
        recorded: recorded.map(ETag::parse),
    }
}

fn recording(
    session: &NewSession,
    file: &NewFile,
    parts: Vec<HeldPart>,
    now: Timestamp,
) -> RecordHeldParts {
    RecordHeldParts {
        session_id: session.id,
        file_id: file.id,
        upload_id: file.upload.id.clone(),
        parts,
        now,
    }
}

async fn record(stores: &Stores, parts: RecordHeldParts) -> Activity<RecordPartOutcome> {
    stores.store.record_held_parts(parts).await.unwrap()
}

/// Number and etag of what is recorded.
async fn recorded(stores: &Stores, session: &NewSession, file: &NewFile) -> Vec<(u32, String)> {
    let found = stores.replica.file_with_parts(session.id, file.id).await;
    let parts = found.unwrap().unwrap().parts;
    let parts = parts.into_iter();
    parts
        .map(|part| (part.part_number, part.etag.as_str().to_owned()))
        .collect()
}

/// New ones and others than were recorded, in one step, which is no activity.
pub async fn held_parts_are_recorded_as_they_are_held(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let file = stores.registered(&session, instruction("a", 12)).await;
    let nothing = recording(&session, &file, vec![], NOW);
    assert_eq!(
        outcome_of(record(stores, nothing).await),
        RecordPartOutcome::Recorded
    );
    let first = recording(&session, &file, vec![held(3, "c", None)], NOW);
    record(stores, first).await;
    stores.recorded(&session, &file, 1).await;

    let in_last_moment = session.expires_at - MILLISECOND;
    let parts = vec![held(1, "a", Some("part-1")), held(2, "b", None)];
    let rest = recording(&session, &file, parts, in_last_moment);
    assert_eq!(
        record(stores, rest).await,
        Activity::Done {
            outcome: RecordPartOutcome::Recorded,
            extension: None
        }
    );
    let found = stores.replica.file_with_parts(session.id, file.id).await;
    let found = found.unwrap().unwrap();
    let expected =
        [(1, "a"), (2, "b"), (3, "c")].map(|(number, etag)| held(number, etag, None).part);
    assert_eq!(found.parts, expected);
    assert_eq!(found.target.file.unwrap().status, FileStatus::Uploading);
    assert_eq!(stores.detail(&session).await.files[0].bytes_received, 12);
    assert_eq!(stores.expires_at(&session).await, session.expires_at);
}

/// It is newer than what the object store said before.
pub async fn what_was_recorded_in_the_meantime_stays(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let file = stores.registered(&session, instruction("a", 12)).await;
    stores.recorded(&session, &file, 1).await;
    stores.recorded(&session, &file, 2).await;
    let parts = vec![
        held(1, "stale", None),
        held(2, "stale", Some("earlier")),
        held(3, "new", Some("gone")),
    ];
    let stale = recording(&session, &file, parts, NOW);
    let activity = record(stores, stale).await;
    assert_eq!(outcome_of(activity), RecordPartOutcome::Recorded);
    let expected = [(1, "part-1".to_owned()), (2, "part-2".to_owned())];
    assert_eq!(recorded(stores, &session, &file).await, expected);
}

/// As if they were sent one by one.
pub async fn held_parts_are_refused_where_parts_are(stores: &Stores) {
    let parts = || vec![held(1, "a", None)];
    let session = stores.session(vec![]).await;
    let file = stores.registered(&session, instruction("a", 4)).await;
    let completed = stores.completed(&session, instruction("b", 4)).await;
    let activity = record(stores, recording(&session, &completed, parts(), NOW)).await;
    assert_eq!(outcome_of(activity), RecordPartOutcome::FileCompleted);
    let nowhere = RecordHeldParts {
        file_id: file_id(),
        ..recording(&session, &file, parts(), NOW)
    };
    let activity = record(stores, nowhere).await;
    assert_eq!(outcome_of(activity), RecordPartOutcome::NoSuchFile);
    let nowhere = RecordHeldParts {
        session_id: session_id(),
        ..recording(&session, &file, parts(), NOW)
    };
    assert_eq!(record(stores, nowhere).await, Activity::SessionClosed(None));
    let late = recording(&session, &file, parts(), session.expires_at);
    let closed = Activity::SessionClosed(Some(as_stored(&session, SessionStatus::Active)));
    assert_eq!(record(stores, late).await, closed);
    assert_eq!(recorded(stores, &session, &file).await, []);
    for (session, file, status) in stores.ended_sessions().await {
        let activity = record(stores, recording(&session, &file, parts(), NOW)).await;
        let closed = Activity::SessionClosed(Some(as_stored(&session, status)));
        assert_eq!(activity, closed);
        assert_eq!(recorded(stores, &session, &file).await, []);
    }
}

fn restart(session: &NewSession, file: &NewFile, to: &str, now: Timestamp) -> RestartUpload {
    RestartUpload {
        session_id: session.id,
        file_id: file.id,
        from: file.upload.id.clone(),
        to: UploadId(to.to_owned()),
        now,
    }
}

async fn upload_id(stores: &Stores, session: &NewSession, file: &NewFile) -> UploadId {
    let found = stores.replica.file(session.id, file.id).await;
    found.unwrap().unwrap().file.unwrap().upload_id.unwrap()
}

/// Other files keep theirs.
pub async fn a_restarted_file_has_another_upload_and_no_parts(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let file = stores.registered(&session, instruction("a", 8)).await;
    let other = stores.registered(&session, instruction("b", 8)).await;
    for file in [&file, &other] {
        stores.recorded(&session, file, 1).await;
    }
    let last_moment = session.expires_at - MILLISECOND;
    let restarted = restart(&session, &file, "second", last_moment);
    assert!(stores.store.restart_upload(restarted).await.unwrap());
    assert_eq!(upload_id(stores, &session, &file).await.0, "second");
    assert_eq!(recorded(stores, &session, &file).await, []);
    assert_eq!(stores.statuses(&session).await, ["pending", "uploading"]);
    assert_eq!(upload_id(stores, &session, &other).await, other.upload.id);
    assert_eq!(recorded(stores, &session, &other).await.len(), 1);
}

/// The new one does not hold them. A part that is stored there counts.
pub async fn a_part_in_an_upload_that_is_no_more_does_not_count(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let file = stores.registered(&session, instruction("a", 8)).await;
    let restarted = restart(&session, &file, "second", NOW);
    assert!(stores.store.restart_upload(restarted).await.unwrap());
    let near = session.expires_at - MILLISECOND;
    let refused = Activity::Done {
        outcome: RecordPartOutcome::NoSuchUpload,
        extension: None,
    };
    let mut part = part(&session, &file, 1, near);
    let activity = stores.store.record_part(part.clone()).await.unwrap();
    assert_eq!(activity, refused);
    let mut parts = recording(&session, &file, vec![held(2, "b", None)], near);
    assert_eq!(record(stores, parts.clone()).await, refused);
    assert_eq!(recorded(stores, &session, &file).await, []);
    assert_eq!(stores.statuses(&session).await, ["pending"]);

    part.upload_id = UploadId("second".to_owned());
    parts.upload_id = part.upload_id.clone();
    let activity = stores.store.record_part(part).await.unwrap();
    assert_eq!(outcome_of(activity), RecordPartOutcome::Recorded);
    let activity = record(stores, parts).await;
    assert_eq!(outcome_of(activity), RecordPartOutcome::Recorded);
    assert_eq!(recorded(stores, &session, &file).await.len(), 2);
}

/// Whoever comes first; the other uploads are nobody's.
pub async fn concurrent_restarts_of_one_upload_do_it_once(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let file = stores.registered(&session, instruction("a", 8)).await;
    let outcomes = stores
        .concurrently(8, |store, index| {
            let restart = restart(&session, &file, &format!("upload-{index}"), NOW);
            async move { store.restart_upload(restart).await.unwrap() }
        })
        .await;
    assert_eq!(outcomes.iter().filter(|is_done| **is_done).count(), 1);
}

/// Completed, ended, or elsewhere.
pub async fn only_a_file_that_takes_parts_is_restarted(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let file = stores.registered(&session, instruction("a", 8)).await;
    let completed = stores.completed(&session, instruction("b", 8)).await;
    let other = stores.session(vec![]).await;
    let mut refused = vec![
        (
            &session,
            &completed,
            restart(&session, &completed, "x", NOW),
        ),
        (&session, &file, restart(&other, &file, "x", NOW)),
        (
            &session,
            &file,
            restart(&session, &file, "x", session.expires_at),
        ),
    ];
    let ended = stores.ended_sessions().await;
    for (session, file, _) in &ended {
        refused.push((session, file, restart(session, file, "x", NOW)));
    }
    for (session, file, restart) in refused {
        assert!(!stores.store.restart_upload(restart).await.unwrap());
        assert_eq!(upload_id(stores, session, file).await, file.upload.id);
    }
}
