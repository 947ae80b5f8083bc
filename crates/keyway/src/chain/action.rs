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
    let mut content = content(action, name, values, &message.payload)?;
    // What the action calls its body goes before what it looks like; a multipart body's label parts its parts.
    if let (Some(content), true) = (&mut content, action.multipart.is_empty())
        && action.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type"))
        && let Some(own) = headers.get(http::header::CONTENT_TYPE)
    {
        content.label = own.clone();
    }
    let mut accept = message.accept.clone();
    accept.extend(&action.accept);
    Ok(Asked {
        method: Method::from_bytes(action.method.as_bytes())
            .map_err(|_| Failure::new(Code::Internal, format!("the action's method `{}` is none", action.method)))?,
        url: fill_url(values, &action.url)?,
        query: query(action, values)?,
        content,
        accept,
        token: action.token,
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
        let whole = template.sole_name().and_then(|name| values.json(name));
        match whole.as_deref() {
            Some(json) if json.is_object() || json.is_array() || action.json_values.contains(name) => {
                pairs(action, name, json, &mut query);
            }
            _ => query.push((name.clone(), text(values, template)?)),
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
        return multipart(action, name, values, own);
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
        (Some(value), BodyEncoding::Form) => Ok(Some(Content::form(&fields(action, &value)))),
    }
}

/// The fields of a form. The lint sees to it that it is an object.
fn fields(action: &Action, body: &Value) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for (name, value) in body.as_object().into_iter().flatten() {
        pairs(action, name, value, &mut fields);
    }
    fields
}

/// What a value becomes in a query or a form.
fn pairs(action: &Action, name: &str, value: &Value, pairs: &mut Vec<(String, String)>) {
    if action.json_values.contains(name) {
        return pairs.push((name.to_owned(), value.to_string()));
    }
    match (texts(value), action.separator(name)) {
        (Some(texts), Some(separator)) => pairs.push((name.to_owned(), texts.join(separator))),
        (Some(texts), None) => pairs.extend(texts.into_iter().map(|text| (name.to_owned(), text))),
        (None, _) => nested(name.to_owned(), value, pairs),
    }
}

/// The items of a list of plain values.
fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| text_of(item).map(std::borrow::Cow::into_owned)).collect()
}

/// What is in an object, under names in brackets, as PHP and Rails read them.
fn nested(name: String, value: &Value, fields: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            members.iter().for_each(|(member, value)| nested(format!("{name}[{member}]"), value, fields));
        }
        Value::Array(items) => match texts(value) {
            Some(texts) => fields.extend(texts.into_iter().map(|text| (format!("{name}[]"), text))),
            None => items.iter().enumerate().for_each(|(n, item)| nested(format!("{name}[{n}]"), item, fields)),
        },
        plain => fields.extend(text_of(plain).map(|text| (name, text.into_owned()))),
    }
}

/// The parts that a field of a multipart body makes.
fn field<'p>(
    name: &'p str,
    template: &Template,
    values: Values<'_>,
    separator: Option<&str>,
) -> Result<Vec<Part<'p>>, Failure> {
    let plain = |text: String| Part { name, file: None, label: None, bytes: text.into() };
    let whole = template.sole_name().and_then(|name| values.json(name));
    let part = |value: &Value| match text_of(value) {
        Some(text) => plain(text.into_owned()),
        None => Part { label: Some("application/json"), ..plain(value.to_string()) },
    };
    let joined = separator.and_then(|separator| Some(texts(whole.as_deref()?)?.join(separator)));
    if let Some(joined) = joined {
        return Ok(vec![plain(joined)]);
    }
    Ok(match whole.as_deref() {
        Some(Value::Array(items)) => items.iter().map(part).collect(),
        Some(object @ Value::Object(_)) => vec![part(object)],
        _ => vec![plain(text(values, template)?)],
    })
}

/// `None`: nothing of it is given.
fn multipart(action: &Action, name: &str, values: Values<'_>, own: &Payload) -> Result<Option<Content>, Failure> {
    let mut parts = Vec::new();
    for (field, part) in &action.multipart {
        match part {
            component::Part::Field(template) if values.has_all_of(template) => {
                parts.extend(self::field(field, template, values, action.separator(field))?);
            }
            component::Part::Field(_) => {}
            component::Part::File(file) => {
                let has_name = values.has_all_of(&file.filename);
                let Some(content) = Content::of(own) else {
                    if !has_name {
                        continue;
                    }
                    let why = format!("`{name}` sends a file: give its content as `body_base64` or `text`");
                    return Err(Failure::new(Code::InvalidMessage, why));
                };
                let content_type = match &file.content_type {
                    Some(template) if values.has_all_of(template) => text(values, template)?,
                    _ => "application/octet-stream".to_owned(),
                };
                let filename = if has_name { text(values, &file.filename)? } else { field.clone() };
                let file = Some(File { name: filename, content_type });
                parts.push(Part { name: field, file, label: None, bytes: content.bytes });
            }
        }
    }
    if parts.is_empty() {
        return Ok(None);
    }
    let content = Content::multipart(&parts);
    content
        .map(Some)
        .ok_or_else(|| invalid_params(format!("a part of `{name}` has a content type with line breaks; correct it")))
}
