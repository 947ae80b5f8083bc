//! The actions of a component, as people read them.

use keyway::{
    Component,
    component::{Action, NextPage, Part},
};
use serde_json::Value;

/// What is said about an action.
pub(super) struct ActionPage<'c> {
    pub(super) name: &'c str,
    /// Method and URL.
    pub(super) request: String,
    pub(super) about: Option<&'c str>,
    pub(super) params: Vec<Param<'c>>,
    pub(super) notes: Vec<String>,
}

/// A parameter.
pub(super) struct Param<'c> {
    pub(super) name: &'c str,
    /// Its type, or what it may be.
    what: String,
    is_required: bool,
    default: Option<String>,
    pub(super) about: &'c str,
}

/// All actions, by name.
pub(super) fn action_pages(component: &Component) -> Vec<ActionPage<'_>> {
    component
        .actions
        .iter()
        .map(|(name, action)| ActionPage {
            name,
            request: format!("{} {}", action.method, action.url),
            about: action.description.as_deref(),
            params: params(component, action),
            notes: notes(action),
        })
        .collect()
}

fn params<'c>(component: &Component, action: &'c Action) -> Vec<Param<'c>> {
    let Some(properties) = action.properties() else {
        // Without a schema the URL says what there is, but for the account's own variables.
        let names = action.url.names().filter(|name| !component.variables.contains_key(*name));
        let param = |name| Param { name, what: "text".to_owned(), is_required: true, default: None, about: "" };
        return names.map(param).collect();
    };
    let schema = action.params.as_ref();
    let required = schema.and_then(|schema| schema.get("required")).and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|required| required.iter().any(|known| known == name));
    let param = |(name, schema): (&'c String, &'c Value)| Param {
        name,
        what: what(schema),
        is_required: is_required(name),
        default: action.default_of(name).map(Value::to_string),
        about: schema.get("description").and_then(Value::as_str).unwrap_or_default(),
    };
    let mut all: Vec<Param<'c>> = properties.iter().map(param).collect();
    all.sort_by_key(|param| !param.is_required);
    all
}

/// The type of a schema, its values, or that it takes anything.
fn what(schema: &Value) -> String {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values.iter().map(Value::to_string).collect::<Vec<_>>().join(" | ");
    }
    match schema.get("type") {
        Some(Value::String(kind)) => match (kind.as_str(), schema.get("items")) {
            ("array", Some(items)) => format!("list of {}", what(items)),
            (kind, _) => schema.get("format").and_then(Value::as_str).unwrap_or(kind).to_owned(),
        },
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | "),
        _ => "any".to_owned(),
    }
}

fn notes(action: &Action) -> Vec<String> {
    let mut notes = Vec::new();
    if action.multipart.values().any(|part| matches!(part, Part::File(_))) {
        notes.push("The message's own body is the file.".to_owned());
    }
    if let Some(schema) = &action.body_schema {
        let needed: Vec<String> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(|name| format!("`{name}`"))
            .collect();
        let needed = if needed.is_empty() { String::new() } else { format!("; it needs {}", needed.join(", ")) };
        notes.push(format!("The message's own body is JSON{needed}."));
    }
    if let Some(pagination) = &action.pagination {
        let how = match &pagination.next {
            NextPage::Link => "by the header `Link`".to_owned(),
            NextPage::Url(_) => "by a URL in the answer".to_owned(),
            NextPage::Cursor(cursor) => format!("by the cursor `{}`", cursor.param),
            NextPage::Offset(counted) | NextPage::Page(counted) => format!("by `{}`", counted.param),
        };
        notes.push(format!("Has pages, {how}: `paginate` gives all of them."));
    }
    if !action.accept.is_empty() {
        let statuses: Vec<String> = action.accept.iter().map(u16::to_string).collect();
        notes.push(format!("No failure: {}.", statuses.join(", ")));
    }
    notes
}

// === impl Param ===

impl Param<'_> {
    /// Type, and whether it has to be given.
    pub(super) fn kind(&self) -> String {
        let rest = match &self.default {
            _ if self.is_required => ", required".to_owned(),
            Some(default) => format!(", default {default}"),
            None => String::new(),
        };
        format!("{}{rest}", self.what)
    }
}
