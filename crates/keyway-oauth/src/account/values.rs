//! The plain values of an account: environment, credential, defaults.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use keyway_component::CredentialFile;

use super::{AccountError, Context};

/// Values of the component's variables that are no secrets, by name.
#[derive(Debug, Clone, Default)]
pub struct Values {
    all: BTreeMap<String, String>,
    /// The names of those that are defaults, and neither the credential's nor the environment's.
    defaults: BTreeSet<String>,
}

// === impl Values ===

impl Values {
    pub(crate) fn resolve(
        context: &Context<'_>,
        environment: &str,
        file: &CredentialFile,
    ) -> Result<Self, AccountError> {
        let component = context.component;
        let fixed = component.environments.get(environment).cloned().unwrap_or_default();
        if let Some(name) = file.variables.keys().find(|name| fixed.contains_key(*name)) {
            let why = format!("the environment `{environment}` sets it; choose another environment instead");
            return Err(context.unfit(format!("the variable `{name}`"), why));
        }
        let mut given = file.variables.clone();
        given.extend(fixed);
        Self::with_defaults(context, given)
    }

    /// These values with those that answers told laid under what is given.
    pub(super) fn with_captured(
        &self,
        context: &Context<'_>,
        captured: BTreeMap<String, String>,
    ) -> Result<Self, AccountError> {
        let mut given = captured;
        given.extend(self.iter().filter(|(name, _)| self.is_given(name)).map(|(n, v)| (n.to_owned(), v.to_owned())));
        Self::with_defaults(context, given)
    }

    fn with_defaults(context: &Context<'_>, given: BTreeMap<String, String>) -> Result<Self, AccountError> {
        let component = context.component;
        let (mut values, mut defaults) = (given, BTreeSet::new());
        // Defaults may name each other; each round fills in at least one, or there is a circle.
        loop {
            let waiting = component.variables.iter().filter(|(name, _)| !values.contains_key(*name));
            let next = waiting.filter_map(|(name, variable)| Some((name, variable.default.as_ref()?))).find_map(
                |(name, default)| {
                    let value = default.render(|name| values.get(name).map(|text| Cow::Owned(text.clone()))).ok()?;
                    Some((name.clone(), value))
                },
            );
            match next {
                Some((name, value)) => {
                    defaults.insert(name.clone());
                    values.insert(name, value);
                }
                None => break,
            }
        }
        for (name, value) in &values {
            let Some(variable) = component.variables.get(name) else { continue };
            let fits = variable.pattern.as_ref().is_none_or(|pattern| pattern.matches_whole(value));
            if !fits || !variable.r#type.admits(value) {
                let wanted = variable.pattern.as_ref().map_or("its type", |pattern| pattern.source());
                let why = format!("the value does not match `{wanted}`; look it up again");
                return Err(context.unfit(context.input_name(name), why));
            }
        }
        Ok(Self { all: values, defaults })
    }

    /// The value under a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all.get(name).map(String::as_str)
    }

    /// Whether the credential or the environment says it.
    #[must_use]
    pub fn is_given(&self, name: &str) -> bool {
        self.all.contains_key(name) && !self.defaults.contains(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.all.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}
