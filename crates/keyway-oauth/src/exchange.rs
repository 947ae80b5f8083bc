//! One token request: the `oauth2` crate builds and parses the standard, the dialect speaks and hears the vendor's.

mod assertion;
mod bound;
mod capture;
mod client;
mod lifetime;
mod parameters;
mod question;
mod request;
pub(crate) mod second;
mod unasked;

use std::{
    collections::BTreeMap,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use keyway_component::{
    Redactor, Secret, Template,
    component::{Capture, ClientAuthMethod, Encoding, TokenParams, TokenRequestMethod},
};
use keyway_http::{AttemptEnd, Clock, Transport};
use oauth2::{
    AuthorizationCode, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, ResourceOwnerPassword,
    ResourceOwnerUsername, TokenResponse,
};
use serde_json::Value;
use url::Url;

use crate::{
    account::{Account, Grant},
    dialect::{Words, speak},
    dpop::{DPOP, wants_nonce},
    fault::{TokenFault, TokenFaultKind},
    shared::Rare,
    token::{Captured, Token},
};

use bound::DPOP_KEY;
use capture::{Told, capture};
use client::{Answer, DialectClient, standard_client};
use lifetime::{jwt_exp, lifetime};
pub(crate) use request::{Offer, Request};

/// H01: the most bytes of a token answer.
const MAX_BODY_BYTES: u64 = 1 << 20;

/// What an exchange works with.
pub(crate) struct Exchange<'a> {
    pub(crate) account: &'a Account,
    pub(crate) transport: &'a dyn Transport,
    pub(crate) redactor: &'a Redactor,
    pub(crate) rare: &'a OnceLock<Box<Rare>>,
    pub(crate) clock: &'a dyn Clock,
    /// H06: token requests have a time limit of their own.
    pub(crate) timeout: Duration,
    /// Counts requests that are really sent.
    pub(crate) requests: &'a AtomicU64,
}

/// How a standard form is said.
#[derive(Clone, Copy)]
pub(crate) struct Post<'a> {
    /// How the client shows who it is.
    pub(crate) auth: ClientAuthMethod,
    pub(crate) overlay: &'a TokenParams,
    pub(crate) grant_type: Option<&'a str>,
    pub(crate) encoding: Encoding,
    pub(crate) method: TokenRequestMethod,
    /// Headers beside those of all token requests.
    pub(crate) headers: Option<&'a BTreeMap<String, Template>>,
    pub(crate) secrets: &'a BTreeMap<String, Secret>,
    pub(crate) redirect_uri: Option<&'a str>,
    /// The `state` of the sign-in that it ends.
    pub(crate) state: Option<&'a str>,
    /// Whether it is for a token.
    pub(crate) has_target: bool,
}

// === impl Post ===

impl<'a> Post<'a> {
    /// A POST for a token, with nothing beside its parameters.
    pub(crate) fn new(
        auth: ClientAuthMethod,
        overlay: &'a TokenParams,
        encoding: Encoding,
        secrets: &'a BTreeMap<String, Secret>,
    ) -> Self {
        let (method, has_target) = (TokenRequestMethod::Post, true);
        let (grant_type, headers, redirect_uri, state) = Default::default();
        Self { auth, overlay, grant_type, encoding, method, headers, secrets, redirect_uri, state, has_target }
    }
}

// === impl Exchange ===

impl Exchange<'_> {
    /// Sends one token request. No redirect is followed and nothing is repeated.
    ///
    /// # Errors
    /// How it ended without a token.
    pub(crate) async fn send(&self, request: &Request, before: Option<&Token>) -> Result<Token, TokenFault> {
        if !self.account.awaits_captures() {
            return self.send_settled(request, before).await;
        }
        // What a renewal does not tell anew stays as it was; a new sign-in begins from nothing.
        let earlier = before.filter(|_| matches!(request, Request::Refresh(_))).map(|token| &token.captured);
        let told = Told { callback: request.callback(), answer: None };
        let earlier = capture(self.account, &told, earlier)?;
        if matches!(request, Request::Mint | Request::Redeem(Offer::RefreshToken(_))) {
            self.refuse_untold(&earlier)?;
        }
        let account = self.settled(&earlier)?;
        let mut token = Exchange { account: &account, ..*self }.send_settled(request, before).await?;
        let mut answer = token.extra.clone();
        answer.insert("access_token".to_owned(), token.access_token.expose_secret_text().into());
        answer.extend(token.scope.iter().map(|scope| ("scope".to_owned(), scope.as_str().into())));
        let told = Told { answer: Some(&Value::Object(answer)), ..told };
        let told = capture(self.account, &told, Some(&earlier)).and_then(|told| self.settled(&told).map(|_| told));
        token.captured = match told {
            Ok(told) => told,
            // Nothing is lost with this one: it can be had again.
            Err(fault) if token.refresh_token.is_none() && self.account.mints_anew() => return Err(fault),
            // What was rotated or used up for this token cannot: it is kept without what does not fit, and messages that
            // need that are refused.
            Err(fault) => {
                tracing::error!(
                    event = "captured_value_unfit", account = %self.account.label(), why = %fault,
                    "the token is kept, and messages that need the value are refused"
                );
                earlier
            }
        };
        self.account.know_captured(&token.captured, self.redactor);
        Ok(token)
    }

    /// What only a sign-in tells is missing for ever where none is made. It is said before a refresh token is used up.
    fn refuse_untold(&self, earlier: &Captured) -> Result<(), TokenFault> {
        let (api, oauth2) = (&self.account.component.api, &self.account.component.oauth2);
        let needed = |name: &str| {
            let endpoints = oauth2.token_endpoint.iter().chain(&oauth2.refresh_endpoint);
            let templates = endpoints.chain([&api.base_url]).chain(api.headers.values()).chain(api.query.values());
            templates.flat_map(Template::names).any(|needed| needed == name)
        };
        let untold = self.account.captures().find(|(name, variable)| {
            let only_callback = variable.from.iter().all(|place| matches!(place, Capture::Callback(_)));
            only_callback && variable.default.is_none() && earlier.get(name).is_none() && needed(name)
        });
        match untold {
            None => Ok(()),
            Some((name, _)) => Err(TokenFault::new(
                TokenFaultKind::Unreachable,
                format!(
                    "only a sign-in tells `{name}`, and this account is not begun with one, so nothing was sent; give {} \
                     as well",
                    self.account.input_name(name)
                ),
            )),
        }
    }

    fn settled(&self, captured: &Captured) -> Result<Account, TokenFault> {
        let settled = self.account.settled(captured);
        settled.map_err(|error| TokenFault::new(TokenFaultKind::Invalid, error.to_string()))
    }

    async fn send_settled(&self, request: &Request, before: Option<&Token>) -> Result<Token, TokenFault> {
        if matches!(request, Request::Mint)
            && let Some(token) = self.unasked().await?
        {
            // A key is what it is; a JWT may be what another token is got with.
            return if self.account.grant == Grant::SignedJwt { self.second(request, token).await } else { Ok(token) };
        }
        let grant = request.grant(&self.account.grant);
        let mut secrets = self.read_secrets(request).await?;
        if self.account.component.oauth2.dpop {
            secrets.insert(DPOP_KEY.to_owned(), self.dpop_key(request, before)?);
        }
        if let (Request::Refresh(_), Some(before)) = (request, before) {
            secrets.insert("access_token".to_owned(), before.access_token.clone());
        }
        let endpoint = match grant {
            Grant::RefreshToken => &self.account.endpoints.refresh,
            _ => &self.account.endpoints.token,
        };
        let endpoint = endpoint.as_ref().ok_or_else(|| {
            TokenFault::new(TokenFaultKind::Unreachable, "the component has no `token_endpoint`; add one to its file")
        })?;
        let standard = standard_client(&self.account.client_id, endpoint);
        let client = DialectClient { exchange: self, endpoint, request, secrets: &secrets };
        let text =
            |name: &str| secrets.get(name).map(|secret| secret.expose_secret_text().to_owned()).unwrap_or_default();
        let answer = match grant {
            Grant::RefreshToken => {
                let token = RefreshToken::new(text("refresh_token"));
                standard.exchange_refresh_token(&token).request_async(&client).await
            }
            Grant::Password => {
                let user = ResourceOwnerUsername::new(self.account.inputs.username.clone().unwrap_or_default());
                let password = ResourceOwnerPassword::new(text("password"));
                standard.exchange_password(&user, &password).request_async(&client).await
            }
            Grant::AuthorizationCode => {
                let mut exchange = standard.exchange_code(AuthorizationCode::new(text("code")));
                if let Some(verifier) = secrets.get("code_verifier") {
                    let verifier = PkceCodeVerifier::new(verifier.expose_secret_text().to_owned());
                    exchange = exchange.set_pkce_verifier(verifier);
                }
                if let Some(uri) = self.redirect_uri(request) {
                    // RFC 6749 section 4.1.3: the very text of the authorization request.
                    let uri = RedirectUrl::new(uri.to_owned()).map_err(|_| {
                        TokenFault::new(
                            TokenFaultKind::Denied,
                            "the redirect URI is no absolute URL; give the one of the authorization request",
                        )
                    })?;
                    exchange = exchange.set_redirect_uri(std::borrow::Cow::Owned(uri));
                }
                exchange.request_async(&client).await
            }
            Grant::DeviceCode => {
                let exchange = standard.exchange_client_credentials();
                exchange.add_extra_param("device_code", text("device_code")).request_async(&client).await
            }
            Grant::JwtBearer => {
                let assertion = self.grant_assertion(&secrets)?;
                let exchange = standard.exchange_client_credentials();
                let text = assertion.expose_secret_text().to_owned();
                exchange.add_extra_param("assertion", text).request_async(&client).await
            }
            Grant::TokenExchange => {
                let mut exchange = standard.exchange_client_credentials();
                for (name, value) in self.subject(text("subject_token")) {
                    exchange = exchange.add_extra_param(name, value);
                }
                exchange.request_async(&client).await
            }
            Grant::ClientCredentials | Grant::ApiKey | Grant::Basic | Grant::SignedJwt | Grant::Custom(_) => {
                standard.exchange_client_credentials().request_async(&client).await
            }
        };
        match answer {
            Ok(answer) => {
                let sent = secrets.get("refresh_token").filter(|_| !self.account.renews_with_access_token());
                let oauth2 = &self.account.component.oauth2;
                let renewal = oauth2.grants.refresh_token.as_ref().filter(|_| matches!(request, Request::Refresh(_)));
                let own = renewal.and_then(|grant| grant.token_response.as_ref()?.default_expires_in);
                let default_s = own.or(oauth2.token_response.default_expires_in);
                let mut token = self.token(&answer, request, before, sent, default_s);
                token.dpop_key = secrets.get(DPOP_KEY).cloned();
                self.second(request, token).await
            }
            Err(RequestTokenError::Request(fault)) => Err(fault),
            // Neither the error nor the body it carries is shown: it holds tokens.
            Err(_) => {
                Err(TokenFault::new(TokenFaultKind::Invalid, "the token endpoint's answer cannot be read as a token"))
            }
        }
    }

    /// Says a standard form in the component's dialect and sends it to one of its OAuth endpoints.
    ///
    /// # Errors
    /// The request cannot be made.
    pub(crate) async fn post(&self, endpoint: &Url, form: &[u8], post: Post<'_>) -> Result<AttemptEnd, TokenFault> {
        let end = self.post_once(endpoint, form, post).await?;
        // RFC 9449 section 8: once more with the nonce that came with the refusal. Nothing was used up.
        match &end {
            AttemptEnd::Answered(answer)
                if post.secrets.contains_key(DPOP_KEY) && wants_nonce(answer.status, &answer.headers, &answer.body) =>
            {
                self.post_once(endpoint, form, post).await
            }
            _ => Ok(end),
        }
    }

    async fn post_once(&self, endpoint: &Url, form: &[u8], post: Post<'_>) -> Result<AttemptEnd, TokenFault> {
        let account = self.account;
        let mut values = self.values(post.redirect_uri)?;
        values.extend(post.state.map(|state| ("state".to_owned(), state.to_owned())));
        let secrets = self.with_client_assertion(post.auth, post.secrets)?;
        let words = Words {
            component: &account.component,
            auth: post.auth,
            overlay: post.overlay,
            grant_type: post.grant_type,
            encoding: post.encoding,
            method: post.method,
            headers: post.headers,
            client_id: &account.client_id,
            has_target: post.has_target,
            secrets: &secrets,
            values: &values,
            timeout: self.timeout,
            max_body_bytes: MAX_BODY_BYTES,
        };
        let mut call = speak(endpoint, form, &words)
            .map_err(|error| TokenFault::new(TokenFaultKind::Unreachable, error.to_string()))?;
        // A server may echo the header as it came.
        let basic = call.headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if let Some((_, encoded)) = basic.and_then(|text| text.split_once(' ')) {
            self.redactor.know(&account.inputs_label(), &Secret::new(encoded));
        }
        if let Some(key) = post.secrets.get(DPOP_KEY) {
            let proof = self.proof(key, call.method.as_str(), &call.url)?;
            call.headers.insert(DPOP, proof);
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        let url = call.url.clone();
        let end = self.transport.send(call).await;
        if let AttemptEnd::Answered(answer) = &end
            && post.secrets.contains_key(DPOP_KEY)
        {
            self.rare.get_or_init(Box::default).nonces.adopt(&url, &answer.headers);
        }
        Ok(end)
    }

    fn token(
        &self,
        answer: &Answer,
        request: &Request,
        before: Option<&Token>,
        sent: Option<&Secret>,
        default_s: Option<u64>,
    ) -> Token {
        let now = self.clock.now();
        let access_token = Secret::new(answer.access_token().secret().clone());
        let (lifetime, expiry_source) = lifetime(
            answer.expires_in(),
            default_s,
            jwt_exp(access_token.expose_secret_text()),
            before.and_then(Token::lifetime),
            now,
        );
        // Scope and names are shown later, by commands that do not know what this request sent.
        let shown = |text: &str| self.redactor.values(text).into_owned();
        let scope =
            answer.scopes().map(|scopes| scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "));
        let scope = scope.map(|scope| shown(&scope));
        // What a renewal does not say anew stays as it was; a new sign-in begins from nothing.
        let renewed = before.filter(|_| matches!(request, Request::Refresh(_)));
        Token {
            access_token,
            // RFC 6749 section 6: a new refresh token replaces the old one, and without a new one the old one stays.
            refresh_token: answer
                .refresh_token()
                .map(|token| Secret::new(token.secret().clone()))
                .or_else(|| sent.cloned()),
            obtained_at: now,
            expires_at: lifetime.and_then(|lifetime| now.checked_add(lifetime)),
            expiry_source,
            scope: scope.or_else(|| renewed.and_then(|token| token.scope.clone())),
            extra: answer.extra_fields().0.iter().map(|(name, value)| (shown(name), value.clone())).collect(),
            dpop_key: None,
            captured: Captured::default(),
            begun_with: renewed.and_then(|token| token.begun_with.clone()),
        }
    }
}
