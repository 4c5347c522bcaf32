//! Connections and their settings.

use std::str::FromStr;
use std::time::Duration;

use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use crate::error::Error;
use crate::options::PostgresOptions;

/// A connection that rested this long is asked whether it lives. Asking always would cost each
/// request a round trip.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

pub(crate) fn pool(options: &PostgresOptions) -> Result<PgPool, Error> {
    // A parameter that poolers do not know, and that is of no use here: there are no floats.
    let mut connect = PgConnectOptions::from_str(&options.url)?
        .extra_float_digits(None)
        .application_name("moc-uploads");
    if options.prepared_statements {
        let timeout_ms = options.statement_timeout.as_millis().to_string();
        connect = connect.options([
            ("statement_timeout", timeout_ms.as_str()),
            // Whatever the database or the role has as its default: locks are waited for, and what
            // they guard is read after.
            ("default_transaction_isolation", "read committed"),
        ]);
    } else {
        connect = connect.statement_cache_capacity(0);
    }
    Ok(PgPoolOptions::new()
        .max_connections(options.max_connections)
        .acquire_timeout(options.connect_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection, rest| {
            Box::pin(async move {
                if rest.idle_for > TRUSTED_FOR {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(connect))
}
