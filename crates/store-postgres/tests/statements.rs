//! What each method of the port costs, as the server counts it.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use moc_uploads_core::finalize::{MocDraft, NewMoc};
use moc_uploads_core::part::{ETag, Part, PartReceipt};
use moc_uploads_core::ports::*;
use moc_uploads_core::principal::UserId;
use moc_uploads_core::session::SessionStatus;
use moc_uploads_store_postgres::{PostgresOptions, PostgresStore};
use moc_uploads_testkit::builders::{
    EXTENSION, MINUTE, hash, instruction, moc_id, new_file, new_session, user, with_hash,
};
use moc_uploads_testkit::clock::ManualClock;
use moc_uploads_testkit::postgres::Database;

mod common;

const LOCK_TTL: Duration = MINUTE;

/// Where the counts stand.
fn documented() -> BTreeMap<String, (String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/decisions");
    let page = folder.join("0006-one-statement-a-request.md");
    let page = std::fs::read_to_string(page).unwrap();
    page.lines()
        .filter_map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            let [_, method, statements, transaction, _] = cells.as_slice() else {
                return None;
            };
            let method = method.strip_prefix('`')?.strip_suffix('`')?;
            let counts = ((*statements).to_owned(), (*transaction).to_owned());
            Some((method.to_owned(), counts))
        })
        .collect()
}

struct Counter<'a> {
    database: &'a Database,
    counts: BTreeMap<String, (String, String)>,
    /// Pages that were read, from memory or not, or written aside.
    pages: BTreeMap<String, u64>,
}

impl<'a> Counter<'a> {
    fn new(database: &'a Database) -> Self {
        database.psql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
        Self {
            database,
            counts: BTreeMap::new(),
            pages: BTreeMap::new(),
        }
    }
}

impl Counter<'_> {
    /// Counts what `call` does. The server knows by then: it answers after it has counted.
    async fn count<T>(
        &mut self,
        method: &str,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> T {
        let statistics = "FROM pg_stat_statements AS s JOIN pg_database AS d ON d.oid = s.dbid \
                          WHERE d.datname = current_database() AND s.query NOT LIKE '%pg_stat_%'";
        self.database.psql(
            "SELECT pg_stat_statements_reset(0, oid, 0) FROM pg_database \
             WHERE datname = current_database()",
        );
        let outcome = call.await.unwrap();
        let counted = self.database.psql(&format!(
            "SELECT coalesce(sum(s.calls) FILTER (WHERE s.query !~ '^(BEGIN|SET|COMMIT)'), 0), \
             CASE WHEN count(*) FILTER (WHERE s.query ~ '^BEGIN') > 0 THEN 'yes' ELSE 'no' END, \
             coalesce(sum(shared_blks_hit + shared_blks_read + temp_blks_written), 0) \
             {statistics}"
        ));
        let counted: Vec<_> = counted.split('|').collect();
        let [statements, transaction, pages] = counted.as_slice() else {
            panic!("{counted:?}");
        };
        let counts = ((*statements).to_owned(), (*transaction).to_owned());
        self.counts.insert(method.to_owned(), counts);
        self.pages.insert(method.to_owned(), pages.parse().unwrap());
        outcome
    }
}

#[tokio::test]
async fn methods_cost_what_the_documentation_says() {
    let Some(database) = common::migrated().await else {
        return;
    };
    let store = common::open(&database.url());
    let mut counter = Counter::new(&database);
    run_every_method(&store, &user("alice"), &mut counter).await;
    assert_eq!(counter.counts, documented());
}

/// A request reads some dozens of pages. One that walks over a user's rows reads hundreds here.
const MAX_PAGES: u64 = 150;

/// Alice has a fifth of everything, and in the end there are many more sessions in use than at the
/// last `ANALYZE`. A statement that is prepared is planned for the average user, sooner or later.
#[tokio::test]
async fn methods_read_no_more_of_a_large_database_whoever_asks() {
    let Some(database) = common::migrated().await else {
        return;
    };
    let large = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/large.sql");
    let alice = user("alice");
    let named = format!("alice={alice}");
    let filled = database
        .psql_command()
        .args(["-v", &named, "-f", large])
        .status();
    assert!(filled.unwrap().success());
    // The planner does not hear of them.
    let in_use = "INSERT INTO upload_sessions (user_id, created_at, expires_at) \
                  SELECT 'bob', '2020-01-01', '2100-01-01' FROM generate_series(1, 10000)";
    let planned_for_all = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET plan_cache_mode = \
                           force_generic_plan', current_database()); END $$";
    let list = SessionQuery {
        user_id: alice.clone(),
        status: None,
        now: ManualClock::START,
        limit: 20,
        offset: 0,
    };
    let one_connection = PostgresOptions {
        max_connections: 1,
        ..common::options(&database.url())
    };
    let mut counter = Counter::new(&database);
    let store = common::open_with(one_connection.clone());
    for _ in 0..8 {
        let list = store.list_sessions(list.clone());
        counter.count("list_sessions, again", list).await;
    }
    database.psql(in_use);
    database.psql(planned_for_all);
    let store = common::open_with(one_connection);
    run_every_method(&store, &alice, &mut counter).await;
    counter.pages.remove("list_sessions");
    counter.pages.retain(|_, pages| *pages > MAX_PAGES);
    assert_eq!(counter.pages, BTreeMap::new());
}

/// A statement that deletes all that there is can take longer than it may, each time anew.
#[tokio::test]
async fn much_is_pruned_in_pieces() {
    let Some(database) = common::migrated().await else {
        return;
    };
    database.psql(
        "INSERT INTO idempotency_keys (user_id, idempotency_key, fingerprint, session_id, \
           part_size_bytes, expires_at, created_at) \
         SELECT 'alice', n, '', gen_random_uuid(), 1, '2020-01-01', '2020-01-01' \
         FROM generate_series(1, 1500) AS n; \
         INSERT INTO user_daily_uploads (user_id, upload_date, session_count) \
         SELECT n, '2020-01-01', 1 FROM generate_series(1, 2500) AS n",
    );
    let store = common::open(&database.url());
    let mut counter = Counter::new(&database);
    let prune = store.prune(ManualClock::START);
    counter.count("prune", prune).await;
    assert_eq!(counter.counts["prune"].0, "3");
    let left = "SELECT (SELECT count(*) FROM idempotency_keys), \
                (SELECT count(*) FROM user_daily_uploads)";
    assert_eq!(database.psql(left), "0|0");
}

async fn run_every_method(store: &PostgresStore, user_id: &UserId, counter: &mut Counter<'_>) {
    let now = ManualClock::START;
    let hashed = with_hash(instruction("a", 1), hash('a'));
    let mut session = new_session(user_id, vec![hashed], now);
    session.daily_limit = Some(10);
    session.idempotency = Some(Idempotency {
        key: "key".to_owned(),
        fingerprint: "body".to_owned(),
        valid_since: now,
    });
    let id = session.id;
    let file = new_file(user_id, id, instruction("a", 4));
    counter.count("ping", store.ping()).await;
    counter.count("database_id", store.database_id()).await;
    let create = store.create_session(session.clone());
    let outcome = counter.count("create_session", create).await;
    assert_eq!(outcome, CreateSessionOutcome::Created);
    counter
        .count("declared_session", store.declared_session(id))
        .await;
    // The last moment: it is extended, too.
    let near = session.expires_at - Duration::from_millis(1);
    let register = RegisterFiles {
        session_id: id,
        files: vec![file.clone(), new_file(user_id, id, instruction("b", 4))],
        max_file_count: Some(1),
        now: near,
        extension: EXTENSION,
        finalize_lock_ttl: LOCK_TTL,
    };
    counter
        .count("register_files", store.register_files(register))
        .await;
    counter.count("file", store.file(id, file.id)).await;
    counter
        .count("part_target", store.part_target(id, file.id, 1))
        .await;
    let record = RecordPart {
        session_id: id,
        file_id: file.id,
        upload_id: file.upload.id.clone(),
        part_number: 1,
        etag: ETag::parse("part"),
        size_bytes: 4,
        now,
        extension: EXTENSION,
    };
    counter
        .count("record_part", store.record_part(record))
        .await;
    let held = RecordHeldParts {
        session_id: id,
        file_id: file.id,
        upload_id: file.upload.id.clone(),
        parts: vec![HeldPart {
            part: Part {
                part_number: 1,
                etag: ETag::parse("held"),
                size_bytes: 4,
                uploaded_at: now,
            },
            recorded: Some(ETag::parse("part")),
        }],
        now,
    };
    counter
        .count("record_held_parts", store.record_held_parts(held))
        .await;
    let restart = RestartUpload {
        session_id: id,
        file_id: file.id,
        from: file.upload.id.clone(),
        to: UploadId("second".to_owned()),
        now,
    };
    let is_restarted = counter
        .count("restart_upload", store.restart_upload(restart))
        .await;
    assert!(is_restarted);
    counter
        .count("file_with_parts", store.file_with_parts(id, file.id))
        .await;
    let complete = CompleteFile {
        session_id: id,
        file_id: file.id,
        etag: ETag::parse("whole"),
        parts: vec![PartReceipt {
            part_number: 1,
            etag: ETag::parse("joined"),
        }],
        file_url: "https://files.test/a".to_owned(),
        now,
        extension: EXTENSION,
    };
    counter
        .count("complete_file", store.complete_file(complete))
        .await;
    counter
        .count("session_detail", store.session_detail(id))
        .await;
    let list = SessionQuery {
        user_id: user_id.clone(),
        status: Some(SessionStatus::Active),
        now,
        limit: 20,
        offset: 0,
    };
    counter
        .count("list_sessions", store.list_sessions(list))
        .await;
    let begin = store.begin_finalize(id, user_id, now, LOCK_TTL, LOCK_TTL);
    let outcome = counter.count("begin_finalize", begin).await;
    let BeginFinalizeOutcome::Locked { files, .. } = outcome else {
        panic!("not locked: {outcome:?}");
    };
    let locks = [(id, now)];
    let renew = store.renew_finalize(&locks, now, LOCK_TTL);
    counter.count("renew_finalize", renew).await;
    counter
        .count(
            "release_finalize",
            store.release_finalize(id, near, None, near),
        )
        .await;
    let moc = NewMoc {
        id: moc_id(),
        session_id: id,
        user_id: user_id.clone(),
        draft: MocDraft {
            title: "Castle".to_owned(),
            description: None,
            tags: vec![],
            theme: None,
        },
        files,
        pdf_key: "test/a.pdf".to_owned(),
        image_keys: vec![],
        parts_keys: vec![],
        thumbnail_url: None,
        created_at: now,
    };
    let outcome = counter
        .count("commit_finalize", store.commit_finalize(moc, now))
        .await;
    assert!(matches!(outcome, CommitFinalizeOutcome::Created(_)));
    let outcome = store
        .begin_finalize(id, user_id, now, LOCK_TTL, LOCK_TTL)
        .await;
    assert!(matches!(
        outcome,
        Ok(BeginFinalizeOutcome::AlreadyFinalized(_))
    ));

    let [cancelled, expired] = [0, 1].map(|_| new_session(user_id, vec![], now));
    store.create_session(cancelled.clone()).await.unwrap();
    store.create_session(expired.clone()).await.unwrap();
    let cancel = store.cancel_session(cancelled.id, user_id, now, LOCK_TTL);
    counter.count("cancel_session", cancel).await;
    let expire = store.expire_sessions(expired.expires_at, LOCK_TTL, 10);
    assert_eq!(counter.count("expire_sessions", expire).await.len(), 1);
    counter
        .count("sessions_to_free", store.sessions_to_free(None, 10))
        .await;
    counter
        .count(
            "mark_session_freed",
            store.mark_session_freed(cancelled.id, now),
        )
        .await;
    let recheck = store.sessions_to_recheck(near, None, 10);
    assert_eq!(counter.count("sessions_to_recheck", recheck).await.len(), 1);
    counter
        .count(
            "mark_session_rechecked",
            store.mark_session_rechecked(cancelled.id, near),
        )
        .await;
    counter.count("prune", store.prune(now)).await;
    counter
        .count("owned_keys", store.owned_keys(&[file.upload.key]))
        .await;
}
