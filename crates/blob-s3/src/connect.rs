//! From options to clients of the SDK.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{
    Config, Credentials, RequestChecksumCalculation, ResponseChecksumValidation,
    StalledStreamProtectionConfig,
};
use aws_smithy_http_client::tls;

use crate::options::{S3Options, Timeouts};

/// Between attempts, doubled each time and cut by chance.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);

/// Two clients over one set of credentials.
pub(crate) struct Clients {
    /// For everything that can be sent again.
    pub(crate) general: Client,
    /// For parts: their bytes come by once and at their client's pace, so it neither repeats nor
    /// looks at the time; whoever sends a part does (see `put`).
    pub(crate) streaming: Client,
}

pub(crate) async fn connect(options: &S3Options) -> Clients {
    let timeouts = options.timeouts;
    let time_limits = TimeoutConfig::builder()
        .connect_timeout(timeouts.connect)
        .read_timeout(timeouts.read)
        .operation_attempt_timeout(timeouts.attempt())
        .operation_timeout(timeouts.operation);
    let retries = RetryConfig::standard()
        .with_max_attempts(options.max_attempts)
        .with_initial_backoff(FIRST_BACKOFF)
        .with_max_backoff(LONGEST_BACKOFF);
    let ring = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(ring)
        .build_https();
    let mut shared = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .region(Region::new(options.region.clone()))
        .timeout_config(time_limits.clone().build())
        .retry_config(retries);
    if let Some(key) = &options.credentials {
        shared = shared.credentials_provider(Credentials::new(
            &key.id,
            &key.secret,
            None,
            None,
            "options",
        ));
    }
    let shared = shared.load().await;

    let mut config = Config::from(&shared)
        .to_builder()
        .force_path_style(options.force_path_style)
        // Some stores refuse to complete an upload whose parts came with checksums that were not
        // announced when it was created.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        // It can't tell a slow store from a slow client; reading and sending have limits here.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(endpoint) = &options.endpoint {
        config = config.endpoint_url(endpoint);
    }
    let config = config.build();
    let streaming = config
        .to_builder()
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            time_limits
                .disable_read_timeout()
                .disable_operation_attempt_timeout()
                .disable_operation_timeout()
                .build(),
        );
    Clients {
        streaming: Client::from_conf(streaming.build()),
        general: Client::from_conf(config),
    }
}

/// What joining parts has instead of an operation's time: the store may be silent until it is done.
pub(crate) fn while_joining(timeouts: Timeouts) -> aws_sdk_s3::config::Builder {
    Config::builder().timeout_config(
        TimeoutConfig::builder()
            .connect_timeout(timeouts.connect)
            .disable_read_timeout()
            .operation_attempt_timeout(timeouts.complete())
            .operation_timeout(timeouts.complete())
            .build(),
    )
}
