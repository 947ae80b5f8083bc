//! Templates: text with `{name}` placeholders, encoded by where they stand.

use std::{borrow::Cow, fmt};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// All but the unreserved characters of RFC 3986 section 2.3.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Text in which `{name}` stands for a value; `{{` and `}}` are literal braces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Placeholder(String),
}

/// What kind of URL a template spells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlForm {
    /// An absolute URL of a component file; a leading placeholder may hold scheme and host.
    Endpoint,
    /// A message's or an action's URL: relative unless it starts with a scheme.
    Reference,
}

/// Why a template cannot be read or filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace without its partner, or a name that is none.
    #[error(
        "`{source_text}` has a stray brace or a placeholder that is no name; write `{{name}}`, or `{{{{` for a brace"
    )]
    Syntax {
        /// The whole template.
        source_text: String,
    },
    /// Nothing is known under that name.
    #[error("`{{{name}}}` has no value; give `{name}`, or take the placeholder out")]
    Undefined {
        /// The placeholder's name.
        name: String,
    },
    /// The value would change the meaning of the place where it stands.
    #[error("`{name}` cannot stand there: {why}")]
    Unfit {
        /// The placeholder's name.
        name: String,
        /// What is wrong with the value, without the value.
        why: &'static str,
    },
}

/// Where in a URL the next placeholder stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    Authority,
    Path,
    Query,
}

// === impl Template ===

impl Template {
    /// What the text of one looks like, as a regular expression.
    pub(crate) const PATTERN: &str = "^([^{}]|\\{\\{|\\}\\}|\\{[a-z][a-z0-9_]*\\})*$";

    /// Reads a template.
    ///
    /// # Errors
    /// A stray brace, or a placeholder whose name is not `[a-z][a-z0-9_]*`.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        let syntax = || TemplateError::Syntax { source_text: source.to_owned() };
        let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), source);
        while let Some(at) = rest.find(['{', '}']) {
            let (before, tail) = rest.split_at(at);
            literal.push_str(before);
            if let Some(after) = tail.strip_prefix("{{") {
                literal.push('{');
                rest = after;
            } else if let Some(after) = tail.strip_prefix("}}") {
                literal.push('}');
                rest = after;
            } else {
                let (name, after) =
                    tail.strip_prefix('{').and_then(|inner| inner.split_once('}')).ok_or_else(syntax)?;
                if !is_name(name) {
                    return Err(syntax());
                }
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(Part::Placeholder(name.to_owned()));
                rest = after;
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { source: source.to_owned(), parts })
    }

    /// One placeholder and nothing else.
    #[must_use]
    pub fn placeholder(name: &str) -> Self {
        Self { source: format!("{{{name}}}"), parts: vec![Part::Placeholder(name.to_owned())] }
    }

    /// The text as it is written in the file.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names of its placeholders, in order, repeats included.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Placeholder(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }

    /// The name, when the template is one placeholder and nothing else: then a typed value keeps its type.
    #[must_use]
    pub fn sole_name(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Placeholder(name)] => Some(name),
            _ => None,
        }
    }

    /// Names of placeholders that stand in the scheme, host or port of a URL.
    #[must_use]
    pub fn names_in_authority(&self, form: UrlForm) -> Vec<&str> {
        let mut place = form.start();
        let mut found = Vec::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => place = place.after(text),
                Part::Placeholder(name) => {
                    if matches!(place, Place::Start | Place::Authority) {
                        found.push(name.as_str());
                    }
                    if place == Place::Start {
                        place = Place::Authority;
                    }
                }
            }
        }
        found
    }

    /// Fills in plain text: nothing is encoded.
    ///
    /// # Errors
    /// A name that `lookup` does not know.
    pub fn render<'v>(&self, lookup: impl Fn(&str) -> Option<Cow<'v, str>>) -> Result<String, TemplateError> {
        let mut out = String::with_capacity(self.source.len());
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Placeholder(name) => out.push_str(&defined(name, &lookup)?),
            }
        }
        Ok(out)
    }

    /// Fills in a URL: a host label must be one, a path segment and a query value are percent-encoded, and a leading
    /// placeholder of an [`UrlForm::Endpoint`] stands as it is (its variable has a pattern; the lint sees to that).
    ///
    /// # Errors
    /// An unknown name, or a value that would change the URL's structure: an empty or dot path segment (`DELETE
    /// /item/` is another call than `DELETE /item/1`), a host label with anything but letters, digits and hyphens.
    pub fn render_url<'v>(
        &self,
        form: UrlForm,
        lookup: impl Fn(&str) -> Option<Cow<'v, str>>,
    ) -> Result<String, TemplateError> {
        let mut out = String::with_capacity(self.source.len() + 16);
        let mut place = form.start();
        for (n, part) in self.parts.iter().enumerate() {
            match part {
                Part::Literal(text) => {
                    out.push_str(text);
                    place = place.after(text);
                }
                Part::Placeholder(name) => {
                    let value = defined(name, &lookup)?;
                    let is_last = match self.parts.get(n + 1) {
                        None => true,
                        Some(Part::Literal(text)) => text.starts_with(['/', '?']),
                        Some(Part::Placeholder(_)) => false,
                    };
                    match place {
                        Place::Authority if is_last && form == UrlForm::Endpoint => {
                            insert_host(&mut out, name, &value)?;
                        }
                        _ => place.insert(&mut out, name, &value)?,
                    }
                    place = match place {
                        Place::Start => Place::Authority.after(value.split_once("://").map_or("", |(_, rest)| rest)),
                        place => place,
                    };
                }
            }
        }
        Ok(out)
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn defined<'v>(name: &str, lookup: &impl Fn(&str) -> Option<Cow<'v, str>>) -> Result<Cow<'v, str>, TemplateError> {
    lookup(name).ok_or_else(|| TemplateError::Undefined { name: name.to_owned() })
}

/// Whether a value may stand in a host. Dots lead further down below what stands behind them, and nowhere else.
fn is_host(value: &str) -> bool {
    let is_label = |label: &str| {
        let hyphens = label.starts_with('-') || label.ends_with('-');
        !label.is_empty() && !hyphens && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    value.split('.').all(is_label)
}

/// A value behind which no more of the host follows: where its pattern admits one, it may have a port, as servers of one's
/// own do. A path it may not have: what its pattern wants at the end of a host would then be found at the end of a path of
/// any host.
fn insert_host(out: &mut String, name: &str, value: &str) -> Result<(), TemplateError> {
    let (host, port) = value.split_once(':').map_or((value, None), |(host, port)| (host, Some(port)));
    let is_port = |port: &str| !port.is_empty() && port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    if !is_host(host) || !port.is_none_or(is_port) {
        let why = "a host has labels of letters, digits and inner hyphens, and at most a port behind it";
        return Err(TemplateError::Unfit { name: name.to_owned(), why });
    }
    out.push_str(value);
    Ok(())
}

// === impl UrlForm ===

impl UrlForm {
    fn start(self) -> Place {
        match self {
            Self::Endpoint => Place::Start,
            Self::Reference => Place::Path,
        }
    }
}

// === impl Place ===

impl Place {
    /// Where the URL stands after this literal text.
    fn after(self, text: &str) -> Self {
        let (place, rest) = match (self, text.split_once("://")) {
            (Self::Start, Some((_, rest))) => (Self::Authority, rest),
            (Self::Path, Some(("http" | "https", rest))) => (Self::Authority, rest),
            _ => (self, text),
        };
        match place {
            Self::Query => Self::Query,
            _ if rest.contains('?') => Self::Query,
            Self::Start | Self::Authority if rest.contains('/') => Self::Path,
            place => place,
        }
    }

    fn insert(self, out: &mut String, name: &str, value: &str) -> Result<(), TemplateError> {
        let unfit = |why| Err(TemplateError::Unfit { name: name.to_owned(), why });
        match self {
            Self::Start => {
                // Behind any of these the rest of the template would be no host and no path any more.
                let ends = |c: char| matches!(c, '?' | '#' | '@' | '\\') || c.is_whitespace() || c.is_control();
                if value.contains(ends) {
                    return unfit("a URL in front has neither `?`, `#`, `@`, a backslash nor white space");
                }
                out.push_str(value);
            }
            Self::Authority => {
                if !is_host(value) {
                    return unfit("labels of a host have letters, digits and inner hyphens only");
                }
                out.push_str(value);
            }
            Self::Path => {
                if value.is_empty() {
                    return unfit("an empty path segment names another resource");
                }
                if matches!(value, "." | "..") {
                    return unfit("a dot segment names another resource");
                }
                out.extend(utf8_percent_encode(value, ENCODED));
            }
            Self::Query => out.extend(utf8_percent_encode(value, ENCODED)),
        }
        Ok(())
    }
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(source: String) -> Result<Self, Self::Error> {
        Self::parse(&source)
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.source
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl JsonSchema for Template {
    fn schema_name() -> Cow<'static, str> {
        "Template".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Text in which `{name}` stands for a variable; `{{` and `}}` are literal braces. Without a declaration there are, where they are known: `{client_id}`; in requests for a token and in headers of the API also `{client_secret}`, `{timestamp}` (seconds since 1970, new each time) and `{uuid}` (new each time); in requests for a token also `{scope}`, `{redirect_uri}`, `{state}`, `{client_assertion}` (the JWT of `client_assertion`) and the inputs of the grant.",
            "pattern": Self::PATTERN
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(template: &str, value: &str) -> Result<String, TemplateError> {
        let lookup = |name: &str| (name == "v").then(|| Cow::Owned(value.to_owned()));
        Template::parse(template).unwrap().render_url(UrlForm::Endpoint, lookup)
    }

    #[test]
    fn values_are_encoded_by_position() {
        let table = [
            ("https://{v}.example.com/x", "acme", "https://acme.example.com/x"),
            ("https://api.example.com/{v}/x", "a b/c?d#e", "https://api.example.com/a%20b%2Fc%3Fd%23e/x"),
            (
                "https://api.example.com/x?q={v}&r=1",
                "a&b=c+d é",
                "https://api.example.com/x?q=a%26b%3Dc%2Bd%20%C3%A9&r=1",
            ),
            ("https://api.example.com/x?q={v}", "", "https://api.example.com/x?q="),
            ("{v}/services", "https://acme.example.com", "https://acme.example.com/services"),
            ("https://accounts.example.{v}/x", "co.uk", "https://accounts.example.co.uk/x"),
            ("https://{v}/rest", "jira.acme.test:8443", "https://jira.acme.test:8443/rest"),
            ("https://{v}", "acme.test:8443", "https://acme.test:8443"),
            ("https://api.example.com/{{{v}}}", "1", "https://api.example.com/{1}"),
        ];
        for (template, value, wanted) in table {
            assert_eq!(url(template, value).as_deref(), Ok(wanted), "{template} with {value}");
        }
    }

    #[test]
    fn values_that_change_the_structure_are_refused() {
        let table = [
            ("https://{v}.example.com", "evil.test/"),
            ("https://{v}.example.com", "evil.test:80"),
            ("https://{v}/x", "evil.test/x.acme.test"),
            ("https://{v}/x", "evil.test?y"),
            ("https://{v}/x", "user@evil.test"),
            ("https://{v}/x", "evil.test:"),
            ("https://{v}/x", "evil.test:http"),
            ("https://{v}.example.com", "a..b"),
            ("https://{v}.example.com", "a."),
            ("https://{v}.example.com", "a.-b"),
            ("https://{v}.example.com", ""),
            ("https://api.example.com/{v}", ""),
            ("https://api.example.com/{v}", ".."),
            ("https://api.example.com/{v}", "."),
        ];
        for (template, value) in table {
            assert!(matches!(url(template, value), Err(TemplateError::Unfit { .. })), "{template} with {value:?}");
        }
    }

    #[test]
    fn a_reference_is_relative_unless_it_has_a_scheme() {
        let lookup = |_: &str| Some(Cow::Borrowed("a/b"));
        let render = |t: &str| Template::parse(t).unwrap().render_url(UrlForm::Reference, lookup);
        assert_eq!(render("{v}/x").as_deref(), Ok("a%2Fb/x"));
        assert_eq!(render("/item/{v}").as_deref(), Ok("/item/a%2Fb"));
        assert!(render("https://{v}/x").is_err());
    }

    #[test]
    fn stray_braces_are_refused() {
        for source in ["{", "}", "{a", "a}", "{A}", "{a b}", "{}", "{1}"] {
            assert!(Template::parse(source).is_err(), "{source}");
        }
    }

    #[test]
    fn an_undefined_name_is_named() {
        let error = Template::parse("x{org_id}").unwrap().render(|_| None).unwrap_err();
        assert_eq!(error, TemplateError::Undefined { name: "org_id".into() });
        assert!(error.to_string().contains("`{org_id}`"), "{error}");
    }

    proptest! {
        #[test]
        fn an_inserted_path_value_stays_one_segment(value in "\\PC{1,40}") {
            prop_assume!(value != "." && value != "..");
            let text = url("https://api.example.com/a/{v}/z", &value).unwrap();
            let parsed = url::Url::parse(&text).unwrap();
            let segments: Vec<_> = parsed.path_segments().unwrap().collect();
            prop_assert_eq!(segments.len(), 3);
            prop_assert!(parsed.query().is_none() && parsed.fragment().is_none());
            let decoded = percent_encoding::percent_decode_str(segments[1]).decode_utf8().unwrap();
            prop_assert_eq!(decoded.as_ref(), value.as_str());
        }

        #[test]
        fn an_inserted_host_value_stays_below_its_host(value in prop_oneof![any::<String>(), "[a-zA-Z0-9.:@/-]{1,20}"]) {
            if let Ok(text) = url("https://{v}.example.com:8443/x", &value)
                // A label that begins like Punycode and is none makes no URL at all.
                && let Ok(parsed) = url::Url::parse(&text)
            {
                let host = format!("{}.example.com", value.to_ascii_lowercase());
                prop_assert_eq!(parsed.host_str(), Some(host.as_str()));
                prop_assert_eq!((parsed.port(), parsed.path(), parsed.username()), (Some(8443), "/x", ""));
            }
        }

        #[test]
        fn an_inserted_query_value_stays_one_value(value in any::<String>()) {
            let text = url("https://api.example.com/x?q={v}&r=1", &value).unwrap();
            let parsed = url::Url::parse(&text).unwrap();
            let pairs: Vec<_> = parsed.query_pairs().into_owned().collect();
            prop_assert_eq!(pairs, [("q".to_owned(), value), ("r".to_owned(), "1".to_owned())]);
            prop_assert_eq!((parsed.path(), parsed.fragment()), ("/x", None));
        }

        #[test]
        fn escaped_text_is_that_text(text in any::<String>()) {
            let template = Template::parse(&text.replace('{', "{{").replace('}', "}}")).unwrap();
            prop_assert_eq!(template.names().count(), 0);
            prop_assert_eq!(template.render(|_| None), Ok(text.clone()));
            prop_assert_eq!(Template::parse(template.source()).unwrap(), template);
        }

        #[test]
        fn parse_never_panics(source in "\\PC*") {
            let _ = Template::parse(&source);
        }
    }
}
