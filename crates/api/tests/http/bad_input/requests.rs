//! Ids, part numbers, queries and headers that are wrong in any way.

use http::header::HeaderName;
use http::{HeaderValue, Method};
use moc_uploads_testkit::app::LocalFile;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use proptest::prelude::*;
use serde_json::json;

use super::{any_text, check};
use crate::routes::{ROUTES, filled_with};

#[test]
fn any_ids_and_numbers_will_do() {
    let segment = prop_oneof![
        any_text(),
        prop::sample::select(vec![
            "0",
            "-0",
            "1",
            "+1",
            "01",
            "1.0",
            "10001",
            "4294967296",
            "18446744073709551616",
            "00000000-0000-0000-0000-000000000000",
            "{00000000-0000-0000-0000-000000000000}",
            "urn:uuid:00000000-0000-4000-8000-000000000000",
            "00000000000040008000000000000000",
        ])
        .prop_map(str::to_owned),
    ];
    let strategy = (
        0..ROUTES.len(),
        prop::option::of(segment.clone()),
        prop::option::of(segment.clone()),
        segment,
    );
    check(300, strategy, |world, (route, session, file, part)| {
        let (method, template) = &ROUTES[route];
        let escaped = |text: &str| percent_encode(text.as_bytes(), NON_ALPHANUMERIC).to_string();
        let path = filled_with(
            template,
            &session.as_deref().map_or(world.session.clone(), escaped),
            &file
                .as_deref()
                .map_or(world.remote.file_id.clone(), escaped),
            &escaped(&part),
        );
        if *method == Method::DELETE && session.is_none() || path.len() > 60_000 {
            return Ok(());
        }
        world
            .judge(world.alice.call(method.clone(), path).bytes("{}"))
            .map(drop)
    });
}

#[test]
fn ids_that_are_no_uuids_are_nowhere() {
    let with_session: Vec<_> = ROUTES
        .into_iter()
        .filter(|(_, template)| template.contains("{sessionId}"))
        .collect();
    let is_no_id = |text: &String| !text.is_empty() && text.parse::<uuid::Uuid>().is_err();
    let id = any_text().prop_filter("an id", is_no_id);
    let strategy = (prop::sample::select(with_session), id);
    check(100, strategy, |world, ((method, template), id)| {
        let escaped = percent_encode(id.as_bytes(), NON_ALPHANUMERIC).to_string();
        if escaped.len() > 50_000 {
            return Ok(());
        }
        let path = filled_with(template, &escaped, &world.remote.file_id, "1");
        let valid = match template.rsplit('/').next() {
            Some("files") => LocalFile::pdf("b", 1).metadata,
            Some("batch") => json!({ "files": [LocalFile::pdf("b", 1).metadata] }),
            _ => json!({ "parts": [{ "partNumber": 1, "etag": "x" }] }),
        };
        let call = world.alice.call(method, path).json(&valid);
        let response = world.judge(call)?;
        prop_assert_eq!(response.status.as_u16(), 404, "{:?}", response);
        Ok(())
    });
}

#[test]
fn any_query_will_do() {
    let value = prop_oneof![any_text(), "-?[0-9]{0,25}".prop_map(String::from)];
    let name = prop::sample::select(vec![
        "limit",
        "offset",
        "status",
        "expires",
        "signature",
        "X-Amz-Signature",
        "%",
        "&",
        "",
    ]);
    let pairs = prop::collection::vec((name, value, any::<bool>()), 0..5);
    check(200, (0..ROUTES.len(), pairs), |world, (route, pairs)| {
        let (method, template) = &ROUTES[route];
        if *method == Method::DELETE {
            return Ok(());
        }
        let pairs: Vec<String> = pairs
            .iter()
            .map(|(name, value, is_escaped)| {
                let value = percent_encode(value.as_bytes(), NON_ALPHANUMERIC).to_string();
                // Escapes that are cut off are part of the game.
                let value = if *is_escaped {
                    value
                } else {
                    value.replace("25", "%")
                };
                format!("{name}={value}")
            })
            .collect();
        let path = format!("{}?{}", world.path(template), pairs.join("&"));
        if path.len() > 60_000 || path.parse::<http::Uri>().is_err() {
            return Ok(());
        }
        world
            .judge(world.alice.call(method.clone(), path).bytes("{}"))
            .map(drop)
    });
}

#[test]
fn any_headers_will_do() {
    let names = [
        "authorization",
        "content-type",
        "content-length",
        "transfer-encoding",
        "content-encoding",
        "content-md5",
        "content-digest",
        "x-amz-checksum-sha256",
        "idempotency-key",
        "range",
        "if-range",
        "if-none-match",
        "if-match",
        "if-modified-since",
        "x-correlation-id",
        "origin",
        "access-control-request-method",
        "accept",
        "accept-encoding",
        "host",
        "expect",
        "te",
        "x-forwarded-proto",
        "x-forwarded-for",
        "forwarded",
        "traceparent",
        "cookie",
    ];
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..60),
        "[a-zA-Z0-9=,;:\"*/+ -]{0,60}".prop_map(String::into_bytes),
        "bytes=[0-9,-]{0,30}".prop_map(String::into_bytes),
        "sha-(256|512)=:[a-zA-Z0-9+/=]{0,90}:".prop_map(String::into_bytes),
        "-?[0-9]{1,25}".prop_map(String::into_bytes),
        (1usize..8000).prop_map(|len| vec![b'a'; len]),
    ];
    let headers = prop::collection::vec((prop::sample::select(names.to_vec()), value), 1..4);
    check(
        400,
        (0..ROUTES.len(), headers),
        |world, (route, headers)| {
            if ROUTES[route].0 == Method::DELETE {
                return Ok(());
            }
            let mut call = world.call(route).bytes("{}");
            for (name, value) in headers {
                if HeaderValue::from_bytes(&value).is_ok() {
                    call = call.header(HeaderName::from_static(name), value);
                }
            }
            world.judge(call).map(drop)
        },
    );
}
