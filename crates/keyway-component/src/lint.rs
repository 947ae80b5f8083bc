//! The lint: what a schema cannot say. One subject a file.

mod actions;
mod credential;
mod endpoints;
mod grants;
mod placeholders;
mod variables;

pub(crate) use credential::{credential, literal_secrets};

use crate::{Component, fault::Fault};

/// Every fault of a component.
pub(crate) fn component(component: &Component) -> Vec<Fault> {
    let mut faults = Vec::new();
    variables::lint(component, &mut faults);
    placeholders::lint(component, &mut faults);
    endpoints::lint(component, &mut faults);
    grants::lint(component, &mut faults);
    actions::lint(component, &mut faults);
    faults
}

/// A key as a step of a JSON pointer.
fn step(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
