//! Pieces of TypeScript.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::http::{Expression, Message, Part, Reference, Step};
use crate::join::Written;
use crate::join::expand::Expanded;

/// Lines are no longer than this, where they can be broken.
const WIDTH: usize = 100;

/// The variables that hold answers, by the name of the request.
#[derive(Default)]
pub(crate) struct Names {
    answers: HashMap<String, (String, String)>,
    used: HashMap<String, usize>,
}

impl Names {
    /// A free name like `wanted` for the answer of a request, and one for its response object.
    pub(crate) fn answer(&mut self, request: &str, wanted: &str) -> (String, String) {
        let count = self.used.entry(wanted.to_owned()).or_insert(0);
        *count += 1;
        let data = match count {
            1 => wanted.to_owned(),
            count => format!("{wanted}{count}"),
        };
        let response = format!("{data}Response");
        let names = (data, response);
        self.answers.insert(request.to_owned(), names.clone());
        names
    }
}

/// An object literal in the making.
pub(crate) struct Code {
    members: Vec<(String, String)>,
}

impl Code {
    pub(crate) const fn object() -> Self {
        Self {
            members: Vec::new(),
        }
    }

    pub(crate) fn member(&mut self, name: &str, value: String) {
        self.members.push((key(name), value));
    }

    pub(crate) fn member_unless_empty(&mut self, name: &str, value: Self) {
        if !value.members.is_empty() {
            self.member(name, value.finish());
        }
    }

    pub(crate) fn finish(&self) -> String {
        let shown = |(name, value): &(String, String)| {
            if name == value {
                name.clone()
            } else {
                format!("{name}: {value}")
            }
        };
        let members: Vec<String> = self.members.iter().map(shown).collect();
        wrapped("{", &members, "}")
    }
}

/// On one line where it fits, else one member per line.
fn wrapped(open: &str, members: &[String], close: &str) -> String {
    let space = if open == "{" && !members.is_empty() {
        " "
    } else {
        ""
    };
    let line = format!("{open}{space}{}{space}{close}", members.join(", "));
    if line.len() <= WIDTH && !line.contains('\n') {
        return line;
    }
    let mut text = open.to_owned();
    for member in members {
        let indented = member.replace('\n', "\n  ");
        // Writing to a string can't fail.
        let _ = write!(text, "\n  {indented},");
    }
    text + "\n" + close
}

fn key(name: &str) -> String {
    let is_plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.starts_with(|letter: char| letter.is_ascii_digit());
    if is_plain {
        name.to_owned()
    } else {
        string(&Value::from(name))
    }
}

/// A JSON value with marks.
pub(crate) fn literal(value: &Written, expanded: &Expanded<'_>, names: &Names) -> String {
    match value {
        Written::Object(members) => {
            let mut code = Code::object();
            for (name, member) in members {
                code.member(name, literal(member, expanded, names));
            }
            code.finish()
        }
        Written::Array(elements) => {
            let elements: Vec<String> = elements
                .iter()
                .map(|element| literal(element, expanded, names))
                .collect();
            wrapped("[", &elements, "]")
        }
        Written::Plain(Value::String(value)) => text(value, expanded, names),
        Written::Plain(other) => other.to_string(),
    }
}

/// A text with marks: an expression where it is a single mark.
pub(crate) fn text(value: &str, expanded: &Expanded<'_>, names: &Names) -> String {
    let pieces = expanded.pieces(value);
    let of = |number: usize| expression(expanded.unknowns[number].expression, names);
    match pieces[..] {
        [Ok(number)] => of(number),
        _ if pieces.iter().all(Result::is_err) => string(&Value::from(value)),
        _ => {
            let piece = |piece: &Result<usize, &str>| match piece {
                Ok(number) => format!("${{{}}}", of(*number)),
                Err(text) => text
                    .replace('\\', "\\\\")
                    .replace('`', "\\`")
                    .replace("${", "\\${"),
            };
            format!("`{}`", pieces.iter().map(piece).collect::<String>())
        }
    }
}

/// A string in single quotes.
pub(crate) fn string(value: &Value) -> String {
    let json = value.to_string();
    let inner = &json[1..json.len() - 1];
    format!("'{}'", inner.replace("\\\"", "\"").replace('\'', "\\'"))
}

fn expression(expression: &Expression, names: &Names) -> String {
    match expression {
        Expression::Reference(reference) => answer(reference, names),
        Expression::System { name, arguments } => match (name.as_str(), &arguments[..]) {
            ("$guid" | "$uuid" | "$random.uuid", _) => "crypto.randomUUID()".to_owned(),
            ("$timestamp", _) => "Math.floor(Date.now() / 1000)".to_owned(),
            ("$isoTimestamp" | "$datetime", _) => "new Date().toISOString()".to_owned(),
            (_, [name]) => format!("process.env[{}] ?? ''", string(&Value::from(name.as_str()))),
            _ => "''".to_owned(),
        },
        Expression::Variable(name) | Expression::Other(name) => name.clone(),
    }
}

fn answer(reference: &Reference, names: &Names) -> String {
    let Some((data, response)) = names.answers.get(&reference.request) else {
        return "''".to_owned();
    };
    match (&reference.part, reference.message) {
        (Part::Body(steps), Message::Response) => {
            let mut path = data.clone();
            for step in steps {
                match step {
                    Step::Member(name) if key(name) == *name => {
                        path.push('.');
                        path.push_str(name);
                    }
                    Step::Member(name) => {
                        let _ = write!(path, "[{}]", key(name));
                    }
                    Step::Index(index) => {
                        let _ = write!(path, "[{index}]");
                    }
                }
            }
            path
        }
        (Part::Header(name), Message::Response) => {
            format!(
                "{response}.headers.get({}) ?? ''",
                string(&Value::from(name.as_str()))
            )
        }
        (_, Message::Request) => "''".to_owned(),
    }
}
