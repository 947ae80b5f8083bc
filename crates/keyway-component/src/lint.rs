//! The lint: what a schema cannot say. One subject a file.

mod action;
mod api;
mod assertions;
mod captures;
mod credential;
mod endpoints;
mod grants;
mod placeholders;
mod static_grants;
mod variables;

pub(crate) use credential::{client, credential, literal_secrets};
pub(crate) use variables::is_reserved;

use crate::{Component, fault::Fault, pointer::step};

/// Every fault of a component.
pub(crate) fn component(component: &Component) -> Vec<Fault> {
    let mut faults = Vec::new();
    variables::lint(component, &mut faults);
    captures::lint(component, &mut faults);
    placeholders::lint(component, &mut faults);
    endpoints::lint(component, &mut faults);
    grants::lint(component, &mut faults);
    assertions::lint(component, &mut faults);
    static_grants::lint(component, &mut faults);
    api::lint(component, &mut faults);
    action::lint(component, &mut faults);
    faults
}

/// RFC 9110 section 5.6.2: what names of headers are made of.
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}
