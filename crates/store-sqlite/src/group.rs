//! What the writer does together.

use crate::task::Job;

/// What the writer is asked for.
pub(crate) enum Waiting {
    /// The first look of who goes on to change something: it is answered at once.
    Peek(Job),
    /// Changes nothing, and takes microseconds.
    LookUp(Job),
    /// Counts when its group is committed.
    Change(Job),
}

/// What is done in one transaction.
#[derive(Default)]
pub(crate) struct Group {
    pub(crate) peeks: Vec<Job>,
    pub(crate) look_ups: Vec<Job>,
    pub(crate) changes: Vec<Job>,
}

impl From<Vec<Waiting>> for Group {
    fn from(waiting: Vec<Waiting>) -> Self {
        let mut group = Self::default();
        for work in waiting {
            match work {
                Waiting::Peek(job) => group.peeks.push(job),
                Waiting::LookUp(job) => group.look_ups.push(job),
                Waiting::Change(job) => group.changes.push(job),
            }
        }
        group
    }
}
