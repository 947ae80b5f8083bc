//! A person at a terminal.

use serde_json::{Value, json};

use super::{Keyway, Ran, workspace};

/// What a person reads, and what they type then.
pub struct Dialog(Vec<Value>);

// === impl Dialog ===

impl Dialog {
    pub fn new() -> Self {
        Self(Vec::new())
    }

    /// Types this when that was read.
    pub fn answer(mut self, read: &str, typed: &str) -> Self {
        self.0.push(json!([read, typed]));
        self
    }

    /// Types this when that was read and the terminal does not echo.
    pub fn secret(mut self, read: &str, typed: &str) -> Self {
        self.0.push(json!([read, typed, "hidden"]));
        self
    }

    /// Runs a command with a person who answers so. All that the terminal showed is its standard output.
    pub async fn with(self, keyway: Keyway) -> Ran {
        let person = workspace().join("tests/servers/terminal/person.py");
        let words = ["python3".into(), person.into_os_string(), Value::from(self.0).to_string().into()];
        let ran = keyway.env("TERM", "dumb").through(words).run("").await;
        assert!(ran.stderr.is_empty(), "{ran}");
        ran
    }
}
