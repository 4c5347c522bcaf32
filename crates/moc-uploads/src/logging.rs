//! Log lines: to standard error, written by a thread of their own so that a slow reader never holds
//! up a request.

use std::backtrace::Backtrace;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::time::Duration;

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{Config, LogFormat};
use crate::log_json::{FlatJson, Members};
use crate::traces::Traces;

/// Lines that may wait for the reader; further ones are dropped and counted.
const MAX_WAITING_LINES: usize = 100_000;

/// Writes what is waiting when it is dropped.
pub(crate) struct Logging {
    dropped: ErrorCounter,
    _worker: WorkerGuard,
}

impl Drop for Logging {
    fn drop(&mut self) {
        let line_count = self.dropped.dropped_lines();
        if line_count > 0 {
            tracing::warn!(
                line_count,
                "log lines were dropped, the reader was too slow"
            );
        }
    }
}

/// Gathers the lines of a moment: a thread that is woken for each line costs more than the line.
struct Gathering<W>(W);

/// How long a line may wait for others.
const GATHERING_TIME: Duration = Duration::from_millis(5);

impl<W: Write> Write for Gathering<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write(line)
    }

    /// Called when no line waits; those that come meanwhile need no waking.
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()?;
        std::thread::sleep(GATHERING_TIME);
        Ok(())
    }
}

/// Starts logging, and turns what is logged into traces where there are any. Once per process; keep
/// the result until the end.
pub(crate) fn start(config: &Config, traces: Option<&Traces>) -> Logging {
    let is_terminal = io::stderr().is_terminal();
    let (writer, worker) = NonBlockingBuilder::default()
        .buffered_lines_limit(MAX_WAITING_LINES)
        .thread_name("log-writer")
        .finish(Gathering(BufWriter::with_capacity(64 * 1024, io::stderr())));
    let dropped = writer.error_counter();
    // The filter was checked with the rest of the configuration.
    let filter = EnvFilter::new(&config.log_filter);
    let lines = tracing_subscriber::fmt::layer()
        .with_span_events(FmtSpan::NONE)
        .with_writer(writer);
    let format = config.log_format.unwrap_or(if is_terminal {
        LogFormat::Pretty
    } else {
        LogFormat::Json
    });
    let lines = match format {
        LogFormat::Pretty => lines.with_ansi(is_terminal).boxed(),
        LogFormat::Json => lines
            .with_ansi(false)
            .fmt_fields(Members)
            .event_format(FlatJson)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(lines)
        .with(traces.map(Traces::layer))
        .with(filter)
        .init();
    std::panic::set_hook(Box::new(|panic| {
        let backtrace = Backtrace::capture();
        tracing::error!(%panic, %backtrace, "panicked");
    }));
    Logging {
        dropped,
        _worker: worker,
    }
}
