//! Whatever happens to a session.

use moc_uploads_core::ports::{NewFile, NewSession, RecordPart, RegisterFiles, SessionStore};
use moc_uploads_store_sqlite::SqliteStore;
use moc_uploads_testkit::builders::{EXTENSION, MINUTE};
use moc_uploads_testkit::session_store::fixture::completion;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;

use crate::database::{Database, NOW, TTL, files_of, held, part, restart};

/// What can happen to a session, the time it takes, and to which file.
#[derive(Debug, Clone)]
enum Step {
    Register {
        with: Vec<usize>,
        max_file_count: usize,
    },
    Record {
        part_number: u32,
        etag: &'static str,
    },
    RecordHeld,
    Complete,
    Restart,
    Extend,
    Finalize,
    Cancel,
    Expire,
}

fn step() -> impl Strategy<Value = (Step, usize)> {
    let register =
        (vec(0..3_usize, 1..3), 0..3_usize).prop_map(|(with, max_file_count)| Step::Register {
            with,
            max_file_count,
        });
    let record = (1..3_u32, select(vec!["a", "b"]))
        .prop_map(|(part_number, etag)| Step::Record { part_number, etag });
    let step = prop_oneof![
        4 => register,
        8 => record,
        3 => Just(Step::Complete),
        2 => Just(Step::Extend),
        1 => Just(Step::RecordHeld),
        1 => Just(Step::Restart),
        1 => Just(Step::Finalize),
        1 => Just(Step::Cancel),
        1 => Just(Step::Expire),
    ];
    (step, 0..3_usize)
}

/// Whatever came of it: what is refused is not to change what is known.
async fn take(
    server: &SqliteStore,
    session: &NewSession,
    files: &[NewFile],
    step: Step,
    file: &NewFile,
) {
    let now = NOW + MINUTE;
    let record = |part_number, etag, now| RecordPart {
        now,
        ..part(session, file, part_number, etag)
    };
    match step {
        Step::Register {
            with,
            max_file_count,
        } => {
            let register = RegisterFiles {
                session_id: session.id,
                files: with.iter().map(|index| files[*index].clone()).collect(),
                max_file_count: Some(max_file_count),
                now,
                extension: EXTENSION,
                finalize_lock_ttl: TTL,
            };
            // One id twice is an error.
            drop(server.register_files(register).await);
        }
        Step::Record { part_number, etag } => {
            server
                .record_part(record(part_number, etag, now))
                .await
                .unwrap();
        }
        // Less than ten minutes before the session ends.
        Step::Extend => {
            server
                .record_part(record(1, "c", NOW + 10 * MINUTE))
                .await
                .unwrap();
        }
        Step::RecordHeld => {
            server.record_held_parts(held(session, file)).await.unwrap();
        }
        Step::Complete => {
            server
                .complete_file(completion(session, file, now))
                .await
                .unwrap();
        }
        Step::Restart => {
            server.restart_upload(restart(session, file)).await.unwrap();
        }
        Step::Finalize => {
            let begin = server.begin_finalize(session.id, &session.user_id, now, TTL, TTL);
            begin.await.unwrap();
            server
                .release_finalize(session.id, now, None, now)
                .await
                .unwrap();
        }
        Step::Cancel => {
            let cancel = server.cancel_session(session.id, &session.user_id, now, TTL);
            cancel.await.unwrap();
        }
        Step::Expire => {
            server
                .expire_sessions(session.expires_at, TTL, 100)
                .await
                .unwrap();
        }
    }
}

#[test]
fn whatever_happens_to_a_session_what_is_known_is_what_is_stored() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(Database::new());
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 100,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let happens = runner.run(&vec(step(), 1..12), |steps| {
        runtime.block_on(async {
            let session = database.create().await;
            // Two that are declared, and another under the first one's key.
            let files = [files_of(&session), files_of(&session)].concat();
            for (step, file) in steps {
                take(&database.server, &session, &files, step, &files[file]).await;
                for file in &files[..3] {
                    database.knows(&session, file).await;
                }
            }
        });
        Ok(())
    });
    happens.unwrap();
}
