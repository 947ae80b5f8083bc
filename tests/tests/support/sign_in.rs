//! `keyway login` as a person meets it: what it asks them to open, where it waits for the answer, how it ends.

use serde_json::{Value, json};
use url::Url;

use super::{
    Home, Keyway, Ran, Running,
    http::{self, Answer},
};

/// The name of each account's credential.
pub const NAME: &str = "mine";
/// The client of the scripted server.
pub const ACME: (&str, &str) = ("acme-client", "acme-secret");

/// An account in a home of its own. Nobody has signed in yet.
pub struct Account {
    pub home: Home,
    component: String,
    secret: String,
}

/// A sign-in that waits for the browser.
pub struct SignIn {
    pub running: Running,
    /// What it asks to be opened.
    pub url: Url,
    /// Where it waits.
    pub waiting: Url,
}

// === impl Account ===

impl Account {
    /// An account of this component and client. A client without a secret is a public one.
    pub fn new(component: &Value, grant: &str, client: (&str, &str)) -> Self {
        Self::with(component, grant, client, &json!({}))
    }

    /// One with more members in its credential.
    pub fn with(component: &Value, grant: &str, client: (&str, &str), more: &Value) -> Self {
        let home = Home::new();
        let name = component["name"].as_str().expect("a component has a name").to_owned();
        let mut credential = json!({"keyway": 1, "component": name, "grant": grant, "client_id": client.0});
        if !client.1.is_empty() {
            credential["secrets"] = json!({"client_secret": {"env": "SECRET_OF_MINE"}});
        }
        for (member, value) in more.as_object().expect("members") {
            credential[member] = value.clone();
        }
        home.write(&format!("keyway/credentials/{NAME}.json"), credential.to_string());
        let account = Self { home, component: name, secret: client.1.to_owned() };
        let mut component = component.clone();
        if client.1.is_empty() {
            component["oauth2"]["token_endpoint_auth_method"] = "none".into();
        }
        account.describe(&component);
        account
    }

    /// Describes its component anew.
    pub fn describe(&self, component: &Value) {
        self.home.write(&format!("components/{}.json", self.component), component.to_string());
    }

    /// A command that knows its component and its secret.
    pub fn keyway(&self, args: &[&str]) -> Keyway {
        let run = self.home.keyway(args.iter().copied()).arg("--components").arg(self.home.file("components"));
        if self.secret.is_empty() { run } else { run.env("SECRET_OF_MINE", &self.secret) }
    }

    /// Begins to sign in, without starting a browser.
    pub fn login(&self, more: &[&str]) -> Running {
        self.keyway(&["login", NAME, "--no-browser"]).args(more.iter().copied()).start()
    }

    /// Begins to sign in, up to where it waits for the browser.
    pub async fn sign_in(&self, more: &[&str]) -> SignIn {
        let mut running = self.login(more);
        let url = authorization_url(&mut running).await;
        let begin = "Waiting for the browser at ";
        let waiting = running.told_as(begin, |line| line.strip_prefix(begin).map(str::to_owned)).await;
        let waiting = waiting.split_whitespace().next().expect("it says where").trim_end_matches(['.', ',', '…']);
        SignIn { running, url, waiting: Url::parse(waiting).expect("it waits at a URL") }
    }

    /// Signs in at a server that takes any code.
    pub async fn signed_in(self) -> Self {
        let sign_in = self.sign_in(&[]).await;
        assert_eq!(sign_in.answer(&[("code", "a-code")]).await.h1(), "You are signed in");
        is_signed_in(&sign_in.running.end().await);
        self
    }

    /// A request with its token.
    pub async fn get(&self, url: &str) -> Ran {
        self.keyway(&["request", &self.component, "GET", url, "--credential", NAME]).run("").await
    }
}

// === impl SignIn ===

impl SignIn {
    /// A parameter of the authorization request.
    #[track_caller]
    pub fn param(&self, name: &str) -> String {
        param(&self.url, name)
    }

    /// The address that the server sends the browser back to, with the right `state` and these.
    pub fn callback(&self, params: &[(&str, &str)]) -> String {
        self.callback_in(&self.param("state"), params)
    }

    /// The same with another `state`.
    pub fn callback_in(&self, state: &str, params: &[(&str, &str)]) -> String {
        let all = params.iter().copied().chain([("state", state)]);
        Url::parse_with_params(self.waiting.as_str(), all).expect("a URL").into()
    }

    /// The page that a browser gets there.
    pub async fn answer(&self, params: &[(&str, &str)]) -> Answer {
        http::get(self.callback(params)).await
    }
}

/// The authorization URL, which stands alone on a line.
pub async fn authorization_url(running: &mut Running) -> Url {
    let read = |line: &str| line.strip_prefix("  ").filter(|url| url.starts_with("http")).map(str::to_owned);
    Url::parse(&running.told_as("the authorization URL", read).await).expect("it is a URL")
}

/// A parameter of an authorization request.
#[track_caller]
pub fn param(url: &Url, name: &str) -> String {
    let mut values = url.query_pairs().filter(|pair| pair.0 == name).map(|pair| pair.1.into_owned());
    let value = values.next().unwrap_or_else(|| panic!("no {name}: {url}"));
    assert!(values.next().is_none(), "{name} is there once: {url}");
    value
}

/// It ended well, and says so on stderr alone.
#[track_caller]
pub fn is_signed_in(ran: &Ran) {
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert!(ran.stdout.is_empty() && ran.stderr.lines().any(|line| line.starts_with("Signed in:")), "{ran}");
}

/// It ended without a token and says why, in these words.
#[track_caller]
pub fn is_not_signed_in(ran: &Ran, words: &[&str]) {
    ran.refused(1, words);
    assert!(!ran.stderr.contains("Signed in:"), "{ran}");
}

/// There is no token, so that a person is needed.
#[track_caller]
pub fn needs_sign_in(ran: &Ran) {
    ran.refused(3, &["sign in"]);
}
