//! One action: what it names is declared, what has no effect is refused.

use serde_json::Value;

use super::{api::lint_header, step};
use crate::{
    Component, JsonTemplate, Template,
    component::{Action, BodyEncoding, ListSeparator, NextPage, Pagination, Part},
    fault::Fault,
    suggest::nearest,
};

pub(super) fn lint(component: &Component, faults: &mut Vec<Fault>) {
    for (name, action) in &component.actions {
        let at = format!("/actions/{}", step(name));
        lint_method(component, action, &at, faults);
        lint_names(component, action, &at, faults);
        lint_params(component, action, &at, faults);
        for header in action.headers.keys() {
            lint_header(header, &format!("{at}/headers/{}", step(header)), faults);
        }
        lint_body(action, &at, faults);
        let schemas = [("params", &action.params), ("body_schema", &action.body_schema), ("output", &action.output)];
        for (member, schema) in schemas {
            let built = schema.as_ref().map(|schema| jsonschema::draft202012::options().build(schema));
            if let Some(Err(error)) = built {
                let message = format!("the schema cannot be used: {error}");
                faults.push(Fault::error("bad_schema", format!("{at}/{member}"), message));
            }
        }
        if let Some(pagination) = &action.pagination {
            lint_pagination(action, pagination, &format!("{at}/pagination"), faults);
        }
    }
}

fn lint_method(component: &Component, action: &Action, at: &str, faults: &mut Vec<Fault>) {
    let upper = !action.method.is_empty() && action.method.bytes().all(|b| b.is_ascii_uppercase());
    let allowed = component.api.methods.as_ref().is_none_or(|methods| methods.contains(&action.method));
    if !upper || !allowed {
        let fault =
            Fault::error("bad_method", format!("{at}/method"), format!("`{}` is no method of this API", action.method));
        faults.push(fault.hint("use one of `api.methods`, in upper case"));
    }
}

/// Everything that a placeholder of an action stands in, with its pointer.
fn named(action: &Action) -> Vec<(String, &str)> {
    let url = action.url.names().map(|name| ("url".to_owned(), name));
    let lists = [("query", &action.query), ("headers", &action.headers)];
    let templates = lists.into_iter().flat_map(|(member, templates)| {
        let at = move |name: &String| format!("{member}/{}", step(name));
        templates.iter().flat_map(move |(of, template)| template.names().map(move |name| (at(of), name)))
    });
    let body = action.body.iter().flat_map(JsonTemplate::names).map(|name| ("body".to_owned(), name));
    let parts = action.multipart.iter();
    let parts = parts.flat_map(|(of, part)| part.names().map(move |name| (format!("multipart/{}", step(of)), name)));
    url.chain(templates).chain(body).chain(parts).collect()
}

fn lint_names(component: &Component, action: &Action, at: &str, faults: &mut Vec<Fault>) {
    let declared = action.properties();
    for (place, name) in named(action) {
        let at = format!("{at}/{place}");
        let variable = component.variables.get(name);
        if variable.is_some_and(|variable| variable.secret) {
            let message = format!("`{{{name}}}` is a secret; no action may name it");
            faults.push(Fault::error("secret_in_action", at.clone(), message));
        }
        // Without a schema the placeholders of the URL declare the parameters.
        let known = variable.is_some()
            || declared.is_some_and(|properties| properties.contains_key(name))
            || (place == "url" && action.params.is_none());
        if !known {
            let message = format!("`{{{name}}}` is neither a parameter nor a variable");
            let fault = Fault::error("undeclared_placeholder", at, message);
            let is_plain = action.params.as_ref().is_some_and(|params| params.is_array() || params.get(name).is_some());
            faults.push(fault.hint(match suggestion(name, component, action) {
                Some(meant) => meant,
                None if is_plain => {
                    "`params` is a JSON Schema: write `{\"type\": \"object\", \"properties\": {…}}`".to_owned()
                }
                None => format!("declare `{name}` in `params.properties`"),
            }));
        }
    }
}

/// What a message would give for nothing, and what it could never give.
fn lint_params(component: &Component, action: &Action, at: &str, faults: &mut Vec<Fault>) {
    let Some(properties) = action.properties() else { return };
    let used: Vec<&str> = named(action).into_iter().map(|(_, name)| name).collect();
    for name in properties.keys().filter(|name| !used.contains(&name.as_str())) {
        let fault = Fault::warning(
            "unused_parameter",
            format!("{at}/params/properties/{}", step(name)),
            format!("nothing of the request names `{name}`"),
        );
        faults.push(fault.hint(if Template::parse(&format!("{{{name}}}")).is_ok() {
            format!("write `{{{name}}}` where it goes, such as in `query`, or take it out")
        } else {
            "call it otherwise: placeholders have lower-case letters, digits and `_`, whatever the API calls it"
                .to_owned()
        }));
    }
    let required = action.params.iter().filter_map(|params| params.get("required")?.as_array()).flatten();
    for name in required.filter_map(Value::as_str).filter(|name| !properties.contains_key(*name)) {
        let fault = Fault::error(
            "undeclared_parameter",
            format!("{at}/params/required"),
            format!("`{name}` is required and not declared, so every message is refused"),
        );
        faults.push(fault.hint(
            suggestion(name, component, action).unwrap_or_else(|| format!("declare `{name}` in `params.properties`")),
        ));
    }
}

/// The parameter or variable that somebody may have meant.
fn suggestion(name: &str, component: &Component, action: &Action) -> Option<String> {
    let open = component.variables.iter().filter(|(_, variable)| !variable.secret).map(|(name, _)| name.as_str());
    let known = action.properties().into_iter().flatten().map(|(name, _)| name.as_str()).chain(open);
    nearest(name, known.filter(|known| *known != name)).map(|meant| format!("did you mean `{meant}`?"))
}

fn lint_body(action: &Action, at: &str, faults: &mut Vec<Fault>) {
    let mut no_effect = |member: &str, message: &str, hint: &str| {
        faults.push(Fault::error("no_effect", format!("{at}/{member}"), message).hint(hint));
    };
    let has_parts = !action.multipart.is_empty();
    let reads = matches!(action.method.as_str(), "GET" | "HEAD");
    if reads && (action.body.is_some() || has_parts) {
        let member = if has_parts { "multipart" } else { "body" };
        no_effect(member, "a request of this method has no body", "use `query`, or another method");
    }
    if action.body_schema.is_some() && (reads || action.body.is_some() || has_parts) {
        let message = if reads { "a request of this method has no body" } else { "the message's own body is no part" };
        no_effect("body_schema", message, "take it out; `params` has a schema of its own");
    }
    if action.body.is_some() && has_parts {
        no_effect("body", "`multipart` is the body already", "keep one of them");
    }
    if action.body_encoding == BodyEncoding::Form {
        match &action.body {
            None => no_effect("body_encoding", "there is no `body` to encode", "take it out, or add `body`"),
            Some(body) if !body.source().is_object() => {
                no_effect("body", "a form is an object of its fields", "write `{\"field\": \"{name}\"}`");
            }
            Some(_) => {}
        }
    }
    let lists = sole(action);
    match &action.list_separator {
        Some(ListSeparator::All(_)) if lists.is_empty() => {
            let message = "no query parameter is a list, and there is no form";
            no_effect("list_separator", message, "take it out, or write a parameter as `{name}` alone");
        }
        Some(ListSeparator::Named(separators)) => {
            for name in separators.keys().filter(|name| !lists.contains(&name.as_str())) {
                let message = format!("nothing under the name `{name}` can be a list");
                let hint =
                    "give the name that it has in `query`, in the form or among the parts, where it is `{name}` alone";
                no_effect(&format!("list_separator/{}", step(name)), &message, hint);
            }
        }
        _ => {}
    }
    let parts: Vec<&str> = action.multipart.keys().map(String::as_str).collect();
    for name in
        action.json_values.iter().filter(|name| !lists.contains(&name.as_str()) || parts.contains(&name.as_str()))
    {
        let message = format!("`{name}` is no value in `query` or in a form");
        let hint = "give the name that it has there, where it is `{name}` alone; in other bodies all is JSON anyway";
        no_effect("json_values", &message, hint);
    }
    let files = action.multipart.values().filter(|part| matches!(part, Part::File(_))).count();
    if files > 1 {
        no_effect("multipart", "a message has one body, which can be one part only", "keep one part with `filename`");
    }
}

/// The names in the query, in a form or among parts whose value is a parameter's own, which may be a list.
fn sole(action: &Action) -> Vec<&str> {
    let is_list = |template: &Template| template.sole_name().is_some();
    let query = action.query.iter().filter(|(_, template)| is_list(template)).map(|(name, _)| name.as_str());
    let form = action.body.as_ref().filter(|_| action.body_encoding == BodyEncoding::Form);
    let fields = form.and_then(|body| body.source().as_object()).into_iter().flatten().map(|(name, _)| name.as_str());
    let is_list_part = |part: &Part| matches!(part, Part::Field(template) if is_list(template));
    let parts = action.multipart.iter().filter(|(_, part)| is_list_part(part)).map(|(name, _)| name.as_str());
    query.chain(fields).chain(parts).collect()
}

fn lint_pagination(action: &Action, pagination: &Pagination, at: &str, faults: &mut Vec<Fault>) {
    let counts = pagination.next.param().map(|param| ("next", param));
    let limit = pagination.limit_param.as_deref().map(|param| ("limit_param", param));
    for (member, param) in counts.into_iter().chain(limit) {
        if !named(action).iter().any(|(_, name)| *name == param) {
            let message = format!("nothing of the request names the parameter `{param}`");
            let fault = Fault::error("no_effect", format!("{at}/{member}"), message);
            let hint = if crate::Template::parse(&format!("{{{param}}}")).is_ok() {
                format!("write `{{{param}}}` where it goes, such as in `query`")
            } else {
                "it is the name of one of the action's parameters, as `{page_token}` in `\"query\": {\"pageToken\": \
                 \"{page_token}\"}`"
                    .to_owned()
            };
            faults.push(fault.hint(hint));
        }
    }
    if let NextPage::Cursor(cursor) = &pagination.next {
        let places = [cursor.pointer.is_some(), cursor.header.is_some(), cursor.last_item.is_some()];
        if places.iter().filter(|given| **given).count() != 1 {
            let message = "exactly one of `pointer`, `header` and `last_item` says where the cursor stands";
            faults.push(Fault::error("bad_cursor", format!("{at}/next/cursor"), message).hint("keep one of them"));
        }
    }
    // What is handed on from page to page has to fit the schema, or no second page ever comes.
    if let (NextPage::Offset(counted) | NextPage::Page(counted), Some(properties)) =
        (&pagination.next, action.properties())
    {
        let kind = properties.get(&counted.param).and_then(|schema| schema.get("type")).and_then(Value::as_str);
        if kind.is_some_and(|kind| !matches!(kind, "integer" | "number")) {
            let fault = Fault::error("bad_schema", format!("{at}/next"), format!("`{}` is a number", counted.param));
            faults.push(fault.hint("declare it with `\"type\": \"integer\"`"));
        }
    }
}
