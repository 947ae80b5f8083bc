//! Why a credential does not make an account.

use keyway_component::Faults;

/// A credential that does not make an account. All of these are found before a message is read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// The credential file has faults.
    #[error("{0}")]
    Faults(Box<Faults>),
    /// Inputs are missing.
    #[error("the account `{name}` of `{component}` lacks {missing}; {hint}")]
    Missing {
        /// The component's name.
        component: String,
        /// The credential's name.
        name: String,
        /// The inputs, by the names under which this kind of credential gives them.
        missing: String,
        /// What to do.
        hint: String,
    },
    /// Two grants are possible.
    #[error("the account `{name}` of `{component}` could use the grants {grants}; say which one with {how}")]
    AmbiguousGrant {
        /// The component's name.
        component: String,
        /// The credential's name.
        name: String,
        /// The grants' names.
        grants: String,
        /// Where the choice is written.
        how: String,
    },
    /// The component has several environments, and none was named.
    #[error(
        "`{component}` has the environments {known}, and production secrets must not meet a sandbox; name one with {how}"
    )]
    NoEnvironment {
        /// The component's name.
        component: String,
        /// Its environments.
        known: String,
        /// Where the choice is written.
        how: String,
    },
    /// A value does not fit.
    #[error("{what} of the account `{name}` of `{component}`: {why}")]
    Unfit {
        /// The component's name.
        component: String,
        /// The credential's name.
        name: String,
        /// What the value is.
        what: String,
        /// What is wrong, and what to do.
        why: String,
    },
}
