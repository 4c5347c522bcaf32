//! What the MOC shall be, checked before anything is hashed or sent: the server would say no only
//! at the very end.

use serde::Serialize;

use super::error::Error;

const MAX_TAGS: usize = 20;

/// What finalize is asked for (CONTRACT section 1.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct MocDraft {
    /// 1 to 200 characters.
    title: String,
    /// Up to 5000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Up to 20 of 1 to 50 characters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    /// Up to 100 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    theme: Option<String>,
}

impl MocDraft {
    /// Takes the title without the spaces around it.
    ///
    /// # Errors
    /// [`Error::Usage`] with everything that the server would refuse, one sentence each.
    pub(crate) fn new(
        title: &str,
        description: Option<&str>,
        tags: &[String],
        theme: Option<&str>,
    ) -> Result<Self, Error> {
        let title = title.trim();
        let mut problems = Vec::new();
        if title.is_empty() {
            problems.push("--title is blank.".to_owned());
        } else {
            check("--title", title, (1, 200), &mut problems);
        }
        if let Some(description) = description {
            let lines = description.replace(['\n', '\r', '\t'], " ");
            check("--description", &lines, (0, 5000), &mut problems);
        }
        if tags.len() > MAX_TAGS {
            problems.push(format!(
                "A MOC takes at most {MAX_TAGS} tags; these are {}.",
                tags.len()
            ));
        }
        for tag in tags.iter().take(MAX_TAGS) {
            check("--tag", tag, (1, 50), &mut problems);
        }
        if let Some(theme) = theme {
            check("--theme", theme, (0, 100), &mut problems);
        }
        if !problems.is_empty() {
            return Err(Error::Usage(problems));
        }
        Ok(Self {
            title: title.to_owned(),
            description: description.map(str::to_owned),
            tags: tags.to_vec(),
            theme: theme.map(str::to_owned),
        })
    }
}

fn check(option: &str, text: &str, (min, max): (usize, usize), problems: &mut Vec<String>) {
    let count = text.chars().count();
    if !(min..=max).contains(&count) {
        problems.push(format!(
            "{option} takes {min} to {max} characters; these are {count}."
        ));
    }
    if let Some(control) = text.chars().find(|c| c.is_control()) {
        problems.push(format!(
            "{option} has the control character {control:?}; leave it out."
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(title: &str, description: &str, tags: &[&str], theme: &str) -> Vec<String> {
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        match MocDraft::new(title, Some(description), &tags, Some(theme)) {
            Ok(_) => Vec::new(),
            Err(Error::Usage(problems)) => problems,
            Err(error) => panic!("{error:?}"),
        }
    }

    #[test]
    fn limits_hold_to_the_character() {
        let e = |count| "é".repeat(count);
        let tags = vec!["t"; 20];
        assert_eq!(problems(&e(200), &e(5000), &tags, &e(100)), [""; 0]);
        assert_eq!(problems("a", "", &[&e(50)], ""), [""; 0]);
        for wrong in [
            problems("", "", &[], ""),
            problems(" \t\u{a0}", "", &[], ""),
            problems(&e(201), "", &[], ""),
            problems("a", &e(5001), &[], ""),
            problems("a", "", &[""], ""),
            problems("a", "", &[&e(51)], ""),
            problems("a", "", &[tags, vec!["t"]].concat(), ""),
            problems("a", "", &[], &e(101)),
        ] {
            assert_eq!(wrong.len(), 1, "{wrong:?}");
        }
        let long = problems(&e(201), "", &[], "");
        assert!(long[0].contains(" 1 to 200 "), "{long:?}");
    }

    #[test]
    fn control_characters_are_named_and_all_at_once() {
        let found = problems("a\nb", "a\0", &["\x1b[2J"], "\u{9b}");
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(found[2].contains(r"'\u{1b}'"), "{found:?}");
        assert_eq!(problems("a", "line\r\n\tline", &[], ""), [""; 0]);
    }

    #[test]
    fn a_title_is_trimmed() {
        let draft = MocDraft::new(" Castle\n", None, &[], None).unwrap();
        assert_eq!(draft.title, "Castle");
        let at_limit = format!("  {}  ", "é".repeat(200));
        assert!(MocDraft::new(&at_limit, None, &[], None).is_ok());
    }
}
