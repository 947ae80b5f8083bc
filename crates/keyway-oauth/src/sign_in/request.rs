//! The authorization request (RFC 6749 section 4.1.1): its URL, and what its answer is held against.

use keyway_component::{
    Secret, Template,
    component::{Capture, CodeChallengeMethod},
};
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, RedirectUrl, basic::BasicClient};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

use super::SignInError;
use crate::{
    account::Account,
    dpop::{new_key, thumbprint},
    random,
};

/// Bytes of randomness in a `state`.
const STATE_BYTES: u32 = 32;

/// One authorization request. It is answered once: redeeming its code takes it away.
#[derive(Clone, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    url: Url,
    redirect_uri: String,
    state: String,
    code_verifier: Option<String>,
    issuer: Option<String>,
    issuer_required: bool,
    /// Parameters of the answer that variables are read from.
    #[serde(default)]
    wanted: Vec<String>,
    /// The key that the code is bound to, where tokens are.
    #[serde(default)]
    dpop_key: Option<String>,
    /// What the answer calls its code, where that is not `code`.
    #[serde(default)]
    code_param: Option<String>,
    /// What it calls the `state`, where that is not `state`.
    #[serde(default)]
    state_param: Option<String>,
}

// === impl AuthorizationRequest ===

impl AuthorizationRequest {
    /// A request with a `state` and, unless the component says otherwise, a PKCE challenge of its own. The component's
    /// `authorization_params` and then the credential's are laid over it.
    pub(super) fn new(account: &Account, redirect_uri: &str) -> Result<Self, SignInError> {
        let no = |why: &str| SignInError::NotPossible(why.to_owned());
        let oauth2 = &account.component.oauth2;
        let grant = oauth2.grants.authorization_code.as_ref();
        let grant = grant.ok_or_else(|| no("the component has no grant `authorization_code`; choose another grant"))?;
        let endpoint = account.endpoints.authorization.clone();
        let endpoint = endpoint.ok_or_else(|| {
            no("no `authorization_endpoint` is known; add one to the component, or discover its issuer first")
        })?;
        let redirect = RedirectUrl::new(redirect_uri.to_owned());
        let redirect = redirect.map_err(|_| no("the redirect URI is no absolute URL; write `https://host/path`"))?;
        let client = BasicClient::new(ClientId::new(account.client_id.clone()))
            .set_auth_uri(AuthUrl::from_url(endpoint))
            .set_redirect_uri(redirect);
        let mut asked = client.authorize_url(|| CsrfToken::new_random_len(STATE_BYTES));
        let mut code_verifier = None;
        if grant.code_challenge_method == CodeChallengeMethod::S256 {
            let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
            asked = asked.set_pkce_challenge(challenge);
            code_verifier = Some(verifier.into_secret());
        }
        let (mut url, state) = asked.url();
        overlay(&mut url, account, redirect_uri)?;
        let mut dpop_key = None;
        if oauth2.dpop {
            let key = new_key().and_then(|key| Ok((thumbprint(&key)?, key)));
            let (print, key) = key.map_err(|error| SignInError::NotPossible(error.to_string()))?;
            url.query_pairs_mut().append_pair("dpop_jkt", &print);
            dpop_key = Some(key.expose_secret_text().to_owned());
        }
        if let Some(fragment) = &grant.authorization_fragment {
            behind_fragment(&mut url, fragment);
        }
        Ok(Self {
            url,
            redirect_uri: redirect_uri.to_owned(),
            state: state.into_secret(),
            code_verifier,
            issuer: account.endpoints.issuer.clone(),
            issuer_required: oauth2.authorization_response_iss_parameter_supported || account.endpoints.iss_parameter,
            wanted: wanted(account),
            dpop_key,
            code_param: Some(grant.code_param.clone()),
            state_param: Some(grant.state_param.clone()),
        })
    }

    /// Where the person goes. It has no secret but the `state`, which is of no use to anybody else.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Where the answer arrives.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Whether a `state` is this request's. Compared by digest, so that the time it takes tells nothing.
    pub(super) fn is_state(&self, state: &str) -> bool {
        Sha256::digest(state) == Sha256::digest(&self.state)
    }

    pub(super) fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    pub(super) fn issuer_required(&self) -> bool {
        self.issuer_required
    }

    pub(super) fn dpop_key(&self) -> Option<Secret> {
        self.dpop_key.as_deref().map(Secret::new)
    }

    /// What comes back in the response of this request, and of no other.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }

    pub(super) fn state_param(&self) -> &str {
        self.state_param.as_deref().unwrap_or("state")
    }

    pub(super) fn code_param(&self) -> &str {
        self.code_param.as_deref().unwrap_or("code")
    }

    pub(super) fn wanted(&self) -> &[String] {
        &self.wanted
    }

    pub(super) fn code_verifier(&self) -> Option<Secret> {
        self.code_verifier.as_deref().map(Secret::new)
    }
}

/// The parameters of the answer that the account's variables are read from.
fn wanted(account: &Account) -> Vec<String> {
    let places = account.captures().flat_map(|(_, variable)| &variable.from);
    let names = places.filter_map(|place| match place {
        Capture::Callback(name) => Some(name.clone()),
        _ => None,
    });
    names.collect()
}

/// The scope, then the component's parameters, then the credential's. A name stands once.
fn overlay(url: &mut Url, account: &Account, redirect_uri: &str) -> Result<(), SignInError> {
    let uuid = random::uuid()
        .map_err(|error| SignInError::NotPossible(format!("the machine gives no randomness: {error}")))?;
    let scope = account.scope_text();
    let timestamp = chrono::Utc::now().timestamp().to_string();
    let mut changes: Vec<(String, Option<String>)> = vec![("scope".to_owned(), Some(scope.clone()))];
    let oauth2 = &account.component.oauth2;
    let target = |template: &Template| {
        let text = template.render(|name| account.plain(name).map(Into::into));
        text.map_err(|error| SignInError::NotPossible(error.to_string()))
    };
    if let Some(audience) = &oauth2.audience {
        changes.push(("audience".to_owned(), Some(target(audience)?)));
    }
    // RFC 8707 section 2.1: one for each. What the credential says about it goes before.
    let own = !account.authorization_params.contains_key("resource");
    let resources = oauth2.resource.iter().filter(|_| own).map(target).collect::<Result<Vec<_>, _>>()?;
    let grants = &oauth2.grants;
    let own = grants.authorization_code.iter().flat_map(|grant| &grant.authorization_params);
    for (name, template) in own {
        let text = template.as_ref().map(|template| {
            template.render(|name| match name {
                "scope" => Some(scope.as_str().into()),
                "redirect_uri" => Some(redirect_uri.into()),
                "uuid" => Some(uuid.as_str().into()),
                "timestamp" => Some(timestamp.as_str().into()),
                other => account.plain(other).map(Into::into),
            })
        });
        let text = text.transpose().map_err(|error| SignInError::NotPossible(error.to_string()))?;
        changes.push((name.clone(), text));
    }
    changes.extend(account.authorization_params.iter().map(|(name, value)| (name.clone(), value.clone())));
    let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    for (name, value) in changes {
        // RFC 6749 section 3.1: a parameter without a value is as if it were left out.
        let value = value.filter(|value| !value.is_empty());
        match (pairs.iter_mut().find(|(known, _)| *known == name), value) {
            (Some((_, held)), Some(value)) => *held = value,
            (None, Some(value)) => pairs.push((name, value)),
            (_, None) => pairs.retain(|(known, _)| *known != name),
        }
    }
    // Some vendors call these otherwise. What they protect is the same.
    if let Some(grant) = &grants.authorization_code {
        for (standard, own) in [("state", &grant.state_param), ("redirect_uri", &grant.redirect_uri_param)] {
            pairs.iter_mut().filter(|(name, _)| name == standard).for_each(|(name, _)| name.clone_from(own));
        }
    }
    url.query_pairs_mut().clear().extend_pairs(pairs);
    for resource in resources {
        url.query_pairs_mut().append_pair("resource", &resource);
    }
    Ok(())
}

/// Pages that live behind a `#` read the parameters there.
fn behind_fragment(url: &mut Url, fragment: &str) {
    let query = url.query().unwrap_or_default().to_owned();
    url.set_query(None);
    url.set_fragment(Some(&format!("{fragment}?{query}")));
}

impl std::fmt::Debug for AuthorizationRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorizationRequest").field("redirect_uri", &self.redirect_uri).finish_non_exhaustive()
    }
}
