//! What the program does: each command, from checked arguments to its exit code.

mod audit;
mod config;
mod confirm;
mod dashboard;
mod doctor;
mod invalidate;
mod logging;
mod look;
mod manual;
mod message;
mod messages;
mod origin;
mod plain;
mod record;
mod release;
mod signals;
mod stats;
mod stop;
mod stream;
mod typed;
mod users;
mod wait;
mod watch;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::audit::Audit;
use crate::cli::{Cli, Command, Options};
use crate::demo::Demo;
use crate::output::Voice;
use crate::recording::{Addresses, Overwrite, Settings, Users};
use crate::state::site::Watchers;
use origin::Origin;
use stop::Stop;

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let cli = match Cli::read(arguments.iter().cloned()) {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(refuse(&error, arguments.iter().any(|argument| argument == "--json"))),
    };
    let voice = if cli.options.json { Voice::Json } else { Voice::Text };
    let stop = match Runtime::new() {
        Ok(runtime) => {
            let done = runtime.block_on(run(&cli, voice));
            // A write that nobody reads must not hold the program back.
            runtime.shutdown_background();
            done.err()
        }
        Err(error) => Some(Stop::Failed(format!("the program can't start: {error}"))),
    };
    let Some(stop) = stop else { return ExitCode::SUCCESS };
    if let Some(message) = stop.message() {
        voice.error(message, stop.code());
    }
    ExitCode::from(stop.code())
}

/// Prints what clap has to say: an error, or the help that was asked for.
fn refuse(error: &clap::Error, json: bool) -> u8 {
    let code = u8::try_from(error.exit_code()).unwrap_or(2);
    if json && error.use_stderr() {
        let text = error.to_string();
        Voice::Json.error(text.trim_start_matches("error: ").trim_end(), code);
    } else {
        // A closed pipe is no error.
        let _ = error.print();
    }
    code
}

async fn run(cli: &Cli, voice: Voice) -> Result<(), Stop> {
    let options = &cli.options;
    if options.replay.is_some() && cli.command.as_ref().is_some_and(|command| !command.reads_recordings()) {
        return Err(Stop::Usage("--replay is for the dashboard, --json, stats, wait and messages".to_owned()));
    }
    match (&cli.command, &cli.url) {
        (Some(Command::Messages { url, events }), _) => {
            logging::start(options, voice)?;
            let origin = Origin::of(options, url.as_deref())?;
            signals::until_interrupted(messages::run(&origin, events.asked(), voice)).await
        }
        (Some(Command::Stats { url }), _) => {
            logging::start(options, voice)?;
            signals::until_interrupted(stats::run(&Origin::of(options, url.as_deref())?, options)).await
        }
        (Some(Command::Wait(args)), _) => {
            logging::start(options, voice)?;
            wait::run(&Origin::of(options, args.url.as_deref())?, args, options, voice).await
        }
        (Some(Command::Message(args)), _) => {
            logging::start(options, voice)?;
            let targets = options.targets(Some(&args.url))?;
            signals::until_interrupted(message::run(&targets, args, options)).await
        }
        (Some(Command::Users { url }), _) => {
            logging::start(options, voice)?;
            signals::until_interrupted(users::run(&options.targets(Some(url))?, options, voice)).await
        }
        (Some(Command::Invalidate { url, route, user, kind, dry_run, yes }), _) => {
            logging::start(options, voice)?;
            let user = user.as_deref().map(typed::text).transpose()?;
            let subject = match &user {
                Some(id) => invalidate::Subject::User(id),
                None => invalidate::Subject::Route { pattern: route.as_deref().unwrap_or_default(), kind: *kind },
            };
            let request = invalidate::Request { subject, dry_run: *dry_run, yes: *yes };
            invalidate::run(&options.targets(Some(url))?, &request, options, voice).await
        }
        (Some(Command::Doctor { url }), _) => {
            logging::start(options, voice)?;
            signals::until_interrupted(doctor::run(&options.targets(url.as_deref())?, options)).await
        }
        (Some(Command::Record { url, file, force, lasting, every, mask, users }), _) => {
            logging::start(options, voice)?;
            let origin = Origin::Live(options.targets(Some(url))?);
            let settings = Settings {
                site: origin.label(),
                targets: origin.labels(),
                addresses: if *mask { Addresses::Masked } else { Addresses::Kept },
                users: if *users { Users::Kept } else { Users::Hidden },
                interval_ms: u64::try_from(every.as_millis()).unwrap_or(u64::MAX),
                overwrite: if *force { Overwrite::Regular } else { Overwrite::Never },
            };
            let request = record::Request { file: file.clone(), lasting: *lasting, settings };
            record::run(&origin, request, voice).await
        }
        (Some(Command::Replay { file, speed }), _) => watch(Origin::recorded(file)?, cli, voice, *speed).await,
        (Some(Command::Release { url, version, yes }), _) => {
            logging::start(options, voice)?;
            signals::until_interrupted(release::run(&options.targets(Some(url))?, version, *yes, options)).await
        }
        (Some(Command::Audit { site, last }), _) => audit::run(site.as_deref(), *last, options, voice).await,
        (Some(Command::Demo { connections }), _) => {
            let demo = Demo::start(*connections).await.map_err(|error| Stop::Failed(error.to_string()))?;
            let target = Arc::new(demo.target(options.transport)?);
            watch(Origin::Live(target.into()), cli, voice, PACE).await
        }
        (Some(Command::Config { task }), _) => config::run(*task, options),
        (Some(Command::Completions { shell }), _) => manual::completions(*shell),
        (Some(Command::Man { dir }), _) => manual::man(dir.as_deref()),
        (None, url) => watch(Origin::of(options, url.as_deref())?, cli, voice, PACE).await,
    }
}

/// How fast a recording is played, where nothing is said.
const PACE: f64 = 1.0;

/// The dashboard, or the same as lines of JSON or of text. A recording is played at `speed` in the one, and read at once for the
/// others.
async fn watch(origin: Origin, cli: &Cli, voice: Voice, speed: f64) -> Result<(), Stop> {
    let options = &cli.options;
    let has_keys = std::io::stdin().is_terminal();
    if options.json || !look::can_draw(options) || !has_keys {
        logging::start(options, voice)?;
        return match options.json {
            true => stream::run(&origin, options, voice).await,
            false => plain::run(&origin, options).await,
        };
    }
    if options.log_file.is_some() {
        logging::start(options, voice)?;
    }
    // A demo reaches nobody: there is nothing to write down.
    let audit = if matches!(cli.command, Some(Command::Demo { .. })) { Audit::Off } else { options.audit() };
    dashboard::run(origin, options, &cli.contexts, audit, speed).await
}

/// Whether watchers count, by the options.
fn watchers(options: &Options) -> Watchers {
    if options.count_watchers { Watchers::Counted } else { Watchers::LeftOut }
}
