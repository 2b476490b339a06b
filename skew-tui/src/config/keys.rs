//! Keys by the names of actions.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};
use skew_proto::text;
use toml::de::{DeTable, DeValue};

use crate::action::Action;
use crate::keymap::{Key, Keymap};

/// Characters of a file's text that are told in an error.
const TOLD: usize = 60;

/// The usual keys with those of a file over them, and what is wrong with it, by its place.
pub(super) fn read(table: &DeTable<'_>) -> (Keymap, Vec<(Range<usize>, String)>) {
    let mut keymap = Keymap::default();
    let mut problems = Vec::new();
    let mut places = BTreeMap::new();
    for (name, keys) in table {
        let bound = action(name.get_ref()).and_then(|action| {
            places.insert(action.name(), name.span());
            keymap.bind(action, &read_keys(keys.get_ref())?).map_err(|error| format!("{}: {error}", action.name()))
        });
        if let Err(problem) = bound {
            problems.push((name.span(), problem));
        }
    }
    if let Some((one, other, error)) = keymap.conflict() {
        // One of the two stands in the file: the usual keys are apart.
        let place = places.get(&other.name()).or_else(|| places.get(&one.name()));
        problems.push((place.cloned().unwrap_or_default(), error.to_string()));
    }
    (keymap, problems)
}

fn action(name: &str) -> Result<Action, String> {
    Action::deserialize(StrDeserializer::<Error>::new(name)).map_err(|_| {
        let names = Keymap::default().actions().map(Action::name).collect::<Vec<_>>().join(", ");
        format!("no action is called `{}`; there are {names}", text::cut(name, TOLD))
    })
}

fn read_keys(value: &DeValue<'_>) -> Result<Vec<Key>, String> {
    let key = |value: &DeValue<'_>| match value {
        DeValue::String(name) => name.parse::<Key>().map_err(|error| text::clean(&error.to_string()).into_owned()),
        _ => Err("a key is a text, as in quit = [\"q\", \"ctrl-c\"]".to_owned()),
    };
    match value {
        DeValue::Array(keys) => keys.iter().map(|one| key(one.get_ref())).collect(),
        one => Ok(vec![key(one)?]),
    }
}
