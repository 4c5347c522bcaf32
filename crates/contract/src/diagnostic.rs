//! What is wrong, where, and what would be right.

use std::fmt;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

use crate::source::{Source, Span};

/// One error in one file. `Display` shows it with the line it is about, in the manner of compilers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Name of the file.
    pub path: String,
    /// Line, from 1; 0 for what is in no place of a file.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hints: Vec<String>,
    /// The text around it, whole lines, and where in it the error is.
    excerpt: String,
    marked: Span,
}

impl Diagnostic {
    /// An error at a place. It has no words yet, see [`Self::says`].
    #[must_use]
    pub fn new(source: &Source, span: Span) -> Self {
        let text = &source.text;
        let (line, column) = source.position(span.start);
        // Marks end with the line they begin in: errors are short, whole bodies are not.
        let rest = &text[span.start..span.end.max(span.start)];
        let end = span.start + rest.find(['\n', '\r']).unwrap_or(rest.len());
        let start_of_line = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
        let end_of_line = text[end..].find('\n').map_or(text.len(), |at| end + at);
        let excerpt = text[start_of_line..end_of_line].trim_end_matches('\r');
        let skipped = excerpt.len() - excerpt.trim_start_matches('\u{feff}').len();
        let marked = |at: usize| {
            (at - start_of_line)
                .saturating_sub(skipped)
                .min(excerpt.len() - skipped)
        };
        Self {
            path: source.path.clone(),
            line,
            column,
            message: String::new(),
            hints: Vec::new(),
            excerpt: excerpt[skipped..].to_owned(),
            marked: marked(span.start)..marked(end),
        }
    }

    /// An error that is in no place of a file.
    #[must_use]
    pub fn about(what: &str) -> Self {
        Self {
            path: what.to_owned(),
            line: 0,
            column: 0,
            message: String::new(),
            hints: Vec::new(),
            excerpt: String::new(),
            marked: 0..0,
        }
    }

    /// What is wrong, as half a sentence.
    #[must_use]
    pub fn says(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// What to do about it. May be given several times.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// "did you mean", when something like `wrong` is among `candidates`.
    #[must_use]
    pub fn suggest<'a>(self, wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        match closest(wrong, candidates) {
            Some(candidate) => self.hint(format!("did you mean `{candidate}`?")),
            None => self,
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = Level::ERROR.primary_title(&self.message);
        let snippet = Snippet::source(&self.excerpt)
            .line_start(self.line)
            .path(&self.path)
            .annotation(AnnotationKind::Primary.span(self.marked.clone()));
        let mut group = if self.line == 0 {
            title.element(Origin::path(&self.path))
        } else {
            title.element(snippet)
        };
        for hint in &self.hints {
            group = group.element(Level::HELP.message(hint));
        }
        let renderer = Renderer::plain().decor_style(DecorStyle::Ascii);
        f.write_str(&renderer.render(&[group]))
    }
}

/// The candidate that is most like `wrong`, when it is like it at all.
pub(crate) fn closest<'a>(
    wrong: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    const ALIKE: f64 = 0.8;
    // Two letters changed places, or one is wrong: much of a short word.
    let is_typo = |candidate: &str| strsim::osa_distance(wrong, candidate) <= 1;
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(wrong, candidate), candidate))
        .filter(|(likeness, candidate)| *likeness >= ALIKE || is_typo(candidate))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
