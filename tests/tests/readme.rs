//! The README says what is so: its snippets are the files that the tests run, its flags exist.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use skew_tests::binaries::{binary, workspace};

fn readme() -> String {
    fs::read_to_string(workspace().join("README.md")).expect("the README lies at the root")
}

#[test]
fn every_snippet_is_the_file_that_is_tested() {
    let readme = readme();
    let mut snippets = 0;
    for part in readme.split("<!-- snippet: ").skip(1) {
        let (path, rest) = part.split_once(" -->\n").expect("a snippet names its file");
        let (block, _) = rest.split_once("<!-- /snippet -->").expect("a snippet ends");
        let code = block.trim().trim_start_matches("```ts\n").trim_end_matches("```");
        let file = fs::read_to_string(workspace().join(path)).expect("a snippet's file exists");
        assert_eq!(code, file, "README.md and {path} differ");
        snippets += 1;
    }
    assert!(snippets >= 3, "the three snippets that a Nuxt app needs");
}

#[test]
fn every_flag_that_is_named_exists() {
    let mut known = BTreeSet::new();
    for (program, words) in [
        ("skew-tui", &["--help"][..]),
        ("skew-tui", &["invalidate", "--help"]),
        ("skew-tui", &["wait", "--help"]),
        ("skew-tui", &["demo", "--help"]),
        ("skew-tui", &["man", "--help"]),
        ("skew-server", &["--help"]),
    ] {
        let help = Command::new(binary(program)).args(words).output().expect("the program starts");
        known.extend(flags(&String::from_utf8_lossy(&help.stdout)));
    }
    // Other programs' flags that the README shows.
    known.extend(["--release", "--short"].map(str::to_owned));
    let unknown: Vec<_> = flags(&readme()).into_iter().filter(|flag| !known.contains(flag)).collect();
    assert!(unknown.is_empty(), "named in README.md, and no program's: {unknown:?}");
}

/// Every `--word` of a text.
fn flags(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .filter(|word| word.starts_with("--") && word.len() > 3 && word.as_bytes()[2].is_ascii_lowercase())
        .map(str::to_owned)
        .collect()
}
