//! One setting: an option of the command line, as it may stand in a file.

use std::any::TypeId;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command};
use skew_proto::text;
use toml::de::DeValue;

/// Options that say where the configuration is, and so can't stand in it, and one that takes the place of all sites.
const NOT_IN_A_FILE: [&str; 3] = ["config", "context", "replay"];

/// What would be a secret in a file that is shown to colleagues, with the option that names a file for it.
const SECRETS: [(&str, &str); 7] = [
    ("token", "token_file"),
    ("bearer", "token_file"),
    ("cookie", "cookie_file"),
    ("header", "header_file"),
    ("headers", "header_file"),
    ("admin_secret", "admin_secret_file"),
    ("secret", "admin_secret_file"),
];

/// Likeness from which a name is taken for a slip.
const LIKE: f64 = 0.8;

/// Characters of a file's text that are told in an error.
const TOLD: usize = 60;

/// The folders that paths in a file are relative to.
#[derive(Debug)]
pub(super) struct Folders<'a> {
    /// The file's own folder.
    pub(super) own: &'a Path,
    /// The user's, written `~`.
    pub(super) home: Option<PathBuf>,
}

/// The options that may stand in a file.
pub(crate) fn options(command: &Command) -> impl Iterator<Item = &Arg> {
    let options = command.get_arguments().filter(|option| option.is_global_set() && option.get_long().is_some());
    options.filter(|option| !NOT_IN_A_FILE.contains(&option.get_id().as_str()))
}

/// What an option is called in a file.
pub(crate) fn name(option: &Arg) -> String {
    option.get_long().unwrap_or_default().replace('-', "_")
}

/// Whether an option names a file.
pub(crate) fn is_path(option: &Arg) -> bool {
    option.get_value_parser().type_id() == TypeId::of::<PathBuf>()
}

/// The option of a name.
///
/// # Errors
///
/// Why there is none, and what to write instead.
pub(super) fn find<'a>(name: &str, command: &'a Command) -> Result<&'a Arg, String> {
    if let Some(option) = options(command).find(|option| self::name(option) == name) {
        return Ok(option);
    }
    let written = text::cut(name, TOLD);
    if let Some((_, file)) = SECRETS.iter().find(|(secret, _)| *secret == name) {
        return Err(format!(
            "`{written}` would put a secret into this file: write it into one of its own, and {file} = \"that file\""
        ));
    }
    let names = options(command).map(self::name);
    let nearest =
        names.map(|known| (strsim::jaro_winkler(&known, name), known)).max_by(|one, other| one.0.total_cmp(&other.0));
    Err(match nearest {
        Some((likeness, known)) if likeness > LIKE => {
            format!("no option is called `{written}`; did you mean `{known}`?")
        }
        _ => format!("no option is called `{written}`; `skew-tui --help` lists them, written here with _ for -"),
    })
}

/// The value of an option, as the command line takes it.
///
/// # Errors
///
/// Why it is none, and what to write instead.
pub(super) fn value(option: &Arg, value: &DeValue<'_>, folders: &Folders<'_>) -> Result<Vec<OsString>, String> {
    let name = name(option);
    if matches!(option.get_action(), ArgAction::SetTrue) {
        return match value {
            DeValue::Boolean(on) => Ok(vec![on.to_string().into()]),
            _ => Err(format!("{name} is true or false")),
        };
    }
    let texts = match (value, option.get_action()) {
        (DeValue::Array(several), ArgAction::Append) => {
            several.iter().map(|one| text_of(one.get_ref(), &name)).collect::<Result<Vec<_>, _>>()?
        }
        (DeValue::Array(_), _) => return Err(format!("{name} takes one value, not a list")),
        (one, _) => vec![text_of(one, &name)?],
    };
    let values: Vec<OsString> = texts
        .into_iter()
        .map(|text| if is_path(option) { resolve(&text, folders).into() } else { text.into() })
        .collect();
    refusal(option, &values).map_or(Ok(values), |reason| Err(format!("{name}: {reason}")))
}

fn text_of(value: &DeValue<'_>, name: &str) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        _ => Err(format!("{name} is a text: write {name} = \"…\"")),
    }
}

/// A path of a file: `~/` is the user's folder, and what is relative is so to the file's folder.
fn resolve(path: &str, folders: &Folders<'_>) -> PathBuf {
    match (path.strip_prefix("~/"), &folders.home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => folders.own.join(path),
    }
}

/// Why the command line would not take these values, by its own rules and in its own words.
fn refusal(option: &Arg, values: &[OsString]) -> Option<String> {
    let long = option.get_long()?;
    // The environment has no say here.
    let alone = option.clone().global(false).env(None::<&str>);
    let command = Command::new("skew-tui").no_binary_name(true).disable_help_flag(true).arg(alone);
    let arguments = values.iter().map(|value| {
        let mut argument = OsString::from(format!("--{long}="));
        argument.push(value);
        argument
    });
    let error = command.try_get_matches_from(arguments).err()?.to_string();
    // Its first paragraph; the rest tells how to use the program.
    let words: Vec<&str> = error.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    Some(text::clean(words.join(" ").trim_start_matches("error: ")).into_owned())
}
