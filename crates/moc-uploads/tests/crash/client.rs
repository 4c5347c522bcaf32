//! A client that keeps a record of what was acknowledged, holds the server to it after every
//! failure, and goes on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, RngCore, SeedableRng};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::watch;

/// The least part size that can be configured.
const PART_SIZE: usize = 5 * 1024 * 1024;

/// What a client has made.
#[derive(Default)]
pub(crate) struct Finished {
    pub(crate) moc_count: u64,
    /// Of the files of its MOCs.
    pub(crate) object_keys: Vec<String>,
}

struct Uploader {
    http: Client,
    base: String,
    rng: StdRng,
    acknowledged: watch::Sender<u64>,
}

struct File {
    key: &'static str,
    declaration: Value,
    bytes: Vec<u8>,
}

/// Makes MOCs until it is over, and finishes the one it is at.
pub(crate) async fn run(
    url: String,
    seed: u64,
    is_over: Arc<AtomicBool>,
    acknowledged: watch::Sender<u64>,
) -> Finished {
    let mut uploader = Uploader {
        http: Client::builder()
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap(),
        base: format!("{url}/api/mocs/uploads"),
        rng: StdRng::seed_from_u64(seed),
        acknowledged,
    };
    let mut finished = Finished::default();
    while !is_over.load(Ordering::SeqCst) {
        let title = format!("Castle {seed}-{}", finished.moc_count);
        let keys = uploader.make_moc(&title).await;
        finished.object_keys.extend(keys);
        finished.moc_count += 1;
    }
    finished
}

impl Uploader {
    async fn make_moc(&mut self, title: &str) -> Vec<String> {
        let files = self.some_files();
        let declarations: Vec<&Value> = files.iter().map(|file| &file.declaration).collect();
        let created = self
            .insist(|this| {
                this.http
                    .post(format!("{}/sessions", this.base))
                    .header("idempotency-key", title.replace(' ', "-"))
                    .json(&json!({ "files": declarations, "allowDuplicates": true }))
            })
            .await;
        assert_eq!(created.0, StatusCode::CREATED, "{}", created.1);
        let session = format!(
            "{}/sessions/{}",
            self.base,
            created.1["sessionId"].as_str().unwrap()
        );
        for file in &files {
            self.upload(&session, file).await;
        }
        // A replica that died while it finalized has a lock that others respect, until its lease ends.
        loop {
            let (status, answer) = self
                .insist(|this| {
                    this.http
                        .post(format!("{}/sessions/finalize", this.base))
                        .json(&json!({ "uploadSessionId": created.1["sessionId"], "title": title }))
                })
                .await;
            assert!(status.is_success(), "{answer}");
            if answer["status"] != "finalizing" {
                break;
            }
            self.pause().await;
        }
        let (_, status) = self.insist(|this| this.http.get(&session)).await;
        let moc = &status["moc"];
        assert_eq!(moc["title"], title, "{status}");
        [&moc["imageKeys"], &moc["partsKeys"]]
            .into_iter()
            .flat_map(|keys| keys.as_array().unwrap())
            .chain([&moc["pdfKey"]])
            .map(|key| key.as_str().unwrap().to_owned())
            .collect()
    }

    /// Registers a file, sends its parts (some more than once, some first with other bytes), holds
    /// the server to what it acknowledged, completes the file and reads it back.
    async fn upload(&mut self, session: &str, file: &File) {
        let file_url = self.register(session, file).await;
        let mut acknowledged = BTreeMap::new();
        let mut work: Vec<usize> = (1..=file.bytes.len().div_ceil(PART_SIZE)).collect();
        work.shuffle(&mut self.rng);
        while let Some(part_number) = work.pop() {
            let start = (part_number - 1) * PART_SIZE;
            let right = &file.bytes[start..file.bytes.len().min(start + PART_SIZE)];
            if self.rng.random_ratio(1, 8) {
                let wrong = vec![0x55; right.len()];
                self.put_part(&file_url, part_number, &wrong, &mut acknowledged)
                    .await;
            }
            while !self
                .put_part(&file_url, part_number, right, &mut acknowledged)
                .await
            {}
        }
        let parts: Vec<Value> = acknowledged
            .iter()
            .map(|(part_number, etag)| json!({ "partNumber": part_number, "etag": etag }))
            .collect();
        let completed = self
            .insist(|this| {
                this.http
                    .post(format!("{file_url}/complete"))
                    .json(&json!({ "parts": parts }))
            })
            .await;
        assert_eq!(completed.0, StatusCode::OK, "{}", completed.1);
        let content = self.content(&format!("{file_url}/content")).await;
        assert!(content == file.bytes, "other bytes came back");
    }

    async fn register(&mut self, session: &str, file: &File) -> String {
        let (status, answer) = self
            .insist(|this| {
                this.http
                    .post(format!("{session}/files"))
                    .json(&file.declaration)
            })
            .await;
        let file_id = if status == StatusCode::CONFLICT {
            // An earlier attempt was recorded, and its answer lost.
            let (_, detail) = self.insist(|this| this.http.get(session)).await;
            let files = detail["files"].as_array().unwrap();
            let registered = files.iter().find(|found| found["key"] == file.key).unwrap();
            registered["fileId"].as_str().unwrap().to_owned()
        } else {
            assert_eq!(status, StatusCode::CREATED, "{answer}");
            answer["fileId"].as_str().unwrap().to_owned()
        };
        format!("{session}/files/{file_id}")
    }

    /// Whether it was acknowledged. If not, what was acknowledged before must still be there.
    async fn put_part(
        &mut self,
        file_url: &str,
        part_number: usize,
        bytes: &[u8],
        acknowledged: &mut BTreeMap<usize, String>,
    ) -> bool {
        let response = self
            .http
            .put(format!("{file_url}/parts/{part_number}"))
            .body(bytes.to_vec())
            .send()
            .await;
        if let Some((status, answer)) = read(response).await {
            assert_eq!(status, StatusCode::OK, "{answer}");
            let etag = answer["etag"].as_str().unwrap().to_owned();
            acknowledged.insert(part_number, etag);
            self.acknowledged.send_modify(|count| *count += 1);
            return true;
        }
        let (_, listed) = self
            .insist(|this| this.http.get(format!("{file_url}/parts")))
            .await;
        let listed: BTreeMap<u64, &str> = listed["parts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| {
                let number = part["partNumber"].as_u64().unwrap();
                (number, part["etag"].as_str().unwrap())
            })
            .collect();
        for (number, etag) in acknowledged.iter() {
            let found = listed.get(&(*number as u64));
            // The part that was just sent may have been recorded without its answer getting here.
            assert!(
                found == Some(&etag.as_str()) || (*number == part_number && found.is_some()),
                "part {number} was acknowledged as {etag}, now it is {found:?}"
            );
        }
        false
    }

    /// Sends a request until an answer comes back whole.
    async fn insist(&mut self, request: impl Fn(&Self) -> RequestBuilder) -> (StatusCode, Value) {
        loop {
            if let Some(answer) = read(request(self).send().await).await {
                return answer;
            }
            self.pause().await;
        }
    }

    async fn content(&mut self, url: &str) -> Vec<u8> {
        loop {
            if let Ok(response) = self.http.get(url).send().await
                && response.status() == StatusCode::OK
                && let Ok(bytes) = response.bytes().await
            {
                return bytes.to_vec();
            }
            self.pause().await;
        }
    }

    /// While the server is down, or busy with what it was asked for.
    async fn pause(&mut self) {
        tokio::time::sleep(Duration::from_millis(self.rng.random_range(5..30))).await;
    }

    fn some_files(&mut self) -> Vec<File> {
        let mut pdf = b"%PDF-1.7\n".to_vec();
        let len = self.rng.random_range(1..3 * PART_SIZE);
        pdf.resize(pdf.len() + len, 0);
        self.rng.fill_bytes(&mut pdf[9..]);
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        let len = self.rng.random_range(1..200_000);
        png.resize(png.len() + len, 0);
        self.rng.fill_bytes(&mut png[16..]);
        let csv = b"part,quantity\n3001,4\n".to_vec();
        let hash = hex::encode(ring::digest::digest(&ring::digest::SHA256, &pdf));
        let declare = |key, category, content_type, ext, bytes: &[u8]| {
            json!({
                "key": key, "name": key, "category": category, "type": content_type, "ext": ext,
                "size": bytes.len(),
            })
        };
        let mut declared_pdf = declare("castle.pdf", "instruction", "application/pdf", "pdf", &pdf);
        declared_pdf["hash"] = json!(hash);
        let png_declaration = declare("front.png", "image", "image/png", "png", &png);
        let csv_declaration = declare("parts.csv", "parts-list", "text/csv", "csv", &csv);
        [
            ("castle.pdf", declared_pdf, pdf),
            ("front.png", png_declaration, png),
            ("parts.csv", csv_declaration, csv),
        ]
        .map(|(key, declaration, bytes)| File {
            key,
            declaration,
            bytes,
        })
        .into()
    }
}

/// An answer that came back whole; `None` for whatever else happens when a server dies.
async fn read(response: reqwest::Result<Response>) -> Option<(StatusCode, Value)> {
    let response = response.ok()?;
    let status = response.status();
    assert!(
        !status.is_server_error(),
        "{status}: {:?}",
        response.text().await
    );
    Some((status, response.json().await.ok()?))
}
