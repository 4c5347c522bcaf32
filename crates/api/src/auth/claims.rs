//! What a token whose signature is right must say (CONTRACT section 3).

use std::time::Duration;

use moc_uploads_core::principal::{Principal, UserId};
use moc_uploads_core::time::Timestamp;
use serde_json::{Map, Value};

use super::AuthError;

const LEEWAY: Duration = Duration::from_secs(60);
/// Subjects are stored and indexed.
const MAX_SUB_CHARS: usize = 255;

/// What the claims are held against.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Option<String>,
    pub(crate) admin_group: String,
}

impl Expected {
    /// The caller, when the claims are right at `now`.
    pub(crate) fn check(
        &self,
        claims: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Principal, AuthError> {
        self.check_times(claims, now)?;
        let is_in =
            |name: &str, wanted: &str| strings(claims.get(name)).any(|found| found == wanted);
        if let Some(issuer) = &self.issuer
            && claims.get("iss").and_then(Value::as_str) != Some(issuer)
        {
            return Err(AuthError::Invalid("The token comes from another issuer."));
        }
        if let Some(audience) = &self.audience
            && !is_in("aud", audience)
        {
            return Err(AuthError::Invalid("The token is for another audience."));
        }
        let is_admin = ["cognito:groups", "roles", "role"]
            .into_iter()
            .any(|name| is_in(name, &self.admin_group));
        Ok(Principal {
            user_id: subject(claims)?,
            is_admin,
        })
    }

    fn check_times(&self, claims: &Map<String, Value>, now: Timestamp) -> Result<(), AuthError> {
        let expires_at = instant(claims, "exp")?
            .ok_or(AuthError::Invalid("The token has no expiry (claim exp)."))?;
        if expires_at + LEEWAY <= now {
            return Err(AuthError::Invalid("The token has expired; get a new one."));
        }
        match instant(claims, "nbf")? {
            Some(not_before) if now + LEEWAY < not_before => {
                Err(AuthError::Invalid("The token is not valid yet."))
            }
            _ => Ok(()),
        }
    }
}

/// Whether this can be the claim `sub`: 1 to 255 characters, none of them a control character.
pub fn is_subject(sub: &str) -> bool {
    let is_of_length = (1..=MAX_SUB_CHARS).contains(&sub.chars().count());
    is_of_length && !sub.chars().any(char::is_control)
}

fn subject(claims: &Map<String, Value>) -> Result<UserId, AuthError> {
    let sub = claims
        .get("sub")
        .and_then(Value::as_str)
        .filter(|sub| !sub.is_empty())
        .ok_or(AuthError::Invalid("The token names no user (claim sub)."))?;
    if !is_subject(sub) {
        return Err(AuthError::Invalid(
            "The token's user (claim sub) is over 255 characters or has control characters.",
        ));
    }
    Ok(UserId::new(sub))
}

/// A NumericDate (RFC 7519, 2): seconds, perhaps with a fraction.
fn instant(claims: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, AuthError> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let seconds = value.as_f64().filter(|seconds| seconds.is_finite());
    // Casting saturates: a time beyond all calendars is just very late.
    seconds
        .map(|seconds| Some(Timestamp::from_unix_ms((seconds * 1000.0) as i64)))
        .ok_or(AuthError::Invalid(
            "A time in the token (claim exp or nbf) is no number.",
        ))
}

/// A claim that is a string or an array of strings.
fn strings(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let values = match value {
        Some(Value::Array(values)) => values.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    values.iter().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_000_000_000);

    fn check(claims: Value) -> Result<Principal, AuthError> {
        let expected = Expected {
            issuer: Some("https://issuer".to_owned()),
            audience: Some("app".to_owned()),
            admin_group: "admin".to_owned(),
        };
        expected.check(claims.as_object().unwrap(), NOW)
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = json!({
            "sub": "alice", "exp": 1_000_000, "iss": "https://issuer", "aud": ["other", "app"]
        });
        claims[name] = value;
        claims
    }

    #[test]
    fn times_have_a_minute_of_leeway() {
        assert!(check(with("exp", json!(1_000_000 - 59))).is_ok());
        assert!(check(with("exp", json!(1_000_000 - 60))).is_err());
        assert!(check(with("nbf", json!(1_000_000 + 60))).is_ok());
        assert!(check(with("nbf", json!(1_000_000.5 + 60.0))).is_err());
        assert!(check(with("exp", json!(1e300))).is_ok());
    }

    #[test]
    fn what_must_be_there_is_demanded() {
        for (name, value) in [
            ("exp", Value::Null),
            ("exp", json!("1000000")),
            ("nbf", json!([])),
            ("sub", Value::Null),
            ("sub", json!("")),
            ("sub", json!("a\0b")),
            ("sub", json!(7)),
            ("iss", Value::Null),
            ("iss", json!("https://issuer/")),
            ("aud", Value::Null),
            ("aud", json!("application")),
        ] {
            assert!(check(with(name, value.clone())).is_err(), "{name} {value}");
        }
    }

    #[test]
    fn admins_are_found_in_three_claims_as_string_or_array() {
        for name in ["cognito:groups", "roles", "role"] {
            assert!(check(with(name, json!("admin"))).unwrap().is_admin);
            assert!(
                check(with(name, json!(["user", "admin"])))
                    .unwrap()
                    .is_admin
            );
            assert!(!check(with(name, json!("administrator"))).unwrap().is_admin);
            assert!(!check(with(name, json!({"admin": true}))).unwrap().is_admin);
        }
        assert!(!check(with("x", json!(1))).unwrap().is_admin);
    }
}
