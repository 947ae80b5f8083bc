//! Podio's clients, users, apps, codes and tokens.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    error::Refusal,
    refresh::{Dead, Family, RefreshTokens},
};
use crate::{ids, options::Options};

pub(crate) const CLIENT_ID: &str = "simulator-client";
pub(crate) const CLIENT_SECRET: &str = "simulator-client-secret";
pub(crate) const USER: &str = "ada@example.org";
pub(crate) const PASSWORD: &str = "simulator-password";
pub(crate) const APP_ID: &str = "500600";
pub(crate) const APP_TOKEN: &str = "simulator-app-token";
pub(crate) const CODE: &str = "simulator-code";
pub(crate) const REDIRECT_URI: &str = "https://integration.example.org/callback";
pub(crate) const REFRESH_TOKEN: &str = "simulator-refresh-token";

/// A second client whose id and secret need encoding everywhere.
const ODD_CLIENT: (&str, &str) = ("odd client:é", "s+cr%41t/=&: ü");
/// A second user and a second app.
const USERS: &[(&str, &str, u64)] =
    &[(USER, PASSWORD, 9_000_001), ("bruno@example.org", "simulator-password-2", 9_000_002)];
const APPS: &[(u64, &str)] = &[(500_600, APP_TOKEN), (500_601, "simulator-app-token-2")];
/// The domain that the demo key is bound to.
const DOMAIN: &str = "integration.example.org";
const CODE_LIFETIME: Duration = Duration::from_secs(600);

/// Whose token it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    User(u64),
    App(u64),
}

/// A request that got in: who it is, by which client.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Caller {
    pub(crate) owner: Owner,
    pub(crate) client: String,
}

#[derive(Debug)]
struct Access {
    caller: Caller,
    scope: String,
    family: Family,
    ends: Instant,
}

#[derive(Debug)]
struct Code {
    client: String,
    redirect_uri: String,
    owner: Owner,
    scope: String,
    made: Option<Instant>,
}

#[derive(Debug)]
pub(crate) struct Grants {
    ttl: Duration,
    access: HashMap<String, Access>,
    pub(crate) refresh: RefreshTokens,
    codes: HashMap<String, Code>,
}

// === impl Grants ===

impl Grants {
    pub(crate) fn new(options: &Options) -> Self {
        // The demo code has no end: a simulator may run for days.
        let code = Code {
            client: CLIENT_ID.to_owned(),
            redirect_uri: REDIRECT_URI.to_owned(),
            owner: Owner::User(9_000_001),
            scope: "global:all".to_owned(),
            made: None,
        };
        Self {
            ttl: Duration::from_secs(options.podio_token_ttl_s.min(crate::options::LONGEST_TTL_S)),
            access: HashMap::new(),
            refresh: RefreshTokens::new(options),
            codes: [(CODE.to_owned(), code)].into(),
        }
    }

    pub(crate) fn kill_access_tokens(&mut self) {
        self.access.clear();
    }

    /// The refresh token of a new grant of the first user, by the first client.
    pub(crate) fn new_refresh_token(&mut self) -> String {
        let ada = Caller { owner: Owner::User(9_000_001), client: CLIENT_ID.to_owned() };
        self.refresh.begin(&ada, "global:all").0
    }

    pub(crate) fn is_client(id: &str) -> bool {
        id == CLIENT_ID || id == ODD_CLIENT.0
    }

    /// Whether a redirect URI is on the domain that the key is bound to.
    pub(crate) fn redirects_to(uri: &str) -> bool {
        url::Url::parse(uri).is_ok_and(|url| url.host_str() == Some(DOMAIN))
    }

    /// A code for the first user.
    pub(crate) fn new_code(&mut self, client: &str, redirect_uri: &str, scope: &str) -> String {
        let code = ids::hex(32);
        let scope = if scope.is_empty() { "global:all" } else { scope }.to_owned();
        let (owner, made) = (Owner::User(9_000_001), Some(Instant::now()));
        self.codes.insert(
            code.clone(),
            Code { client: client.to_owned(), redirect_uri: redirect_uri.to_owned(), owner, scope, made },
        );
        code
    }

    /// Answers a token request whose parameters have been read.
    pub(crate) fn token(&mut self, params: &HashMap<String, String>) -> Result<Value, Refusal> {
        let get = |name: &str| params.get(name).map(String::as_str);
        let needed = |name: &str| {
            get(name)
                .filter(|value| !value.is_empty())
                .ok_or_else(|| Refusal::new(400, "invalid_request", format!("Missing parameter {name}")))
        };
        let missing = |name: &str| Refusal::new(400, "invalid_client", format!("Missing parameter {name}"));
        let client = get("client_id").ok_or_else(|| missing("client_id"))?;
        let secret = get("client_secret").ok_or_else(|| missing("client_secret"))?;
        if !Self::is_client(client) {
            let text = "Sorry, you've supplied an invalid client id.";
            return Err(Refusal::new(400, "invalid_client", text).detail("oauth.client.invalid_id"));
        }
        if ![(CLIENT_ID, CLIENT_SECRET), ODD_CLIENT].contains(&(client, secret)) {
            let text = "Sorry, you've supplied an invalid client secret.";
            return Err(Refusal::new(400, "invalid_client", text).detail("oauth.client.invalid_secret"));
        }
        let refused = |text: &str, detail: &'static str| Refusal::new(400, "invalid_grant", text).detail(detail);
        let caller = |owner: Owner| Caller { owner, client: client.to_owned() };
        match needed("grant_type")? {
            "password" => {
                let (name, password) = (needed("username")?, needed("password")?);
                let user = USERS.iter().find(|(mail, _, _)| *mail == name);
                let (_, right, id) =
                    user.ok_or_else(|| refused("Sorry, we couldn't find that user.", "user.invalid.username"))?;
                if *right != password {
                    return Err(refused("Sorry, that password is wrong.", "user.invalid.password"));
                }
                Ok(self.issue(caller(Owner::User(*id)), "global:all"))
            }
            "app" => {
                let (id, token) = (needed("app_id")?, needed("app_token")?);
                let app = APPS.iter().find(|(known, right)| known.to_string() == id && *right == token);
                let (id, _) = app.ok_or_else(|| refused("Invalid app id or token.", "app.invalid.token"))?;
                Ok(self.issue(caller(Owner::App(*id)), &format!("app_{id}:all")))
            }
            "authorization_code" => {
                let (code, uri) = (needed("code")?, needed("redirect_uri")?);
                let spent = || refused("Invalid or expired authorization code.", "oauth.code.invalid");
                // A code works once, whatever becomes of the request.
                let known = self.codes.remove(code).ok_or_else(spent)?;
                let old = known.made.is_some_and(|made| made.elapsed() > CODE_LIFETIME);
                if old || known.redirect_uri != uri || known.client != client {
                    return Err(spent());
                }
                Ok(self.issue(caller(known.owner), &known.scope))
            }
            "refresh_token" => {
                let token = needed("refresh_token")?;
                let dead = || refused("Invalid or expired refresh token.", "oauth.refresh_token.invalid");
                let (next, known) = self.refresh.redeem(token, client).map_err(|why| {
                    if let Dead::Revoked(family) = why {
                        self.access.retain(|_, access| access.family != family);
                    }
                    dead()
                })?;
                Ok(self.give(known.caller, &known.scope, next, known.family))
            }
            other => Err(Refusal::new(400, "unsupported_grant_type", format!("Unsupported grant type {other}"))),
        }
    }

    /// The tokens of a new grant.
    fn issue(&mut self, caller: Caller, scope: &str) -> Value {
        let (refresh_token, family) = self.refresh.begin(&caller, scope);
        self.give(caller, scope, refresh_token, family)
    }

    fn give(&mut self, caller: Caller, scope: &str, refresh_token: String, family: Family) -> Value {
        let access_token = ids::hex(32);
        let (kind, id) = match caller.owner {
            Owner::User(id) => ("user", id),
            Owner::App(id) => ("app", id),
        };
        let access = Access { caller, scope: scope.to_owned(), family, ends: Instant::now() + self.ttl };
        self.access.insert(access_token.clone(), access);
        json!({
            "access_token": access_token, "token_type": "bearer", "ref": {"type": kind, "id": id},
            "expires_in": self.ttl.as_secs(), "scope": scope, "refresh_token": refresh_token
        })
    }

    /// Who calls, by the header or the query parameter; both schemes are taken.
    pub(crate) fn caller(&self, authorization: Option<&str>, oauth_token: Option<&str>) -> Result<Caller, Refusal> {
        let token = match (authorization, oauth_token) {
            (Some(header), _) => {
                let scheme = ["OAuth2 ", "Bearer "].into_iter().find_map(|scheme| header.strip_prefix(scheme));
                let token = scheme.map(str::trim).filter(|token| !token.is_empty());
                token
                    .ok_or_else(|| Refusal::new(400, "Invalid authorization header", "Invalid authorization header"))?
            }
            (None, Some(token)) => token,
            (None, None) => return Err(Refusal::no_token()),
        };
        let access = self.access.get(token).filter(|access| access.ends > Instant::now());
        access.map(|access| access.caller.clone()).ok_or_else(Refusal::expired_token)
    }

    /// The scope of a caller's newest token, as `GET /oauth/scope` tells it.
    pub(crate) fn scope_of(&self, caller: &Caller) -> Value {
        let scope =
            self.access.values().find(|access| access.caller == *caller).map_or("global:all", |access| &access.scope);
        match caller.owner {
            Owner::User(_) => json!([{"ref_type": null, "ref_id": null, "permissions": ["all"], "ref_data": null}]),
            Owner::App(id) => {
                json!([{"ref_type": "app", "ref_id": id, "permissions": [scope.rsplit(':').next()], "ref_data": null}])
            }
        }
    }

    /// Ends all of a caller's tokens.
    pub(crate) fn invalidate(&mut self, caller: &Caller) {
        self.access.retain(|_, access| access.caller != *caller);
        self.refresh.kill_of(caller);
    }
}
