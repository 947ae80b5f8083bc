//! What every step of resolving needs to make its errors useful.

use std::borrow::Cow;

use keyway_component::{Component, Template};

use super::{AccountError, AccountOrigin, Values};

/// The account that is being resolved.
pub(crate) struct Context<'a> {
    pub(crate) component: &'a Component,
    pub(crate) name: &'a str,
    pub(crate) origin: AccountOrigin,
}

// === impl Context ===

impl Context<'_> {
    pub(crate) fn unfit(&self, what: impl Into<String>, why: String) -> AccountError {
        let (component, name) = (self.component.name.clone(), self.name.to_owned());
        AccountError::Unfit { component, name, what: what.into(), why }
    }

    /// How this kind of credential calls an input: `PODIO_CLIENT_ID` or `client_id`.
    pub(crate) fn input_name(&self, name: &str) -> String {
        input_name(&self.component.name, self.origin, name)
    }

    /// The component's scope, for a credential that has none of its own.
    pub(super) fn default_scope(&self, values: &Values) -> Result<Vec<String>, AccountError> {
        let fill = |scope: &Template| scope.render(|name| values.get(name).map(Cow::Borrowed));
        let filled = self.component.oauth2.scope.default.iter().map(|scope| {
            let unfit = |why| {
                self.unfit("the scope", format!("`{scope}` cannot be filled in: {why}; give the variable, or a scope"))
            };
            fill(scope).map_err(unfit)
        });
        filled.collect()
    }

    pub(super) fn environment(&self, named: Option<&str>) -> Result<String, AccountError> {
        let known: Vec<&str> = self.component.environments.keys().map(String::as_str).collect();
        // An account without a file says nothing about where it belongs, so a default would only be a guess.
        let implied = match self.origin {
            AccountOrigin::File | AccountOrigin::Given => self.component.implied_environment(),
            AccountOrigin::Variables | AccountOrigin::Demo => {
                self.component.implied_environment().filter(|_| known.len() == 1)
            }
        };
        match named.or(implied) {
            Some(name) if known.contains(&name) => Ok(name.to_owned()),
            Some(name) => {
                Err(self.unfit("the environment", format!("there is no `{name}`; there is: {}", known.join(", "))))
            }
            None => Err(AccountError::NoEnvironment {
                component: self.component.name.clone(),
                known: known.join(", "),
                how: format!("--environment or {}", self.input_name("environment")),
            }),
        }
    }
}

/// How a kind of credential calls an input.
pub(super) fn input_name(component: &str, origin: AccountOrigin, name: &str) -> String {
    match origin {
        AccountOrigin::Variables | AccountOrigin::Demo => {
            format!("{}{}", Component::variable_prefix(component), name.to_ascii_uppercase())
        }
        AccountOrigin::File | AccountOrigin::Given => format!("`{name}`"),
    }
}
