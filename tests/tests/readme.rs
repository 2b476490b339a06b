//! The README and the pages of `docs/` say what is so: their snippets are the files that the tests run, their flags exist.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use skew_tests::binaries::{binary, workspace};

/// What is held against the programs and their files.
const PAGES: [&str; 3] = ["README.md", "docs/ci.md", "docs/server.md"];

fn page(path: &str) -> String {
    fs::read_to_string(workspace().join(path)).expect("a page exists")
}

#[test]
fn every_snippet_is_the_file_that_is_tested() {
    let mut snippets = 0;
    let pages: String = PAGES.iter().map(|path| page(path)).collect();
    for part in pages.split("<!-- snippet: ").skip(1) {
        let (path, rest) = part.split_once(" -->\n").expect("a snippet names its file");
        let (block, _) = rest.split_once("<!-- /snippet -->").expect("a snippet ends");
        let code = block.trim().trim_end_matches("```").split_once('\n').map(|(_language, code)| code);
        let file = fs::read_to_string(workspace().join(path)).expect("a snippet's file exists");
        assert_eq!(code, Some(&*file), "a page and {path} differ");
        snippets += 1;
    }
    assert!(snippets >= 5, "the three snippets that a Nuxt app needs, and the two for CI");
}

#[test]
fn every_flag_that_is_named_exists() {
    let mut known = BTreeSet::new();
    for (program, words) in [
        ("skew-tui", &["--help"][..]),
        ("skew-tui", &["invalidate", "--help"]),
        ("skew-tui", &["message", "--help"]),
        ("skew-tui", &["wait", "--help"]),
        ("skew-tui", &["record", "--help"]),
        ("skew-tui", &["replay", "--help"]),
        ("skew-tui", &["demo", "--help"]),
        ("skew-tui", &["man", "--help"]),
        ("skew-server", &["--help"]),
    ] {
        let help = Command::new(binary(program)).args(words).output().expect("the program starts");
        known.extend(flags(&String::from_utf8_lossy(&help.stdout)));
    }
    // Other programs' flags that the README shows.
    known.extend(["--release", "--short", "--arg", "--ulimit"].map(str::to_owned));
    for path in PAGES {
        let unknown: Vec<_> = flags(&page(path)).into_iter().filter(|flag| !known.contains(flag)).collect();
        assert!(unknown.is_empty(), "named in {path}, and no program's: {unknown:?}");
    }
}

#[test]
fn every_claim_about_security_names_tests_that_exist() {
    let rooms = ["skew-proto", "skew-server", "skew-tui", "tests"];
    let folders = rooms.iter().flat_map(|room| [format!("{room}/src"), format!("{room}/tests")]);
    let sources: String = folders.map(|folder| sources(&workspace().join(folder))).collect();
    let security = page("docs/security.md");
    let mut claims = 0;
    for table in security.split("| shown by |\n").skip(1) {
        let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
        for row in rows {
            let shown = row.trim_end_matches(" |").rsplit(" | ").next().unwrap_or_default();
            let tests: Vec<_> = shown.split('`').skip(1).step_by(2).collect();
            assert!(!tests.is_empty(), "nothing shows this: {row}");
            let missing: Vec<_> = tests.iter().filter(|test| !sources.contains(&format!("fn {test}("))).collect();
            assert!(missing.is_empty(), "no such test: {missing:?} of {row}");
            claims += 1;
        }
    }
    assert!(claims > 20, "the page makes its claims in tables");
}

/// All Rust code below a folder, as one text.
fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("a room has this folder");
    let text = |path: PathBuf| match path.extension().and_then(OsStr::to_str) {
        Some("rs") => fs::read_to_string(path).expect("code is text"),
        None if path.is_dir() => sources(&path),
        _ => String::new(),
    };
    entries.map(|entry| text(entry.expect("it can be read").path())).collect()
}

/// Every `--word` of a text.
fn flags(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .filter(|word| word.starts_with("--") && word.len() > 3 && word.as_bytes()[2].is_ascii_lowercase())
        .map(str::to_owned)
        .collect()
}
