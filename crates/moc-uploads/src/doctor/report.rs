//! What was found, for people and for programs.

use std::fmt::Write as _;

use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warning,
    Wrong,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    /// What was looked at.
    check: &'static str,
    verdict: Verdict,
    finding: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

/// Findings in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<Finding>);

impl Report {
    /// As it should be.
    pub(super) fn ok(&mut self, check: &'static str, finding: impl Into<String>) {
        self.add(check, Verdict::Ok, finding, None);
    }

    /// It works, but is probably not what was meant.
    pub(super) fn warning(
        &mut self,
        check: &'static str,
        finding: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(check, Verdict::Warning, finding, Some(advice.into()));
    }

    /// It does not work.
    pub(super) fn wrong(
        &mut self,
        check: &'static str,
        finding: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(check, Verdict::Wrong, finding, Some(advice.into()));
    }

    fn add(
        &mut self,
        check: &'static str,
        verdict: Verdict,
        finding: impl Into<String>,
        advice: Option<String>,
    ) {
        self.0.push(Finding {
            check,
            verdict,
            finding: finding.into(),
            advice,
        });
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_ok(&self) -> bool {
        self.0.iter().all(|found| found.verdict != Verdict::Wrong)
    }

    /// A line each, what to do under those that need it.
    pub(crate) fn to_text(&self) -> String {
        let width = self.0.iter().map(|found| found.check.len()).max();
        let width = width.unwrap_or(0);
        let mut text = String::new();
        for found in &self.0 {
            let verdict = match found.verdict {
                Verdict::Ok => "ok",
                Verdict::Warning => "warning",
                Verdict::Wrong => "WRONG",
            };
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "{verdict:7}  {:width$}  {}",
                found.check, found.finding
            );
            if let Some(advice) = &found.advice {
                let _ = writeln!(text, "{:7}  {:width$}  -> {advice}", "", "");
            }
        }
        text
    }

    /// `{ "ok", "checks": [{ "check", "verdict", "finding", "advice"? }] }`.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "ok": self.is_ok(), "checks": self.0 })
    }
}
