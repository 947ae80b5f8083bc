//! An action of the component, filled in for one message.

use http::{HeaderMap, Method};
use keyway_component::{
    Template,
    component::{self, Action, BodyEncoding},
};
use serde_json::Value;

use super::{
    content::{Content, File, Part},
    resolve::{Asked, fill_url, invalid_params, set_header},
    values::{Values, text_of},
};
use crate::{
    connection::Connection,
    failure::{Code, Failure},
    message::{Message, Payload},
};

/// What an action asks for. Its headers lie over those that the component has for all requests.
pub(super) fn act(
    connection: &Connection,
    message: &Message,
    name: &str,
    headers: &mut HeaderMap,
) -> Result<Asked<'static>, Failure> {
    let loaded = connection.loaded();
    let action = loaded.action(name)?;
    loaded.check_params(name, &message.params)?;
    loaded.check_body(name, &message.payload)?;
    let values = Values { given: &message.params, action: Some(action), account: connection.account() };
    for (name, template) in given(&action.headers, values) {
        set_header(headers, name, &text(values, template)?)?;
    }
    let mut accept = message.accept.clone();
    accept.extend(&action.accept);
    Ok(Asked {
        method: Method::from_bytes(action.method.as_bytes())
            .map_err(|_| Failure::new(Code::Internal, format!("the action's method `{}` is none", action.method)))?,
        url: fill_url(values, &action.url)?,
        query: query(action, values)?,
        content: content(action, name, values, &message.payload)?,
        accept,
        repeatable: action.repeatable,
    })
}

/// Those of which nothing is missing.
fn given<'t>(
    templates: &'t std::collections::BTreeMap<String, Template>,
    values: Values<'t>,
) -> impl Iterator<Item = (&'t String, &'t Template)> {
    templates.iter().filter(move |(_, template)| values.has_all_of(template))
}

fn text(values: Values<'_>, template: &Template) -> Result<String, Failure> {
    template.render(|name| values.text(name)).map_err(|error| invalid_params(error.to_string()))
}

fn query(action: &Action, values: Values<'_>) -> Result<Vec<(String, String)>, Failure> {
    let mut query = Vec::new();
    for (name, template) in given(&action.query, values) {
        match (values.list(template), &action.list_separator) {
            (Some(items), Some(separator)) => query.push((name.clone(), items.join(separator))),
            (Some(items), None) => query.extend(items.into_iter().map(|item| (name.clone(), item))),
            (None, _) => query.push((name.clone(), text(values, template)?)),
        }
    }
    Ok(query)
}

fn content(action: &Action, name: &str, values: Values<'_>, own: &Payload) -> Result<Option<Content>, Failure> {
    if !action.takes_a_body() && !matches!(own, Payload::None) {
        let why = format!("the action `{name}` makes its body of `params`; take the message's own body out");
        return Err(Failure::new(Code::InvalidMessage, why));
    }
    if !action.multipart.is_empty() {
        return multipart(action, name, values, own).map(Some);
    }
    let Some(body) = &action.body else { return Ok(Content::of(own)) };
    let filled = body.render(|template| match template.sole_name() {
        Some(name) => Ok(values.json(name).map(std::borrow::Cow::into_owned)),
        None if values.has_all_of(template) => text(values, template).map(|text| Some(Value::String(text))),
        None => Ok(None),
    })?;
    match (filled, action.body_encoding) {
        (None, _) => Ok(None),
        (Some(value), BodyEncoding::Json) => Ok(Some(Content::json(&value))),
        (Some(value), BodyEncoding::Form) => fields(&value)
            .map(|fields| Some(Content::form(&fields)))
            .ok_or_else(|| invalid_params(format!("`{name}` sends a form, which holds no objects; give texts"))),
    }
}

/// The fields of a form.
fn fields(body: &Value) -> Option<Vec<(String, String)>> {
    let mut fields = Vec::new();
    for (name, value) in body.as_object()? {
        match value {
            Value::Array(items) => {
                for item in items {
                    fields.push((name.clone(), text_of(item)?.into_owned()));
                }
            }
            Value::Null => {}
            value => fields.push((name.clone(), text_of(value)?.into_owned())),
        }
    }
    Some(fields)
}

fn multipart(action: &Action, name: &str, values: Values<'_>, own: &Payload) -> Result<Content, Failure> {
    let mut parts = Vec::new();
    for (field, part) in &action.multipart {
        match part {
            component::Part::Field(template) if values.has_all_of(template) => {
                parts.push(Part { name: field, file: None, bytes: text(values, template)?.into() });
            }
            component::Part::Field(_) => {}
            component::Part::File(file) => {
                let Some(content) = Content::of(own) else {
                    let why = format!("`{name}` sends a file: give its content as `body_base64` or `text`");
                    return Err(Failure::new(Code::InvalidMessage, why));
                };
                let content_type = match &file.content_type {
                    Some(template) if values.has_all_of(template) => text(values, template)?,
                    _ => "application/octet-stream".to_owned(),
                };
                let named = File { name: text(values, &file.filename)?, content_type };
                parts.push(Part { name: field, file: Some(named), bytes: content.bytes });
            }
        }
    }
    Content::multipart(&parts)
        .ok_or_else(|| invalid_params(format!("a part of `{name}` has a content type with line breaks; correct it")))
}
