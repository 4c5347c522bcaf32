//! Values that fit a schema, for what is only known when a request is sent.

use serde_json::{Map, Value, json};

use super::Document;
use super::schema::branches;

const MAX_DEPTH: usize = 12;

/// Any id will do.
pub(crate) const UUID: &str = "00000000-0000-4000-8000-000000000000";

impl Document {
    /// A value that this schema takes, as far as its types, formats and bounds go: the schema's own
    /// example where it has one.
    pub(crate) fn sample(&self, schema: &Value) -> Value {
        self.sample_within(schema, MAX_DEPTH)
    }

    fn sample_within(&self, schema: &Value, depth: usize) -> Value {
        let schema = self.resolve(schema);
        let given = ["const", "example", "default"]
            .iter()
            .find_map(|keyword| schema.get(*keyword))
            .or_else(|| schema["examples"].get(0))
            .or_else(|| schema["enum"].get(0));
        if let Some(given) = given {
            return given.clone();
        }
        if depth == 0 {
            return Value::Null;
        }
        let all = schema["allOf"].as_array();
        match kind(schema) {
            "string" => string(schema),
            "integer" | "number" => number(schema),
            "boolean" => Value::Bool(true),
            "array" => {
                let count = schema["minItems"].as_u64().unwrap_or(0);
                (0..count)
                    .map(|_| self.sample_within(&schema["items"], depth - 1))
                    .collect()
            }
            "object" => self.object(schema, depth),
            _ if all.is_some() => self.object(schema, depth),
            _ => branches(schema)
                .next()
                .map_or(Value::Null, |branch| self.sample_within(branch, depth - 1)),
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let mut members = Map::new();
        for branch in schema["allOf"].as_array().into_iter().flatten() {
            if let Value::Object(more) = self.sample_within(branch, depth - 1) {
                members.extend(more);
            }
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            if let Some(name) = name.as_str() {
                let member = &schema["properties"][name];
                members.insert(name.to_owned(), self.sample_within(member, depth - 1));
            }
        }
        Value::Object(members)
    }
}

/// The type, the first that is not null where there are several.
pub(crate) fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(name) => name,
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .find(|name| *name != "null")
            .unwrap_or_default(),
        _ if schema.get("properties").is_some() => "object",
        _ => "",
    }
}

fn string(schema: &Value) -> Value {
    let text = match schema["format"].as_str().unwrap_or_default() {
        "uuid" => UUID,
        "date-time" => "2026-01-25T12:00:00.000Z",
        "date" => "2026-01-25",
        "uri" | "uri-reference" => "https://example.com/",
        "email" => "someone@example.com",
        _ => "text",
    };
    let least = schema["minLength"].as_u64().unwrap_or(0);
    let most = schema["maxLength"].as_u64().unwrap_or(u64::MAX);
    let mut text = text.to_owned();
    while (text.len() as u64) < least {
        text.push('x');
    }
    text.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    Value::String(text)
}

fn number(schema: &Value) -> Value {
    let least = &schema["minimum"];
    if least.as_f64().is_some_and(|least| least > 1.0) {
        return least.clone();
    }
    json!(1)
}
