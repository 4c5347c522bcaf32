//! What the writer does together.

use crate::task::Job;

/// What waits for the writer.
pub(crate) enum Work {
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

impl From<Vec<Work>> for Group {
    fn from(waiting: Vec<Work>) -> Self {
        let mut group = Self::default();
        for work in waiting {
            match work {
                Work::Peek(job) => group.peeks.push(job),
                Work::LookUp(job) => group.look_ups.push(job),
                Work::Change(job) => group.changes.push(job),
            }
        }
        group
    }
}
