//! Finding a value in JSON by a path.

use serde_json::{Map, Value};

/// The first value that the path leads to and that `take` takes. Dots lead into objects, and may be part of a name, as in
/// `https://example.com/roles`.
pub(crate) fn at<T>(object: &Map<String, Value>, path: &str, take: &impl Fn(&Value) -> Option<T>) -> Option<T> {
    object.get(path).and_then(take).or_else(|| {
        path.match_indices('.').find_map(|(dot, _)| {
            let inner = object.get(&path[..dot])?.as_object()?;
            at(inner, &path[dot + 1..], take)
        })
    })
}

/// A value as a user's id. Numbers count as text where they are whole: of others different ones can be read alike.
pub(crate) fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        Value::Number(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn found(path: &str, data: Value) -> Option<String> {
        let Value::Object(data) = data else { panic!("{data} is no object") };
        at(&data, path, &id)
    }

    #[test]
    fn dots_lead_into_objects_and_may_be_part_of_a_name() {
        assert_eq!(found("user.id", json!({"user": {"id": "kim"}})).as_deref(), Some("kim"));
        assert_eq!(found("user.id", json!({"user.id": "kim"})).as_deref(), Some("kim"));
        assert_eq!(found("a.b.c", json!({"a.b": {"c": 1}, "a": {"b": 5}})).as_deref(), Some("1"));
        for data in [json!({}), json!({"user": "id"}), json!({"user": [{"id": 1}]}), json!({"id": 1})] {
            assert_eq!(found("user.id", data), None);
        }
    }

    #[test]
    fn texts_and_whole_numbers_are_ids() {
        let all = [json!("7"), json!(7), json!(-7), json!(u64::MAX), json!(" Zoë ")].map(|value| id(&value));
        let expected = ["7", "7", "-7", "18446744073709551615", " Zoë "].map(|text| Some(text.to_owned()));
        assert_eq!(all, expected);
        // The last one is read as the same number as its neighbours.
        let huge = serde_json::from_str("12345678901234567890123").unwrap();
        for value in [json!(""), json!("  "), json!(null), json!(true), json!([1]), json!({}), json!(1.5), huge] {
            assert_eq!(id(&value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_path_panics(path in "[a.é]{0,12}") {
            let _ = found(&path, json!({"a": {"a": 1, "": {"": 2}}, "": 3, "é": {"é.a": 4}}));
        }
    }
}
