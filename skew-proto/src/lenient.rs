//! Fields that take whatever JSON arrives, in one pass and without buffering the message, and fields that nobody knows.

use std::fmt;

use serde::Deserialize;
use serde::de::{
    Deserializer, Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer, value::SeqAccessDeserializer,
};
use serde_json::Value;
use serde_json::value::RawValue;

/// Fields of a message that this crate does not know, kept as they came.
pub type Extra = serde_json::Map<String, Value>;

/// A text field of a message, kept even where the sender put something else there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Text {
    /// A JSON string.
    Whole(String),
    /// Anything else, as compact JSON text.
    Damaged(String),
}

impl Text {
    /// The string itself, or the JSON text of what stood in its place.
    #[must_use]
    pub fn into_string(self) -> String {
        match self {
            Self::Whole(text) | Self::Damaged(text) => text,
        }
    }

    /// The string, where it is one.
    #[must_use]
    pub fn whole(self) -> Option<String> {
        match self {
            Self::Whole(text) => Some(text),
            Self::Damaged(_) => None,
        }
    }

    /// Whether something other than a string stood here.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        matches!(self, Self::Damaged(_))
    }
}

/// A count: a whole number from 0, or nothing usable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) Option<u64>);

/// A JSON object, or something else where one belongs.
#[derive(Debug)]
pub(crate) enum Object<T> {
    Whole(T),
    Damaged,
}

/// A JSON array, or something else where one belongs.
#[derive(Debug)]
pub(crate) enum Array<T> {
    Whole(Vec<T>),
    Damaged,
}

/// The scalar cases that every lenient visitor answers alike; `$scalar` makes the field's value of a JSON value.
macro_rules! lenient_scalars {
    ($scalar:expr) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any JSON value")
        }
        fn visit_bool<E: Error>(self, v: bool) -> Result<Self::Value, E> {
            Ok($scalar(Value::from(v)))
        }
        fn visit_i64<E: Error>(self, v: i64) -> Result<Self::Value, E> {
            Ok($scalar(Value::from(v)))
        }
        fn visit_u64<E: Error>(self, v: u64) -> Result<Self::Value, E> {
            Ok($scalar(Value::from(v)))
        }
        fn visit_f64<E: Error>(self, v: f64) -> Result<Self::Value, E> {
            Ok($scalar(Value::from(v)))
        }
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok($scalar(Value::Null))
        }
    };
}

/// Reads a JSON array to its end and forgets it.
fn skip_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Reads a JSON object to its end and forgets it.
fn skip_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
    Ok(())
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text;
            lenient_scalars!(|value: Value| Text::Damaged(value.to_string()));
            fn visit_str<E: Error>(self, v: &str) -> Result<Text, E> {
                Ok(Text::Whole(v.to_owned()))
            }
            fn visit_string<E: Error>(self, v: String) -> Result<Text, E> {
                Ok(Text::Whole(v))
            }
            // What lies inside is taken as raw text: reading it would fail where it is nested too deep, and a visitor
            // chooses how deep that is.
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element::<Box<RawValue>>()? {
                    items.push(item.get().to_owned());
                }
                Ok(Text::Damaged(format!("[{}]", items.join(","))))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
                let mut fields = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    fields.push(format!("{}:{value}", Value::from(name)));
                }
                Ok(Text::Damaged(format!("{{{}}}", fields.join(","))))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountVisitor;
        impl<'de> Visitor<'de> for CountVisitor {
            type Value = Count;
            lenient_scalars!(|value: Value| Count(value.as_u64().or_else(|| whole_float(value.as_f64()?))));
            fn visit_str<E: Error>(self, _: &str) -> Result<Count, E> {
                Ok(Count(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Count, A::Error> {
                skip_seq(seq).map(|()| Count(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Count, A::Error> {
                skip_map(map).map(|()| Count(None))
            }
        }
        deserializer.deserialize_any(CountVisitor)
    }
}

/// JSON does not tell `3` from `3.0`, so a float without a fraction is a count as well.
fn whole_float(value: f64) -> Option<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53: above it a float no longer holds every whole number
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be whole and in range")]
    ((0.0..=EXACT).contains(&value) && value.fract() == 0.0).then_some(value as u64)
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;
            lenient_scalars!(|_| Object::Damaged);
            fn visit_str<E: Error>(self, _: &str) -> Result<Object<T>, E> {
                Ok(Object::Damaged)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Object<T>, A::Error> {
                skip_seq(seq).map(|()| Object::Damaged)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object::Whole)
            }
        }
        deserializer.deserialize_any(ObjectVisitor(std::marker::PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Array<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ArrayVisitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ArrayVisitor<T> {
            type Value = Array<T>;
            lenient_scalars!(|_| Array::Damaged);
            fn visit_str<E: Error>(self, _: &str) -> Result<Array<T>, E> {
                Ok(Array::Damaged)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Array<T>, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Array::Whole)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Array<T>, A::Error> {
                skip_map(map).map(|()| Array::Damaged)
            }
        }
        deserializer.deserialize_any(ArrayVisitor(std::marker::PhantomData))
    }
}
