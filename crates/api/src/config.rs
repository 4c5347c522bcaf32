//! What whoever serves the API decides.

use std::time::Duration;

use http::HeaderMap;
use tokio_util::task::TaskTracker;
use tracing::Span;

use crate::auth::AuthConfig;

/// How the API behaves. [`ApiConfig::new`] gives the contract's defaults.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Who may call.
    pub auth: AuthConfig,
    /// Which web pages may call (`CORS_ALLOWED_ORIGINS`).
    pub cors: CorsOrigins,
    /// Host of the URL that clients reach this server under (`PUBLIC_BASE_URL`). Beside those of
    /// this machine, the one that is right where no token is asked for.
    pub public_host: Option<String>,
    /// A part that makes no progress for this long gets 408 (`BODY_IDLE_TIMEOUT_SECONDS`).
    pub body_idle_timeout: Duration,
    /// A JSON body that is not whole after this long gets 408.
    pub request_timeout: Duration,
    /// Bytes; a larger JSON body gets 413.
    pub max_json_bytes: usize,
    /// An answer to a cancel waits for this long until what the session stored is freed; that goes
    /// on after it.
    pub freeing_patience: Duration,
    /// Work that goes on when its client has gone: to be waited for before the stores are closed.
    pub detached: TaskTracker,
    /// Makes a request's span part of the caller's trace, by the request's headers.
    pub follow_caller: Option<fn(&Span, &HeaderMap)>,
}

impl ApiConfig {
    /// No CORS, 30 s for bodies, JSON up to 1 MiB, 2 s for freeing, no traces.
    pub fn new(auth: AuthConfig) -> Self {
        Self {
            auth,
            cors: CorsOrigins::None,
            public_host: None,
            body_idle_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(30),
            max_json_bytes: 1024 * 1024,
            freeing_patience: Duration::from_secs(2),
            detached: TaskTracker::new(),
            follow_caller: None,
        }
    }
}

/// Which origins a browser lets call (CONTRACT section 5, `CORS_ALLOWED_ORIGINS`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CorsOrigins {
    /// None but the server's own.
    #[default]
    None,
    /// `*`
    Any,
    /// These, as browsers write them: `https://app.example.com`.
    List(Vec<http::HeaderValue>),
}
