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
    assert_eq!(grants, ["authorization_code", "client_credentials", "refresh_token", "api_key"]);
    assert_eq!(oauth2["grants"]["api_key"]["authorization"], json!({ "in": "header", "name": "X-Key", "scheme": "" }));
    assert_eq!(oauth2["scope"]["default"], json!(["pets:read", "pets:write"]), "what operations ask for");
    let get = &component["actions"]["get_pet"];
    assert_eq!((&get["method"], &get["url"]), (&json!("GET"), &json!("/pets/{pet_id}")));
    assert_eq!(get["headers"], json!({ "X-Trace-ID": "{x_trace_id}" }));
    assert_eq!(get["params"]["required"], json!(["pet_id", "x_trace_id"]));
    assert_eq!(
        get["params"]["properties"]["pet_id"],
        json!({ "type": "integer", "minimum": 0, "exclusiveMinimum": 0 })
    );
    assert_eq!(component["actions"]["put_pets_pet_id"]["method"], "PUT");
    let list = &component["actions"]["list_pets"];
    assert_eq!(list["query"], json!({ "filter[kind]": "{filter_kind}", "ids": "{ids}" }));
    assert_eq!(list["params"]["properties"]["filter_kind"]["type"], json!(["string", "null"]));
    assert_eq!(component["verify"], "list_pets");
    for told in ["sandbox.pets.test", "`implicit`", "`session`", "client_secret_basic"] {
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
            "/odd?x={1}": { "get": {} },
            "/odd#x": { "get": {} }
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
    let odd = component["actions"].as_object().unwrap().values().find(|action| action["url"] == "/odd").unwrap();
    assert_eq!(odd["query"], json!({ "x": "{{1}}" }));
    assert!(component["actions"].as_object().unwrap().values().any(|action| action["url"] == "/odd"));
    for told in ["over http", "token URL of its own"] {
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
        with(&|document| document["components"]["securitySchemes"] = json!({ "k": { "type": "mutualTLS" } }))
            .contains("`k` (mutualTLS)")
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

/// One operation of an API that has nothing else.
fn action(method: &str, operation: &Value) -> (Value, Vec<String>) {
    let mut document = version_3();
    document["paths"] = json!({ "/things": { method: operation } });
    let Imported { component, left_out } = imported(&document);
    let action = component["actions"].as_object().unwrap().values().next().unwrap().clone();
    (action, left_out)
}

#[test]
fn a_json_body_is_the_messages_own_and_keeps_its_schema() {
    let schema = json!({
        "type": "object", "required": ["id", "name"],
        "properties": {
            "id": { "type": "integer", "readOnly": true }, "name": { "type": "string", "minLength": 1, "xml": {} },
            "kind": { "$ref": "#/components/schemas/Kind" }, "when": { "type": "datetime" }
        }
    });
    let wanted = json!({
        "type": "object", "required": ["name"],
        "properties": {
            "name": { "type": "string", "minLength": 1 },
            "kind": { "type": ["string", "null"], "enum": ["cat", "dog", null] }, "when": {}
        }
    });
    let body = json!({ "required": true, "content": {
        "application/xml": {}, "application/json; charset=utf-8": { "schema": schema } } });
    let (action, _) = action("post", &json!({ "requestBody": body }));
    // The order of keywords is not what matters.
    assert_eq!(action["body_schema"], wanted);
    assert_eq!(action.get("headers"), None);

    let optional = json!({ "content": { "application/merge-patch+json": { "schema": { "type": "object" } } } });
    let (action, _) = self::action("patch", &json!({ "requestBody": optional }));
    assert_eq!(action["body_schema"], json!({ "type": ["object", "null"] }));
    assert_eq!(action["headers"], json!({ "Content-Type": "application/merge-patch+json" }));

    let (action, left_out) = self::action("get", &json!({ "requestBody": body }));
    assert_eq!(action.get("body_schema"), None);
    assert!(left_out.iter().any(|line| line.contains("its body")), "{left_out:?}");
}

#[test]
fn forms_and_their_parts_are_made_of_parameters() {
    let schema = json!({ "type": "object", "required": ["name"], "properties": {
        "name": { "type": "string" }, "tags": { "type": "array", "items": { "type": "string" } },
        "address": { "type": "object" } } });
    let content = json!({ "application/x-www-form-urlencoded": { "schema": schema } });
    let (action, _) = action("post", &json!({ "requestBody": { "content": content } }));
    assert_eq!(action["params"].get("required"), None, "the whole form may be left out");
    let (action, left_out) = self::action("post", &json!({ "requestBody": { "required": true, "content": content } }));
    assert_eq!(
        (&action["body"], &action["body_encoding"]),
        (&json!({ "name": "{name}", "tags": "{tags}", "address": "{address}" }), &json!("form"))
    );
    assert_eq!((&action["params"]["required"], action.get("list_separator")), (&json!(["name"]), None));
    assert!(!left_out.iter().any(|line| line.contains("`address`")), "{left_out:?}");
    // Each field may be encoded in a way of its own.
    let encoding = json!({ "tags": { "style": "deepObject", "explode": true } });
    let content = json!({ "application/x-www-form-urlencoded": { "schema": schema, "encoding": encoding } });
    let (action, _) = self::action("post", &json!({ "requestBody": { "content": content } }));
    assert_eq!(action["body"], json!({ "name": "{name}", "tags[]": "{tags}", "address": "{address}" }));
    let encoding = json!({ "tags": { "explode": false } });
    let content = json!({ "application/x-www-form-urlencoded": { "schema": schema, "encoding": encoding } });
    let (action, _) = self::action("post", &json!({ "requestBody": { "content": content } }));
    assert_eq!(action["list_separator"], ",");

    let schema = json!({ "type": "object", "properties": {
        "upload": { "type": "string", "format": "binary" }, "second": { "type": "string", "format": "binary" },
        "note": { "type": "string" } } });
    let media = json!({ "schema": schema, "encoding": { "upload": { "contentType": "image/png" } } });
    let operation = json!({
        "parameters": [{ "name": "note", "in": "query", "schema": { "type": "string" } }],
        "requestBody": { "content": { "multipart/form-data": media } }
    });
    let (action, left_out) = self::action("post", &operation);
    let parts = json!({ "upload": { "filename": "{filename}", "content_type": "image/png" }, "note": "{note_2}" });
    assert_eq!((&action["multipart"], &action["query"]), (&parts, &json!({ "note": "{note}" })));
    assert!(left_out.iter().any(|line| line.contains("`second`")), "{left_out:?}");
    assert!(action["params"].get("required").is_none(), "a file that may be left out needs no name");
}

#[test]
fn what_descriptions_say_wrongly_or_beside_admits_what_the_server_takes() {
    let body = |schema: Value| json!({ "content": { "application/json": { "schema": schema } } });
    let schema = json!({ "type": "object", "properties": {
        "n": { "type": "integer", "enum": ["0", "1"] }, "kinds": { "type": "array", "items": { "type": "string" }, "enum": ["a", "b"] },
        "flag": { "type": "string", "enum": [true, false] }, "lost": { "type": "integer", "enum": ["a"] } } });
    let (action, _) = action("post", &json!({ "requestBody": body(schema) }));
    let properties = &action["body_schema"]["properties"];
    assert_eq!(properties["n"]["enum"], json!([0, 1]));
    assert_eq!(properties["kinds"], json!({ "type": "array", "items": { "type": "string", "enum": ["a", "b"] } }));
    assert_eq!(properties["flag"]["enum"], json!(["true", "false"]));
    assert_eq!(properties["lost"], json!({ "type": "integer" }));
    // A body that may be left out is left out, whatever its type is made of.
    let schema = json!({ "type": "object", "allOf": [{ "type": "object" }] });
    let (action, _) = self::action("post", &json!({ "requestBody": body(schema.clone()) }));
    assert_eq!(action["body_schema"], json!({ "anyOf": [schema, { "type": "null" }] }));
    // Bytes of any kind.
    let any = json!({ "content": { "*/*": { "schema": { "type": "string" } } } });
    let (action, _) = self::action("post", &json!({ "requestBody": any }));
    assert_eq!((action.get("body_schema"), action.get("headers")), (None, None));
}

#[test]
fn operations_say_who_may_call_them_and_what_they_answer_with() {
    let (action, _) = action("get", &json!({ "security": [] }));
    assert_eq!(action["token"], false);
    let (action, _) = self::action("get", &json!({ "security": [{}, { "login": [] }] }));
    assert!(action.get("token").is_none());
    let answers = |labels: &[&str]| {
        let content: serde_json::Map<String, Value> =
            labels.iter().map(|label| ((*label).to_owned(), json!({}))).collect();
        json!({ "responses": { "200": { "content": content }, "400": { "content": { "application/json": {} } } } })
    };
    for (labels, wanted) in [
        (&["application/vnd.pets+json"][..], Some("application/vnd.pets+json")),
        (&["text/csv", "application/pdf"], Some("text/csv, application/pdf")),
        (&["application/json", "text/csv"], Some("application/json")),
        (&["application/json", "application/json; v=1"], None),
        (&["*/*"], None),
        (&[], None),
    ] {
        let (action, _) = self::action("get", &answers(labels));
        assert_eq!(action["headers"]["Accept"].as_str(), wanted, "{labels:?}");
    }
    // A parameter of the path keeps its name, whatever else is called so.
    let twice = json!([
        { "name": "id", "in": "query", "schema": { "type": "string" } },
        { "name": "id", "in": "path", "required": true, "schema": { "type": "string" } },
        { "name": "tags", "in": "query", "style": "spaceDelimited", "schema": { "type": "array", "items": { "type": "string" } } }
    ]);
    let mut document = version_3();
    document["paths"] = json!({ "/x/{id}": { "get": { "operationId": "x", "parameters": twice } } });
    let action = imported(&document).component["actions"]["x"].clone();
    assert_eq!((&action["url"], &action["query"]["id"]), (&json!("/x/{id}"), &json!("{id_2}")));
    assert_eq!(action["list_separator"], " ", "lists in this style are joined unless they say otherwise");
}

#[test]
fn paths_have_styles() {
    let at = |style: &str, kind: &str| {
        let parameter =
            json!({ "name": "petId", "in": "path", "required": true, "style": style, "schema": { "type": kind } });
        let mut document = version_3();
        document["paths"] = json!({ "/x/{petId}": { "get": { "operationId": "x", "parameters": [parameter] } } });
        let Imported { component, left_out } = imported(&document);
        (component["actions"]["x"]["url"].clone(), left_out.iter().any(|line| line.contains("style")))
    };
    assert_eq!(at("simple", "string"), (json!("/x/{pet_id}"), false));
    assert_eq!(at("label", "integer"), (json!("/x/.{pet_id}"), false));
    assert_eq!(at("matrix", "string"), (json!("/x/;petId={pet_id}"), false));
    assert_eq!(at("matrix", "array"), (json!("/x/{pet_id}"), true));
}

#[test]
fn operations_that_ask_for_another_scheme_are_told() {
    let mut document = version_3();
    let asks = |security: Value| json!({ "get": { "security": security } });
    document["paths"] = json!({
        "/both": asks(json!([{ "key": [] }, { "login": ["pets:read"] }])), "/open": asks(json!([])),
        "/key": asks(json!([{ "key": [] }])), "/keys": asks(json!([{ "key": [] }]))
    });
    let left_out = imported(&document).left_out;
    let told: Vec<&String> = left_out.iter().filter(|line| line.starts_with("What asks for")).collect();
    assert_eq!(told.len(), 1, "{left_out:#?}");
    assert!(told[0].contains("asks for `key` instead") && told[0].contains("(2, such as GET /key)"), "{told:?}");
}

#[test]
fn lists_objects_and_headers_are_written_as_the_description_says() {
    let list = |name: &str, more: Value| {
        let mut parameter =
            json!({ "name": name, "in": "query", "schema": { "type": "array", "items": { "type": "string" } } });
        parameter.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        parameter
    };
    let joined = json!({ "explode": false });
    let (action, left_out) = action(
        "get",
        &json!({ "parameters": [
        list("ids", joined.clone()), list("fields", joined), list("kinds", json!({})),
        { "name": "page", "in": "query", "style": "deepObject", "schema": { "type": "object", "properties": {
            "size": { "type": "integer", "default": 20 }, "after": { "type": "string" } } } },
        { "name": "X-Optional", "in": "header", "schema": { "type": "string" } },
        { "name": "X-Key", "in": "header", "schema": { "type": "string" } },
        { "name": "Version", "in": "header", "required": true, "schema": { "type": "string", "default": "2" } },
        { "name": "bad name", "in": "header", "schema": { "type": "string" } }
    ] }),
    );
    let query = json!({ "ids": "{ids}", "fields": "{fields}", "kinds": "{kinds}", "page[size]": "{page_size}", "page[after]": "{page_after}" });
    assert_eq!(action["query"], query);
    assert_eq!(action["list_separator"], json!({ "ids": ",", "fields": "," }), "`kinds` is repeated");
    // The key is the account's, whatever the operation says.
    assert_eq!(action["headers"], json!({ "X-Optional": "{x_optional}", "Version": "{version}" }));
    let params = &action["params"]["properties"];
    assert_eq!(params["page_size"], json!({ "type": "integer", "description": "The server's default is 20." }));
    assert_eq!((&params["version"]["default"], action["params"].get("required")), (&json!("2"), None));
    assert!(left_out.iter().any(|line| line.contains("`bad name`")), "{left_out:?}");
}

#[test]
fn keys_passwords_and_issuers_make_accounts_too() {
    let with = |schemes: Value, choices: ImportChoices| {
        let mut document = version_3();
        document["components"]["securitySchemes"] = schemes;
        let component = openapi(&document, &choices).unwrap().component;
        let text = component.to_string();
        check_component("imported", &text).unwrap_or_else(|faults| panic!("{:#?}\n{text}", faults.faults));
        component["oauth2"].clone()
    };
    let plain = ImportChoices::default;
    let oauth2 = with(
        json!({ "k": { "type": "apiKey", "in": "query", "name": "key" }, "p": { "type": "http", "scheme": "Basic" } }),
        plain(),
    );
    assert_eq!(oauth2["grants"]["api_key"]["authorization"], json!({ "in": "query", "name": "key" }));
    assert_eq!((&oauth2["grants"]["basic"], &oauth2["token_endpoint_auth_method"]), (&json!({}), &json!("none")));
    let oauth2 = with(json!({ "t": { "type": "http", "scheme": "bearer" } }), plain());
    assert_eq!(oauth2["grants"]["api_key"]["authorization"]["scheme"], "Bearer");
    let url = "https://id.pets.test/tenant/.well-known/openid-configuration";
    let oauth2 = with(json!({ "o": { "type": "openIdConnect", "openIdConnectUrl": url } }), plain());
    assert_eq!((&oauth2["issuer"], oauth2.get("token_endpoint")), (&json!("https://id.pets.test/tenant"), None));
    // What the description does not say, a person does.
    let token = || Some("https://id.pets.test/token".to_owned());
    let oauth2 = with(json!({}), ImportChoices { token_endpoint: token(), ..plain() });
    assert_eq!((&oauth2["token_endpoint"], &oauth2["grants"]), (&json!(token()), &json!({ "client_credentials": {} })));
    let implicit = json!({ "i": { "type": "oauth2", "flows": { "implicit": {
        "authorizationUrl": "https://id.pets.test/authorize", "scopes": { "pets:read": "" } } } } });
    let oauth2 = with(implicit, ImportChoices { token_endpoint: token(), ..plain() });
    assert_eq!(oauth2["grants"], json!({ "authorization_code": {}, "refresh_token": {} }));
    assert_eq!(oauth2["authorization_endpoint"], "https://id.pets.test/authorize");
    assert_eq!(oauth2["scope"]["default"], json!(["pets:read"]));
    let authorization_endpoint = Some("https://id.pets.test/authorize".to_owned());
    let oauth2 = with(json!({}), ImportChoices { token_endpoint: token(), authorization_endpoint, ..plain() });
    assert_eq!(oauth2["grants"], json!({ "authorization_code": {}, "refresh_token": {} }));
}

#[test]
fn an_operation_may_be_somewhere_else() {
    let (action, _) = action("get", &json!({ "servers": [{ "url": "https://upload.pets.test/v2/" }] }));
    assert_eq!(action["url"], "https://upload.pets.test/v2/things");
    let mut document = version_3();
    document["paths"]["/pets"]["servers"] = json!([{ "url": "https://upload.pets.test" }]);
    let origins = imported(&document).component["api"]["additional_origins"].clone();
    assert_eq!(origins, json!([{ "origin": "https://upload.pets.test", "token": true }]));
}

#[test]
fn who_the_account_is_is_what_verifies_it() {
    let mut document = version_3();
    document["paths"]["/v1/users/me"] = json!({ "get": { "operationId": "whoAmI" } });
    assert_eq!(imported(&document).component["verify"], "who_am_i");
}

#[test]
fn references_to_other_files_are_told_once() {
    let mut document = version_3();
    document["paths"]["/elsewhere"] = json!({ "$ref": "paths/elsewhere.yaml" });
    document["paths"]["/pets"]["post"] = json!({ "requestBody": { "$ref": "bodies.yaml#/pet" } });
    let left_out = imported(&document).left_out;
    let told: Vec<_> = left_out.iter().filter(|line| line.contains("bundle")).collect();
    assert!(told.len() == 1 && told[0].contains("2 of them"), "{left_out:?}");
}

#[test]
fn each_placeholder_of_a_path_is_its_own_parameter() {
    let mut document = version_3();
    document["components"]["securitySchemes"]["key"]["name"] = json!("X-Api");
    document["paths"] = json!({ "/a/{userId}/b/{user_id}": { "get": { "parameters": [
        { "name": "userId", "in": "path", "required": true, "schema": { "type": "integer" } },
        { "name": "user_id", "in": "path", "required": true, "schema": { "type": "string" } },
        // These are variables of the component: what an account gives must not get here.
        { "name": "region", "in": "query", "schema": { "type": "string" } },
        { "name": "api_key", "in": "query", "schema": { "type": "string" } }
    ] } }, "/files/{id}#add_link": { "put": {} } });
    let component = imported(&document).component;
    let action = &component["actions"]["get_a_user_id_b_user_id"];
    assert_eq!(action["url"], "/a/{user_id}/b/{user_id_2}");
    assert_eq!(action["params"]["properties"]["user_id"]["type"], "integer");
    assert_eq!(action["query"], json!({ "region": "{region_2}", "api_key": "{api_key_2}" }));
    assert_eq!(component["actions"]["put_files_id_add_link"]["url"], "/files/{id}");
}

#[test]
fn servers_say_where_the_api_is_in_many_ways() {
    let base_url = |servers: Value| {
        let mut document = version_3();
        document["servers"] = json!([servers]);
        document["components"]["securitySchemes"]["login"]["flows"]["clientCredentials"]["tokenUrl"] = json!("token");
        document["components"]["securitySchemes"]["login"]["flows"]
            .as_object_mut()
            .unwrap()
            .shift_remove("authorizationCode");
        let component = imported(&document).component;
        (component["api"]["base_url"].clone(), component["oauth2"]["token_endpoint"].clone())
    };
    let table = [
        (
            json!({ "url": "https://x.test{basePath}", "variables": { "basePath": { "default": "/buy/v1" } } }),
            "https://x.test/buy/v1",
            "https://x.test/buy/v1/token",
        ),
        (
            json!({ "url": "https://x.test/{a}/{b}", "variables": { "a": { "default": "" }, "b": { "default": "b c" } } }),
            "https://x.test//{b}",
            "https://x.test//{b}/token",
        ),
        (
            json!({ "url": "https://x.test/{environment}", "variables": { "environment": { "default": "live" } } }),
            "https://x.test/{server_environment}",
            "https://x.test/{server_environment}/token",
        ),
    ];
    for (server, wanted, token) in table {
        assert_eq!(base_url(server.clone()), (json!(wanted), json!(token)), "{server}");
    }
    let mut document = json!({
        "swagger": 2.0, "info": { "title": "Old" }, "host": "https://api.old.test/", "basePath": "v1", "paths": {},
        "securityDefinitions": { "a": { "type": "oauth2", "flow": "application", "tokenUrl": "https://api.old.test/t" } }
    });
    assert_eq!(imported(&document).component["api"]["base_url"], "https://api.old.test/v1");
    document["securityDefinitions"]["a"]["type"] = json!("mutualTLS");
    let refused = openapi(&document, &ImportChoices::default()).unwrap_err().to_string();
    assert!(refused.contains("it has `a` (mutualTLS)"), "{refused}");
}

#[test]
fn a_refresh_token_goes_to_the_server_that_gave_it() {
    let mut document = version_3();
    document["components"]["securitySchemes"]["other"] = json!({ "type": "oauth2", "flows": { "password": {
        "tokenUrl": "https://other.test/token", "refreshUrl": "https://other.test/refresh", "scopes": {} } } });
    document["components"]["securitySchemes"]["login"]["flows"]["authorizationCode"]
        .as_object_mut()
        .unwrap()
        .shift_remove("refreshUrl");
    let oauth2 = imported(&document).component["oauth2"].clone();
    assert_eq!((oauth2.get("refresh_endpoint"), oauth2["grants"].get("password")), (None, None));
    // A sign-in that says nowhere to sign in is none.
    document["components"]["securitySchemes"]["login"]["flows"]["authorizationCode"]
        .as_object_mut()
        .unwrap()
        .shift_remove("authorizationUrl");
    assert_eq!(imported(&document).component["oauth2"]["grants"].get("authorization_code"), None);
}

#[test]
fn references_may_be_percent_encoded() {
    let mut document = version_3();
    document["paths"]["/again"] = json!({ "$ref": "#/paths/~1pets~1%7BpetId%7D" });
    let component = imported(&document).component;
    assert!(component["actions"].as_object().unwrap().len() > 4, "{component}");
}

#[test]
fn servers_that_differ_in_their_host_are_environments() {
    let with = |servers: Value| {
        json!({
            "openapi": "3.1.0", "info": { "title": "Pets" }, "servers": servers,
            "components": { "securitySchemes": { "app": { "type": "oauth2", "flows": {
                "clientCredentials": { "tokenUrl": "/oauth/token", "scopes": {} } } } } },
            "paths": { "/pets": { "get": { "operationId": "pets", "servers": [{ "url": "https://sandbox.pets.test/v1" }] } } }
        })
    };
    let Imported { component, left_out } = imported(&with(json!([
        { "url": "https://api.pets.test/v1/", "description": "Our servers in the EU" },
        { "url": "http://sandbox.pets.test/v1" },
        { "url": "https://us.pets.test/v1", "description": "US region" },
        { "url": "https://us2.pets.test/v1", "description": "US region" },
        { "url": "https://api.pets.test/v2" },
        { "url": "http://localhost:3000/v1" }
    ])));
    let environments = json!({
        "production": { "host": "api.pets.test" }, "sandbox": { "host": "sandbox.pets.test" },
        "us-region": { "host": "us.pets.test" }, "us-region-2": { "host": "us2.pets.test" }
    });
    assert_eq!((&component["environments"], &component["default_environment"]), (&environments, &json!("production")));
    assert_eq!(component["api"]["base_url"], "https://{host}/v1");
    assert_eq!(component["oauth2"]["token_endpoint"], "https://{host}/oauth/token");
    assert_eq!(component["actions"]["pets"]["url"], "/pets", "a server that is an environment's");
    for told in ["https://api.pets.test/v2", "http://localhost:3000/v1"] {
        assert!(left_out.iter().any(|line| line.contains(told)), "{told}: {left_out:#?}");
    }
    // A first server that is this machine's, has a variable or stands alone is the one, as it is.
    for first in ["http://localhost:3000/v1", "https://{x}.pets.test/v1"] {
        let variables = json!({ "x": { "default": "a" } });
        let document = with(json!([{ "url": first, "variables": variables }, { "url": "https://api.pets.test/v1" }]));
        let component = imported(&document).component;
        assert_eq!(component["environments"], json!({ "production": {} }), "{first}");
    }
    let mut document = with(json!([{ "url": "https://a.pets.test" }, { "url": "https://b.pets.test" }]));
    let tokens = "https://id.pets.test/token";
    document["components"]["securitySchemes"]["app"]["flows"]["clientCredentials"]["tokenUrl"] = json!(tokens);
    assert!(imported(&document).left_out.iter().any(|line| line.contains(tokens)));
}

#[test]
fn a_key_that_is_needed_beside_a_token_goes_with_every_request() {
    let key = |at: &str, name: &str| json!({ "type": "apiKey", "in": at, "name": name });
    let with = |security: Value| {
        json!({
            "openapi": "3.0.0", "info": { "title": "Pets" }, "servers": [{ "url": "https://pets.test" }],
            "components": { "securitySchemes": {
                "app": { "type": "oauth2", "flows": { "clientCredentials": { "tokenUrl": "https://pets.test/t", "scopes": {} } } },
                "sub": key("header", "Ocp-Apim-Subscription-Key"), "app_id": key("query", "app_id")
            } },
            "security": security,
            "paths": { "/pets": { "get": { "operationId": "pets", "parameters": [
                { "name": "Ocp-Apim-Subscription-Key", "in": "header", "required": true, "schema": { "type": "string" } }
            ] } } }
        })
    };
    let component = imported(&with(json!([{ "app": [], "sub": [], "app_id": [] }]))).component;
    assert_eq!(component["api"]["headers"], json!({ "Ocp-Apim-Subscription-Key": "{ocp_apim_subscription_key}" }));
    assert_eq!(component["api"]["query"], json!({ "app_id": "{app_id}" }));
    assert_eq!(component["variables"]["ocp_apim_subscription_key"]["secret"], true);
    assert_eq!(component["oauth2"]["grants"], json!({ "client_credentials": {} }));
    assert!(component["actions"]["pets"].get("params").is_none(), "no message gives it");
    // One that is enough by itself is a way of its own.
    let component = imported(&with(json!([{ "app": [], "app_id": [] }, { "sub": [] }]))).component;
    assert_eq!(component["oauth2"]["grants"]["api_key"]["authorization"]["name"], "Ocp-Apim-Subscription-Key");
    assert!(component["api"].get("headers").is_none() && component["api"]["query"].is_object());
    // Of several keys without a token, the first is the account's, and the others go beside it.
    let mut document = with(json!([{ "sub": [], "app_id": [] }]));
    document["components"]["securitySchemes"].as_object_mut().unwrap().remove("app");
    let component = imported(&document).component;
    assert_eq!(component["oauth2"]["grants"]["api_key"]["authorization"]["name"], "Ocp-Apim-Subscription-Key");
    assert_eq!(component["api"]["query"], json!({ "app_id": "{app_id}" }));
}

#[test]
fn what_urls_name_is_declared_and_tokens_are_nobodys_parameter() {
    let document = json!({
        "openapi": "3.0.0", "info": { "title": "Pets" }, "servers": [{ "url": "/v1" }, { "url": "//{Tenant-Id}.pets.test/v1" }],
        "components": { "securitySchemes": { "app": { "type": "oauth2", "flows": {
            "clientCredentials": { "tokenUrl": "https://{scope}.pets.test/v1/token", "scopes": {} },
            "password": { "tokenUrl": "/v1/token", "scopes": {} } } } } },
        "paths": {
            "/token": { "post": { "operationId": "token" } },
            "/pets": { "get": { "operationId": "pets", "parameters": [
                { "name": "access_token", "in": "query", "required": true, "schema": { "type": "string" } } ] } }
        }
    });
    let component = imported(&document).component;
    assert_eq!(component["api"]["base_url"], "https://{tenant_id}.pets.test/v1");
    assert_eq!(component["oauth2"]["token_endpoint"], "https://{server_scope}.pets.test/v1/token");
    assert_eq!(component["variables"]["tenant_id"]["title"], "Tenant-Id");
    assert!(component["actions"]["pets"].get("params").is_none());
    assert!(component["actions"].get("token").is_some(), "another place than the token endpoint");
    let mut document = document;
    document["components"]["securitySchemes"]["app"]["flows"].as_object_mut().unwrap().remove("clientCredentials");
    let component = imported(&document).component;
    assert_eq!(component["oauth2"]["token_endpoint"], "https://{tenant_id}.pets.test/v1/token");
    assert!(component["actions"].get("token").is_none(), "no message goes there");
}

#[test]
fn a_description_of_many_large_types_stays_small() {
    let to_all = || (0..60).map(|n| (format!("p{n}"), json!({ "$ref": "#/T" }))).collect::<serde_json::Map<_, _>>();
    let document = json!({ "T": { "type": "object", "properties": to_all() } });
    let source = Source { schemas_left: Cell::new(500), ..Source::new(&document) };
    let sizes: Vec<usize> =
        (0..4).map(|_| schema::body_schema(&source, &json!({ "$ref": "#/T" })).to_string().len()).collect();
    assert!(sizes[0] < 10_000 && sizes[1] < sizes[0], "{sizes:?}");
    assert_eq!((sizes[2], sizes[3], source.schemas_left.get()), (2, 2, 0), "nothing is said of the rest");
}

mod unseen;
