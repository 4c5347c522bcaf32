//! Stores under test, and the steps that lead to where a behaviour begins.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use moc_uploads_core::file::{FileMetadata, UploadFile};
use moc_uploads_core::finalize::{Moc, MocDraft, NewMoc};
use moc_uploads_core::part::{ETag, Part};
use moc_uploads_core::ports::{
    Activity, BeginFinalizeOutcome, CancelSessionOutcome, CommitFinalizeOutcome, CompleteFile,
    CompleteFileOutcome, CreateSessionOutcome, NewFile, NewSession, RecordPart, RecordPartOutcome,
    RegisterFileOutcome, RegisterFiles, SessionDetail, SessionStore,
};
use moc_uploads_core::session::{Session, SessionStatus};
use moc_uploads_core::time::Timestamp;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::builders::{EXTENSION, MINUTE, instruction, moc_id, new_file, new_session, user};
use crate::clock::ManualClock;

/// After this a finalize lock is stale.
pub(crate) const LOCK_TTL: Duration = Duration::from_secs(5 * 60);
/// Of a lock whose own time decides.
pub(crate) const LONG_LEASE: Duration = Duration::from_secs(60 * 60);

/// The shortest time that matters.
pub(crate) const MILLISECOND: Duration = Duration::from_millis(1);

/// When tests begin.
pub(crate) const NOW: Timestamp = ManualClock::START;

/// Two replicas over one new database.
pub struct Stores {
    /// Where most happens.
    pub store: Arc<dyn SessionStore>,
    /// Another process' store, or as near to that as can be.
    pub replica: Arc<dyn SessionStore>,
    _keep: Box<dyn Any + Send + Sync>,
}

impl Stores {
    /// `keep` is dropped after the stores: the database's folder or server.
    pub fn new(
        store: Arc<dyn SessionStore>,
        replica: Arc<dyn SessionStore>,
        keep: impl Any + Send + Sync,
    ) -> Self {
        Self {
            store,
            replica,
            _keep: Box::new(keep),
        }
    }

    /// What `count` tasks get that start at once, every other one on the replica.
    pub(crate) async fn concurrently<T, F>(
        &self,
        count: usize,
        task: impl Fn(Arc<dyn SessionStore>, usize) -> F,
    ) -> Vec<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let start = Arc::new(Barrier::new(count));
        let mut tasks = JoinSet::new();
        for index in 0..count {
            let store = if index % 2 == 0 {
                &self.store
            } else {
                &self.replica
            };
            let task = task(store.clone(), index);
            let start = start.clone();
            tasks.spawn(async move {
                start.wait().await;
                task.await
            });
        }
        tasks.join_all().await
    }

    /// An active session of a new user, with these files declared.
    pub(crate) async fn session(&self, files: Vec<FileMetadata>) -> NewSession {
        self.created(new_session(&user("alice"), files, NOW)).await
    }

    pub(crate) async fn created(&self, session: NewSession) -> NewSession {
        let outcome = self.store.create_session(session.clone()).await.unwrap();
        assert_eq!(outcome, CreateSessionOutcome::Created);
        session
    }

    pub(crate) async fn registered(&self, session: &NewSession, metadata: FileMetadata) -> NewFile {
        let file = new_file(&session.user_id, session.id, metadata);
        let register = registration(session, vec![file.clone()], session.created_at);
        let activity = self.store.register_files(register).await.unwrap();
        assert_eq!(outcome_of(activity), [RegisterFileOutcome::Registered]);
        file
    }

    pub(crate) async fn recorded(&self, session: &NewSession, file: &NewFile, part_number: u32) {
        let part = part(session, file, part_number, session.created_at);
        let activity = self.store.record_part(part).await.unwrap();
        assert_eq!(outcome_of(activity), RecordPartOutcome::Recorded);
    }

    /// A file whose upload was completed when its session was created.
    pub(crate) async fn completed(&self, session: &NewSession, metadata: FileMetadata) -> NewFile {
        let file = self.registered(session, metadata).await;
        let complete = completion(session, &file, session.created_at);
        let activity = self.store.complete_file(complete).await.unwrap();
        assert_eq!(outcome_of(activity), CompleteFileOutcome::Completed);
        file
    }

    pub(crate) async fn cancelled(&self, session: &NewSession) {
        let outcome = self
            .store
            .cancel_session(session.id, &session.user_id, session.created_at, LOCK_TTL)
            .await
            .unwrap();
        assert!(matches!(outcome, CancelSessionOutcome::Cancelled(_)));
    }

    /// Takes the finalize lock as of `now`.
    pub(crate) async fn locked(&self, session: &NewSession, now: Timestamp) -> Vec<UploadFile> {
        match self
            .store
            .begin_finalize(session.id, &session.user_id, now, LOCK_TTL, LONG_LEASE)
            .await
            .unwrap()
        {
            BeginFinalizeOutcome::Locked { files, .. } => files,
            other => panic!("not locked: {other:?}"),
        }
    }

    /// Finalizes it as soon as it is created.
    pub(crate) async fn finalized(&self, session: &NewSession, title: &str) -> Moc {
        let now = session.created_at;
        let files = self.locked(session, now).await;
        match self
            .store
            .commit_finalize(new_moc(session, files, title, now), now)
            .await
            .unwrap()
        {
            CommitFinalizeOutcome::Created(moc) => *moc,
            other => panic!("not created: {other:?}"),
        }
    }

    /// A session of each kind that takes nothing at [`NOW`], each with a file that is not
    /// completed, and how it is stored.
    pub(crate) async fn ended_sessions(&self) -> Vec<(NewSession, NewFile, SessionStatus)> {
        let mut ended = Vec::new();
        let declared = || vec![instruction("a", 10)];
        let long_ago = NOW - 60 * MINUTE;
        // The active one comes last, when the reaper has been there.
        for status in [
            SessionStatus::Completed,
            SessionStatus::Cancelled,
            SessionStatus::Expired,
            SessionStatus::Active,
        ] {
            let session = new_session(&user("alice"), declared(), long_ago);
            let session = self.created(session).await;
            let file = self.registered(&session, instruction("a", 10)).await;
            match status {
                SessionStatus::Active => {}
                SessionStatus::Cancelled => self.cancelled(&session).await,
                SessionStatus::Completed => {
                    self.finalized(&session, "Castle").await;
                }
                SessionStatus::Expired => {
                    let at = session.expires_at;
                    self.store
                        .expire_sessions(at, LOCK_TTL, 1000)
                        .await
                        .unwrap();
                }
            }
            ended.push((session, file, status));
        }
        ended
    }

    pub(crate) async fn detail(&self, session: &NewSession) -> SessionDetail {
        self.store
            .session_detail(session.id)
            .await
            .unwrap()
            .unwrap()
    }

    /// What is recorded, as whoever lists parts and whoever completes the file is told.
    pub(crate) async fn parts(&self, session: &NewSession, file: &NewFile) -> Vec<Part> {
        let found = self.store.file_with_parts(session.id, file.id).await;
        let found = found.unwrap().unwrap();
        let target = self.store.completion_target(session.id, file.id).await;
        assert_eq!(target.unwrap().as_ref(), Some(&found));
        found.parts
    }

    pub(crate) async fn expires_at(&self, session: &NewSession) -> Timestamp {
        self.detail(session).await.summary.session.expires_at
    }

    pub(crate) async fn statuses(&self, session: &NewSession) -> Vec<&'static str> {
        let files = self.detail(session).await.files;
        files
            .iter()
            .map(|progress| progress.file.status.as_str())
            .collect()
    }
}

/// The session as it was created, in this state.
pub(crate) fn as_stored(session: &NewSession, stored_status: SessionStatus) -> Session {
    Session {
        id: session.id,
        user_id: session.user_id.clone(),
        stored_status,
        part_size_bytes: session.part_size_bytes,
        created_at: session.created_at,
        expires_at: session.expires_at,
    }
}

pub(crate) fn registration(
    session: &NewSession,
    files: Vec<NewFile>,
    now: Timestamp,
) -> RegisterFiles {
    RegisterFiles {
        session_id: session.id,
        files,
        max_file_count: None,
        now,
        extension: EXTENSION,
        finalize_lock_ttl: LOCK_TTL,
    }
}

/// A part of 4 bytes.
pub fn part(session: &NewSession, file: &NewFile, part_number: u32, now: Timestamp) -> RecordPart {
    RecordPart {
        session_id: session.id,
        file_id: file.id,
        upload_id: file.upload.id.clone(),
        part_number,
        etag: ETag::parse(&format!("part-{part_number}")),
        size_bytes: 4,
        now,
        extension: EXTENSION,
    }
}

/// The file is made of no part in particular.
pub fn completion(session: &NewSession, file: &NewFile, now: Timestamp) -> CompleteFile {
    CompleteFile {
        session_id: session.id,
        file_id: file.id,
        etag: ETag::parse("whole"),
        parts: Vec::new(),
        file_url: url_of(file),
        now,
        extension: EXTENSION,
    }
}

pub(crate) fn url_of(file: &NewFile) -> String {
    format!("https://files.test/{}", file.id)
}

pub(crate) fn new_moc(
    session: &NewSession,
    files: Vec<UploadFile>,
    title: &str,
    now: Timestamp,
) -> NewMoc {
    NewMoc {
        id: moc_id(),
        session_id: session.id,
        user_id: session.user_id.clone(),
        draft: MocDraft {
            title: title.to_owned(),
            description: Some("Gray, \"old\"".to_owned()),
            tags: vec!["medieval".to_owned(), "größe".to_owned()],
            theme: None,
        },
        files,
        pdf_key: "test/a.pdf".to_owned(),
        image_keys: vec!["test/b.jpg".to_owned()],
        parts_keys: Vec::new(),
        thumbnail_url: Some("https://files.test/b".to_owned()),
        created_at: now,
    }
}

pub(crate) fn outcome_of<T: std::fmt::Debug>(activity: Activity<T>) -> T {
    match activity {
        Activity::Done { outcome, .. } => outcome,
        other => panic!("refused: {other:?}"),
    }
}
