//! What is well about an account and what is not, each in one line with a remedy.

mod account;
mod network;

use crate::connection::Connection;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, in a word or two.
    pub subject: String,
    /// How it is.
    pub health: Health,
    /// What was found.
    pub detail: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// As it should be.
    Well,
    /// It works, and somebody should know this.
    Notice,
    /// It does not work.
    Ill,
}

/// Looks at everything that an account needs. With `network`, its hosts are asked too: one `HEAD` request each, without
/// any credential. No token is asked for and none is renewed.
pub async fn examine(connection: &Connection, network: bool) -> Vec<Finding> {
    let mut findings = vec![account::component(connection), account::credential(connection)];
    findings.extend(account::secrets(connection).await);
    findings.extend(account::token(connection).await);
    if network {
        findings.extend(network::hosts(connection).await);
    }
    findings
}

// === impl Finding ===

impl Finding {
    /// All is well.
    pub fn well(subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { subject: subject.into(), health: Health::Well, detail: detail.into(), remedy: None }
    }

    /// It works, with a remark.
    pub fn notice(subject: impl Into<String>, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self { subject: subject.into(), health: Health::Notice, detail: detail.into(), remedy }
    }

    /// It does not work.
    pub fn ill(subject: impl Into<String>, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self { subject: subject.into(), health: Health::Ill, detail: detail.into(), remedy }
    }

    /// From an error whose text ends with what to do after its last semicolon, as all of ours do.
    pub fn of_error(subject: impl Into<String>, error: impl ToString) -> Self {
        let text = error.to_string();
        match text.rsplit_once("; ") {
            Some((detail, remedy)) => Self::ill(subject, detail, remedy),
            None => Self { remedy: None, ..Self::ill(subject, text, "") },
        }
    }
}
