//! Makes tokens for development and scripts (`moc-uploads token`).

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use moc_uploads_core::time::Timestamp;
use serde::Serialize;

/// What a token is to say.
#[derive(Debug, Clone, Serialize)]
pub struct TokenSpec {
    /// The user; not empty.
    pub sub: String,
    /// Claim `roles`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Claim `iss`, for servers with `AUTH_ISSUER`.
    #[serde(rename = "iss", skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Claim `aud`, for servers with `AUTH_AUDIENCE`.
    #[serde(rename = "aud", skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Now.
    #[serde(rename = "iat", serialize_with = "unix_seconds")]
    pub issued_at: Timestamp,
    /// Until when it is good.
    #[serde(rename = "exp", serialize_with = "unix_seconds")]
    pub expires_at: Timestamp,
}

/// The token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("the token could not be signed")]
pub struct MintError(#[from] jsonwebtoken::errors::Error);

/// An HS256 token that a server with this `AUTH_JWT_SECRET` takes.
///
/// # Errors
/// [`MintError`] when the signer fails, which no input is known to cause.
pub fn mint_token(secret: &str, spec: &TokenSpec) -> Result<String, MintError> {
    Ok(jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        spec,
        &EncodingKey::from_secret(secret.as_bytes()),
    )?)
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn unix_seconds<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(at.unix_ms().div_euclid(1000))
}
