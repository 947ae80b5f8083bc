//! Where an account's tokens are got and its messages go.

use keyway_component::{Origin, Template, UrlForm, component::Encoding, credential::OAuth2Choice};
use std::borrow::Cow;

use url::Url;

use super::{AccountError, Context, Values, fill};
use crate::metadata::Metadata;

/// An account's URLs, filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// The token endpoint; `None` for grants without one, and until a sign-in has told a variable in it.
    pub token: Option<Url>,
    /// Where tokens are renewed.
    pub refresh: Option<Url>,
    /// Where the second exchange is made, where the component has one.
    pub second: Option<Url>,
    /// Where a person signs in.
    pub authorization: Option<Url>,
    /// Where tokens are revoked.
    pub revocation: Option<Url>,
    /// Where a device asks for a code.
    pub device_authorization: Option<Url>,
    /// The authorization server's identifier, the very text that an `iss` is compared with.
    pub issuer: Option<String>,
    /// Whether the server says that it always names itself (RFC 9207 section 3).
    pub iss_parameter: bool,
    /// How token requests are encoded: what the credential chooses, what its endpoint reads, or the default.
    pub encoding: Encoding,
    /// The API's base URL; `None` until the token has told a variable in it.
    pub base_url: Option<Url>,
    /// Origin of the base URL, and the others that messages may name, with whether the token goes there.
    pub api_origins: Vec<(Origin, bool)>,
    /// All OAuth endpoints of the component: no message may go there.
    pub oauth: Vec<Url>,
    /// Origins and endpoints that get secrets and that an answer has yet to tell, as the component writes them.
    pub(crate) late_token_origins: Vec<String>,
}

// === impl Endpoints ===

impl Endpoints {
    pub(super) fn resolve(
        context: &Context<'_>,
        choice: &OAuth2Choice,
        values: &Values,
        client_id: &str,
        metadata: Option<&Metadata>,
    ) -> Result<Self, AccountError> {
        let oauth2 = &context.component.oauth2;
        let url = |template: &Template| filled(context, template, values);
        let mut others = Vec::new();
        for other in &oauth2.alternative_token_endpoints {
            others.push((url(&other.token_endpoint)?, other.encoding));
        }
        // What the component says goes before what the server tells.
        let told = |of: fn(&Metadata) -> &Option<String>| {
            let text = metadata.and_then(|metadata| of(metadata).as_deref());
            text.map(|text| checked(context, "an endpoint that the server tells", text)).transpose()
        };
        let is_known = |template: &&Template| !is_late(context, template, values);
        let known = |template: &Template| Some(template).filter(is_known).map(url).transpose();
        let either = |template: &Option<Template>, of: fn(&Metadata) -> &Option<String>| match template {
            Some(template) => known(template),
            None => told(of),
        };
        let authorization = match &oauth2.authorization_endpoint {
            Some(template) => Some(authorization_endpoint(context, template, values, client_id)?),
            None => told(|metadata| &metadata.authorization_endpoint)?,
        };
        let revocation = either(&oauth2.revocation_endpoint, |metadata| &metadata.revocation_endpoint)?;
        let device_authorization =
            either(&oauth2.device_authorization_endpoint, |metadata| &metadata.device_authorization_endpoint)?;
        let main = either(&oauth2.token_endpoint, |metadata| &metadata.token_endpoint)?;
        let issuer = oauth2.issuer.as_ref().map(|template| issuer(context, template, values)).transpose()?;
        let token = match &choice.token_endpoint {
            Some(text) => {
                let chosen = checked(context, "the token endpoint", text)?;
                // Client credentials go to hosts that the component names, in this environment, and to no others.
                let mut known = others.iter().map(|(url, _)| url).chain(&main).chain(&authorization);
                if !known.any(|known| Origin::of(known) == Origin::of(&chosen)) {
                    let why = format!(
                        "`{text}` is on no host that the component names for this environment; choose one of its token endpoints"
                    );
                    return Err(context.unfit("the token endpoint", why));
                }
                Some(chosen)
            }
            None => main.clone(),
        };
        let of_endpoint = others.iter().find(|(url, _)| Some(url) == token.as_ref()).map(|(_, encoding)| *encoding);
        let encoding = choice.token_request.encoding.or(of_endpoint).unwrap_or(oauth2.token_request.encoding);
        let refresh = match &oauth2.refresh_endpoint {
            Some(template) => known(template)?,
            None => token.clone(),
        };
        // Where messages go may be told by the token, and where tokens are got by the sign-in that comes before.
        let api = &context.component.api;
        let base_url = Some(&api.base_url).filter(is_known).map(url).transpose()?;
        let mut api_origins: Vec<(Origin, bool)> =
            base_url.iter().filter_map(Origin::of).map(|origin| (origin, true)).collect();
        for other in api.additional_origins.iter().filter(|other| is_known(&&other.origin)) {
            api_origins.extend(Origin::of(&url(&other.origin)?).map(|origin| (origin, other.token)));
        }
        let late = api.additional_origins.iter().filter(|other| other.token && !is_known(&&other.origin));
        let late_endpoints = [&oauth2.token_endpoint, &oauth2.refresh_endpoint, &oauth2.revocation_endpoint];
        let late_endpoints = late_endpoints.into_iter().flatten().filter(|template| !is_known(template));
        let late_token_origins =
            late.map(|other| &other.origin).chain(late_endpoints).map(Template::to_string).collect();
        let second = oauth2.second_exchange.as_ref().map(|second| match &second.endpoint {
            Some(template) => known(template),
            None => Ok(token.clone()),
        });
        let second = second.transpose()?.flatten();
        let mut oauth: Vec<Url> = Vec::new();
        oauth.extend([&main, &token, &refresh, &second].into_iter().flatten().cloned());
        oauth.extend([&authorization, &revocation, &device_authorization].into_iter().flatten().cloned());
        oauth.extend(others.into_iter().map(|(url, _)| url));
        let iss_parameter = metadata.is_some_and(|metadata| metadata.iss_parameter);
        Ok(Self {
            iss_parameter,
            token,
            refresh,
            second,
            authorization,
            revocation,
            device_authorization,
            issuer,
            encoding,
            base_url,
            api_origins,
            oauth,
            late_token_origins,
        })
    }
}

/// Whether a variable in it is still to be told by an answer.
fn is_late(context: &Context<'_>, template: &Template, values: &Values) -> bool {
    template.names().any(|name| values.get(name).is_none() && context.component.is_told(name))
}

/// Where a browser goes: no secret does, so some vendors' address names the client.
fn authorization_endpoint(
    context: &Context<'_>,
    template: &Template,
    values: &Values,
    client_id: &str,
) -> Result<Url, AccountError> {
    let what = format!("the URL `{template}`");
    let plain = |name: &str| if name == "client_id" { Some(client_id) } else { values.get(name) };
    let text = template.render_url(UrlForm::Endpoint, |name| plain(name).map(Cow::Borrowed));
    let text = text.map_err(|error| context.unfit(what.clone(), error.to_string()))?;
    checked(context, &what, &text)
}

fn filled(context: &Context<'_>, template: &Template, values: &Values) -> Result<Url, AccountError> {
    let text =
        fill(template, values).map_err(|error| context.unfit(format!("the URL `{template}`"), error.to_string()))?;
    checked(context, &format!("the URL `{template}`"), &text)
}

/// RFC 9207 section 2.4 compares texts, so this one stays as it was written: no URL parser may change it.
fn issuer(context: &Context<'_>, template: &Template, values: &Values) -> Result<String, AccountError> {
    filled(context, template, values)?;
    fill(template, values).map_err(|error| context.unfit(format!("the issuer `{template}`"), error.to_string()))
}

/// RFC 6749 sections 3.1 and 3.2: TLS, except where bytes never leave this machine.
fn checked(context: &Context<'_>, what: &str, text: &str) -> Result<Url, AccountError> {
    let url = Url::parse(text).map_err(|error| context.unfit(what, format!("it is no URL: {error}")))?;
    match Origin::of(&url) {
        // A value of a variable must not turn what follows it into something else than a path.
        Some(_) if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() => {
            Err(context.unfit(what, "it names a user or has a fragment; take that out".to_owned()))
        }
        Some(origin) if origin.is_https() || origin.is_loopback() => Ok(url),
        Some(_) => {
            Err(context
                .unfit(what, "it would send secrets in the clear; use https (http is for loopback only)".to_owned()))
        }
        None => Err(context.unfit(what, "it is neither https nor http".to_owned())),
    }
}
