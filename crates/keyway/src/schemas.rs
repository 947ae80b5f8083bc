//! All published schemas, as the Rust types are now.

use serde_json::Value;

use crate::{message, outcome, replay};

/// Every published JSON Schema by the name of its file in `schemas/`, made anew of the Rust types. For whoever changes
/// those: `cargo run -p keyway --example schemas` writes the files, and a test holds them against this.
#[must_use]
pub fn generated_schemas() -> Vec<(&'static str, Value)> {
    let lines = [
        ("message", message::generated_schema()),
        ("outcome", outcome::generated_schema()),
        ("exchanges", replay::generated_schema()),
    ];
    keyway_component::generated_schemas().into_iter().chain(lines).collect()
}
