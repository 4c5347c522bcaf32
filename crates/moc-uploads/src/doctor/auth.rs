//! How callers are known.

use moc_uploads_api::auth::{AuthKeys, count_keys};

use super::Report;

const KEYS: &str = "token keys";

pub(super) async fn keys(keys: &AuthKeys, report: &mut Report) {
    match keys {
        // Said as a warning of the settings, where that matters.
        AuthKeys::Bypass(principal) => {
            report.ok(KEYS, format!("none: every caller is {}", principal.user_id));
        }
        AuthKeys::Secret(_) => report.ok(KEYS, "AUTH_JWT_SECRET (HS256)"),
        AuthKeys::Jwks(url) => match count_keys(url).await {
            Ok(counts) if counts.is_empty() => report.wrong(
                KEYS,
                format!("{url} answers no key that tokens can be verified with"),
                "It must publish RS256 or ES256 keys for signatures; is AUTH_JWKS_URL the issuer's \
                 jwks_uri?",
            ),
            Ok(counts) => {
                let counts: Vec<_> = counts
                    .iter()
                    .map(|(algorithm, count)| format!("{count} {algorithm}"))
                    .collect();
                report.ok(KEYS, format!("{url} has {}", counts.join(", ")));
            }
            Err(error) => report.wrong(
                KEYS,
                format!("{url}: {error}"),
                "Every request would be refused with 503. Check AUTH_JWKS_URL, and whether this \
                 machine may reach it.",
            ),
        },
    }
}
