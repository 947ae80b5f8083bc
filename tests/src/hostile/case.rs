//! One misbehaviour: the message that meets it, what it is answered with, and what is right.

use serde_json::{Value, json};

use super::answer::Answer;

/// One misbehaviour.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name, which is its path and its account's name too.
    pub name: String,
    /// What the server answers in turn; the last one goes on.
    pub answers: Vec<Answer>,
    /// The codes that are right, with `|` between them; `none` is success. `none 302` names the answer's status too.
    pub expected: String,
    /// The most requests to the API that it may cost.
    pub most_attempts: u64,
    /// The message's further members.
    pub message: Value,
}

/// A GET that is answered like this again and again.
pub fn case(name: impl Into<String>, expected: impl Into<String>, answer: Answer) -> Case {
    let (name, expected) = (name.into(), expected.into());
    let message = json!({"method": "GET", "timeout_ms": 8000});
    Case { name, answers: vec![answer], expected, most_attempts: 3, message }
}

// === impl Case ===

impl Case {
    /// The answer to the next request.
    #[must_use]
    pub fn then(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    /// Another member of the message.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.message[member] = value.into();
        self
    }

    /// Another method.
    #[must_use]
    pub fn method(self, method: &str) -> Self {
        self.with("method", method)
    }

    /// A time limit that the server is meant to exceed.
    #[must_use]
    pub fn within(self, ms: u64) -> Self {
        self.with("timeout_ms", ms)
    }

    /// Another limit on requests.
    #[must_use]
    pub fn attempts(self, most: u64) -> Self {
        Self { most_attempts: most, ..self }
    }

    /// The message as a line.
    pub(super) fn line(&self) -> String {
        let mut message = self.message.clone();
        message["id"] = self.name.as_str().into();
        message["credential"] = self.name.as_str().into();
        if message.get("url").is_none() {
            message["url"] = format!("/{}", self.name).into();
        }
        message.to_string()
    }
}
