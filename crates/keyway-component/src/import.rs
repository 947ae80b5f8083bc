//! Descriptions of APIs in other forms, as component files. What cannot be carried over is listed, never guessed.

mod elasticio;
mod openapi;

use serde_json::{Map, Value, json};

pub use elasticio::elasticio;
pub use openapi::openapi;

/// What a person decides about an import, and the description does not say.
#[derive(Debug, Clone, Default)]
pub struct ImportChoices {
    /// The component's name; made of the title when absent.
    pub name: Option<String>,
    /// The API's base URL; that of the description when absent.
    pub base_url: Option<String>,
    /// The token endpoint, where the description does not say how a token is got.
    pub token_endpoint: Option<String>,
    /// Where a person signs in, where the description does not say it either.
    pub authorization_endpoint: Option<String>,
}

/// A component file, and what is not in it.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The file, in the order in which people read one.
    pub component: Value,
    /// What the description has and the component does not, a sentence each.
    pub left_out: Vec<String>,
}

/// Why a description cannot become a component.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It is something else.
    #[error("this is no {wanted}: {why}; give another file")]
    Other {
        /// What was expected.
        wanted: &'static str,
        /// What is missing.
        why: String,
    },
    /// It does not say where the API is.
    #[error("the description names no server with its host; give --base-url")]
    NoServer,
    /// Nobody says how an account shows who it is.
    #[error(
        "the description does not say how a token is got: {found}; give --token-endpoint (and --authorization-endpoint where a person signs in)"
    )]
    NoSecurity {
        /// What it declares instead.
        found: String,
    },
}

/// What stands before everything else in a component's file.
struct Head<'d> {
    title: &'d str,
    description: Option<&'d str>,
    documentation: Option<&'d str>,
    variables: Map<String, Value>,
    /// Named sets of values; `production` with none where there are none. The first is the default.
    environments: Map<String, Value>,
}

/// The file, as far as its head goes.
fn begun(choices: &ImportChoices, head: Head<'_>) -> Map<String, Value> {
    let mut component = Map::new();
    let mut set = |name: &str, value: Value| component.insert(name.to_owned(), value);
    set("keyway", json!(1));
    set("name", json!(choices.name.clone().unwrap_or_else(|| slug(head.title))));
    set("title", json!(crate::printable(head.title, 100)));
    set("version", json!("1.0.0"));
    if let Some(description) = head.description.map(sentence).filter(|text| !text.is_empty()) {
        set("description", json!(description));
    }
    if let Some(documentation) = head.documentation.filter(|url| url.starts_with("http")) {
        set("documentation", json!(documentation));
    }
    let first = head.environments.keys().next().cloned();
    let environments = if first.is_some() { Value::Object(head.environments) } else { json!({ "production": {} }) };
    set("environments", environments);
    if let Some(first) = first {
        set("default_environment", json!(first));
    }
    if !head.variables.is_empty() {
        set("variables", Value::Object(head.variables));
    }
    component
}

/// A component's name: lower case, digits and hyphens, a letter first.
fn slug(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    let name = name.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    if name.is_empty() {
        "api".to_owned()
    } else {
        name.chars().take(64).collect::<String>().trim_end_matches('-').to_owned()
    }
}

/// A name that templates can have: `[a-z][a-z0-9_]*`. `petId` and `pet-id` are both `pet_id`.
fn identifier(text: &str) -> String {
    let (mut name, mut before) = (String::new(), ' ');
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
                name.push('_');
            }
            name.push(c.to_ascii_lowercase());
        } else if !name.ends_with('_') {
            name.push('_');
        }
        before = c;
    }
    let name = name.trim_matches('_');
    match name.chars().next() {
        Some(first) if first.is_ascii_lowercase() => name.to_owned(),
        _ => format!("p_{name}"),
    }
}

/// A text of the description.
fn text_of<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// The name, or one that begins with `kind` where no variable may have it.
fn free(name: String, kind: &str) -> String {
    if crate::lint::is_reserved(&name) { format!("{kind}_{name}") } else { name }
}

/// What stands in braces.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0))
}

/// A URL over TLS, unless it is this machine's: Keyway sends no secret in the clear.
fn over_tls(url: &str) -> String {
    match url.strip_prefix("http://") {
        Some(rest) if !rest.split(['/', ':', '?']).next().is_some_and(crate::is_loopback_host) => {
            format!("https://{rest}")
        }
        _ => url.to_owned(),
    }
}

/// The first sentence of the first paragraph, for lists.
fn sentence(text: &str) -> String {
    let lines = text.trim().lines().map(str::trim).take_while(|line| !line.is_empty());
    let paragraph = lines.collect::<Vec<_>>().join(" ");
    let end = paragraph.find(". ").map_or(paragraph.len(), |at| at + 1);
    crate::printable(&paragraph[..end], 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_over_tls_or_stay_here() {
        for (url, wanted) in [
            ("http://a.test/x", "https://a.test/x"),
            ("http://localhost:1/x", "http://localhost:1/x"),
            ("http://127.0.0.1/x", "http://127.0.0.1/x"),
            ("https://a.test", "https://a.test"),
        ] {
            assert_eq!(over_tls(url), wanted);
        }
    }

    #[test]
    fn names_are_made_of_anything() {
        for (title, name) in [
            ("Swagger Petstore", "swagger-petstore"),
            ("3Scale API (v2)", "scale-api-v2"),
            ("日本", "api"),
            ("", "api"),
        ] {
            assert_eq!(slug(title), name);
        }
        let table = [
            ("petId", "pet_id"),
            ("pet-id", "pet_id"),
            ("X-Request-ID", "x_request_id"),
            ("filter[name]", "filter_name"),
            ("2fa", "p_2fa"),
            ("HTMLPage", "htmlpage"),
            ("$top", "top"),
            ("", "p_"),
        ];
        for (text, name) in table {
            assert_eq!(identifier(text), name, "{text}");
        }
    }
}
