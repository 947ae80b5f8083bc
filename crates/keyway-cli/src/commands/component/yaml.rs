//! YAML as people write it: merge keys, and numbers of any size.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

/// Reads YAML as JSON.
pub(super) fn yaml(text: &str) -> Result<Value, serde_yaml_ng::Error> {
    let AnyNumber(mut document) = serde_yaml_ng::from_str(text)?;
    if text.contains("<<:") {
        merge(&mut document);
    }
    Ok(document)
}

/// YAML 1.1 has merge keys: what an object says itself goes before what it takes over, and the first before later ones.
fn merge(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let taken = members.shift_remove("<<");
            members.values_mut().for_each(merge);
            let sources = match taken {
                Some(Value::Array(sources)) => sources,
                Some(source) => vec![source],
                None => return,
            };
            for mut source in sources {
                merge(&mut source);
                let Value::Object(source) = source else { continue };
                for (name, member) in source {
                    members.entry(name).or_insert(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(merge),
        _ => {}
    }
}

/// JSON of YAML, whose numbers may be of any size: those that JSON's reader has no type for are what they are nearly.
struct AnyNumber(Value);

impl<'de> Deserialize<'de> for AnyNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyNumberVisitor).map(Self)
    }
}

struct AnyNumberVisitor;

impl<'de> Visitor<'de> for AnyNumberVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok((value as f64).into())
    }

    fn visit_u128<E>(self, value: u128) -> Result<Value, E> {
        Ok((value as f64).into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(AnyNumber(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = serde_json::Map::new();
        while let Some((name, AnyNumber(member))) = members.next_entry::<String, _>()? {
            object.insert(name, member);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_may_be_of_any_size() {
        for merge in ["", "base: &base {x: 1}\nmerged: {<<: *base}\n"] {
            let text = format!(
                "{merge}big: 987654321234567900000\nsmall: -9223372036854776000\n200: ok\n'201': [1.5, yes, ~]\n"
            );
            let read = yaml(&text).expect("YAML");
            assert_eq!(
                (&read["big"], &read["small"]),
                (&json!(987654321234567900000.0), &json!(-9223372036854776000.0))
            );
            assert_eq!((&read["200"], &read["201"]), (&json!("ok"), &json!([1.5, "yes", null])));
        }
    }

    #[test]
    fn merge_keys_take_over_what_is_not_said() {
        let text = "a: &a {x: 1, y: 2}\nb: &b {<<: *a, y: 3}\nc: {<<: [*b, {z: 4, x: 5}], w: [{<<: *a}]}\n";
        let read = yaml(text).expect("YAML");
        assert_eq!(read["c"], json!({ "w": [{ "x": 1, "y": 2 }], "y": 3, "x": 1, "z": 4 }));
    }
}
