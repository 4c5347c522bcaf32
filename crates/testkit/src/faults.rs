//! Fault injectors: real stores that can be told to fail or to wait.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use moc_uploads_core::analytics::{Event, SessionFacts};
use moc_uploads_core::analytics_report::{AnalyticsQuery, AnalyticsReport};
use moc_uploads_core::error::ErrorCode;
use moc_uploads_core::finalize::NewMoc;
use moc_uploads_core::ids::{FileId, SessionId};
use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::ports::*;
use moc_uploads_core::principal::UserId;
use moc_uploads_core::session::Session;
use moc_uploads_core::time::Timestamp;
use tokio::sync::Semaphore;

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The store does not answer.
    Unavailable,
    /// The store fails with [`SECRET`] in its message, which must never reach a client.
    Internal,
}

/// Stands in the message of every injected error.
pub const SECRET: &str = "injected by a test: /var/lib/secret-path";

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unavailable => Self::Unavailable(SECRET.into()),
            Fault::Internal => Self::Internal(SECRET.into()),
        }
    }
}

impl From<Fault> for ObjectStoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unavailable => Self::Unavailable(SECRET.into()),
            Fault::Internal => Self::Internal(SECRET.into()),
        }
    }
}

impl From<Fault> for PutPartError {
    fn from(fault: Fault) -> Self {
        Self::Store(fault.into())
    }
}

/// What a store has been told to do wrong. Clones share it.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    everything: Option<Fault>,
    operations: HashMap<&'static str, Fault>,
    answers_lost: HashSet<&'static str>,
    gates: HashMap<&'static str, Gate>,
    crash: Option<CrashPoint>,
}

impl Faults {
    /// Every operation fails from now on.
    pub fn fail_everything(&self, fault: Fault) {
        self.state().everything = Some(fault);
    }

    /// This operation, a method of the port, fails from now on.
    pub fn fail(&self, operation: &'static str, fault: Fault) {
        assert_known(operation);
        self.state().operations.insert(operation, fault);
    }

    /// This operation is done from now on, and then reported as failed: as when a connection breaks
    /// before the answer is there.
    pub fn lose_answers(&self, operation: &'static str) {
        assert_known(operation);
        self.state().answers_lost.insert(operation);
    }

    /// Calls of this operation wait from now on until the gate is opened.
    pub fn hold(&self, operation: &'static str) -> Gate {
        assert_known(operation);
        let gate = Gate::new();
        self.state().gates.insert(operation, gate.clone());
        gate
    }

    /// The process that uses the store stops at this point.
    pub fn crash_at(&self, point: &CrashPoint) {
        self.state().crash = Some(point.clone());
    }

    /// Nothing fails from now on, and what comes anew does not wait.
    pub fn clear(&self) {
        *self.state() = State::default();
    }

    async fn pass(&self, operation: &'static str) -> Result<(), Fault> {
        self.step().await;
        let (gate, fault) = {
            let state = self.state();
            let fault = state.operations.get(operation).copied();
            (
                state.gates.get(operation).cloned(),
                fault.or(state.everything),
            )
        };
        if let Some(gate) = gate {
            gate.wait().await;
        }
        fault.map_or(Ok(()), Err)
    }

    fn deliver(&self, operation: &'static str) -> Result<(), Fault> {
        if self.state().answers_lost.contains(operation) {
            return Err(Fault::Unavailable);
        }
        Ok(())
    }

    /// Goes on, unless the process has stopped.
    async fn step(&self) {
        let crash = self.state().crash.clone();
        if let Some(crash) = crash {
            crash.step().await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where calls wait.
#[derive(Clone)]
pub struct Gate {
    arrived: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Gate {
    fn new() -> Self {
        Self {
            arrived: Arc::new(Semaphore::new(0)),
            open: Arc::new(Semaphore::new(0)),
        }
    }

    /// Until `count` further calls have arrived.
    pub async fn arrived(&self, count: u32) {
        self.arrived.acquire_many(count).await.unwrap().forget();
    }

    /// Lets all calls go on, those to come too.
    pub fn open(&self) {
        self.open.close();
    }

    async fn wait(&self) {
        self.arrived.add_permits(1);
        // An error means that the gate is open.
        let _ = self.open.acquire().await;
    }
}

/// Where a process stops: before or after one of its calls to its stores, of which it gets no
/// answer any more.
#[derive(Clone)]
pub struct CrashPoint {
    steps_left: Arc<AtomicUsize>,
    reached: Arc<Semaphore>,
}

impl CrashPoint {
    /// After so many steps: a call is two, one before it reaches its store and one after.
    pub fn after(steps: usize) -> Self {
        Self {
            steps_left: Arc::new(AtomicUsize::new(steps)),
            reached: Arc::new(Semaphore::new(0)),
        }
    }

    /// Runs `work` until it ends, or until the point is reached: then it is dropped, and `None`.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            _ = self.reached.acquire() => None,
            done = work => Some(done),
        }
    }

    async fn step(&self) {
        let left = self
            .steps_left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        if left.is_err() {
            self.reached.close();
            std::future::pending::<()>().await;
        }
    }
}

macro_rules! faulty_store {
    (
        $(#[$doc:meta])* $name:ident: $port:ident, $operations:ident;
        async { $(fn $method:ident($($arg:ident: $ty:ty),*) -> $result:ty;)* }
        $($plain:item)*
    ) => {
        $(#[$doc])*
        pub struct $name {
            inner: Arc<dyn $port>,
            faults: Faults,
        }

        impl $name {
            /// `inner` with these faults.
            pub fn new(inner: Arc<dyn $port>, faults: Faults) -> Self {
                Self { inner, faults }
            }
        }

        const $operations: &[&str] = &[$(stringify!($method),)*];

        #[async_trait]
        impl $port for $name {
            $(async fn $method(&self, $($arg: $ty),*) -> $result {
                self.faults.pass(stringify!($method)).await?;
                let answer = self.inner.$method($($arg),*).await;
                self.faults.step().await;
                self.faults.deliver(stringify!($method))?;
                answer
            })*
            $($plain)*
        }
    };
}

fn assert_known(operation: &str) {
    let mut known = SESSION_OPERATIONS
        .iter()
        .chain(OBJECT_OPERATIONS)
        .chain(EVENT_OPERATIONS);
    assert!(
        known.any(|name| *name == operation),
        "no port has the operation {operation:?}"
    );
}

faulty_store! {
    /// A session store that can be told to fail.
    FaultySessionStore: SessionStore, SESSION_OPERATIONS;
    async {
        fn ping() -> Result<(), StoreError>;
        fn create_session(session: NewSession) -> Result<CreateSessionOutcome, StoreError>;
        fn declared_session(id: SessionId) -> Result<Option<DeclaredSession>, StoreError>;
        fn session_detail(id: SessionId) -> Result<Option<SessionDetail>, StoreError>;
        fn list_sessions(query: SessionQuery) -> Result<SessionPage, StoreError>;
        fn cancel_session(id: SessionId, user_id: &UserId, now: Timestamp, lock_ttl: Duration) -> Result<CancelSessionOutcome, StoreError>;
        fn register_files(register: RegisterFiles) -> Result<Activity<Vec<RegisterFileOutcome>>, StoreError>;
        fn file(session_id: SessionId, file_id: FileId) -> Result<Option<FileInSession>, StoreError>;
        fn part_target(session_id: SessionId, file_id: FileId, part_number: u32) -> Result<Option<PartTarget>, StoreError>;
        fn file_with_parts(session_id: SessionId, file_id: FileId) -> Result<Option<FileWithParts>, StoreError>;
        fn completion_target(session_id: SessionId, file_id: FileId) -> Result<Option<FileWithParts>, StoreError>;
        fn record_part(part: RecordPart) -> Result<Activity<RecordPartOutcome>, StoreError>;
        fn record_held_parts(parts: RecordHeldParts) -> Result<Activity<RecordPartOutcome>, StoreError>;
        fn restart_upload(restart: RestartUpload) -> Result<bool, StoreError>;
        fn complete_file(complete: CompleteFile) -> Result<Activity<CompleteFileOutcome>, StoreError>;
        fn begin_finalize(id: SessionId, user_id: &UserId, now: Timestamp, lock_ttl: Duration, lease: Duration) -> Result<BeginFinalizeOutcome, StoreError>;
        fn renew_finalize(locks: &[(SessionId, Timestamp)], now: Timestamp, lease: Duration) -> Result<(), StoreError>;
        fn commit_finalize(moc: NewMoc, locked_at: Timestamp) -> Result<CommitFinalizeOutcome, StoreError>;
        fn release_finalize(id: SessionId, locked_at: Timestamp, refusal: Option<ErrorCode>, now: Timestamp) -> Result<(), StoreError>;
        fn expire_sessions(now: Timestamp, lock_ttl: Duration, limit: u32) -> Result<Vec<Session>, StoreError>;
        fn sessions_to_free(after: Option<SessionId>, limit: u32) -> Result<Vec<EndedSession>, StoreError>;
        fn database_id() -> Result<String, StoreError>;
        fn mark_session_freed(id: SessionId, now: Timestamp) -> Result<(), StoreError>;
        fn sessions_to_recheck(freed_before: Timestamp, after: Option<SessionId>, limit: u32) -> Result<Vec<EndedSession>, StoreError>;
        fn mark_session_rechecked(id: SessionId, now: Timestamp) -> Result<(), StoreError>;
        fn prune(before: Timestamp) -> Result<(), StoreError>;
        fn owned_keys(keys: &[ObjectKey]) -> Result<OwnedKeys, StoreError>;
    }
}

faulty_store! {
    /// An event store that can be told to fail.
    FaultyEventStore: EventStore, EVENT_OPERATIONS;
    async {
        fn session_facts(session_ids: &[SessionId]) -> Result<Vec<SessionFacts>, StoreError>;
        fn unsettled_sessions(after: Option<SessionId>, limit: u32) -> Result<Vec<SessionId>, StoreError>;
        fn insert_events(events: &[Event]) -> Result<u64, StoreError>;
        fn settle_sessions(session_ids: &[SessionId]) -> Result<(), StoreError>;
        fn prune_events(before: Timestamp, limit: u32) -> Result<u64, StoreError>;
        fn report(query: AnalyticsQuery) -> Result<AnalyticsReport, StoreError>;
        fn prepare_reports() -> Result<bool, StoreError>;
    }
}

faulty_store! {
    /// An object store that can be told to fail.
    FaultyObjectStore: ObjectStore, OBJECT_OPERATIONS;
    async {
        fn ping() -> Result<(), ObjectStoreError>;
        fn create_upload(key: &ObjectKey, content_type: &str) -> Result<UploadId, ObjectStoreError>;
        fn put_part(upload: &Upload, part: PutPart, body: PartBody) -> Result<moc_uploads_core::part::ETag, PutPartError>;
        fn complete_upload(upload: &Upload, complete: CompleteUpload) -> Result<CompleteUploadOutcome, ObjectStoreError>;
        fn list_parts(upload: &Upload) -> Result<HeldParts, ObjectStoreError>;
        fn list_uploads(prefix: &str, after: Option<&UploadCursor>, limit: usize) -> Result<UploadPage, ObjectStoreError>;
        fn abort_upload(upload: &Upload) -> Result<(), ObjectStoreError>;
        fn object_size(key: &ObjectKey) -> Result<Option<u64>, ObjectStoreError>;
        fn read_object(key: &ObjectKey, range: Range<u64>) -> Result<Option<ObjectBody>, ObjectStoreError>;
        fn delete_object(key: &ObjectKey) -> Result<(), ObjectStoreError>;
        fn presign_object(key: &ObjectKey, headers: &PresignedHeaders, expires_at: Timestamp) -> Result<Option<String>, ObjectStoreError>;
        fn presign_part(upload: &Upload, address: PartAddress, expires_at: Timestamp) -> Result<PresignedPart, ObjectStoreError>;
        fn bind(database_id: &str) -> Result<bool, ObjectStoreError>;
        fn remove_leftover_parts(key: &ObjectKey) -> Result<(), ObjectStoreError>;
        fn list_keys(after: Option<&ObjectKey>, limit: usize) -> Result<Vec<ObjectKey>, ObjectStoreError>;
    }

    fn object_url(&self, session_id: SessionId, file_id: FileId, key: &ObjectKey) -> String {
        self.inner.object_url(session_id, file_id, key)
    }

    fn verify_part_signature(&self, address: PartAddress, expires_at: Timestamp, signature: &str) -> bool {
        self.inner.verify_part_signature(address, expires_at, signature)
    }
}
