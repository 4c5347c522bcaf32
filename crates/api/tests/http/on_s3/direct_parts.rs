//! Parts that clients put straight into the bucket (CONTRACT section 1.3), and files that they get from
//! there.

use bytes::Bytes;
use moc_uploads_testkit::app::{
    Call, Caller, LocalFile, RemoteFile, Response, TestApp, session_path,
};
use moc_uploads_testkit::faults::Fault;
use moc_uploads_testkit::s3::Bucket;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::{MINUTE, instant};

/// The least that S3 takes of all parts but the last.
const PART: usize = 5 * 1024 * 1024;

/// A session of alice with a registered file of two parts, and where to put them.
pub(crate) struct Direct {
    pub(crate) app: TestApp,
    alice: Caller,
    session_id: String,
    file: LocalFile,
    remote: RemoteFile,
    urls: Vec<Value>,
}

impl Direct {
    /// `None` where tests with other servers are to be left out.
    async fn new(redirects_content: bool) -> Option<Self> {
        let app = TestApp::in_a_bucket(Bucket::shared()?, |options| {
            options.settings.redirects_content = redirects_content;
        })
        .await;
        Some(Self::with(app).await)
    }

    /// With its files in a bucket.
    pub(crate) async fn with(app: TestApp) -> Self {
        let alice = app.user("alice");
        let file = LocalFile::pdf("a", PART + 500);
        let session_id = alice.create_session(std::slice::from_ref(&file)).await;
        let request = file.clone().with("partCount", 2);
        let registered = alice.register_call(&session_id, &request).await;
        let registered = registered.expect(201).json();
        Self {
            urls: registered["presignedUrls"].as_array().unwrap().clone(),
            remote: RemoteFile::new(&session_id, &registered),
            app,
            alice,
            session_id,
            file,
        }
    }

    /// Completes the file of parts that were all put straight into the bucket.
    pub(crate) async fn completing(&self) -> Call {
        let receipts = [
            self.put(1, self.part(1)).await,
            self.put(2, self.part(2)).await,
        ];
        let body = json!({ "parts": receipts });
        self.alice.complete_call(&self.remote, &body)
    }

    fn part(&self, part_number: u32) -> Bytes {
        self.file.part(part_number, PART)
    }

    /// Straight into the bucket, as a client that knows nothing but the entry would; its receipt.
    async fn put(&self, part_number: u32, bytes: impl Into<reqwest::Body>) -> Value {
        let entry = &self.urls[part_number as usize - 1];
        let mut put = client().put(entry["url"].as_str().unwrap());
        for (name, value) in entry["headers"].as_object().unwrap() {
            put = put.header(name, value.as_str().unwrap());
        }
        let answer = put.body(bytes).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        let etag = answer.headers()["etag"].to_str().unwrap();
        json!({ "partNumber": part_number, "etag": etag })
    }

    /// Through the server; its receipt.
    async fn send(&self, part_number: u32, bytes: impl Into<Bytes>) -> Value {
        let put = self.alice.put_part(&self.remote, part_number, bytes).await;
        put.expect(200).json()
    }

    async fn listed(&self) -> Vec<Value> {
        let list = self.alice.get(format!("{}/parts", self.remote.path)).await;
        list.expect(200).json()["parts"].as_array().unwrap().clone()
    }

    async fn complete(&self, receipts: &[&Value]) -> Response {
        let body = json!({ "parts": receipts });
        self.alice.complete_call(&self.remote, &body).await
    }

    async fn assert_content(&self, expected: &[&[u8]]) {
        let content = self
            .alice
            .get(format!("{}/content", self.remote.path))
            .await;
        let got = get(content.expect(302).header("location"), None).await;
        assert!(
            got.bytes().await.unwrap() == expected.concat(),
            "other bytes"
        );
    }
}

fn client() -> reqwest::Client {
    // Installed before, by another test: as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(Policy::none());
    client.build().unwrap()
}

async fn get(url: &str, range: Option<&str>) -> reqwest::Response {
    let mut get = client().get(url);
    if let Some(range) = range {
        get = get.header("range", range);
    }
    get.send().await.unwrap()
}

#[tokio::test]
async fn parts_in_the_bucket_are_listed_and_counted_without_extending_the_session() {
    let Some(direct) = Direct::new(true).await else {
        return;
    };
    let before = direct.alice.session(&direct.session_id).await;
    assert_eq!(direct.listed().await, Vec::<Value>::new());
    // Near its end.
    direct.app.clock.advance(9 * MINUTE);

    let second = direct.put(2, direct.part(2)).await;
    let listed = direct.listed().await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["partNumber"], 2);
    assert_eq!(listed[0]["etag"], second["etag"]);
    assert_eq!(listed[0]["size"], 500);
    instant(&listed[0]["uploadedAt"]);
    let first = direct.put(1, direct.part(1)).await;
    assert_eq!(direct.listed().await.len(), 2);

    let session = direct.alice.session(&direct.session_id).await;
    assert_eq!(session["files"][0]["partsReceived"], 2);
    assert_eq!(session["bytesReceived"], PART + 500);
    assert_eq!(
        session["expiresAt"], before["expiresAt"],
        "reading is no activity"
    );

    let completed = direct.complete(&[&first, &second]).await.expect(200).json();
    assert_eq!(completed["sessionExtended"], true, "completing is");
    direct.assert_content(&[&direct.file.bytes]).await;
}

#[tokio::test]
async fn a_file_is_completed_from_parts_that_nobody_listed() {
    let Some(direct) = Direct::new(true).await else {
        return;
    };
    let first = direct.put(1, direct.part(1)).await;
    let second = direct.put(2, direct.part(2)).await;
    for _ in 0..2 {
        direct.complete(&[&second, &first]).await.expect(200);
    }
    direct.assert_content(&[&direct.file.bytes]).await;
    let session = direct.alice.session(&direct.session_id).await;
    assert_eq!(session["files"][0]["partsReceived"], 2);
}

#[tokio::test]
async fn urls_end_with_their_session() {
    let Some(direct) = Direct::new(true).await else {
        return;
    };
    direct.put(1, direct.part(1)).await;
    let session = session_path(&direct.session_id);
    direct.alice.delete(session).await.expect(204);
    let put = client().put(direct.urls[0]["url"].as_str().unwrap());
    let refused = put.body(direct.part(1)).send().await.unwrap();
    assert_eq!(refused.status(), 404);
}

/// The bucket no longer lists what it has joined: only the records tell that the client's list is
/// right.
#[tokio::test]
async fn a_crash_after_parts_that_nobody_listed_were_joined_heals_with_the_next_call() {
    let Some(direct) = Direct::new(true).await else {
        return;
    };
    let first = direct.put(1, direct.part(1)).await;
    let second = direct.put(2, direct.part(2)).await;
    let faults = &direct.app.session_faults;
    faults.fail("complete_file", Fault::Unavailable);
    let refused = direct.complete(&[&first, &second]).await;
    refused.refused(503, "DATABASE_UNAVAILABLE");
    faults.clear();
    direct.complete(&[&first, &second]).await.expect(200);
    direct
        .assert_content(&[&direct.part(1), &direct.part(2)])
        .await;
}

#[tokio::test]
async fn missing_parts_and_wrong_sizes_are_refused_before_anything_is_joined() {
    let Some(direct) = Direct::new(true).await else {
        return;
    };
    let short = direct.put(1, direct.part(1).slice(1..)).await;
    let unsent = json!({ "partNumber": 2, "etag": "\"e\"" });
    let refused = direct.complete(&[&short, &unsent]).await;
    let problem = refused.refused(400, "PART_COUNT_MISMATCH");
    assert_eq!(problem["expected"], 2);
    assert_eq!(problem["missing"], json!([2]));

    let second = direct.put(2, direct.part(2)).await;
    let refused = direct.complete(&[&short, &second]).await;
    let problem = refused.refused(400, "PART_SIZE_MISMATCH");
    assert_eq!(problem["expectedSize"], PART);
    let listed = direct.listed().await;
    let numbers: Vec<_> = listed.iter().map(|part| &part["partNumber"]).collect();
    assert_eq!(numbers, [2], "the short one is to be sent again");
    let refused = direct.complete(&[&unsent, &second]).await;
    refused.refused(400, "PART_COUNT_MISMATCH");
    assert_eq!(direct.app.bucket().unwrap().objects(), Vec::<String>::new());

    let first = direct.put(1, direct.part(1)).await;
    let refused = direct.complete(&[&short, &second]).await;
    refused.refused(400, "INVALID_PART");
    direct.complete(&[&first, &second]).await.expect(200);
    direct.assert_content(&[&direct.file.bytes]).await;
}

/// S3 keeps only what came last.
#[tokio::test]
async fn of_a_part_that_was_sent_both_ways_the_last_one_counts() {
    let Some(direct) = Direct::new(true).await else {
        return;
    };
    let other = vec![b'x'; 500];
    let first = direct.send(1, direct.part(1)).await;
    let through = direct.send(2, direct.part(2)).await;
    let straight = direct.put(2, other.clone()).await;
    let refused = direct.complete(&[&first, &through]).await;
    refused.refused(400, "INVALID_PART");
    assert_eq!(direct.listed().await[1]["etag"], straight["etag"]);
    let again = direct.send(2, vec![b'y'; 500]).await;
    let refused = direct.complete(&[&first, &straight]).await;
    refused.refused(400, "INVALID_PART");
    assert_eq!(direct.listed().await[1]["etag"], again["etag"]);
    let straight = direct.put(2, other.clone()).await;
    direct.complete(&[&first, &straight]).await.expect(200);
    direct.assert_content(&[&direct.part(1), &other]).await;
}

/// The client knows by its 503: it sends the part again.
#[tokio::test]
async fn a_resend_that_could_not_be_recorded_is_not_completed_unnoticed() {
    let Some(direct) = Direct::new(true).await else {
        return;
    };
    let first = direct.send(1, direct.part(1)).await;
    let second = direct.send(2, direct.part(2)).await;
    let faults = &direct.app.session_faults;
    faults.fail("record_part", Fault::Unavailable);
    let unrecorded = direct.alice.put_part(&direct.remote, 2, vec![b'x'; 500]);
    unrecorded.await.refused(503, "DATABASE_UNAVAILABLE");
    faults.clear();
    let refused = direct.complete(&[&first, &second]).await;
    refused.refused(400, "INVALID_PART");
    let again = direct.send(2, direct.part(2)).await;
    direct.complete(&[&first, &again]).await.expect(200);
    direct.assert_content(&[&direct.file.bytes]).await;
}

#[tokio::test]
async fn content_comes_from_the_bucket_whole_and_in_ranges() {
    let Some(direct) = Direct::new(true).await else {
        return;
    };
    direct.completing().await.await.expect(200);
    let path = format!("{}/content", direct.remote.path);
    let content = direct.alice.get(&path).await.expect(302);
    assert_eq!(content.header("cache-control"), "no-store");
    let url = content.header("location");
    let whole = get(url, None).await;
    assert_eq!(whole.headers()["content-type"], "application/pdf");
    let disposition = whole.headers()["content-disposition"].to_str().unwrap();
    assert!(
        disposition.starts_with("attachment; filename=\"a\""),
        "{disposition}"
    );
    let etag = whole.headers()["etag"].to_str().unwrap().to_owned();
    assert!(whole.bytes().await.unwrap() == direct.file.bytes);
    let range = get(url, Some("bytes=9-10")).await;
    assert_eq!(range.status(), 206);
    assert_eq!(range.bytes().await.unwrap(), direct.file.bytes.slice(9..11));
    assert_eq!(get(&format!("{url}0"), None).await.status(), 403);

    let known = direct.alice.get(&path).header("if-none-match", &etag).await;
    known.expect(304);
    let outside = direct
        .alice
        .get(&path)
        .header("range", "bytes=99999999-")
        .await;
    outside.refused(416, "RANGE_NOT_SATISFIABLE");
    let head = direct.alice.head(&path).await.expect(200);
    assert_eq!(head.header("content-length"), (PART + 500).to_string());
    let nobody = direct.app.user("bob").get(&path).await;
    nobody.refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn content_comes_through_the_server_where_that_is_wanted() {
    let Some(direct) = Direct::new(false).await else {
        return;
    };
    direct.completing().await.await.expect(200);
    let content = direct
        .alice
        .get(format!("{}/content", direct.remote.path))
        .await;
    assert!(content.expect(200).body == direct.file.bytes);
}
