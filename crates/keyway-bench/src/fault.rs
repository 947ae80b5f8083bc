//! What keeps a bench from its end, as a sentence.

use std::fmt;

/// Why it ended early.
#[derive(Debug)]
pub(crate) struct Fault(pub(crate) String);

/// What may end early.
pub(crate) type Ended<T = ()> = Result<T, Fault>;

impl<E: std::error::Error> From<E> for Fault {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl Fault {
    /// A fault in doing something that a person would name.
    pub(crate) fn in_<E: fmt::Display>(doing: impl fmt::Display) -> impl FnOnce(E) -> Self {
        move |error| Self(format!("{doing}: {error}"))
    }
}
