//! One message of the server as one line of JSON.

use serde::de::IgnoredAny;
use serde_json::json;
use skew_proto::text;

/// The message as it came, but on one line and with every character escaped that a terminal could act on. What is no JSON
/// becomes `{"invalid": TEXT}`.
pub(crate) fn message_line(message: &str) -> String {
    if serde_json::from_str::<IgnoredAny>(message).is_err() {
        return text::json_line(&json!({ "invalid": message })).unwrap_or_default();
    }
    text::harmless_json(message).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_message_keeps_its_order_and_numbers() {
        assert_eq!(message_line("{\"z\":1.50,\n \"a\":1e400}"), "{\"z\":1.50,  \"a\":1e400}");
        assert_eq!(message_line("\u{1b}[2J"), r#"{"invalid":"\u001b[2J"}"#);
    }

    proptest! {
        #[test]
        fn a_line_is_harmless_and_means_the_same(key in any::<String>(), value in any::<String>()) {
            let message = serde_json::to_string_pretty(&json!({ key: [value] })).unwrap();
            let line = message_line(&message);
            prop_assert!(!line.contains(text::is_harmful));
            let (before, after): (Value, Value) = (serde_json::from_str(&message).unwrap(), serde_json::from_str(&line).unwrap());
            prop_assert_eq!(before, after);
        }
    }
}
