//! What every step of resolving needs to make its errors useful.

use std::borrow::Cow;

use keyway_component::{Component, Template, component::Capture};

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

    /// Refuses an account that lacks what a question to the API names, where only that question tells a variable: a person
    /// would sign in for nothing.
    pub(super) fn refuse_unasked(&self, values: &Values) -> Result<(), AccountError> {
        let variables = &self.component.variables;
        for (told, variable) in variables.iter().filter(|(name, _)| values.get(name).is_none()) {
            let [Capture::ApiResponse(question)] = variable.from.as_slice() else { continue };
            let is_missing = |name: &&str| {
                variables.get(*name).is_some_and(|needed| needed.from.is_empty() && !needed.secret)
                    && values.get(name).is_none()
            };
            if let Some(missing) = question.names().find(is_missing) {
                let why = format!("the API is asked for `{told}` with it; give {}", self.input_name(missing));
                return Err(self.unfit(format!("the variable `{missing}`"), why));
            }
        }
        Ok(())
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
