//! A made-up API: one component file, and accounts of it.

use std::{fs, path::Path};

use keyway::{Connection, Credential, Host, HostBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The component file of an API on loopback: token endpoint `/token`, API below `/api`, retries after 10 ms.
pub fn acme(url: &str) -> Value {
    json!({
        "keyway": 1, "name": "acme", "title": "Acme", "version": "1.0.0",
        "environments": { "production": {} },
        "oauth2": {
            "token_endpoint": format!("{url}/token"),
            "token_endpoint_auth_method": "client_secret_post",
            "grants": { "client_credentials": {} }
        },
        "api": { "base_url": format!("{url}/api") },
        "retry": { "count": 2, "delay_ms": 10, "backoff": "fixed", "max_wait_ms": 5000, "max_elapsed_ms": 20000, "statuses": [500, 502, 503, 504] }
    })
}

/// A component that starts from a refresh token and renews with the one that it got last.
pub fn rotating_acme(url: &str) -> Value {
    let mut component = acme(url);
    component["oauth2"]["grants"] = json!({ "refresh_token": {} });
    component
}

/// A folder with a component in it. It is there as long as this is.
pub fn folder(component: &Value) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), component);
    folder
}

/// Writes a component's file into a folder.
pub fn write(folder: &Path, component: &Value) {
    let name = component["name"].as_str().expect("a component has a name");
    fs::write(folder.join(format!("{name}.json")), component.to_string()).expect("the folder can be written");
}

/// A host that knows this component.
pub fn host(component: &Value) -> Host {
    host_with(component, |builder| builder)
}

/// A host that knows this component, with more settings.
pub fn host_with(component: &Value, settings: impl FnOnce(HostBuilder) -> HostBuilder) -> Host {
    let folder = folder(component);
    settings(Host::builder().components_dir(folder.path())).build().expect("the component is valid")
}

/// An account of this component, connected.
pub fn connected(component: &Value) -> (Host, Connection) {
    let host = host(component);
    let connection = host.connect(account()).expect("the account is complete");
    (host, connection)
}

/// An account of the made-up API.
pub fn account() -> Credential {
    account_with([("", ""); 0])
}

/// An account with more inputs.
pub fn account_with<'a>(more: impl IntoIterator<Item = (&'a str, &'a str)>) -> Credential {
    let client = [("ACME_CLIENT_ID", "acme-client"), ("ACME_CLIENT_SECRET", "acme-secret")];
    Credential::from_vars("acme", client.into_iter().chain(more))
}
