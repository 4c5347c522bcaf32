//! What entitles a request to upload a part: a token, or a presigned URL (CONTRACT section 1.3).

use axum::extract::FromRequestParts;
use http::request::Parts;
use moc_uploads_core::ErrorCode;
use moc_uploads_core::ports::PartAddress;
use moc_uploads_core::principal::{Access, UserId};
use moc_uploads_core::time::Timestamp;

use crate::extract::{Caller, PartPath, query_pairs};
use crate::problem::Problem;
use crate::state::AppState;

/// A part and the right to upload it. With a `signature` in the query that alone decides;
/// otherwise the token does.
pub(crate) struct PartAccess {
    pub(crate) path: PartPath,
    owner: Option<UserId>,
}

impl PartAccess {
    pub(crate) fn access(&self) -> Access<'_> {
        self.owner.as_ref().map_or(Access::Presigned, Access::Owner)
    }
}

impl FromRequestParts<AppState> for PartAccess {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let signature = query(parts, "signature");
        let owner = match &signature {
            Some(_) => None,
            None => {
                let Caller(principal) = Caller::from_request_parts(parts, app).await?;
                Some(principal.user_id)
            }
        };
        let path = PartPath::from_request_parts(parts, app).await?;
        if let Some(signature) = signature {
            verify(app, &path, query(parts, "expires").as_deref(), &signature)?;
        }
        Ok(Self { path, owner })
    }
}

fn query(parts: &Parts, name: &str) -> Option<String> {
    query_pairs(parts).find_map(|(key, value)| (key == name).then(|| value.into_owned()))
}

fn verify(
    app: &AppState,
    path: &PartPath,
    expires: Option<&str>,
    signature: &str,
) -> Result<(), Problem> {
    let forbidden = |detail| Err(Problem::new(ErrorCode::Forbidden, detail));
    let expires_at = expires.and_then(|text| text.parse().ok().map(Timestamp::from_unix_ms));
    let part_number = path.part_number.parse();
    let (Some(expires_at), Ok(part_number)) = (expires_at, part_number) else {
        return forbidden("The presigned URL is not one that this server made.");
    };
    let address = PartAddress {
        session_id: path.session_id,
        file_id: path.file_id,
        part_number,
    };
    if app
        .uploads
        .verify_presigned_part(address, expires_at, signature)
    {
        return Ok(());
    }
    if expires_at <= app.uploads.deps().clock.now() {
        return forbidden("The presigned URL has expired; send the part with your token instead.");
    }
    forbidden("The signature of the presigned URL is not right for this part.")
}
