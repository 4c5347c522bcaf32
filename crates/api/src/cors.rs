//! Which web pages may call (CONTRACT, endpoints).

use std::time::Duration;

use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    IF_RANGE, LOCATION, RANGE, RETRY_AFTER,
};
use http::{HeaderName, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::config::CorsOrigins;
use crate::observe::X_CORRELATION_ID;

/// `None` when no page may.
pub(crate) fn layer(origins: &CorsOrigins) -> Option<CorsLayer> {
    let origin = match origins {
        CorsOrigins::None => return None,
        CorsOrigins::Any => AllowOrigin::any(),
        CorsOrigins::List(list) => AllowOrigin::list(list.clone()),
    };
    let layer = CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::DELETE,
        ])
        .allow_headers([
            ACCEPT,
            AUTHORIZATION,
            CONTENT_TYPE,
            RANGE,
            IF_RANGE,
            IF_NONE_MATCH,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("content-md5"),
            HeaderName::from_static("content-digest"),
            HeaderName::from_static("x-amz-checksum-sha256"),
            X_CORRELATION_ID,
        ])
        .expose_headers([
            ETAG,
            LOCATION,
            RETRY_AFTER,
            X_CORRELATION_ID,
            CONTENT_RANGE,
            CONTENT_LENGTH,
            HeaderName::from_static("idempotency-replayed"),
        ])
        .max_age(Duration::from_secs(60 * 60));
    Some(layer)
}
