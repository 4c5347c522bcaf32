//! Log lines in JSON. Every request writes several, so that little is built up in between: fields
//! become text at once, those of an event in its line.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::span::Record;
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// One flat JSON object per line: the event's fields, then those of its spans, the innermost
/// first. Goes with [`Members`].
pub(crate) struct FlatJson;

impl<S> FormatEvent<S, Members> for FlatJson
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, Members>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        writer.write_str("{\"timestamp\":\"")?;
        write_now(&mut writer)?;
        writer.write_str("\",\"level\":\"")?;
        writer.write_str(metadata.level().as_str())?;
        writer.write_str("\",\"target\":\"")?;
        writer.write_str(metadata.target())?;
        writer.write_char('"')?;
        write_members(&mut writer, event)?;
        for span in context.event_scope().into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<FormattedFields<Members>>() {
                writer.write_str(&fields.fields)?;
            }
        }
        writer.write_str("}\n")
    }
}

/// RFC 3339 with microseconds.
#[expect(
    clippy::disallowed_methods,
    reason = "a line says when it was written, by the clock of the machine"
)]
fn write_now(writer: &mut Writer<'_>) -> fmt::Result {
    // Earlier can't be written, and to panic here would end the process.
    let now = SystemTime::now().max(UNIX_EPOCH);
    write!(writer, "{}", humantime::format_rfc3339_micros(now))
}

/// Fields as members of a JSON object, each after a comma.
pub(crate) struct Members;

/// Room for the fields of a request.
const SPAN_BYTES: usize = 256;

impl<'writer> FormatFields<'writer> for Members {
    fn format_fields<R: RecordFields>(
        &self,
        mut writer: Writer<'writer>,
        fields: R,
    ) -> fmt::Result {
        // What it goes to begins empty, and would grow with every field.
        let mut members = String::with_capacity(SPAN_BYTES);
        write_members(&mut members, fields)?;
        writer.write_str(&members)
    }

    fn add_fields(
        &self,
        current: &'writer mut FormattedFields<Self>,
        fields: &Record<'_>,
    ) -> fmt::Result {
        write_members(&mut current.as_writer(), fields)
    }
}

fn write_members(writer: &mut impl fmt::Write, fields: impl RecordFields) -> fmt::Result {
    let mut members = WriteMembers {
        writer,
        result: Ok(()),
    };
    fields.record(&mut members);
    members.result
}

struct WriteMembers<'a, W> {
    writer: &'a mut W,
    result: fmt::Result,
}

impl<W: fmt::Write> WriteMembers<'_, W> {
    fn write(&mut self, field: &Field, write: impl FnOnce(&mut W) -> fmt::Result) {
        // What the `log` crate says about a line, paths of the build among it.
        if field.name().starts_with("log.") {
            return;
        }
        let writer = &mut *self.writer;
        self.result = self.result.and_then(|()| {
            writer.write_str(",\"")?;
            writer.write_str(field.name())?;
            writer.write_str("\":")?;
            write(writer)
        });
    }

    fn write_text(&mut self, field: &Field, text: fmt::Arguments<'_>) {
        self.write(field, |writer| {
            writer.write_char('"')?;
            Escaped(writer).write_fmt(text)?;
            writer.write_char('"')
        });
    }
}

impl<W: fmt::Write> Visit for WriteMembers<'_, W> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.write(field, |writer| write!(writer, "{value}"));
        } else {
            self.write_text(field, format_args!("{value}"));
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.write(field, |writer| write!(writer, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write(field, |writer| write!(writer, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.write(field, |writer| write!(writer, "{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.write_text(field, format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.write_text(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write_text(field, format_args!("{value:?}"));
    }
}

/// What is written to it stands inside a JSON string.
struct Escaped<'a, W>(&'a mut W);

impl<W: fmt::Write> fmt::Write for Escaped<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let is_special = |byte| byte < b' ' || byte == b'"' || byte == b'\\';
        let mut rest = text;
        while let Some(at) = rest.bytes().position(is_special) {
            self.0.write_str(&rest[..at])?;
            match rest.as_bytes()[at] {
                b'"' => self.0.write_str("\\\"")?,
                b'\\' => self.0.write_str("\\\\")?,
                b'\n' => self.0.write_str("\\n")?,
                byte => write!(self.0, "\\u{byte:04x}")?,
            }
            rest = &rest[at + 1..];
        }
        self.0.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::io;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Lines {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    fn logged(log: impl FnOnce()) -> Value {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(lines.clone())
            .fmt_fields(Members)
            .event_format(FlatJson)
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        let lines = lines.0.lock().unwrap();
        serde_json::from_slice(&lines).unwrap()
    }

    #[test]
    fn a_line_has_the_fields_of_the_event_and_of_its_spans() {
        let mut line = logged(|| {
            let outer = tracing::info_span!("outer", a = 1, user = tracing::field::Empty);
            outer.record("user", "alice");
            let _outer = outer.enter();
            let _inner = tracing::info_span!("inner", b = ?Some("x"), ratio = 0.5).entered();
            tracing::warn!(
                is_it = true,
                missing = None::<u64>,
                nan = f64::NAN,
                "said {}",
                1
            );
        });
        let timestamp = line["timestamp"].take();
        let timestamp = timestamp.as_str().unwrap();
        assert_eq!(timestamp.len(), "2026-01-25T12:00:00.000000Z".len());
        assert!(humantime::parse_rfc3339(timestamp).is_ok(), "{timestamp}");
        assert_eq!(
            line,
            json!({
                "timestamp": null, "level": "WARN", "target": module_path!(),
                "message": "said 1", "is_it": true, "nan": "NaN",
                "b": "Some(\"x\")", "ratio": 0.5, "a": 1, "user": "alice",
            })
        );
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            let line = logged(|| tracing::info!(text, shown = %text, "{text}"));
            for member in ["text", "shown", "message"] {
                prop_assert_eq!(line[member].as_str(), Some(text.as_str()));
            }
        }
    }
}
