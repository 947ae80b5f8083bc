//! `keyway component new`: a component that is sound and tested from its first minute.

use std::{fs, io, path::Path, process::ExitCode};

use serde_json::{Map, Value, json};

use crate::{
    args::component::NewArgs,
    ask,
    commands::print,
    exit::{CliError, SUCCESS},
};

pub(super) fn run(args: NewArgs) -> Result<ExitCode, CliError> {
    let base_url = given_or_asked(&args.base_url, "--base-url", "The API's base URL")?;
    let token_endpoint = given_or_asked(&args.token_endpoint, "--token-endpoint", "Its token endpoint")?;
    let component = component(&args, &base_url, &token_endpoint);
    let text = format!("{component:#}\n");
    // Before anything is written: what is faulty is told as in any file.
    keyway::check_component(&args.name, &text).map_err(|faults| CliError::Faults(Box::new(faults)))?;
    let folder = args.dir.join(&args.name);
    let shown = folder.display();
    match fs::create_dir_all(&args.dir).and_then(|()| fs::create_dir(&folder)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(CliError::Usage(format!("`{shown}` is there already; give another name, or another --dir")));
        }
        made => made.map_err(|why| CliError::Output { what: format!("`{shown}`"), why })?,
    }
    write(&folder, "component.json", &text)?;
    write(&folder, "examples/messages.ndjson", "{\"method\":\"GET\",\"url\":\"/\",\"id\":1}\n")?;
    let exchange = exchange(&args, &base_url, &token_endpoint);
    write(&folder, "exchanges/first.json", &format!("{exchange:#}\n"))?;
    let said = format!(
        "{shown}/component.json           the component: what differs from the standard is said here\n\
         {shown}/examples/messages.ndjson messages to try it with\n\
         {shown}/exchanges/first.json     what is sent and answered; `***` stands for anything\n\n\
         Next:   keyway component check {shown}\n        keyway component test {shown}\n"
    );
    print(said.as_bytes())?;
    Ok(ExitCode::from(SUCCESS))
}

fn given_or_asked(given: &Option<String>, flag: &str, question: &str) -> Result<String, CliError> {
    match given {
        Some(text) => Ok(text.clone()),
        None if ask::on_terminal() => ask::text(question, None),
        None => Err(CliError::Usage(format!("{flag} is missing; give it, or run this on a terminal"))),
    }
}

fn component(args: &NewArgs, base_url: &str, token_endpoint: &str) -> Value {
    let title = args.title.clone().unwrap_or_else(|| title_of(&args.name));
    let mut oauth2 = Map::new();
    let grants = match &args.authorization_endpoint {
        Some(endpoint) => {
            oauth2.insert("authorization_endpoint".to_owned(), json!(endpoint));
            json!({ "authorization_code": {}, "refresh_token": {} })
        }
        None => json!({ "client_credentials": {} }),
    };
    oauth2.insert("token_endpoint".to_owned(), json!(token_endpoint));
    oauth2.insert("token_endpoint_auth_method".to_owned(), json!(args.token_endpoint_auth_method));
    oauth2.insert("grants".to_owned(), grants);
    if !args.scope.is_empty() {
        oauth2.insert("scope".to_owned(), json!({ "default": args.scope }));
    }
    json!({
        "keyway": 1, "name": args.name, "title": title, "version": "0.1.0",
        "environments": { "production": {} },
        "oauth2": oauth2,
        "api": { "base_url": base_url },
        "verify": "root",
        "actions": { "root": { "description": "Shows that an account works.", "method": "GET", "url": "/" } }
    })
}

/// A token is got, and the example's message goes out with it.
fn exchange(args: &NewArgs, base_url: &str, token_endpoint: &str) -> Value {
    let grant = if args.authorization_endpoint.is_some() { "authorization_code" } else { "client_credentials" };
    let token = json!({ "access_token": "a-token", "token_type": "Bearer", "expires_in": 3600 });
    json!({
        "title": "A message is sent with a token that is got first.",
        "messages": [{ "method": "GET", "url": "/", "id": 1 }],
        "exchanges": [
            {
                "request": { "method": "POST", "url": token_endpoint, "body": { "grant_type": grant } },
                "response": { "status": 200, "body": token }
            },
            {
                "request": {
                    "method": "GET", "url": format!("{}/", base_url.trim_end_matches('/')),
                    "headers": { "authorization": "Bearer a-token" }
                },
                "response": { "status": 200, "body": { "ok": true } }
            }
        ],
        "outcomes": [{ "id": 1, "status": 200, "body": { "ok": true } }]
    })
}

/// `my-crm` is `My crm`.
fn title_of(name: &str) -> String {
    let words = name.replace('-', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), CliError> {
    let path = folder.join(name);
    let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
    made.map_err(|why| CliError::Output { what: format!("`{}`", path.display()), why })
}
