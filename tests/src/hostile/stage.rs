//! The place where cases happen: one host, one hostile server, and the places that secrets must not reach.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use jsonschema::Validator;
use keyway::{Credential, Host, HostBuilder};
use serde_json::{Value, json};

use super::{
    answer::{json as good, page},
    case::{Case, case},
    rules,
    secrets::{ACCESS_TOKEN, CLIENT_SECRET, PASSWORD, REFRESH_TOKEN},
    server::{Hostile, OnAccept},
};
use crate::{acme, lines, written};

/// No case takes longer, unless something hangs.
const PATIENCE: Duration = Duration::from_secs(20);
/// Cases under way at once: they meet each other's connections.
const AT_ONCE: usize = 24;

/// One host between a hostile server and what watches both.
pub struct Stage {
    /// The API below `/api/CASE` and the token endpoint of each account at `/token/CASE`.
    pub server: Hostile,
    /// An origin that the API names, with the token.
    pub listed: Hostile,
    /// An origin that the API names, without the token.
    pub files: Hostile,
    /// An origin that nobody has named.
    pub thief: Hostile,
    /// What is tested.
    pub host: Host,
    pub(super) schema: Validator,
}

/// What an account gets its tokens with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// Its client's id and secret.
    Client,
    /// A user's password too.
    Password,
    /// A refresh token.
    Refresh,
}

/// Where a case's answers stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Api,
    Token,
}

// === impl Stage ===

impl Stage {
    /// A stage of the usual component, with bodies up to 1 MiB.
    pub async fn start() -> Self {
        Self::with(|_| {}, |builder| builder).await
    }

    /// A stage with changes to its component and its host.
    pub async fn with(change: impl FnOnce(&mut Value), settings: impl FnOnce(HostBuilder) -> HostBuilder) -> Self {
        let (server, listed) = (Hostile::start().await, Hostile::start().await);
        let (files, thief) = (Hostile::start().await, Hostile::start().await);
        let host = |url: &str| url.trim_start_matches("http://").to_owned();
        for (origin, name, server_of) in [
            ("@LISTED@", "@LISTEDHOST@", &listed),
            ("@FILES@", "@FILESHOST@", &files),
            ("@THIEF@", "@THIEFHOST@", &thief),
        ] {
            server.place(origin, &server_of.url);
            server.place(name, host(&server_of.url));
        }
        server.place("@HOST@", host(&server.url));
        let mut component = acme::acme(&server.url);
        component["variables"] = json!({"case": {}});
        component["oauth2"]["token_endpoint"] = format!("{}/token/{{case}}", server.url).into();
        component["oauth2"]["grants"] = json!({"client_credentials": {}, "password": {}, "refresh_token": {}});
        component["api"]["additional_origins"] =
            json!([{"origin": listed.url, "token": true}, {"origin": files.url, "token": false}]);
        component["throttle"] =
            json!({"remaining": "x-remaining", "reset": {"header": "x-reset", "unit": "epoch_seconds"}});
        change(&mut component);
        let usual = |builder: HostBuilder| settings(builder.concurrency(64).max_body_bytes(1 << 20));
        let host = acme::host_with(&component, usual);
        let schema = jsonschema::validator_for(&serde_json::from_str(keyway::outcome_schema()).unwrap())
            .expect("the published schema is one");
        Self { server, listed, files, thief, host, schema }
    }

    /// Connects an account that asks for its tokens at `/token/NAME`.
    pub fn account(&self, name: &str, grant: Grant) {
        let mut values = vec![("ACME_CASE", name), ("ACME_CLIENT_ID", "acme"), ("ACME_CLIENT_SECRET", CLIENT_SECRET)];
        values.extend(match grant {
            Grant::Client => vec![("ACME_GRANT", "client_credentials")],
            Grant::Password => {
                vec![("ACME_GRANT", "password"), ("ACME_USERNAME", "ada@acme.example"), ("ACME_PASSWORD", PASSWORD)]
            }
            Grant::Refresh => vec![("ACME_GRANT", "refresh_token"), ("ACME_REFRESH_TOKEN", REFRESH_TOKEN)],
        });
        self.host.connect(Credential::from_vars("acme", values).named(name)).expect("the account is complete");
    }

    /// Runs misbehaviours of the API, and holds each to the rules.
    pub async fn survives(&self, cases: Vec<Case>) {
        self.all_survive(cases, Place::Api, Grant::Client).await;
    }

    /// Runs misbehaviours of the token endpoint, and holds each to the rules.
    pub async fn survives_tokens(&self, cases: Vec<Case>, grant: Grant) {
        self.all_survive(cases, Place::Token, grant).await;
    }

    async fn all_survive(&self, cases: Vec<Case>, place: Place, grant: Grant) {
        assert!(!cases.is_empty(), "there are cases");
        let total = cases.len();
        let run = |case: Case| async move { self.one(&case, place, grant).await };
        let mut complaints: Vec<String> = stream::iter(cases).map(run).buffer_unordered(AT_ONCE).concat().await;
        complaints.extend(rules::out_of_place(self));
        println!("{total} cases");
        assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
    }

    async fn one(&self, case: &Case, place: Place, grant: Grant) -> Vec<String> {
        let at = match place {
            Place::Api => format!("/api/{}", case.name),
            Place::Token => format!("/token/{}", case.name),
        };
        self.server.answer(at, case.answers.clone());
        self.account(&case.name, grant);
        let mut complaints = match self.run(case.line()).await {
            Some(outcomes) => rules::broken(self, case, place, &outcomes),
            None => vec!["it does not end".to_owned()],
        };
        complaints.extend(self.is_well(&case.name).await);
        complaints.into_iter().map(|complaint| format!("- {}: {complaint}", case.name)).collect()
    }

    /// Runs one misbehaviour, and goes on when its connection has ended, or stays silent for good.
    pub async fn survives_once_over(&self, case: Case, silent: bool) {
        self.server.answer(format!("/api/{}", case.name), case.answers.clone());
        self.account(&case.name, Grant::Client);
        let outcomes = self.run(case.line()).await.unwrap_or_default();
        let mut complaints = rules::broken(self, &case, Place::Api, &outcomes);
        if !silent {
            tokio::time::timeout(PATIENCE, self.server.ended(1)).await.expect("the client leaves such a connection");
        }
        complaints.extend(self.is_well(&case.name).await);
        complaints.extend(rules::out_of_place(self));
        assert!(complaints.is_empty(), "{}: {}", case.name, complaints.join("\n"));
    }

    /// Runs one message whose connections meet this, each of them, and holds it to the rules.
    pub async fn survives_on_accept(&self, name: &str, plan: OnAccept, expected: &str) {
        // A connection that is kept would meet nothing.
        let token = format!(r#"{{"access_token":"{ACCESS_TOKEN}a","expires_in":3600}}"#);
        let case = case(name, expected, good("{}")).within(500);
        self.server.answer(format!("/token/{name}"), vec![page("200 OK\r\nconnection: close", token).close()]);
        self.account(name, Grant::Client);
        let connection = self.host.connections().into_iter().next().expect("it was just made");
        connection.tokens().token(None).await.expect("the token endpoint is well");
        self.server.answer(format!("/api/{name}"), vec![page("200 OK\r\nconnection: close", "{}").close()]);
        self.server.on_accept(vec![plan; 3]);
        let outcomes = self.run(case.line()).await.unwrap_or_default();
        self.server.on_accept(Vec::new());
        let mut complaints = rules::broken(self, &case, Place::Api, &outcomes);
        // What was greeted with an answer is one answer ahead. It must not be there for the next request.
        tokio::time::timeout(PATIENCE, self.server.ended(2)).await.expect("the client leaves such a connection");
        complaints.extend(self.is_well(name).await);
        assert!(complaints.is_empty(), "{name}: {}", complaints.join("\n"));
    }

    /// The outcomes of one line as they are written. `None` where they do not come in time.
    pub async fn run(&self, line: String) -> Option<Vec<String>> {
        let outcomes = self.host.run(stream::iter(lines([line]))).map(|outcome| written(&outcome)).collect();
        tokio::time::timeout(PATIENCE, outcomes).await.ok()
    }

    /// Whether the same host is still served by the same server, from the token to the answer.
    async fn is_well(&self, name: &str) -> Option<String> {
        let after = format!("{name}.after");
        self.server.answer(format!("/api/{after}"), vec![good(r#"{"good":true}"#)]);
        self.account(&after, Grant::Client);
        let line = json!({"method": "GET", "url": format!("/{after}"), "credential": after, "timeout_ms": 1500, "retry": {"count": 2}});
        match self.run(line.to_string()).await {
            None => Some("a good message does not end any more".to_owned()),
            Some(outcomes) => {
                let well = |outcome: &String| outcome.contains(r#""status":200"#) && outcome.contains(r#""good":true"#);
                let first = outcomes.first().filter(|outcome| outcomes.len() == 1 && well(outcome));
                first.is_none().then(|| format!("a good message fails afterwards: {outcomes:?}"))
            }
        }
    }
}
