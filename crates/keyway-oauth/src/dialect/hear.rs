//! From the vendor's token answer to the standard one, or to what it says instead.

use std::time::SystemTime;

use http::StatusCode;
use keyway_component::{
    Component, Pointer, Redactor, Secret,
    component::{Encoding, ExpiryUnit, TokenResponse},
    printable,
};
use keyway_http::{AttemptEnd, WireAnswer, WireFault, WireFaultKind, fits, throttle_wait};
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::fault::{OAuthAnswer, TokenFault, TokenFaultKind};

/// The longest lifetime that is believed: ten years.
const LONGEST_LIFETIME_S: u64 = 10 * 365 * 24 * 3600;

/// A token answer in the form of RFC 6749 section 5.1, whatever the vendor's was.
#[derive(Clone, PartialEq)]
pub struct Heard {
    /// `access_token`, `token_type`, `expires_in` (a whole number), `refresh_token`, `scope` (one text), and all
    /// further members as they came.
    pub standard: Map<String, Value>,
}

impl std::fmt::Debug for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let members: Vec<&String> = self.standard.keys().collect();
        f.debug_struct("Heard").field("members", &members).finish()
    }
}

/// What an answer is read by.
#[derive(Clone, Copy)]
pub struct Hearing<'a> {
    /// The component, for its API and its throttle rules.
    pub component: &'a Component,
    /// Where things stand in the answer.
    pub at: &'a TokenResponse,
    /// The access token that lives on where the answer has none.
    pub kept: Option<&'a Secret>,
    /// How the parameters travelled, for what is said about a refusal.
    pub encoding: Encoding,
    /// What masks secrets in texts of the server.
    pub redactor: &'a Redactor,
    /// The time.
    pub now: SystemTime,
}

/// Reads how a token request ended.
///
/// # Errors
/// Told apart for good: refused, unavailable (sent or not), or no token answer at all.
pub fn hear(end: AttemptEnd, by: &Hearing<'_>) -> Result<Heard, TokenFault> {
    let answer = answered(end, by.redactor)?;
    let body = read_body(&answer, by.at.access_token.is_whole());
    let context = Context { by: *by, answer: &answer };
    match &body {
        Some(body) if answer.status.is_success() && !says_error(body) => match context.refusal(body) {
            Some(refusal) => Err(refusal),
            None => context.token(body),
        },
        body => Err(context.fault(body.as_ref())),
    }
}

/// Reads how a request to another OAuth endpoint ended, one that answers with an object (RFC 8628 section 3.2).
///
/// # Errors
/// As for [`hear`].
pub fn hear_object(end: AttemptEnd, by: &Hearing<'_>) -> Result<Value, TokenFault> {
    let answer = answered(end, by.redactor)?;
    let body = read_body(&answer, false);
    let context = Context { by: *by, answer: &answer };
    match body {
        Some(body) if answer.status.is_success() && !says_error(&body) => Ok(body),
        body => Err(context.fault(body.as_ref())),
    }
}

/// The answer, where there is one.
fn answered(end: AttemptEnd, redactor: &Redactor) -> Result<WireAnswer, TokenFault> {
    let fault = |kind, fault: &WireFault| Err(TokenFault::new(kind, redactor.text(&fault.detail)));
    match end {
        AttemptEnd::Answered(answer) => Ok(answer),
        AttemptEnd::NeverSent(end) if end.is_final() => fault(TokenFaultKind::Unreachable, &end),
        AttemptEnd::NeverSent(end) => fault(TokenFaultKind::NotProcessed, &end),
        // A server that wants a certificate says so after the handshake, and has processed nothing.
        AttemptEnd::MaybeProcessed(end) if end.kind == WireFaultKind::Tls => fault(TokenFaultKind::Unreachable, &end),
        AttemptEnd::MaybeProcessed(end) if end.is_final() => fault(TokenFaultKind::Invalid, &end),
        AttemptEnd::MaybeProcessed(end) => fault(TokenFaultKind::MaybeProcessed, &end),
    }
}

/// JSON whatever its label, or a form (old GitHub, old Facebook), or a text that is the token itself where the component
/// says so.
fn read_body(answer: &WireAnswer, is_token: bool) -> Option<Value> {
    match serde_json::from_slice::<Value>(&answer.body) {
        Ok(body @ Value::Object(_)) => Some(body),
        Ok(body) => Some(body).filter(|body| is_token && body.is_string()),
        Err(_) if is_token && answer.status.is_success() => {
            let text = std::str::from_utf8(&answer.body).ok()?.trim();
            (!text.contains(char::is_whitespace)).then(|| text.into())
        }
        Err(_) => {
            let pairs: Map<String, Value> = form_urlencoded::parse(&answer.body)
                .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
                .collect();
            let meant = pairs.contains_key("access_token") || pairs.contains_key("error");
            meant.then_some(Value::Object(pairs))
        }
    }
}

/// A member `error` that says something: `null`, `false`, `0`, `""`, `[]` and `{}` do not.
fn says_error(body: &Value) -> bool {
    match body.get("error") {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(members)) => !members.is_empty(),
        Some(Value::Bool(true)) => true,
    }
}

struct Context<'a> {
    by: Hearing<'a>,
    answer: &'a WireAnswer,
}

// === impl Hearing ===

impl<'a> Hearing<'a> {
    /// By the component's own rules.
    #[must_use]
    pub fn of(component: &'a Component, encoding: Encoding, redactor: &'a Redactor, now: SystemTime) -> Self {
        Self { component, at: &component.oauth2.token_response, kept: None, encoding, redactor, now }
    }
}

// === impl Context ===

impl Context<'_> {
    fn token(&self, body: &Value) -> Result<Heard, TokenFault> {
        let at = self.by.at;
        let status = self.answer.status.as_u16();
        let invalid = |message: String| Err(TokenFault::new(TokenFaultKind::Invalid, message));
        let told = token_at(&at.access_token, body);
        let says_code = at.error.find_text(body).is_some_and(|code| !matches!(code.as_str(), "" | "0" | "false"));
        let kept = self.by.kept.filter(|_| !says_code).map(|kept| kept.expose_secret_text().to_owned());
        let Some(access_token) = told.or(kept) else {
            if at.second_factor.as_ref().is_some_and(|at| at.find(body).is_some()) {
                let message = "the account asks for a second factor, which a program cannot give; sign in with another \
                               grant, or use an account without a second factor";
                return Err(TokenFault::new(TokenFaultKind::SecondFactor, message));
            }
            // Some servers give a refusal the status of a success and a code of their own.
            if says_code {
                return Err(self.fault(Some(body)));
            }
            let members: Vec<&str> = body.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
            let members =
                self.shown(&members.into_iter().filter(|name| is_plain(name)).collect::<Vec<_>>().join(", "), 200);
            return invalid(format!(
                "the token endpoint answered {status} without an access token (its members: {members}); \
                 an account that needs a second factor answers like this, and so does a wrong `token_response`"
            ));
        };
        // RFC 6749 appendix A.12. A token that no request can carry must not be kept until it ends.
        if !access_token.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return invalid("the access token has characters that no header can carry; report it to the vendor".into());
        }
        let token_type = body.get("token_type").and_then(Value::as_str).unwrap_or("bearer");
        if !self.understands(token_type) {
            // RFC 6749 section 7.1: a client must not use a token whose type it does not understand.
            let shown = self.shown(token_type, 40);
            return invalid(format!("the token is of type `{shown}`, which this component does not use"));
        }
        let mut standard = body.as_object().cloned().unwrap_or_default();
        for name in ["access_token", "token_type", "expires_in", "refresh_token", "scope"] {
            standard.shift_remove(name);
        }
        standard.insert("access_token".into(), access_token.into());
        standard.insert("token_type".into(), "bearer".into());
        if let Some(refresh_token) = token_at(&at.refresh_token, body) {
            standard.insert("refresh_token".into(), refresh_token.into());
        }
        if let Some(seconds) = self.lifetime_s(body) {
            standard.insert("expires_in".into(), seconds.into());
        }
        if let Some(scope) = at.scope.find(body).and_then(one_text) {
            standard.insert("scope".into(), scope.into());
        }
        Ok(Heard { standard })
    }

    /// What an answer says that is none by the component's rule, though its status is that of a success.
    fn refusal(&self, body: &Value) -> Option<TokenFault> {
        let rule = self.by.at.success.as_ref()?;
        let found = rule.pointer.find(body);
        if found == Some(&rule.equals) {
            return None;
        }
        let mut fault = self.fault(Some(body));
        if fault.kind == TokenFaultKind::Invalid {
            let said = fault.oauth.as_ref().map(|oauth| oauth.in_brackets()).unwrap_or_default();
            let found = self.shown(&found.map_or_else(|| "nothing".to_owned(), Value::to_string), 60);
            fault.kind = TokenFaultKind::Denied;
            fault.message = format!("the token endpoint refused: its answer has {found} at `{}`{said}", rule.pointer);
        }
        Some(fault)
    }

    /// Text of a server, without secrets first and cut afterwards: half a secret would not be recognised.
    fn shown(&self, text: &str, max_chars: usize) -> String {
        printable(&self.by.redactor.text(text), max_chars)
    }

    fn understands(&self, token_type: &str) -> bool {
        // RFC 9449 section 5: a token of another type is not bound, whatever was asked for.
        if self.by.component.oauth2.dpop {
            return token_type.eq_ignore_ascii_case("dpop");
        }
        use keyway_component::component::Authorization::Header;
        let scheme = match &self.by.component.api.authorization {
            Header { scheme, .. } => scheme.as_str(),
            _ => "bearer",
        };
        let own = self.by.at.token_types.iter();
        let mut known = ["", "bearer", scheme].into_iter().chain(own.map(String::as_str));
        known.any(|known| token_type.eq_ignore_ascii_case(known))
    }

    /// Seconds from now. Nothing, zero and less mean "not told": a token that is dead on arrival cannot be meant.
    fn lifetime_s(&self, body: &Value) -> Option<u64> {
        let at = self.by.at;
        let in_one_second = match at.expiry_unit {
            ExpiryUnit::Seconds => 1.0,
            ExpiryUnit::Milliseconds => 1000.0,
        };
        let seconds = |text: String| {
            let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite())?;
            Some(number / in_one_second)
        };
        let relative = at.expires_in.find_text(body).and_then(seconds);
        let absolute = || {
            let text = at.expires_at.as_ref()?.find_text(body)?;
            let end = seconds(text.clone()).map(since_1970).or_else(|| {
                let date = chrono::DateTime::parse_from_rfc3339(text.trim()).ok()?;
                Some(date.timestamp() as f64)
            })?;
            let now = self.by.now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            Some(end - now.as_secs_f64())
        };
        let seconds = relative.or_else(absolute)?;
        (seconds >= 1.0).then(|| (seconds as u64).min(LONGEST_LIFETIME_S))
    }

    fn fault(&self, body: Option<&Value>) -> TokenFault {
        use TokenFaultKind::{Denied, Invalid, InvalidClient, InvalidGrant, MaybeProcessed, NotProcessed};
        let status = self.answer.status;
        let at = self.by.at;
        let body_or_none = body.unwrap_or(&Value::Null);
        let oauth =
            OAuthAnswer::read_at(status.as_u16(), body_or_none, &at.error, &at.error_description, self.by.redactor);
        let wait =
            throttle_wait(&self.by.component.throttle, &self.answer.headers, |at| at.find_text(body?), self.by.now);
        let error = oauth.error.as_deref().unwrap_or_default();
        let throttled = status == StatusCode::TOO_MANY_REQUESTS
            || self.by.component.throttle.statuses.contains(&status.as_u16())
            || self
                .by
                .component
                .throttle
                .when
                .iter()
                .any(|rule| fits(rule, status.as_u16(), &self.answer.headers, |at| at.find_text(body?)))
            || (status == StatusCode::SERVICE_UNAVAILABLE && wait.is_some());
        let kind = match error {
            // RFC 8628 section 3.5: these say more than any status.
            "authorization_pending" => TokenFaultKind::AuthorizationPending,
            "slow_down" => TokenFaultKind::SlowDown,
            _ if throttled => NotProcessed,
            "temporarily_unavailable" => NotProcessed,
            // RFC 9110 section 15: what is beyond the classes is taken for a server error.
            _ if status.as_u16() >= 500 => MaybeProcessed,
            "server_error" => MaybeProcessed,
            "invalid_grant" => InvalidGrant,
            own if at.invalid_grant.iter().any(|known| known == own) => InvalidGrant,
            "invalid_client" | "unauthorized_client" => InvalidClient,
            "" if status == StatusCode::UNAUTHORIZED => InvalidClient,
            "" => Invalid,
            _ => Denied,
        };
        let message = self.message(kind, &oauth);
        TokenFault { kind, message, oauth: Some(Box::new(oauth)), retry_after: wait }
    }

    fn message(&self, kind: TokenFaultKind, oauth: &OAuthAnswer) -> String {
        let said = oauth.in_brackets();
        let status = self.answer.status;
        match kind {
            TokenFaultKind::NotProcessed | TokenFaultKind::MaybeProcessed => {
                format!("the token endpoint cannot serve now{said}")
            }
            TokenFaultKind::Invalid if status.is_redirection() => {
                format!(
                    "the token endpoint answered {status}, and token requests follow no redirect; correct its URL (a final slash?)"
                )
            }
            TokenFaultKind::Invalid => {
                let label = self.answer.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
                // Servers echo anything anywhere: a label is shown only where it is one.
                let plain = |label: &&str| {
                    label.len() <= 60 && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"/+.-".contains(&b))
                };
                let label = label.and_then(|label| label.split(';').next()).filter(plain);
                let label =
                    label.map_or_else(|| "no known type".to_owned(), |label| self.by.redactor.text(label).into_owned());
                let length = self.answer.body.len();
                format!(
                    "the token endpoint answered {status} with {length} bytes of {label}, which is no token answer; check its URL"
                )
            }
            _ => format!("the token endpoint refused{said}{}", self.encoding_hint(oauth)),
        }
    }

    /// Servers that read another kind of body complain about what they did not find in it.
    fn encoding_hint(&self, oauth: &OAuthAnswer) -> String {
        let description = oauth.error_description.as_deref().unwrap_or_default().to_ascii_lowercase();
        let misread = matches!(oauth.error.as_deref(), Some("unsupported_grant_type" | "invalid_value"))
            || description.contains("missing parameter")
            || description.contains("must be object");
        if !misread {
            return String::new();
        }
        let encoding = self.by.encoding.as_str();
        format!(
            "; the request's body was `{encoding}`: if this endpoint reads another kind, set `oauth2.token_request.encoding`"
        )
    }
}

/// A token: a text, or a number as it is written. `true` is none.
fn token_at(pointer: &Pointer, body: &Value) -> Option<String> {
    let is_token = matches!(pointer.find(body)?, Value::String(_) | Value::Number(_));
    pointer.find_text(body).filter(|token| is_token && !token.is_empty())
}

/// The end of a lifetime in seconds since 1970. In seconds it would be after the year 5000: milliseconds are meant.
fn since_1970(number: f64) -> f64 {
    if number > 1e11 { number / 1_000.0 } else { number }
}

/// Whether a member's name is one, and not some text of the server's.
fn is_plain(name: &str) -> bool {
    name.len() <= 40 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// A text, or a list of texts joined by spaces.
fn one_text(scope: &Value) -> Option<String> {
    match scope {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => Some(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
