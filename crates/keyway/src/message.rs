//! A message: what one line of input, or one call of the library, asks for.

mod parse;
mod schema;

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use keyway_component::component::RetryOverride;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use parse::{InvalidMessage, parse};
pub(crate) use schema::TextOrList;
pub(crate) use schema::generated_schema;
pub use schema::message_schema;

use crate::raw_json::RawJson;

/// What is to be sent, in a component's own terms. Built with [`Message::get`] and its sisters, or parsed from a line.
#[derive(Debug, Clone)]
pub struct Message {
    pub(crate) target: Target,
    pub(crate) params: Map<String, Value>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) payload: Payload,
    pub(crate) id: Option<RawJson>,
    pub(crate) passthrough: Option<RawJson>,
    pub(crate) component: Option<String>,
    pub(crate) credential: Option<String>,
    pub(crate) accept: Vec<u16>,
    pub(crate) retry: RetryOverride,
    pub(crate) timeout: Option<Duration>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) paginate: Option<Paginate>,
}

/// All pages of an action, instead of its first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Paginate {
    /// What each result is.
    #[serde(default)]
    pub each: Each,
    /// The most results; all when absent.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub limit: Option<u64>,
}

/// What a result of a message with `paginate` is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Each {
    /// A page, as the API gave it.
    #[default]
    Page,
    /// An item of a page.
    Item,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// A request of one's own.
    Request { method: Method, url: String },
    /// An action of the component.
    Action(String),
}

/// The request's body.
#[derive(Debug, Clone, Default)]
pub(crate) enum Payload {
    #[default]
    None,
    Json(RawJson),
    Form(Vec<(String, String)>),
    Text(String),
    Bytes(Bytes),
}

// === impl Message ===

impl Message {
    /// A request with any method. The URL is appended to the component's base URL, or absolute within its origins.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self::to(Target::Request { method, url: url.into() })
    }

    /// A GET.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new(Method::GET, url)
    }

    /// A POST.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new(Method::POST, url)
    }

    /// A PUT.
    pub fn put(url: impl Into<String>) -> Self {
        Self::new(Method::PUT, url)
    }

    /// A PATCH.
    pub fn patch(url: impl Into<String>) -> Self {
        Self::new(Method::PATCH, url)
    }

    /// A DELETE.
    pub fn delete(url: impl Into<String>) -> Self {
        Self::new(Method::DELETE, url)
    }

    /// An action that the component declares.
    pub fn action(name: impl Into<String>) -> Self {
        Self::to(Target::Action(name.into()))
    }

    fn to(target: Target) -> Self {
        Self {
            target,
            params: Map::new(),
            query: Vec::new(),
            headers: Vec::new(),
            payload: Payload::None,
            id: None,
            passthrough: None,
            component: None,
            credential: None,
            accept: Vec::new(),
            retry: RetryOverride::default(),
            timeout: None,
            idempotency_key: None,
            paginate: None,
        }
    }

    /// A value for `{name}` in the URL, or a parameter of the action.
    #[must_use]
    pub fn param(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.params.insert(name.into(), value.into());
        self
    }

    /// One more query parameter.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.query.push((name.into(), value.to_string()));
        self
    }

    /// One more header. `Authorization`, `Host` and the like are refused when the message is sent.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// A JSON body.
    ///
    /// # Errors
    /// The value cannot be written as JSON.
    pub fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Result<Self, serde_json::Error> {
        self.payload = Payload::Json(RawJson::of(body)?);
        Ok(self)
    }

    /// A JSON body that is sent byte for byte.
    #[must_use]
    pub fn raw_json(mut self, body: RawJson) -> Self {
        self.payload = Payload::Json(body);
        self
    }

    /// A form body.
    #[must_use]
    pub fn form<N: Into<String>, V: Into<String>>(mut self, fields: impl IntoIterator<Item = (N, V)>) -> Self {
        self.payload = Payload::Form(fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect());
        self
    }

    /// A body of plain text.
    #[must_use]
    pub fn text(mut self, body: impl Into<String>) -> Self {
        self.payload = Payload::Text(body.into());
        self
    }

    /// A body of bytes; give its `content-type` as a header.
    #[must_use]
    pub fn bytes(mut self, body: impl Into<Bytes>) -> Self {
        self.payload = Payload::Bytes(body.into());
        self
    }

    /// An id that the outcome echoes.
    #[must_use]
    pub fn id(mut self, id: RawJson) -> Self {
        self.id = Some(id);
        self
    }

    /// The component, where a stream goes to several.
    #[must_use]
    pub fn component(mut self, name: impl Into<String>) -> Self {
        self.component = Some(name.into());
        self
    }

    /// The credential, where a stream uses several.
    #[must_use]
    pub fn credential(mut self, name: impl Into<String>) -> Self {
        self.credential = Some(name.into());
        self
    }

    /// A status of 400 or more that is no failure here.
    #[must_use]
    pub fn accept(mut self, status: u16) -> Self {
        self.accept.push(status);
        self
    }

    /// Retry rules of this message.
    #[must_use]
    pub fn retry(mut self, retry: RetryOverride) -> Self {
        self.retry = retry;
        self
    }

    /// The longest that one attempt may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// All pages of the action. A stream gives an outcome for each page or item; [`crate::Connection::send`] gives the
    /// first page, and [`crate::Connection::pages`] all of them.
    #[must_use]
    pub fn paginate(mut self, paginate: Paginate) -> Self {
        self.paginate = Some(paginate);
        self
    }

    /// A key by which the server recognises a repeated write, where the component says that it does.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }
}
