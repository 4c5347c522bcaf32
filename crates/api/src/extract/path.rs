//! Ids in paths. What is no UUID names nothing that exists (CONTRACT section 2, `NOT_FOUND`).

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use moc_uploads_core::Error;
use moc_uploads_core::ids::{FileId, SessionId};

use crate::problem::Problem;
use crate::state::AppState;

pub(crate) struct SessionPath(pub(crate) SessionId);

pub(crate) struct FilePath {
    pub(crate) session_id: SessionId,
    pub(crate) file_id: FileId,
}

pub(crate) struct PartPath {
    pub(crate) session_id: SessionId,
    pub(crate) file_id: FileId,
    /// As the client wrote it: the file decides which numbers it has.
    pub(crate) part_number: String,
}

impl FromRequestParts<AppState> for SessionPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let params = params(parts, app).await?;
        Ok(Self(id(&params, "sessionId", "session")?))
    }
}

impl FromRequestParts<AppState> for FilePath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let params = params(parts, app).await?;
        Ok(Self {
            session_id: id(&params, "sessionId", "session")?,
            file_id: id(&params, "fileId", "file")?,
        })
    }
}

impl FromRequestParts<AppState> for PartPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let params = params(parts, app).await?;
        Ok(Self {
            session_id: id(&params, "sessionId", "session")?,
            file_id: id(&params, "fileId", "file")?,
            part_number: param(&params, "partNumber").unwrap_or_default().to_owned(),
        })
    }
}

/// A segment that is no UTF-8 is no id either.
async fn params(parts: &mut Parts, app: &AppState) -> Result<RawPathParams, Problem> {
    RawPathParams::from_request_parts(parts, app)
        .await
        .map_err(|_| Error::NotFound("session").into())
}

fn param<'a>(params: &'a RawPathParams, name: &str) -> Option<&'a str> {
    params
        .iter()
        .find_map(|(key, value)| (key == name).then_some(value))
}

fn id<T: FromStr>(params: &RawPathParams, name: &str, noun: &'static str) -> Result<T, Problem> {
    param(params, name)
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Error::NotFound(noun).into())
}
