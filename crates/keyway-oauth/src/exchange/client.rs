//! The client of the `oauth2` crate: the types of its answers, and the place where the dialect stands.

use std::{collections::BTreeMap, future::Future, pin::Pin};

use keyway_component::Secret;
use oauth2::{
    AsyncHttpClient, AuthType, Client, ClientId, ExtraTokenFields, HttpRequest, HttpResponse, StandardErrorResponse,
    StandardRevocableToken, StandardTokenIntrospectionResponse, StandardTokenResponse, TokenUrl,
    basic::{BasicErrorResponseType, BasicRevocationErrorResponse, BasicTokenType},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::{Exchange, Post, Request};
use crate::{
    dialect::{Hearing, hear},
    fault::TokenFault,
};

/// A token answer.
pub(super) type Answer = StandardTokenResponse<Further, BasicTokenType>;
/// A client of the `oauth2` crate with its token endpoint.
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
pub(super) struct Further(pub(super) Map<String, Value>);

impl ExtraTokenFields for Further {}

impl std::fmt::Debug for Further {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Further")
    }
}

/// The client with its id, and no secret: authentication is the dialect's.
pub(super) fn standard_client(client_id: &str, endpoint: &Url) -> StandardClient {
    Client::new(ClientId::new(client_id.to_owned()))
        .set_token_uri(TokenUrl::from_url(endpoint.clone()))
        .set_auth_type(AuthType::RequestBody)
}

/// The `oauth2` crate's HTTP client: the place where the dialect stands.
pub(super) struct DialectClient<'a> {
    pub(super) exchange: &'a Exchange<'a>,
    pub(super) endpoint: &'a Url,
    pub(super) request: &'a Request,
    pub(super) secrets: &'a BTreeMap<String, Secret>,
}

impl<'c> AsyncHttpClient<'c> for DialectClient<'_> {
    type Error = TokenFault;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, TokenFault>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let Exchange { account, redactor, clock, .. } = self.exchange;
            let (overlay, grant_type) = self.exchange.overlay(self.request);
            let redirect_uri = self.exchange.redirect_uri(self.request);
            let (method, encoding) = self.exchange.form(self.request);
            let (auth, state) = (self.exchange.auth(self.request), self.request.state());
            let post = Post::new(auth, &overlay, encoding, self.secrets);
            let post = Post { grant_type, method, redirect_uri, state, ..post };
            let end = self.exchange.post(self.endpoint, request.body(), post).await?;
            let renews = matches!(self.request, Request::Refresh(_));
            let renewal = account.component.oauth2.grants.refresh_token.as_ref().filter(|_| renews);
            let keeps = renewal.is_some_and(|grant| grant.keeps_access_token);
            let kept = self.secrets.get("access_token").filter(|_| keeps);
            let by = Hearing::of(&account.component, encoding, redactor, clock.now());
            let at = renewal.and_then(|grant| grant.token_response.as_deref()).unwrap_or(by.at);
            let by = Hearing { kept, at, ..by };
            let heard = hear(end, &by)?;
            for name in ["access_token", "refresh_token"] {
                if let Some(secret) = heard.standard.get(name).and_then(Value::as_str) {
                    redactor.know(&account.label(), &Secret::new(secret));
                }
            }
            let mut response = HttpResponse::new(Value::Object(heard.standard).to_string().into_bytes());
            let json = http::HeaderValue::from_static("application/json");
            response.headers_mut().insert(http::header::CONTENT_TYPE, json);
            Ok(response)
        })
    }
}
