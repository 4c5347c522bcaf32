//! What a session becomes: the MOC record and its slug (CONTRACT section 1.6).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::file::UploadFile;
use crate::ids::{MocId, SessionId};
use crate::principal::UserId;
use crate::time::Timestamp;

/// Whoever holds a finalize lock says so at least this often; who has not may be dead, and another
/// call takes over. Being late costs that the files are verified twice, no more.
pub const FINALIZE_LEASE: Duration = Duration::from_secs(6);

/// How often a lease is renewed: two may fail.
pub const RENEW_FINALIZE_EVERY: Duration = Duration::from_secs(2);

/// The finalize locks that this process holds, each by its session and its token.
#[derive(Debug, Default)]
pub(crate) struct HeldLocks(Mutex<HashMap<SessionId, Timestamp>>);

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(crate) struct HeldLock<'a> {
    locks: &'a HeldLocks,
    session_id: SessionId,
    locked_at: Timestamp,
}

impl HeldLocks {
    pub(crate) fn hold(&self, session_id: SessionId, locked_at: Timestamp) -> HeldLock<'_> {
        self.lock().insert(session_id, locked_at);
        HeldLock {
            locks: self,
            session_id,
            locked_at,
        }
    }

    pub(crate) fn all(&self) -> Vec<(SessionId, Timestamp)> {
        self.lock().iter().map(|(id, at)| (*id, *at)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for HeldLock<'_> {
    fn drop(&mut self) {
        let mut locks = self.locks.lock();
        // Another call of this process may have taken it over.
        if locks.get(&self.session_id) == Some(&self.locked_at) {
            locks.remove(&self.session_id);
        }
    }
}

/// What the client says about the MOC, after the schema was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MocDraft {
    /// 1 to 200 characters, unique per user.
    pub title: String,
    /// Up to 5000 characters.
    pub description: Option<String>,
    /// Up to 20 of up to 50 characters.
    pub tags: Vec<String>,
    /// Up to 100 characters.
    pub theme: Option<String>,
}

/// A MOC record about to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMoc {
    /// Its id.
    pub id: MocId,
    /// The session that it comes from.
    pub session_id: SessionId,
    /// Its owner.
    pub user_id: UserId,
    /// The client's words.
    pub draft: MocDraft,
    /// Completed files in the order of their registration.
    pub files: Vec<UploadFile>,
    /// The object key of the first instruction.
    pub pdf_key: String,
    /// The object keys of the images.
    pub image_keys: Vec<String>,
    /// The object keys of the parts lists.
    pub parts_keys: Vec<String>,
    /// Of the first thumbnail, else the first image.
    pub thumbnail_url: Option<String>,
    /// Now.
    pub created_at: Timestamp,
}

/// A MOC record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moc {
    /// Its id.
    pub id: MocId,
    /// The client's words.
    pub draft: MocDraft,
    /// Unique per user.
    pub slug: String,
    /// The object key of the instruction.
    pub pdf_key: String,
    /// The object keys of the images.
    pub image_keys: Vec<String>,
    /// The object keys of the parts lists.
    pub parts_keys: Vec<String>,
    /// Of the first thumbnail, else the first image.
    pub thumbnail_url: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// The slug that a title asks for: lower-case ASCII words joined by dashes, at most 200 characters.
pub fn slug_of(title: &str) -> String {
    let mut slug = slug::slugify(title);
    slug.truncate(200);
    let slug = slug.trim_matches('-');
    if slug.is_empty() {
        "moc".to_owned()
    } else {
        slug.to_owned()
    }
}

/// `base`, or the first of `base-1`, `base-2`, ... that `is_taken` does not know.
pub fn free_slug(base: &str, is_taken: impl Fn(&str) -> bool) -> String {
    std::iter::once(base.to_owned())
        .chain((1u64..).map(|n| format!("{base}-{n}")))
        .find(|slug| !is_taken(slug))
        .unwrap_or_else(|| base.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_plain_and_counted_up() {
        assert_eq!(slug_of("Château  d'Eau!"), "chateau-d-eau");
        assert_eq!(slug_of("!!!"), "moc");
        let taken = ["castle", "castle-1"];
        assert_eq!(
            free_slug("castle", |slug| taken.contains(&slug)),
            "castle-2"
        );
        assert_eq!(free_slug("tower", |slug| taken.contains(&slug)), "tower");
    }
}
