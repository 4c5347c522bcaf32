//! Tokens whose signature was right: it is computed once, and not for each part of an upload. With
//! public keys that is most of what a small request costs.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::{Map, Value};

/// Of tokens; what is kept of each beside it is about as much again.
const MAX_BYTES: u64 = 2 * 1024 * 1024;
/// Usual ones are about this long.
const TOKEN_BYTES: u64 = 1024;

/// The tokens of late. Those that are used stay.
pub(super) struct VerifiedTokens(Cache<Box<str>, Arc<VerifiedToken>, ByBytes>);

pub(super) struct VerifiedToken {
    /// Of the key, as the token has it.
    pub(super) kid: Option<String>,
    pub(super) algorithm: Algorithm,
    /// What the signature is right for: nothing is said of another key of this id.
    pub(super) key: Arc<DecodingKey>,
    /// Judged anew for each request: their time comes and goes.
    pub(super) claims: Map<String, Value>,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Box<str>, Arc<VerifiedToken>> for ByBytes {
    fn weight(&self, token: &Box<str>, _: &Arc<VerifiedToken>) -> u64 {
        token.len() as u64
    }
}

impl VerifiedTokens {
    pub(super) fn new() -> Self {
        let item_count = (MAX_BYTES / TOKEN_BYTES) as usize;
        Self(Cache::with_weighter(item_count, MAX_BYTES, ByBytes))
    }

    pub(super) fn get(&self, token: &str) -> Option<Arc<VerifiedToken>> {
        self.0.get(token)
    }

    pub(super) fn insert(&self, token: &str, verified: Arc<VerifiedToken>) {
        self.0.insert(token.into(), verified);
    }
}
