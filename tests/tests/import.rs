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
    assert!(ran.stderr.contains("client_secret_basic"), "{ran}");
    home.keyway(["component", "check", "pets.json"]).run("").await.succeeded();

    let request = ["request", "./pets.json", "--action", "get_pet", "--param", "pet_id=7", "--param", "full=true"];
    let ran = home.keyway(request).envs(ACCOUNT).run("").await.succeeded();
    assert_eq!(parsed(ran.text()), json!({"path": "/api/pets/7", "query": "full=true"}));
    // Its parameters are checked against their schemas.
    let request = ["request", "./pets.json", "--action", "get_pet", "--param", "pet_id=seven"];
    let ran = home.keyway(request).envs(ACCOUNT).run("").await;
    assert!(ran.code() == Some(1) && ran.stderr.contains("pet_id"), "{ran}");
    // What the schema says is text is text, however it looks.
    let text = fs::read_to_string(home.path().join("pets.json"))
        .unwrap()
        .replace("\"type\": \"integer\"", "\"type\": \"string\"");
    home.write("texts.json", text);
    let request = ["request", "./texts.json", "--action", "get_pet", "--param", "pet_id=007"];
    let ran = home.keyway(request).envs(ACCOUNT).run("").await.succeeded();
    assert_eq!(parsed(ran.text())["path"], "/api/pets/007");

    // Some editors begin a file with a byte order mark, and end lines otherwise.
    home.write("windows.yaml", format!("\u{feff}{}", description(&api.url).replace('\n', "\r\n")));
    home.keyway(["component", "import", "openapi", "windows.yaml", "--output", "windows.json"])
        .run("")
        .await
        .succeeded();

    // YAML has anchors and merges.
    let key = "key: { type: apiKey, in: header, name: X-Key }";
    let merged = "key: &key { type: apiKey, in: header, name: X-Key }\n    other: { <<: *key, name: X-Other }";
    home.write("merged.yaml", description(&api.url).replace(key, merged));
    let ran = home.keyway(["component", "import", "openapi", "merged.yaml"]).run("").await.succeeded();
    assert!(ran.stderr.contains("The key `other`"), "{ran}");

    // What is there already is somebody's work.
    home.keyway(import).run("").await.refused(2, &["`pets.json` is there already", "give another name"]);
    // Without a file it goes to standard output, and nothing else does.
    let ran = home.keyway(["component", "import", "openapi", "api.yaml", "--name", "mine"]).run("").await.succeeded();
    let component: Value = parsed(ran.text());
    assert_eq!((&component["name"], &component["title"]), (&json!("mine"), &json!("Pets")));
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_bodies_are_sent_and_held_against_their_schemas() {
    let (home, api) = (
        Home::new(),
        Mock::api(|seen: Seen| async move {
            let label = seen.header("content-type").split(';').next().unwrap_or_default().to_owned();
            reply(200, &json!({ "query": seen.query, "label": label, "body": String::from_utf8_lossy(&seen.body) }))
        })
        .await,
    );
    let document = json!({
        "openapi": "3.0.0", "info": { "title": "Pets" }, "servers": [{ "url": format!("{}/api", api.url) }],
        "components": { "securitySchemes": { "a": { "type": "oauth2", "flows": { "clientCredentials": { "tokenUrl": format!("{}/token", api.url), "scopes": {} } } } } },
        "paths": {
            "/pets": {
                "post": { "operationId": "createPet", "requestBody": { "required": true, "content": { "application/json": {
                    "schema": { "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } } } } } },
                "get": { "operationId": "listPets", "parameters": [
                    { "name": "ids", "in": "query", "schema": { "type": "array", "items": { "type": "integer" } } }] }
            },
            "/search": { "post": { "operationId": "search", "requestBody": { "content": { "application/x-www-form-urlencoded": {
                "schema": { "type": "object", "required": ["q"], "properties": { "q": { "type": "string" }, "in": { "type": "array", "items": { "type": "string" } } } } } } } } },
            "/photos": { "post": { "operationId": "addPhoto", "requestBody": { "content": { "multipart/form-data": {
                "schema": { "type": "object", "properties": { "photo": { "type": "string", "format": "binary" }, "note": { "type": "string" } } } } } } } }
        }
    });
    home.write("api.json", document.to_string());
    home.keyway(["component", "import", "openapi", "api.json", "-o", "pets.json"]).run("").await.succeeded();
    let lines = [
        json!({ "id": 1, "action": "create_pet", "body": { "name": "Mia" } }),
        json!({ "id": 2, "action": "create_pet", "body": { "name": 7 } }),
        json!({ "id": 3, "action": "create_pet" }),
        json!({ "id": 4, "action": "list_pets", "params": { "ids": [1, 2] } }),
        json!({ "id": 5, "action": "search", "params": { "q": "a b", "in": ["x", "y"] } }),
        json!({ "id": 6, "action": "add_photo", "params": { "filename": "a.png", "note": "n" }, "body_base64": "iVA=" }),
        json!({ "id": 7, "action": "create_pet", "text": "Mia" }),
    ];
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let ran = home.keyway(["run", "./pets.json", "--keep-order"]).envs(ACCOUNT).run(input).await;
    let outcomes = ran.outcomes();
    let body = |n: usize| &outcomes[n]["body"];
    assert_eq!(*body(0), json!({ "query": "", "label": "application/json", "body": "{\"name\":\"Mia\"}" }), "{ran}");
    let error = |n: usize| outcomes[n]["error"]["message"].as_str().unwrap_or_default();
    assert!(error(1).contains("`body` of `create_pet`: `/name`"), "{ran}");
    assert!(error(2).contains("`create_pet` needs a body"), "{ran}");
    assert_eq!(body(3)["query"], "ids=1&ids=2");
    assert_eq!(
        (&body(4)["label"], &body(4)["body"]),
        (&json!("application/x-www-form-urlencoded"), &json!("q=a+b&in=x&in=y"))
    );
    assert_eq!(body(5)["label"], "multipart/form-data");
    assert!(body(5)["body"].as_str().unwrap().contains("filename=\"a.png\""), "{ran}");
    assert!(error(6).contains("takes a JSON body"), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_elasticio_component_becomes_one_of_ours() {
    let home = Home::new();
    let description = json!({
        "title": "Acme", "credentials": {
            "fields": { "retryCount": { "placeholder": 5 }, "retryDelay": { "placeholder": "10000" } },
            "oauth2": { "auth_uri": "https://acme.test/authorize", "token_uri": "https://acme.test/token" }
        },
        "actions": {
            "upsert": { "title": "Upsert object", "metadata": { "in": "./schemas/upsert.in.json" } },
            "outside": { "title": "Outside", "metadata": { "in": "../secret.json" } }
        }
    });
    let schema = json!({ "type": "object", "properties": { "name": { "type": "string", "required": true } } });
    home.write("schemas/upsert.in.json", schema.to_string());
    home.write("component.json", description.to_string());
    let import = ["component", "import", "elasticio", "component.json"];
    home.keyway(import).run("").await.refused(2, &["--base-url"]);
    let ran = home.keyway(import).args(["--base-url", "https://acme.test/api"]).run("").await.succeeded();
    assert!(ran.stderr.contains("`upsert` (Upsert object): its request is code"), "{ran}");
    assert!(ran.stderr.contains("`outside`: the schema of what it takes is not in the description"), "{ran}");
    assert_eq!(parsed(ran.text())["actions"]["upsert"]["body_schema"]["required"], json!(["name"]));
    assert_eq!(parsed(ran.text())["retry"], json!({"count": 5, "delay_ms": 10000}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_description_is_refused() {
    let home = Home::new();
    let table = [
        ("{\"openapi\":", "is no valid JSON"),
        ("a: [", "neither JSON nor YAML"),
        ("{openapi: 3.0, servers: []}", "--base-url"),
        ("just text", "no OpenAPI description"),
        ("openapi: 3.0.0\nservers: [{url: 'https://a.test'}]", "does not say how a token is got"),
        ("openapi: 3.0.0", "--base-url"),
    ];
    for (text, said) in table {
        home.write("api", text);
        let ran = home.keyway(["component", "import", "openapi", "api", "--output", "out.json"]).run("").await;
        ran.refused(2, &[said]);
        assert!(fs::metadata(home.file("out.json")).is_err(), "{text}");
    }
}

/// As Stripe, Box and many others describe their bodies.
#[tokio::test(flavor = "multi_thread")]
async fn forms_of_objects_parts_of_json_and_labels_of_ones_own() {
    let (home, api) = (
        Home::new(),
        Mock::api(|seen: Seen| async move {
            let body = String::from_utf8_lossy(&seen.body).into_owned();
            reply(
                200,
                &json!({ "label": seen.header("content-type"), "accept": seen.header("accept"),
                "authorization": seen.header("authorization"), "query": seen.query, "body": body }),
            )
        })
        .await,
    );
    let object = |properties: Value| json!({ "type": "object", "properties": properties });
    let document = json!({
        "openapi": "3.0.0", "info": { "title": "Pets" }, "servers": [{ "url": format!("{}/api", api.url) }],
        "components": { "securitySchemes": {
            "a": { "type": "oauth2", "flows": { "clientCredentials": { "tokenUrl": format!("{}/token", api.url), "scopes": { "pets": "" } } } },
            "k": { "type": "apiKey", "in": "query", "name": "subscription-key" } } },
        "security": [{ "a": ["pets"], "k": [] }],
        "paths": {
            "/charges": { "post": { "operationId": "charge", "requestBody": { "content": { "application/x-www-form-urlencoded": {
                "schema": object(json!({ "expand": { "type": "array", "items": { "type": "string" } }, "metadata": { "type": "object" },
                    "items": { "type": "array", "items": { "type": "object" } } })),
                "encoding": { "expand": { "style": "deepObject", "explode": true } } } } } } },
            "/files": { "post": { "operationId": "upload", "requestBody": { "content": { "multipart/form-data": {
                "schema": object(json!({ "attributes": { "type": "object" }, "tags": { "type": "array", "items": { "type": "string" } },
                    "file": { "type": "string", "format": "binary" } })) } } } } },
            "/patch": { "patch": { "operationId": "change", "requestBody": { "content": { "application/json-patch+json": {} } },
                "responses": { "200": { "content": { "application/vnd.pets.v1+json": {} } } } } },
            "/search": { "get": { "operationId": "search", "parameters": [
                { "name": "created", "in": "query", "style": "deepObject", "schema": { "anyOf": [{ "type": "object" }, { "type": "integer" }] } },
                { "name": "filter", "in": "query", "style": "deepObject", "schema": { "type": "object" } },
                { "name": "expand", "in": "query", "style": "deepObject", "schema": { "type": "array", "items": { "type": "string" } } }] } },
            "/open": { "get": { "operationId": "anybody", "security": [] } }
        }
    });
    home.write("api.json", document.to_string());
    home.keyway(["component", "import", "openapi", "api.json", "-o", "pets.json"]).run("").await.succeeded();
    let lines = [
        json!({ "action": "charge", "params": { "expand": ["a", "b"], "metadata": { "k": "v", "n": { "x": [1, 2] } }, "items": [{ "price": "p" }] } }),
        json!({ "action": "upload", "params": { "attributes": { "name": "a" }, "tags": ["x", "y"] } }),
        json!({ "action": "upload", "params": { "tags": [] }, "body_base64": "iVA=" }),
        json!({ "action": "change", "body": [] }),
        json!({ "action": "anybody" }),
        json!({ "action": "search", "params": { "created": { "gt": 7 }, "filter": { "a": { "b": "c" } }, "expand": ["x"] } }),
        json!({ "action": "search", "params": { "created": 7 } }),
        json!({ "action": "upload" }),
    ];
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let key = ("PETS_SUBSCRIPTION_KEY", "key-canary");
    let run = home.keyway(["run", "./pets.json", "--keep-order", "-v"]).envs(ACCOUNT).envs([key]);
    let ran = run.run(input).await.succeeded();
    let outcomes = ran.outcomes();
    let told = |n: usize, what: &str| outcomes[n]["body"][what].as_str().unwrap_or_default().to_owned();
    let form: Vec<(String, String)> = url::form_urlencoded::parse(told(0, "body").as_bytes()).into_owned().collect();
    let wanted = [
        ("expand[]", "a"),
        ("expand[]", "b"),
        ("metadata[k]", "v"),
        ("metadata[n][x][]", "1"),
        ("metadata[n][x][]", "2"),
        ("items[0][price]", "p"),
    ];
    for (name, value) in wanted {
        assert!(form.contains(&(name.to_owned(), value.to_owned())), "{name}: {form:?}");
    }
    assert_eq!(form.len(), wanted.len(), "{form:?}");
    let parts = told(1, "body");
    assert!(
        parts.contains("name=\"attributes\"\r\nContent-Type: application/json\r\n\r\n{\"name\":\"a\"}\r\n"),
        "{parts}"
    );
    assert_eq!((parts.matches("name=\"tags\"").count(), parts.contains("filename")), (2, false), "{parts}");
    assert!(told(2, "body").contains("name=\"file\"; filename=\"file\""), "{ran}");
    assert_eq!(
        (told(3, "label").as_str(), told(3, "accept").as_str()),
        ("application/json-patch+json", "application/vnd.pets.v1+json")
    );
    assert_eq!(
        (told(3, "query").as_str(), told(3, "authorization").as_str()),
        ("subscription-key=key-canary", "Bearer token-1")
    );
    assert_eq!((told(4, "query"), told(4, "authorization")), (String::new(), String::new()), "nothing of the account");
    let query = |n: usize| url::form_urlencoded::parse(told(n, "query").as_bytes()).into_owned().collect::<Vec<_>>();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let wanted = [pair("created[gt]", "7"), pair("expand[]", "x"), pair("filter[a][b]", "c")];
    assert!(wanted.iter().all(|pair| query(5).contains(pair)), "{ran}");
    assert!(query(6).contains(&pair("created", "7")), "{ran}");
    assert_eq!(
        (told(7, "body"), told(7, "label")),
        (String::new(), String::new()),
        "nothing is given, so there is no body"
    );
    assert!(!ran.stderr.contains("key-canary"), "{ran}");
    let token = api.seen("/token")[0].text().to_owned();
    assert!(token.contains("scope=pets"), "{token}");
    let explain = home.keyway(["request", "./pets.json", "GET", "/open", "--explain"]).envs(ACCOUNT).envs([key]);
    let ran = explain.run("").await.succeeded();
    assert!(ran.text().contains("subscription-key=***") && !ran.text().contains("key-canary"), "{ran}");
}
