//! Ways into a JSON schema.

use serde_json::Value;

use super::Document;
use crate::http::Step;

/// Schemas that refer to each other in a circle are left after so many.
const MAX_DEPTH: usize = 24;

/// What a step leads to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Reached<'a> {
    /// A schema.
    Schema(&'a Value),
    /// Nothing is said of it, so it may be there.
    Unsaid,
    /// It can't be there.
    Nothing,
}

impl Document {
    /// Where a path into a body leads.
    pub(crate) fn reach<'a>(&'a self, schema: &'a Value, steps: &[Step]) -> Reached<'a> {
        let mut at = schema;
        for step in steps {
            match self.step(at, step, MAX_DEPTH) {
                Reached::Schema(next) => at = next,
                other => return other,
            }
        }
        Reached::Schema(at)
    }

    /// Where one step leads.
    pub(crate) fn step<'a>(&'a self, schema: &'a Value, step: &Step, depth: usize) -> Reached<'a> {
        if depth == 0 {
            return Reached::Unsaid;
        }
        let schema = self.resolve(schema);
        let direct = match step {
            Step::Member(name) => schema["properties"].get(name),
            Step::Index(_) => schema.get("items"),
        };
        if let Some(found) = direct {
            return Reached::Schema(found);
        }
        let mut is_said = is_object_with_members(schema) || schema.get("items").is_some();
        for branch in branches(schema) {
            match self.step(branch, step, depth - 1) {
                Reached::Nothing => is_said = true,
                Reached::Unsaid => {}
                found @ Reached::Schema(_) => return found,
            }
        }
        if matches!(step, Step::Member(_)) {
            match schema.get("additionalProperties") {
                Some(Value::Object(_)) => return Reached::Schema(&schema["additionalProperties"]),
                Some(Value::Bool(true)) => return Reached::Unsaid,
                _ => {}
            }
        }
        let is_other_type = match (&schema["type"], step) {
            (Value::String(name), Step::Member(_)) => name != "object",
            (Value::String(name), Step::Index(_)) => name != "array",
            _ => false,
        };
        if is_said || is_other_type {
            Reached::Nothing
        } else {
            Reached::Unsaid
        }
    }

    /// Every member that an object of this schema can have.
    pub(crate) fn members<'a>(&'a self, schema: &'a Value) -> Vec<&'a str> {
        let mut names = Vec::new();
        self.collect_members(schema, &mut names, MAX_DEPTH);
        names
    }

    fn collect_members<'a>(&'a self, schema: &'a Value, names: &mut Vec<&'a str>, depth: usize) {
        let schema = self.resolve(schema);
        let own = schema["properties"].as_object().into_iter().flatten();
        names.extend(own.map(|(name, _)| name.as_str()));
        if depth > 0 {
            for branch in branches(schema) {
                self.collect_members(branch, names, depth - 1);
            }
        }
    }
}

fn is_object_with_members(schema: &Value) -> bool {
    schema["properties"]
        .as_object()
        .is_some_and(|members| !members.is_empty())
}

/// What a schema is put together from.
pub(crate) fn branches(schema: &Value) -> impl Iterator<Item = &Value> {
    ["allOf", "oneOf", "anyOf"]
        .into_iter()
        .flat_map(|keyword| schema[keyword].as_array().into_iter().flatten())
}
