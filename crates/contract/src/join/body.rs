//! Whether the body of a request that is to succeed is one that its operation takes.

use std::path::Path;

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::Joined;
use super::expand::{Expanded, Mode};
use crate::diagnostic::Diagnostic;
use crate::document::sample::UUID;
use crate::document::schema::Reached;
use crate::document::{Document, is_json, json_schema, media_type};
use crate::http::{BodyPart, Expression, Step, Template};
use crate::source::Span;

/// A JSON body.
pub(crate) struct Json {
    /// With values in the place of what is only known when it is sent.
    pub(crate) value: Value,
    /// As it is written, with the marks of [`Expanded`].
    pub(crate) written: Written,
}

/// JSON with its members in the order in which they are written.
pub(crate) enum Written {
    Object(Vec<(String, Written)>),
    Array(Vec<Written>),
    /// Neither of the two.
    Plain(Value),
}

/// Compiles a schema of the document.
pub(super) fn validator(document: &Document, schema: &Value) -> Option<Validator> {
    let root = json!({
        "allOf": [schema],
        "components": document.value()["components"],
    });
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&root)
        .ok()
}

/// Files that a body names must be there.
pub(super) fn check_files(one: &Joined<'_>, problems: &mut Vec<Diagnostic>) {
    let source = &one.scope.file.source;
    let folder = Path::new(&source.path).parent().unwrap_or(Path::new(""));
    for part in &one.request.body {
        let BodyPart::File { path, .. } = part else {
            continue;
        };
        let Some(name) = path.as_text(source) else {
            continue;
        };
        if !name.is_empty() && !folder.join(&name).is_file() {
            problems.push(
                Diagnostic::new(source, path.span.clone())
                    .says(format!("there is no file {name}"))
                    .hint("paths are relative to the folder of the .http file"),
            );
        }
    }
}

/// Holds a body against the operation's schema.
pub(super) fn check(one: &Joined<'_>, document: &Document, problems: &mut Vec<Diagnostic>) {
    let Some(operation) = one.operation() else {
        return;
    };
    let source = &one.scope.file.source;
    let at = |span: &Span| Diagnostic::new(source, span.clone());
    let route = format!("{} {}", operation.method, operation.path);
    let Some(content) = document.request_content(operation) else {
        if let Some(part) = one.request.body.first() {
            let span = match part {
                BodyPart::Text(text) => &text.span,
                BodyPart::File { path, .. } => &path.span,
            };
            problems.push(
                at(span)
                    .says(format!("{route} takes no body"))
                    .hint("leave it out"),
            );
        }
        return;
    };
    let known: Vec<&str> = content.keys().map(String::as_str).collect();
    let Some(header) = one.request.header("content-type") else {
        problems.push(
            at(&one.request.span)
                .says(format!(
                    "{route} takes a body; this request does not say of which type"
                ))
                .hint(format!(
                    "add a header: Content-Type: {}",
                    known.join(" or ")
                )),
        );
        return;
    };
    let media = Expanded::new(one.scope, [&header.value], Mode::Plain).text;
    if !content.contains_key(&media_type(&media)) && !content.contains_key("*/*") {
        problems.push(
            at(&header.value.span)
                .says(format!("{route} takes no body of type {media}"))
                .hint(format!("it takes {}", known.join(", "))),
        );
        return;
    }
    if one.request.body.is_empty() {
        let body = document.resolve(&document.operation(operation)["requestBody"]);
        if body["required"] == true {
            problems.push(
                at(&one.request.span)
                    .says(format!("{route} needs a body"))
                    .hint("it stands below the headers, after an empty line"),
            );
        }
        return;
    }
    if is_json(&media)
        && let Some(schema) = json_schema(content)
    {
        match read(one, document, schema) {
            Ok(Some(body)) => body.check(problems),
            Ok(None) => {}
            Err(problem) => problems.push(*problem),
        }
    }
}

/// The JSON body of a request whose contract has no errors; `None` when it has none or it is in a
/// file.
pub(crate) fn json_body(one: &Joined<'_>, document: &Document) -> Option<Json> {
    let content = document.request_content(one.operation()?)?;
    let header = one.request.header("content-type")?;
    let media = Expanded::new(one.scope, [&header.value], Mode::Plain).text;
    let schema = json_schema(content).filter(|_| is_json(&media))?;
    let body = read(one, document, schema).ok()??;
    Some(body.json)
}

struct Body<'a, 'd> {
    one: &'a Joined<'a>,
    document: &'d Document,
    schema: &'d Value,
    expanded: Expanded<'a>,
    json: Json,
    /// Where each value and member name stands, by JSON pointer.
    places: Vec<(String, Span)>,
    /// Pointers of what is filled in, and whether it is a whole value.
    filled: Vec<(String, bool)>,
    /// Members that the schema does not have: pointer of the object, name, place.
    unexpected: Vec<(String, String, Span)>,
}

fn read<'a, 'd>(
    one: &'a Joined<'a>,
    document: &'d Document,
    schema: &'d Value,
) -> Result<Option<Body<'a, 'd>>, Box<Diagnostic>> {
    let templates: Option<Vec<&Template>> = one
        .request
        .body
        .iter()
        .map(|part| match part {
            BodyPart::Text(text) => Some(text),
            BodyPart::File { .. } => None,
        })
        .collect();
    let Some(templates) = templates.filter(|templates| !templates.is_empty()) else {
        return Ok(None);
    };
    let expanded = Expanded::new(one.scope, templates.iter().copied(), Mode::Json);
    let text = expanded.text.clone();
    let source = &one.scope.file.source;
    let not_json = |span: Span, why: &str| {
        let span = expanded.origin(&span).unwrap_or(templates[0].span.clone());
        Diagnostic::new(source, span)
            .says(format!("this is no JSON: {why}"))
            .hint("a request that sends broken JSON on purpose states the error that it expects: # @expect 400")
    };
    let parsed =
        jsonc_parser::parse_to_ast(&text, &collect_nothing(), &strict()).map_err(|error| {
            not_json(
                error.range().start..error.range().end,
                &error.kind().to_string(),
            )
        })?;
    let Some(root) = parsed.value else {
        return Err(not_json(0..text.len().min(1), "nothing is there").into());
    };
    let mut body = Body {
        one,
        document,
        schema,
        expanded,
        json: Json {
            value: Value::Null,
            written: Written::Plain(Value::Null),
        },
        places: Vec::new(),
        filled: Vec::new(),
        unexpected: Vec::new(),
    };
    (body.json.value, body.json.written) =
        body.value(&root, Reached::Schema(schema), String::new());
    Ok(Some(body))
}

const fn strict() -> ParseOptions {
    ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
    }
}

const fn collect_nothing() -> CollectOptions {
    CollectOptions {
        comments: CommentCollectionStrategy::Off,
        tokens: false,
    }
}

impl<'d> Body<'_, 'd> {
    /// The value to check and the value as it is written.
    fn value(
        &mut self,
        node: &ast::Value<'_>,
        schema: Reached<'d>,
        pointer: String,
    ) -> (Value, Written) {
        let range = node.range();
        self.places.push((pointer.clone(), range.start..range.end));
        match node {
            ast::Value::Object(object) => self.object(object, schema, &pointer),
            ast::Value::Array(array) => {
                let (mut values, mut written) = (Vec::new(), Vec::new());
                for (index, element) in array.elements.iter().enumerate() {
                    let inner = enter(self.document, schema, &Step::Index(index));
                    let (value, as_written) =
                        self.value(element, inner, format!("{pointer}/{index}"));
                    values.push(value);
                    written.push(as_written);
                }
                (Value::Array(values), Written::Array(written))
            }
            ast::Value::StringLit(text) => {
                let value = self.string(&text.value, schema, &pointer);
                (value, Written::Plain(Value::String(text.value.to_string())))
            }
            ast::Value::NumberLit(number) => {
                let value: Value = number.value.parse().map(Value::Number).unwrap_or_default();
                (value.clone(), Written::Plain(value))
            }
            ast::Value::BooleanLit(boolean) => {
                let value = Value::Bool(boolean.value);
                (value.clone(), Written::Plain(value))
            }
            ast::Value::NullKeyword(_) => (Value::Null, Written::Plain(Value::Null)),
        }
    }

    fn object(
        &mut self,
        object: &ast::Object<'_>,
        schema: Reached<'d>,
        pointer: &str,
    ) -> (Value, Written) {
        let (mut values, mut written) = (Map::new(), Vec::new());
        for member in &object.properties {
            let name = member.name.as_str().to_owned();
            let inner = enter(self.document, schema, &Step::Member(name.clone()));
            if inner == Reached::Nothing {
                let range = member.name.range();
                self.unexpected
                    .push((pointer.to_owned(), name.clone(), range.start..range.end));
            }
            let escaped = name.replace('~', "~0").replace('/', "~1");
            let (value, as_written) =
                self.value(&member.value, inner, format!("{pointer}/{escaped}"));
            values.insert(name.clone(), value);
            written.push((name, as_written));
        }
        (Value::Object(values), Written::Object(written))
    }

    fn string(&mut self, text: &str, schema: Reached<'d>, pointer: &str) -> Value {
        let pieces = self.expanded.pieces(text);
        let fitting = match schema {
            Reached::Schema(schema) => self.document.sample(schema),
            _ => Value::from("text"),
        };
        if let [Ok(number)] = pieces[..] {
            let unknown = &self.expanded.unknowns[number];
            self.filled
                .push((pointer.to_owned(), unknown.is_whole_value));
            if unknown.is_whole_value || fitting.is_string() {
                return fitting;
            }
        } else if pieces.iter().any(Result::is_ok) {
            self.filled.push((pointer.to_owned(), false));
        }
        let said = |piece: Result<usize, &str>| match piece {
            Ok(number) => stand_in(self.expanded.unknowns[number].expression),
            Err(text) => text.to_owned(),
        };
        Value::String(pieces.into_iter().map(said).collect())
    }

    fn check(&self, problems: &mut Vec<Diagnostic>) {
        let source = &self.one.scope.file.source;
        let whole = self.one.request.span.clone();
        let at = |span: &Span| {
            let span = self.expanded.origin(span).unwrap_or(whole.clone());
            Diagnostic::new(source, span)
        };
        for (holder, name, span) in &self.unexpected {
            let schema = self.document.reach(self.schema, &steps(holder));
            let members = match schema {
                Reached::Schema(schema) => self.document.members(schema),
                _ => Vec::new(),
            };
            let problem = at(span).says(format!(
                "the operation's schema has no member `{name}` here"
            ));
            let closest = problem.clone().suggest(name, members.iter().copied());
            problems.push(if closest.hints.is_empty() {
                problem.hint(format!("it has {}", members.join(", ")))
            } else {
                closest
            });
        }
        let Some(validator) = validator(self.document, self.schema) else {
            return;
        };
        for error in validator.iter_errors(&self.json.value) {
            let pointer = error.instance_path().to_string();
            let filled = self.filled.iter().find(|(filled, _)| *filled == pointer);
            let is_type = matches!(
                error.kind(),
                jsonschema::error::ValidationErrorKind::Type { .. }
            );
            // What is filled in is not judged, but that it is a string when it stands in quotes.
            if filled.is_some_and(|(_, is_whole_value)| *is_whole_value || !is_type) {
                continue;
            }
            let place = self.places.iter().find(|(place, _)| *place == pointer);
            let span = place.map_or(0..1, |(_, span)| span.clone());
            let operation = self.one.operation();
            let id = operation.map_or("", |operation| operation.id.as_str());
            problems.push(
                at(&span)
                    .says(format!("the body does not fit {id}: {error}"))
                    .hint("the schema is in the server's OpenAPI document; a request that is to be refused states so: # @expect 422"),
            );
        }
    }
}

/// For a value within a text.
fn stand_in(expression: &Expression) -> String {
    match expression {
        Expression::System { name, .. }
            if matches!(name.as_str(), "$guid" | "$uuid" | "$random.uuid") =>
        {
            UUID.to_owned()
        }
        _ => "text".to_owned(),
    }
}

fn steps(pointer: &str) -> Vec<Step> {
    let step = |name: &str| match name.parse() {
        Ok(index) => Step::Index(index),
        Err(_) => Step::Member(name.replace("~1", "/").replace("~0", "~")),
    };
    pointer.split('/').skip(1).map(step).collect()
}

fn enter<'d>(document: &'d Document, schema: Reached<'d>, step: &Step) -> Reached<'d> {
    match schema {
        Reached::Schema(schema) => document.reach(schema, std::slice::from_ref(step)),
        _ => Reached::Unsaid,
    }
}
