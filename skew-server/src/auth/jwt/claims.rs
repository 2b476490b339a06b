//! What a token says of its holder, and the rules for whom that admits.

use std::fmt;
use std::ops::Deref;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::config::ClaimRule;
use crate::user::field;

/// The claims of a token. One that is there twice says nothing, and a token that says it is refused.
pub(super) struct Claims(Map<String, Value>);

impl Deref for Claims {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once;
        impl<'de> Visitor<'de> for Once {
            type Value = Claims;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("claims, each once")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Claims, A::Error> {
                let mut claims = Map::new();
                while let Some((name, value)) = entries.next_entry::<String, Value>()? {
                    if claims.insert(name, value).is_some() {
                        return Err(A::Error::custom("a claim is there twice"));
                    }
                }
                Ok(Claims(claims))
            }
        }
        deserializer.deserialize_map(Once)
    }
}

/// Claims whose texts are lists of words.
const WORDS: [&str; 2] = ["scope", "scp"];

/// Whether the rule holds for these claims.
pub(super) fn holds(rule: &ClaimRule, claims: &Map<String, Value>) -> bool {
    let in_words = WORDS.contains(&rule.path.rsplit('.').next().unwrap_or_default());
    let one = |value: &Value| match value {
        Value::Array(list) => list.iter().any(|entry| is(entry, &rule.value)),
        Value::String(text) if in_words => text.split(' ').any(|word| word == rule.value),
        value => is(value, &rule.value),
    };
    field::at(claims, &rule.path, &|value| one(value).then_some(())).is_some()
}

fn is(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text == wanted,
        Value::Number(number) => number.to_string() == wanted,
        Value::Bool(truth) => wanted == if *truth { "true" } else { "false" },
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn admits(rule: &str, claims: Value) -> bool {
        let Value::Object(claims) = claims else { panic!("{claims} is no object") };
        holds(&rule.parse().unwrap(), &claims)
    }

    #[test]
    fn a_claim_equals_the_value_or_is_a_list_that_holds_it() {
        assert!(admits("role=viewer", json!({"role": "viewer"})));
        assert!(admits("groups=ops", json!({"groups": ["dev", 5, "ops"]})));
        assert!(admits("email_verified=true", json!({"email_verified": true})));
        assert!(admits("level=3", json!({"level": 3})));
        assert!(admits("filter=a=b", json!({"filter": "a=b"})), "a value may hold an equals sign");
        for claims in [
            json!({}),
            json!({"role": null}),
            json!({"role": "viewers"}),
            json!({"role": "Viewer"}),
            json!({"role": {"viewer": true}}),
            json!({"role": [["viewer"]]}),
            json!({"role": "a viewer"}),
        ] {
            assert!(!admits("role=viewer", claims.clone()), "{claims}");
        }
    }

    #[test]
    fn the_words_of_a_scope_are_a_list_and_those_of_a_name_are_not() {
        assert!(admits("scope=skew:read", json!({"scope": "openid skew:read"})));
        assert!(admits("api.scp=skew:read", json!({"api": {"scp": "skew:read x"}})));
        assert!(!admits("scope=skew", json!({"scope": "openid skew:read"})));
        assert!(!admits("name=admin", json!({"name": "call me admin"})));
    }

    #[test]
    fn dots_lead_into_objects_and_may_be_part_of_a_name() {
        assert!(admits("realm_access.roles=ops", json!({"realm_access": {"roles": ["ops"]}})));
        assert!(admits("https://example.com/roles=ops", json!({"https://example.com/roles": ["ops"]})));
        assert!(admits("a.b.c.d=1", json!({"a.b": {"c.d": 1}})));
        assert!(!admits("a.b=1", json!({"a": "b", "b": 1})));
        assert!(!admits("a.b=1", json!({"a": [{"b": 1}]})));
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for text in ["role", "=admin", "role=", " = ", ""] {
            assert!(text.parse::<ClaimRule>().is_err(), "{text:?}");
        }
    }
}
