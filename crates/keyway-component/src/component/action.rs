//! `actions`: calls with a name.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Pagination;
use crate::{json_template::JsonTemplate, template::Template};

/// A call with a name. A message asks for it with `"action": "<name>"` and `params`.
///
/// `{name}` in its texts is a member of `params`, the `default` that the schema of `params` gives it, or a variable that
/// is no secret.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// What it does, in a sentence.
    #[serde(default)]
    pub description: Option<String>,
    /// The method, in upper case.
    pub method: String,
    /// The URL, appended to `base_url`.
    pub url: Template,
    /// Query parameters. One that names something that the message does not give is left out; one that is nothing but the
    /// name of a list is repeated for each of its items, and the name of an object is a parameter `a[b]` for each of its
    /// members.
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    /// What joins the items of lists in `query`, in forms and in parts, where the API does not want the parameter repeated.
    #[serde(default)]
    pub list_separator: Option<ListSeparator>,
    /// Names in `query` and in a form whose values are sent as JSON text, whatever they are.
    #[serde(default)]
    pub json_values: BTreeSet<String>,
    /// Headers. One that names something that the message does not give is left out. Lists are joined by commas, as in the
    /// URL.
    #[serde(default)]
    pub headers: BTreeMap<String, Template>,
    /// The body. A text that is nothing but `{name}` becomes the parameter's own JSON value; a member or an item that names
    /// something that the message does not give is left out. Absent: the message's own body is sent.
    #[serde(default)]
    pub body: Option<JsonTemplate>,
    /// How `body` is encoded.
    #[serde(default)]
    pub body_encoding: BodyEncoding,
    /// JSON Schema (2020-12) of the message's own body, which is JSON then. A message whose body breaks it is refused; one
    /// without a body is, unless the schema admits `null`.
    #[serde(default)]
    pub body_schema: Option<Value>,
    /// The parts of a `multipart/form-data` body (RFC 7578), instead of `body`, in the order in which they are sent.
    #[serde(default)]
    pub multipart: IndexMap<String, Part>,
    /// JSON Schema (2020-12) of `params`. Absent: the placeholders of `url` are required, others are refused.
    #[serde(default)]
    pub params: Option<Value>,
    /// JSON Schema (2020-12) of the body of a good answer, where it is JSON. One that breaks it is a failed message.
    #[serde(default)]
    pub output: Option<Value>,
    /// How further pages are asked for.
    #[serde(default)]
    pub pagination: Option<Pagination>,
    /// Statuses of 400 and above that are no failure here.
    #[serde(default)]
    #[schemars(inner(range(min = 100, max = 599)))]
    pub accept: Vec<u16>,
    /// Whether the access token, and whatever else is secret, goes with it: `false` for what anybody may ask.
    #[serde(default = "yes")]
    pub token: bool,
    /// Whether it can be sent twice without harm although its method is no idempotent one (a search by POST).
    #[serde(default)]
    pub repeatable: bool,
}

fn yes() -> bool {
    true
}

/// What joins the items of lists.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ListSeparator {
    /// Those of all lists.
    All(#[schemars(length(min = 1))] String),
    /// Those of the lists under these names in `query`, in the form or among the parts. Others are repeated.
    Named(BTreeMap<String, String>),
}

/// How the body of an action is encoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BodyEncoding {
    /// `application/json`.
    #[default]
    Json,
    /// `application/x-www-form-urlencoded`: the body is an object of fields. A list is a repeated field; members of an
    /// object are fields called `a[b]`, lists in it `a[b][]`, and lists of objects `a[0][b]`.
    Form,
}

/// A part of a multipart body.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Part {
    /// A field. One that names something that the message does not give is left out; a list is a part for each of its
    /// items, and an object is a part of JSON.
    Field(Template),
    /// The message's own body, as a file.
    File(FilePart),
}

/// The message's own body as a part.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilePart {
    /// The file's name; the part's own where the message does not give it. A message without a body and without this name
    /// has no such part.
    pub filename: Template,
    /// What it is; `application/octet-stream` when absent.
    #[serde(default)]
    pub content_type: Option<Template>,
}

// === impl Action ===

impl Action {
    /// The parameters that the schema of `params` declares, each with its own schema.
    #[must_use]
    pub fn properties(&self) -> Option<&Map<String, Value>> {
        self.params.as_ref()?.get("properties")?.as_object()
    }

    /// The names of all parameters: what its schema declares, or what its URL names where there is no schema.
    pub fn param_names(&self) -> impl Iterator<Item = &str> {
        let of_url = self.url.names().filter(|_| self.params.is_none());
        self.properties().into_iter().flatten().map(|(name, _)| name.as_str()).chain(of_url)
    }

    /// What a parameter is when the message does not give it.
    #[must_use]
    pub fn default_of(&self, name: &str) -> Option<&Value> {
        self.properties()?.get(name)?.get("default").filter(|value| !value.is_null())
    }

    /// A parameter: what the message gives, else the default. `null` is not given.
    #[must_use]
    pub fn param<'v>(&'v self, given: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
        given.get(name).filter(|value| !value.is_null()).or_else(|| self.default_of(name))
    }

    /// What joins the items of the list under this name; `None` where it is repeated.
    #[must_use]
    pub fn separator(&self, name: &str) -> Option<&str> {
        match self.list_separator.as_ref()? {
            ListSeparator::All(separator) => Some(separator),
            ListSeparator::Named(separators) => separators.get(name).map(String::as_str),
        }
    }

    /// Whether the message's own body becomes part of the request.
    #[must_use]
    pub fn takes_a_body(&self) -> bool {
        let is_file = |part: &Part| matches!(part, Part::File(_));
        if self.multipart.is_empty() { self.body.is_none() } else { self.multipart.values().any(is_file) }
    }
}

// === impl Part ===

impl Part {
    /// All names that its templates ask for.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let (one, other) = match self {
            Self::Field(template) => (template, None),
            Self::File(file) => (&file.filename, file.content_type.as_ref()),
        };
        one.names().chain(other.into_iter().flat_map(Template::names))
    }
}
