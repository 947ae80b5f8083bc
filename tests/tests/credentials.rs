//! `keyway credential`: accounts are made, shown, changed, checked, verified and removed, by scripts and at a terminal.
#![cfg(unix)]

mod support;

use std::fs;

use keyway_tests::mock::{Mock, reply};
use serde_json::{Value, json};
use support::{
    Keyway, Ran,
    desk::{Desk, component, own},
    disk::{bound_by_permissions, mode, on_a_full_disk, set_mode},
    scripted::{form, scripted, willing},
    terminal::Dialog,
};
use url::Url;

const SECRET: [&str; 2] = ["--secret", "client_secret=env:SECRET_OF_MINE"];

/// What `credential add` needs beside secrets.
const ADD: [&str; 8] =
    ["credential", "add", "acme", "mine", "--grant", "client_credentials", "--client-id", "acme-client"];

async fn desk() -> (Mock, Desk) {
    let server = willing().await;
    let desk = Desk::of(&server);
    (server, desk)
}

/// Adds the account `mine` with more flags.
fn add(desk: &Desk, more: &[&str]) -> Keyway {
    desk.keyway(&[&ADD[..], more].concat())
}

/// The component with environments, variables, and a grant of its own.
fn with_inputs(server: &Mock) -> Value {
    let mut component = component(server);
    component["environments"] = json!({"production": {}, "sandbox": {}});
    component["variables"] = json!({
        "org_id": {"title": "Organization", "pattern": "[0-9]+"},
        "app_token": {"title": "App token", "secret": true}
    });
    component["oauth2"]["grants"]["password"] = json!({});
    component["oauth2"]["custom_grants"] =
        json!({"app": {"grant_type": "app", "token_params": {"org": "{org_id}", "app_token": "{app_token}"}}});
    component
}

// === add ===

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_from_flags() {
    let (server, desk) = desk().await;
    desk.describe(&with_inputs(&server));
    let ran = desk
        .keyway(&["credential", "add", "acme", "mine", "--environment", "sandbox", "--grant", "app"])
        .args(["--client-id", "acme-client", "--variable", "org_id=77", "--secret", "client_secret=env:SECRET_OF_MINE"])
        .args(["--secret", "app_token=command:printf %s the-app-token", "--scope", "read,write", "--retry-count", "1"])
        .args(["--retry-delay-ms", "5", "--token-encoding", "json"])
        .run("")
        .await
        .succeeded();
    assert!(ran.stdout.is_empty() && ran.stderr.contains("mine.json"), "{ran}");
    assert!(ran.stderr.contains("Next: keyway credential verify mine"), "{ran}");
    let wanted = json!({
        "keyway": 1, "component": "acme", "environment": "sandbox", "grant": "app", "client_id": "acme-client",
        "scope": ["read", "write"], "variables": {"org_id": "77"},
        "secrets": {
            "app_token": {"command": ["printf", "%s", "the-app-token"]}, "client_secret": {"env": "SECRET_OF_MINE"}
        },
        "retry": {"count": 1, "delay_ms": 5}, "oauth2": {"token_request": {"encoding": "json"}}
    });
    assert_eq!(desk.read("mine"), wanted);
    assert_eq!((mode(desk.file("mine")), mode(desk.file("mine").parent().expect("a folder"))), (0o600, 0o700));
    desk.get(&[]).env("SECRET_OF_MINE", "acme-secret").run("").await.succeeded();
    let sent: Value = serde_json::from_str(server.seen("/token")[0].text()).expect("it is JSON");
    assert_eq!(
        (&sent["app_token"], &sent["org"], &sent["client_secret"]),
        (&json!("the-app-token"), &json!("77"), &json!("acme-secret"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_come_sealed_from_standard_input() {
    let (server, desk) = desk().await;
    for line_break in ["", "\n", "\r\n"] {
        let input = format!("{{\"client_secret\": \"s\u{fc}cret \\\" \"}}{line_break}");
        add(&desk, &["--secrets-stdin", "--replace"]).run(input).await.succeeded();
        let text = fs::read_to_string(desk.file("mine")).expect("it is there");
        assert!(!text.contains("cret \\\"") && text.contains("\"sealed\""), "{text}");
        desk.keyway(&["token", "renew", "mine"]).run("").await.succeeded();
    }
    assert!(server.seen("/token").iter().all(|seen| form(seen)["client_secret"] == "s\u{fc}cret \" "));
    // Beside references of flags.
    let mut component = with_inputs(&server);
    component["environments"] = json!({"production": {}});
    desk.describe(&component);
    let app = ["credential", "add", "acme", "app", "--grant", "app", "--client-id", "x", "--variable", "org_id=1"];
    let both = desk.keyway(&app).args(SECRET).arg("--secrets-stdin");
    both.run(r#"{"app_token":"sealed-one"}"#).await.succeeded();
    desk.keyway(&["token", "renew", "app"]).env("SECRET_OF_MINE", "acme-secret").run("").await.succeeded();
    assert_eq!(form(&server.seen("/token")[3])["app_token"], "sealed-one");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named_with_its_flag() {
    let (server, desk) = desk().await;
    desk.describe(&with_inputs(&server));
    let environment = ["--environment", "sandbox"];
    let table: [(&[&str], &[&str]); 9] = [
        (&[], &["--environment production|sandbox"]),
        (&["--environment", "nowhere", "--grant", "app"], &["--client-id ID"]),
        (&environment, &["--grant", "client_credentials", "password", "app"]),
        (&["--grant", "client_credentials"], &["--client-id ID", "--secret client_secret=env:…", "--secrets-stdin"]),
        (
            &["--grant", "password", "--client-id", "x"],
            &["--username NAME", "--secret password=env:…", "--secret client_secret=env:…"],
        ),
        (
            &["--grant", "app", "--client-id", "x", SECRET[0], SECRET[1]],
            &["--variable org_id=…", "--secret app_token=env:…"],
        ),
        (&["--grant", "nothing", "--client-id", "x", SECRET[0], SECRET[1]], &["nothing", "it has: "]),
        (&["--grant", "client_credentials", "--client", "ours"], &["ours"]),
        (
            &[
                "--grant",
                "app",
                "--client-id",
                "x",
                SECRET[0],
                SECRET[1],
                "--secret",
                "app_token=env:X",
                "--variable",
                "org_id=x",
            ],
            &["org_id", "[0-9]+"],
        ),
    ];
    for (n, (flags, words)) in table.into_iter().enumerate() {
        let before: &[&str] = if n < 3 { &[] } else { &environment };
        let ran = desk.keyway(&[&["credential", "add", "acme", "mine"][..], before, flags].concat()).run("").await;
        ran.refused(2, words);
        assert!(!desk.file("mine").exists(), "{flags:?}");
    }
    // A redirect URI is only asked for where the server sends nobody back to this machine.
    let podio =
        ["credential", "add", "podio", "--grant", "authorization_code", "--client-id", "x", SECRET[0], SECRET[1]];
    desk.bare(&podio).run("").await.refused(2, &["--redirect-uri URL"]);
    let sign_in =
        ["credential", "add", "acme", "--grant", "authorization_code", "--client-id", "x", SECRET[0], SECRET[1]];
    let ran = desk.keyway(&[&sign_in[..], &environment].concat()).run("").await.succeeded();
    assert!(ran.stderr.contains("Next: keyway login acme"), "{ran}");
    assert!(desk.file("acme").is_file(), "the component's name is its name");
    assert_eq!(server.count(""), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_literal_secret_is_refused_with_a_hint_and_not_shown() {
    let (server, desk) = desk().await;
    desk.describe(&with_inputs(&server));
    let flag = ["--environment", "sandbox", "--secret", "client_secret=hunter2-hunter2"];
    let unseen = |ran: &Ran| assert!(!ran.to_string().contains("hunter2"), "{ran}");
    let ran = add(&desk, &flag).run("").await;
    ran.refused(2, &["--secret client_secret", "--secrets-stdin", "terminal"]);
    unseen(&ran);
    let variable = ["--environment", "sandbox", SECRET[0], SECRET[1], "--variable", "app_token=hunter2-hunter2"];
    let ran = add(&desk, &variable).run("").await;
    ran.refused(2, &["/variables/app_token", "\"env\""]);
    unseen(&ran);
    for wrong in ["client_secret=env:", "client_secret=file:", "client_secret=", "=env:X", "env:X"] {
        add(&desk, &["--environment", "sandbox", "--secret", wrong]).run("").await.refused(2, &["--secret", "env:"]);
    }
    for (secrets, hint) in [
        (json!({"client_secret": "hunter2-hunter2"}), "change the secret"),
        (json!({"client_secret": {"value": "hunter2-hunter2"}}), "/secrets/client_secret"),
    ] {
        let mut file = own("acme-client");
        file["environment"] = "sandbox".into();
        file["secrets"] = secrets;
        desk.credential("by-hand", &file);
        for command in [
            &["credential", "check", "by-hand"][..],
            &["credential", "set", "by-hand", "--scope", "x"],
            &["login", "by-hand"],
            &["request", "acme", "GET", "/user", "--credential", "by-hand"],
        ] {
            let ran = desk.keyway(command).run("").await;
            ran.refused(2, &["by-hand.json", hint]);
            unseen(&ran);
        }
        let ran = desk.keyway(&["credential", "show", "by-hand"]).run("").await;
        ran.refused(2, &[hint]);
        unseen(&ran);
    }
    assert_eq!((server.count(""), desk.names("credentials")), (0, vec!["by-hand.json".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_file_is_found_from_anywhere() {
    let (server, desk) = desk().await;
    let path = desk.home.write("secrets/acme", "acme-secret\n");
    add(&desk, &["--secret", "client_secret=file:secrets/acme"]).run("").await.succeeded();
    assert_eq!(desk.read("mine")["secrets"]["client_secret"]["file"], json!(path));
    let elsewhere = desk.keyway(&["token", "renew", "mine"]).through(["sh", "-c", "cd / && exec \"$@\"", "sh"]);
    elsewhere.run("").await.succeeded();
    assert_eq!(form(&server.seen("/token")[0])["client_secret"], "acme-secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_replaced_only_when_told() {
    let (_server, desk) = desk().await;
    add(&desk, &SECRET).run("").await.succeeded();
    let before = fs::read(desk.file("mine")).expect("it is there");
    add(&desk, &[&SECRET[..], &["--scope", "other"]].concat())
        .run("")
        .await
        .refused(2, &["`mine` already", "keyway credential set", "--replace"]);
    assert_eq!(fs::read(desk.file("mine")).expect("it is there"), before);
    add(&desk, &[&SECRET[..], &["--scope", "other", "--replace"]].concat()).run("").await.succeeded();
    assert_eq!(desk.read("mine")["scope"], json!(["other"]));
    // What is put in its place has to be sound as well.
    add(&desk, &["--replace"]).run("").await.refused(2, &["--secret client_secret"]);
    assert_eq!(desk.read("mine")["scope"], json!(["other"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_leads_to_no_other_folder() {
    let (_server, desk) = desk().await;
    let long = "x".repeat(101);
    for name in ["../x", "a/b", "env", "", ".", ".hidden", "a b", "é", &long, "-x"] {
        let args =
            ["credential", "add", "acme", "--grant", "client_credentials", "--client-id", "x", SECRET[0], SECRET[1]];
        let ran = desk.keyway(&args).args(["--", name]).run("").await;
        ran.refused(2, &["cannot be a credential's name", "at most 100"]);
    }
    assert_eq!(desk.names(""), [""; 0]);
    assert!(!desk.home.path().join("x.json").exists());
    let fits = "x".repeat(100);
    let args =
        ["credential", "add", "acme", &fits, "--grant", "client_credentials", "--client-id", "x", SECRET[0], SECRET[1]];
    desk.keyway(&args).run("").await.succeeded();
    for command in [&["credential", "remove", "../x", "--yes"][..], &["credential", "set", "../x", "--scope", "y"]] {
        desk.keyway(command).run("").await.refused(2, &["../x"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_leaves_what_there_was() {
    let (_server, desk) = desk().await;
    add(&desk, &SECRET).run("").await.succeeded();
    let before = fs::read(desk.file("mine")).expect("it is there");
    let replace = [&SECRET[..], &["--scope", "other", "--replace"]].concat();
    let set = || desk.keyway(&["credential", "set", "mine", "--scope", "other"]);
    let folder = desk.home.path().join("keyway/credentials");
    let unchanged = || {
        assert_eq!(fs::read(desk.file("mine")).expect("it is there"), before);
        assert_eq!(desk.names("credentials"), ["mine.json"]);
    };
    for read_only in [true, false] {
        let spoiled = |run: Keyway| if read_only { bound_by_permissions(run) } else { on_a_full_disk(run) };
        set_mode(&folder, if read_only { 0o500 } else { 0o700 });
        for run in [add(&desk, &replace), set()] {
            spoiled(run).run("").await.refused(2, &["mine.json` cannot be written", "permissions and space"]);
        }
        if read_only {
            let run = desk.keyway(&["credential", "remove", "mine", "--yes"]);
            bound_by_permissions(run).run("").await.refused(2, &["mine.json` cannot be written"]);
        }
        set_mode(&folder, 0o700);
        unchanged();
    }
    // A file where the folder should be.
    let run = add(&desk, &SECRET).env("KEYWAY_HOME", desk.home.write("blocked", ""));
    run.run("").await.refused(2, &["blocked"]);
    set().run("").await.succeeded();
}

// === authorization_params ===

/// The authorization URL of an account.
async fn authorization_url(desk: &Desk, more: &[(&str, &str)]) -> Url {
    let run = desk.keyway(&["login", "mine", "--print-url"]).env("SECRET_OF_MINE", "acme-secret");
    let ran = run.envs(more.iter().copied()).run("").await.succeeded();
    Url::parse(ran.text().trim_end()).expect("it is a URL")
}

fn param(url: &Url, name: &str) -> Vec<String> {
    url.query_pairs().filter(|(known, _)| known == name).map(|(_, value)| value.into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_of_the_authorization_request_lie_over_the_component_s() {
    let (server, desk) = desk().await;
    let mut component = component(&server);
    component["oauth2"]["grants"]["authorization_code"]["authorization_params"] =
        json!({"prompt": "login", "audience": "acme", "hint": "x"});
    desk.describe(&component);
    let mine = ["credential", "add", "acme", "mine", "--replace", "--grant", "authorization_code", "--client-id", "x"];
    let add = |params: &str| desk.keyway(&mine).args(SECRET).args(["--authorization-params", params]);
    add("access_type:offline,prompt:consent").run("").await.succeeded();
    let url = authorization_url(&desk, &[]).await;
    for (name, value) in
        [("access_type", "offline"), ("prompt", "consent"), ("audience", "acme"), ("response_type", "code")]
    {
        assert_eq!(param(&url, name), [value], "{url}");
    }
    // A file may also leave out what the component asks for.
    let mut file = desk.read("mine");
    file["authorization_params"]["hint"] = Value::Null;
    desk.credential("mine", &file);
    assert_eq!(param(&authorization_url(&desk, &[]).await, "hint"), [""; 0]);

    let before = desk.read("mine");
    for reserved in
        ["state", "redirect_uri", "code_challenge", "code_challenge_method", "client_id", "response_type", "scope"]
    {
        let ran = add(&format!("access_type:offline,{reserved}:mine")).run("").await;
        ran.refused(2, &[&format!("`{reserved}` is Keyway's own"), "/authorization_params/"]);
        let set = ["credential", "set", "mine", "--authorization-params", &format!("{reserved}:mine")];
        desk.keyway(&set).run("").await.refused(2, &[reserved]);
        assert_eq!(desk.read("mine"), before);
    }
    for wrong in ["prompt", "prompt:", ":consent", "a:b,a:c"] {
        add(wrong).run("").await.refused(2, &["--authorization-params"]);
    }
    desk.keyway(&["credential", "set", "mine", "--unset", "authorization_params"]).run("").await.succeeded();
    assert_eq!(param(&authorization_url(&desk, &[]).await, "prompt"), ["login"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_in_the_environment_change_nothing_that_protects_a_sign_in() {
    let (server, desk) = desk().await;
    let account = [("ACME_CLIENT_ID", "x"), ("ACME_CLIENT_SECRET", "y"), ("ACME_GRANT", "authorization_code")];
    let login = |params: &str| {
        desk.keyway(&["login", "acme", "--print-url"]).envs(account).env("ACME_AUTHORIZATION_PARAMS", params)
    };
    let ran = login("access_type:offline,prompt:consent").run("").await.succeeded();
    let url = Url::parse(ran.text().trim_end()).expect("it is a URL");
    assert_eq!((param(&url, "access_type"), param(&url, "prompt")), (vec!["offline".into()], vec!["consent".into()]));
    for reserved in ["state", "redirect_uri", "code_challenge", "code_challenge_method", "client_id", "response_type"] {
        login(&format!("{reserved}:mine")).run("").await.refused(2, &[reserved]);
    }
    login("prompt").run("").await.refused(2, &["ACME_AUTHORIZATION_PARAMS", "name:value"]);
    assert_eq!(server.count(""), 0);
}

// === list, show, set, check ===

#[tokio::test(flavor = "multi_thread")]
async fn all_accounts_are_listed() {
    let (_server, desk) = desk().await;
    let ran = desk.keyway(&["credential", "list"]).run("").await.succeeded();
    assert_eq!(ran.text(), "NAME  COMPONENT  ENVIRONMENT  GRANT  CLIENT\n");
    desk.credential("one", &own("client-one"));
    desk.credential("two", &json!({"keyway": 1, "component": "podio", "client_id": "client-two"}));
    desk.credential("three", &json!({"keyway": 1, "component": "gone"}));
    desk.home.write("keyway/credentials/README.md", "no credential");
    let ran = desk.keyway(&["credential", "list"]).run("").await.succeeded();
    let rows: Vec<Vec<&str>> = ran.text().lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows.len(), 4, "{ran}");
    assert_eq!(rows[1], ["one", "acme", "production", "client_credentials", "client-one"], "{ran}");
    assert!(ran.text().contains("faulty: `keyway credential check three`"), "{ran}");
    assert_eq!(rows[3], ["two", "podio", "production", "by", "its", "inputs", "client-two"], "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_shown_without_its_secrets() {
    let (_server, desk) = desk().await;
    add(&desk, &["--secrets-stdin"]).run(r#"{"client_secret":"hunter2"}"#).await.succeeded();
    let sealed = desk.read("mine")["secrets"]["client_secret"]["sealed"].as_str().expect("it is sealed").to_owned();
    let path = desk.file("mine").display().to_string();
    for who in ["mine", path.as_str()] {
        let ran = desk.keyway(&["credential", "show", who]).run("").await.succeeded();
        assert!(!ran.text().contains(&sealed) && ran.stderr.is_empty(), "{ran}");
        let mut wanted = desk.read("mine");
        wanted["secrets"]["client_secret"]["sealed"] = "…".into();
        assert_eq!(support::json(ran.text()), wanted);
    }
    // Also where the component's folder is not named.
    let ran = desk.bare(&["credential", "show", "mine"]).run("").await.succeeded();
    assert!(!ran.text().contains(&sealed) && ran.text().contains("acme-client"), "{ran}");
    // A secret variable of a component that everybody knows, written out.
    let literal = json!({"keyway": 1, "component": "podio", "client_id": "x", "variables": {"app_token": "hunter2"}});
    desk.credential("literal", &literal);
    let ran = desk.bare(&["credential", "show", "literal"]).run("").await;
    ran.refused(2, &["app_token"]);
    assert!(!ran.stderr.contains("hunter2"), "{ran}");
    // And of one that nobody knows.
    let literal = json!({"keyway": 1, "component": "gone", "client_id": "x", "variables": {"app_token": "hunter2"}});
    desk.credential("literal", &literal);
    let ran = desk.bare(&["credential", "show", "literal"]).run("").await;
    assert!(!ran.to_string().contains("hunter2"), "{ran}");
    desk.bare(&["credential", "show", "nobody"]).run("").await.refused(2, &["`nobody`", "keyway credential list"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_changed_member_by_member() {
    let (server, desk) = desk().await;
    let mut component = with_inputs(&server);
    component["environments"] = json!({"production": {}, "sandbox": {}});
    desk.describe(&component);
    add(&desk, &[&SECRET[..], &["--environment", "sandbox"]].concat()).run("").await.succeeded();
    let set = |flags: &[&str]| desk.keyway(&[&["credential", "set", "mine"][..], flags].concat());
    let changes: [(&[&str], &str, Value); 9] = [
        (&["--environment", "production"], "/environment", json!("production")),
        (&["--grant", "password", "--username", "ada"], "/username", json!("ada")),
        (&["--scope", "a b"], "/scope", json!(["a", "b"])),
        (&["--variable", "org_id=5"], "/variables/org_id", json!("5")),
        (&["--secret", "password=env:OTHER"], "/secrets/password/env", json!("OTHER")),
        (&["--redirect-uri", "https://example.com/cb"], "/redirect_uri", json!("https://example.com/cb")),
        (&["--retry-count", "7"], "/retry/count", json!(7)),
        (&["--token-encoding", "json"], "/oauth2/token_request/encoding", json!("json")),
        (&["--client-id", "other"], "/client_id", json!("other")),
    ];
    for (flags, at, wanted) in changes {
        let mut before = desk.read("mine");
        set(flags).run("").await.succeeded();
        let after = desk.read("mine");
        assert_eq!(after.pointer(at), Some(&wanted), "{flags:?}");
        assert_eq!(mode(desk.file("mine")), 0o600);
        // Nothing else has changed.
        before["grant"] = after["grant"].clone();
        let same = ["component", "keyway", "secrets"].iter().all(|name| before[*name] == after[*name]);
        assert!(same || at.starts_with("/secrets"), "{before} {after}");
    }
    for (name, at) in [
        ("username", "/username"),
        ("scope", "/scope"),
        ("redirect_uri", "/redirect_uri"),
        ("retry", "/retry"),
        ("oauth2", "/oauth2"),
        ("org_id", "/variables/org_id"),
        ("password", "/secrets/password"),
        ("grant", "/grant"),
    ] {
        set(&["--unset", name]).run("").await.succeeded();
        assert_eq!(desk.read("mine").pointer(at), None, "{name}");
    }
    set(&["--unset", "nothing"]).run("").await.refused(2, &["no `nothing`"]);
    // Sealed anew, it works at once.
    set(&["--secrets-stdin", "--grant", "client_credentials"]).run(r#"{"client_secret":"new-one"}"#).await.succeeded();
    desk.get(&[]).run("").await.succeeded();
    assert_eq!(form(&server.seen("/token")[0])["client_secret"], "new-one");
    // A shared client and one of its own are never there together.
    desk.client("ours", &json!({"keyway": 1, "component": "acme", "client_id": "shared"}));
    set(&["--client", "ours"]).run("").await.succeeded();
    assert_eq!((&desk.read("mine")["client"], &desk.read("mine")["client_id"]), (&json!("ours"), &Value::Null));
    set(&["--client-id", "own"]).run("").await.succeeded();
    assert_eq!((&desk.read("mine")["client"], &desk.read("mine")["client_id"]), (&Value::Null, &json!("own")));
    set(&["--client-id", "own", "--client", "ours"]).run("").await.refused(2, &["--client"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_would_not_check_changes_nothing() {
    let (server, desk) = desk().await;
    desk.describe(&with_inputs(&server));
    // As somebody wrote it by hand, with spaces of their own.
    let text = "{\"keyway\":1,  \"component\":\"acme\",\n \"environment\":\"sandbox\",\"client_id\":\"x\"}";
    desk.home.write("keyway/credentials/mine.json", text);
    let table: [(&[&str], &str, &[&str]); 11] = [
        (&["--environment", "nowhere"], "", &["nowhere", "production, sandbox"]),
        (&["--grant", "nothing"], "", &["nothing"]),
        (&["--variable", "org_id=x"], "", &["org_id", "[0-9]+"]),
        (&["--variable", "orgid=1"], "", &["orgid", "did you mean `org_id`?"]),
        (&["--secret", "client_secrets=env:X"], "", &["did you mean `client_secret`?"]),
        (&["--secret", "client_secret=hunter2"], "", &["--secrets-stdin"]),
        (&["--secrets-stdin"], "{", &["no JSON object"]),
        (&["--secrets-stdin"], "{\"client_secret\":7}", &["no JSON object"]),
        (&["--token-endpoint", "https://elsewhere.example/token"], "", &["elsewhere.example", "no host"]),
        (&["--unset", "nothing"], "", &["no `nothing`"]),
        (&["--scope", "good", "--grant", "nothing"], "", &["nothing"]),
    ];
    for (flags, input, words) in table {
        let ran = desk.keyway(&[&["credential", "set", "mine"][..], flags].concat()).run(input).await;
        ran.refused(2, words);
        let now = fs::read_to_string(desk.file("mine")).expect("it is there");
        assert_eq!(now, text, "{flags:?}");
    }
    assert_eq!(desk.names("credentials"), ["mine.json"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_names_itself_otherwise_is_sealed_for_that_name() {
    let (server, desk) = desk().await;
    let mut file = own("acme-client");
    file["name"] = "another".into();
    desk.credential("mine", &file);
    desk.keyway(&["credential", "set", "mine", "--secrets-stdin"])
        .run(r#"{"client_secret":"sealed-one"}"#)
        .await
        .succeeded();
    desk.keyway(&["token", "renew", "mine"]).run("").await.succeeded();
    assert_eq!(form(&server.seen("/token")[0])["client_secret"], "sealed-one");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_files_are_checked() {
    let (_server, desk) = desk().await;
    let check = |more: &[&str]| desk.keyway(&[&["credential", "check"][..], more].concat());
    assert_eq!(check(&[]).run("").await.succeeded().text(), "");
    desk.credential("a-good-one", &own("x"));
    desk.credential("c-good-one", &own("y"));
    let ran = check(&[]).run("").await.succeeded();
    assert_eq!(ran.text().matches(": sound").count(), 2, "{ran}");
    let bad = json!({"keyway": 1, "component": "acme", "grant": "nothing", "clientid": "x", "variables": {"x": "y"}});
    desk.home.write("keyway/credentials/b-bad-one.json", serde_json::to_string_pretty(&bad).expect("it is JSON"));
    desk.home.write("keyway/credentials/bytes.json", [0xff]);
    let ran = check(&[]).run("").await;
    assert_eq!(ran.code(), Some(2), "{ran}");
    assert_eq!(ran.text().matches(": sound").count(), 2, "one that is faulty does not hide others: {ran}");
    for word in ["b-bad-one.json", "nothing", "clientid", "did you mean", "/variables/x", "bytes.json", ":4:"] {
        assert!(ran.stderr.contains(word), "`{word}`: {ran}");
    }
    let path = desk.file("b-bad-one").display().to_string();
    check(&["a-good-one"]).run("").await.succeeded();
    let ran = check(&[&path, "a-good-one"]).run("").await;
    assert!(ran.code() == Some(2) && ran.text().contains("a-good-one.json: sound"), "{ran}");
    check(&["nobody"]).run("").await.refused(2, &["`nobody`"]);
    check(&["gone.json"]).run("").await.refused(2, &["gone.json"]);
}

// === verify ===

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_verified() {
    let server = scripted(|seen| {
        let known = seen.header("authorization") == "Bearer access-1";
        (seen.path == "/api/whoami" && !known).then(|| reply(403, &json!({"error": "nobody"})))
    })
    .await;
    let desk = Desk::of(&server);
    add(&desk, &SECRET).run("").await.succeeded();
    let verify = || desk.keyway(&["credential", "verify", "mine"]).env("SECRET_OF_MINE", "acme-secret");
    let ran = verify().run("").await.succeeded();
    assert!(ran.text().starts_with("acme/production/mine: works (200 OK in ") && ran.stderr.is_empty(), "{ran}");
    // By the name of its component, where it is the only one.
    let by_component = desk.keyway(&["credential", "verify", "acme"]).env("SECRET_OF_MINE", "acme-secret");
    by_component.run("").await.succeeded();
    assert_eq!((server.count("/api/whoami"), server.count("/token")), (2, 1));
    desk.keyway(&["token", "renew", "mine"]).env("SECRET_OF_MINE", "acme-secret").run("").await.succeeded();
    verify().run("").await.refused(1, &["acme/production/mine: does not work: ", "403"]);

    let mut without = component(&server);
    without.as_object_mut().expect("an object").remove("verify");
    desk.describe(&without);
    verify().run("").await.refused(2, &["no `verify` action", "keyway request"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_client_is_told_by_verify() {
    let server = scripted(|seen| {
        (seen.path == "/token").then(|| reply(401, &json!({"error": "invalid_client", "error_description": "who?"})))
    })
    .await;
    let desk = Desk::of(&server);
    desk.credential("mine", &own("acme-client"));
    let ran = desk.keyway(&["credential", "verify", "mine"]).env("SECRET_OF_MINE", "acme-secret").run("").await;
    ran.refused(1, &["does not work", "invalid_client", "check client id and secret"]);
}

// === remove ===

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_removed_with_its_token_and_no_other() {
    let (server, desk) = desk().await;
    for name in ["mine", "other"] {
        desk.credential(name, &own("acme-client"));
        let renew = desk.keyway(&["token", "renew", name]).env("SECRET_OF_MINE", "acme-secret");
        renew.run("").await.succeeded();
    }
    let other = fs::read(desk.file("other")).expect("it is there");
    let remove = |more: &[&str]| desk.keyway(&[&["credential", "remove", "mine"][..], more].concat());
    remove(&[]).run("y\n").await.refused(2, &["--yes"]);
    assert_eq!(desk.tokens().len(), 2);
    let ran = remove(&["--yes"]).run("").await.succeeded();
    assert!(ran.stderr.contains("Removed `mine`") && ran.stderr.contains("revoke it there"), "{ran}");
    let tokens = desk.tokens();
    assert!(tokens.len() == 1 && tokens[0].contains("/other."), "{tokens:?}");
    assert_eq!(fs::read(desk.file("other")).expect("it is there"), other);
    assert_eq!(desk.names("credentials"), ["other.json"]);
    desk.get(&[]).env("SECRET_OF_MINE", "acme-secret").run("").await.succeeded();
    assert_eq!(server.count("/token"), 2, "the other's token is at hand");
    assert_eq!(server.count("/revoke"), 0);
    remove(&["--yes"]).run("").await.refused(2, &["`mine`"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_cannot_be_found_is_not_left_behind_in_silence() {
    let (_server, desk) = desk().await;
    desk.credential("mine", &own("acme-client"));
    desk.keyway(&["token", "renew", "mine"]).env("SECRET_OF_MINE", "acme-secret").run("").await.succeeded();
    // Without its component nobody knows which token is its.
    let ran = desk.bare(&["credential", "remove", "mine", "--yes"]).run("").await;
    assert!(desk.tokens().is_empty() || ran.stderr.contains("token"), "{ran}");
    // One that is faulty can be removed all the same.
    desk.home.write("keyway/credentials/broken.json", "{");
    desk.keyway(&["credential", "remove", "broken", "--yes"]).run("").await.succeeded();
    assert!(!desk.file("broken").exists());
}

// === At a terminal ===

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_asked_for_what_is_missing() {
    let (server, desk) = desk().await;
    desk.describe(&with_inputs(&server));
    let ran = Dialog::new()
        .answer("Environment (production, sandbox): ", "")
        .answer("Environment (production, sandbox): ", "nowhere")
        .answer("Environment (production, sandbox): ", "sandbox")
        .answer("Grant (", "app")
        .answer("Client ID: ", "")
        .answer("Client ID: ", "acme-client")
        .secret("Client secret (not shown): ", "")
        .secret("Client secret (not shown): ", "typed-secret")
        .secret("App token (not shown): ", "typed-token")
        .answer("Organization: ", "seventy-seven")
        .answer("Organization: ", "77")
        .with(desk.keyway(&["credential", "add", "acme", "mine"]))
        .await
        .succeeded();
    let shown = ran.text();
    for words in ["https://acme.example/keys", "1. Make a key.", "there is no `nowhere`", "match `[0-9]+`", "Wrote "] {
        assert!(shown.contains(words), "`{words}`: {ran}");
    }
    assert!(shown.find("2. Note it.") < shown.find("Environment ("), "first how to get a key: {ran}");
    assert!(shown.contains("acme-client") && !shown.contains("typed-"), "{ran}");
    let file = fs::read_to_string(desk.file("mine")).expect("it is there");
    assert!(!file.contains("typed-"), "{file}");
    assert_eq!((mode(desk.file("mine")), &desk.read("mine")["environment"]), (0o600, &json!("sandbox")));
    desk.keyway(&["credential", "verify", "mine"]).run("").await.succeeded();
    let sent = form(&server.seen("/token")[0]);
    assert_eq!((&*sent["client_secret"], &*sent["app_token"], &*sent["org"]), ("typed-secret", "typed-token", "77"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_not_asked_for_what_flags_say() {
    let (server, desk) = desk().await;
    desk.describe(&with_inputs(&server));
    let flags = ["--environment", "production", "--grant", "password", "--client-id", "acme-client"];
    let ran = Dialog::new()
        .secret("Client secret (not shown): ", "typed-secret")
        .answer("User name: ", "ada")
        .secret("Password (not shown): ", "typed password")
        .with(desk.keyway(&[&["credential", "add", "acme"][..], &flags].concat()))
        .await
        .succeeded();
    assert!(!ran.text().contains("Client ID") && !ran.text().contains("Environment"), "{ran}");
    desk.keyway(&["token", "renew", "acme"]).run("").await.succeeded();
    let sent = form(&server.seen("/token")[0]);
    assert_eq!((&*sent["username"], &*sent["password"]), ("ada", "typed password"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_confirms_a_removal() {
    let (_server, desk) = desk().await;
    desk.credential("mine", &own("acme-client"));
    for (answer, removed) in [("", false), ("n", false), ("maybe", false), ("y", true)] {
        let remove = desk.keyway(&["credential", "remove", "mine"]);
        let ran = Dialog::new().answer("Remove the account `mine`", answer).with(remove).await;
        assert_eq!((ran.code(), desk.file("mine").exists()), (Some(i32::from(!removed)), !removed), "{answer}: {ran}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_pastes_and_may_try_again() {
    let (server, desk) = desk().await;
    let mut account = own("acme-client");
    account["grant"] = "authorization_code".into();
    account["redirect_uri"] = "https://example.com/signed-in".into();
    desk.credential("mine", &account);
    let login = || desk.keyway(&["login", "mine", "--paste"]).env("SECRET_OF_MINE", "acme-secret");
    let ask = "then press Enter:";
    let ran = Dialog::new()
        .answer(ask, "")
        .answer(ask, "https://example.com/signed-in?code=not-mine&state=another")
        .answer(ask, "https://elsewhere.example/?code=not-mine")
        .answer(ask, "two words")
        .answer(ask, "the-code")
        .with(login())
        .await
        .succeeded();
    assert!(ran.text().contains("begins with https://example.com/signed-in"), "{ran}");
    for words in ["its `state` is another one", "another address than the redirect URI", "holds no code", "Signed in:"]
    {
        assert!(ran.text().contains(words), "`{words}`: {ran}");
    }
    assert_eq!((server.count("/token"), &*form(&server.seen("/token")[0])["code"]), (1, "the-code"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_types_a_refresh_token_unseen() {
    let (server, desk) = desk().await;
    let mut account = own("acme-client");
    account["grant"] = "refresh_token".into();
    desk.credential("mine", &account);
    let import = desk.keyway(&["token", "import", "mine"]).env("SECRET_OF_MINE", "acme-secret");
    let ran = Dialog::new().secret("Refresh token (not shown): ", "typed-token").with(import).await.succeeded();
    assert!(ran.text().contains("imported") && !ran.text().contains("typed-token"), "{ran}");
    assert_eq!(form(&server.seen("/token")[0])["refresh_token"], "typed-token");
}
