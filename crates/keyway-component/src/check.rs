//! From text to a checked file: JSON, schema, types, lint; every fault at once.

use std::sync::LazyLock;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    ClientFile, Component, CredentialFile,
    component::FORMAT,
    fault::{Fault, Faults},
    lint, pointer,
    schema::{self, Compiled},
    source_span::place,
};

static COMPONENT_SCHEMA: LazyLock<Compiled> = LazyLock::new(|| Compiled::new(schema::component_schema()));
static CREDENTIAL_SCHEMA: LazyLock<Compiled> = LazyLock::new(|| Compiled::new(schema::credential_schema()));
static CLIENT_SCHEMA: LazyLock<Compiled> = LazyLock::new(|| Compiled::new(schema::client_schema()));

/// A file that can be used, and what a reader should know about it.
#[derive(Debug, Clone)]
pub struct Checked<T> {
    /// What the file says.
    pub value: T,
    /// Faults that are warnings only.
    pub warnings: Faults,
}

/// Reads a component file's text. `file` is the name that faults carry.
///
/// # Errors
/// Every fault of the file, if at least one of them is an error.
pub fn check_component(file: &str, text: &str) -> Result<Checked<Component>, Faults> {
    check(file, text, &COMPONENT_SCHEMA, lint::component)
}

/// Reads a credential file's text for the component that `find` knows by its name.
///
/// # Errors
/// Every fault of the file, if at least one of them is an error.
pub fn check_credential<'c>(
    file: &str,
    text: &str,
    find: impl Fn(&str) -> Option<&'c Component>,
) -> Result<Checked<CredentialFile>, Faults> {
    masked(check(file, text, &CREDENTIAL_SCHEMA, |credential: &CredentialFile| lint::credential(credential, &find)))
}

/// Reads a client file's text for the component that `find` knows by its name.
///
/// # Errors
/// Every fault of the file, if at least one of them is an error.
pub fn check_client<'c>(
    file: &str,
    text: &str,
    find: impl Fn(&str) -> Option<&'c Component>,
) -> Result<Checked<ClientFile>, Faults> {
    masked(check(file, text, &CLIENT_SCHEMA, |client: &ClientFile| lint::client(client, &find)))
}

/// Whoever draws these faults shows the lines around them, and a mistaken file has secrets written out in them.
fn masked<T>(checked: Result<Checked<T>, Faults>) -> Result<Checked<T>, Faults> {
    let masked = |faults: Faults| Faults { source: mask_values(&faults.source), ..faults };
    match checked {
        Ok(checked) => Ok(Checked { warnings: masked(checked.warnings), ..checked }),
        Err(faults) => Err(masked(faults)),
    }
}

/// The text with every string that is no key blanked out, byte for byte as long as before, so that spans still fit.
fn mask_values(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('"') {
        let (before, string) = rest.split_at(at);
        out.push_str(before);
        let mut escaped = false;
        let inner = string[1..].find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        // A string without an end: nothing after it is sure to be no secret.
        let end = inner.map_or(string.len(), |inner| inner + 2);
        let (string, after) = string.split_at(end);
        if inner.is_some() && after.trim_start().starts_with(':') {
            out.push_str(string);
        } else {
            let last = string.len() - 1;
            out.extend(string.bytes().enumerate().map(|(n, byte)| match byte {
                b'"' if n == 0 || n == last => '"',
                b'\n' => '\n',
                _ => '*',
            }));
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn check<T: DeserializeOwned>(
    file: &str,
    text: &str,
    schema: &Compiled,
    lint: impl FnOnce(&T) -> Vec<Fault>,
) -> Result<Checked<T>, Faults> {
    let (value, faults) = match serde_json::from_str::<Value>(text) {
        Ok(document) => read(document, schema, lint),
        Err(error) => (None, vec![not_json(text, &error)]),
    };
    let mut faults: Vec<Fault> =
        faults.into_iter().map(|fault| if fault.code == "json" { fault } else { place(text, fault) }).collect();
    faults.sort_by_key(|fault| fault.span.start);
    let faults = Faults { file: file.to_owned(), source: text.to_owned(), faults };
    match value {
        Some(value) if !faults.has_errors() => Ok(Checked { value, warnings: faults }),
        _ => Err(faults),
    }
}

fn read<T: DeserializeOwned>(
    mut document: Value,
    schema: &Compiled,
    lint: impl FnOnce(&T) -> Vec<Fault>,
) -> (Option<T>, Vec<Fault>) {
    if let Some(fault) = wrong_format(&document) {
        return (None, vec![fault]);
    }
    let mut faults = lint::literal_secrets(&document);
    for fault in &faults {
        // The schema would say the same again, in worse words.
        remove(&mut document, &fault.pointer);
    }
    let (broken, repairs) = schema.check(&document);
    faults.extend(broken);
    // A fault must not hide others: with what is wrong taken out, or made right, the rest is read and linted as well.
    for (pointer, instead) in &repairs {
        match (instead, document.pointer_mut(pointer)) {
            (Some(value), Some(wrong)) => *wrong = value.clone(),
            (None, Some(_)) => remove(&mut document, pointer),
            (_, None) => {}
        }
    }
    match T::deserialize(document) {
        Ok(value) => {
            let of_a_repair =
                |fault: &Fault| repairs.iter().any(|(pointer, _)| fault.pointer.starts_with(pointer.as_str()));
            faults.extend(lint(&value).into_iter().filter(|fault| !of_a_repair(fault)));
            (Some(value), faults)
        }
        Err(error) => {
            if faults.is_empty() {
                faults.push(Fault::error("schema", "", error.to_string()));
            }
            (None, faults)
        }
    }
}

fn remove(document: &mut Value, at: &str) {
    let Some((parent, key)) = at.rsplit_once('/') else { return };
    let key = pointer::key(key);
    if let Some(Value::Object(members)) = document.pointer_mut(parent) {
        members.shift_remove(&key);
    }
}

/// A file of a later format is told as such before its new keys are called unknown.
fn wrong_format(document: &Value) -> Option<Fault> {
    let Some(object) = document.as_object() else {
        return Some(Fault::error("schema", "", "the file is no JSON object"));
    };
    match object.get("keyway").map(Value::as_u64) {
        Some(Some(version)) if version > FORMAT => Some(
            Fault::error(
                "newer_format",
                "/keyway",
                format!("the file is of format {version}; this Keyway reads {FORMAT}"),
            )
            .hint("install a newer Keyway"),
        ),
        _ => None,
    }
}

fn not_json(text: &str, error: &serde_json::Error) -> Fault {
    let (line, column) = (error.line().max(1), error.column().max(1));
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let mut offset = (start + column - 1).min(text.len().saturating_sub(1));
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or(&message);
    let mut fault = Fault::error("json", "", format!("the file is no JSON: {message}"));
    // A whole character: whoever draws the fault cuts the text there.
    let end = offset + text[offset..].chars().next().map_or(0, char::len_utf8);
    (fault.line, fault.column, fault.span) = (line, column, offset..end);
    let rest = &text[offset..];
    let before = text[..offset].trim_end();
    match () {
        () if text.starts_with('\u{feff}') => {
            fault.hint("it begins with a byte order mark; save it as UTF-8 without one")
        }
        () if rest.starts_with(['/', '#']) => fault.hint("JSON has no comments; say it in a `description`"),
        () if rest.starts_with(['}', ']']) && before.ends_with(',') => {
            fault.hint("take the comma before it out: JSON has none behind the last member")
        }
        () => fault,
    }
}

#[cfg(test)]
mod tests {
    use super::{check_component, mask_values};

    #[test]
    fn values_are_blanked_and_keys_stay() {
        let text = r#"{"client_secret": "a \" b, é", "n": 1, "list": ["x"], "cut": "zz"#;
        let masked = mask_values(text);
        assert_eq!(masked, r#"{"client_secret": "**********", "n": 1, "list": ["*"], "cut": "**"#);
        assert_eq!(masked.len(), text.len());
    }

    #[test]
    fn a_fault_at_a_character_beyond_ascii_has_all_of_it() {
        for text in ["{\"keyway\":1,é}", "é", "{\"a\": 日}", "\u{1f511}", "{\"a\":\"é", ""] {
            let faults = check_component("a.json", text).unwrap_err();
            let span = faults.faults[0].span.clone();
            assert!(text.get(span.clone()).is_some_and(|at| at.chars().count() <= 1), "{text}: {span:?}");
        }
    }
}
