//! `GET /sessions/{sessionId}/files/{fileId}/parts` (CONTRACT section 1, endpoint 8).

use std::time::Duration;

use moc_uploads_core::time::{Clock, SystemClock};
use moc_uploads_testkit::app::{LocalFile, TestApp};
use serde_json::json;

use crate::{MINUTE, NOBODY, instant, members};

#[tokio::test]
async fn tells_what_has_arrived_in_order() {
    let began_at = SystemClock.now();
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 2500);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let remote = alice.register(&id, &file).await;
    let list = || alice.get(format!("{}/parts", remote.path));
    assert_eq!(list().await.expect(200).json(), json!({ "parts": [] }));

    let mut etags = Vec::new();
    let mut times = Vec::new();
    for part_number in [3, 1] {
        let put = alice.put_part(&remote, part_number, file.part(part_number, 1024));
        etags.push(put.await.expect(200).json()["etag"].clone());
        times.push(app.clock.now());
        app.clock.advance(MINUTE);
    }
    let listed = list().await.expect(200).json();
    assert_eq!(members(&listed), ["parts"]);
    let parts = &listed["parts"];
    assert_eq!(parts.as_array().unwrap().len(), 2);
    for (part, (part_number, size, index)) in parts
        .as_array()
        .unwrap()
        .iter()
        .zip([(1, 1024, 1), (3, 452, 0)])
    {
        assert_eq!(members(part), ["etag", "partNumber", "size", "uploadedAt"]);
        assert_eq!(part["partNumber"], part_number);
        assert_eq!(part["size"], size);
        assert_eq!(part["etag"], etags[index]);
        let uploaded_at = instant(&part["uploadedAt"]);
        match app.bucket() {
            None => assert_eq!(uploaded_at, times[index]),
            // The bucket says when it got it, in whole seconds of its own time.
            Some(_) => assert!(uploaded_at + Duration::from_secs(1) > began_at),
        }
    }
}

#[tokio::test]
async fn what_is_listed_can_be_handed_to_complete() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 2500);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let remote = alice.register(&id, &file).await;
    alice.put_parts(&remote, &file).await;
    let listed = alice
        .get(format!("{}/parts", remote.path))
        .await
        .expect(200)
        .json();
    alice.complete_call(&remote, &listed).await.expect(200);
}

#[tokio::test]
async fn nobody_elses_parts_are_listed() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 10);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let remote = alice.register(&id, &file).await;
    let path = format!("{}/parts", remote.path);
    app.user("bob").get(&path).await.refused(404, "NOT_FOUND");
    for other in [NOBODY, "nonsense"] {
        let path = path.replace(&remote.file_id, other);
        alice.get(path).await.refused(404, "NOT_FOUND");
    }
    for other in [NOBODY, "nonsense"] {
        let path = path.replace(&id, other);
        alice.get(path).await.refused(404, "NOT_FOUND");
    }
}
