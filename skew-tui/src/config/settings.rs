//! What a context or the defaults say, on its way to the command line.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::Command;

/// Values of options, by the ids that the command line has for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The sites, the first one in the place of the URL.
    pub urls: Vec<String>,
    pub(super) values: BTreeMap<String, Vec<OsString>>,
}

/// Options that name a file, and the variables that hold what would stand in it. Environment comes before a context in
/// either form.
const IN_THE_ENVIRONMENT: [(&str, &str); 3] =
    [("token_file", "SKEW_TOKEN"), ("cookie_file", "SKEW_COOKIE"), ("admin_secret_file", "SKEW_ADMIN_SECRET")];

impl Settings {
    /// These settings, and where they say nothing those of `defaults`.
    #[must_use]
    pub fn over(&self, defaults: &Self) -> Self {
        let mut values = defaults.values.clone();
        values.extend(self.values.clone());
        Self { urls: self.urls.clone(), values }
    }

    /// Makes them the defaults of a command line, so that flags and the environment come before them. `is_set` says
    /// whether an environment variable is.
    #[must_use]
    pub fn apply(&self, command: Command, is_set: &dyn Fn(&str) -> bool) -> Command {
        let held = |id: &str| IN_THE_ENVIRONMENT.iter().any(|(file, variable)| *file == id && is_set(variable));
        // All at once: `mut_arg` would put the one at the end.
        command.mut_args(|option| match self.values.get(option.get_id().as_str()) {
            Some(values) if !held(option.get_id().as_str()) => option.default_values(values.clone()),
            _ => option,
        })
    }

    /// A setting as a text, where it has one.
    #[must_use]
    pub fn text(&self, id: &str) -> Option<&str> {
        self.values.get(id)?.first()?.to_str()
    }

    /// The files that are named, with the option that names each.
    pub(crate) fn files(&self, command: &Command) -> Vec<(String, PathBuf)> {
        let named = self.values.iter().filter(|(id, _)| {
            command
                .get_arguments()
                .any(|argument| argument.get_id() == id.as_str() && super::setting::is_path(argument))
        });
        named.flat_map(|(id, files)| files.iter().map(|file| (id.clone(), PathBuf::from(file)))).collect()
    }
}
