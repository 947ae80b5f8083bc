//! The parts of requests that are the same for every message, made once. Accounts that have them in common share them:
//! there may be thousands.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue};
use keyway_component::{Template, component::Authorization};
use keyway_oauth::Account;

use crate::host::ConnectError;

/// What an account's requests have in common.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Prepared {
    /// Headers without a secret.
    pub(crate) headers: HeaderMap,
    /// Headers that name a secret: they are filled in at the first attempt, and go only where the token goes.
    pub(crate) secret_headers: Vec<(HeaderName, Template)>,
    /// Headers that are made anew for every message.
    pub(crate) fresh_headers: Vec<(HeaderName, Template)>,
    /// Query parameters without a secret.
    pub(crate) query: Vec<(String, String)>,
    /// Query parameters that name a secret, as such headers.
    pub(crate) secret_query: Vec<(String, Template)>,
    /// The headers that the token goes into, each with its scheme.
    pub(crate) authorization: Vec<(HeaderName, String)>,
    /// The query parameters that it goes into.
    pub(crate) authorization_query: Vec<String>,
}

// === impl Prepared ===

impl Prepared {
    /// Fills in what is the same for every message of an account.
    ///
    /// # Errors
    /// A header that cannot be made.
    pub(crate) fn of(account: &Account) -> Result<Self, ConnectError> {
        let api = &account.component.api;
        let mut prepared = Self::default();
        let plain = |template: &Template| template.render(|name| account.plain(name).map(Cow::Borrowed));
        let error = |part: &str, why: String| ConnectError::Part {
            component: account.component.name.clone(),
            part: part.to_owned(),
            why,
        };
        let header_name = |name: &str| HeaderName::try_from(name).map_err(|why| error(name, why.to_string()));
        for authorization in account.authorizations() {
            match authorization {
                Authorization::Header { name, scheme } => {
                    prepared.authorization.push((header_name(name)?, scheme.clone()));
                }
                Authorization::Query { name } => prepared.authorization_query.push(name.clone()),
            }
        }
        let secret = |name: &str| {
            name == "client_secret" || account.component.variables.get(name).is_some_and(|variable| variable.secret)
        };
        let names_secret = |template: &Template, part: &str| match template
            .names()
            .find(|name| secret(name) && !account.has_secret(name))
        {
            None => Ok(template.names().any(secret)),
            Some(missing) => {
                let input = account.input_name(missing);
                let why = format!(
                    "the account has no `{missing}`; give {input}, among the credential's `secrets` if it is a file"
                );
                Err(error(part, why))
            }
        };
        for (name, template) in &api.headers {
            let key = header_name(name)?;
            if names_secret(template, name)? {
                prepared.secret_headers.push((key, template.clone()));
                continue;
            }
            if template.names().any(|name| matches!(name, "uuid" | "timestamp")) {
                prepared.fresh_headers.push((key, template.clone()));
                continue;
            }
            let text = plain(template).map_err(|why| error(name, why.to_string()))?;
            // An account that leaves an optional value out leaves its header out.
            if text.is_empty() && template.names().next().is_some() {
                continue;
            }
            let value = HeaderValue::try_from(text).map_err(|why| error(name, why.to_string()))?;
            prepared.headers.insert(key, value);
        }
        for (name, template) in &api.query {
            if names_secret(template, name)? {
                prepared.secret_query.push((name.clone(), template.clone()));
                continue;
            }
            let text = plain(template).map_err(|why| error(name, why.to_string()))?;
            if text.is_empty() && template.names().next().is_some() {
                continue;
            }
            prepared.query.push((name.clone(), text));
        }
        Ok(prepared)
    }
}
