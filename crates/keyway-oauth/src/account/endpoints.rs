//! Where an account's tokens are got and its messages go.

use keyway_component::{CredentialFile, Origin, Template, component::Encoding};
use url::Url;

use super::{AccountError, Context, Values, fill};

/// An account's URLs, filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// The token endpoint.
    pub token: Url,
    /// Where tokens are renewed.
    pub refresh: Url,
    /// Where a person signs in.
    pub authorization: Option<Url>,
    /// Where tokens are revoked.
    pub revocation: Option<Url>,
    /// Where a device asks for a code.
    pub device_authorization: Option<Url>,
    /// The authorization server's identifier, the very text that an `iss` is compared with.
    pub issuer: Option<String>,
    /// How token requests are encoded: what the credential chooses, what its endpoint reads, or the default.
    pub encoding: Encoding,
    /// The API's base URL.
    pub base_url: Url,
    /// Origin of the base URL, and the others that messages may name, with whether the token goes there.
    pub api_origins: Vec<(Origin, bool)>,
    /// All OAuth endpoints of the component: no message may go there.
    pub oauth: Vec<Url>,
}

// === impl Endpoints ===

impl Endpoints {
    pub(crate) fn resolve(context: &Context<'_>, file: &CredentialFile, values: &Values) -> Result<Self, AccountError> {
        let oauth2 = &context.component.oauth2;
        let url = |template: &Template| filled(context, template, values);
        let main = url(&oauth2.token_endpoint)?;
        let mut others = Vec::new();
        for other in &oauth2.alternative_token_endpoints {
            others.push((url(&other.token_endpoint)?, other.encoding));
        }
        let authorization = oauth2.authorization_endpoint.as_ref().map(url).transpose()?;
        let revocation = oauth2.revocation_endpoint.as_ref().map(url).transpose()?;
        let device_authorization = oauth2.device_authorization_endpoint.as_ref().map(url).transpose()?;
        let issuer = oauth2.issuer.as_ref().map(|template| issuer(context, template, values)).transpose()?;
        let token = match &file.oauth2.token_endpoint {
            Some(text) => {
                let chosen = checked(context, "the token endpoint", text)?;
                // Client credentials go to hosts that the component names, in this environment, and to no others.
                let mut known = others.iter().map(|(url, _)| url).chain([&main]).chain(&authorization);
                if !known.any(|known| Origin::of(known) == Origin::of(&chosen)) {
                    let why = format!(
                        "`{text}` is on no host that the component names for this environment; choose one of its token endpoints"
                    );
                    return Err(context.unfit("the token endpoint", why));
                }
                chosen
            }
            None => main.clone(),
        };
        let of_endpoint = others.iter().find(|(url, _)| *url == token).map(|(_, encoding)| *encoding);
        let encoding = file.oauth2.token_request.encoding.or(of_endpoint).unwrap_or(oauth2.token_request.encoding);
        let refresh = match &oauth2.refresh_endpoint {
            Some(template) => url(template)?,
            None => token.clone(),
        };
        let base_url = url(&context.component.api.base_url)?;
        let mut api_origins: Vec<(Origin, bool)> =
            Origin::of(&base_url).map(|origin| (origin, true)).into_iter().collect();
        for other in &context.component.api.additional_origins {
            api_origins.extend(Origin::of(&url(&other.origin)?).map(|origin| (origin, other.token)));
        }
        let mut oauth = vec![main, token.clone(), refresh.clone()];
        oauth.extend([&authorization, &revocation, &device_authorization].into_iter().flatten().cloned());
        oauth.extend(others.into_iter().map(|(url, _)| url));
        Ok(Self {
            token,
            refresh,
            authorization,
            revocation,
            device_authorization,
            issuer,
            encoding,
            base_url,
            api_origins,
            oauth,
        })
    }
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
        Some(origin) if origin.is_https() || origin.is_loopback() => Ok(url),
        Some(_) => {
            Err(context
                .unfit(what, "it would send secrets in the clear; use https (http is for loopback only)".to_owned()))
        }
        None => Err(context.unfit(what, "it is neither https nor http".to_owned())),
    }
}
