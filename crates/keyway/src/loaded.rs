//! A component as a host holds it, with the schemas of its actions, each compiled when it is first needed.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use jsonschema::Validator;
use keyway_component::{Component, Faults, component::Action, nearest};
use serde_json::{Map, Value};

use crate::{
    failure::{Code, Failure},
    message::Payload,
};

/// A component with what is compiled from it when first needed.
#[derive(Debug)]
pub struct LoadedComponent {
    component: Arc<Component>,
    schemas: BTreeMap<String, Schemas>,
    /// Where it was read from; `None` for a built-in one.
    path: Option<PathBuf>,
    warnings: Option<Faults>,
}

/// The schemas of an action. `None` inside: it cannot be compiled.
#[derive(Debug, Default)]
struct Schemas {
    params: OnceLock<Option<Validator>>,
    body: OnceLock<Option<Validator>>,
    output: OnceLock<Option<Validator>>,
}

// === impl LoadedComponent ===

impl LoadedComponent {
    pub(crate) fn new(component: Component, path: Option<PathBuf>, warnings: Option<Faults>) -> Self {
        let schemas = component.actions.keys().map(|name| (name.clone(), Schemas::default())).collect();
        Self { component: Arc::new(component), schemas, path, warnings }
    }

    /// The component.
    #[must_use]
    pub fn component(&self) -> &Arc<Component> {
        &self.component
    }

    /// The file that it was read from; `None` for a built-in one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What a reader of its file should know.
    #[must_use]
    pub fn warnings(&self) -> Option<&Faults> {
        self.warnings.as_ref().filter(|warnings| !warnings.faults.is_empty())
    }

    pub(crate) fn action(&self, name: &str) -> Result<&Action, Failure> {
        self.component.actions.get(name).ok_or_else(|| {
            let shown = keyway_component::printable(name, 60);
            let hint = match nearest(name, self.component.actions.keys().map(String::as_str)) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("`keyway component show {}` lists them", self.component.name),
            };
            Failure::new(Code::UnknownAction, format!("`{}` has no action `{shown}`; {hint}", self.component.name))
        })
    }

    /// Checks an action's parameters against its schema. Values are left out of what is said: they may be private.
    pub(crate) fn check_params(&self, name: &str, params: &Map<String, Value>) -> Result<(), Failure> {
        let Some(action) = self.component.actions.get(name) else { return Ok(()) };
        let invalid = |why: String| Err(Failure::new(Code::InvalidParams, format!("`params` of `{name}`: {why}")));
        // What nothing asks for would be lost without a word, whatever the schema lets through.
        let known: Vec<&str> = action.param_names().collect();
        if let Some(unknown) = params.keys().find(|given| !known.contains(&given.as_str())) {
            let shown = keyway_component::printable(unknown, 60);
            return invalid(match nearest(unknown, known) {
                Some(meant) => format!("`{shown}` is no parameter of it; did you mean `{meant}`?"),
                None => format!("`{shown}` is no parameter of it; take it out"),
            });
        }
        let Some(schema) = &action.params else { return Ok(()) };
        let slot = self.schemas.get(name).map(|schemas| &schemas.params);
        violation(slot, schema, &Value::Object(params.clone())).map_or(Ok(()), invalid)
    }

    /// Checks the body that a message brings for an action. Values are left out of what is said.
    pub(crate) fn check_body(&self, name: &str, body: &Payload) -> Result<(), Failure> {
        let Some(schema) = self.component.actions.get(name).and_then(|action| action.body_schema.as_ref()) else {
            return Ok(());
        };
        let invalid = |why: String| Err(Failure::new(Code::InvalidMessage, why));
        let document = match body {
            Payload::None => Value::Null,
            Payload::Json(json) => match serde_json::from_slice(json.as_bytes()) {
                Ok(document) => document,
                Err(_) => return invalid(format!("`body` of `{name}` is nested too deeply to be checked")),
            },
            _ => return invalid(format!("`{name}` takes a JSON body; give it as `body`")),
        };
        let slot = self.schemas.get(name).map(|schemas| &schemas.body);
        match violation(slot, schema, &document) {
            None => Ok(()),
            Some(_) if matches!(body, Payload::None) => invalid(format!("`{name}` needs a body; give it as `body`")),
            Some(why) => invalid(format!("`body` of `{name}`: {why}")),
        }
    }

    /// Checks the body of an action's good answer. Says what breaks the schema, without a value.
    pub(crate) fn breaks_output(&self, name: &str, body: &[u8]) -> Option<String> {
        let schema = self.component.actions.get(name)?.output.as_ref()?;
        let slot = self.schemas.get(name).map(|schemas| &schemas.output);
        // That it is JSON was seen before; only its depth can be too much for a tree.
        match serde_json::from_slice(body) {
            Ok(document) => violation(slot, schema, &document),
            Err(_) => Some("the whole: it is nested too deeply to be checked".to_owned()),
        }
    }
}

/// The first fault of a document: where it is, and what is wrong there.
fn violation(slot: Option<&OnceLock<Option<Validator>>>, schema: &Value, document: &Value) -> Option<String> {
    let build = || jsonschema::draft202012::options().should_validate_formats(true).build(schema).ok();
    let Some(validator) = slot.and_then(|slot| slot.get_or_init(build).as_ref()) else {
        return Some("its schema cannot be used".to_owned());
    };
    let error = validator.iter_errors(document).next()?;
    let place = error.instance_path().to_string();
    let place = if place.is_empty() { "the whole".to_owned() } else { format!("`{place}`") };
    Some(format!("{place}: {}", error.masked()))
}
