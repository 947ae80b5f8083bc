//! Faults: what is wrong in a file, as data. The command draws them; a library user can walk them.

use std::{fmt, ops::Range};

/// How bad a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file works; a reader should know this all the same.
    Warning,
    /// The file is not used.
    Error,
}

/// One thing that is wrong in a file, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// A stable name such as `undeclared_placeholder`.
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// JSON pointer (RFC 6901) to the place; empty for the whole document.
    pub pointer: String,
    /// Bytes of the source text, when the place is known.
    pub span: Range<usize>,
    /// Line in the source, from 1.
    pub line: usize,
    /// Column in the source in characters, from 1.
    pub column: usize,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// All that is wrong in one file, with its name and text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    /// The file's name as the user gave it.
    pub file: String,
    /// Its text, for drawing.
    pub source: String,
    /// The faults, in the order of the file.
    pub faults: Vec<Fault>,
}

// === impl Fault ===

impl Fault {
    /// An error at a JSON pointer; [`Faults`] finds its line later.
    pub fn error(code: &'static str, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            pointer: pointer.into(),
            span: 0..0,
            line: 1,
            column: 1,
            message: message.into(),
            hint: None,
        }
    }

    /// A warning at a JSON pointer.
    pub fn warning(code: &'static str, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, pointer, message) }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{}:{}: {severity}[{}]", self.line, self.column, self.code)?;
        if !self.pointer.is_empty() {
            write!(f, " at {}", self.pointer)?;
        }
        write!(f, ": {}", self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, " ({hint})"))
    }
}

// === impl Faults ===

impl Faults {
    /// Whether any of them keeps the file from being used.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.faults.iter().any(|fault| fault.severity == Severity::Error)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, fault) in self.faults.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:{fault}", self.file)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
