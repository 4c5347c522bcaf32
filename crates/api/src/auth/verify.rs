//! From the `Authorization` header to the caller.

use std::collections::HashSet;
use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use moc_uploads_core::principal::Principal;
use moc_uploads_core::time::Clock;

use super::claims::Expected;
use super::jwks::Jwks;
use super::local::Local;
use super::verified::{VerifiedToken, VerifiedTokens};
use super::{AuthError, AuthKeys};
use crate::config::ApiConfig;

/// Knows callers by their tokens.
pub(crate) struct Authenticator {
    keys: Keys,
    expected: Expected,
    verified: VerifiedTokens,
    clock: Arc<dyn Clock>,
}

enum Keys {
    Bypass(Principal, Local),
    Secret(Arc<DecodingKey>),
    Jwks(Jwks),
}

impl Authenticator {
    pub(crate) fn new(config: &ApiConfig, clock: Arc<dyn Clock>) -> Self {
        let auth = &config.auth;
        Self {
            keys: match &auth.keys {
                AuthKeys::Bypass(principal) => Keys::Bypass(principal.clone(), Local::new(config)),
                AuthKeys::Secret(secret) => {
                    Keys::Secret(Arc::new(DecodingKey::from_secret(secret.as_bytes())))
                }
                AuthKeys::Jwks(url) => Keys::Jwks(Jwks::new(url.clone(), clock.clone())),
            },
            expected: Expected {
                issuer: auth.issuer.clone(),
                audience: auth.audience.clone(),
                admin_group: auth.admin_group.clone(),
            },
            verified: VerifiedTokens::new(),
            clock,
        }
    }

    /// The caller of this request.
    pub(crate) async fn authenticate(&self, request: &Parts) -> Result<Principal, AuthError> {
        let headers = &request.headers;
        let verified = match &self.keys {
            Keys::Bypass(principal, local) => {
                return local.check(request).map(|()| principal.clone());
            }
            Keys::Secret(key) => {
                let token = bearer_token(headers)?;
                match self.verified.get(token) {
                    Some(known) => known,
                    None => self.verify(token, None, Algorithm::HS256, Arc::clone(key))?,
                }
            }
            Keys::Jwks(jwks) => self.verify_with(jwks, bearer_token(headers)?).await?,
        };
        self.expected.check(&verified.claims, self.clock.now())
    }

    async fn verify_with(&self, jwks: &Jwks, token: &str) -> Result<Arc<VerifiedToken>, AuthError> {
        if let Some(known) = self.verified.get(token) {
            let key = jwks.key(known.kid.as_deref(), known.algorithm).await?;
            return if Arc::ptr_eq(&key, &known.key) {
                Ok(known)
            } else {
                self.verify(token, known.kid.clone(), known.algorithm, key)
            };
        }
        let header = jsonwebtoken::decode_header(token).map_err(refusal)?;
        let algorithm = match header.alg {
            Algorithm::RS256 | Algorithm::ES256 => header.alg,
            _ => return Err(WRONG_ALGORITHM),
        };
        let key = jwks.key(header.kid.as_deref(), algorithm).await?;
        self.verify(token, header.kid, algorithm, key)
    }

    /// The token, when its signature is right. What it says is judged elsewhere, by our clock.
    fn verify(
        &self,
        token: &str,
        kid: Option<String>,
        algorithm: Algorithm,
        key: Arc<DecodingKey>,
    ) -> Result<Arc<VerifiedToken>, AuthError> {
        let mut validation = Validation::new(algorithm);
        validation.required_spec_claims = HashSet::new();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let decoded = jsonwebtoken::decode(token, &key, &validation).map_err(refusal)?;
        // Extensions that must be understood are not (RFC 7515, 4.1.11).
        if decoded.header.crit.is_some() {
            return Err(AuthError::Invalid(
                "The token demands an extension that is not known here (crit).",
            ));
        }
        let verified = Arc::new(VerifiedToken {
            kid,
            algorithm,
            key,
            claims: decoded.claims,
        });
        self.verified.insert(token, Arc::clone(&verified));
        Ok(verified)
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

fn refusal(error: jsonwebtoken::errors::Error) -> AuthError {
    match error.kind() {
        ErrorKind::InvalidSignature => AuthError::Invalid("The token's signature is not right."),
        ErrorKind::InvalidAlgorithm
        | ErrorKind::InvalidAlgorithmName
        | ErrorKind::UnsupportedAlgorithm => WRONG_ALGORITHM,
        _ => NO_TOKEN,
    }
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
