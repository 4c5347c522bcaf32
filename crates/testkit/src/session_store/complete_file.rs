//! Completing files (CONTRACT section 1.5).

use moc_uploads_core::file::FileStatus;
use moc_uploads_core::part::{ETag, PartReceipt};
use moc_uploads_core::ports::{Activity, CompleteFile, CompleteFileOutcome, RecordPart};
use moc_uploads_core::session::SessionStatus;

use super::Stores;
use super::fixture::{MILLISECOND, NOW, as_stored, completion, outcome_of, part, url_of};
use crate::builders::{MINUTE, PART_SIZE_BYTES, file_id, instruction, session_id};

use CompleteFileOutcome::{AlreadyCompleted, Completed, NoSuchFile};

async fn complete(stores: &Stores, complete: CompleteFile) -> Activity<CompleteFileOutcome> {
    stores.store.complete_file(complete).await.unwrap()
}

/// Also where its parts did not come through this server.
pub async fn a_completed_file_has_its_url_and_counts_whole(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let size_bytes = 2 * PART_SIZE_BYTES + 1;
    let metadata = instruction("a", size_bytes);
    let file = stores.registered(&session, metadata).await;
    stores.recorded(&session, &file, 1).await;
    let activity = complete(stores, completion(&session, &file, NOW + MINUTE)).await;
    assert_eq!(outcome_of(activity), Completed);
    let progress = &stores.detail(&session).await.files[0];
    assert_eq!(progress.file.status, FileStatus::Completed);
    assert_eq!(progress.file.etag, Some(ETag::parse("whole")));
    assert_eq!(progress.file.file_url, Some(url_of(&file)));
    assert_eq!(progress.file.created_at, NOW);
    assert_eq!(progress.file.updated_at, NOW + MINUTE);
    assert_eq!(progress.parts_received, 3);
    assert_eq!(progress.bytes_received, size_bytes);
}

/// Also after the session is finalized.
pub async fn completing_again_changes_nothing(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let file = stores.completed(&session, instruction("a", 4)).await;
    let before = stores.detail(&session).await.files;
    let again = || CompleteFile {
        etag: ETag::parse("other"),
        file_url: "https://elsewhere.test/".to_owned(),
        ..completion(&session, &file, session.expires_at - MILLISECOND)
    };
    let unchanged = Activity::Done {
        outcome: AlreadyCompleted,
        extension: None,
    };
    assert_eq!(complete(stores, again()).await, unchanged);
    stores.finalized(&session, "Castle").await;
    assert_eq!(complete(stores, again()).await, unchanged);
    assert_eq!(stores.detail(&session).await.files, before);
}

/// The record says what the object holds.
pub async fn a_part_that_came_while_its_file_was_joined_is_put_back(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let metadata = instruction("a", 2 * PART_SIZE_BYTES);
    let file = stores.registered(&session, metadata).await;
    for part_number in 1..=2 {
        stores.recorded(&session, &file, part_number).await;
    }
    let before = stores.parts(&session, &file).await;
    let joined = before.iter().map(|part| PartReceipt {
        part_number: part.part_number,
        etag: part.etag.clone(),
    });
    let joined = joined.collect();
    let late = RecordPart {
        etag: ETag::parse("late"),
        ..part(&session, &file, 2, NOW)
    };
    stores.store.record_part(late).await.unwrap();
    assert_ne!(stores.parts(&session, &file).await, before);
    let completion = CompleteFile {
        parts: joined,
        ..completion(&session, &file, NOW)
    };
    assert_eq!(outcome_of(complete(stores, completion).await), Completed);
    assert_eq!(stores.parts(&session, &file).await, before);
}

/// The others learn that it is.
pub async fn concurrent_calls_complete_once(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let file = stores.registered(&session, instruction("a", 4)).await;
    let outcomes = stores
        .concurrently(16, |store, _| {
            let complete = completion(&session, &file, NOW);
            async move { outcome_of(store.complete_file(complete).await.unwrap()) }
        })
        .await;
    let completed = outcomes.iter().filter(|outcome| **outcome == Completed);
    assert_eq!(completed.count(), 1);
    let already = outcomes
        .iter()
        .filter(|outcome| **outcome == AlreadyCompleted);
    assert_eq!(already.count(), 15);
}

/// Or is another session's.
pub async fn a_file_that_is_not_there_is_not_completed(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let file = stores.registered(&session, instruction("a", 4)).await;
    let other = stores.session(vec![]).await;
    let nowhere = CompleteFile {
        file_id: file_id(),
        ..completion(&session, &file, NOW)
    };
    for completion in [nowhere, completion(&other, &file, NOW)] {
        let activity = complete(stores, completion).await;
        assert_eq!(outcome_of(activity), NoSuchFile);
    }
    assert_eq!(stores.statuses(&session).await, ["pending"]);
    let nowhere = CompleteFile {
        session_id: session_id(),
        ..completion(&session, &file, NOW)
    };
    assert_eq!(
        complete(stores, nowhere).await,
        Activity::SessionClosed(None)
    );
}

/// And says in which state it is, so that the caller can remove the object.
pub async fn an_ended_session_completes_no_files(stores: &Stores) {
    for (session, file, status) in stores.ended_sessions().await {
        let before = stores.statuses(&session).await;
        assert_eq!(
            complete(stores, completion(&session, &file, NOW)).await,
            Activity::SessionClosed(Some(as_stored(&session, status)))
        );
        assert_eq!(stores.statuses(&session).await, before);
    }
    let session = stores.session(vec![]).await;
    let file = stores.completed(&session, instruction("a", 4)).await;
    stores.cancelled(&session).await;
    let ended = as_stored(&session, SessionStatus::Cancelled);
    assert_eq!(
        complete(stores, completion(&session, &file, NOW)).await,
        Activity::SessionClosed(Some(ended))
    );
}

/// At `expires_at` it is over, for completed files too.
pub async fn files_are_completed_until_the_millisecond_of_expiry(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let file = stores.registered(&session, instruction("a", 4)).await;
    let completed = stores.completed(&session, instruction("b", 4)).await;
    let closed = Activity::SessionClosed(Some(as_stored(&session, SessionStatus::Active)));
    for file in [&file, &completed] {
        let late = completion(&session, file, session.expires_at);
        assert_eq!(complete(stores, late).await, closed);
    }
    let in_time = completion(&session, &file, session.expires_at - MILLISECOND);
    assert_eq!(outcome_of(complete(stores, in_time).await), Completed);
}
