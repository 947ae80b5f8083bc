//! Stand-ins: names in the place of secrets, so that what is written down still fits together.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{forms::forms, known::SHORTEST};
use crate::secret::Secret;

/// Puts a name wherever a secret stands, in whatever form it travels. The same secret is the same name everywhere.
#[derive(Clone, Default)]
pub struct StandIns {
    /// Every form of every secret with what stands for it, the longest first.
    anywhere: Vec<(Secret, String)>,
    /// What is replaced only where it is the whole text: short secrets, and what is none.
    whole: BTreeMap<String, String>,
}

// === impl StandIns ===

impl StandIns {
    /// Has a name stand for a secret. The first name of a secret stays.
    pub fn add(&mut self, secret: &Secret, name: &str) {
        let text = secret.expose_secret_text();
        if self.anywhere.iter().any(|(known, _)| known.expose_secret_text() == text) {
            return;
        }
        self.add_whole(text, name);
        if text.len() >= SHORTEST {
            self.anywhere.extend(forms(text).into_iter().map(|form| (Secret::new(form), name.to_owned())));
            self.anywhere.sort_by_key(|(form, _)| std::cmp::Reverse(form.expose_secret_text().len()));
        }
    }

    /// Has a name stand for a text where that is the whole text.
    pub fn add_whole(&mut self, text: &str, name: &str) {
        if !text.is_empty() {
            self.whole.entry(text.to_owned()).or_insert_with(|| name.to_owned());
        }
    }

    /// Whether the text is a name that stands for something.
    #[must_use]
    pub fn stands_for_something(&self, text: &str) -> bool {
        self.whole.values().any(|name| name == text)
    }

    /// The text without the names: what is left of it is nobody's stand-in.
    #[must_use]
    pub fn without_names(&self, text: &str) -> String {
        self.whole.values().fold(text.to_owned(), |text, name| text.replace(name, ""))
    }

    /// The text with all secrets replaced.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        if let Some(name) = self.whole.get(text) {
            return name.clone();
        }
        let (mut out, mut rest) = (String::with_capacity(text.len()), text);
        while let Some(next) = rest.chars().next() {
            let found = self.anywhere.iter().find(|(form, _)| rest.starts_with(form.expose_secret_text()));
            let taken = match found {
                Some((form, name)) => {
                    out.push_str(name);
                    form.expose_secret_text().len()
                }
                None => {
                    out.push(next);
                    next.len_utf8()
                }
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
        out
    }

    /// The document with all secrets replaced, in names of members too.
    #[must_use]
    pub fn json(&self, document: &Value) -> Value {
        match document {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.json(item)).collect()),
            Value::Object(members) => {
                Value::Object(members.iter().map(|(name, value)| (self.text(name), self.json(value))).collect())
            }
            other => other.clone(),
        }
    }
}

impl std::fmt::Debug for StandIns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StandIns")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_its_name_in_every_form() {
        let mut names = StandIns::default();
        names.add(&Secret::new("a/b+c d"), "client_secret");
        names.add(&Secret::new("a/b+c d and more"), "access_token-1");
        names.add(&Secret::new("abc"), "password");
        names.add_whole("acme", "client_id");
        for (text, wanted) in [
            ("Bearer a/b+c d and more", "Bearer access_token-1"),
            ("x=a%2Fb%2Bc%20d&y=1", "x=client_secret&y=1"),
            ("x=a%2Fb%2Bc+d&y=1", "x=client_secret&y=1"),
            ("acme", "client_id"),
            ("an acme thing", "an acme thing"),
            ("abc", "password"),
            ("abcd", "abcd"),
            ("", ""),
            ("ü a/b+c d ü", "ü client_secret ü"),
        ] {
            assert_eq!(names.text(text), wanted);
        }
        let document = json!({ "a": ["acme", 1], "a/b+c d": { "n": null, "abc": "abc" } });
        let wanted = json!({ "a": ["client_id", 1], "client_secret": { "n": null, "password": "password" } });
        assert_eq!(names.json(&document), wanted);
    }

    #[test]
    fn the_first_name_stays() {
        let mut names = StandIns::default();
        names.add(&Secret::new("the-token"), "access_token-1");
        names.add(&Secret::new("the-token"), "access_token-2");
        assert_eq!(names.text("<the-token>"), "<access_token-1>");
    }
}
