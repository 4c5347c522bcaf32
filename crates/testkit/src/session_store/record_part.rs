//! Recording parts (CONTRACT section 1.4).

use moc_uploads_core::file::FileStatus;
use moc_uploads_core::part::{ETag, Part};
use moc_uploads_core::ports::{Activity, RecordPart, RecordPartOutcome};
use moc_uploads_core::session::SessionStatus;

use super::Stores;
use super::fixture::{MILLISECOND, NOW, as_stored, outcome_of, part};
use crate::builders::{MINUTE, file_id, instruction, session_id};

async fn record(stores: &Stores, part: RecordPart) -> Activity<RecordPartOutcome> {
    stores.store.record_part(part).await.unwrap()
}

/// Parts come in any order and are listed in theirs.
pub async fn a_recorded_part_counts(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let file = stores.registered(&session, instruction("a", 12)).await;
    for part_number in [10, 2] {
        stores.recorded(&session, &file, part_number).await;
    }
    let expected = [2, 10].map(|part_number| Part {
        part_number,
        etag: ETag::parse(&format!("part-{part_number}")),
        size_bytes: 4,
        uploaded_at: NOW,
    });
    assert_eq!(stores.parts(&session, &file).await, expected);

    let store = &stores.replica;
    for (part_number, is_recorded) in [(2, true), (1, false)] {
        let found = store.part_target(session.id, file.id, part_number).await;
        let found = found.unwrap().unwrap();
        assert_eq!(found.is_recorded, is_recorded);
        let status = found.target.file.unwrap().status;
        assert_eq!(status, FileStatus::Uploading);
    }
    let progress = &stores.detail(&session).await.files[0];
    assert_eq!(progress.parts_received, 2);
    assert_eq!(progress.bytes_received, 8);
}

/// The one recorded last counts.
pub async fn a_part_sent_again_replaces_the_earlier_one(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let file = stores.registered(&session, instruction("a", 12)).await;
    stores.recorded(&session, &file, 1).await;
    let again = RecordPart {
        etag: ETag::parse("other"),
        size_bytes: 5,
        ..part(&session, &file, 1, NOW + MINUTE)
    };
    let activity = record(stores, again).await;
    assert_eq!(outcome_of(activity), RecordPartOutcome::Recorded);
    assert_eq!(
        stores.parts(&session, &file).await,
        [Part {
            part_number: 1,
            etag: ETag::parse("other"),
            size_bytes: 5,
            uploaded_at: NOW + MINUTE,
        }]
    );
}

/// None is lost.
pub async fn concurrent_parts_all_count(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let file = stores.registered(&session, instruction("a", 64)).await;
    let outcomes = stores
        .concurrently(16, |store, index| {
            let part = part(&session, &file, index as u32 + 1, NOW);
            async move { outcome_of(store.record_part(part).await.unwrap()) }
        })
        .await;
    assert_eq!(outcomes, [RecordPartOutcome::Recorded; 16]);
    let numbers: Vec<_> = stores
        .parts(&session, &file)
        .await
        .iter()
        .map(|part| part.part_number)
        .collect();
    assert_eq!(numbers, Vec::from_iter(1..=16));
}

/// Also when its session is completed.
pub async fn a_completed_file_takes_no_parts(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let file = stores.completed(&session, instruction("a", 4)).await;
    for is_finalized in [false, true] {
        if is_finalized {
            stores.finalized(&session, "Castle").await;
        }
        assert_eq!(
            record(stores, part(&session, &file, 1, NOW)).await,
            Activity::Done {
                outcome: RecordPartOutcome::FileCompleted,
                extension: None
            }
        );
    }
    assert!(stores.parts(&session, &file).await.is_empty());
}

/// Or is another session's.
pub async fn a_file_that_is_not_there_takes_no_parts(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let file = stores.registered(&session, instruction("a", 4)).await;
    let other = stores.session(vec![]).await;
    let nowhere = RecordPart {
        file_id: file_id(),
        ..part(&session, &file, 1, NOW)
    };
    for part in [nowhere, part(&other, &file, 1, NOW)] {
        let activity = record(stores, part).await;
        assert_eq!(outcome_of(activity), RecordPartOutcome::NoSuchFile);
    }
    assert!(stores.parts(&session, &file).await.is_empty());
    let nowhere = RecordPart {
        session_id: session_id(),
        ..part(&session, &file, 1, NOW)
    };
    assert_eq!(record(stores, nowhere).await, Activity::SessionClosed(None));
}

/// And says in which state it is.
pub async fn an_ended_session_takes_no_parts(stores: &Stores) {
    for (session, file, status) in stores.ended_sessions().await {
        assert_eq!(
            record(stores, part(&session, &file, 1, NOW)).await,
            Activity::SessionClosed(Some(as_stored(&session, status)))
        );
        assert!(stores.parts(&session, &file).await.is_empty());
    }
}

/// At `expires_at` it is over, for completed files too.
pub async fn parts_are_taken_until_the_millisecond_of_expiry(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let file = stores.registered(&session, instruction("a", 4)).await;
    let completed = stores.completed(&session, instruction("b", 4)).await;
    let closed = Activity::SessionClosed(Some(as_stored(&session, SessionStatus::Active)));
    for file in [&file, &completed] {
        let late = part(&session, file, 1, session.expires_at);
        assert_eq!(record(stores, late).await, closed);
    }
    let in_time = part(&session, &file, 1, session.expires_at - MILLISECOND);
    let activity = record(stores, in_time).await;
    assert_eq!(outcome_of(activity), RecordPartOutcome::Recorded);
}
