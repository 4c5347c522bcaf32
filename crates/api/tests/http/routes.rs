//! The routes of CONTRACT section 1, for tests that are about all of them.

use http::Method;
use moc_uploads_testkit::app::{Call, Caller};

use crate::NOBODY;

/// Endpoints 1 to 12, the alias of 11 too.
pub(crate) const ROUTES: [(Method, &str); 13] = [
    (Method::POST, "/api/mocs/uploads/sessions"),
    (Method::GET, "/api/mocs/uploads/sessions"),
    (Method::GET, "/api/mocs/uploads/sessions/{sessionId}"),
    (Method::DELETE, "/api/mocs/uploads/sessions/{sessionId}"),
    (Method::POST, "/api/mocs/uploads/sessions/{sessionId}/files"),
    (
        Method::POST,
        "/api/mocs/uploads/sessions/{sessionId}/files/batch",
    ),
    (
        Method::PUT,
        "/api/mocs/uploads/sessions/{sessionId}/files/{fileId}/parts/{partNumber}",
    ),
    (
        Method::GET,
        "/api/mocs/uploads/sessions/{sessionId}/files/{fileId}/parts",
    ),
    (
        Method::POST,
        "/api/mocs/uploads/sessions/{sessionId}/files/{fileId}/complete",
    ),
    (
        Method::GET,
        "/api/mocs/uploads/sessions/{sessionId}/files/{fileId}/content",
    ),
    (Method::POST, "/api/mocs/uploads/sessions/finalize"),
    (Method::POST, "/api/mocs/uploads/finalize"),
    (Method::GET, "/api/mocs/uploads/sessions/analytics"),
];

/// What is outside the base path.
pub(crate) const SYSTEM_ROUTES: [&str; 5] =
    ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"];

/// A path for a template: ids that nothing has, and part 1.
pub(crate) fn filled(template: &str) -> String {
    filled_with(template, NOBODY, NOBODY, "1")
}

/// A path for a template.
pub(crate) fn filled_with(template: &str, session: &str, file: &str, part: &str) -> String {
    template
        .replace("{sessionId}", session)
        .replace("{fileId}", file)
        .replace("{partNumber}", part)
}

/// A request to each of [`ROUTES`].
pub(crate) fn calls(caller: &Caller) -> impl Iterator<Item = Call> {
    ROUTES
        .iter()
        .map(|(method, template)| caller.call(method.clone(), filled(template)))
}
