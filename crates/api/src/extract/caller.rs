//! Who is calling. First argument of every handler that has one: a request without a valid token
//! is told so before anything else.

use axum::extract::FromRequestParts;
use http::request::Parts;
use moc_uploads_core::principal::Principal;
use tracing::Span;

use crate::problem::Problem;
use crate::state::AppState;

pub(crate) struct Caller(pub(crate) Principal);

/// A caller who is an admin; others are told so before anything else.
pub(crate) struct Admin(pub(crate) Principal);

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let principal = app.authenticator.authenticate(parts).await?;
        Span::current().record("user", principal.user_id.as_str());
        Ok(Self(principal))
    }
}

impl FromRequestParts<AppState> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let Caller(principal) = Caller::from_request_parts(parts, app).await?;
        principal.require_admin()?;
        Ok(Self(principal))
    }
}
