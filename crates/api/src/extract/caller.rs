//! Who is calling. First argument of every handler that has one: a request without a valid token
//! is told so before anything else.

use axum::extract::FromRequestParts;
use http::request::Parts;
use moc_uploads_core::principal::Principal;
use tracing::Span;

use crate::problem::Problem;
use crate::state::AppState;

pub(crate) struct Caller(pub(crate) Principal);

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let principal = app.authenticator.authenticate(parts).await?;
        Span::current().record("user", principal.user_id.as_str());
        Ok(Self(principal))
    }
}
