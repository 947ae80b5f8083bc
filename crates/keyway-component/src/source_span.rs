//! Finds a JSON pointer in source text, so that a fault can name line and column.

use std::{borrow::Cow, fmt, ops::Range};

use serde::{
    Deserialize,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{fault::Fault, pointer::key};

/// Fills in span, line and column of a fault from its pointer. A pointer that leads nowhere stops at the last place
/// on its way that exists.
pub(crate) fn place(source: &str, mut fault: Fault) -> Fault {
    fault.span = find(source, &fault.pointer);
    (fault.line, fault.column) = line_and_column(source, fault.span.start);
    fault
}

/// Line and column, both from 1, of a byte offset.
pub(crate) fn line_and_column(source: &str, offset: usize) -> (usize, usize) {
    let before = source.get(..offset.min(source.len())).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

fn find(source: &str, pointer: &str) -> Range<usize> {
    let mut here = source.trim_ascii();
    for step in pointer.split('/').skip(1) {
        match child(here, &key(step)) {
            Some(inner) => here = inner,
            None => break,
        }
    }
    // `here` is a part of `source`, so the difference of the addresses is the offset.
    let start = (here.as_ptr() as usize).saturating_sub(source.as_ptr() as usize);
    start..start + here.len()
}

fn child<'s>(json: &'s str, step: &str) -> Option<&'s str> {
    match serde_json::from_str::<Children<'s>>(json).ok()? {
        Children::Object(members) => {
            // The last of repeated members counts, as it does for serde_json.
            members.into_iter().rev().find(|(name, _)| name == step).map(|(_, value)| value.get())
        }
        Children::Array(items) => items.get(step.parse::<usize>().ok()?).map(|item| item.get()),
        Children::Leaf => None,
    }
}

enum Children<'s> {
    Object(Vec<(Cow<'s, str>, &'s RawValue)>),
    Array(Vec<&'s RawValue>),
    Leaf,
}

impl<'de> Deserialize<'de> for Children<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Walk;
        impl<'de> Visitor<'de> for Walk {
            type Value = Children<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(entry) = map.next_entry::<Cow<'de, str>, &'de RawValue>()? {
                    members.push(entry);
                }
                Ok(Children::Object(members))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element::<&'de RawValue>()? {
                    items.push(item);
                }
                Ok(Children::Array(items))
            }

            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(Children::Leaf)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Children::Leaf)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Children::Leaf)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Children::Leaf)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Children::Leaf)
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Children::Leaf)
            }
        }
        deserializer.deserialize_any(Walk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_become_lines() {
        let source = "{\n  \"a\": {\"b/c\": [1,\n    {\"d\": \"x\"}]},\n  \"e\": null\n}\n";
        let table = [
            ("", 1, 1, source.trim()),
            ("/a/b~1c/0", 2, 17, "1"),
            ("/a/b~1c/1/d", 3, 11, "\"x\""),
            ("/e", 4, 8, "null"),
            ("/e/gone", 4, 8, "null"),
        ];
        for (pointer, line, column, text) in table {
            let fault = place(source, Fault::error("x", pointer, "m"));
            assert_eq!((fault.line, fault.column), (line, column), "{pointer}");
            assert_eq!(&source[fault.span], text, "{pointer}");
        }
    }
}
