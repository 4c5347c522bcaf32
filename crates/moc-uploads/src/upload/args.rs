//! The command line of `moc-uploads upload`.

use std::path::PathBuf;

use moc_uploads_core::file::Category;

use super::draft::MocDraft;
use super::error::Error;

/// What a script needs to know, below the options of `--help`.
pub(crate) const AFTER_HELP: &str = "\
Categories are guessed from the type: a PDF is an instruction; csv, txt, json, xml, xls and xlsx are
parts lists; jpg, png, webp, heic and heif are images. At least one file must be an instruction.

Interrupted (Ctrl-C, a lost network, a stopped server)? The same command with --resume goes on where
it was and sends only what is missing.

Exit status:
    0  the MOC was created
    1  the MOC was created, but the result could not be written
    2  wrong usage, or a file that can't be read or uploaded
    3  the server refused; the message says why
    4  not authorised: no token, or not a valid one
    5  the server can't be reached or keeps failing; --resume goes on
    6  a file was uploaded before (see --allow-duplicates)
    7  the daily limit is reached; the message says until when
  130  interrupted; --resume goes on";

/// What `moc-uploads upload` takes.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct UploadArgs {
    /// The files to upload, at least one PDF among them
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// The title of the MOC, 1 to 200 characters
    #[arg(long)]
    pub(crate) title: String,

    /// What the MOC is, up to 5000 characters
    #[arg(long)]
    pub(crate) description: Option<String>,

    /// A tag, up to 50 characters; repeat it for more, at most 20
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,

    /// The theme, up to 100 characters
    #[arg(long)]
    pub(crate) theme: Option<String>,

    /// Use a file for something else than its type suggests, as in front.jpg=thumbnail: one of
    /// instruction, parts-list, image, thumbnail; can be repeated
    #[arg(long = "category", value_name = "FILE=CATEGORY", value_parser = category)]
    pub(crate) categories: Vec<(PathBuf, Category)>,

    /// Where the server is
    #[arg(
        long,
        value_name = "URL",
        env = "MOC_UPLOADS_URL",
        hide_env_values = true,
        default_value = "http://127.0.0.1:3000"
    )]
    pub(crate) server: String,

    /// The bearer token to show; a development server needs none. Better given in the environment,
    /// where other users of the machine can't read it
    #[arg(long, env = "MOC_UPLOADS_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,

    /// Go on with an interrupted upload of the same files; without one, start as usual
    #[arg(long)]
    pub(crate) resume: bool,

    /// Upload files even though you have uploaded the same ones before
    #[arg(long)]
    pub(crate) allow_duplicates: bool,

    /// How many parts to send at once, over all files
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) concurrency: u16,

    /// How often to try a request again before giving up; the default is about two minutes
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) retries: u16,

    /// Write events and the result as JSON, one object per line, to standard output
    #[arg(long, conflicts_with = "quiet")]
    pub(crate) json: bool,

    /// Show no progress, only the result
    #[arg(long, short)]
    pub(crate) quiet: bool,

    /// Where to remember interrupted uploads [default: the user's state folder, usually
    /// ~/.local/state/moc-uploads]
    #[arg(long, value_name = "DIR", env = "MOC_UPLOADS_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

impl UploadArgs {
    /// What finalize is asked for.
    ///
    /// # Errors
    /// As [`MocDraft::new`].
    pub(crate) fn draft(&self) -> Result<MocDraft, Error> {
        MocDraft::new(
            &self.title,
            self.description.as_deref(),
            &self.tags,
            self.theme.as_deref(),
        )
    }
}

fn category(value: &str) -> Result<(PathBuf, Category), String> {
    let (file, name) = value
        .rsplit_once('=')
        .ok_or("FILE=CATEGORY, as in front.jpg=thumbnail")?;
    let category = name
        .parse()
        .map_err(|_| format!("{name:?} is none of {}", names()))?;
    Ok((file.into(), category))
}

fn names() -> String {
    Category::ALL.map(Category::as_str).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        upload: UploadArgs,
    }

    fn parse(more: &[&str]) -> Result<UploadArgs, clap::Error> {
        let base = ["upload", "a.pdf", "--title", "Castle"];
        Cli::try_parse_from(base.iter().chain(more)).map(|cli| cli.upload)
    }

    #[test]
    fn categories_are_split_at_the_last_equals_sign() {
        let args = parse(&["--category", "a=b.jpg=thumbnail"]).unwrap();
        assert_eq!(
            args.categories,
            [(PathBuf::from("a=b.jpg"), Category::Thumbnail)]
        );
        let error = parse(&["--category", "a.jpg=poster"]).unwrap_err();
        assert!(error.to_string().contains("thumbnail"), "{error}");
        assert!(parse(&["--category", "a.jpg"]).is_err());
    }
}
