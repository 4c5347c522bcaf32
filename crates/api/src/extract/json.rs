//! JSON bodies: bounded in size and time, checked against their schema (CONTRACT, head).

use std::fmt;
use std::marker::PhantomData;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use moc_uploads_core::{ErrorCode, FieldError};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use crate::problem::{Members, Problem};
use crate::state::AppState;

/// A body that some endpoint takes.
pub(crate) trait RequestBody: DeserializeOwned {
    /// Times the configured limit: how large it may be.
    const SIZE_FACTOR: usize = 1;
}

/// A body of the right shape; its values are still to be checked.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: RequestBody> FromRequest<AppState> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let max_bytes = app.config.max_json_bytes.saturating_mul(T::SIZE_FACTOR);
        check_length(&parts.headers, max_bytes)?;
        let collected = tokio::time::timeout(app.config.request_timeout, collect(body, max_bytes));
        let bytes = collected.await.map_err(|_| {
            Problem::new(
                ErrorCode::RequestTimeout,
                "The request body did not arrive in time; send it again.",
            )
        })??;
        if bytes.is_empty() {
            return Err(bad_request("The request has no body; send a JSON object."));
        }
        check_content_type(&parts.headers)?;
        parse(&bytes).map(Self)
    }
}

async fn collect(body: Body, max_bytes: usize) -> Result<Vec<u8>, Problem> {
    let mut body = Limited::new(body, max_bytes);
    // Copied as they come: a small frame would keep the whole buffer that it was read into.
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(data)) => bytes.extend_from_slice(&data),
            Ok(Err(_trailers)) => {}
            Err(error) if error.is::<LengthLimitError>() => return Err(too_large(max_bytes)),
            Err(_) => {
                return Err(bad_request(
                    "The request body ended before it was whole; send it again.",
                ));
            }
        }
    }
    Ok(bytes)
}

/// A body that announces too much is refused before it is sent.
fn check_length(headers: &HeaderMap, max_bytes: usize) -> Result<(), Problem> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match announced {
        Some(length) if length > max_bytes as u64 => Err(too_large(max_bytes)),
        _ => Ok(()),
    }
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Ok(());
    };
    let text = value.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    if essence == "application/json" || essence == "text/json" || essence.ends_with("+json") {
        return Ok(());
    }
    Err(Problem::new(
        ErrorCode::UnsupportedMediaType,
        format!("The request body is declared as {text:?}; send Content-Type: application/json."),
    )
    .with(Members {
        allowed_types: Some(&["application/json"]),
        ..Members::default()
    }))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    match serde_json::from_slice(bytes) {
        Ok(Object(parsed)) => Ok(parsed),
        Err(error) => Err(what_is_wrong::<T>(bytes, &error)),
    }
}

fn what_is_wrong<T: DeserializeOwned>(bytes: &[u8], error: &serde_json::Error) -> Problem {
    if error.classify() != Category::Data {
        return broken(error);
    }
    // Reading stops at the first thing that is wrong, and what is no JSON is that above all.
    if let Err(syntax) = serde_json::from_slice::<IgnoredAny>(bytes) {
        return broken(&syntax);
    }
    // Only now, to see where: to know that at every member takes as long as reading.
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let tracked: Result<Object<T>, _> = serde_path_to_error::deserialize(&mut json);
    let pointer = tracked.err().map(|error| pointer_to(error.path()));
    field_error(pointer.unwrap_or_default(), error)
}

fn broken(error: &serde_json::Error) -> Problem {
    bad_request(format!("The request body is no JSON: {error}."))
}

/// A member of the wrong type, or there twice.
fn field_error(mut pointer: String, error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let message = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(message, _)| message);
    let duplicated = message
        .strip_prefix("duplicate field `")
        .and_then(|rest| rest.strip_suffix('`'));
    let message = match duplicated {
        Some(name) => {
            push_segment(&mut pointer, name);
            format!("The member {name:?} is there twice; send it once.")
        }
        None => in_words(message),
    };
    Problem::validation(vec![FieldError::new(pointer, message)])
}

/// What serde says, without the names of Rust's types.
fn in_words(message: &str) -> String {
    let Some((found, expected)) = message.split_once(", expected ") else {
        return format!("Wrong type: {message}.");
    };
    let found = ["invalid type: ", "invalid value: "]
        .iter()
        .find_map(|prefix| found.strip_prefix(prefix))
        .unwrap_or(found);
    let expected = match expected {
        "u16" | "u32" | "u64" | "usize" => "a whole number, not negative and not too large,",
        "a sequence" => "an array",
        other => other,
    };
    format!("Wrong type: {found}, where {expected} is expected.")
}

/// RFC 6901.
fn pointer_to(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => push_segment(&mut pointer, &index.to_string()),
            Segment::Map { key } => push_segment(&mut pointer, key),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

fn push_segment(pointer: &mut String, segment: &str) {
    pointer.push('/');
    pointer.push_str(&segment.replace('~', "~0").replace('/', "~1"));
}

fn bad_request(detail: impl Into<String>) -> Problem {
    Problem::new(ErrorCode::BadRequest, detail)
}

fn too_large(max_bytes: usize) -> Problem {
    Problem::new(
        ErrorCode::PayloadTooLarge,
        format!("The request body is larger than {max_bytes} bytes."),
    )
    .with(Members {
        max_bytes: Some(max_bytes as u64),
        ..Members::default()
    })
}

/// A JSON object. A derived `Deserialize` alone would take an array of the members, too.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer
            .deserialize_map(ObjectVisitor(PhantomData))
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Outer {
        #[expect(dead_code, reason = "only its type matters")]
        a: Option<u64>,
        #[expect(dead_code, reason = "only its type matters")]
        list: Option<Vec<Object<Outer>>>,
    }

    fn refusal(json: &[u8]) -> (ErrorCode, String) {
        let (code, _, members) = parse::<Outer>(json).unwrap_err().into_parts();
        let pointer = members.errors.map(|errors| errors[0].pointer.clone());
        (code, pointer.unwrap_or_default())
    }

    #[test]
    fn unknown_members_are_ignored() {
        assert!(parse::<Outer>(br#"{"a":1,"b":[{"c":null}],"b":2}"#).is_ok());
    }

    #[test]
    fn wrong_types_and_doubles_are_422_with_a_pointer() {
        for (json, pointer) in [
            (r#"{"a":"1"}"#, "/a"),
            (r#"{"a":-1}"#, "/a"),
            (r#"{"a":1.5}"#, "/a"),
            (r#"{"a":1,"a":1}"#, "/a"),
            (r#"{"list":[{},{"a":[]}]}"#, "/list/1/a"),
            (r#"{"list":[{},[1,[]]]}"#, "/list/1"),
            (r#"{"list":[{},{"a":1,"a":2}]}"#, "/list/1/a"),
            ("[1,[]]", ""),
            ("null", ""),
            ("\"text\"", ""),
        ] {
            let (code, found) = refusal(json.as_bytes());
            assert_eq!(code, ErrorCode::ValidationError, "{json}");
            assert_eq!(found, pointer, "{json}");
        }
    }

    #[test]
    fn broken_json_is_400() {
        for json in [
            &b"{"[..],
            b"{}{}",
            b"{\"a\":}",
            b"\xff",
            b"{\"a\":\"\xff\"}",
            b"hello",
            b"[[[[",
            b"[1,2",
            b"1 2",
            b"{\"a\":\"1\"",
            b"{\"a\":\"1\",}",
            b"{\"list\":[[}",
        ] {
            assert_eq!(refusal(json).0, ErrorCode::BadRequest, "{json:?}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(
            refusal(format!("{{\"b\":{deep}").as_bytes()).0,
            ErrorCode::BadRequest
        );
    }
}
