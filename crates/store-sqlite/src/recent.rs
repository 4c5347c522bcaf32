//! What this process knows of new sessions without asking: it has written all that is in them.
//!
//! A browser creates a session, registers a file, sends its parts and completes it within moments,
//! and each of these requests begins with a look at what the one before has written. Here it finds
//! that at hand, as of the last commit or the one that is under way:
//! - Only in the one server of a database, which sees every change.
//! - Changes are noted by the writer when it is about to commit them, before anybody can see them.
//! - Only sessions and files that take something. When anything else happens to a session, it is
//!   forgotten here, and the database says what has become of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use moc_uploads_core::file::{FileStatus, UploadFile};
use moc_uploads_core::ids::{FileId, SessionId};
use moc_uploads_core::part::Part;
use moc_uploads_core::ports::{
    Activity, CompleteFile, CompleteFileOutcome, CreateSessionOutcome, DeclaredSession,
    FileInSession, FileWithParts, NewFile, NewSession, PartTarget, RecordPart, RecordPartOutcome,
    RegisterFileOutcome, RegisterFiles,
};
use moc_uploads_core::session::{Extension, Session, SessionStatus};
use moc_uploads_core::time::Timestamp;

/// Of sessions, declared files, files and parts together, 3 KiB each at most and mostly less than one.
const MAX_COUNT: usize = 4096;

/// What is older than two of these is forgotten: who takes longer does not miss the millisecond.
const TURN: Duration = Duration::from_secs(5);

/// New sessions of this process; none before it is known to be the only one that writes.
#[derive(Default)]
pub(crate) struct Recent(Mutex<Option<Generations>>);

/// The young become the old, and the old are forgotten, when there are too many young or it is time.
struct Generations {
    young: HashMap<SessionId, RecentSession>,
    old: HashMap<SessionId, RecentSession>,
    /// Since there were no young.
    added_count: usize,
    /// When it was time last.
    turned_at: Instant,
}

struct RecentSession {
    session: Session,
    /// As it was created.
    new: Arc<NewSession>,
    registered_count: usize,
    /// Those that are not completed.
    files: HashMap<FileId, RecentFile>,
}

struct RecentFile {
    file: UploadFile,
    parts: BTreeMap<u32, Part>,
}

impl Recent {
    /// From now on this process is the only one that writes.
    pub(crate) fn begin(&self) {
        *self.lock() = Some(Generations::new(Instant::now()));
    }

    pub(crate) fn declared_session(&self, id: SessionId) -> Option<DeclaredSession> {
        let (session, new, registered_count) = self.session(id, |recent| {
            let new = Arc::clone(&recent.new);
            Some((recent.session.clone(), new, recent.registered_count))
        })?;
        Some(DeclaredSession {
            session,
            declared: Some(new.files.clone()),
            registered_count,
        })
    }

    pub(crate) fn part_target(
        &self,
        session_id: SessionId,
        file_id: FileId,
        part_number: u32,
    ) -> Option<PartTarget> {
        self.session(session_id, |recent| {
            let found = recent.files.get(&file_id)?;
            Some(PartTarget {
                target: found.in_session(&recent.session),
                is_recorded: found.parts.contains_key(&part_number),
            })
        })
    }

    pub(crate) fn file_with_parts(
        &self,
        session_id: SessionId,
        file_id: FileId,
    ) -> Option<FileWithParts> {
        self.session(session_id, |recent| {
            let found = recent.files.get(&file_id)?;
            Some(FileWithParts {
                target: found.in_session(&recent.session),
                parts: found.parts.values().cloned().collect(),
            })
        })
    }

    pub(crate) fn note_created(
        &self,
        new: &Arc<NewSession>,
        outcome: Option<&CreateSessionOutcome>,
    ) {
        let mut generations = self.lock();
        let Some(generations) = &mut *generations else {
            return;
        };
        if outcome == Some(&CreateSessionOutcome::Created) {
            let count = 1 + new.files.len();
            generations.make_room(count, Instant::now());
            let recent = RecentSession::created(new);
            generations.young.insert(new.id, recent);
        } else {
            generations.remove(new.id);
        }
    }

    pub(crate) fn note_registered(
        &self,
        register: &Arc<RegisterFiles>,
        activity: Option<&Activity<Vec<RegisterFileOutcome>>>,
    ) {
        self.change(register.session_id, activity, |recent, outcomes| {
            for (file, outcome) in register.files.iter().zip(outcomes) {
                if *outcome == RegisterFileOutcome::Registered {
                    recent.register(file, register.now);
                }
            }
            Some(register.files.len())
        });
    }

    pub(crate) fn note_recorded(
        &self,
        part: &Arc<RecordPart>,
        activity: Option<&Activity<RecordPartOutcome>>,
    ) {
        self.change(part.session_id, activity, |recent, outcome| {
            if *outcome != RecordPartOutcome::Recorded {
                return None;
            }
            if let Some(found) = recent.files.get_mut(&part.file_id) {
                found.record(part);
            }
            Some(1)
        });
    }

    pub(crate) fn note_completed(
        &self,
        complete: &Arc<CompleteFile>,
        activity: Option<&Activity<CompleteFileOutcome>>,
    ) {
        self.change(complete.session_id, activity, |recent, _| {
            recent.files.remove(&complete.file_id);
            // Nothing is left that it would take.
            let is_over = recent.files.is_empty() && recent.is_full();
            (!is_over).then_some(0)
        });
    }

    pub(crate) fn forget(&self, id: SessionId) {
        if let Some(generations) = &mut *self.lock() {
            generations.remove(id);
        }
    }

    fn session<T>(
        &self,
        id: SessionId,
        find: impl FnOnce(&RecentSession) -> Option<T>,
    ) -> Option<T> {
        let mut generations = self.lock();
        let generations = generations.as_mut()?;
        generations.make_room(0, Instant::now());
        find(generations.get_mut(id)?)
    }

    /// Applies what came of a change, and counts what that adds. Where it is unknown, or nothing that
    /// is known here, the session is forgotten.
    fn change<T>(
        &self,
        id: SessionId,
        activity: Option<&Activity<T>>,
        apply: impl FnOnce(&mut RecentSession, &T) -> Option<usize>,
    ) {
        let mut generations = self.lock();
        let Some(generations) = &mut *generations else {
            return;
        };
        let Some(recent) = generations.get_mut(id) else {
            return;
        };
        let added_count = match activity {
            Some(Activity::Done { outcome, extension }) => {
                if let Some(Extension { new_expires_at, .. }) = extension {
                    recent.session.expires_at = *new_expires_at;
                }
                apply(recent, outcome)
            }
            _ => None,
        };
        match added_count {
            Some(count) => generations.make_room(count, Instant::now()),
            None => generations.remove(id),
        }
    }

    /// No holder can leave it half changed.
    fn lock(&self) -> MutexGuard<'_, Option<Generations>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn new(now: Instant) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            added_count: 0,
            turned_at: now,
        }
    }

    fn get_mut(&mut self, id: SessionId) -> Option<&mut RecentSession> {
        self.young.get_mut(&id).or_else(|| self.old.get_mut(&id))
    }

    fn remove(&mut self, id: SessionId) {
        if self.young.remove(&id).is_none() {
            self.old.remove(&id);
        }
    }

    /// Forgets what is over, with so many to be added.
    fn make_room(&mut self, count: usize, now: Instant) {
        let young_for = now - self.turned_at;
        if young_for > 2 * TURN {
            *self = Self::new(now);
        } else if young_for > TURN {
            self.turn();
            self.turned_at += TURN;
        }
        self.added_count += count;
        if self.added_count > MAX_COUNT / 2 {
            self.turn();
            self.added_count = count;
        }
    }

    fn turn(&mut self) {
        self.old = std::mem::take(&mut self.young);
        self.added_count = 0;
    }
}

impl RecentSession {
    fn created(new: &Arc<NewSession>) -> Self {
        Self {
            session: Session {
                id: new.id,
                user_id: new.user_id.clone(),
                stored_status: SessionStatus::Active,
                part_size_bytes: new.part_size_bytes,
                created_at: new.created_at,
                expires_at: new.expires_at,
            },
            new: Arc::clone(new),
            registered_count: 0,
            files: HashMap::new(),
        }
    }

    fn is_full(&self) -> bool {
        self.registered_count >= self.new.files.len()
    }

    fn register(&mut self, new: &NewFile, now: Timestamp) {
        let file = UploadFile {
            id: new.id,
            session_id: self.session.id,
            metadata: new.metadata.clone(),
            status: FileStatus::Pending,
            object_key: Some(new.upload.key.clone()),
            upload_id: Some(new.upload.id.clone()),
            file_url: None,
            etag: None,
            created_at: now,
            updated_at: now,
        };
        let parts = BTreeMap::new();
        self.files.insert(new.id, RecentFile { file, parts });
        self.registered_count += 1;
    }
}

impl RecentFile {
    fn in_session(&self, session: &Session) -> FileInSession {
        FileInSession {
            session: session.clone(),
            file: Some(self.file.clone()),
        }
    }

    fn record(&mut self, part: &RecordPart) {
        if self.file.status == FileStatus::Pending {
            self.file.status = FileStatus::Uploading;
            self.file.updated_at = part.now;
        }
        self.parts.insert(
            part.part_number,
            Part {
                part_number: part.part_number,
                etag: part.etag.clone(),
                size_bytes: part.size_bytes,
                uploaded_at: part.now,
            },
        );
    }
}

#[cfg(test)]
mod tests;
