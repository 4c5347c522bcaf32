//! A parsed file, for people.

use std::fmt::Write as _;

use moc_uploads_contract::http::{BodyPart, HttpFile, LineKind, Piece, Template};

/// Everything that was read, and then the kind of every line.
pub(crate) fn file(file: &HttpFile) -> String {
    let mut text = String::new();
    for variable in &file.variables {
        let value = template(file, &variable.value);
        writeln!(text, "variable {} = {value}", variable.name.value).unwrap();
    }
    for request in &file.requests {
        let title = request.title.as_ref().map_or("", |title| &title.value);
        writeln!(text, "request {title:?}").unwrap();
        for comment in &request.comments {
            writeln!(text, "  comment {comment:?}").unwrap();
        }
        for annotation in &request.annotations {
            let value = annotation.value.as_ref().map(|value| &value.value);
            writeln!(text, "  @{} {value:?}", annotation.name.value).unwrap();
        }
        let version = request
            .version
            .as_ref()
            .map_or("", |version| &version.value);
        let url = template(file, &request.url);
        writeln!(text, "  {} {url} {version}", request.method.value).unwrap();
        for header in &request.headers {
            let value = template(file, &header.value);
            writeln!(text, "  {}: {value}", header.name.value).unwrap();
        }
        for part in &request.body {
            match part {
                BodyPart::Text(body) => writeln!(text, "  body {:?}", template(file, body)),
                BodyPart::File {
                    path,
                    has_variables,
                    encoding,
                } => {
                    let encoding = encoding.as_ref().map(|encoding| &encoding.value);
                    let path = template(file, path);
                    writeln!(
                        text,
                        "  file {path} variables={has_variables} encoding={encoding:?}"
                    )
                }
            }
            .unwrap();
        }
    }
    text.push('\n');
    for line in &file.lines {
        let kind = match line.kind {
            LineKind::Blank => "",
            LineKind::Separator => "separator",
            LineKind::Comment => "comment",
            LineKind::Annotation => "annotation",
            LineKind::Variable => "variable",
            LineKind::RequestLine => "request",
            LineKind::UrlContinuation => "url",
            LineKind::Header => "header",
            LineKind::HeaderContinuation => "folded",
            LineKind::Body => "body",
            LineKind::BodyFile => "file",
            LineKind::Script => "script",
            LineKind::Response => "response",
            LineKind::Unknown => "unknown",
        };
        writeln!(
            text,
            "{kind:>10} | {}",
            file.source.slice(&line.span).escape_debug()
        )
        .unwrap();
    }
    text
}

fn template(file: &HttpFile, template: &Template) -> String {
    template
        .pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(span) => file.source.slice(span).to_owned(),
            Piece::Expression { expression, .. } => format!("<<{expression:?}>>"),
        })
        .collect()
}
