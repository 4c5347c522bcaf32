//! From the `Authorization` header to the caller.

use std::collections::HashSet;
use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use moc_uploads_core::principal::Principal;
use moc_uploads_core::time::Clock;
use serde_json::{Map, Value};

use super::claims::Expected;
use super::jwks::Jwks;
use super::local::Local;
use super::{AuthError, AuthKeys};
use crate::config::ApiConfig;

/// Knows callers by their tokens.
pub(crate) struct Authenticator {
    keys: Keys,
    expected: Expected,
    clock: Arc<dyn Clock>,
}

enum Keys {
    Bypass(Principal, Local),
    Secret(Box<DecodingKey>),
    Jwks(Jwks),
}

impl Authenticator {
    pub(crate) fn new(config: &ApiConfig, clock: Arc<dyn Clock>) -> Self {
        let auth = &config.auth;
        Self {
            keys: match &auth.keys {
                AuthKeys::Bypass(principal) => Keys::Bypass(principal.clone(), Local::new(config)),
                AuthKeys::Secret(secret) => {
                    Keys::Secret(Box::new(DecodingKey::from_secret(secret.as_bytes())))
                }
                AuthKeys::Jwks(url) => Keys::Jwks(Jwks::new(url.clone(), clock.clone())),
            },
            expected: Expected {
                issuer: auth.issuer.clone(),
                audience: auth.audience.clone(),
                admin_group: auth.admin_group.clone(),
            },
            clock,
        }
    }

    /// The caller of this request.
    pub(crate) async fn authenticate(&self, request: &Parts) -> Result<Principal, AuthError> {
        let headers = &request.headers;
        let claims = match &self.keys {
            Keys::Bypass(principal, local) => {
                return local.check(request).map(|()| principal.clone());
            }
            Keys::Secret(key) => {
                let token = bearer_token(headers)?;
                verify(token, &header_of(token)?, key, Algorithm::HS256)?
            }
            Keys::Jwks(jwks) => {
                let token = bearer_token(headers)?;
                let header = header_of(token)?;
                let algorithm = match header.alg {
                    Algorithm::RS256 | Algorithm::ES256 => header.alg,
                    _ => return Err(WRONG_ALGORITHM),
                };
                let key = jwks.key(header.kid.as_deref(), algorithm).await?;
                verify(token, &header, &key, algorithm)?
            }
        };
        self.expected.check(&claims, self.clock.now())
    }
}

const WRONG_ALGORITHM: AuthError =
    AuthError::Invalid("The token is signed with an algorithm that is not accepted.");
const NO_TOKEN: AuthError = AuthError::Invalid("The token is no JSON Web Token.");

/// The scheme's case does not matter (RFC 9110, 11.1).
fn bearer_token(headers: &HeaderMap) -> Result<&str, AuthError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(AuthError::Missing)?;
    if values.next().is_some() {
        return Err(AuthError::Invalid(
            "The header Authorization is there twice; send it once.",
        ));
    }
    let not_bearer =
        AuthError::Invalid("The header Authorization is not of the form Bearer <token>.");
    let text = value.to_str().map_err(|_| not_bearer.clone())?.trim();
    let (scheme, token) = text.split_once(' ').ok_or(not_bearer.clone())?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(not_bearer);
    }
    Ok(token)
}

fn header_of(token: &str) -> Result<Header, AuthError> {
    let header = jsonwebtoken::decode_header(token).map_err(|error| match error.kind() {
        ErrorKind::InvalidAlgorithmName | ErrorKind::UnsupportedAlgorithm => WRONG_ALGORITHM,
        _ => NO_TOKEN,
    })?;
    // Extensions that must be understood are not (RFC 7515, 4.1.11).
    if header.crit.is_some() {
        return Err(AuthError::Invalid(
            "The token demands an extension that is not known here (crit).",
        ));
    }
    Ok(header)
}

/// The claims, when the signature is right. What they say is judged elsewhere, by our clock.
fn verify(
    token: &str,
    header: &Header,
    key: &DecodingKey,
    algorithm: Algorithm,
) -> Result<Map<String, Value>, AuthError> {
    if header.alg != algorithm {
        return Err(WRONG_ALGORITHM);
    }
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims = HashSet::new();
    validation.validate_exp = false;
    validation.validate_aud = false;
    jsonwebtoken::decode(token, key, &validation)
        .map(|data| data.claims)
        .map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => {
                AuthError::Invalid("The token's signature is not right.")
            }
            ErrorKind::InvalidAlgorithm => WRONG_ALGORITHM,
            _ => NO_TOKEN,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn token_of(value: &'static str) -> Result<String, AuthError> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
        bearer_token(&headers).map(str::to_owned)
    }

    #[test]
    fn the_scheme_is_bearer_in_any_case() {
        assert_eq!(token_of("bEARER abc").unwrap(), "abc");
        assert_eq!(bearer_token(&HeaderMap::new()), Err(AuthError::Missing));
        for wrong in ["Basic abc", "Bearer", "Bearer ", "abc", ""] {
            assert!(
                matches!(token_of(wrong), Err(AuthError::Invalid(_))),
                "{wrong:?}"
            );
        }
    }
}
