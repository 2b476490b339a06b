//! A configuration's values in the place of the command line's own defaults.
//!
//! The arguments are read twice: once to learn which context is meant, and again with what it says as defaults. So a flag
//! comes before the environment, that before the context, that before `[defaults]`, and that before what is built in.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{StringValueParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};
use skew_proto::text;

use super::Cli;
use crate::config::{Config, Place, Settings};

/// Commands that work without a configuration, or on it.
const WITHOUT: [&str; 3] = ["config", "completions", "man"];

/// Options of one site, by their headings in `--help`: they do not follow to another one.
const OF_A_SITE: [&str; 2] = ["Site", "Credentials"];

/// Characters of an argument that are told in an error.
const TOLD: usize = 60;

/// The contexts that there are, and what of the command line holds for all of them.
#[derive(Debug, Clone, Default)]
pub struct Contexts {
    /// The configuration.
    pub config: Config,
    /// The file that it stands in, or would.
    pub file: Option<PathBuf>,
    carried: Vec<OsString>,
}

/// Reads arguments, with the configuration that they name or the usual one.
pub(super) fn read(
    arguments: &[OsString],
    usual: &dyn Fn(Option<&std::path::Path>) -> Place,
) -> Result<Cli, clap::Error> {
    let command = Cli::command();
    let first = command.clone().try_get_matches_from(arguments)?;
    let place = usual(first.get_one::<PathBuf>("config").map(PathBuf::as_path));
    let config = match first.subcommand_name() {
        Some(name) if WITHOUT.contains(&name) => Config::default(),
        _ => Config::load(&place, &command)
            .map_err(|error| clap::Error::raw(ErrorKind::InvalidValue, format!("{error}\n")))?,
    };
    with(arguments, &first, Contexts { config, file: place.path().map(PathBuf::from), carried: carried(&first) })
}

impl Contexts {
    /// The command line as it would be for a context: what was said of the site and its credentials is left out.
    ///
    /// # Errors
    ///
    /// When there is no such context, or it can't be used.
    pub fn open(&self, name: &str) -> Result<Cli, clap::Error> {
        let mut arguments = vec![OsString::from("skew-tui")];
        arguments.extend(self.carried.iter().cloned());
        arguments.push(name.into());
        let first = Cli::command().try_get_matches_from(&arguments)?;
        with(&arguments, &first, self.clone())
    }
}

fn with(arguments: &[OsString], first: &ArgMatches, contexts: Contexts) -> Result<Cli, clap::Error> {
    let site = site(first);
    let named = site.filter(|site| !site.contains("://"));
    let context = named.or_else(|| first.get_one::<String>("context"));
    let defaults = &contexts.config.defaults;
    let settings = match context {
        Some(name) => contexts.config.contexts.get(name).ok_or_else(|| unknown(name, &contexts))?.over(defaults),
        None => defaults.clone(),
    };
    let mut command = settings.apply(Cli::command(), &|name| std::env::var_os(name).is_some());
    if let Some(name) = context {
        command = command.mut_arg("context", |argument| argument.default_value(name.clone()));
        if named.is_some() || site.is_none() {
            command = sites(command, first.subcommand_name(), name, &settings);
        }
    }
    let matches = command.try_get_matches_from(arguments)?;
    Ok(Cli { contexts, ..Cli::from_arg_matches(&matches)? })
}

/// The site that is asked for, as it was written: a URL or a context's name.
fn site(matches: &ArgMatches) -> Option<&String> {
    let innermost = matches.subcommand().map_or(matches, |(_, inner)| inner);
    innermost.try_get_one::<String>("url").ok().flatten()
}

/// Puts a context's sites where its name stands, or where no site is named, in the command that is asked for.
fn sites(command: Command, asked: Option<&str>, name: &str, settings: &Settings) -> Command {
    let Some((url, others)) = settings.urls.split_first() else { return command };
    let command = match others {
        [] => command,
        others => command.mut_arg("targets", |argument| argument.default_values(others.to_vec())),
    };
    let place = |argument: Arg| {
        if argument.get_id() != "url" {
            return argument;
        }
        let (name, meant) = (name.to_owned(), url.clone());
        let argument = argument.value_parser(
            StringValueParser::new().map(move |written| if written == name { meant.clone() } else { written }),
        );
        if argument.is_required_set() { argument } else { argument.default_value(url.clone()) }
    };
    // All at once: `mut_arg` would put the URL behind what comes after it.
    match asked {
        Some(asked) => command.mut_subcommand(asked, |command| command.mut_args(place)),
        None => command.mut_args(place),
    }
}

fn unknown(name: &str, contexts: &Contexts) -> clap::Error {
    let written = text::cut(name, TOLD);
    let known: Vec<&str> = contexts.config.contexts.keys().map(String::as_str).collect();
    let known = match (known.as_slice(), &contexts.file) {
        ([], Some(path)) => format!("{} names none; `skew-tui config init` writes an example", path.display()),
        ([], None) => "there are none".to_owned(),
        (known, _) => format!("there are {}", known.join(", ")),
    };
    let message = format!("no context is called {written}: {known}. A URL begins with https://\n");
    clap::Error::raw(ErrorKind::InvalidValue, message)
}

/// The flags that hold whatever the site is, to be given again.
fn carried(matches: &ArgMatches) -> Vec<OsString> {
    let command = Cli::command();
    let held = command.get_arguments().filter(|option| {
        option.is_global_set()
            && option.get_id() != "context"
            && !option.get_help_heading().is_some_and(|heading| OF_A_SITE.contains(&heading))
            && matches.value_source(option.get_id().as_str()) == Some(ValueSource::CommandLine)
    });
    let mut carried = Vec::new();
    for option in held {
        let Some(long) = option.get_long() else { continue };
        if matches!(option.get_action(), ArgAction::SetTrue) {
            carried.push(format!("--{long}").into());
            continue;
        }
        for value in matches.get_raw(option.get_id().as_str()).into_iter().flatten() {
            let mut argument = OsString::from(format!("--{long}="));
            argument.push(value);
            carried.push(argument);
        }
    }
    carried
}

#[cfg(test)]
mod tests;
