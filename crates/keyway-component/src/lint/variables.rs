//! Variables and environments: names, patterns, defaults.

use super::step;
use crate::{
    Component,
    component::Variable,
    credential::{STANDARD_INPUTS, STANDARD_SECRETS},
    fault::Fault,
    suggest::nearest,
};

/// Names that mean something already: a variable cannot take them.
const RESERVED: &[&str] = &["access_token", "scope", "state", "timestamp", "uuid", "grant", "environment"];

pub(super) fn lint(component: &Component, faults: &mut Vec<Fault>) {
    for (name, variable) in &component.variables {
        let at = format!("/variables/{}", step(name));
        lint_name(name, &at, faults);
        lint_pattern(variable, &at, faults);
        lint_extract(variable, &at, faults);
        if let Some(default) = &variable.default {
            if variable.secret {
                let fault = Fault::error(
                    "secret_with_default",
                    format!("{at}/default"),
                    format!("`{name}` is a secret, and a secret has no default"),
                );
                faults.push(fault.hint("take the default out"));
            }
            if let Ok(value) = default.render(|_| None) {
                lint_value(name, variable, &value, &format!("{at}/default"), faults);
            }
        }
    }
    lint_environments(component, faults);
}

/// Whether a name means something already, so that no variable can have it.
pub(crate) fn is_reserved(name: &str) -> bool {
    [RESERVED, STANDARD_INPUTS, STANDARD_SECRETS].concat().contains(&name)
}

fn lint_name(name: &str, at: &str, faults: &mut Vec<Fault>) {
    let well_formed = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !well_formed {
        let fault = Fault::error("bad_name", at, format!("`{name}` is no variable name"));
        faults.push(fault.hint("lower-case letters, digits and `_`, a letter first"));
    } else if is_reserved(name) {
        let fault = Fault::error("reserved_name", at, format!("`{name}` has a meaning of its own"));
        faults.push(fault.hint("standard inputs need no declaration; call a variable otherwise"));
    }
}

fn lint_pattern(variable: &Variable, at: &str, faults: &mut Vec<Fault>) {
    if let Some(error) = variable.pattern.as_ref().and_then(|pattern| pattern.error()) {
        faults.push(Fault::error(
            "bad_pattern",
            format!("{at}/pattern"),
            format!("the pattern does not compile: {error}"),
        ));
    }
}

fn lint_extract(variable: &Variable, at: &str, faults: &mut Vec<Fault>) {
    let Some(pattern) = &variable.extract else { return };
    let at = format!("{at}/extract");
    match pattern.error() {
        Some(error) => {
            faults.push(Fault::error("bad_pattern", at, format!("the pattern does not compile: {error}")));
        }
        None if pattern.groups() == 0 => {
            let fault = Fault::error("bad_pattern", at, "it has no group that could catch a value");
            faults.push(fault.hint("put what is the value in brackets, as in `/users/([^/]+)$`"));
        }
        None if variable.from.is_empty() => {
            let fault = Fault::error("no_effect", at, "no answer tells this variable");
            faults.push(fault.hint("add `from`, or take it out"));
        }
        None => {}
    }
}

fn lint_value(name: &str, variable: &Variable, value: &str, at: &str, faults: &mut Vec<Fault>) {
    if !variable.r#type.admits(value) {
        faults.push(Fault::error("wrong_type", at, format!("the value of `{name}` is not of its type")));
    }
    if let Some(pattern) = variable.pattern.as_ref().filter(|pattern| !pattern.matches_whole(value)) {
        let fault = Fault::error("pattern_mismatch", at, format!("the value of `{name}` does not match its pattern"));
        faults.push(fault.hint(format!("the whole value must match `{}`", pattern.source())));
    }
}

fn lint_environments(component: &Component, faults: &mut Vec<Fault>) {
    if let Some(name) =
        component.default_environment.as_ref().filter(|name| !component.environments.contains_key(*name))
    {
        let fault =
            Fault::error("unknown_environment", "/default_environment", format!("there is no environment `{name}`"));
        faults.push(fault.hint("name one of `environments`"));
    }
    for (environment, values) in &component.environments {
        for (name, value) in values {
            let at = format!("/environments/{}/{}", step(environment), step(name));
            match component.variables.get(name) {
                None => {
                    let fault = Fault::error("undeclared_variable", at, format!("`{name}` is no declared variable"));
                    let meant = nearest(name, component.variables.keys().map(String::as_str));
                    faults.push(match meant {
                        Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
                        None => fault.hint("declare it in `variables`"),
                    });
                }
                Some(variable) if variable.secret => {
                    let fault = Fault::error(
                        "secret_in_environment",
                        at,
                        format!("`{name}` is a secret and cannot stand in a component"),
                    );
                    faults.push(fault.hint("give it in the credential"));
                }
                Some(variable) => lint_value(name, variable, value, &at, faults),
            }
        }
    }
}
