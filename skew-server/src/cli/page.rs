//! The table of options in `docs/server.md`: the same words as `--help`, and nothing left out.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::CommandFactory;

use super::Args;
use super::file::File;

const BEGIN: &str = "<!-- options -->\n";
const END: &str = "<!-- /options -->";

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn table() -> String {
    let mut table = String::new();
    let mut subject = "";
    for option in Args::command().get_arguments() {
        let heading = option.get_help_heading().unwrap_or("Configuration");
        if heading != subject {
            let _ = write!(table, "\n### {heading}\n\n| option | default | |\n|---|---|---|\n");
        }
        let help = option.get_help().map(ToString::to_string).unwrap_or_default();
        // Where clap knows no default the help says it itself.
        let (words, told) = match help.trim_end_matches(']').split_once(" [default: ") {
            Some((words, told)) => (words.to_owned(), format!("`{told}`")),
            None => (help, String::new()),
        };
        let values = option.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy()));
        let values = if told.is_empty() { values.collect::<Vec<_>>().join(" ") } else { told };
        let name = option.get_long().unwrap_or_default();
        let _ = writeln!(table, "| `--{name}` | {} | {} |", values, words.replace('|', "\\|"));
        subject = option.get_help_heading().unwrap_or("Configuration");
    }
    table + "\n"
}

/// With `UPDATE_DOCS=1` it writes the table instead.
#[test]
fn the_table_of_options_is_that_of_the_help() {
    let path = docs().join("server.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, [before, BEGIN, &table(), END, after].concat()).unwrap();
    } else {
        assert!(found == table(), "write it anew: UPDATE_DOCS=1 cargo test -p skew-server the_table_of_options");
    }
}

#[test]
fn the_example_of_a_configuration_is_good() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.toml");
    std::fs::copy(docs().join("examples/skew-server.toml"), &path).unwrap();
    for secret in ["admin", "stats"] {
        std::fs::write(folder.path().join(secret), "an-example").unwrap();
    }
    File::read(&path, &Args::command()).unwrap();
}
