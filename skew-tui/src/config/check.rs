//! What is wrong with a configuration beyond its text: sites that are none, files that are not there.

use std::fs::File;

use clap::{Command, FromArgMatches};

use super::{Config, Problem, Settings};
use crate::cli::Options;

/// Problems of the defaults and of each context.
pub(crate) fn check(config: &Config, command: &Command) -> Vec<Problem> {
    let mut problems = files("[defaults]", &config.defaults, command);
    for (name, context) in &config.contexts {
        let name = format!("[contexts.{name}]");
        let missing = files(&name, context, command);
        // What can't be read has been told, and nothing more can be said of it.
        if missing.is_empty() && files("", &config.defaults, command).is_empty() {
            problems.extend(sites(context, config, command).err().map(|reason| problem(&name, &reason)));
        }
        problems.extend(missing);
    }
    problems
}

fn problem(place: &str, reason: &str) -> Problem {
    Problem { line: None, text: format!("{place} {}", skew_proto::text::clean(reason)) }
}

/// The files that are named and can't be read.
fn files(place: &str, settings: &Settings, command: &Command) -> Vec<Problem> {
    let named = settings.files(command).into_iter();
    // The program writes these.
    let read = named.filter(|(id, _)| !matches!(id.as_str(), "log_file" | "audit_file"));
    let failed = read.filter_map(|(id, path)| {
        let error = File::open(&path)
            .and_then(|file| file.metadata())
            .map_or_else(Some, |found| found.is_dir().then(|| std::io::Error::other("it is a folder")))?;
        Some(problem(place, &format!("{id}: {} can't be read: {error}", path.display())))
    });
    failed.collect()
}

/// The sites with their credentials, checked as they would be for use.
fn sites(context: &Settings, config: &Config, command: &Command) -> Result<(), String> {
    let command = context.over(&config.defaults).apply(command.clone(), &|_| false);
    // Neither this process's arguments nor its environment have a say.
    let command = command.mut_args(|option| option.env(None::<&str>).required(false)).arg_required_else_help(false);
    let matches = command.try_get_matches_from(["skew-tui"]).map_err(|error| error.to_string())?;
    let mut options = Options::from_arg_matches(&matches).map_err(|error| error.to_string())?;
    if let Some((url, others)) = context.urls.split_first() {
        options.targets = others.to_vec();
        options.targets(Some(url)).map_err(|error| error.to_string())?;
    }
    Ok(())
}
