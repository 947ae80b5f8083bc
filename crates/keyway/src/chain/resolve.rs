//! From a message to a call: action or request, placeholders, query, headers, body. No I/O.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use keyway_component::{Template, UrlForm, component::RetryOverride};
use url::Url;

use super::{
    action::act,
    confine::{Confined, confine, locate},
    content::Content,
    spelling::check_text,
    values::Values,
};
use crate::{
    connection::Connection,
    failure::{Code, Failure},
    message::{Message, Target},
};

/// Headers that messages cannot set: they are the transport's or the account's.
const FORBIDDEN: &[&str] = &[
    "authorization",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A request that is complete but for its token.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    /// What the URL's place gets. It changes with the URL, and with nothing else.
    pub(super) confined: Confined,
    /// Whether the token goes with it, where it may.
    pub(super) wants_token: bool,
    pub(super) headers: HeaderMap,
    /// Those of the component's headers that are made anew for every attempt. Most components have none.
    pub(super) fresh: Option<Box<[HeaderName]>>,
    pub(super) body: Bytes,
    /// Whether it may be sent twice without harm.
    pub(super) repeatable: bool,
    pub(super) accept: Vec<u16>,
    pub(super) retry: RetryOverride,
    pub(super) timeout: Duration,
}

// === impl Call ===

impl Call {
    /// The same request to another URL, which is confined like any.
    pub(super) fn at(self, connection: &Connection, url: Option<&Url>) -> Result<Self, Failure> {
        let Some(url) = url else { return Ok(self) };
        check_text(url.as_str())?;
        let url = completed(connection, url);
        let confined = confine(connection, &url)?.for_one_that(self.wants_token);
        Ok(Self { confined, url, ..self })
    }
}

/// A URL that an answer gave, with what every request of the account has in its query: the token not as it was, but as it
/// will be.
fn completed(connection: &Connection, url: &Url) -> Url {
    let prepared = connection.prepared();
    let is_token = |name: &str| prepared.authorization_query.iter().any(|own| own == name);
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let missing = prepared.query.iter().filter(|(name, _)| !pairs.iter().any(|(known, _)| known == name));
    let missing: Vec<_> = missing.collect();
    let mut url = url.clone();
    // Written anew only where it has to be: some servers sign their links.
    if pairs.iter().any(|(name, _)| is_token(name)) {
        let kept = pairs.iter().filter(|(name, _)| !is_token(name)).chain(missing);
        url.query_pairs_mut().clear().extend_pairs(kept);
    } else if !missing.is_empty() {
        url.query_pairs_mut().extend_pairs(missing.into_iter().map(|(name, value)| (name, value)));
    }
    url
}

/// What is asked for, before the account's own parts are added.
pub(super) struct Asked<'m> {
    pub(super) method: Method,
    pub(super) url: Cow<'m, str>,
    pub(super) query: Vec<(String, String)>,
    pub(super) content: Option<Content>,
    pub(super) accept: Vec<u16>,
    /// Whether the token goes with it, where it may.
    pub(super) token: bool,
    pub(super) repeatable: bool,
}

/// Resolves a message and confines its URL.
pub(super) fn resolve(connection: &Connection, message: &Message) -> Result<Call, Failure> {
    let component = &connection.account().component;
    let mut headers = connection.prepared().headers.clone();
    let mut filled = Vec::new();
    for (name, template) in &connection.prepared().fresh_headers {
        let value = fresh(connection, name, template)?;
        headers.insert(name, value.clone());
        filled.push((name, value));
    }
    let Asked { method, url, mut query, content, accept, token, mut repeatable } = match &message.target {
        Target::Request { method, url } => Asked {
            method: method.clone(),
            url: request_url(connection, message, url)?,
            query: Vec::new(),
            content: Content::of(&message.payload),
            accept: message.accept.clone(),
            token: true,
            repeatable: false,
        },
        Target::Action(name) => act(connection, message, name, &mut headers)?,
    };
    check_method(connection, &method)?;
    let base_url = connection.account().endpoints.base_url.as_ref().ok_or_else(|| {
        let at = &component.api.base_url;
        Failure::new(
            Code::TokenUnavailable,
            format!("`{at}` is told by the token, and there is none yet; send a message"),
        )
    })?;
    let mut url = locate(base_url, &url)?;
    query.extend(connection.prepared().query.iter().cloned());
    query.extend(message.query.iter().cloned());
    append_query(&mut url, &query);
    let confined = confine(connection, &url)?.for_one_that(token);

    let mut body = Bytes::new();
    if let Some(content) = content {
        headers.insert(header::CONTENT_TYPE, content.label);
        body = content.bytes;
    }
    for (n, (name, value)) in message.headers.iter().enumerate() {
        check_header(connection, name)?;
        // The first of a name replaces what the component sets, further ones of the message join it.
        if message.headers[..n].iter().any(|(earlier, _)| earlier.eq_ignore_ascii_case(name)) {
            let (name, value) = header_pair(name, value)?;
            headers.append(name, value);
        } else {
            set_header(&mut headers, name, value)?;
        }
    }
    if let (Some(key), Some(idempotency)) = (&message.idempotency_key, &component.api.idempotency) {
        set_header(&mut headers, &idempotency.header, key)?;
        repeatable = true;
    }
    // What a message or an action says instead stays as it is.
    let fresh = (!filled.is_empty()).then(|| {
        let kept = filled.iter().filter(|(name, value)| headers.get(*name) == Some(value));
        kept.map(|(name, _)| (*name).clone()).collect()
    });
    // RFC 9110 section 9.2.2.
    let idempotent = matches!(method, Method::GET | Method::HEAD | Method::PUT | Method::DELETE | Method::OPTIONS);
    Ok(Call {
        url,
        confined,
        wants_token: token,
        headers,
        fresh,
        body,
        repeatable: repeatable || idempotent,
        accept,
        retry: message.retry,
        timeout: message.timeout.unwrap_or(connection.shared().attempt_timeout),
        method,
    })
}

/// A header of the component that names what is new for every request.
pub(super) fn fresh(connection: &Connection, name: &HeaderName, template: &Template) -> Result<HeaderValue, Failure> {
    let text = connection.account().fill_anew(template, connection.shared().clock.now());
    let value = text.and_then(|text| HeaderValue::try_from(text).map_err(|error| error.to_string()));
    value.map_err(|why| Failure::new(Code::Internal, format!("the header `{name}` cannot be made: {why}")))
}

fn check_method(connection: &Connection, method: &Method) -> Result<(), Failure> {
    match &connection.account().component.api.methods {
        Some(methods) if !methods.iter().any(|known| known == method.as_str()) => {
            let known = methods.join(", ");
            Err(Failure::new(Code::InvalidMessage, format!("`{method}` is no method of this API; use one of {known}")))
        }
        _ => Ok(()),
    }
}

fn request_url<'m>(connection: &Connection, message: &Message, url: &'m str) -> Result<Cow<'m, str>, Failure> {
    if !url.contains(['{', '}']) {
        return match message.params.keys().next() {
            None => Ok(Cow::Borrowed(url)),
            Some(name) => Err(invalid_params(format!(
                "`url` has no `{{{name}}}` for the parameter `{name}`; use `query` for query parameters"
            ))),
        };
    }
    let template = Template::parse(url).map_err(|error| Failure::new(Code::InvalidMessage, error.to_string()))?;
    if let Some(unused) = message.params.keys().find(|name| !template.names().any(|used| used == name.as_str())) {
        return Err(invalid_params(format!("`url` has no `{{{unused}}}` for the parameter `{unused}`")));
    }
    let values = Values { given: &message.params, action: None, account: connection.account() };
    fill_url(values, &template)
}

/// Fills in a URL, each value as one segment or parameter.
pub(super) fn fill_url(values: Values<'_>, template: &Template) -> Result<Cow<'static, str>, Failure> {
    let filled = template.render_url(UrlForm::Reference, |name| values.text(name));
    filled.map(Cow::Owned).map_err(|error| invalid_params(error.to_string()))
}

fn append_query(url: &mut Url, query: &[(String, String)]) {
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
}

fn check_header(connection: &Connection, name: &str) -> Result<(), Failure> {
    let lower = name.to_ascii_lowercase();
    let of_account = connection.is_account_header(&lower);
    if FORBIDDEN.contains(&lower.as_str()) || lower.starts_with("proxy-") || of_account {
        let why =
            format!("the header `{}` cannot be set by a message; take it out", keyway_component::printable(name, 60));
        return Err(Failure::new(Code::InvalidMessage, why));
    }
    Ok(())
}

pub(super) fn set_header(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), Failure> {
    let (name, value) = header_pair(name, value)?;
    headers.insert(name, value);
    Ok(())
}

fn header_pair(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    let shown = keyway_component::printable(name, 60);
    let invalid = |why: String| Failure::new(Code::InvalidMessage, why);
    let name = HeaderName::try_from(name).map_err(|_| invalid(format!("`{shown}` is no header name")))?;
    let value = HeaderValue::try_from(value)
        .map_err(|_| invalid(format!("the value of the header `{shown}` has line breaks or control characters")))?;
    Ok((name, value))
}

pub(super) fn invalid_params(why: String) -> Failure {
    Failure::new(Code::InvalidParams, why)
}
