//! One option of the command line, as it may stand in a file.

use std::any::TypeId;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command, ValueHint};
use skew_proto::text;
use toml::de::DeValue;

/// Options of one run of the program.
const NOT_IN_A_FILE: [&str; 4] = ["config", "check", "help", "version"];

/// Likeness from which a name is taken for a slip.
const LIKE: f64 = 0.8;

/// Characters of a file's text that are told in an error.
const TOLD: usize = 60;

/// The options that may stand in a file, by their names there.
fn options(command: &Command) -> impl Iterator<Item = (String, &Arg)> {
    let options = command.get_arguments().filter(|option| !NOT_IN_A_FILE.contains(&option.get_id().as_str()));
    options.filter_map(|option| Some((option.get_long()?.replace('-', "_"), option)))
}

/// The option of a name, or why there is none.
pub(super) fn find<'a>(name: &str, command: &'a Command) -> Result<&'a Arg, String> {
    if let Some((_, option)) = options(command).find(|(known, _)| known == name) {
        return Ok(option);
    }
    let written = text::cut(name, TOLD);
    let file = format!("{name}_file");
    if options(command).any(|(known, _)| known == file) {
        return Err(format!(
            "`{written}` would put a secret into this file: write it into one of its own, and {file} = \"that file\""
        ));
    }
    let likeness = |known: String| (strsim::jaro_winkler(&known, name), known);
    let nearest = options(command).map(|(known, _)| likeness(known)).max_by(|one, other| one.0.total_cmp(&other.0));
    Err(match nearest {
        Some((likeness, known)) if likeness > LIKE => {
            format!("no option is called `{written}`; did you mean `{known}`?")
        }
        _ => format!("no option is called `{written}`; `skew-server --help` lists them, written here with _ for -"),
    })
}

/// The values of an option as the command line takes them, or why it does not.
pub(super) fn values(option: &Arg, value: &DeValue<'_>, folder: &Path) -> Result<Vec<OsString>, String> {
    let name = option.get_long().unwrap_or_default().replace('-', "_");
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
    let path = |text: String| if is_path(option, &text) { folder.join(text).into() } else { text.into() };
    Ok(texts.into_iter().map(path).collect())
}

/// What one would write on the command line.
pub(super) fn arguments(option: &Arg, values: &[OsString]) -> Vec<OsString> {
    let name = OsString::from(format!("--{}", option.get_long().unwrap_or_default()));
    if matches!(option.get_action(), ArgAction::SetTrue) {
        return if values.iter().any(|value| value == "true") { vec![name] } else { Vec::new() };
    }
    let argument = |value: &OsString| {
        let mut argument = name.clone();
        argument.push("=");
        argument.push(value);
        argument
    };
    values.iter().map(argument).collect()
}

/// Whether a value names a file: some options take one or a URL.
fn is_path(option: &Arg, value: &str) -> bool {
    let takes_either = option.get_value_hint() == ValueHint::FilePath && !value.contains("://");
    takes_either || option.get_value_parser().type_id() == TypeId::of::<PathBuf>()
}

fn text_of(value: &DeValue<'_>, name: &str) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        _ => Err(format!("{name} is a text: write {name} = \"…\"")),
    }
}
