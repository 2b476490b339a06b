//! What is in the dependency tree, held against `deny.toml`.

use std::collections::BTreeMap;
use std::process::Command;

use skew_tests::binaries::workspace;
use spdx::{Expression, Licensee, ParseMode};
use toml::{Table, Value};

/// Everything that is compiled on one of the targets of `deny.toml`, tests and build scripts included: name with
/// version, and licence. `cargo metadata` would also tell of optional dependencies that nobody asked for.
fn tree(rules: &Table) -> BTreeMap<String, String> {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(workspace()).args(["tree", "--workspace", "--locked", "--edges", "all", "--prefix", "none"]);
    command.args(["--format", "{p}\t{l}\t"]);
    for target in texts(&rules["graph"]["targets"]) {
        command.args(["--target", target]);
    }
    let output = command.output().expect("cargo can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    let entries = tree.lines().filter_map(|line| line.split_once('\t'));
    entries
        .map(|(package, licence)| (package.to_owned(), licence.split('\t').next().unwrap_or("").to_owned()))
        .collect()
}

fn rules() -> Table {
    let text = std::fs::read_to_string(workspace().join("deny.toml")).expect("deny.toml lies at the root");
    text.parse().expect("deny.toml is TOML")
}

fn texts(array: &Value) -> impl Iterator<Item = &str> {
    array.as_array().into_iter().flatten().filter_map(Value::as_str)
}

#[test]
fn every_licence_in_the_tree_is_allowed() {
    let rules = rules();
    let allowed = texts(&rules["licenses"]["allow"]).map(|name| Licensee::parse(name).expect("an SPDX name"));
    let allowed: Vec<_> = allowed.collect();
    let refused: Vec<_> = tree(&rules)
        .into_iter()
        .filter(|(_, licence)| {
            let expression = Expression::parse_mode(licence, ParseMode::LAX);
            !expression
                .is_ok_and(|expression| expression.evaluate(|wanted| allowed.iter().any(|one| one.satisfies(wanted))))
        })
        .collect();
    assert!(refused.is_empty(), "not allowed by deny.toml: {refused:#?}");
}

#[test]
fn no_second_tls_stack_is_in_the_tree() {
    let rules = rules();
    let denied = rules["bans"]["deny"].as_array().expect("a list").iter().filter_map(|ban| ban["crate"].as_str());
    let denied: Vec<_> = denied.collect();
    assert!(denied.contains(&"ring"), "deny.toml has lost its list of TLS stacks");
    let tree = tree(&rules);
    assert!(tree.keys().any(|package| package.starts_with("tokio v")), "this is not our tree: {tree:?}");
    let found: Vec<_> =
        tree.keys().filter(|package| package.split(' ').next().is_some_and(|name| denied.contains(&name))).collect();
    assert!(found.is_empty(), "banned by deny.toml: {found:?}");
}
