//! Many sessions at once, each given up when the server is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const AT_ONCE: usize = 16;
const FILES: [&str; 3] = ["castle.pdf", "tower.pdf", "moat.pdf"];
const PDF: &[u8] = b"%PDF-1.7\nwalls\n%%EOF\n";

pub(crate) struct Burst {
    answers: Arc<Semaphore>,
    sessions: JoinSet<()>,
}

impl Burst {
    /// `round` tells titles apart.
    pub(crate) fn start(url: &str, round: usize, sessions: usize) -> Self {
        // Of several in one process the first wins.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Arc::new(Uploader {
            http: Client::builder()
                .timeout(Duration::from_secs(60))
                .build()
                .unwrap(),
            base: format!("{url}/api/mocs/uploads/sessions"),
            answers: Arc::new(Semaphore::new(0)),
        });
        let next = Arc::new(AtomicUsize::new(0));
        let answers = client.answers.clone();
        let mut tasks = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (client, next) = (client.clone(), next.clone());
            tasks.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= sessions || client.session(round, number).await.is_none() {
                        return;
                    }
                }
            });
        }
        Self {
            answers,
            sessions: tasks,
        }
    }

    /// Until so many requests are answered.
    pub(crate) async fn answered(&self, count: usize) {
        let count = u32::try_from(count).unwrap();
        self.answers.acquire_many(count).await.unwrap().forget();
    }

    /// Until nobody sends anything any more.
    pub(crate) async fn end(mut self) {
        while let Some(ended) = self.sessions.join_next().await {
            ended.unwrap();
        }
    }
}

struct Uploader {
    http: Client,
    base: String,
    answers: Arc<Semaphore>,
}

impl Uploader {
    /// A session's life; `None` when the server is gone. Every fifth is refused once, every seventh
    /// cancelled.
    async fn session(&self, round: usize, number: usize) -> Option<()> {
        let declarations: Vec<Value> = FILES.iter().map(|name| declaration(name)).collect();
        let create = self
            .http
            .post(&self.base)
            .json(&json!({ "files": declarations }));
        let created = self.send(create, StatusCode::CREATED).await?;
        let id = created["sessionId"].as_str().unwrap();
        let session = format!("{}/{id}", self.base);
        let finalize = || {
            let title = format!("Castle {round}-{number}");
            let body = json!({ "uploadSessionId": id, "title": title });
            self.http
                .post(format!("{}/finalize", self.base))
                .json(&body)
        };
        let batch = json!({ "files": declarations });
        let register = self
            .http
            .post(format!("{session}/files/batch"))
            .json(&batch);
        let registered = self.send(register, StatusCode::OK).await?;
        if number.is_multiple_of(5) {
            self.send(finalize(), StatusCode::BAD_REQUEST).await?;
        }
        for file in registered["results"].as_array().unwrap() {
            let file = format!("{session}/files/{}", file["fileId"].as_str().unwrap());
            let part = self.http.put(format!("{file}/parts/1")).body(PDF);
            let etag = self.send(part, StatusCode::OK).await?["etag"].clone();
            let parts = json!({ "parts": [{ "partNumber": 1, "etag": etag }] });
            let complete = self.http.post(format!("{file}/complete")).json(&parts);
            self.send(complete, StatusCode::OK).await?;
        }
        if number.is_multiple_of(7) {
            self.send(self.http.delete(&session), StatusCode::NO_CONTENT)
                .await?;
        } else {
            self.send(finalize(), StatusCode::CREATED).await?;
        }
        Some(())
    }

    async fn send(&self, request: RequestBuilder, expected: StatusCode) -> Option<Value> {
        let response = request.send().await.ok()?;
        let status = response.status();
        let body = response.bytes().await.ok()?;
        self.answers.add_permits(1);
        let answer = serde_json::from_slice(&body).unwrap_or_default();
        assert_eq!(status, expected, "{answer}");
        Some(answer)
    }
}

fn declaration(name: &str) -> Value {
    json!({
        "category": "instruction", "name": name, "size": PDF.len(), "type": "application/pdf",
        "ext": "pdf",
    })
}
