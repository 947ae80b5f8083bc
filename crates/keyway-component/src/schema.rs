//! JSON Schemas of the file types, made from the Rust types, and the check of a document against one.

mod names;

use jsonschema::{PatternOptions, ValidationError, Validator, error::ValidationErrorKind};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::Value;

use self::names::Names;
use crate::{ClientFile, Component, CredentialFile, Pointer, Template, fault::Fault, pointer::step};

/// The published schemas, made of the Rust types by [`generated_schemas`]. Making them takes longer than reading them,
/// and code that makes them is a tenth of a program.
const COMPONENT: &str = include_str!("../../../schemas/component.schema.json");
const CREDENTIAL: &str = include_str!("../../../schemas/credential.schema.json");
const CLIENT: &str = include_str!("../../../schemas/client.schema.json");

/// JSON Schema (2020-12) of a component file, as text.
#[must_use]
pub fn component_schema() -> &'static str {
    COMPONENT
}

/// JSON Schema (2020-12) of a credential file, as text.
#[must_use]
pub fn credential_schema() -> &'static str {
    CREDENTIAL
}

/// JSON Schema (2020-12) of a client file, as text.
#[must_use]
pub fn client_schema() -> &'static str {
    CLIENT
}

/// The schemas by name, as the Rust types are now. For whoever changes those: the published ones have to be the same.
#[must_use]
pub fn generated_schemas() -> [(&'static str, Value); 3] {
    let settings = || SchemaSettings::draft2020_12().into_generator();
    [
        ("component", settings().into_root_schema_for::<Component>().to_value()),
        ("credential", settings().into_root_schema_for::<CredentialFile>().to_value()),
        ("client", settings().into_root_schema_for::<ClientFile>().to_value()),
    ]
}

/// How a document could be made to fit: at this pointer the value goes, or becomes another. Only so that the rest of a
/// faulty file can be read and linted too.
pub(crate) type Repair = (String, Option<Value>);

/// A schema that is compiled once a process: that takes longer than to check a file, and there may be thousands of them.
pub(crate) struct Compiled {
    schema: Value,
    validator: Result<Validator, String>,
}

// === impl Compiled ===

impl Compiled {
    pub(crate) fn new(schema: &str) -> Self {
        // A test holds the published text against the types, so it is JSON.
        let schema = serde_json::from_str(schema).unwrap_or_default();
        let options = jsonschema::draft202012::options().with_pattern_options(PatternOptions::regex());
        let validator = options.build(&schema).map_err(|error| error.to_string());
        Self { schema, validator }
    }

    /// Every way in which the document breaks the schema, and a repair for each.
    pub(crate) fn check(&self, document: &Value) -> (Vec<Fault>, Vec<Repair>) {
        let validator = match &self.validator {
            Ok(validator) => validator,
            Err(why) => return (vec![Fault::error("internal", "", why.clone())], Vec::new()),
        };
        let (mut faults, mut repairs) = (Vec::new(), Vec::new());
        if !validator.is_valid(document) {
            let names = Names(&self.schema);
            for error in validator.iter_errors(document) {
                describe(&error, &names, &mut faults, &mut repairs);
            }
        }
        (faults, repairs)
    }
}

fn describe(error: &ValidationError<'_>, names: &Names<'_>, faults: &mut Vec<Fault>, repairs: &mut Vec<Repair>) {
    let pointer = error.instance_path().to_string();
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            for key in unexpected {
                let place = format!("{pointer}/{}", step(key));
                repairs.push((place.clone(), None));
                let fault = Fault::error("unknown_key", place, format!("`{key}` is no key here"));
                faults.push(fault.hint(names.instead_of(key, error.schema_path().as_str())));
            }
        }
        // "Is not valid under any of the schemas" helps nobody: the branch that came closest says more.
        ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } => {
            let constants: Vec<&Value> = context
                .iter()
                .flatten()
                .filter_map(|inner| match inner.kind() {
                    ValidationErrorKind::Constant { expected_value } => Some(expected_value.as_ref()),
                    _ => None,
                })
                .collect();
            if constants.len() > 1
                && context.iter().flatten().all(|inner| inner.instance_path() == error.instance_path())
            {
                let list: Vec<String> = constants.iter().map(ToString::to_string).collect();
                repairs.push((pointer.clone(), constants.first().map(|first| (*first).clone())));
                faults.push(Fault::error("schema", pointer, format!("must be one of {}", list.join(", "))));
                return;
            }
            let closest = context.iter().filter(|branch| !branch.is_empty()).min_by_key(|branch| distance(branch));
            // One of several words, or one of several forms: who gave none of them is told all.
            if let Some([inner]) = closest.map(Vec::as_slice)
                && matches!(inner.kind(), ValidationErrorKind::Constant { .. })
            {
                let allowed = if inner.instance_path() == error.instance_path() {
                    names.forms(error.schema_path().as_str())
                } else {
                    constants_at(context, inner.instance_path().as_str())
                };
                let place = inner.instance_path().to_string();
                repairs.push((place.clone(), None));
                faults.push(Fault::error("schema", place, format!("must be one of {}", allowed.join(", "))));
                return;
            }
            match closest {
                Some(branch) => branch.iter().for_each(|inner| describe(inner, names, faults, repairs)),
                None => {
                    repairs.push((pointer.clone(), None));
                    faults.push(Fault::error("schema", pointer, error.masked().to_string()));
                }
            }
        }
        _ => {
            repairs.push((pointer.clone(), None));
            let fault = Fault::error("schema", pointer, error.masked().to_string());
            let hint = match error.kind() {
                ValidationErrorKind::Pattern { pattern } => hint_of(pattern).map(str::to_owned),
                ValidationErrorKind::Type { .. } => names.form(error.schema_path().as_str()),
                ValidationErrorKind::Required { property } => {
                    property.as_str().and_then(|name| names.about(name, error.schema_path().as_str()))
                }
                _ => None,
            };
            faults.push(match hint {
                Some(hint) => fault.hint(hint),
                None => fault,
            });
        }
    }
}

/// The values that several branches want at one place.
fn constants_at(context: &[Vec<ValidationError<'_>>], place: &str) -> Vec<String> {
    let all = context.iter().flatten().filter(|inner| inner.instance_path().as_str() == place);
    let constant = |inner: &ValidationError<'_>| match inner.kind() {
        ValidationErrorKind::Constant { expected_value } => Some(expected_value.to_string()),
        _ => None,
    };
    all.filter_map(constant).collect()
}

/// What a text that breaks one of these patterns should be: a pattern says it to few.
fn hint_of(pattern: &str) -> Option<&'static str> {
    let pointer = Pointer::json_schema(&mut SchemaGenerator::default());
    if pattern == Template::PATTERN {
        Some(
            "a name in braces has lower-case letters, digits and `_`, such as `{page_size}`, whatever the API calls it; write \
             `{{` for a brace",
        )
    } else if pointer.get("pattern").and_then(Value::as_str) == Some(pattern) {
        Some("a JSON pointer begins with `/`: write `/data/token`, or nothing for the whole answer")
    } else {
        None
    }
}

/// How far a branch is from what was written: a wrong type or tag is further than a missing member.
fn distance(branch: &[ValidationError<'_>]) -> usize {
    let weight = |error: &ValidationError<'_>| match error.kind() {
        ValidationErrorKind::Type { .. } => 100,
        ValidationErrorKind::Constant { .. } | ValidationErrorKind::Enum { .. } => 10,
        _ => 1,
    };
    branch.iter().map(weight).sum()
}
