//! Descriptions of every version, and what becomes of them.

use super::*;
use crate::check_component;

fn imported(document: &Value) -> Imported {
    let imported = openapi(document, &ImportChoices::default()).unwrap_or_else(|error| panic!("{error}"));
    let text = serde_json::to_string_pretty(&imported.component).unwrap();
    if let Err(faults) = check_component("imported", &text) {
        panic!("{:#?}\n{text}", faults.faults);
    }
    imported
}

fn version_3() -> Value {
    json!({
        "openapi": "3.0.3",
        "info": { "title": "Pet Store", "description": "All about pets. And their owners.", "version": "7" },
        "externalDocs": { "url": "https://docs.pets.test" },
        "servers": [
            { "url": "https://{region}.pets.test/{basePath}/", "variables": {
                "region": { "enum": ["eu", "us"], "default": "eu" }, "basePath": { "default": "v2" } } },
            { "url": "https://sandbox.pets.test/v2" }
        ],
        "components": {
            "securitySchemes": {
                "login": { "type": "oauth2", "flows": {
                    "authorizationCode": {
                        "authorizationUrl": "https://id.pets.test/authorize", "tokenUrl": "/oauth/token",
                        "refreshUrl": "https://id.pets.test/refresh", "scopes": { "pets:read": "", "pets:write": "", "admin": "" }
                    },
                    "clientCredentials": { "tokenUrl": "/oauth/token", "scopes": { "pets:read": "" } },
                    "implicit": { "authorizationUrl": "https://id.pets.test/authorize", "scopes": {} }
                } },
                "key": { "type": "apiKey", "in": "header", "name": "X-Key" }
            },
            "parameters": {
                "Trace": { "name": "X-Trace-ID", "in": "header", "required": true, "schema": { "type": "string" } }
            },
            "schemas": { "Kind": { "type": "string", "enum": ["cat", "dog"], "nullable": true, "example": "cat" } }
        },
        "security": [{ "login": ["pets:read"] }],
        "paths": {
            "/pets/{petId}": {
                "parameters": [{ "name": "petId", "in": "path", "required": true, "schema": { "type": "integer", "minimum": 0, "exclusiveMinimum": true } }],
                "get": { "operationId": "getPet", "summary": "One pet.", "parameters": [{ "$ref": "#/components/parameters/Trace" }] },
                "put": { "security": [{ "login": ["pets:write"] }], "requestBody": { "content": {} } }
            },
            "/pets": {
                "get": { "operationId": "listPets", "parameters": [
                    { "name": "filter[kind]", "in": "query", "schema": { "$ref": "#/components/schemas/Kind" } },
                    { "name": "ids", "in": "query", "schema": { "type": "array", "items": { "type": "string" } } },
                    { "name": "session", "in": "cookie", "schema": { "type": "string" } },
                    { "name": "Accept", "in": "header", "schema": { "type": "string" } }
                ] }
            }
        }
    })
}

#[test]
fn version_3_with_all_that_it_may_have() {
    let Imported { component, left_out } = imported(&version_3());
    assert_eq!(component["name"], "pet-store");
    assert_eq!(component["description"], "All about pets.");
    assert_eq!(component["api"]["base_url"], "https://{region}.pets.test/{base_path}");
    assert_eq!(component["variables"]["region"]["pattern"], "eu|us");
    assert_eq!(component["variables"]["base_path"]["default"], "v2");
    let oauth2 = &component["oauth2"];
    assert_eq!(oauth2["token_endpoint"], "https://{region}.pets.test/oauth/token");
    assert_eq!(oauth2["refresh_endpoint"], "https://id.pets.test/refresh");
    let grants: Vec<&String> = oauth2["grants"].as_object().unwrap().keys().collect();
    assert_eq!(grants, ["authorization_code", "client_credentials", "refresh_token"]);
    assert_eq!(oauth2["scope"]["default"], json!(["pets:read", "pets:write"]), "what operations ask for");
    let get = &component["actions"]["get_pet"];
    assert_eq!((&get["method"], &get["url"]), (&json!("GET"), &json!("/pets/{pet_id}")));
    assert_eq!(get["headers"], json!({ "X-Trace-ID": "{x_trace_id}" }));
    assert_eq!(get["params"]["required"], json!(["x_trace_id", "pet_id"]));
    assert_eq!(
        get["params"]["properties"]["pet_id"],
        json!({ "type": "integer", "minimum": 0, "exclusiveMinimum": 0 })
    );
    assert_eq!(component["actions"]["put_pets_pet_id"]["method"], "PUT");
    let list = &component["actions"]["list_pets"];
    assert_eq!(list["query"], json!({ "filter[kind]": "{filter_kind}" }));
    assert_eq!(list["params"]["properties"]["filter_kind"]["type"], json!(["string", "null"]));
    assert_eq!(component["verify"], "list_pets");
    for told in [
        "sandbox.pets.test",
        "`implicit`",
        "`key` (apiKey)",
        "`ids`",
        "`session`",
        "Bodies of requests",
        "client_secret_basic",
    ] {
        assert!(left_out.iter().any(|line| line.contains(told)), "{told}: {left_out:#?}");
    }
}

#[test]
fn version_2_with_all_that_it_may_have() {
    let document = json!({
        "swagger": "2.0", "info": { "title": "2nd API" }, "host": "api.old.test", "basePath": "/v1", "schemes": ["http"],
        "securityDefinitions": {
            "app": { "type": "oauth2", "flow": "application", "tokenUrl": "http://api.old.test/token", "scopes": { "all": "" } },
            "web": { "type": "oauth2", "flow": "accessCode", "authorizationUrl": "https://api.old.test/auth", "tokenUrl": "https://other.test/token", "scopes": {} }
        },
        "paths": {
            "/things/{id}/{undescribed}": { "delete": { "parameters": [
                { "name": "id", "in": "path", "required": true, "type": "string", "pattern": "^[0-9]+$" },
                { "name": "force", "in": "query", "type": "boolean", "required": false },
                { "name": "body", "in": "body", "schema": {} }
            ] } },
            "/odd?x=1": { "get": {} }
        }
    });
    let Imported { component, left_out } = imported(&document);
    assert_eq!(component["name"], "nd-api");
    assert_eq!(component["api"]["base_url"], "https://api.old.test/v1");
    assert_eq!(component["oauth2"]["token_endpoint"], "https://api.old.test/token");
    assert_eq!(component["oauth2"]["grants"], json!({ "client_credentials": {} }));
    let action = &component["actions"]["delete_things_id_undescribed"];
    assert_eq!(action["query"], json!({ "force": "{force}" }));
    assert_eq!(action["params"]["required"], json!(["id", "undescribed"]));
    for told in ["over http", "token URL of its own", "/odd?x=1", "Bodies of requests"] {
        assert!(left_out.iter().any(|line| line.contains(told)), "{told}: {left_out:#?}");
    }
}

#[test]
fn what_cannot_become_a_component_says_why() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut document = version_3();
        change(&mut document);
        openapi(&document, &ImportChoices::default()).unwrap_err().to_string()
    };
    assert!(with(&|document| document["openapi"] = json!("4.0.0")).contains("its version is 4.0.0"));
    assert!(
        with(&|document| _ = document.as_object_mut().unwrap().remove("openapi")).contains("neither `openapi` nor")
    );
    assert!(with(&|document| document["servers"] = json!([{ "url": "/v2" }])).contains("--base-url"));
    assert!(
        with(&|document| document["components"]["securitySchemes"] = json!({ "k": { "type": "http" } }))
            .contains("`k` (http)")
    );
    assert!(openapi(&json!([1]), &ImportChoices::default()).is_err());
}

#[test]
fn references_that_lead_nowhere_or_in_circles_end() {
    let mut document = version_3();
    document["components"]["schemas"]["Kind"] =
        json!({ "anyOf": [{ "$ref": "#/components/schemas/Kind" }, { "$ref": "#/nowhere" }] });
    document["paths"]["/pets"]["get"]["parameters"][0] =
        json!({ "name": "a", "in": "query", "schema": { "$ref": "#/components/schemas/Kind" } });
    document["paths"]["/loop"] = json!({ "$ref": "#/paths/~1loop" });
    imported(&document);
}
