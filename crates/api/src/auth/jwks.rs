//! Public keys that an identity provider publishes (`AUTH_JWKS_URL`), fetched when they are needed.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use moc_uploads_core::causes;
use moc_uploads_core::time::{Clock, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::AuthError;

const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// After a fetch that worked: an unknown key is not asked for again (CONTRACT section 3).
const PAUSE: Duration = Duration::from_secs(60);
/// After one that failed, for whoever can't be let in without.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);
/// Keys that were withdrawn are forgotten after this.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);
/// Key sets are a few KiB.
const MAX_BYTES: usize = 1024 * 1024;

/// The keys, cached.
pub(super) struct Jwks {
    url: Url,
    clock: Arc<dyn Clock>,
    cached: RwLock<Arc<KeySet>>,
    /// Whoever holds it fetches; nobody else does.
    last_fetch: Mutex<Option<Fetch>>,
}

#[derive(Clone, Copy)]
struct Fetch {
    at: Timestamp,
    is_failure: bool,
}

#[derive(Default)]
struct KeySet {
    keys: Vec<Key>,
    fetched_at: Option<Timestamp>,
}

struct Key {
    kid: Option<String>,
    algorithm: Algorithm,
    key: Arc<DecodingKey>,
}

impl Jwks {
    pub(super) fn new(url: Url, clock: Arc<dyn Clock>) -> Self {
        Self {
            url,
            clock,
            cached: RwLock::default(),
            last_fetch: Mutex::default(),
        }
    }

    /// The key of this id for this algorithm. A cached one is served whatever the provider does.
    pub(super) async fn key(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Arc<DecodingKey>, AuthError> {
        let cached = self.cached();
        if let Some(key) = cached.find(kid, algorithm) {
            let is_fresh = cached
                .fetched_at
                .is_some_and(|at| self.clock.now() < at + MAX_AGE);
            if is_fresh {
                return Ok(key);
            }
            // Somebody else is at it: serve the old one meanwhile.
            let Ok(mut last_fetch) = self.last_fetch.try_lock() else {
                return Ok(key);
            };
            // Whoever asks waits for a provider that may be silent, and has its key.
            if self.pause_left(*last_fetch, PAUSE).is_none() {
                *last_fetch = Some(self.refresh().await);
            }
            return if last_fetch.is_some_and(|fetch| fetch.is_failure) {
                Ok(key)
            } else {
                self.cached().find(kid, algorithm).ok_or(UNKNOWN_KEY)
            };
        }

        let mut last_fetch = self.last_fetch.lock().await;
        if let Some(key) = self.cached().find(kid, algorithm) {
            return Ok(key);
        }
        if self.pause_left(*last_fetch, PAUSE_AFTER_FAILURE).is_none() {
            *last_fetch = Some(self.refresh().await);
        }
        match *last_fetch {
            Some(fetch) if fetch.is_failure => Err(AuthError::KeysUnavailable {
                retry_after_seconds: self
                    .pause_left(Some(fetch), PAUSE_AFTER_FAILURE)
                    .unwrap_or(PAUSE_AFTER_FAILURE)
                    .as_secs()
                    .max(1),
            }),
            _ => self.cached().find(kid, algorithm).ok_or(UNKNOWN_KEY),
        }
    }

    /// How long nothing is to be fetched yet; that long after a failure.
    fn pause_left(&self, last_fetch: Option<Fetch>, after_failure: Duration) -> Option<Duration> {
        let fetch = last_fetch?;
        let pause = if fetch.is_failure {
            after_failure
        } else {
            PAUSE
        };
        let left = (fetch.at + pause).since(self.clock.now());
        (!left.is_zero()).then_some(left)
    }

    async fn refresh(&self) -> Fetch {
        let fetched = fetch(&self.url).await;
        let at = self.clock.now();
        let is_failure = match fetched {
            Ok(keys) => {
                tracing::info!(url = %self.url, key_count = keys.len(), "token keys fetched");
                let set = KeySet {
                    keys,
                    fetched_at: Some(at),
                };
                *self.cached.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(set);
                false
            }
            Err(error) => {
                tracing::error!(url = %self.url, %error, "token keys not fetched");
                true
            }
        };
        Fetch { at, is_failure }
    }

    fn cached(&self) -> Arc<KeySet> {
        self.cached
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// How many keys a URL answers that tokens can be verified with now, by algorithm: `RS256`, `ES256`.
///
/// # Errors
/// Why there is no answer, or none that is a key set.
pub async fn count_keys(url: &Url) -> Result<BTreeMap<String, usize>, String> {
    let keys = fetch(url).await.map_err(|error| error.to_string())?;
    let mut counts = BTreeMap::new();
    for key in keys {
        *counts.entry(format!("{:?}", key.algorithm)).or_default() += 1;
    }
    Ok(counts)
}

async fn fetch(url: &Url) -> Result<Vec<Key>, FetchError> {
    // A second provider is no harm: whichever was there first stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().timeout(FETCH_TIMEOUT).build()?;
    let mut response = client.get(url.clone()).send().await?.error_for_status()?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BYTES {
            return Err(FetchError::TooLarge);
        }
    }
    let set: RawKeySet = serde_json::from_slice(&body)?;
    Ok(set.keys.into_iter().filter_map(usable_key).collect())
}

const UNKNOWN_KEY: AuthError =
    AuthError::Invalid("The token is signed with a key that the issuer does not publish.");

impl KeySet {
    /// A token without a key id can only mean the only key there is.
    fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<Arc<DecodingKey>> {
        let mut matching = self.keys.iter().filter(|key| {
            key.algorithm == algorithm && (kid.is_none() || key.kid.as_deref() == kid)
        });
        let found = matching.next()?;
        (kid.is_some() || matching.next().is_none()).then(|| found.key.clone())
    }
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("{}", causes(.0))]
    Http(#[from] reqwest::Error),
    #[error("the answer is no key set: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the answer has over {MAX_BYTES} bytes")]
    TooLarge,
}

/// Each key by itself, so that one of an unknown kind does not spoil the others.
#[derive(Deserialize)]
struct RawKeySet {
    keys: Vec<Value>,
}

fn usable_key(value: Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let is_for_signing = jwk
        .common
        .public_key_use
        .as_ref()
        .is_none_or(|usage| *usage == PublicKeyUse::Signature);
    let (algorithm, name) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        _ => return None,
    };
    let is_for_algorithm = jwk
        .common
        .key_algorithm
        .is_none_or(|declared| declared == name);
    if !is_for_signing || !is_for_algorithm {
        return None;
    }
    Some(Key {
        key: Arc::new(DecodingKey::from_jwk(&jwk).ok()?),
        kid: jwk.common.key_id,
        algorithm,
    })
}
