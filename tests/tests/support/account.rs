//! One account in files: a component that points at a server on loopback, a credential that begins with a refresh
//! token, and a folder for its tokens. Any number of processes may share it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use keyway::{Connection, Credential, FileStore, Host};
use keyway_simulator::Simulator;
use keyway_tests::acme::rotating_acme;
use serde_json::{Value, json};

use super::{
    Home, Keyway,
    django::{Django, ORG_ID, WEB},
    workspace,
};

/// The account. Dropped, its files are gone.
pub struct Account(Home);

impl Account {
    /// An account of a simulated Podio, whose token requests are encoded like this (`json` or `form`).
    pub fn podio(simulator: &Simulator, encoding: &str) -> Self {
        let here = &simulator.urls()[0];
        let text = fs::read_to_string(workspace().join("components/podio/component.json")).expect("it is there");
        let text = text.replace("https://api.podio.com", here).replace("https://podio.com", here);
        let mut component = super::json(&text);
        component["name"] = "podio-here".into();
        component["api"]["additional_origins"] = json!([]);
        component["retry"]["delay_ms"] = 10.into();
        let demo: BTreeMap<String, String> = simulator.demo().accounts["podio"].iter().cloned().collect();
        let mut credential = json!({
            "keyway": 1, "component": "podio-here", "grant": "refresh_token", "client_id": demo["PODIO_CLIENT_ID"]
        });
        if encoding == "form" {
            credential["oauth2"] = json!({"token_endpoint": format!("{here}/oauth/token")});
        }
        Self::new(&component, credential, &demo["PODIO_CLIENT_SECRET"], &demo["PODIO_REFRESH_TOKEN"])
    }

    /// An account of a django-oauth-toolkit server.
    pub fn podero(server: &Django) -> Self {
        let mut component = server.component();
        component["oauth2"]["grants"] = json!({"refresh_token": {}});
        // Where refresh tokens rotate, this server ends the old access token together with the old refresh token.
        component["oauth2"]["old_token_survives"] = false.into();
        component["retry"]["delay_ms"] = 10.into();
        let credential = json!({
            "keyway": 1, "component": "podero-here", "environment": "sandbox", "grant": "refresh_token",
            "client_id": WEB.0, "variables": {"org_id": ORG_ID}
        });
        Self::new(&component, credential, WEB.1, &server.new_refresh_token())
    }

    /// An account of a made-up API.
    pub fn acme(url: &str, refresh_token: &str) -> Self {
        let credential = json!({"keyway": 1, "component": "acme", "client_id": "acme-client"});
        Self::new(&rotating_acme(url), credential, "acme-secret", refresh_token)
    }

    fn new(component: &Value, mut credential: Value, secret: &str, refresh_token: &str) -> Self {
        let home = Home::new();
        home.write("components/here.json", component.to_string());
        credential["secrets"] = json!({
            "client_secret": {"file": home.write("client-secret", secret)},
            "refresh_token": {"file": home.file("refresh-token")}
        });
        home.write("account.json", credential.to_string());
        let account = Self(home);
        account.give(refresh_token);
        account
    }

    /// Gives it another refresh token to begin with, as after a new sign-in.
    pub fn give(&self, refresh_token: &str) {
        self.0.write("refresh-token", refresh_token);
    }

    /// A credential of another account beside it, with tokens in the same folder: gives its file.
    pub fn another(&self, name: &str, refresh_token: &str) -> String {
        let mut credential = super::json(&fs::read_to_string(self.0.file("account.json")).expect("it is there"));
        let file = self.0.write(&format!("refresh-token-{name}"), refresh_token);
        credential["secrets"]["refresh_token"]["file"] = file.into();
        self.0.write(&format!("{name}.json"), credential.to_string())
    }

    /// `keyway run` of it.
    pub fn run(&self) -> Keyway {
        self.run_with(&self.0.file("account.json"))
    }

    /// `keyway run` of another credential in the same home.
    pub fn run_with(&self, credential: &str) -> Keyway {
        self.run_of(credential, &self.0.file("tokens"))
    }

    /// `keyway run` of it with its tokens in another folder.
    pub fn run_in(&self, tokens: &str) -> Keyway {
        self.run_of(&self.0.file("account.json"), tokens)
    }

    fn run_of(&self, credential: &str, tokens: &str) -> Keyway {
        let run = self.0.keyway(["run", "--summary", "json", "--components", &self.0.file("components")]);
        run.args(["--credential", credential, "--token-store", tokens])
    }

    pub fn home(&self) -> &Home {
        &self.0
    }

    /// It, for the library.
    pub fn credential(&self) -> Credential {
        Credential::from_file(self.0.file("account.json")).expect("it is there")
    }

    /// The folder of its tokens.
    pub fn tokens(&self) -> PathBuf {
        self.0.path().join("tokens")
    }

    /// The file of its token.
    pub fn token_file(&self) -> PathBuf {
        self.token_file_of("account")
    }

    /// The file of the token of this credential.
    pub fn token_file_of(&self, name: &str) -> PathBuf {
        let wanted = |path: &Path| {
            let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            file.starts_with(&format!("{name}.")) && file.ends_with(".token")
        };
        let mut found: Vec<PathBuf> = files(&self.tokens()).into_iter().filter(|path| wanted(path)).collect();
        assert_eq!(found.len(), 1, "one token file: {found:?}");
        found.remove(0)
    }

    /// Somebody who looks into its token folder and asks no server.
    pub fn observer(&self) -> Observer {
        let store = FileStore::open(self.tokens()).expect("the folder can be used");
        let components = self.0.file("components");
        let host = Host::builder().components_dir(components).token_store(store).build().expect("it is valid");
        Observer(host.connect(self.credential()).expect("the account is complete"))
    }
}

/// Sees which token is stored.
pub struct Observer(Connection);

impl Observer {
    /// The refresh token that is stored now.
    pub async fn refresh_token(&self) -> Option<String> {
        let token = self.0.tokens().current().await.expect("the store can be read")?;
        token.refresh_token.as_ref().map(|secret| secret.expose_secret_text().to_owned())
    }
}

/// All files below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("the folder can be read").path());
    let mut found: Vec<PathBuf> =
        paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    found.sort();
    found
}
