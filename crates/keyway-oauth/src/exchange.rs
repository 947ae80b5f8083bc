//! One token request: the `oauth2` crate builds and parses the standard, the dialect speaks and hears the vendor's.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use keyway_component::{Redactor, Secret, Template, component::Params};
use keyway_http::{Clock, Transport};
use oauth2::{
    AsyncHttpClient, AuthType, AuthorizationCode, Client, ClientId, ExtraTokenFields, HttpRequest, HttpResponse,
    PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, ResourceOwnerPassword, ResourceOwnerUsername,
    StandardErrorResponse, StandardRevocableToken, StandardTokenIntrospectionResponse, StandardTokenResponse,
    TokenResponse, TokenUrl,
    basic::{BasicErrorResponseType, BasicRevocationErrorResponse, BasicTokenType},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use crate::{
    account::{Account, Grant},
    dialect::{Words, hear, speak},
    fault::{TokenFault, TokenFaultKind},
    random,
    token::{ExpirySource, Token},
};

/// H01: the most bytes of a token answer.
const MAX_BODY_BYTES: u64 = 1 << 20;

/// No token is believed to live longer: ten years.
const LONGEST_LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// What a token request sends.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    /// The grant's own inputs.
    Mint,
    /// This refresh token.
    Refresh(Secret),
}

/// What an exchange works with.
pub(crate) struct Exchange<'a> {
    pub(crate) account: &'a Account,
    pub(crate) transport: &'a dyn Transport,
    pub(crate) redactor: &'a Redactor,
    pub(crate) clock: &'a dyn Clock,
    /// H06: token requests have a time limit of their own.
    pub(crate) timeout: Duration,
    /// Counts requests that are really sent.
    pub(crate) requests: &'a AtomicU64,
}

type Answer = StandardTokenResponse<Further, BasicTokenType>;
type StandardClient = Client<
    StandardErrorResponse<BasicErrorResponseType>,
    Answer,
    StandardTokenIntrospectionResponse<Further, BasicTokenType>,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointSet,
>;

/// Members beyond the standard's.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
struct Further(Map<String, Value>);

impl ExtraTokenFields for Further {}

impl std::fmt::Debug for Further {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Further")
    }
}

// === impl Exchange ===

impl Exchange<'_> {
    /// Sends one token request. No redirect is followed and nothing is repeated.
    ///
    /// # Errors
    /// How it ended without a token.
    pub(crate) async fn send(&self, request: &Request, before: Option<&Token>) -> Result<Token, TokenFault> {
        let secrets = self.read_secrets(request).await?;
        let endpoint = match request {
            Request::Mint => &self.account.endpoints.token,
            Request::Refresh(_) => &self.account.endpoints.refresh,
        };
        // The client id, and no secret: authentication is the dialect's.
        let standard = StandardClient::new_for(&self.account.client_id, endpoint);
        let client = DialectClient { exchange: self, endpoint, request, secrets: &secrets };
        let text =
            |name: &str| secrets.get(name).map(|secret| secret.expose_secret_text().to_owned()).unwrap_or_default();
        let answer = match (request, &self.account.grant) {
            (Request::Refresh(token), _) => {
                let token = RefreshToken::new(token.expose_secret_text().to_owned());
                standard.exchange_refresh_token(&token).request_async(&client).await
            }
            (Request::Mint, Grant::RefreshToken) => {
                let token = RefreshToken::new(text("refresh_token"));
                standard.exchange_refresh_token(&token).request_async(&client).await
            }
            (Request::Mint, Grant::Password) => {
                let user = ResourceOwnerUsername::new(self.account.inputs.username.clone().unwrap_or_default());
                let password = ResourceOwnerPassword::new(text("password"));
                standard.exchange_password(&user, &password).request_async(&client).await
            }
            (Request::Mint, Grant::AuthorizationCode) => {
                let mut exchange = standard.exchange_code(AuthorizationCode::new(text("code")));
                if let Some(verifier) = secrets.get("code_verifier") {
                    let verifier = PkceCodeVerifier::new(verifier.expose_secret_text().to_owned());
                    exchange = exchange.set_pkce_verifier(verifier);
                }
                if let Some(uri) = &self.account.inputs.redirect_uri {
                    // RFC 6749 section 4.1.3: the very text of the authorization request.
                    let uri = RedirectUrl::new(uri.clone()).map_err(|_| {
                        TokenFault::new(
                            TokenFaultKind::Denied,
                            "the redirect URI is no absolute URL; give the one of the authorization request",
                        )
                    })?;
                    exchange = exchange.set_redirect_uri(std::borrow::Cow::Owned(uri));
                }
                exchange.request_async(&client).await
            }
            (Request::Mint, Grant::ClientCredentials | Grant::Custom(_)) => {
                standard.exchange_client_credentials().request_async(&client).await
            }
        };
        match answer {
            Ok(answer) => Ok(self.token(&answer, request, before, secrets.get("refresh_token"))),
            Err(RequestTokenError::Request(fault)) => Err(fault),
            // Neither the error nor the body it carries is shown: it holds tokens.
            Err(_) => {
                Err(TokenFault::new(TokenFaultKind::Invalid, "the token endpoint's answer cannot be read as a token"))
            }
        }
    }

    fn token(&self, answer: &Answer, request: &Request, before: Option<&Token>, sent: Option<&Secret>) -> Token {
        let now = self.clock.now();
        let access_token = Secret::new(answer.access_token().secret().clone());
        let (lifetime, expiry_source) = lifetime(
            answer.expires_in(),
            self.account.component.oauth2.token_response.default_expires_in,
            jwt_exp(access_token.expose_secret_text()),
            before.and_then(Token::lifetime),
            now,
        );
        let scope =
            answer.scopes().map(|scopes| scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "));
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
            extra: answer.extra_fields().0.clone(),
            begun_with: renewed.and_then(|token| token.begun_with.clone()),
        }
    }

    /// The secrets that this request names. They are read anew each time, so that a rotated secret needs no restart.
    async fn read_secrets(&self, request: &Request) -> Result<BTreeMap<String, Secret>, TokenFault> {
        let (overlay, _) = self.overlay(request);
        let mut names: Vec<&str> = overlay.values().flatten().flat_map(Template::names).collect();
        let headers = &self.account.component.oauth2.token_request.headers;
        names.extend(headers.values().flat_map(Template::names));
        if self.account.is_confidential() {
            names.push("client_secret");
        }
        match (request, &self.account.grant) {
            (Request::Mint, Grant::Password) => names.push("password"),
            (Request::Mint, Grant::AuthorizationCode) => names.extend(["code", "code_verifier"]),
            (Request::Mint, Grant::RefreshToken) => names.push("refresh_token"),
            _ => {}
        }
        let mut secrets = BTreeMap::new();
        for name in names {
            let secret = self.account.read_secret(name).await;
            let secret = secret.map_err(|why| TokenFault::new(TokenFaultKind::Unreachable, why))?;
            let Some(secret) = secret else { continue };
            self.redactor.know(&self.account.inputs_label(), &secret);
            secrets.insert(name.to_owned(), secret);
        }
        if let Request::Refresh(token) = request {
            secrets.insert("refresh_token".to_owned(), token.clone());
        }
        Ok(secrets)
    }

    /// What the component lays over this request, and the vendor's own grant type.
    fn overlay(&self, request: &Request) -> (Params, Option<&str>) {
        let oauth2 = &self.account.component.oauth2;
        let standard = match (request, &self.account.grant) {
            (Request::Refresh(_), _) => "refresh_token",
            (Request::Mint, Grant::Custom(name)) => {
                let grant = oauth2.custom_grants.get(name);
                return (
                    grant.map(|grant| grant.token_params.clone()).unwrap_or_default(),
                    grant.map(|grant| grant.grant_type.as_str()),
                );
            }
            (Request::Mint, grant) => grant.name(),
        };
        let overlay = oauth2.grants.overlays().into_iter().find(|(name, _)| *name == standard);
        (overlay.map(|(_, params)| params.clone()).unwrap_or_default(), None)
    }
}

/// `StandardClient::new` with its endpoint, in one word.
trait NewFor {
    fn new_for(client_id: &str, endpoint: &Url) -> Self;
}

impl NewFor for StandardClient {
    fn new_for(client_id: &str, endpoint: &Url) -> Self {
        Client::new(ClientId::new(client_id.to_owned()))
            .set_token_uri(TokenUrl::from_url(endpoint.clone()))
            .set_auth_type(AuthType::RequestBody)
    }
}

/// The `oauth2` crate's HTTP client: the place where the dialect stands.
struct DialectClient<'a> {
    exchange: &'a Exchange<'a>,
    endpoint: &'a Url,
    request: &'a Request,
    secrets: &'a BTreeMap<String, Secret>,
}

impl<'c> AsyncHttpClient<'c> for DialectClient<'_> {
    type Error = TokenFault;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, TokenFault>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let account = self.exchange.account;
            let (overlay, grant_type) = self.exchange.overlay(self.request);
            let values = self.values()?;
            let words = Words {
                component: &account.component,
                overlay: &overlay,
                grant_type,
                encoding: account.encoding,
                client_id: &account.client_id,
                secrets: self.secrets,
                values: &values,
                timeout: self.exchange.timeout,
                max_body_bytes: MAX_BODY_BYTES,
            };
            let call = speak(self.endpoint, request.body(), &words)
                .map_err(|error| TokenFault::new(TokenFaultKind::Unreachable, error.to_string()))?;
            // A server may echo the header as it came.
            let basic = call.headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
            if let Some((_, encoded)) = basic.and_then(|text| text.split_once(' ')) {
                self.exchange.redactor.know(&account.inputs_label(), &Secret::new(encoded));
            }
            self.exchange.requests.fetch_add(1, Ordering::Relaxed);
            let end = self.exchange.transport.send(call).await;
            let now = self.exchange.clock.now();
            let heard = hear(end, &account.component, account.encoding, self.exchange.redactor, now)?;
            for name in ["access_token", "refresh_token"] {
                if let Some(secret) = heard.standard.get(name).and_then(Value::as_str) {
                    self.exchange.redactor.know(&account.label(), &Secret::new(secret));
                }
            }
            let mut response = HttpResponse::new(Value::Object(heard.standard).to_string().into_bytes());
            let json = http::HeaderValue::from_static("application/json");
            response.headers_mut().insert(http::header::CONTENT_TYPE, json);
            Ok(response)
        })
    }
}

impl DialectClient<'_> {
    fn values(&self) -> Result<BTreeMap<String, String>, TokenFault> {
        let account = self.exchange.account;
        let uuid = random::uuid().map_err(|error| {
            TokenFault::new(TokenFaultKind::Unreachable, format!("the machine gives no randomness: {error}"))
        })?;
        let mut values: BTreeMap<String, String> =
            account.values.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        values.extend([
            ("scope".to_owned(), account.scope_text()),
            ("username".to_owned(), account.inputs.username.clone().unwrap_or_default()),
            ("redirect_uri".to_owned(), account.inputs.redirect_uri.clone().unwrap_or_default()),
            ("uuid".to_owned(), uuid),
        ]);
        Ok(values)
    }
}

/// H10: the answer, then the component's default, then the token's own claim, then what was seen last, then nothing.
fn lifetime(
    told: Option<Duration>,
    default_s: Option<u64>,
    jwt_exp_s: Option<u64>,
    last_seen: Option<Duration>,
    now: SystemTime,
) -> (Option<Duration>, ExpirySource) {
    let until = |exp: u64| {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Duration::from_secs(exp).checked_sub(now).filter(|left| !left.is_zero())
    };
    [
        (told, ExpirySource::Answer),
        (default_s.map(Duration::from_secs), ExpirySource::ComponentDefault),
        (jwt_exp_s.and_then(until), ExpirySource::JwtClaim),
        (last_seen, ExpirySource::LastSeen),
    ]
    .into_iter()
    .find_map(|(lifetime, source)| Some((Some(lifetime?.min(LONGEST_LIFETIME)), source)))
    .unwrap_or((None, ExpirySource::Unknown))
}

/// The claim `exp` of a JWT, unverified: it only says when to renew.
fn jwt_exp(token: &str) -> Option<u64> {
    let mut parts = token.split('.');
    let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    claims.get("exp")?.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h10_a_missing_expires_in_has_four_fallbacks() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let seconds = |s: u64| Some(Duration::from_secs(s));
        let table = [
            (lifetime(seconds(1), Some(2), Some(1_003), seconds(4), now), (seconds(1), ExpirySource::Answer)),
            (lifetime(None, Some(2), Some(1_003), seconds(4), now), (seconds(2), ExpirySource::ComponentDefault)),
            (lifetime(None, None, Some(1_003), seconds(4), now), (seconds(3), ExpirySource::JwtClaim)),
            (lifetime(None, None, Some(999), seconds(4), now), (seconds(4), ExpirySource::LastSeen)),
            (lifetime(None, None, None, None, now), (None, ExpirySource::Unknown)),
        ];
        for (found, wanted) in table {
            assert_eq!(found, wanted);
        }
        let claims = URL_SAFE_NO_PAD.encode(br#"{"exp":1234}"#);
        assert_eq!(jwt_exp(&format!("e30.{claims}.sig")), Some(1234));
        for opaque in ["abc", "a.b.c", "a.b", "..", ""] {
            assert_eq!(jwt_exp(opaque), None, "{opaque}");
        }
    }
}
