//! From a parsed command line to an exit code.

use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::CommandFactory;
use moc_uploads_api::auth::{TokenSpec, mint_token};
use moc_uploads_core::time::{Clock, SystemClock};
use tokio::runtime::Runtime;

use crate::cli::{Cli, Command, ConfigArgs, DoctorArgs, ServeArgs, TokenArgs};
use crate::config::{Config, Purpose, Variables};
use crate::failure::Failure;
use crate::traces::Traces;
use crate::wiring::Database;
use crate::{doctor, logging, report, sdk, serve, upload};

/// Wrong usage or configuration; also clap's.
const MISCONFIGURED: u8 = 2;

/// Threads for blocking file and database work. They wait rather than compute, and syncs are
/// cheaper when many run at once, but each holds a stack and an allocator's arena.
const MAX_BLOCKING_THREADS: usize = 128;

/// After the end blocking work may still take this long.
const RUNTIME_GRACE: Duration = Duration::from_secs(2);

pub(crate) fn run(cli: Cli) -> ExitCode {
    let result = match cli.command.unwrap_or(Command::Serve(ServeArgs::default())) {
        Command::Serve(args) => run_serve(&args),
        Command::Upload(args) => return run_client(upload::run(args)),
        Command::Analytics(args) => return run_client(report::run(args)),
        Command::Migrate => run_migrate(),
        Command::Seed => run_seed(),
        Command::Token(args) => run_token(&args),
        Command::Config(args) => run_config(&args),
        Command::Doctor(args) => return run_doctor(&args),
        Command::Sdk(command) => sdk::run(&command),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "moc-uploads", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    };
    exit_code(result.map(|()| ExitCode::SUCCESS))
}

fn exit_code(result: Result<ExitCode, CommandError>) -> ExitCode {
    result.unwrap_or_else(|error| {
        complain(&error);
        match error {
            CommandError::Misconfigured(_) => ExitCode::from(MISCONFIGURED),
            CommandError::Failed(_) | CommandError::Told(_) => ExitCode::FAILURE,
        }
    })
}

/// Why a command did not do its work.
pub(crate) enum CommandError {
    Misconfigured(String),
    Failed(Failure),
    /// A message of several lines that says itself that it is an error.
    Told(String),
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Misconfigured(problems) => write!(f, "error: {problems}"),
            Self::Failed(failure) => write!(f, "error: {failure}"),
            Self::Told(text) => f.write_str(text),
        }
    }
}

impl From<Failure> for CommandError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

fn run_serve(args: &ServeArgs) -> Result<(), CommandError> {
    let config = configuration(Purpose::Serve)?;
    use_ring();
    let traces = config.traces_endpoint.as_deref().map(Traces::start);
    let traces = traces.transpose()?;
    let _logging = logging::start(&config, traces.as_ref());
    let runtime = runtime()?;
    let result = runtime.block_on(serve::serve(config, args));
    runtime.shutdown_timeout(RUNTIME_GRACE);
    Ok(result?)
}

/// What speaks to a server.
fn run_client(work: impl Future<Output = ExitCode>) -> ExitCode {
    use_ring();
    match runtime() {
        Ok(runtime) => {
            let code = runtime.block_on(work);
            runtime.shutdown_timeout(RUNTIME_GRACE);
            code
        }
        Err(failure) => {
            complain(&CommandError::from(failure));
            ExitCode::FAILURE
        }
    }
}

fn run_migrate() -> Result<(), CommandError> {
    let config = configuration(Purpose::Command)?;
    let _logging = logging::start(&config, None);
    runtime()?.block_on(async {
        let database = Database::open(&config).await?;
        database.migrate().await?;
        database.close().await;
        Ok::<_, Failure>(())
    })?;
    print(&format!(
        "The schema of {} is up to date.\n",
        config.database
    ))
}

fn run_seed() -> Result<(), CommandError> {
    let config = configuration(Purpose::Command)?;
    if config.is_production {
        return Err(CommandError::Misconfigured(format!(
            "STAGE={}: example rows are refused in production",
            config.stage
        )));
    }
    let _logging = logging::start(&config, None);
    runtime()?.block_on(async {
        let database = Database::open(&config).await?;
        database.migrate().await?;
        database.seed().await?;
        database.close().await;
        Ok::<_, Failure>(())
    })?;
    print(&format!("The example rows are in {}.\n", config.database))
}

fn run_token(args: &TokenArgs) -> Result<(), CommandError> {
    let config = configuration(Purpose::Command)?;
    let Some(secret) = &config.jwt_secret else {
        return Err(CommandError::Misconfigured(
            "AUTH_JWT_SECRET is not set: it signs the token, and must be the server's".to_owned(),
        ));
    };
    let now = SystemClock.now();
    let spec = TokenSpec {
        sub: args.sub.clone(),
        roles: args.roles.clone(),
        issuer: config.auth.issuer.clone(),
        audience: config.auth.audience.clone(),
        issued_at: now,
        expires_at: now + args.expires_in,
    };
    let token = mint_token(secret, &spec).map_err(|error| Failure::new("no token", error))?;
    print(&format!("{token}\n"))
}

fn run_config(args: &ConfigArgs) -> Result<(), CommandError> {
    let config = configuration(Purpose::Serve)?;
    if args.json {
        let json = config
            .to_json()
            .map_err(|error| Failure::new("can't show the settings", error))?;
        print(&format!("{json}\n"))
    } else {
        print(&config.to_table())
    }
}

fn run_doctor(args: &DoctorArgs) -> ExitCode {
    let examined = configuration(Purpose::Serve).and_then(|config| {
        use_ring();
        let _logging = logging::start(&config, None);
        let report = runtime()?.block_on(doctor::examine(&config));
        if args.json {
            print(&format!("{:#}\n", report.to_json()))?;
        } else {
            print(&report.to_text())?;
        }
        Ok(if report.is_ok() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    });
    exit_code(examined)
}

fn configuration(purpose: Purpose) -> Result<Config, CommandError> {
    Config::from_variables(&environment(), purpose)
        .map_err(|problems| CommandError::Misconfigured(problems.to_string()))
}

/// The environment. What is no UTF-8 is marked by replacement characters, which the configuration
/// refuses.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place where the environment is read"
)]
fn environment() -> Variables {
    std::env::vars_os()
        .map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        })
        .collect()
}

fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .enable_all()
        .build()
        .map_err(|error| Failure::new("can't start", error))
}

/// The one TLS implementation. Fails only when it is chosen already.
fn use_ring() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// To standard output, which may be closed early (`moc-uploads config | head -1`).
pub(crate) fn print(text: &str) -> Result<(), CommandError> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new("can't write to standard output", error).into())
        }
        _ => Ok(()),
    }
}

fn complain(error: &CommandError) {
    // There is nobody left to tell when this fails.
    let _ = writeln!(io::stderr(), "{error}");
}
