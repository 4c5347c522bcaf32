//! The part that needs Node.js: from an OpenAPI document to TypeScript, and from that to JavaScript.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io};

use crate::error::Error;
use crate::folder;

const PACKAGE: &str = include_str!("../../../tools/sdk/package.json");
const LOCK: &str = include_str!("../../../tools/sdk/package-lock.json");

/// What the client's generator needs.
const OLDEST_NODE: (u32, u32) = (20, 19);

const HOW_TO_GET_IT: &str = "it is needed to generate the TypeScript client\n\
    on Debian: apt-get install nodejs npm; elsewhere: https://nodejs.org/";

/// Ends up in a folder of its own name, once it is whole.
const INSTALLED: &str = "installed.json";

const CONFIG: &str = "export default {
  input: './openapi.json',
  output: { path: './src/generated', importFileExtension: '.js' },
  plugins: ['@hey-api/client-fetch', '@hey-api/typescript', '@hey-api/sdk'],
  logs: { level: 'error', file: false },
};
";
const CONFIG_FILE: &str = "openapi-ts.config.mjs";

/// The programs of `tools/sdk`, in exactly the versions of its lock file.
#[derive(Debug)]
pub(crate) struct Tools {
    folder: PathBuf,
}

impl Tools {
    /// Installs them into a folder, unless they are there. Several may do so at once.
    pub(crate) fn install(folder: &Path) -> Result<Self, Error> {
        check_node()?;
        let tools = Self {
            folder: std::path::absolute(folder)
                .map_err(|error| Error::io("find", folder, error))?,
        };
        if tools.are_there() {
            return Ok(tools);
        }
        let new = folder::beside(&tools.folder)?;
        for (name, text) in [("package.json", PACKAGE), ("package-lock.json", LOCK)] {
            let path = new.path().join(name);
            fs::write(&path, text).map_err(|error| Error::io("write", &path, error))?;
        }
        run(Command::new("npm")
            .args([
                "ci",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
            ])
            .current_dir(new.path()))?;
        let path = new.path().join(INSTALLED);
        fs::write(&path, LOCK).map_err(|error| Error::io("write", &path, error))?;
        folder::swap(new, &tools.folder)?;
        Ok(tools)
    }

    fn are_there(&self) -> bool {
        fs::read(self.folder.join(INSTALLED)).is_ok_and(|installed| installed == LOCK.as_bytes())
    }

    /// Adds the client's sources and what they compile to. The folder holds `openapi.json`,
    /// `tsconfig.json` and the sources that are written by hand.
    pub(crate) fn generate(&self, package: &Path) -> Result<(), Error> {
        let config = package.join(CONFIG_FILE);
        fs::write(&config, CONFIG).map_err(|error| Error::io("write", &config, error))?;
        let client = ["@hey-api/openapi-ts/bin/run.js", "-f", CONFIG_FILE];
        self.node(&client, package)?;
        fs::remove_file(&config).map_err(|error| Error::io("remove", &config, error))?;
        self.node(&["typescript/bin/tsc", "-p", "."], package)
    }

    fn node(&self, [program, arguments @ ..]: &[&str; 3], folder: &Path) -> Result<(), Error> {
        let program = self.folder.join("node_modules").join(program);
        run(Command::new("node")
            .arg(program)
            .args(arguments)
            .current_dir(folder))
    }
}

fn check_node() -> Result<(), Error> {
    let (major, minor) = OLDEST_NODE;
    let wanted = format!("Node.js {major}.{minor} or newer");
    let output = match Command::new("node").arg("--version").output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::Node(format!(
                "there is no `node` here: {wanted}, with npm; {HOW_TO_GET_IT}"
            )));
        }
        other => other.map_err(|error| Error::Node(format!("can't run node: {error}")))?,
    };
    let shown = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let mut numbers = shown
        .trim_start_matches('v')
        .split('.')
        .map(|part| part.parse().ok());
    let version = (numbers.next().flatten(), numbers.next().flatten());
    match version {
        (Some(found_major), Some(found_minor)) if (found_major, found_minor) >= OLDEST_NODE => {
            Ok(())
        }
        _ => Err(Error::Node(format!(
            "this is Node.js {shown}, and {wanted} is needed; {HOW_TO_GET_IT}"
        ))),
    }
}

/// Runs a program; what it says is told only when it fails.
fn run(command: &mut Command) -> Result<(), Error> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                Error::Node(format!("there is no `{name}` here; {HOW_TO_GET_IT}"))
            }
            _ => Error::Node(format!("can't run {name}: {error}")),
        })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(Error::Node(format!(
        "{command:?} failed, {}:\n{}",
        output.status,
        String::from_utf8_lossy(&said).trim()
    )))
}
