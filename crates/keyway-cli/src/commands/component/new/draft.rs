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
        .collect();
        if !variables.is_empty() {
            put("variables", Value::Object(variables));
        }
        put("oauth2", self.oauth2());
        put("api", self.api());
        put("verify", json!("root"));
        put(
            "actions",
            json!({ "root": { "description": "Shows that an account works.", "method": "GET", "url": "/" } }),
        );
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
        for (name, endpoint) in endpoints {
            if let Some(endpoint) = endpoint {
                put(name, json!(endpoint));
            }
        }
        let method = if self.token.is_some() { args.token_endpoint_auth_method.as_str() } else { "none" };
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
        if self.token.is_some() && args.encoding != "form" {
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
            _ => {
                exchanges.push(self.token_exchange(name));
                (TOKEN, "A message is sent with a token that is got first.")
            }
        };
        let (header, scheme) = match grant {
            NewGrant::Basic => ("authorization".to_owned(), "Basic"),
            _ => (self.args.header.to_ascii_lowercase(), self.args.scheme.as_str()),
        };
        let value = format!("{scheme} {value}").trim_start().to_owned();
        exchanges.push(json!({
            "request": {
                "method": "GET", "url": format!("{}/", self.base_url.trim_end_matches('/')),
                "headers": { header: value }
            },
            "response": { "status": 200, "body": { "ok": true } }
        }));
        let mut file = json!({ "title": title, "account": { "grant": name } });
        if grant == NewGrant::DeviceCode {
            file["token"] = json!({ "access_token": TOKEN });
        }
        file["messages"] = json!([{ "method": "GET", "url": "/", "id": 1 }]);
        file["exchanges"] = json!(exchanges);
        file["outcomes"] = json!([{ "id": 1, "status": 200, "body": { "ok": true } }]);
        file
    }

    fn token_exchange(&self, grant: &str) -> Value {
        let token = json!({ "access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600 });
        let grant = match grant {
            "jwt_bearer" => "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "token_exchange" => "urn:ietf:params:oauth:grant-type:token-exchange",
            standard => standard,
        };
        let request = match self.args.encoding.as_str() {
            "query" => json!({ "method": "POST", "url": format!("{}?***", self.token.as_deref().unwrap_or_default()) }),
            _ => json!({ "method": "POST", "url": self.token, "body": { "grant_type": grant } }),
        };
        json!({ "request": request, "response": { "status": 200, "body": token } })
    }

    fn has(&self, grant: NewGrant) -> bool {
        self.args.grant.contains(&grant)
    }
}

/// `my-crm` is `My crm`.
fn title_of(name: &str) -> String {
    let words = name.replace('-', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
