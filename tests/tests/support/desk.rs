//! A person's desk: a home with a component in a folder, and the credentials that the test puts there.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use keyway::{Connection, CredentialFolder, ExpirySource, FileStore, Host, Secret, Token, TokenStore, store::Pending};
use keyway_tests::mock::Mock;
use serde_json::{Value, json};

use super::{Home, Keyway, account::files, disk::set_mode, json as parsed, scripted};

/// The home. Dropped, its files are gone.
pub struct Desk {
    pub home: Home,
    component: String,
}

// === impl Desk ===

impl Desk {
    /// One with this component.
    pub fn new(component: &Value) -> Self {
        let name = component["name"].as_str().expect("a component has a name").to_owned();
        let desk = Self { home: Home::new(), component: name };
        desk.describe(component);
        desk
    }

    /// One with the component of a scripted server.
    pub fn of(server: &Mock) -> Self {
        Self::new(&component(server))
    }

    /// Describes its component anew.
    pub fn describe(&self, component: &Value) {
        self.home.write(&format!("components/{}.json", self.component), component.to_string());
    }

    /// A command that knows its component.
    pub fn keyway(&self, args: &[&str]) -> Keyway {
        self.bare(args).arg("--components").arg(self.home.file("components"))
    }

    /// A command that takes no components.
    pub fn bare(&self, args: &[&str]) -> Keyway {
        self.home.keyway(args.iter().copied())
    }

    /// A request with the component's only account, or the one that `more` names.
    pub fn get(&self, more: &[&str]) -> Keyway {
        self.keyway(&["request", &self.component, "GET", "/user"]).args(more.iter().copied())
    }

    /// Puts a credential there, as `keyway credential add` would.
    pub fn credential(&self, name: &str, content: &Value) -> PathBuf {
        self.private(&format!("keyway/credentials/{name}.json"), content)
    }

    /// Puts a client there.
    pub fn client(&self, name: &str, content: &Value) -> PathBuf {
        self.private(&format!("keyway/clients/{name}.json"), content)
    }

    fn private(&self, name: &str, content: &Value) -> PathBuf {
        let path = self.home.write(name, content.to_string());
        set_mode(&path, 0o600);
        path.into()
    }

    /// Where a credential's file is.
    pub fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(format!("keyway/credentials/{name}.json"))
    }

    /// What a credential's file says.
    pub fn read(&self, name: &str) -> Value {
        parsed(&fs::read_to_string(self.file(name)).expect("it is there"))
    }

    /// The names of all files in a folder of its Keyway, such as `tokens`, and below.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let folder = self.home.path().join("keyway").join(folder);
        let name = |path: &PathBuf| path.strip_prefix(&folder).expect("it is below").display().to_string();
        files(&folder).iter().map(name).collect()
    }

    /// Its token store, and an account as the library sees it.
    pub fn connected(&self, name: &str) -> (FileStore, Connection) {
        let store = FileStore::open(self.home.path().join("keyway/tokens")).expect("the folder can be used");
        let host = Host::builder().components_dir(self.home.file("components")).token_store(store.clone());
        let host = host.build().expect("the component is sound");
        let folder = CredentialFolder::new(self.home.path().join("keyway/credentials"));
        let credential = folder.get(name).expect("it is there");
        (store, host.connect(credential).expect("it is complete"))
    }

    /// Puts a token there for an account.
    pub async fn keep(&self, name: &str, token: Token) {
        let (store, connection) = self.connected(name);
        let key = connection.tokens().key();
        let mut guard = store.exclusive(key, Duration::from_secs(1)).await.expect("nobody holds it");
        let version = guard.load().await.expect("it can be read").version;
        guard.replace_if(version, &token).await.expect("it can be written");
    }

    /// Marks a renewal of an account as begun, as a killed process leaves it.
    pub async fn interrupt(&self, name: &str, since: u64) {
        let (store, connection) = self.connected(name);
        let mut guard =
            store.exclusive(connection.tokens().key(), Duration::from_secs(1)).await.expect("nobody holds it");
        let pending = Pending { since, what: "refresh".to_owned(), sent: "hash".to_owned(), times: 1 };
        guard.mark_pending(Some(pending)).await.expect("it can be written");
    }

    /// What is stored for an account now.
    pub async fn kept(&self, name: &str) -> Option<Token> {
        let (_, connection) = self.connected(name);
        connection.tokens().stored().await.expect("it can be read").token
    }

    /// The names of the token files.
    pub fn tokens(&self) -> Vec<String> {
        self.names("tokens").into_iter().filter(|name| name.ends_with(".token")).collect()
    }
}

/// A token of a desk's account, fresh for an hour.
pub fn token() -> Token {
    let now = SystemTime::now();
    Token {
        access_token: Secret::new("kept-access"),
        refresh_token: Some(Secret::new("kept-refresh")),
        obtained_at: now,
        expires_at: Some(now + Duration::from_secs(3600)),
        expiry_source: ExpirySource::Answer,
        scope: None,
        extra: Default::default(),
        dpop_key: None,
        captured: Default::default(),
        begun_with: None,
    }
}

/// The component of a scripted server, with the grant `client_credentials` as well, set-up steps, and a `verify` action.
pub fn component(server: &Mock) -> Value {
    let mut component = scripted::component(server);
    component["oauth2"]["grants"]["client_credentials"] = json!({});
    component["setup"] = json!({"registration_url": "https://acme.example/keys", "steps": ["Make a key.", "Note it."]});
    component["verify"] = "whoami".into();
    component["actions"] = json!({"whoami": {"method": "GET", "url": "/whoami"}});
    component
}

/// An account that needs nobody: its client id tells it from others, and its secret is in `SECRET_OF_MINE`.
pub fn own(client_id: &str) -> Value {
    json!({
        "keyway": 1, "component": "acme", "grant": "client_credentials", "client_id": client_id,
        "secrets": {"client_secret": {"env": "SECRET_OF_MINE"}}
    })
}

/// An account that a person signs in to.
pub fn signed_in_to(client_id: &str) -> Value {
    let mut account = own(client_id);
    account["grant"] = "authorization_code".into();
    account
}
