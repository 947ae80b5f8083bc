//! The authorization response (RFC 6749 section 4.1.2), held against its request. Pure.

use std::collections::BTreeMap;

use keyway_component::{Secret, printable};
use url::{Url, form_urlencoded};

use super::{AuthorizationRequest, Page};

/// Longest text of a server that is passed on, in characters.
const LONGEST_TEXT: usize = 300;
/// No authorization code is longer: what is, is something else that was pasted.
const LONGEST_CODE: usize = 8192;

/// The code of an answer that belongs to its request.
#[derive(Debug, Clone)]
pub struct Code {
    pub(super) code: Secret,
    /// Further parameters that variables of the component are read from.
    pub(super) callback: BTreeMap<String, String>,
}

/// An answer that gives no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// It is of another sign-in, or made up.
    #[error("this is not the answer to this sign-in: {0}; open the printed address and use what comes of it")]
    NotThisSignIn(&'static str),
    /// The server said no, or the person did.
    #[error("the sign-in was refused ({})", said(.error, .description.as_deref()))]
    Refused {
        /// The member `error`.
        error: String,
        /// The member `error_description`.
        description: Option<String>,
    },
    /// It comes from another authorization server (RFC 9207 section 2.4), so its code must not be sent anywhere.
    #[error("the answer {0}; somebody may be mixing up two servers, so its code was not used")]
    WrongIssuer(String),
    /// There is no code in it.
    #[error("the answer holds no code; copy the whole address that the browser ends at")]
    NoCode,
}

fn said(error: &str, description: Option<&str>) -> String {
    match description {
        Some(description) => format!("{error}: {description}"),
        None => error.to_owned(),
    }
}

// === impl AnswerError ===

impl AnswerError {
    /// Whether another answer may still come: one that is not of this sign-in ends nothing.
    #[must_use]
    pub fn leaves_open(&self) -> bool {
        matches!(self, Self::NotThisSignIn(_) | Self::NoCode)
    }

    /// What the browser is told about it.
    #[must_use]
    pub fn page(&self) -> Page {
        match self {
            Self::NotThisSignIn(_) | Self::NoCode => Page::not_this_sign_in(),
            Self::Refused { error, description } => Page::refused(&said(error, description.as_deref())),
            Self::WrongIssuer(_) => Page::failed(&self.to_string()),
        }
    }
}

// === impl AuthorizationRequest ===

impl AuthorizationRequest {
    /// Reads what a person pasted: the address that the browser ended at, its query, or the code alone. The code alone
    /// carries no `state`: it is taken because the person, and nobody else, brought it.
    ///
    /// # Errors
    /// Why there is no code in it.
    pub fn read_pasted(&self, pasted: &str) -> Result<Code, AnswerError> {
        let pasted = pasted.trim();
        if let Ok(url) = Url::parse(pasted)
            && (url.has_host() || pasted.contains('?'))
        {
            return self.read_address(&url);
        }
        let query = pasted.strip_prefix('?').unwrap_or(pasted);
        if query.contains(&format!("{}=", self.code_param())) || query.contains("error=") {
            return self.read_query(query);
        }
        let is_code = |text: &str| text.len() <= LONGEST_CODE && text.bytes().all(|byte| byte.is_ascii_graphic());
        match pasted {
            "" => Err(AnswerError::NoCode),
            // RFC 9207 section 2.4: a code alone does not say whose it is.
            _ if self.issuer_required() || !self.wanted().is_empty() => Err(AnswerError::NoCode),
            code if is_code(code) => Ok(Code { code: Secret::new(code), callback: BTreeMap::new() }),
            _ => Err(AnswerError::NoCode),
        }
    }

    /// Reads the address that the browser ended at.
    ///
    /// # Errors
    /// Why there is no code in it.
    pub fn read_address(&self, url: &Url) -> Result<Code, AnswerError> {
        let awaited = Url::parse(self.redirect_uri()).ok();
        let place = |url: &Url| {
            (
                url.scheme().to_owned(),
                url.host_str().map(str::to_owned),
                url.port_or_known_default(),
                url.path().to_owned(),
            )
        };
        if awaited.is_none_or(|awaited| place(&awaited) != place(url)) {
            return Err(AnswerError::NotThisSignIn("it arrived at another address than the redirect URI"));
        }
        self.read_query(url.query().unwrap_or_default())
    }

    /// Reads the parameters of the answer. Those that nobody knows are passed over (RFC 6749 section 4.1.2).
    fn read_query(&self, query: &str) -> Result<Code, AnswerError> {
        let one = |name: &str| {
            let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(known, _)| known == name);
            match (found.next(), found.next()) {
                (Some((_, value)), None) if !value.is_empty() => Ok(Some(value.into_owned())),
                (_, None) => Ok(None),
                // RFC 6749 section 3.1: no parameter stands twice.
                (_, Some(_)) => Err(AnswerError::NotThisSignIn("a parameter stands in it twice")),
            }
        };
        // First of all: whatever else it says, an answer without this request's `state` is somebody else's.
        match one(self.state_param())? {
            Some(state) if self.is_state(&state) => {}
            Some(_) => return Err(AnswerError::NotThisSignIn("its `state` is another one")),
            None => return Err(AnswerError::NotThisSignIn("it has no `state`")),
        }
        self.check_issuer(one("iss")?)?;
        if let Some(error) = one("error")? {
            let shown = |text: String| printable(&text, LONGEST_TEXT);
            return Err(AnswerError::Refused {
                error: shown(error),
                description: one("error_description")?.map(shown),
            });
        }
        let code = one(self.code_param())?.map(Secret::new).ok_or(AnswerError::NoCode)?;
        let mut callback = BTreeMap::new();
        for name in self.wanted() {
            callback.extend(one(name)?.map(|value| (name.clone(), value)));
        }
        Ok(Code { code, callback })
    }

    /// RFC 9207 section 2.4: simple string comparison, and a missing `iss` is refused where the server always sends it.
    fn check_issuer(&self, iss: Option<String>) -> Result<(), AnswerError> {
        match (self.issuer(), iss) {
            (Some(issuer), Some(iss)) if iss != issuer => Err(AnswerError::WrongIssuer(format!(
                "comes from another server: its `iss` is `{}`, not `{issuer}`",
                printable(&iss, LONGEST_TEXT)
            ))),
            (_, None) if self.issuer_required() => {
                Err(AnswerError::WrongIssuer("has no `iss`, which this server always sends".to_owned()))
            }
            _ => Ok(()),
        }
    }
}
