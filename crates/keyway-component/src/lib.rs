//! What Keyway's files say, and nothing else.
//!
//! The component and credential file types with their JSON Schema, [`Template`], [`Origin`], [`Secret`], the list of
//! secret names and the [`Redactor`], and the lint. Everything here is pure: text goes in, types and [`Fault`]s come
//! out. How bytes travel is `keyway-http`'s, how a token is got is `keyway-oauth`'s.

mod check;
pub mod component;
pub mod credential;
mod fault;
pub mod import;
mod json_template;
mod lint;
mod origin;
mod pattern;
mod pointer;
mod redact;
mod schema;
mod secret;
mod secret_names;
mod source_span;
mod suggest;
mod template;
mod text;

pub use check::{Checked, check_client, check_component, check_credential};
pub use component::Component;
pub use credential::{ClientFile, CredentialFile, SecretRef};
pub use fault::{Fault, Faults, Severity};
pub use json_template::JsonTemplate;
pub use origin::{Origin, OriginError, is_loopback_host};
pub use pattern::Pattern;
pub use pointer::Pointer;
pub use redact::{Redactor, StandIns};
pub use schema::{client_schema, component_schema, credential_schema, generated_schemas};
pub use secret::Secret;
pub use secret_names::SecretNames;
pub use suggest::nearest;
pub use template::{Template, TemplateError, UrlForm};
pub use text::printable;
