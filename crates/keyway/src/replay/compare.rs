//! What is recorded against what is found. Pure.

use keyway_component::printable;
use serde_json::Value;

/// Stands for anything in a recorded text.
const ANYTHING: &str = "***";
/// Values are shown up to this many characters.
const SHOWN: usize = 200;

/// Adds a sentence for each place where what is found is not what is recorded. Members that are not recorded may be
/// anything; lists have to be as long as they were.
pub(super) fn differences(at: &str, recorded: &Value, found: &Value, out: &mut Vec<String>) {
    match (recorded, found) {
        (Value::Object(recorded), Value::Object(found)) => {
            for (name, wanted) in recorded {
                let place = format!("{at}/{}", printable(name, 60));
                match found.get(name) {
                    Some(found) => differences(&place, wanted, found, out),
                    None => out.push(format!("{place} is missing; recorded is {}", shown(wanted))),
                }
            }
        }
        (Value::Array(recorded), Value::Array(found)) if recorded.len() == found.len() => {
            for (n, (wanted, found)) in recorded.iter().zip(found).enumerate() {
                differences(&format!("{at}/{n}"), wanted, found, out);
            }
        }
        (Value::String(recorded), Value::String(found)) if is_match(recorded, found) => {}
        (Value::String(recorded), _) if recorded == ANYTHING => {}
        _ if recorded == found => {}
        _ => out.push(format!("{at} is {}; recorded is {}", shown(found), shown(recorded))),
    }
}

/// Whether a text is the recorded one, in which `***` stands for anything.
pub(super) fn is_match(recorded: &str, found: &str) -> bool {
    let mut parts = recorded.split(ANYTHING);
    let Some(mut rest) = parts.next().and_then(|first| found.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

fn shown(value: &Value) -> String {
    printable(&value.to_string(), SHOWN)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_recorded_is_compared() {
        let found = json!({ "a": 1, "b": [1, { "c": "Bearer abc" }], "d": null });
        let table = [
            (json!({}), 0),
            (json!({ "a": 1, "d": null }), 0),
            (json!({ "b": [1, { "c": "Bearer ***" }] }), 0),
            (json!({ "a": "***" }), 0),
            (json!({ "a": 2 }), 1),
            (json!({ "a": 1.0 }), 1),
            (json!({ "e": "***" }), 1),
            (json!({ "b": [1] }), 1),
            (json!({ "a": 2, "b": [2, { "c": "x" }], "d": 0 }), 4),
            (json!([]), 1),
        ];
        for (recorded, count) in table {
            let mut out = Vec::new();
            differences("it", &recorded, &found, &mut out);
            assert_eq!(out.len(), count, "{recorded}: {out:?}");
        }
    }

    #[test]
    fn stars_stand_for_anything() {
        for (recorded, found, wanted) in [
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("***", "", true),
            ("a***", "ab", true),
            ("***c", "abc", true),
            ("a***c", "ac", true),
            ("a***c***e", "abcde", true),
            ("a***c***e", "abde", false),
            ("ab***b", "ab", false),
        ] {
            assert_eq!(is_match(recorded, found), wanted, "{recorded} {found}");
        }
    }
}
