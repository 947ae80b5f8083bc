//! A new component and its first exchange, as JSON. Pure.

use serde_json::{Map, Value, json};

use crate::args::component::{NewArgs, NewGrant};

/// The grants, as files call them.
pub(super) const GRANTS: [(NewGrant, &str); 10] = [
    (NewGrant::ClientCredentials, "client_credentials"),
    (NewGrant::AuthorizationCode, "authorization_code"),
    (NewGrant::Password, "password"),
    (NewGrant::DeviceCode, "device_code"),
    (NewGrant::RefreshToken, "refresh_token"),
    (NewGrant::ApiKey, "api_key"),
    (NewGrant::Basic, "basic"),
    (NewGrant::JwtBearer, "jwt_bearer"),
    (NewGrant::TokenExchange, "token_exchange"),
    (NewGrant::SignedJwt, "signed_jwt"),
];

/// Whether no server is asked for a token.
pub(super) fn is_unasked(grant: NewGrant) -> bool {
    matches!(grant, NewGrant::ApiKey | NewGrant::Basic | NewGrant::SignedJwt)
}

/// `username:password` as RFC 7617 writes it: exchanges call inputs by their own names.
const BASIC: &str = "dXNlcm5hbWU6cGFzc3dvcmQ=";

/// Stands for the access token of exchanges.
const TOKEN: &str = "a-token";

/// Stands for the token that a renewal gives.
const RENEWED: &str = "a-newer-token";

/// What a variable in a URL may be, as far as nobody knows better.
const IN_URL: &str = "[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)*";
/// The value of variables in exchanges.
const EXAMPLE: &str = "example";

/// What a new component is made of.
pub(super) struct Draft {
    pub(super) base_url: String,
    pub(super) token: Option<String>,
    pub(super) authorization: Option<String>,
    pub(super) device: Option<String>,
    /// The rest; the endpoints are taken out of it.
    pub(super) args: NewArgs,
}

// === impl Draft ===

impl Draft {
    pub(super) fn name(&self) -> &str {
        &self.args.name
    }

    pub(super) fn component(&self) -> Value {
        let args = &self.args;
        let mut component = Map::new();
        let mut put = |name: &str, value: Value| _ = component.insert(name.to_owned(), value);
        put("keyway", json!(1));
        put("name", json!(args.name));
        put("title", json!(args.title.clone().unwrap_or_else(|| title_of(&args.name))));
        put("version", json!("0.1.0"));
        put("environments", json!({ "production": {} }));
        let variables: Map<String, Value> = [
            (NewGrant::ApiKey, "api_key", json!({ "title": "API key", "secret": true })),
            (NewGrant::JwtBearer, "subject", json!({ "title": "For whom the JWT stands" })),
            (NewGrant::SignedJwt, "issuer", json!({ "title": "Who signs the JWT" })),
        ]
        .into_iter()
        .filter(|(grant, ..)| self.has(*grant))
        .map(|(_, name, variable)| (name.to_owned(), variable))
        .chain(self.in_urls().into_iter().map(|name| {
            let about = json!({ "title": title_of(&name.replace('_', "-")), "pattern": IN_URL });
            (name, about)
        }))
        .collect();
        if !variables.is_empty() {
            put("variables", Value::Object(variables));
        }
        put("oauth2", self.oauth2());
        put("api", self.api());
        let verify = json!({ "description": "Shows that an account works.", "method": "GET", "url": args.verify_url });
        put("verify", json!("verify"));
        put("actions", json!({ "verify": verify }));
        Value::Object(component)
    }

    fn oauth2(&self) -> Value {
        let args = &self.args;
        let mut oauth2 = Map::new();
        let mut put = |name: &str, value: Value| _ = oauth2.insert(name.to_owned(), value);
        let endpoints = [
            ("authorization_endpoint", &self.authorization),
            ("device_authorization_endpoint", &self.device),
            ("token_endpoint", &self.token),
        ];
        if let Some(issuer) = &args.issuer {
            put("issuer", json!(issuer));
        }
        for (name, endpoint) in endpoints {
            if let Some(endpoint) = endpoint {
                put(name, json!(endpoint));
            }
        }
        let method = if self.is_asked() { args.token_endpoint_auth_method.as_str() } else { "none" };
        put("token_endpoint_auth_method", json!(method));
        let mut grants = Map::new();
        for (grant, name) in GRANTS.into_iter().filter(|(grant, _)| self.has(*grant)) {
            let rules = match grant {
                NewGrant::ApiKey => json!({ "token": "{api_key}" }),
                NewGrant::JwtBearer => json!({ "assertion": { "claims": { "sub": "{subject}" } } }),
                NewGrant::SignedJwt => json!({ "assertion": { "claims": { "iss": "{issuer}" } } }),
                _ => json!({}),
            };
            grants.insert(name.to_owned(), rules);
        }
        // Whoever signs in is not to be asked again: nearly all servers give a refresh token then.
        let signs_in = [NewGrant::AuthorizationCode, NewGrant::Password, NewGrant::DeviceCode];
        if signs_in.into_iter().any(|grant| self.has(grant)) {
            grants.insert("refresh_token".to_owned(), json!({}));
        }
        put("grants", Value::Object(grants));
        if !args.scope.is_empty() {
            put("scope", json!({ "default": args.scope }));
        }
        if self.is_asked() && args.encoding != "form" {
            put("token_request", json!({ "encoding": args.encoding }));
        }
        Value::Object(oauth2)
    }

    fn api(&self) -> Value {
        let (header, scheme) = (&self.args.header, &self.args.scheme);
        if header.eq_ignore_ascii_case("authorization") && scheme == "Bearer" {
            return json!({ "base_url": self.base_url });
        }
        json!({ "base_url": self.base_url, "authorization": { "in": "header", "name": header, "scheme": scheme } })
    }

    /// A token is got, and the example's message goes out with it.
    pub(super) fn exchange(&self) -> Value {
        let first = GRANTS.into_iter().find(|(grant, _)| self.has(*grant));
        let (grant, name) = first.unwrap_or((NewGrant::ClientCredentials, "client_credentials"));
        let mut exchanges = Vec::new();
        let (value, title) = match grant {
            NewGrant::ApiKey => ("api_key", "A message is sent with the account's key."),
            NewGrant::Basic => (BASIC, "A message is sent with the account's name and password."),
            NewGrant::SignedJwt => ("***", "A message is sent with a JWT that the account signs."),
            // Nobody types a code in where exchanges are replayed.
            NewGrant::DeviceCode => (TOKEN, "A message is sent with the token that a sign-in got."),
            NewGrant::AuthorizationCode => {
                exchanges.extend(self.metadata());
                exchanges.extend(self.sign_in());
                (RENEWED, "A person signs in; a token that the API refuses is renewed.")
            }
            _ => {
                exchanges.extend(self.metadata());
                exchanges.push(
                    self.token_exchange(json!({ "grant_type": grant_type(name) }), json!({ "access_token": TOKEN })),
                );
                (TOKEN, "A message is sent with a token that is got first.")
            }
        };
        let (header, scheme) = match grant {
            NewGrant::Basic => ("authorization".to_owned(), "Basic"),
            _ => (self.args.header.to_ascii_lowercase(), self.args.scheme.as_str()),
        };
        let ask = |value: &str, response: Value| {
            let value = format!("{scheme} {value}").trim_start().to_owned();
            let url = self.filled(&format!("{}{}", self.base_url.trim_end_matches('/'), self.args.verify_url));
            json!({ "request": { "method": "GET", "url": url, "headers": { &header: value } }, "response": response })
        };
        if grant == NewGrant::AuthorizationCode {
            // Before the renewal, which is the last of them.
            exchanges.insert(exchanges.len() - 1, ask(TOKEN, json!({ "status": 401 })));
        }
        exchanges.push(ask(value, json!({ "status": 200, "body": { "ok": true } })));
        let mut file = json!({ "title": title, "account": { "grant": name } });
        for variable in self.in_urls() {
            file["account"][variable] = json!(EXAMPLE);
        }
        match grant {
            NewGrant::DeviceCode => file["token"] = json!({ "access_token": TOKEN }),
            NewGrant::AuthorizationCode => file["callback"] = json!({}),
            _ => {}
        }
        file["messages"] = json!([self.message()]);
        file["exchanges"] = json!(exchanges);
        file["outcomes"] = json!([{ "id": 1, "status": 200, "body": { "ok": true } }]);
        file
    }

    /// The message of the example.
    pub(super) fn message(&self) -> Value {
        json!({ "method": "GET", "url": self.args.verify_url, "id": 1 })
    }

    /// What a sign-in and a renewal send: the code, and the refresh token that came with it.
    fn sign_in(&self) -> [Value; 2] {
        let code = json!({
            "grant_type": "authorization_code", "code": "code", "redirect_uri": "https://redirect.example/",
            "code_verifier": "***"
        });
        let first = json!({ "access_token": TOKEN, "refresh_token": "a-refresh-token" });
        let renewal = json!({ "grant_type": "refresh_token", "refresh_token": "a-refresh-token" });
        [self.token_exchange(code, first), self.token_exchange(renewal, json!({ "access_token": RENEWED }))]
    }

    fn token_exchange(&self, asks: Value, mut gets: Value) -> Value {
        gets["token_type"] = json!("Bearer");
        gets["expires_in"] = json!(3600);
        let endpoint = match (&self.token, &self.args.issuer) {
            (Some(endpoint), _) => self.filled(endpoint),
            (None, issuer) => format!("{}/token", self.filled(issuer.as_deref().unwrap_or_default())),
        };
        let request = match self.args.encoding.as_str() {
            "query" => json!({ "method": "POST", "url": format!("{endpoint}?***") }),
            _ => json!({ "method": "POST", "url": endpoint, "body": asks }),
        };
        json!({ "request": request, "response": { "status": 200, "body": gets } })
    }

    /// What an issuer tells of itself (RFC 8414 section 3).
    fn metadata(&self) -> Option<Value> {
        let issuer = self.filled(self.args.issuer.as_deref()?);
        let (origin, path) =
            match issuer.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| rest.len() - at)) {
                Some(path) => issuer.split_at(issuer.len() - path),
                None => (issuer.as_str(), ""),
            };
        let url = format!("{origin}/.well-known/oauth-authorization-server{}", path.trim_end_matches('/'));
        let mut told = json!({ "issuer": issuer, "token_endpoint": format!("{issuer}/token") });
        told["authorization_endpoint"] = json!(format!("{issuer}/authorize"));
        Some(json!({ "request": { "method": "GET", "url": url }, "response": { "status": 200, "body": told } }))
    }

    /// Whether a server is asked for tokens.
    fn is_asked(&self) -> bool {
        self.token.is_some() || self.args.issuer.is_some()
    }

    /// What the URLs leave open, which becomes a variable.
    fn in_urls(&self) -> Vec<String> {
        let urls = [Some(&self.base_url), self.token.as_ref(), self.authorization.as_ref(), self.device.as_ref()];
        let urls = urls.into_iter().chain([self.args.issuer.as_ref()]).flatten();
        let mut names: Vec<String> = Vec::new();
        for name in urls.flat_map(|url| url.split('{').skip(1)).filter_map(|rest| Some(rest.split_once('}')?.0)) {
            if name != "client_id" && !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }

    /// A URL as it is with the exchange's values.
    fn filled(&self, url: &str) -> String {
        self.in_urls().iter().fold(url.to_owned(), |url, name| url.replace(&format!("{{{name}}}"), EXAMPLE))
    }

    fn has(&self, grant: NewGrant) -> bool {
        self.args.grant.contains(&grant)
    }
}

/// The grant type of a token request.
fn grant_type(grant: &str) -> &str {
    match grant {
        "jwt_bearer" => "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "token_exchange" => "urn:ietf:params:oauth:grant-type:token-exchange",
        standard => standard,
    }
}

/// `my-crm` is `My crm`.
fn title_of(name: &str) -> String {
    let words = name.replace('-', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
