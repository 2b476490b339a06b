//! The configuration: writing an example of it, checking it, saying where it is.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;

use super::stop::Stop;
use crate::cli::{Cli, ConfigTask, Options};
use crate::config::{self, Config, Place, Problem};

/// The example that `config init` writes.
const EXAMPLE: &str = include_str!("../config/example.toml");

/// Carries a task out.
pub(super) fn run(task: ConfigTask, options: &Options) -> Result<(), Stop> {
    let place = Place::of(options.config.as_deref());
    let Some(path) = place.path() else {
        return Err(Stop::Failed("there is no home folder; name a file with --config FILE".to_owned()));
    };
    match task {
        ConfigTask::Path => say(&path.display().to_string()),
        ConfigTask::Init => init(path),
        ConfigTask::Check => check(&Place::Named(path.to_owned()), path),
    }
}

fn init(path: &Path) -> Result<(), Stop> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => format!("{} exists already, and stays as it is", path.display()),
        _ => format!("{} can't be written: {error}", path.display()),
    };
    write(path).map_err(|error| Stop::Failed(failed(error)))?;
    say(&format!("{} is written: put your sites into it, then try `skew-tui config check`", path.display()))
}

/// Writes the example for its owner alone: it tells of sites and of where secrets are.
fn write(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(EXAMPLE.as_bytes())
}

/// Tells all that is wrong: in the file, with its sites, and with the files that it names.
fn check(place: &Place, path: &Path) -> Result<(), Stop> {
    let command = Cli::command();
    let config = Config::load(place, &command).map_err(|error| Stop::Usage(error.to_string()))?;
    let problems = config::check(&config, &command);
    if problems.is_empty() {
        let contexts = match config.contexts.len() {
            1 => "1 context".to_owned(),
            number => format!("{number} contexts"),
        };
        return say(&format!("{}: {contexts}, no problems", path.display()));
    }
    let told: Vec<String> = problems.iter().map(|problem: &Problem| problem.at(path)).collect();
    Err(Stop::Failed(told.join("\n")))
}

fn say(line: &str) -> Result<(), Stop> {
    match writeln!(io::stdout().lock(), "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Stop::Failed(error.to_string())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::setting;

    #[test]
    fn the_example_can_be_used_and_every_line_that_is_commented_out_too() {
        let path = Path::new("/etc/skew/config.toml");
        assert!(Config::read(path, EXAMPLE, &Cli::command()).is_ok());
        let all = everything();
        let config = Config::read(path, &all, &Cli::command()).unwrap_or_else(|error| panic!("{error}\n{all}"));
        assert_eq!(config.contexts.len(), 2);
    }

    #[test]
    fn the_example_names_what_a_context_is_made_of_and_nothing_that_is_gone() {
        let all = everything();
        let command = Cli::command();
        let named = |name: &str| all.lines().any(|line| line.starts_with(&format!("{name} = ")));
        let headings = [Some("Site"), Some("Credentials")];
        let site = setting::options(&command).filter(|option| headings.contains(&option.get_help_heading()));
        let words = ["theme", "tint", "readonly", "ascii", "color", "log", "log_file", "count_watchers", "interval"];
        let missing: Vec<String> = site
            .map(setting::name)
            .chain(words.map(str::to_owned))
            // `target` is told as several URLs; plain http with secrets is nothing to begin with.
            .filter(|name| !["target", "insecure_http", "cookie_file", "header_file"].contains(&name.as_str()))
            .filter(|name| !named(name))
            .collect();
        assert_eq!(missing, Vec::<String>::new());
    }

    /// The example with its commented settings as settings.
    fn everything() -> String {
        let setting = |line: &str| {
            line.strip_prefix("# ")
                .filter(|rest| {
                    rest.split_once(" = ")
                        .is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
                })
                .map(str::to_owned)
        };
        EXAMPLE.lines().map(|line| setting(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
    }

    #[cfg(unix)]
    #[test]
    fn the_example_is_written_once_and_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("skew").join("config.toml");
        write(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "mine").unwrap();
        assert_eq!(write(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }
}
