//! Flag, environment, context, defaults, built in: in this order, for every option.

use std::path::Path;

use super::*;
use crate::config::setting;

fn config(text: &str) -> Config {
    Config::read(Path::new("/etc/skew/config.toml"), text, &Cli::command()).unwrap()
}

fn contexts(text: &str, first: &ArgMatches) -> Contexts {
    Contexts { config: config(text), file: None, carried: carried(first) }
}

fn read(arguments: &str, text: &str) -> Result<Cli, clap::Error> {
    let arguments: Vec<OsString> =
        std::iter::once("skew-tui").chain(arguments.split_whitespace()).map(Into::into).collect();
    let first = Cli::command().try_get_matches_from(&arguments)?;
    with(&arguments, &first, contexts(text, &first))
}

const TWO: &str = r#"
[defaults]
interval = "3s"
top = 7

[contexts.prod]
url = "https://shop.example.com"
interval = "2s"
readonly = true
tint = "red"

[contexts.staging]
url = "https://staging.example.com/shop"
token_file = "staging.token"
"#;

#[test]
fn a_context_stands_where_a_url_would() {
    let cli = read("prod", TWO).unwrap();
    assert_eq!(cli.url.as_deref(), Some("https://shop.example.com"));
    assert_eq!((cli.options.interval.as_secs(), cli.options.top), (2, Some(7)));
    assert!(cli.options.readonly);
    assert_eq!(cli.options.context.as_deref(), Some("prod"));
    let cli = read("--context staging", TWO).unwrap();
    assert_eq!(cli.url.as_deref(), Some("https://staging.example.com/shop"));
    assert_eq!(cli.options.interval.as_secs(), 3);
    assert_eq!(cli.options.token_file.as_deref(), Some(Path::new("/etc/skew/staging.token")));
}

#[test]
fn every_command_that_takes_a_url_takes_a_context() {
    let sites = Cli::command();
    let sites = sites.get_subcommands().filter(|command| {
        command.get_arguments().any(|argument| argument.get_id() == "url" && argument.is_positional())
    });
    let names: Vec<&str> = sites.map(Command::get_name).collect();
    assert!(names.contains(&"stats") && names.contains(&"invalidate"), "{names:?}");
    for name in names {
        let arguments = ["skew-tui", name, "prod", "/checkout", "--all"];
        let arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
        let read = |arguments: &[OsString]| {
            let first = Cli::command().try_get_matches_from(arguments)?;
            with(arguments, &first, contexts(TWO, &first))
        };
        // Some want a second argument, some have no place for it, and a message is for somebody.
        let cli = read(&arguments[..3]).or_else(|_| read(&arguments[..4])).or_else(|_| read(&arguments));
        let cli = cli.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(format!("{:?}", cli.command).contains("https://shop.example.com"), "{:?}", cli.command);
        assert!(cli.options.readonly && cli.url.is_none(), "{name}");
    }
}

#[test]
fn a_url_with_a_context_has_the_contexts_settings() {
    let cli = read("--context prod https://other.example.com", TWO).unwrap();
    assert_eq!(cli.url.as_deref(), Some("https://other.example.com"));
    assert!(cli.options.readonly);
}

#[test]
fn an_unknown_context_is_a_usage_error_that_lists_the_known_ones() {
    let error = read("prd", TWO).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("prd: there are prod, staging"), "{error}");
    let error = read("stats \u{1b}[2J", "").unwrap_err().to_string();
    assert!(!error.contains('\u{1b}') && error.contains("https://"), "{error}");
}

#[test]
fn a_url_alone_has_the_defaults() {
    let cli = read("https://x.test", TWO).unwrap();
    assert_eq!((cli.options.interval.as_secs(), cli.options.readonly), (3, false));
    assert_eq!(cli.options.context, None);
}

#[test]
fn another_context_takes_the_flags_of_the_screen_along_and_none_of_the_site() {
    let cli = read("prod --ascii --top 9 --token-file prod.token --transport ws --target https://b.test", TWO).unwrap();
    let other = cli.contexts.open("staging").unwrap();
    assert_eq!(other.url.as_deref(), Some("https://staging.example.com/shop"));
    assert_eq!((other.options.ascii, other.options.top, other.options.readonly), (true, Some(9), false));
    assert_eq!(other.options.token_file.as_deref(), Some(Path::new("/etc/skew/staging.token")));
    assert_eq!(other.options.transport, crate::target::TransportChoice::Auto);
    assert!(other.options.targets.is_empty());
    assert_eq!(other.options.context.as_deref(), Some("staging"));
    let back = other.contexts.open("prod").unwrap();
    assert!(back.options.token_file.is_none() && back.options.readonly && back.options.ascii);
    assert!(cli.contexts.open("nobody").is_err());
}

/// A value of an option that is not built in, and another one.
fn values(option: &clap::Arg) -> [String; 2] {
    let of = |one: &str, other: &str| [one.to_owned(), other.to_owned()];
    let possible: Vec<String> =
        option.get_possible_values().iter().map(|value| value.get_name().to_owned()).rev().collect();
    match (option.get_long().unwrap_or_default(), possible.as_slice()) {
        _ if setting::is_path(option) => of("/one", "/other"),
        (_, [one, other, ..]) => of(one, other),
        ("log", _) => of("info", "debug"),
        ("resolve", _) => of("a.test:10.0.0.1", "a.test:10.0.0.2"),
        ("target", _) => of("https://a.test", "https://b.test"),
        _ => {
            let fit = [["20s", "40s"], ["3", "5"], ["/one", "/other"]];
            let fits = |values: &&[&str; 2]| values.iter().all(|value| takes(option, value));
            let [one, other] = fit.iter().find(fits).unwrap_or_else(|| panic!("no values for {option:?}"));
            of(one, other)
        }
    }
}

fn takes(option: &clap::Arg, value: &str) -> bool {
    let alone = option.clone().global(false).env(None::<&str>);
    let long = format!("--{}={value}", option.get_long().unwrap_or_default());
    Command::new("x").no_binary_name(true).arg(alone).try_get_matches_from([long]).is_ok()
}

/// What an option is by arguments and a file, and where it came from.
fn found(option: &clap::Arg, arguments: &[String], text: &str) -> (Vec<OsString>, ValueSource) {
    let config = config(text);
    let settings = config.contexts.get("one").map_or(config.defaults.clone(), |one| one.over(&config.defaults));
    let command =
        settings.apply(Cli::command(), &|_| false).mut_arg(option.get_id(), |argument| argument.env(None::<&str>));
    let matches =
        command.try_get_matches_from(arguments).unwrap_or_else(|error| panic!("{arguments:?} {text}: {error}"));
    let id = option.get_id().as_str();
    let raw = matches.get_raw(id).map(|values| values.map(OsString::from).collect()).unwrap_or_default();
    (raw, matches.value_source(id).unwrap_or(ValueSource::DefaultValue))
}

#[test]
fn for_every_option_a_flag_comes_before_a_context_and_that_before_the_defaults() {
    let command = Cli::command();
    let mut options = 0;
    for option in setting::options(&command) {
        options += 1;
        let name = setting::name(option);
        let switch = matches!(option.get_action(), ArgAction::SetTrue);
        let bare = ["skew-tui".to_owned(), "https://x.test".to_owned()];
        if switch {
            let file = format!("[defaults]\n{name} = true\n[contexts.one]\nurl = \"https://x.test\"\n{name} = false");
            assert_eq!(found(option, &bare, &file).0, ["false"], "{name}: the context wins");
            let flagged = [bare.as_slice(), &[format!("--{}", option.get_long().unwrap())]].concat();
            assert_eq!(found(option, &flagged, &file).1, ValueSource::CommandLine, "{name}: a flag wins");
            let defaults = format!("[defaults]\n{name} = true");
            assert_eq!(found(option, &bare, &defaults).0, ["true"], "{name}: the defaults are used");
            continue;
        }
        let [one, other] = values(option);
        let (one, other) = (one.as_str(), other.as_str());
        let file =
            format!("[defaults]\n{name} = {one:?}\n[contexts.one]\nurl = \"https://x.test\"\n{name} = {other:?}");
        // Of `target` in a context the first may stand in the place of the URL; it has one here.
        assert_eq!(found(option, &bare, &file).0, [other], "{name}: the context wins");
        let flagged = [bare.as_slice(), &[format!("--{}={one}", option.get_long().unwrap())]].concat();
        assert_eq!(found(option, &flagged, &file), (vec![one.into()], ValueSource::CommandLine), "{name}");
        assert_eq!(found(option, &bare, &format!("[defaults]\n{name} = {one:?}")).0, [one], "{name}");
    }
    assert!(options > 20, "{options}");
}
