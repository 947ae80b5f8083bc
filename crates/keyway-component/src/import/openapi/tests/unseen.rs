//! What descriptions showed that were imported after all of this had been written.

use super::*;

/// A description with these servers, one key and one path.
fn with_servers(servers: Value) -> Value {
    json!({
        "openapi": "3.0.3", "info": { "title": "Pets" }, "servers": servers,
        "components": { "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } } },
        "security": [{ "token": [] }], "paths": { "/x": { "get": { "operationId": "x" } } }
    })
}

#[test]
fn servers_of_every_spelling() {
    let default = |name: &str, value: &str| json!({ name: { "default": value } });
    for (servers, wanted, pattern) in [
        (json!([{ "url": "wss://a.test" }, { "url": "https://b.test/v1?x=1#y" }]), "https://b.test/v1", None),
        (json!([{ "url": "http://localhost:3000" }, { "url": "https://b.test" }]), "https://b.test", None),
        (json!([{ "url": "http://localhost:3000/v1" }]), "http://localhost:3000/v1", None),
        (json!([{ "url": "https://user:word@b.test/v1" }]), "https://b.test/v1", None),
        (json!([{ "url": "{base}/v1", "variables": default("base", "https://b.test/") }]), "https://b.test/v1", None),
        (
            json!([{ "url": "{scheme}://{host}", "variables": { "scheme": { "default": "http", "enum": ["http", "https"] },
                "host": { "default": "b.test:8989" } } }]),
            "https://{host}",
            Some("[A-Za-z0-9.-]+(:[0-9]+)?"),
        ),
    ] {
        let component = imported(&with_servers(servers)).component;
        assert_eq!(component["api"]["base_url"], wanted);
        assert_eq!(component["variables"]["host"]["pattern"].as_str(), pattern, "{wanted}");
    }
}

#[test]
fn the_path_of_a_relative_server_follows_the_host_that_a_person_gives() {
    let given = |base_url: &str, document: &Value| {
        let choices = ImportChoices { base_url: Some(base_url.to_owned()), ..ImportChoices::default() };
        openapi(document, &choices).unwrap().component["api"]["base_url"].clone()
    };
    let relative = with_servers(json!([{ "url": "/api/v3" }]));
    assert_eq!(given("https://pets.test/", &relative), "https://pets.test/api/v3");
    assert_eq!(given("https://pets.test/own", &relative), "https://pets.test/own");
    let swagger = json!({
        "swagger": "2.0", "info": { "title": "Pets" }, "basePath": "/v1/",
        "securityDefinitions": { "key": { "type": "apiKey", "in": "header", "name": "X" } }, "paths": {}
    });
    assert_eq!(given("https://pets.test", &swagger), "https://pets.test/v1");
}

#[test]
fn operations_have_servers_of_their_own() {
    let mut document = with_servers(json!([{ "url": "https://a.test/v1" }]));
    let at = |server: Value| json!({ "get": { "servers": [server] } });
    document["paths"] = json!({
        "/same": at(json!({ "url": "https://a.test/v1/" })), "/other": at(json!({ "url": "https://b.test" })),
        "/region": at(json!({ "url": "https://{r}.c.test", "variables": { "r": { "default": "eu" } } })),
        "/next": at(json!({ "url": "/v2" }))
    });
    let component = imported(&document).component;
    let urls: Vec<&str> = ["same", "other", "region", "next"]
        .iter()
        .map(|name| component["actions"][format!("get_{name}")]["url"].as_str().unwrap())
        .collect();
    assert_eq!(urls, ["/same", "https://b.test/other", "https://eu.c.test/region", "https://a.test/v2/next"]);
    let origins: Vec<&Value> =
        component["api"]["additional_origins"].as_array().unwrap().iter().map(|other| &other["origin"]).collect();
    assert_eq!(origins, ["https://a.test", "https://b.test", "https://eu.c.test"], "all paths of the first are open");
}

#[test]
fn keys_whose_names_mean_something_else() {
    let key = |name: &str| json!({ "type": "apiKey", "in": "header", "name": name });
    let mut document = with_servers(json!([{ "url": "https://a.test" }]));
    document["components"]["securitySchemes"] = json!({
        "id": key("client_id"), "secret": key("client_secret"), "odd": key("Auth"), "own": key("Authorization"),
        "spaced": key("My Key")
    });
    document["security"] = json!([{ "id": [], "secret": [], "odd": [], "own": [], "spaced": [] }]);
    let Imported { component, left_out } = imported(&document);
    assert_eq!(component["api"]["headers"], json!({ "client_secret": "{key_client_secret}", "Auth": "{auth}" }));
    for name in ["own", "spaced"] {
        assert!(left_out.iter().any(|line| line.contains(&format!("`{name}`"))), "{name}: {left_out:#?}");
    }
}

#[test]
fn parameters_are_written_as_their_type_says() {
    let in_query = |name: &str, schema: Value| json!({ "name": name, "in": "query", "schema": schema });
    let list = || json!({ "type": "array", "items": { "type": "string" } });
    let mut either = in_query("either", json!({ "oneOf": [{ "type": "string" }, list()] }));
    either["explode"] = json!(false);
    let mut open = in_query("open", json!({ "type": "object", "properties": { "a": {} }, "additionalProperties": {} }));
    open["style"] = json!("deepObject");
    let as_json = json!({ "name": "payload", "in": "query", "content": { "application/json": {
        "schema": { "type": "object", "properties": { "a": { "type": "integer" } } } } } });
    let header = json!({ "name": "X-Ids", "in": "header", "schema": list() });
    let terms = in_query("terms", json!({ "type": "string", "properties": { "link": {} } }));
    let (action, _) = action("get", &json!({ "parameters": [either, open, as_json, header, terms] }));
    let query = json!({ "either": "{either}", "open": "{open}", "payload": "{payload}", "terms": "{terms}" });
    assert_eq!((&action["query"], &action["headers"]), (&query, &json!({ "X-Ids": "{x_ids}" })));
    assert_eq!((&action["list_separator"], &action["json_values"]), (&json!(","), &json!(["payload"])));
    let properties = &action["params"]["properties"];
    assert_eq!((&properties["x_ids"]["type"], &properties["payload"]["type"]), (&json!("array"), &json!("object")));

    let schema = json!({ "type": "object", "properties": { "j": { "type": "object" } } });
    let encoding = json!({ "j": { "contentType": "application/json" } });
    let content = json!({ "application/x-www-form-urlencoded": { "schema": schema, "encoding": encoding } });
    let (action, _) = self::action("post", &json!({ "requestBody": { "content": content } }));
    assert_eq!(action["json_values"], json!(["j"]));
}

#[test]
fn formats_are_told_and_not_held_against_values() {
    let when = json!({ "type": "string", "format": "date-time", "description": "When it\nhappened. More.", "x-nullable": true });
    let (action, _) = action("get", &json!({ "parameters": [{ "name": "when", "in": "query", "schema": when }] }));
    let wanted = json!({ "type": ["string", "null"], "description": "When it happened. Written as date-time." });
    assert_eq!(action["params"]["properties"]["when"], wanted);
}

#[test]
fn what_only_the_server_writes_is_not_asked_for_wherever_that_is_said() {
    let base = json!({ "type": "object", "properties": { "id": { "readOnly": true }, "name": {} } });
    let inner = json!({ "type": "object", "required": ["id"], "properties": { "id": {} } });
    let schema = json!({ "allOf": [base, { "required": ["id", "name"], "properties": { "inner": inner } }], "required": ["id"] });
    let body = json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    let (action, _) = action("post", &json!({ "requestBody": body }));
    let schema = &action["body_schema"];
    assert_eq!((&schema["required"], &schema["allOf"][1]["required"]), (&json!([]), &json!(["name"])));
    assert_eq!(schema["allOf"][1]["properties"]["inner"]["required"], json!(["id"]), "that is another value's");
}

#[test]
fn an_account_is_shown_by_what_only_an_account_may_ask() {
    let mut document = with_servers(json!([{ "url": "https://a.test" }]));
    document["paths"] = json!({
        "/open": { "get": { "security": [] } }, "/account/logout": { "get": {} }, "/Health": { "get": {} },
        "/pets": { "get": {} }, "/größe/{größe}": { "get": {} }, "/t": { "trace": {} }
    });
    let Imported { component, left_out } = imported(&document);
    assert_eq!(component["verify"], "get_pets");
    assert_eq!(component["actions"]["get_gr_e_gr_e"]["url"], "/gr%C3%B6%C3%9Fe/{gr_e}");
    assert!(left_out.iter().any(|line| line.starts_with("TRACE /t")), "{left_out:#?}");
}

#[test]
fn of_alternatives_the_first_scopes_do() {
    let flow =
        json!({ "clientCredentials": { "tokenUrl": "https://a.test/t", "scopes": { "r": "", "w": "", "admin": "" } } });
    let mut document = with_servers(json!([{ "url": "https://a.test" }]));
    document["components"]["securitySchemes"] = json!({ "o": { "type": "oauth2", "flows": flow } });
    document["security"] = json!([{ "o": ["r"] }]);
    document["paths"]["/x"]["get"]["security"] = json!([{ "o": ["w"] }, { "o": ["admin"] }]);
    assert_eq!(imported(&document).component["oauth2"]["scope"]["default"], json!(["r", "w"]));
}
