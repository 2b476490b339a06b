//! What a file may say, and what is said of a file that may not.

use std::path::Path;

use clap::CommandFactory;
use proptest::prelude::*;

use super::*;
use crate::action::{Action, Context};
use crate::cli::Cli;

const PATH: &str = "/etc/skew/config.toml";

fn read(text: &str) -> Result<Config, ConfigError> {
    Config::read(Path::new(PATH), text, &Cli::command())
}

fn errors(text: &str) -> String {
    read(text).expect_err(text).to_string()
}

#[test]
fn an_empty_file_says_nothing() {
    let config = read("").unwrap();
    assert!(config.contexts.is_empty() && config.defaults == Settings::default());
}

#[test]
fn every_mistake_is_told_with_its_line_and_what_to_write() {
    for (text, line, words) in [
        (
            "[contexts.a]\nurl = \"https://a.test\"\ntransport = \"carrier-pigeon\"",
            3,
            "[possible values: auto, sse, ws, poll]",
        ),
        ("[contexts.a]\nurl = \"https://a.test\"\ntokenfile = \"x\"", 3, "did you mean `token_file`?"),
        ("[contexts.a]\nurl = \"https://a.test\"\nzzz = \"x\"", 3, "--help"),
        ("[contexts.a]\nurl = \"https://a.test\"\ntoken = \"hunter2\"", 3, "token_file = "),
        ("[contexts.a]\nurl = \"https://a.test\"\nadmin_secret = \"x\"", 3, "admin_secret_file = "),
        ("[contexts.a]\nurl = \"https://a.test\"\nreadonly = \"yes\"", 3, "readonly is true or false"),
        ("[contexts.a]\nurl = \"https://a.test\"\ninterval = 5", 3, "write a time such as 250ms"),
        ("[contexts.a]\nurl = \"https://a.test\"\nbase_path = [\"/a\", \"/b\"]", 3, "one value"),
        ("[contexts.a]\nurl = \"https://a.test\"\ncontext = \"b\"", 3, "no option is called `context`"),
        ("[contexts.a]\nurl = \"shop\"", 2, "https://shop.example.com"),
        ("[contexts.a]\nreadonly = true", 1, "has no site"),
        ("[contexts.stats]\nurl = \"https://a.test\"", 1, "is a command"),
        ("[contexts.\"a b\"]\nurl = \"https://a.test\"", 1, "letters, digits"),
        ("contexts = 3", 1, "[contexts]"),
        ("[contexts]\na = 3", 2, "[contexts.prod]"),
        ("[defaults]\nurl = \"https://a.test\"", 2, "stands in a context"),
        ("theme = \"dark\"", 1, "below [defaults]"),
        ("[theme]\ndark = 1", 1, "below [defaults]"),
        ("\n\n[nothing]", 3, "[defaults], [contexts.NAME] and [keys]"),
        ("[keys]\nquitt = [\"q\"]", 2, "there are help, "),
        ("[keys]\nquit = [\"qq\"]", 2, "no key is called"),
        ("[keys]\nreconnect = [\"q\"]", 2, "give one of them other keys"),
        ("[keys]\nreconnect = []", 2, "at least"),
        ("[keys]\nreconnect = 5", 2, "a key is a text"),
        ("[defaults\n", 1, ""),
        ("[defaults]\ntheme = \"dark\"\ntheme = \"light\"", 3, ""),
    ] {
        let told = errors(text);
        assert!(told.starts_with(&format!("{PATH}:{line}: ")) && told.contains(words), "{text:?} gives {told:?}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn all_mistakes_are_told_in_their_order() {
    let told = errors("[keys]\nquit = 3\n[contexts.a]\nreadonly = 1\n[defaults]\ntop = \"many\"");
    let lines: Vec<&str> = told.lines().collect();
    let places: Vec<bool> =
        [2, 3, 4, 6].iter().zip(&lines).map(|(line, told)| told.starts_with(&format!("{PATH}:{line}: "))).collect();
    assert_eq!(places, [true; 4], "{told}");
}

#[test]
fn files_are_relative_to_the_file_and_to_the_users_folder() {
    let text = "[contexts.a]\nurl = \"https://a.test\"\ntoken_file = \"a.token\"\nca_file = \"/etc/ca.pem\"\ncookie_file = \"~/cookie\"";
    let config = read(text).unwrap();
    let context = &config.contexts["a"];
    assert_eq!(context.text("token_file"), Some("/etc/skew/a.token"));
    assert_eq!(context.text("ca_file"), Some("/etc/ca.pem"));
    let home = etcetera::home_dir().unwrap();
    assert_eq!(context.text("cookie_file").map(Path::new), Some(home.join("cookie").as_path()));
    assert_eq!(context.files(&Cli::command()).len(), 3);
}

#[test]
fn a_context_may_have_several_sites() {
    let config = read("[contexts.a]\nurl = [\"https://a.test\", \"https://b.test\"]").unwrap();
    assert_eq!(config.contexts["a"].urls, ["https://a.test", "https://b.test"]);
}

#[test]
fn keys_are_merged_over_the_usual_ones() {
    let config = read("[keys]\nreconnect = [\"C\", \"f5\"]\nhelp = \"h\"").unwrap();
    let name = |action| config.keymap.name(action, Context::Panes);
    assert_eq!([Action::Reconnect, Action::Help, Action::Quit].map(name), ["C", "h", "q"]);
    let swapped = read("[keys]\nfreeze = \"w\"\ntoggle-watchers = \"f\"").unwrap();
    assert_eq!(swapped.keymap.name(Action::Freeze, Context::Panes), "w");
}

#[test]
fn only_a_named_file_has_to_exist() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.toml");
    assert!(Config::load(&Place::Usual(path.clone()), &Cli::command()).is_ok());
    let error = Config::load(&Place::Named(path), &Cli::command()).unwrap_err().to_string();
    assert!(error.contains("none.toml") && error.contains("config init"), "{error}");
}

proptest! {
    #[test]
    fn whatever_a_file_holds_is_read_or_told_and_never_harmful(
        text in r#"(\[(defaults|keys|contexts\.[a-z]{1,3}|contexts)\]|(theme|url|top|quit|token|.{1,4}) = ("?.{0,6}"?|\[.{0,6}\]|[0-9.]{1,4})|.{0,8}|\n){0,12}"#,
    ) {
        if let Err(error) = read(&text) {
            prop_assert!(!error.problems.is_empty());
            prop_assert!(!error.problems.iter().any(|problem| problem.text.contains(skew_proto::text::is_harmful)), "{error}");
        }
    }
}
