//! `keyway component import`: a description goes in, and a component that works comes out.

mod support;

use std::fs;

use keyway_tests::mock::{Mock, Seen, reply};
use serde_json::{Value, json};
use support::{Home, json as parsed};

/// An API that tells what it was sent.
async fn echo() -> Mock {
    Mock::api(|seen: Seen| async move { reply(200, &json!({"path": seen.path, "query": seen.query})) }).await
}

fn description(url: &str) -> String {
    format!(
        "openapi: 3.1.0\n\
         info: {{ title: Pets, version: '1' }}\n\
         servers: [{{ url: '{url}/api' }}]\n\
         components:\n  securitySchemes:\n    app:\n      type: oauth2\n      flows:\n        clientCredentials:\n          tokenUrl: {url}/token\n          scopes: {{ 'pets:read': Reads pets. }}\n    key: {{ type: apiKey, in: header, name: X-Key }}\n\
         paths:\n  /pets/{{petId}}:\n    get:\n      operationId: getPet\n      parameters:\n        - {{ name: petId, in: path, required: true, schema: {{ type: integer }} }}\n        - {{ name: full, in: query, schema: {{ type: boolean }} }}\n"
    )
}

const ACCOUNT: [(&str, &str); 2] = [("PETS_CLIENT_ID", "pets-client"), ("PETS_CLIENT_SECRET", "pets-secret")];

#[tokio::test(flavor = "multi_thread")]
async fn an_openapi_description_becomes_a_component_that_works() {
    let (home, api) = (Home::new(), echo().await);
    home.write("api.yaml", description(&api.url));
    let import = ["component", "import", "openapi", "api.yaml", "--output", "pets.json"];
    let ran = home.keyway(import).run("").await.succeeded();
    assert!(ran.stderr.contains("`key` (apiKey)") && ran.stderr.contains("client_secret_basic"), "{ran}");
    home.keyway(["component", "check", "pets.json"]).run("").await.succeeded();

    let request = ["request", "./pets.json", "--action", "get_pet", "--param", "pet_id=7", "--param", "full=true"];
    let ran = home.keyway(request).envs(ACCOUNT).run("").await.succeeded();
    assert_eq!(parsed(ran.text()), json!({"path": "/api/pets/7", "query": "full=true"}));
    // Its parameters are checked against their schemas.
    let request = ["request", "./pets.json", "--action", "get_pet", "--param", "pet_id=seven"];
    let ran = home.keyway(request).envs(ACCOUNT).run("").await;
    assert!(ran.code() == Some(1) && ran.stderr.contains("pet_id"), "{ran}");

    // What is there already is somebody's work.
    home.keyway(import).run("").await.refused(2, &["`pets.json` is there already", "--output"]);
    // Without a file it goes to standard output, and nothing else does.
    let ran = home.keyway(["component", "import", "openapi", "api.yaml", "--name", "mine"]).run("").await.succeeded();
    let component: Value = parsed(ran.text());
    assert_eq!((&component["name"], &component["title"]), (&json!("mine"), &json!("Pets")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_elasticio_component_becomes_one_of_ours() {
    let home = Home::new();
    let description = json!({
        "title": "Acme", "credentials": {
            "fields": { "retryCount": { "placeholder": 5 }, "retryDelay": { "placeholder": "10000" } },
            "oauth2": { "auth_uri": "https://acme.test/authorize", "token_uri": "https://acme.test/token" }
        },
        "actions": { "upsert": { "title": "Upsert object" } }
    });
    home.write("component.json", description.to_string());
    let import = ["component", "import", "elasticio", "component.json"];
    home.keyway(import).run("").await.refused(2, &["--base-url"]);
    let ran = home.keyway(import).args(["--base-url", "https://acme.test/api"]).run("").await.succeeded();
    assert!(ran.stderr.contains("`upsert` (Upsert object) is code"), "{ran}");
    assert_eq!(parsed(ran.text())["retry"], json!({"count": 5, "delay_ms": 10000}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_description_is_refused() {
    let home = Home::new();
    let table = [
        ("{\"openapi\":", "is no valid JSON"),
        ("a: [", "neither JSON nor YAML"),
        ("just text", "no OpenAPI description"),
        ("openapi: 3.0.0\nservers: [{url: 'https://a.test'}]", "no OAuth2 flow"),
        ("openapi: 3.0.0", "--base-url"),
    ];
    for (text, said) in table {
        home.write("api", text);
        let ran = home.keyway(["component", "import", "openapi", "api", "--output", "out.json"]).run("").await;
        ran.refused(2, &[said]);
        assert!(fs::metadata(home.file("out.json")).is_err(), "{text}");
    }
}
