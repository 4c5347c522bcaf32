//! Who is calling (CONTRACT section 3).

mod claims;
mod jwks;
mod local;
mod mint;
mod verified;
mod verify;

pub use claims::is_subject;
pub use jwks::count_keys;
pub use mint::{MintError, TokenSpec, mint_token};
pub(crate) use verify::Authenticator;

use std::fmt;

use http::HeaderValue;
use http::header::WWW_AUTHENTICATE;
use moc_uploads_core::ErrorCode;
use moc_uploads_core::principal::Principal;
use url::Url;

use crate::problem::Problem;

/// How callers are known, and what their tokens must say.
#[derive(Debug, Clone)]
pub struct AuthConfig {
    /// Where the keys come from.
    pub keys: AuthKeys,
    /// `AUTH_ISSUER`: the claim `iss` must be this.
    pub issuer: Option<String>,
    /// `AUTH_AUDIENCE`: the claim `aud` must be or hold this.
    pub audience: Option<String>,
    /// `ADMIN_GROUP`: who has it in `cognito:groups`, `roles` or `role` is an admin.
    pub admin_group: String,
}

impl AuthConfig {
    /// Keys alone: no issuer, no audience, the admin group `admin`.
    pub fn new(keys: AuthKeys) -> Self {
        Self {
            keys,
            issuer: None,
            audience: None,
            admin_group: "admin".to_owned(),
        }
    }
}

/// Where the keys come from that tokens are verified with.
#[derive(Clone)]
pub enum AuthKeys {
    /// `AUTH_BYPASS`: no token is looked at, everybody is this caller.
    Bypass(Principal),
    /// `AUTH_JWT_SECRET`: HS256.
    Secret(String),
    /// `AUTH_JWKS_URL`: RS256 and ES256, with the keys that this URL answers.
    Jwks(Url),
}

impl fmt::Debug for AuthKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bypass(principal) => f.debug_tuple("Bypass").field(principal).finish(),
            Self::Secret(_) => f.write_str("Secret(..)"),
            Self::Jwks(url) => f.debug_tuple("Jwks").field(&url.as_str()).finish(),
        }
    }
}

/// Why nobody is known to be calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AuthError {
    /// No `Authorization` header.
    Missing,
    /// A header or a token that is not right; in words that give nothing away.
    Invalid(&'static str),
    /// Nobody is asked for a token, but not everybody may call.
    Foreign(&'static str),
    /// The keys can't be had now.
    KeysUnavailable {
        /// When they are asked for again.
        retry_after_seconds: u64,
    },
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Missing => Self::new(
                ErrorCode::Unauthorized,
                "The request has no token; send the header Authorization: Bearer <token>.",
            )
            .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            AuthError::Invalid(what) => Self::new(ErrorCode::Unauthorized, what).header(
                WWW_AUTHENTICATE,
                HeaderValue::try_from(format!(
                    "Bearer error=\"invalid_token\", error_description=\"{what}\""
                ))
                .unwrap_or(HeaderValue::from_static("Bearer error=\"invalid_token\"")),
            ),
            AuthError::Foreign(what) => Self::new(ErrorCode::Forbidden, what),
            AuthError::KeysUnavailable {
                retry_after_seconds,
            } => Self::unavailable(
                ErrorCode::AuthUnavailable,
                "The keys that tokens are verified with can't be had now; try again.",
                retry_after_seconds,
            ),
        }
    }
}
