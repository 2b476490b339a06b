//! What the program does: each command, from checked arguments to its exit code.

mod config;
mod dashboard;
mod doctor;
mod invalidate;
mod logging;
mod look;
mod manual;
mod messages;
mod plain;
mod signals;
mod stats;
mod stop;
mod stream;
mod wait;
mod watch;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::cli::{Cli, Command, Options};
use crate::demo::Demo;
use crate::output::Voice;
use crate::state::site::Watchers;
use crate::target::Targets;
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
    match (&cli.command, &cli.url) {
        (Some(Command::Messages { url }), _) => {
            logging::start(options, voice)?;
            signals::until_interrupted(messages::run(&options.targets(url.as_deref())?, voice)).await
        }
        (Some(Command::Stats { url }), _) => {
            logging::start(options, voice)?;
            signals::until_interrupted(stats::run(&options.targets(url.as_deref())?, options)).await
        }
        (Some(Command::Wait(args)), _) => {
            logging::start(options, voice)?;
            wait::run(&options.targets(args.url.as_deref())?, args, options, voice).await
        }
        (Some(Command::Invalidate { url, route, kind, dry_run, yes }), _) => {
            logging::start(options, voice)?;
            let request = invalidate::Request { route, kind: *kind, dry_run: *dry_run, yes: *yes };
            let targets = options.targets(Some(url))?;
            signals::until_interrupted(invalidate::run(Arc::clone(targets.first()), &request, options, voice)).await
        }
        (Some(Command::Doctor { url }), _) => {
            logging::start(options, voice)?;
            signals::until_interrupted(doctor::run(&options.targets(url.as_deref())?, options)).await
        }
        (Some(Command::Demo { connections }), _) => {
            let demo = Demo::start(*connections).await.map_err(|error| Stop::Failed(error.to_string()))?;
            watch(Arc::new(demo.target(options.transport)?).into(), cli, voice).await
        }
        (Some(Command::Config { task }), _) => config::run(*task, options),
        (Some(Command::Completions { shell }), _) => manual::completions(*shell),
        (Some(Command::Man { dir }), _) => manual::man(dir.as_deref()),
        (None, url) => watch(options.targets(url.as_deref())?, cli, voice).await,
    }
}

/// The dashboard, or the same as lines of JSON or of text.
async fn watch(targets: Targets, cli: &Cli, voice: Voice) -> Result<(), Stop> {
    let options = &cli.options;
    let has_keys = std::io::stdin().is_terminal();
    if options.json || !look::can_draw(options) || !has_keys {
        logging::start(options, voice)?;
        return match options.json {
            true => stream::run(&targets, options, voice).await,
            false => plain::run(&targets, options).await,
        };
    }
    if options.log_file.is_some() {
        logging::start(options, voice)?;
    }
    dashboard::run(targets, options, &cli.contexts).await
}

/// Whether watchers count, by the options.
fn watchers(options: &Options) -> Watchers {
    if options.count_watchers { Watchers::Counted } else { Watchers::LeftOut }
}
