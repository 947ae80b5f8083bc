//! The device grant (RFC 8628): a person types a short code in elsewhere, and this side asks until that is done.

use std::{sync::Arc, time::Duration};

use keyway_component::{
    Secret,
    component::{Params, TokenParams},
    printable,
};
use serde_json::Value;
use tokio::time::Instant;
use url::form_urlencoded;

use super::SignInError;
use crate::{
    dialect::{Hearing, hear_object},
    exchange::{Offer, Post},
    fault::{TokenError, TokenErrorKind, TokenFault, TokenFaultKind},
    source::TokenSource,
    token::Token,
};

/// RFC 8628 section 3.2: the interval where the server names none.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);
/// RFC 8628 section 3.5: what every `slow_down` adds.
const SLOW_DOWN: Duration = Duration::from_secs(5);
/// What waits grow to while the server cannot be reached.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(60);
/// A server that names no end has this long (`expires_in` is REQUIRED, and left out all the same).
const DEFAULT_LIFETIME: Duration = Duration::from_secs(30 * 60);
/// Longest text of a server that is passed on, in characters.
const LONGEST_TEXT: usize = 500;

/// What a person has to do (RFC 8628 section 3.2).
#[derive(Clone)]
pub struct DeviceAuthorization {
    /// The page.
    pub verification_uri: String,
    /// The same with the code in it, where the server gives one.
    pub verification_uri_complete: Option<String>,
    /// The code to type in.
    pub user_code: String,
    /// How long both are good.
    pub expires_in: Duration,
    /// What to wait between two questions.
    pub interval: Duration,
    device_code: Secret,
}

/// A sign-in that waits for a person on another device.
#[derive(Debug)]
pub struct DeviceSignIn {
    tokens: TokenSource,
    authorization: DeviceAuthorization,
    begun: Instant,
}

// === impl TokenSource ===

impl TokenSource {
    /// Asks for a code that a person types in elsewhere.
    ///
    /// # Errors
    /// The component has no such grant, or its server gives no code.
    pub async fn device_sign_in(&self) -> Result<DeviceSignIn, SignInError> {
        let account = self.account();
        let no = |why: &str| SignInError::NotPossible(why.to_owned());
        let grant = account.component.oauth2.grants.device_code.as_ref();
        let grant = grant.ok_or_else(|| no("the component has no grant `device_code`; choose another grant"))?;
        let account = self.inner().discover().await.map_err(|fault| self.failed(&fault))?;
        let endpoint = account.endpoints.device_authorization.as_ref();
        let endpoint =
            endpoint.ok_or_else(|| no("the component has no `device_authorization_endpoint`; add one to its file"))?;
        let answer =
            self.ask_for_codes(endpoint, &grant.authorization_params).await.map_err(|fault| self.failed(&fault))?;
        let authorization = DeviceAuthorization::read(&answer)
            .ok_or_else(|| self.failed(&TokenFault::new(TokenFaultKind::Invalid, NO_CODES)))?;
        self.inner().redactor.know(&account.inputs_label(), &authorization.device_code);
        Ok(DeviceSignIn { tokens: self.clone(), authorization, begun: Instant::now() })
    }

    async fn ask_for_codes(&self, endpoint: &url::Url, overlay: &Params) -> Result<Value, TokenFault> {
        let (inner, account) = (self.inner(), self.account());
        let exchange = inner.exchange();
        let auth = account.component.oauth2.auth_method_of("device_code");
        let overlay: TokenParams =
            overlay.iter().map(|(name, value)| (name.clone(), value.clone().map(Into::into))).collect();
        let secrets = exchange.client_secrets(auth, &overlay).await?;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("scope", &account.scope_text());
        let encoding = account.encoding;
        let post = Post::new(auth, &overlay, encoding, &secrets);
        let end = exchange.post(endpoint, form.finish().as_bytes(), post).await?;
        hear_object(end, &Hearing::of(&account.component, encoding, &inner.redactor, inner.clock.now()))
    }

    fn failed(&self, fault: &TokenFault) -> SignInError {
        use TokenFaultKind::{Invalid, MaybeProcessed, NotProcessed, Unreachable};
        let kind = match fault.kind {
            NotProcessed | MaybeProcessed => TokenErrorKind::Unavailable,
            Unreachable => TokenErrorKind::Unusable,
            Invalid => TokenErrorKind::ResponseInvalid,
            _ => TokenErrorKind::Denied,
        };
        let message = format!("no sign-in for `{}`: {fault}", self.account().label());
        TokenError { kind, message, oauth: fault.oauth.clone(), retry_after: fault.retry_after }.into()
    }
}

const NO_CODES: &str = "the device authorization endpoint answered without `device_code`, `user_code` or \
                        `verification_uri`; check its URL";

// === impl DeviceAuthorization ===

impl DeviceAuthorization {
    fn read(answer: &Value) -> Option<Self> {
        let text = |name: &str| answer.get(name)?.as_str().filter(|text| !text.is_empty());
        let shown = |text: &str| printable(text, LONGEST_TEXT);
        let seconds = |name: &str| match answer.get(name)? {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        Some(Self {
            // Google, among others, still writes the draft's name.
            verification_uri: shown(text("verification_uri").or_else(|| text("verification_url"))?),
            verification_uri_complete: text("verification_uri_complete").map(shown),
            user_code: shown(text("user_code")?),
            expires_in: seconds("expires_in").map_or(DEFAULT_LIFETIME, Duration::from_secs),
            interval: seconds("interval").map_or(DEFAULT_INTERVAL, Duration::from_secs).max(Duration::from_secs(1)),
            device_code: Secret::new(text("device_code")?),
        })
    }
}

impl std::fmt::Debug for DeviceAuthorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceAuthorization").field("verification_uri", &self.verification_uri).finish_non_exhaustive()
    }
}

// === impl DeviceSignIn ===

impl DeviceSignIn {
    /// What the person has to do.
    #[must_use]
    pub fn authorization(&self) -> &DeviceAuthorization {
        &self.authorization
    }

    /// Asks until the person has decided, and stores the token before it is given.
    ///
    /// # Errors
    /// The person refused, the time is over, or the server will not.
    pub async fn wait(self) -> Result<Arc<Token>, SignInError> {
        let mut polling = Polling::new(&self.authorization);
        loop {
            // Both spans are the server's: added to an instant, the longest would be an overflow.
            let wait = polling.wait();
            if self.begun.elapsed().saturating_add(wait) > self.authorization.expires_in {
                return Err(self.refused("the code expired before anybody typed it in; begin anew"));
            }
            tokio::time::sleep(wait).await;
            let offer = Offer::DeviceCode(self.authorization.device_code.clone());
            let fault = match self.tokens.redeem_device_code(offer).await {
                Ok(token) => return Ok(token),
                Err(fault) => fault,
            };
            if !polling.goes_on(fault.kind) {
                let said = fault.oauth.as_ref().and_then(|oauth| oauth.error.as_deref());
                return Err(match said {
                    Some("access_denied") => self.refused("the person refused"),
                    Some("expired_token") => self.refused("the code has expired; begin anew"),
                    _ => self.tokens.failed(&fault),
                });
            }
        }
    }

    fn refused(&self, why: &str) -> SignInError {
        let message = format!("no sign-in for `{}`: {why}", self.tokens.account().label());
        TokenError::new(TokenErrorKind::Denied, message).into()
    }
}

/// When to ask again. Pure.
struct Polling {
    interval: Duration,
    /// Questions in a row that the server did not answer.
    unanswered: u32,
}

// === impl Polling ===

impl Polling {
    fn new(authorization: &DeviceAuthorization) -> Self {
        Self { interval: authorization.interval, unanswered: 0 }
    }

    /// The wait before the next question: the interval, doubled for each question that was not answered.
    fn wait(&self) -> Duration {
        let doubled = self.interval.saturating_mul(1 << self.unanswered.min(8));
        doubled.min(LONGEST_BACK_OFF.max(self.interval))
    }

    /// Takes an answer in, and tells whether to ask again.
    fn goes_on(&mut self, answer: TokenFaultKind) -> bool {
        use TokenFaultKind::{AuthorizationPending, MaybeProcessed, NotProcessed, SlowDown};
        match answer {
            AuthorizationPending => self.unanswered = 0,
            SlowDown => {
                self.unanswered = 0;
                self.interval = self.interval.saturating_add(SLOW_DOWN);
            }
            NotProcessed | MaybeProcessed => self.unanswered += 1,
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(more: Value) -> Option<DeviceAuthorization> {
        let mut answer =
            json!({"device_code": "d", "user_code": "WDJB-MJHT", "verification_uri": "https://a.test/device"});
        answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        DeviceAuthorization::read(&answer)
    }

    #[test]
    fn c37_interval_and_end_are_the_servers_or_the_standards() {
        let told = read(json!({"interval": 2, "expires_in": "60"})).unwrap();
        assert_eq!((told.interval, told.expires_in), (Duration::from_secs(2), Duration::from_secs(60)));
        let untold = read(json!({})).unwrap();
        assert_eq!((untold.interval, untold.expires_in), (Duration::from_secs(5), DEFAULT_LIFETIME));
        assert_eq!(read(json!({"interval": 0})).unwrap().interval, Duration::from_secs(1), "never without a pause");
        for missing in ["device_code", "user_code", "verification_uri"] {
            assert!(read(json!({missing: null})).is_none(), "{missing}");
        }
        let hostile = read(json!({"user_code": "A\u{1b}[31mB"})).unwrap();
        assert!(!hostile.user_code.contains('\u{1b}'));
        assert!(!format!("{hostile:?}").contains("WDJB"));
    }

    #[test]
    fn c39_slow_down_adds_five_seconds_for_good_and_silence_backs_off() {
        use TokenFaultKind::{AuthorizationPending, Denied, InvalidGrant, MaybeProcessed, NotProcessed, SlowDown};
        let mut polling = Polling { interval: Duration::from_secs(5), unanswered: 0 };
        let steps = [
            (AuthorizationPending, 5),
            (SlowDown, 10),
            (AuthorizationPending, 10),
            (SlowDown, 15),
            (MaybeProcessed, 30),
            (NotProcessed, 60),
            (NotProcessed, 60),
            (AuthorizationPending, 15),
        ];
        for (answer, seconds) in steps {
            assert!(polling.goes_on(answer));
            assert_eq!(polling.wait(), Duration::from_secs(seconds), "{answer:?}");
        }
        for last in [Denied, InvalidGrant] {
            assert!(!polling.goes_on(last), "{last:?}");
        }
    }
}
