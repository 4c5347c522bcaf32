//! What is in force, for `moc-uploads config`.

use std::fmt::Write as _;

use serde::Serialize;

use super::Config;
use super::reader::Entry;

#[derive(Serialize)]
struct Shown<'a> {
    variables: &'a [Entry],
    warnings: &'a [String],
}

impl Config {
    /// A table: variable, value, where it comes from. Secrets are masked.
    pub(crate) fn to_table(&self) -> String {
        let mut table = String::new();
        let name_width = width(self.entries.iter().map(|entry| entry.name));
        let value_width = width(self.entries.iter().map(|entry| shown(&entry.value)));
        for entry in &self.entries {
            let _ = writeln!(
                table,
                "{:name_width$}  {:value_width$}  {}",
                entry.name,
                shown(&entry.value),
                entry.source
            );
        }
        for warning in &self.warnings {
            let _ = write!(table, "\nWarning: {warning}");
        }
        if !self.warnings.is_empty() {
            table.push('\n');
        }
        table
    }

    /// The same as JSON.
    pub(crate) fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(&Shown {
            variables: &self.entries,
            warnings: &self.warnings,
        })
    }
}

fn width<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    const MAX: usize = 48;
    texts
        .map(|text| text.chars().count())
        .max()
        .unwrap_or(0)
        .min(MAX)
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "-" } else { value }
}
