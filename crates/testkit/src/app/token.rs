//! Bearer tokens.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use moc_uploads_core::time::Clock;
use serde_json::{Map, Value, json};

use crate::clock::ManualClock;

/// What a token says.
#[derive(Debug, Clone)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// `sub`, and an `exp` in an hour.
    pub fn new(sub: &str, clock: &ManualClock) -> Self {
        Self(Map::new())
            .with("sub", sub)
            .with("exp", unix_seconds(clock) + 3600)
    }

    /// With this claim.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Without this claim.
    pub fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// As an object.
    pub fn to_json(&self) -> Value {
        json!(self.0)
    }
}

/// Whole seconds since the Unix epoch.
pub fn unix_seconds(clock: &ManualClock) -> i64 {
    clock.now().unix_ms() / 1000
}

/// A token signed with a secret.
pub fn sign_hs256(claims: &Claims, secret: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    sign(&Header::new(Algorithm::HS256), claims, &key)
}

/// A token with this header, signed with this key.
pub fn sign(header: &Header, claims: &Claims, key: &EncodingKey) -> String {
    jsonwebtoken::encode(header, &claims.to_json(), key).unwrap()
}
