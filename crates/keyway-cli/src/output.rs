//! Printing for people: colours and indentation, on terminals only.

use std::io::IsTerminal;

use serde_json::Value;

/// Whether standard output takes colours: a terminal, and `NO_COLOR` is not set (no-color.org).
pub(crate) fn stdout_colours() -> bool {
    std::io::stdout().is_terminal() && wants_colours()
}

/// The same for standard error.
pub(crate) fn stderr_colours() -> bool {
    std::io::stderr().is_terminal() && wants_colours()
}

fn wants_colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// JSON, indented, byte-true in its numbers and key order, and coloured where that is wanted. Works on the text, so
/// that no number is read and written again.
pub(crate) fn pretty(json: &str, colours: bool) -> String {
    let (mut out, mut depth, mut rest) = (String::with_capacity(json.len() * 2), 0usize, json);
    let mut after_colon = false;
    while let Some(c) = rest.chars().next() {
        match c {
            '"' => {
                let end = string_end(rest);
                let (text, tail) = rest.split_at(end);
                let is_key = tail.trim_start().starts_with(':') && !after_colon;
                paint(&mut out, text, if is_key { "34" } else { "32" }, colours);
                (rest, after_colon) = (tail, false);
                continue;
            }
            '{' | '[' => {
                out.push(c);
                let closes = rest[1..].trim_start().starts_with(['}', ']']);
                if closes {
                    rest = rest[1..].trim_start();
                    out.push_str(&rest[..1]);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
                after_colon = false;
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
                after_colon = false;
            }
            ':' => {
                out.push_str(": ");
                after_colon = true;
            }
            c if c.is_whitespace() => {}
            _ => {
                let end = rest.find([',', '}', ']', ' ', '\n', '\r', '\t']).unwrap_or(rest.len());
                paint(&mut out, &rest[..end], "33", colours);
                (rest, after_colon) = (&rest[end..], false);
                continue;
            }
        }
        rest = &rest[1..];
    }
    out
}

/// Where a string literal ends, its closing quote included.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn paint(out: &mut String, text: &str, colour: &str, colours: bool) {
    if colours {
        out.push_str(&format!("\x1b[{colour}m{text}\x1b[0m"));
    } else {
        out.push_str(text);
    }
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// A parameter's value: JSON where it is JSON, text otherwise, and where its schema says that it is text: `id=007`.
pub(crate) fn value_of(text: &str, schema: Option<&Value>) -> Value {
    let as_text = || Value::String(text.to_owned());
    match schema.and_then(|schema| schema.get("type")) {
        Some(Value::String(kind)) if kind == "string" && !text.starts_with('"') => as_text(),
        _ => serde_json::from_str(text).unwrap_or_else(|_| as_text()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_parameter_is_what_its_schema_says() {
        let of = |kind: Value| json!({ "type": kind });
        let table = [
            ("7", None, json!(7)),
            ("7", Some(of(json!("integer"))), json!(7)),
            ("7", Some(of(json!("string"))), json!("7")),
            ("true", Some(of(json!("string"))), json!("true")),
            ("\"7\"", Some(of(json!("string"))), json!("7")),
            ("7", Some(of(json!(["string", "integer"]))), json!(7)),
            ("a b", None, json!("a b")),
            ("[1]", Some(json!({})), json!([1])),
        ];
        for (text, schema, wanted) in table {
            assert_eq!(value_of(text, schema.as_ref()), wanted, "{text} of {schema:?}");
        }
    }

    #[test]
    fn pretty_changes_white_space_only() {
        let json = r#"{"b":9007199254740993,"a":[1.10,"x, \"{y}\":",{},[ ]],"t":true}"#;
        let wanted = "{\n  \"b\": 9007199254740993,\n  \"a\": [\n    1.10,\n    \"x, \\\"{y}\\\":\",\n    {},\n    []\n  ],\n  \"t\": true\n}";
        assert_eq!(pretty(json, false), wanted);
        assert!(pretty(json, true).contains("\x1b[34m\"b\"\x1b[0m: \x1b[33m9007199254740993\x1b[0m"));
    }
}
