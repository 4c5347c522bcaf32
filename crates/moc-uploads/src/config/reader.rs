//! Reads variables, collects every problem, and remembers where each value came from.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::Serialize;

/// Variables as the environment has them; injected, so that tests need no environment.
pub(crate) type Variables = BTreeMap<String, String>;

/// Where a value in force comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    Default,
    Environment,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Default => "default",
            Self::Environment => "environment",
        })
    }
}

/// A value in force, fit to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) source: Source,
}

/// A value that can't be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) variable: &'static str,
    /// Fit to be shown; `None` when it is not set.
    pub(crate) value: Option<String>,
    /// What would be right.
    pub(crate) advice: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}={value}: {}", self.variable, self.advice),
            None => write!(f, "{} is not set: {}", self.variable, self.advice),
        }
    }
}

/// What stands in the place of a secret.
pub(crate) const MASK: &str = "********";

pub(crate) struct Reader<'a> {
    variables: &'a Variables,
    pub(crate) entries: Vec<Entry>,
    pub(crate) problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(variables: &'a Variables) -> Self {
        Self {
            variables,
            entries: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// The value of a variable; an empty one counts as not set.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        let value = self.variables.get(name)?.trim();
        (!value.is_empty()).then_some(value)
    }

    /// Notes that the variable's value can't be right.
    pub(crate) fn problem(&mut self, variable: &'static str, advice: impl Into<String>) {
        let value = self.get(variable).map(printable);
        self.problem_showing(variable, value, advice);
    }

    /// As [`Reader::problem`], for a value that must not be shown as it is.
    pub(crate) fn problem_showing(
        &mut self,
        variable: &'static str,
        value: Option<String>,
        advice: impl Into<String>,
    ) {
        self.problems.push(Problem {
            variable,
            value,
            advice: advice.into(),
        });
    }

    /// Notes what is in force.
    pub(crate) fn entry(&mut self, name: &'static str, value: impl Into<String>, source: Source) {
        self.entries.push(Entry {
            name,
            value: value.into(),
            source,
        });
    }

    /// Corrects what is shown of a variable whose value follows from others.
    pub(crate) fn in_force(&mut self, name: &'static str, value: &str) {
        for entry in self.entries.iter_mut().filter(|entry| entry.name == name) {
            value.clone_into(&mut entry.value);
        }
    }

    /// A value that `parse` understands; its error says what would be right.
    pub(crate) fn parsed<T>(
        &mut self,
        name: &'static str,
        shown_default: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let Some(text) = self.get(name) else {
            self.entry(name, shown_default, Source::Default);
            return None;
        };
        self.entry(name, printable(text), Source::Environment);
        if text.contains(char::REPLACEMENT_CHARACTER) {
            self.problem(name, "must be valid UTF-8");
            return None;
        }
        parse(text)
            .map_err(|advice| self.problem(name, advice))
            .ok()
    }

    /// A whole number within a range.
    pub(crate) fn number<T>(
        &mut self,
        name: &'static str,
        default: T,
        range: RangeInclusive<T>,
    ) -> T
    where
        T: FromStr + PartialOrd + fmt::Display + Copy,
    {
        self.parsed(name, &default.to_string(), |text| {
            text.parse()
                .ok()
                .filter(|number| range.contains(number))
                .ok_or_else(|| {
                    format!(
                        "must be a whole number from {} to {}",
                        range.start(),
                        range.end()
                    )
                })
        })
        .unwrap_or(default)
    }

    /// `true` or `false`, and the usual other words for them; `None` when it is not set.
    pub(crate) fn boolean(&mut self, name: &'static str) -> Option<bool> {
        self.word(name, "false")
    }

    /// The same with a default of its own.
    pub(crate) fn boolean_or(&mut self, name: &'static str, default: bool) -> bool {
        self.word(name, &default.to_string()).unwrap_or(default)
    }

    fn word(&mut self, name: &'static str, shown_default: &str) -> Option<bool> {
        self.parsed(name, shown_default, |text| {
            match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Ok(true),
                "false" | "0" | "no" | "off" => Ok(false),
                _ => Err("must be true or false".to_owned()),
            }
        })
    }

    /// Any text.
    pub(crate) fn text(&mut self, name: &'static str, shown_default: &str) -> Option<String> {
        self.parsed(name, shown_default, |text| Ok(text.to_owned()))
    }

    /// Any text, never shown, taken exactly as it stands.
    pub(crate) fn secret(&mut self, name: &'static str) -> Option<String> {
        let is_set = self.get(name).is_some();
        let (shown, source) = if is_set {
            (MASK, Source::Environment)
        } else {
            ("", Source::Default)
        };
        self.entry(name, shown, source);
        is_set.then(|| self.variables[name].clone())
    }
}

/// On one line, of bounded length, and without the password of a URL.
pub(super) fn printable(text: &str) -> String {
    const MAX_CHARS: usize = 200;
    let mut shown = String::new();
    let (before, text) = match text.split_once("://") {
        Some((scheme, rest)) if rest.contains('@') => {
            let after = rest.rsplit_once('@').map_or("", |(_, after)| after);
            (format!("{scheme}://{MASK}@"), after)
        }
        _ => (String::new(), text),
    };
    shown.push_str(&before);
    for c in text.chars().take(MAX_CHARS) {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    if text.chars().nth(MAX_CHARS).is_some() {
        shown.push_str("...");
    }
    shown
}
