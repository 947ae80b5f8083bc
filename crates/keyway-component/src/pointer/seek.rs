//! Finding what a pointer points to in JSON text, without a tree: memory stays that of the text, however large it is.

use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The part of `json` at the end of these steps. As in a tree, the last of several members of one name counts, and a
/// text that is no JSON as a whole has nothing.
pub(super) fn seek<'j>(json: &'j [u8], steps: &[Cow<'_, str>]) -> Option<&'j RawValue> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let found = Seek(steps).deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    found
}

/// What is left of the way.
#[derive(Clone, Copy)]
struct Seek<'s>(&'s [Cow<'s, str>]);

impl<'j> DeserializeSeed<'j> for Seek<'_> {
    type Value = Option<&'j RawValue>;

    fn deserialize<D: Deserializer<'j>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.0.is_empty() {
            return serde::Deserialize::deserialize(deserializer).map(Some);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'j> Visitor<'j> for Seek<'_> {
    type Value = Option<&'j RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'j>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Some((step, rest)) = self.0.split_first() else { return Ok(None) };
        let mut found = None;
        while let Some(key) = map.next_key::<Cow<'j, str>>()? {
            if key == *step {
                found = map.next_value_seed(Seek(rest))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'j>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let Some((step, rest)) = self.0.split_first() else { return Ok(None) };
        // RFC 6901 section 4: no leading zeros.
        let wanted = step.parse::<usize>().ok().filter(|number| number.to_string() == **step);
        let (mut found, mut at) = (None, 0);
        loop {
            if wanted == Some(at) {
                match items.next_element_seed(Seek(rest))? {
                    Some(item) => found = item,
                    None => return Ok(found),
                }
            } else if items.next_element::<IgnoredAny>()?.is_none() {
                return Ok(found);
            }
            at += 1;
        }
    }

    // The way goes on, and here it cannot.

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::Pointer;

    fn both(pointer: &str, text: &str) -> (Option<Value>, Option<Value>) {
        let pointer = Pointer::new(pointer);
        let in_tree = serde_json::from_str::<Value>(text).ok().and_then(|tree| pointer.find(&tree).cloned());
        let in_text = pointer.seek(text.as_bytes());
        (in_tree, in_text)
    }

    #[test]
    fn the_text_gives_what_the_tree_gives() {
        let texts = [
            r#"{"ok":false,"error":{"a/b":[1,{"x":"y"}],"~":null},"ok":true}"#,
            r#"[[1,2],{"0":"a"},"text"]"#,
            r#"{"":{"":1},"\u006fk":"escaped","n":-1.5e3,"u":null}"#,
            r#"{"ok":1} x"#,
            r#"{"ok":"#,
            "\"text\"",
            "7",
            "",
            "nope",
        ];
        let pointers = [
            "",
            "/ok",
            "/error",
            "/error/a~1b/1/x",
            "/error/a~1b/01",
            "/error/~0",
            "/0/1",
            "/1/0",
            "/2/0",
            "/-",
            "//",
            "/n",
            "/u",
            "/u/x",
            "/ok/x",
            "/9",
        ];
        for (text, pointer) in texts.iter().flat_map(|text| pointers.map(|pointer| (text, pointer))) {
            let (in_tree, in_text) = both(pointer, text);
            assert_eq!(in_tree, in_text, "{pointer} in {text}");
        }
    }

    #[test]
    fn what_is_found_is_small_and_the_rest_may_be_deep() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let text = format!(r#"{{"a":{deep},"ok":false,"long":"{}"}}"#, "x".repeat(1 << 20));
        assert_eq!(Pointer::new("/ok").seek(text.as_bytes()), Some(json!(false)));
        assert_eq!(Pointer::new("/a").seek(text.as_bytes()), None, "too deep for a value that a rule names");
        assert_eq!(Pointer::new("/long").seek(text.as_bytes()), None, "and too long");
    }

    proptest! {
        #[test]
        fn any_text_gives_what_its_tree_gives(text in r#"[\[\]{}":,a0-2 \\]{0,40}"#, pointer in "(/[a0-2~]{0,2}){0,3}") {
            let (in_tree, in_text) = both(&pointer, &text);
            prop_assert_eq!(in_tree, in_text);
        }
    }
}
