//! Variables that answers told, as they stand with their token.

use std::{collections::BTreeMap, sync::Arc};

use keyway_component::Secret;

/// The values of captured variables, by name. Most tokens have none, and then it is one word. Clones share them.
#[derive(Clone, Default)]
pub struct Captured(Option<Arc<BTreeMap<String, Secret>>>);

// === impl Captured ===

impl Captured {
    /// The value of a variable, where one was told.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.0.as_ref()?.get(name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.0.iter().flat_map(|values| values.iter()).map(|(name, value)| (name.as_str(), value))
    }

    /// Adds a value.
    pub(crate) fn set(&mut self, name: &str, value: Secret) {
        Arc::make_mut(self.0.get_or_insert_default()).insert(name.to_owned(), value);
    }

    /// Whether the same variables have the same values.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.texts().eq(other.texts())
    }

    fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().map(|(name, value)| (name, value.expose_secret_text()))
    }
}

impl FromIterator<(String, Secret)> for Captured {
    fn from_iter<I: IntoIterator<Item = (String, Secret)>>(values: I) -> Self {
        let values: BTreeMap<String, Secret> = values.into_iter().collect();
        Self(Some(values).filter(|values| !values.is_empty()).map(Arc::new))
    }
}
