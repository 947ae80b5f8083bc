//! A component file is refused with faults that have a place in it, or it can be used; nothing panics.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use keyway::{Component, Credential, Faults, Host, Message, Transport, check_component};
use keyway_component::{Redactor, component::Encoding};
use keyway_http::{AttemptEnd, SendFuture, WireAnswer, WireCall};
use keyway_oauth::{
    Account, AccountSettings,
    dialect::{Hearing, hear},
};
use serde_json::Value;

/// A component file; or changes to Podio's, one a line: a JSON pointer, a space and a value, or no value to take the
/// member out.
///
/// # Panics
/// A fault lies outside of the file, or a file without faults cannot be used.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let changed;
    let text = if text.starts_with('/') {
        changed = changes(text).to_string();
        &changed
    } else {
        text
    };
    match check_component("component.json", text) {
        Err(faults) => {
            assert!(faults.has_errors());
            have_places(&faults, text);
        }
        Ok(checked) => {
            assert!(!checked.warnings.has_errors());
            have_places(&checked.warnings, text);
            can_be_used(&Arc::new(checked.value));
        }
    }
}

fn have_places(faults: &Faults, text: &str) {
    assert_eq!(faults.source, text);
    for fault in &faults.faults {
        assert!(text.get(fault.span.clone()).is_some(), "{fault} is at {:?}", fault.span);
        assert!(fault.line > 0 && fault.column > 0 && !fault.message.is_empty());
    }
    let _ = faults.to_string();
}

/// Written out, it is the same component; and accounts of it are resolved, or say what they miss.
fn can_be_used(component: &Arc<Component>) {
    let text = serde_json::to_string(component.as_ref()).expect("a component can be written");
    let again: Component = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(serde_json::to_string(&again).expect("a component can be written"), text);

    for value in ["1", "app", "v2.0", "https://acme.example.com"] {
        let inputs = inputs(component, value);
        for environment in component.environments.keys() {
            for grant in component.oauth2.grants.names() {
                let settings = AccountSettings {
                    environment: Some(environment.clone()),
                    grant: Some(grant.to_owned()),
                    ..AccountSettings::default()
                };
                let credential = Credential::demo(&component.name, inputs.clone());
                match Account::resolve(component, &credential, &settings) {
                    Ok(account) => {
                        let _ = (account.label(), account.scope_text(), account.sign_in_hint());
                    }
                    Err(error) => assert!(!error.to_string().is_empty()),
                }
            }
        }
    }
    let body = Bytes::from_static(
        br#"{"access_token":"t","token_type":"bearer","expires_in":60,"error":"please wait 3 seconds"}"#,
    );
    for status in [StatusCode::OK, StatusCode::TOO_MANY_REQUESTS] {
        let answer = WireAnswer { status, headers: HeaderMap::new(), body: body.clone().into() };
        let end = AttemptEnd::Answered(answer);
        let _ =
            hear(end, &Hearing::of(component, Encoding::Form, &Redactor::default(), std::time::SystemTime::UNIX_EPOCH));
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("component.json");
    std::fs::write(&file, text).expect("it can be written");
    let name = &component.name;
    let host = Host::builder().component_file(&file).override_component(name).transport(Nothing).build();
    let host = host.unwrap_or_else(|error| panic!("{error}"));
    let Ok(connection) = host.connect(Credential::demo(name, inputs(component, "app"))) else { return };
    for (action, declared) in &component.actions {
        for value in [Value::from("app"), Value::from(1), serde_json::json!({"a": [{}]})] {
            let bare = Message::action(action);
            let message = declared.url.names().fold(bare, |message, name| message.param(name, value.clone()));
            if let Err(failure) = connection.explain(&message) {
                assert_ne!(failure.code.as_str(), "internal", "{failure}");
            }
        }
    }
}

/// Every input that the component knows, with one value.
fn inputs<'v>(component: &Component, value: &'v str) -> BTreeMap<String, &'v str> {
    let prefix = Component::variable_prefix(&component.name);
    let names = ["CLIENT_ID", "CLIENT_SECRET", "USERNAME", "PASSWORD", "REFRESH_TOKEN"];
    let variables = component.variables.keys().map(|name| name.to_ascii_uppercase());
    names.into_iter().map(str::to_owned).chain(variables).map(|name| (format!("{prefix}{name}"), value)).collect()
}

/// A transport that is never used.
struct Nothing;

impl Transport for Nothing {
    fn send(&self, _: WireCall) -> SendFuture<'_> {
        Box::pin(async { panic!("nothing is sent") })
    }
}

fn changes(text: &str) -> Value {
    static PODIO: LazyLock<Value> = LazyLock::new(|| {
        let (_, text) =
            keyway_components::BUILT_IN.iter().find(|(name, _)| *name == "podio").expect("Podio is built in");
        serde_json::from_str(text).expect("it is JSON")
    });
    let mut document = PODIO.clone();
    for line in text.lines() {
        let (pointer, value) = line.split_once(' ').unwrap_or((line, ""));
        let Some((parent, key)) = pointer.rsplit_once('/') else { continue };
        let key = key.replace("~1", "/").replace("~0", "~");
        let value: Option<Value> = serde_json::from_str(value).ok();
        match (document.pointer_mut(parent), value) {
            (Some(Value::Object(members)), Some(value)) => {
                members.insert(key, value);
            }
            (Some(Value::Object(members)), None) => {
                members.shift_remove(&key);
            }
            (Some(Value::Array(items)), value) => match (key.parse::<usize>(), value) {
                (Ok(at), Some(value)) if at < items.len() => items[at] = value,
                (Ok(at), None) if at < items.len() => {
                    items.remove(at);
                }
                (_, Some(value)) => items.push(value),
                _ => {}
            },
            _ => {}
        }
    }
    document
}
