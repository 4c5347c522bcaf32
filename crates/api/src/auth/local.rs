//! Where requests come from when no token is asked for. A browser lets any page send some requests
//! to any server: whoever is on this machine is the developer, the pages that they look at are not.

use http::header::ORIGIN;
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use url::Url;

use super::AuthError;
use crate::config::{ApiConfig, CorsOrigins};
use crate::host;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

const WRONG_HOST: AuthError = AuthError::Foreign(
    "Without tokens this server answers to names of its own machine, such as localhost, and to the \
     host of PUBLIC_BASE_URL.",
);
const FOREIGN_PAGE: AuthError = AuthError::Foreign(
    "Without tokens this server takes requests from pages of its own machine, and of the origins \
     that CORS_ALLOWED_ORIGINS names.",
);

/// What counts as local.
pub(super) struct Local {
    public_host: Option<String>,
    cors: CorsOrigins,
}

impl Local {
    pub(super) fn new(config: &ApiConfig) -> Self {
        Self {
            public_host: config.public_host.clone(),
            cors: config.cors.clone(),
        }
    }

    /// Refuses what a foreign page may have sent.
    pub(super) fn check(&self, request: &Parts) -> Result<(), AuthError> {
        let authority = host::authority(&request.uri, &request.headers);
        // A page whose name leads here is of the same origin as this server: DNS rebinding.
        if let Some(authority) = &authority
            && !self.is_ours(authority.host())
        {
            return Err(WRONG_HOST);
        }
        let site = request.headers.get(SEC_FETCH_SITE);
        // Set by the browser, never by a page.
        let site = site.map(HeaderValue::as_bytes).unwrap_or_default();
        if matches!(site, b"same-origin" | b"none") {
            return Ok(());
        }
        let is_foreign = match request.headers.get(ORIGIN) {
            Some(origin) => {
                let authority = authority
                    .as_ref()
                    .map_or("", |authority| authority.as_str());
                !self.is_allowed(origin, authority)
            }
            // Links and pictures send no origin and change nothing.
            None => site == b"cross-site" && !request.method.is_safe(),
        };
        if is_foreign {
            Err(FOREIGN_PAGE)
        } else {
            Ok(())
        }
    }

    fn is_ours(&self, host: &str) -> bool {
        let is_public = |ours: &String| ours.eq_ignore_ascii_case(host);
        host::is_loopback(host) || self.public_host.as_ref().is_some_and(is_public)
    }

    fn is_allowed(&self, origin: &HeaderValue, authority: &str) -> bool {
        let is_in_cors = match &self.cors {
            CorsOrigins::None => false,
            CorsOrigins::Any => true,
            CorsOrigins::List(list) => list.contains(origin),
        };
        let text = origin.to_str().unwrap_or_default();
        let is_same = text
            .split_once("://")
            .is_some_and(|(_, of)| of.eq_ignore_ascii_case(authority));
        let is_local =
            Url::parse(text).is_ok_and(|url| url.host_str().is_some_and(host::is_loopback));
        is_in_cors || is_same || is_local
    }
}
