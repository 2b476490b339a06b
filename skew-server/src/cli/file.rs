//! The configuration file: what options are where neither the command line nor the environment says it. Every option may stand in
//! it, by its long name with `_`, and is held to the command line's own rules.
//!
//! It holds no secrets, only the names of files that do.

mod option;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::Command;
use skew_proto::text;
use toml::de::{DeTable, DeValue};

use super::try_alone;

/// Options that name a file, and the variables that hold what would stand in it. The environment comes before the file in either
/// form.
const IN_THE_ENVIRONMENT: [(&str, &str); 6] = [
    ("admin_secret_file", "SKEW_ADMIN_SECRET"),
    ("stats_secret_file", "SKEW_STATS_SECRET"),
    ("nuxt_session_password_file", "NUXT_SESSION_PASSWORD"),
    ("user_hash_key_file", "SKEW_USER_HASH_KEY"),
    ("webhook_secret_file", "SKEW_WEBHOOK_SECRET"),
    ("redis_password_file", "SKEW_REDIS_PASSWORD"),
];

/// The values of a file, by the ids that the command line has for its options.
#[derive(Debug, Default)]
pub(super) struct File {
    settings: BTreeMap<String, Setting>,
}

/// An option that stands in a file.
#[derive(Debug)]
struct Setting {
    /// From 1.
    line: usize,
    values: Vec<OsString>,
    /// The same as one would write it on the command line.
    arguments: Vec<OsString>,
}

/// What is wrong, with the line, from 1, where there is one. Cleaned.
type Problem = (Option<usize>, String);

/// A file that can't be used, and all that is wrong with it.
#[derive(Debug, thiserror::Error)]
pub(crate) struct FileError {
    path: PathBuf,
    problems: Vec<Problem>,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (line, problem)) in self.problems.iter().enumerate() {
            let (end, path) = (if at > 0 { "\n" } else { "" }, self.path.display());
            match line {
                Some(line) => write!(f, "{end}{path}:{line}: {problem}")?,
                None => write!(f, "{end}{path}: {problem}")?,
            }
        }
        Ok(())
    }
}

impl File {
    /// Reads a file. What is relative in it is so to its folder.
    pub(super) fn read(path: &Path, command: &Command) -> Result<Self, FileError> {
        let failed = |problems| FileError { path: path.to_owned(), problems };
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| failed(vec![(None, format!("the configuration can't be read: {error}"))]))?;
        let (file, problems) = Self::parse(&text, path.parent().unwrap_or(Path::new("")), command);
        if problems.is_empty() { Ok(file) } else { Err(failed(problems)) }
    }

    fn parse(text: &str, folder: &Path, command: &Command) -> (Self, Vec<Problem>) {
        let mut file = Self::default();
        let mut problems = Vec::new();
        let line = |place: Range<usize>| {
            let before = text.get(..place.start).unwrap_or_default();
            before.bytes().filter(|byte| *byte == b'\n').count() + 1
        };
        match DeTable::parse(text) {
            Ok(table) => {
                for (name, value) in table.get_ref() {
                    let is_table = matches!(value.get_ref(), DeValue::Table(_));
                    let line = line(if is_table { name.span() } else { value.span() });
                    let read = option::find(name.get_ref(), command).and_then(|option| {
                        let values = option::values(option, value.get_ref(), folder)?;
                        let arguments = option::arguments(option, &values);
                        file.settings.insert(option.get_id().to_string(), Setting { line, values, arguments });
                        Ok(())
                    });
                    problems.extend(read.err().map(|problem| (Some(line), problem)));
                }
                problems.extend(file.refusals());
            }
            Err(error) => problems.push((Some(line(error.span().unwrap_or_default())), error.message().to_owned())),
        }
        problems.sort_by_key(|(line, _)| *line);
        let clean = |(line, problem): Problem| (line, text::clean(&problem).into_owned());
        (file, problems.into_iter().map(clean).collect())
    }

    /// What the command line would not take. A setting is blamed for what is wrong with all of them where the same is wrong with it
    /// alone; another may only wait for one of the command line's or the environment's.
    fn refusals(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut rest: Vec<&Setting> = self.settings.values().collect();
        while let Err(error) = try_alone(rest.iter().flat_map(|setting| setting.arguments.clone())) {
            let reason = error.to_string();
            // Such as a secret in the environment, which will be told of without the file.
            if try_alone([]).is_err_and(|without| without.to_string() == reason) {
                break;
            }
            let is_blamed = |setting: &&Setting| {
                try_alone(setting.arguments.clone()).is_err_and(|alone| alone.to_string() == reason)
            };
            match rest.iter().position(is_blamed) {
                Some(at) => problems.push((Some(rest.remove(at).line), reason)),
                None if error.is_conflict() => {
                    problems.push((None, reason));
                    break;
                }
                None => break,
            }
        }
        problems
    }

    /// Makes the values the defaults of a command line, so that flags and the environment come before them.
    pub(super) fn apply(&self, command: Command) -> Command {
        let held = |id: &str| {
            let variable = IN_THE_ENVIRONMENT.iter().find(|(file, _)| *file == id).map(|(_, variable)| variable);
            variable.is_some_and(|variable| std::env::var_os(variable).is_some())
        };
        // A build of the file's is as good as one of the command line's.
        let command = if ["build_id", "manifest"].iter().any(|id| self.settings.contains_key(*id)) {
            command.mut_group("build", |build| build.required(false))
        } else {
            command
        };
        // All at once: `mut_arg` would put the one at the end.
        command.mut_args(|option| match self.settings.get(option.get_id().as_str()) {
            Some(Setting { values, .. }) if !held(option.get_id().as_str()) => option.default_values(values.clone()),
            _ => option,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::super::Args;
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let (_, problems) = File::parse(text, Path::new("/etc/skew"), &Args::command());
        problems.into_iter().map(|(line, problem)| format!("{}: {problem}", line.unwrap())).collect()
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_with_its_line() {
        let text = "listen = 4400\nrout_tracking = true\nstats_interval = \"often\"\nip_tracking = \"yes\"\n\
                    base_path = \"skew\"\n[admin]\nx = 1\n";
        let told = problems(text);
        let begins = [
            "2: no option is called `rout_tracking`; did you mean `route_tracking`?",
            "3: invalid value 'often' for '--stats-interval <TIME>'",
            "4: ip_tracking is true or false",
            "5: the base path \"skew\" must begin with /",
            "6: no option is called `admin`",
        ];
        assert_eq!(told.len(), begins.len(), "{told:#?}");
        for (told, begin) in told.iter().zip(begins) {
            assert!(told.starts_with(begin), "{told}");
        }
        assert!(told[1].contains("100ms"), "{}", told[1]);
        let broken = problems("route_tracking = true\nlisten = \n");
        assert!(broken.len() == 1 && broken[0].starts_with("2: "), "{broken:?}");
    }

    #[test]
    fn what_needs_another_option_may_wait_for_the_command_line() {
        assert_eq!(problems("jwt_admin = \"groups=ops\"\n"), [""; 0]);
        let told = problems("jwt_admin = \"groups=ops\"\nbase_path = \"skew\"\n");
        assert!(told.len() == 1 && told[0].starts_with("2: the base path"), "{told:?}");
    }

    #[test]
    fn options_that_exclude_each_other_are_refused() {
        let text = "jwt_key_file = \"k\"\njwt_jwks_url = \"https://example.com/keys\"\n";
        let (_, problems) = File::parse(text, Path::new("/nowhere"), &Args::command());
        assert!(problems.len() == 1 && problems[0].1.contains("cannot be used with"), "{problems:?}");
    }

    #[test]
    fn a_secret_in_the_file_is_refused_without_being_shown() {
        for name in ["admin_secret", "stats_secret", "nuxt_session_password"] {
            let told = problems(&format!("{name} = \"adm1n\""));
            assert!(told[0].contains(&format!("{name}_file")) && !told[0].contains("adm1n"), "{told:?}");
        }
    }

    #[test]
    fn where_an_error_tells_of_the_file_it_can_not_be_forged_by_it() {
        let told = problems("\"a\\n\\u001b[2J\\u202e\" = 1");
        assert!(told.len() == 1 && !told[0].contains(text::is_harmful), "{told:?}");
    }

    #[test]
    fn paths_are_relative_to_the_file_and_lists_are_lists() {
        let text = "admin_secret_file = \"admin\"\nmanifest = \"latest.json\"\nadmin_role = [\"ops\", \"lead\"]\n\
                    admin_email = []";
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        std::fs::write(folder.join("admin"), "adm1n").unwrap();
        let (file, problems) = File::parse(text, folder, &Args::command());
        assert_eq!(problems, []);
        assert_eq!(file.settings["admin_secret_file"].values, [folder.join("admin")]);
        assert_eq!(file.settings["manifest"].values, [folder.join("latest.json")]);
        assert_eq!(file.settings["admin_roles"].values, ["ops", "lead"]);
        let url = "https://example.com/latest.json";
        let (file, _) = File::parse(&format!("manifest = \"{url}\""), Path::new("/etc/skew"), &Args::command());
        assert_eq!(file.settings["manifest"].values, [url]);
    }

    #[test]
    fn every_variable_that_holds_a_secret_itself_comes_before_the_file() {
        for option in Args::command().get_arguments() {
            let help = option.get_help().map(ToString::to_string).unwrap_or_default();
            let Some(variable) = help.split("[default: $").nth(1).and_then(|rest| rest.split(']').next()) else {
                continue;
            };
            assert!(IN_THE_ENVIRONMENT.contains(&(option.get_id().as_str(), variable)), "{variable}");
        }
    }
}
