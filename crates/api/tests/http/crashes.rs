//! A server that stops between any two steps. The next one, a client that tries again, the reaper and
//! the sweep put in order what it left.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use moc_uploads_core::Error;
use moc_uploads_core::file::{FileHash, FileMetadata};
use moc_uploads_core::finalize::FINALIZE_LEASE;
use moc_uploads_core::finalize::MocDraft;
use moc_uploads_core::ids::{FileId, SessionId};
use moc_uploads_core::part::PartReceipt;
use moc_uploads_core::ports::{CompleteUpload, PartBody, PutPart};
use moc_uploads_core::principal::{Access, Principal, UserId};
use moc_uploads_core::service::{CreateSession, Finalized, RegisterFile, UploadPart, Uploads};
use moc_uploads_core::time::{Clock, SystemClock};
use moc_uploads_testkit::app::TestApp;
use moc_uploads_testkit::builders::instruction;
use moc_uploads_testkit::faults::{CrashPoint, Fault};
use moc_uploads_testkit::object_store;
use ring::digest::{SHA256, digest};

const HOUR: Duration = Duration::from_secs(3600);

/// At the true time: a bucket goes by it.
async fn new_app() -> TestApp {
    let app = TestApp::new().await;
    app.clock.set(SystemClock.now());
    app
}

fn alice() -> Principal {
    Principal {
        user_id: UserId::new("alice"),
        is_admin: false,
    }
}

/// A client with one file, which begins where it finds things.
struct Client {
    uploads: Uploads,
    alice: Principal,
    metadata: FileMetadata,
    bytes: Vec<u8>,
    part_count: u32,
}

impl Client {
    /// The last part is smaller than the others.
    fn new(app: &TestApp, part_count: u32) -> Self {
        let part_size_bytes = app.uploads.settings().part_size_bytes;
        let size_bytes = u64::from(part_count - 1) * part_size_bytes + 500;
        let mut bytes = b"%PDF-1.7\n".to_vec();
        bytes.extend(object_store::bytes(size_bytes - 9, 1));
        Self {
            uploads: app.uploads.clone(),
            alice: alice(),
            metadata: instruction("a", size_bytes),
            bytes,
            part_count,
        }
    }

    async fn session(&self) -> Result<SessionId, Error> {
        let create = CreateSession {
            files: vec![self.metadata.clone()],
            allow_duplicates: true,
            idempotency: Some(("key".to_owned(), "body".to_owned())),
        };
        let created = self.uploads.create_session(&self.alice, create).await?;
        Ok(created.session_id)
    }

    async fn file(&self, session_id: SessionId) -> Result<FileId, Error> {
        let session = self.uploads.get_session(&self.alice, session_id).await?;
        if let Some(progress) = session.detail.files.first() {
            return Ok(progress.file.id);
        }
        let register = RegisterFile {
            metadata: self.metadata.clone(),
            part_count: Some(self.part_count),
        };
        let registered = self
            .uploads
            .register_file(&self.alice, session_id, register)
            .await?;
        Ok(registered.file_id)
    }

    async fn put_part(
        &self,
        session_id: SessionId,
        file_id: FileId,
        part_number: u32,
    ) -> Result<(), Error> {
        let part_size = self.uploads.settings().part_size_bytes as usize;
        let start = (part_number as usize - 1) * part_size;
        let end = self.bytes.len().min(start + part_size);
        let request = UploadPart {
            session_id,
            file_id,
            part_number: part_number.to_string(),
            declared_bytes: Some((end - start) as u64),
            checksums: Vec::new(),
        };
        let access = Access::Owner(&self.alice.user_id);
        let body = body(&self.bytes[start..end]);
        self.uploads.upload_part(access, request, body).await?;
        Ok(())
    }

    async fn arrived(
        &self,
        session_id: SessionId,
        file_id: FileId,
    ) -> Result<Vec<PartReceipt>, Error> {
        let parts = self.uploads.list_parts(&self.alice, session_id, file_id);
        let parts = parts.await?.into_iter();
        Ok(parts
            .map(|part| PartReceipt {
                part_number: part.part_number,
                etag: part.etag,
            })
            .collect())
    }

    async fn complete(&self, session_id: SessionId, file_id: FileId) -> Result<(), Error> {
        let receipts = self.arrived(session_id, file_id).await?;
        self.uploads
            .complete_file(&self.alice, session_id, file_id, receipts)
            .await?;
        Ok(())
    }

    /// Everything up to the completed file.
    async fn upload(&self) -> Result<(SessionId, FileId), Error> {
        let session_id = self.session().await?;
        let file_id = self.file(session_id).await?;
        let arrived = self.arrived(session_id, file_id).await?;
        for part_number in 1..=self.part_count {
            if !arrived.iter().any(|part| part.part_number == part_number) {
                match self.put_part(session_id, file_id, part_number).await {
                    // It has been joined: the parts are there.
                    Err(Error::Conflict { .. }) | Ok(()) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        self.complete(session_id, file_id).await?;
        Ok((session_id, file_id))
    }

    async fn finalize(&self) -> Result<(SessionId, FileId), Error> {
        let (session_id, file_id) = self.upload().await?;
        let draft = MocDraft {
            title: "Castle".to_owned(),
            description: None,
            tags: Vec::new(),
            theme: None,
        };
        let finalized = self
            .uploads
            .finalize_session(&self.alice, session_id, draft)
            .await?;
        assert!(!matches!(finalized, Finalized::InProgress));
        Ok((session_id, file_id))
    }

    async fn cancel(&self) -> Result<(), Error> {
        let (session_id, _) = self.upload().await?;
        let ended = self.uploads.cancel_session(&self.alice, session_id).await?;
        if let Some(ended) = ended {
            self.uploads.free_cancelled(&ended).await;
        }
        Ok(())
    }

    async fn assert_content(&self, session_id: SessionId, file_id: FileId) {
        let content = self
            .uploads
            .read_content(&self.alice, session_id, file_id)
            .await
            .unwrap();
        let body = content.stream(0..self.bytes.len() as u64).await.unwrap();
        let chunks: Vec<Bytes> = body.try_collect().await.unwrap();
        assert!(chunks.concat() == self.bytes, "other bytes");
    }
}

fn body(bytes: &[u8]) -> PartBody {
    let chunks: Vec<_> = bytes
        .chunks(64 * 1024)
        .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
        .collect();
    Box::pin(stream::iter(chunks))
}

/// Runs `work` until its server stops at this point; whether it did.
async fn stops<T>(
    app: &TestApp,
    steps: usize,
    work: impl Future<Output = Result<T, Error>>,
) -> bool {
    let point = CrashPoint::after(steps);
    app.session_faults.crash_at(&point);
    app.object_faults.crash_at(&point);
    match point.run(work).await {
        Some(done) => {
            done.unwrap();
            false
        }
        None => true,
    }
}

/// Another server, as `serve` starts it, and the same client. The lease of a
/// finalize lock that the last one held is over by then.
async fn restarted(app: TestApp, client: Client) -> (TestApp, Client) {
    let Client {
        uploads,
        alice,
        metadata,
        bytes,
        part_count,
    } = client;
    drop(uploads);
    let app = app.restart().await;
    app.clock.advance(FINALIZE_LEASE);
    app.uploads.sweep_leftovers().await.unwrap();
    let client = Client {
        uploads: app.uploads.clone(),
        alice,
        metadata,
        bytes,
        part_count,
    };
    (app, client)
}

/// Long after: whatever was to expire has, and whatever was freed is looked at again.
async fn much_later(app: &TestApp) {
    app.clock.advance(HOUR);
    app.uploads.reap_sessions().await.unwrap();
    app.clock.advance(25 * HOUR);
    app.uploads.reap_sessions().await.unwrap();
    app.uploads.sweep_orphans().await.unwrap();
}

/// A test at every step, until there is none where a server could stop.
async fn at_every_step(mut test: impl AsyncFnMut(usize) -> bool) {
    let mut steps = 0;
    while test(steps).await {
        steps += 1;
    }
    assert!(steps >= 6, "only {steps} steps were tried");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_is_resumed_wherever_its_server_stopped() {
    at_every_step(async |steps| {
        let app = new_app().await;
        let client = Client::new(&app, 2);
        let has_stopped = stops(&app, steps, client.finalize()).await;
        let (app, client) = restarted(app, client).await;
        let (session_id, file_id) = client.finalize().await.unwrap();
        client.assert_content(session_id, file_id).await;
        much_later(&app).await;
        assert_eq!(app.stored_files().len(), 1, "{steps}");
        client.assert_content(session_id, file_id).await;
        has_stopped
    })
    .await;
}

/// Its client is gone for good. The last step of all makes the MOC; its file stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_nobody_resumes_leaves_nothing() {
    at_every_step(async |steps| {
        let app = new_app().await;
        let client = Client::new(&app, 1);
        let has_stopped = stops(&app, steps, client.finalize()).await;
        let (app, client) = restarted(app, client).await;
        // While it is known by its idempotency key.
        let session_id = client.session().await.unwrap();
        much_later(&app).await;
        let session = client.uploads.get_session(&client.alice, session_id).await;
        let has_moc = session.unwrap().detail.summary.moc.is_some();
        assert_eq!(app.stored_files().len(), usize::from(has_moc), "{steps}");
        has_stopped
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_session_leaves_nothing_wherever_its_server_stopped() {
    at_every_step(async |steps| {
        let app = new_app().await;
        let client = Client::new(&app, 1);
        let has_stopped = stops(&app, steps, client.cancel()).await;
        let (app, _) = restarted(app, client).await;
        much_later(&app).await;
        assert_eq!(app.stored_files(), Vec::<PathBuf>::new(), "{steps}");
        has_stopped
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reaper_that_stops_is_followed_by_another() {
    at_every_step(async |steps| {
        let app = new_app().await;
        let client = Client::new(&app, 1);
        client.upload().await.unwrap();
        app.clock.advance(HOUR);
        let reap = async {
            app.uploads.reap_sessions().await?;
            app.clock.advance(25 * HOUR);
            app.uploads.sweep_orphans().await
        };
        let has_stopped = stops(&app, steps, reap).await;
        let (app, _) = restarted(app, client).await;
        app.uploads.reap_sessions().await.unwrap();
        assert_eq!(app.stored_files(), Vec::<PathBuf>::new(), "{steps}");
        has_stopped
    })
    .await;
}

/// A store that can read nothing but objects has used the upload up when it finds out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_with_a_wrong_digest_can_be_sent_again_wherever_its_server_stopped() {
    at_every_step(async |steps| {
        let app = new_app().await;
        let mut client = Client::new(&app, 1);
        let right = client.bytes.clone();
        let sha256 = digest(&SHA256, &right);
        client.metadata.hash = FileHash::parse(&hex(sha256.as_ref()));
        client.bytes[20] ^= 1;
        let session_id = client.session().await.unwrap();
        let file_id = client.file(session_id).await.unwrap();
        client.put_part(session_id, file_id, 1).await.unwrap();
        let wrong = async {
            match client.complete(session_id, file_id).await {
                Err(Error::ChecksumMismatch(_)) => Ok(()),
                other => panic!("{other:?}"),
            }
        };
        let has_stopped = stops(&app, steps, wrong).await;

        let (app, mut client) = restarted(app, client).await;
        client.bytes = right;
        let mut rounds = 0;
        loop {
            match client.put_part(session_id, file_id, 1).await {
                Ok(()) | Err(Error::Conflict { .. }) => {}
                Err(error) => panic!("{error}"),
            }
            match client.complete(session_id, file_id).await {
                Ok(()) => break,
                Err(Error::ChecksumMismatch(_) | Error::PartCountMismatch { .. }) => rounds += 1,
                Err(error) => panic!("{error}"),
            }
            assert!(rounds < 3, "it never ends");
        }
        client.assert_content(session_id, file_id).await;
        client.finalize().await.unwrap();
        much_later(&app).await;
        assert_eq!(app.stored_files().len(), 1, "{steps}");
        has_stopped
    })
    .await;
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// By a request that was under way when the session ended, on a server that stopped before it
/// could clean up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stored_after_a_session_was_freed_is_removed() {
    let app = new_app().await;
    let client = Client::new(&app, 1);
    let session_id = client.session().await.unwrap();
    let file_id = client.file(session_id).await.unwrap();
    let deps = app.uploads.deps();
    let found = deps.sessions.file(session_id, file_id).await.unwrap();
    let (session, file) = (found.as_ref().unwrap().session.clone(), found.unwrap().file);
    let mut upload = file.as_ref().unwrap().upload().unwrap();
    let plan = file.unwrap().plan(session.part_size_bytes);
    let cancel = app.uploads.cancel_session(&client.alice, session_id);
    cancel.await.unwrap();
    // Which frees it.
    app.uploads.reap_sessions().await.unwrap();

    let objects = &deps.objects;
    upload.id = objects
        .create_upload(&upload.key, "application/pdf")
        .await
        .unwrap();
    let put = PutPart {
        part_number: 1,
        plan,
        replaces: false,
        will_be_hashed: false,
        checksums: Vec::new(),
    };
    let put = objects.put_part(&upload, put, body(&client.bytes)).await;
    let parts = vec![PartReceipt {
        part_number: 1,
        etag: put.unwrap(),
    }];
    let complete = CompleteUpload {
        parts,
        plan,
        sha256: None,
    };
    objects.complete_upload(&upload, complete).await.unwrap();
    assert_eq!(app.stored_files().len(), 1);

    let started_at = app.clock.now();
    app.uploads.sweep_orphans().await.unwrap();
    assert_eq!(app.stored_files().len(), 1, "it is early at {started_at}");
    app.clock.advance(26 * HOUR);
    // Uploads that can't be listed are no reason to leave what can be freed.
    app.object_faults.fail("list_uploads", Fault::Unavailable);
    assert!(app.uploads.sweep_orphans().await.is_err());
    assert_eq!(app.stored_files(), Vec::<PathBuf>::new());
}
