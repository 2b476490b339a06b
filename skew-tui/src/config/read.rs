//! From a file's text to a configuration, or to all that is wrong with it.

use std::ops::Range;
use std::path::Path;

use clap::Command;
use skew_proto::text;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::setting::Folders;
use super::settings::Settings;
use super::{Config, Problem, keys, setting};

/// Characters of a file's text that are told in an error.
const TOLD: usize = 60;

/// What there is of a configuration, and all that is wrong with the text.
pub(super) fn read(path: &Path, text: &str, command: &Command) -> (Config, Vec<Problem>) {
    let own = path.parent().unwrap_or(Path::new(""));
    let folders = Folders { own, home: etcetera::home_dir().ok() };
    let mut reader = Reader { text, command, folders, problems: Vec::new() };
    let config = match DeTable::parse(text) {
        Ok(table) => reader.file(table.get_ref()),
        Err(error) => {
            reader.note(error.span().unwrap_or_default(), error.message());
            Config::default()
        }
    };
    reader.problems.sort_by_key(|problem| problem.line);
    (config, reader.problems)
}

struct Reader<'a> {
    text: &'a str,
    command: &'a Command,
    folders: Folders<'a>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn note(&mut self, place: Range<usize>, text: &str) {
        let before = self.text.get(..place.start).unwrap_or_default();
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        self.problems.push(Problem { line: Some(line), text: text::clean(text).into_owned() });
    }

    fn file(&mut self, file: &DeTable<'_>) -> Config {
        let mut config = Config::default();
        for (name, value) in file {
            match (&**name.get_ref(), value.get_ref()) {
                ("defaults", DeValue::Table(table)) => config.defaults = self.settings(table, Part::Defaults),
                ("contexts", DeValue::Table(table)) => {
                    for (name, value) in table {
                        let context = self.context(name, value.get_ref());
                        config.contexts.insert(name.get_ref().to_string(), context);
                    }
                }
                ("keys", DeValue::Table(table)) => {
                    let (keymap, problems) = keys::read(table);
                    problems.into_iter().for_each(|(place, text)| self.note(place, &text));
                    config.keymap = keymap;
                }
                (part @ ("defaults" | "contexts" | "keys"), _) => {
                    self.note(name.span(), &format!("`{part}` is a table: begin it with [{part}]"));
                }
                (written, _) => self.note(name.span(), &self.misplaced(written)),
            }
        }
        config
    }

    fn misplaced(&self, written: &str) -> String {
        match setting::find(written, self.command) {
            Ok(_) => format!("`{written}` stands in a context, or below [defaults]"),
            Err(_) => format!(
                "`{}` is no part of a configuration; there are [defaults], [contexts.NAME] and [keys]",
                text::cut(written, TOLD)
            ),
        }
    }

    fn context(&mut self, name: &Spanned<DeString<'_>>, value: &DeValue<'_>) -> Settings {
        let DeValue::Table(table) = value else {
            self.note(name.span(), "a context is a table, as in [contexts.prod]");
            return Settings::default();
        };
        if let Err(reason) = self.is_free(name.get_ref()) {
            self.note(name.span(), &reason);
        }
        let settings = self.settings(table, Part::Context);
        if settings.urls.is_empty() && !table.contains_key("url") {
            let written = text::cut(name.get_ref(), TOLD);
            self.note(name.span(), &format!("context `{written}` has no site: give it url = \"https://…\""));
        }
        settings
    }

    fn settings(&mut self, table: &DeTable<'_>, part: Part) -> Settings {
        let mut settings = Settings::default();
        for (name, value) in table {
            let read = match (&**name.get_ref(), part) {
                ("url", Part::Defaults) => Err("a site's url stands in a context, such as [contexts.prod]".to_owned()),
                ("url", Part::Context) => urls(value.get_ref()).map(|urls| settings.urls.splice(..0, urls)).map(drop),
                (written, _) => setting::find(written, self.command).and_then(|option| {
                    let values = setting::value(option, value.get_ref(), &self.folders)?;
                    settings.values.insert(option.get_id().to_string(), values);
                    Ok(())
                }),
            };
            if let Err(problem) = read {
                let place = if matches!(value.get_ref(), DeValue::Table(_)) { name.span() } else { value.span() };
                self.note(place, &problem);
            }
        }
        // A context may name its sites by `target` alone: then the first of them stands in the place of the URL.
        if part == Part::Context
            && settings.urls.is_empty()
            && let Some(targets) = settings.values.remove("targets")
        {
            settings.urls = targets.into_iter().filter_map(|target| target.into_string().ok()).collect();
        }
        settings
    }

    /// Whether a context's name can be told from a URL, an option and a command.
    fn is_free(&self, name: &str) -> Result<(), String> {
        let written = text::cut(name, TOLD);
        if self.command.find_subcommand(name).is_some() {
            return Err(format!("`{written}` is a command; call the context something else"));
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.starts_with('-') || !name.chars().all(fits) {
            return Err(format!("`{written}` is no name of a context; use letters, digits, -, _ and ."));
        }
        Ok(())
    }
}

/// What settings belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Defaults,
    Context,
}

/// One site, or several.
fn urls(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let url = |value: &DeValue<'_>| match value {
        DeValue::String(url) if url.contains("://") => Ok(url.to_string()),
        _ => Err("url is a site's address, such as \"https://shop.example.com\"".to_owned()),
    };
    match value {
        DeValue::Array(urls) => urls.iter().map(|one| url(one.get_ref())).collect(),
        one => Ok(vec![url(one)?]),
    }
}
