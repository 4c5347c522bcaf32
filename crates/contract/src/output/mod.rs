//! What a joined contract is made into.

pub(crate) mod example;
pub(crate) mod openapi;
pub(crate) mod readme;
pub(crate) mod typescript;

use crate::join::{Contract, Joined, Presented};

impl<'a> Contract<'a> {
    /// What is said of an operation: the title of the request that presents it, else what the server
    /// says.
    pub(crate) fn summary(&self, presented: &Presented) -> &str {
        let one = &self.joined[presented.request];
        match (&one.request.title, one.operation()) {
            (Some(title), _) => &title.value,
            (None, Some(operation)) => self.document.operation(operation)["summary"]
                .as_str()
                .unwrap_or_default(),
            (None, None) => "",
        }
    }

    /// More of it: the comments above the request that presents it, else what the server says.
    pub(crate) fn description(&self, presented: &Presented) -> String {
        let one = &self.joined[presented.request];
        let comments = one.request.comments.join("\n");
        if !comments.trim().is_empty() {
            return comments.trim().to_owned();
        }
        let described = one.operation().map(|it| self.document.operation(it));
        let text = described.and_then(|it| it["description"].as_str());
        text.unwrap_or_default().to_owned()
    }

    /// Requests of an operation that are to be refused: status, code and title.
    pub(crate) fn refusals(&self, presented: &Presented) -> Vec<Refusal<'_>> {
        let requests = presented.requests.iter().map(|index| &self.joined[*index]);
        let mut found: Vec<Refusal<'_>> = requests.filter_map(Refusal::of).collect();
        found.sort_by_key(|refusal| (refusal.status, refusal.code));
        found
    }
}

/// How a request is refused.
pub(crate) struct Refusal<'a> {
    pub(crate) status: u16,
    /// `CONFLICT`; empty where none is stated.
    pub(crate) code: &'a str,
    pub(crate) title: &'a str,
}

impl<'a> Refusal<'a> {
    fn of(one: &Joined<'a>) -> Option<Self> {
        let status = one.expected.filter(|_| !one.is_success())?;
        let stated = one.request.annotation("expect")?.value.as_ref()?;
        Some(Self {
            status,
            code: stated
                .value
                .split_ascii_whitespace()
                .nth(1)
                .unwrap_or_default(),
            title: one.request.title.as_ref().map_or("", |title| &title.value),
        })
    }
}
