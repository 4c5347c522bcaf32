//! The real router over real stores, in this process: [`TestApp`].

mod caller;
mod flow;
mod response;
mod stores;
mod token;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use moc_uploads_api::auth::{AuthConfig, AuthKeys};
use moc_uploads_api::{ApiConfig, Readiness};
use moc_uploads_core::event_queue::EventQueue;
use moc_uploads_core::ids::TimeOrderedIds;
use moc_uploads_core::service::{Deps, Settings, Uploads};
use moc_uploads_core::time::{Clock, SystemClock};

use crate::clock::ManualClock;
use crate::faults::{Faults, FaultyEventStore, FaultyObjectStore, FaultySessionStore};
use crate::postgres::Database;
use crate::s3::Bucket;

use caller::Identity;
pub use caller::{Call, Caller, SESSIONS};
use stores::Place;

pub use flow::{LocalFile, RemoteFile, create_body, session_path};
pub use response::Response;
pub use token::{Claims, sign, sign_hs256, unix_seconds};

/// `AUTH_JWT_SECRET` of every [`TestApp`] that is not told otherwise.
pub const JWT_SECRET: &str = "a secret of the tests, long enough for HS256";

/// `PUBLIC_BASE_URL` of every [`TestApp`].
pub const PUBLIC_BASE_URL: &str = "http://uploads.test";

/// Bytes; small, so that files of many parts are quick.
pub const PART_SIZE: usize = 1024;

/// What a test may change before the app is made.
#[derive(Clone)]
pub struct Options {
    /// The contract's defaults, but parts of [`PART_SIZE`] bytes.
    pub settings: Settings,
    /// The defaults, with tokens signed with [`JWT_SECRET`].
    pub api: ApiConfig,
    /// Sessions that may wait for their events to be written.
    pub event_queue_size: usize,
    /// Whether the rows of the seed document are there.
    pub is_seeded: bool,
}

/// An instance of the service.
pub struct TestApp {
    /// Its time.
    pub clock: Arc<ManualClock>,
    /// Its use cases, for what no route triggers (the reaper).
    pub uploads: Uploads,
    /// Faults of the session store.
    pub session_faults: Faults,
    /// Faults of the object store.
    pub object_faults: Faults,
    /// Faults of the event store.
    pub event_faults: Faults,
    /// To announce its end.
    pub readiness: Readiness,
    router: Router,
    place: Place,
    options: Options,
}

impl TestApp {
    /// With the defaults.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With the stores that need no connections, whichever the run asks for: for tests that stop
    /// Tokio's time, which lets connections time out.
    pub async fn embedded() -> Self {
        Self::start(options(), Arc::new(ManualClock::new()), Place::embedded()).await
    }

    /// With a folder for its objects and these changes, whichever store the run asks for: for what a
    /// bucket does by itself, or otherwise.
    pub async fn on_disk(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = options();
        change(&mut options);
        let place = Place::on_disk().await;
        Self::start(options, Arc::new(ManualClock::new()), place).await
    }

    /// On PostgreSQL, whichever database the run asks for.
    pub async fn on_postgres() -> Self {
        let mut options = options();
        // What comes back is what tests look at, wherever it is kept.
        options.settings.redirects_content = false;
        let place = Place::on_postgres().await;
        Self::start(options, Arc::new(ManualClock::new()), place).await
    }

    /// On PostgreSQL and with its files in this bucket, whichever the run asks for; otherwise as
    /// [`TestApp::in_a_bucket`].
    pub async fn on_postgres_in_a_bucket(bucket: Bucket) -> Self {
        let place = Place::on_postgres().await.with_bucket(bucket);
        Self::start_in_a_bucket(options(), place).await
    }

    /// With its files in this bucket, whichever store the run asks for, and these changes.
    /// Parts are as large as S3 wants them, and the clock begins with the true time: S3 goes by it.
    pub async fn in_a_bucket(bucket: Bucket, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = options();
        change(&mut options);
        Self::start_in_a_bucket(options, Place::in_a_bucket(bucket).await).await
    }

    async fn start_in_a_bucket(mut options: Options, place: Place) -> Self {
        options.settings.part_size_bytes = Settings::default().part_size_bytes;
        let clock = ManualClock::new();
        clock.set(SystemClock.now());
        Self::start(options, Arc::new(clock), place).await
    }

    /// With these changes.
    pub async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = options();
        // What comes back is what tests look at, wherever it is kept.
        options.settings.redirects_content = false;
        change(&mut options);

        let app = Self::start(options, Arc::new(ManualClock::new()), Place::new().await);
        app.await
    }

    /// Another process over the same stores. Callers hold on to the process that they were made
    /// for and must be dropped before.
    pub async fn restart(self) -> Self {
        let Self {
            options,
            clock,
            place,
            router,
            uploads,
            ..
        } = self;
        drop((router, uploads));
        Self::start(options, clock, place).await
    }

    async fn start(options: Options, clock: Arc<ManualClock>, place: Place) -> Self {
        let stores = place.open(clock.clone()).await;
        if options.is_seeded {
            stores.seed(clock.now()).await;
        }
        let session_faults = Faults::default();
        let object_faults = Faults::default();
        let event_faults = Faults::default();
        let deps = Deps {
            sessions: Arc::new(FaultySessionStore::new(
                stores.sessions,
                session_faults.clone(),
            )),
            objects: Arc::new(FaultyObjectStore::new(
                stores.objects,
                object_faults.clone(),
            )),
            events: Arc::new(FaultyEventStore::new(stores.events, event_faults.clone())),
            event_queue: Arc::new(EventQueue::new(options.event_queue_size)),
            clock: clock.clone(),
            ids: Arc::new(TimeOrderedIds),
        };
        let uploads = Uploads::new(deps, options.settings.clone());
        let readiness = Readiness::new();
        let metrics = moc_uploads_api::metrics_builder().build_recorder().handle();
        let api = options.api.clone();
        let router = moc_uploads_api::router(uploads.clone(), api, readiness.clone(), metrics);
        Self {
            clock,
            uploads,
            session_faults,
            object_faults,
            event_faults,
            readiness,
            router,
            place,
            options,
        }
    }

    /// Somebody without a token.
    pub fn anonymous(&self) -> Caller {
        self.caller(Identity::Anonymous)
    }

    /// A user.
    pub fn user(&self, sub: &str) -> Caller {
        self.caller(Identity::User {
            sub: sub.to_owned(),
            is_admin: false,
        })
    }

    /// An admin.
    pub fn admin(&self) -> Caller {
        self.caller(Identity::User {
            sub: "admin".to_owned(),
            is_admin: true,
        })
    }

    /// Somebody with this token.
    pub fn bearer(&self, token: impl Into<String>) -> Caller {
        self.caller(Identity::Token(token.into()))
    }

    fn caller(&self, identity: Identity) -> Caller {
        Caller {
            router: self.router.clone(),
            clock: self.clock.clone(),
            identity,
        }
    }

    /// Takes requests on a socket of its own, for what only bytes on the wire can show. Ends with
    /// the test's runtime.
    pub async fn serve(&self) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = self.router.clone();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        address
    }

    /// Waits for what goes on without its client. No such work may begin after that.
    pub async fn detached_work_ended(&self) {
        let detached = &self.options.api.detached;
        detached.close();
        detached.wait().await;
    }

    /// Parts and objects: everything that the object store has written but for what it keeps for
    /// itself. Sorted paths, relative to its folder; of a bucket its objects, and then what uploads
    /// that are not completed have left.
    pub fn stored_files(&self) -> Vec<PathBuf> {
        if let Some(bucket) = self.place.bucket() {
            let names = bucket.objects().into_iter().chain(bucket.unfinished());
            return names.map(PathBuf::from).collect();
        }
        let root = self.place.objects_folder();
        let mut files = Vec::new();
        collect_files(&root, &mut files);
        let mut files: Vec<_> = files
            .into_iter()
            .map(|file| file.strip_prefix(&root).unwrap().to_owned())
            .filter(|file| !stores::OWN_FILES.iter().any(|own| file == Path::new(own)))
            .collect();
        files.sort_unstable();
        files
    }

    /// [`Self::stored_files`], but for parts that were on their way to a bucket when their upload was
    /// aborted: it may take them, and the next look at what was freed is to remove them.
    pub fn stored_files_without_late_parts(&self) -> Vec<PathBuf> {
        let late_parts = self.bucket().map(Bucket::late_parts).unwrap_or_default();
        let mut files = self.stored_files();
        files.retain(|file| !late_parts.iter().any(|part| file == Path::new(part)));
        files
    }

    /// Its bucket, where it has one.
    pub fn bucket(&self) -> Option<&Bucket> {
        self.place.bucket()
    }

    /// Its database, where that is PostgreSQL.
    pub fn database(&self) -> Option<&Database> {
        self.place.database()
    }

    /// The folder that holds everything this app has written.
    pub fn folder(&self) -> &Path {
        self.place.folder()
    }
}

fn options() -> Options {
    let keys = AuthKeys::Secret(JWT_SECRET.to_owned());
    Options {
        settings: Settings {
            part_size_bytes: PART_SIZE as u64,
            ..Settings::default()
        },
        api: ApiConfig {
            // Tests look at what is stored, however slow the machine is.
            freeing_patience: Duration::from_secs(60),
            ..ApiConfig::new(AuthConfig::new(keys))
        },
        event_queue_size: 1000,
        is_seeded: false,
    }
}

fn collect_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            collect_files(&entry.path(), files);
        } else {
            files.push(entry.path());
        }
    }
}
