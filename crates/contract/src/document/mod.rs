//! The server's OpenAPI document.

pub(crate) mod sample;
pub(crate) mod schema;

use serde_json::{Map, Value};

const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// An OpenAPI 3.1 document and the operations in it.
#[derive(Debug, Clone)]
pub struct Document {
    value: Value,
    operations: Vec<Operation>,
}

/// A method of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// As in the document: `/sessions/{sessionId}`.
    pub path: String,
    /// In capitals.
    pub method: String,
    /// Its `operationId`; empty when it has none.
    pub id: String,
}

/// Why a document can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It has another version, or none.
    #[error("an OpenAPI document of version 3.1 is needed; this one says {0:?}")]
    Version(String),
    /// There is nothing in it.
    #[error("the OpenAPI document has no paths")]
    NoPaths,
}

impl Document {
    /// Takes a document in.
    ///
    /// # Errors
    /// When it is none of version 3.1 or has no paths.
    pub fn new(value: Value) -> Result<Self, DocumentError> {
        let version = value["openapi"].as_str().unwrap_or_default();
        if !version.starts_with("3.1.") {
            return Err(DocumentError::Version(version.to_owned()));
        }
        let paths = value["paths"].as_object().ok_or(DocumentError::NoPaths)?;
        let mut operations = Vec::new();
        for (path, item) in paths {
            for (method, operation) in item.as_object().into_iter().flatten() {
                if METHODS.contains(&method.as_str()) {
                    let id = operation["operationId"].as_str().unwrap_or_default();
                    operations.push(Operation {
                        path: path.clone(),
                        method: method.to_ascii_uppercase(),
                        id: id.to_owned(),
                    });
                }
            }
        }
        Ok(Self { value, operations })
    }

    /// All of it.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// Ordered by path.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// What the document says of an operation.
    pub(crate) fn operation(&self, operation: &Operation) -> &Value {
        &self.value["paths"][&operation.path][operation.method.to_ascii_lowercase()]
    }

    /// Follows `$ref` within the document.
    pub(crate) fn resolve<'a>(&'a self, mut value: &'a Value) -> &'a Value {
        // A circle of references ends here, too.
        for _ in 0..16 {
            let target = value["$ref"]
                .as_str()
                .and_then(|reference| self.value.pointer(reference.strip_prefix('#')?));
            match target {
                Some(target) => value = target,
                None => break,
            }
        }
        value
    }

    /// Its parameters, those of its path included.
    pub(crate) fn parameters(&self, operation: &Operation) -> Vec<&Value> {
        let item = &self.value["paths"][&operation.path];
        let own = self.operation(operation);
        let mut found = Vec::new();
        for holder in [item, own] {
            for parameter in holder["parameters"].as_array().into_iter().flatten() {
                found.push(self.resolve(parameter));
            }
        }
        found
    }

    /// The bodies that it takes, by media type.
    pub(crate) fn request_content(&self, operation: &Operation) -> Option<&Map<String, Value>> {
        self.resolve(&self.operation(operation)["requestBody"])["content"].as_object()
    }

    /// Its answers by status.
    pub(crate) fn responses(&self, operation: &Operation) -> impl Iterator<Item = (&str, &Value)> {
        let responses = self.operation(operation)["responses"].as_object();
        responses
            .into_iter()
            .flatten()
            .map(|(status, response)| (status.as_str(), self.resolve(response)))
    }

    /// What it answers with a status: under that number, else under `4XX`, else as the default.
    pub(crate) fn response(&self, operation: &Operation, status: u16) -> Option<&Value> {
        let number = status.to_string();
        let class = format!("{}XX", status / 100);
        [number.as_str(), class.as_str(), "default"]
            .iter()
            .find_map(|wanted| {
                self.responses(operation)
                    .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                    .map(|(_, response)| response)
            })
    }

    /// The schema of an answer's JSON.
    pub(crate) fn response_schema(&self, operation: &Operation, status: u16) -> Option<&Value> {
        json_schema(self.response(operation, status)?["content"].as_object()?)
    }
}

/// The schema of the JSON among these media types.
pub(crate) fn json_schema(content: &Map<String, Value>) -> Option<&Value> {
    content
        .iter()
        .find(|(media, _)| is_json(media))
        .map(|(_, described)| &described["schema"])
}

/// `application/json`, `application/problem+json`, with or without parameters.
pub(crate) fn is_json(media: &str) -> bool {
    let media = media_type(media);
    media == "application/json" || media.ends_with("+json")
}

/// Without parameters, in lower case.
pub(crate) fn media_type(header: &str) -> String {
    let media = header.split(';').next().unwrap_or_default();
    media.trim().to_ascii_lowercase()
}
