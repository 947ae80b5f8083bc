//! The other commands: `request`, `component`, `schema`, `simulator`, `completions`; where accounts come from, and where
//! tokens rest.

mod support;

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use keyway_simulator::{Options, Simulator};
use keyway_tests::{
    acme,
    mock::{Mock, Seen, reply},
};
use serde_json::{Value, json};
use support::{Home, Keyway, json as parsed, summary, workspace};

/// An API that tells what it was sent.
async fn echo() -> Mock {
    Mock::api(|seen: Seen| async move {
        if seen.path == "/api/missing" {
            return reply(404, &json!({"detail": "nothing is here"}));
        }
        let body = serde_json::from_slice::<Value>(&seen.body).unwrap_or_else(|_| seen.text().into());
        reply(200, &json!({"method": seen.method, "path": seen.path, "query": seen.query, "body": body, "type": seen.header("content-type"), "x": seen.header("x-one")}))
    })
    .await
}

/// A command on the made-up API, with its component in a folder and its account in the environment.
fn acme(home: &Home, api: &Mock, args: &[&str]) -> Keyway {
    home.write("components/acme.json", acme::acme(&api.url).to_string());
    home.keyway(args.iter().copied()).arg("--components").arg(home.file("components")).envs(ACCOUNT)
}

const ACCOUNT: [(&str, &str); 2] = [("ACME_CLIENT_ID", "acme-client"), ("ACME_CLIENT_SECRET", "acme-secret")];

#[tokio::test(flavor = "multi_thread")]
async fn request_prints_the_body_for_people() {
    let (home, api) = (Home::new(), echo().await);
    let ran = acme(&home, &api, &["request", "acme", "get", "/user"]).run("").await.succeeded();
    assert!(ran.text().starts_with("{\n  \"method\": \"GET\",\n  \"path\": \"/api/user\",\n"), "{ran}");
    assert!(ran.text().ends_with("}\n") && ran.stderr.is_empty(), "{ran}");

    let podio = Home::new().keyway(["request", "podio", "GET", "/user", "--simulator"]).run("").await.succeeded();
    assert!(parsed(podio.text())["user_id"].is_u64(), "{podio}");
}

#[tokio::test(flavor = "multi_thread")]
async fn request_prints_the_whole_result_as_json() {
    let (home, api) = (Home::new(), echo().await);
    let ran = acme(&home, &api, &["request", "acme", "GET", "/user", "--json"]).run("").await.succeeded();
    let outcome = ran.outcome();
    assert_eq!((&outcome["line"], &outcome["status"]), (&json!(1), &json!(200)));
    assert_eq!(outcome["body"]["path"], "/api/user");
    let ran = acme(&home, &api, &["request", "acme", "GET", "/missing", "--json"]).run("").await;
    assert_eq!((ran.code(), &ran.outcome()["error"]["code"]), (Some(1), &json!("http_status")));
    let ran = acme(&home, &api, &["request", "acme", "GET", "/missing", "--accept", "404"]).run("").await.succeeded();
    assert!(ran.text().contains("nothing is here") && ran.stderr.is_empty(), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn request_sends_what_it_is_given() {
    let (home, api) = (Home::new(), echo().await);
    let file = home.write("body.json", "{\"from\": \"a file\"}");
    let at = format!("@{file}");
    let bodies = [
        (&["--body", r#"{"n":9007199254740993}"#][..], "", json!({"n": 9_007_199_254_740_993_u64}), "application/json"),
        (&["--body", &at], "", json!({"from": "a file"}), "application/json"),
        (&["--body", "-"], "[\"piped\"]", json!(["piped"]), "application/json"),
        (&["--form", "a=1 2", "--form", "b=ü"], "", json!("a=1+2&b=%C3%BC"), "application/x-www-form-urlencoded"),
    ];
    for (args, input, body, label) in bodies {
        let ran = acme(&home, &api, &["request", "acme", "POST", "/items"]).args(args.iter().copied());
        let sent = parsed(ran.run(input).await.succeeded().text());
        assert_eq!((&sent["body"], &sent["type"]), (&body, &json!(label)), "{args:?}");
    }
    let args = ["request", "acme", "GET", "/items/{id}", "--param", "id=a/b c", "--query", "q=x y", "-H", "X-One=1"];
    let sent = parsed(acme(&home, &api, &args).run("").await.succeeded().text());
    assert_eq!(sent["path"], "/api/items/a%2Fb%20c");
    assert!(matches!(sent["query"].as_str(), Some("q=x%20y" | "q=x+y")), "{sent}");
    assert_eq!(sent["x"], "1");

    acme(&home, &api, &["request", "acme", "POST", "/items", "--body", "{no"]).run("").await.refused(2, &["no JSON"]);
    acme(&home, &api, &["request", "acme", "POST", "/items", "--body", "@gone"]).run("").await.refused(2, &["gone"]);
    acme(&home, &api, &["request", "acme", "GET"]).run("").await.refused(2, &["URL"]);
    acme(&home, &api, &["request", "acme", "GET", "/", "--param", "id"]).run("").await.refused(2, &["NAME=VALUE"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn request_runs_an_action() {
    let home = Home::new();
    let args = ["request", "podio", "--simulator", "--action", "lookup_item", "--param", "item_id=800001"];
    let ran = home.keyway(args).run("").await.succeeded();
    assert_eq!(parsed(ran.text())["item_id"], 800_001);
    let unknown = home.keyway(["request", "podio", "--simulator", "--action", "lookup"]).run("").await;
    assert_eq!(unknown.code(), Some(1));
    assert!(unknown.stderr.contains("unknown_action") && unknown.stderr.contains("component show podio"), "{unknown}");
    let unfit = home.keyway(["request", "podio", "--simulator", "--action", "lookup_item"]).run("").await;
    assert_eq!(unfit.code(), Some(1));
    assert!(unfit.stderr.contains("invalid_params") && unfit.stderr.contains("item_id"), "{unfit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn request_tells_a_failure_on_stderr_and_the_answer_on_stdout() {
    let (home, api) = (Home::new(), echo().await);
    let ran = acme(&home, &api, &["request", "acme", "GET", "/missing"]).run("").await;
    assert_eq!(ran.code(), Some(1), "{ran}");
    assert!(ran.text().contains("\"detail\": \"nothing is here\""), "{ran}");
    assert!(ran.stderr.starts_with("error: http_status: ") && ran.stderr.contains("404"), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn components_are_listed_with_where_they_come_from() {
    let (home, api) = (Home::new(), echo().await);
    let ran = acme(&home, &api, &["component", "list"]).run("").await.succeeded();
    let line = |name: &str| ran.text().lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{ran}"));
    assert!(line("podio").contains("built in") && line("podio").contains("password"), "{ran}");
    assert!(line("podero").contains("client_credentials"), "{ran}");
    assert!(line("acme").contains("acme.json"), "{ran}");
    assert!(line("NAME").contains("GRANTS"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_shows_what_an_account_needs() {
    let home = Home::new();
    let ran = home.keyway(["component", "show", "podio"]).run("").await.succeeded();
    for words in [
        "https://podio.com/settings/api",
        "PODIO_CLIENT_ID",
        "PODIO_CLIENT_SECRET",
        "PODIO_USERNAME",
        "PODIO_APP_TOKEN",
        "PODIO_REFRESH_TOKEN",
        "_FILE",
        "global:all",
        "OAuth2 <token>",
        "lookup_item",
        "420",
    ] {
        assert!(ran.text().contains(words), "`{words}` is not shown: {ran}");
    }
    let ran = home.keyway(["component", "show", "podero"]).run("").await.succeeded();
    for words in ["PODERO_ENVIRONMENT", "production, sandbox", "PODERO_ORG_ID", "PODERO_API_VERSION", "v2.0"] {
        assert!(ran.text().contains(words), "`{words}` is not shown: {ran}");
    }
    home.keyway(["component", "show", "podioo"]).run("").await.refused(2, &["did you mean `podio`?"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_components_pass_the_check() {
    let home = Home::new();
    for name in ["podio", "podero"] {
        let folder = workspace().join("components").join(name);
        let ran = home.keyway(["component", "check"]).arg(&folder).run("").await.succeeded();
        assert!(ran.text().contains(&format!("`{name}` is sound")), "{ran}");
        let file = home.keyway(["component", "check"]).arg(folder.join("component.json")).run("").await;
        file.succeeded();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_component_is_told_all_its_faults_at_once() {
    let home = Home::new();
    let mut component = acme::acme("https://api.example.com");
    component["titel"] = json!("Acme");
    component["api"]["base_url"] = json!("http://api.example.com");
    component["api"]["headers"] = json!({"x-tenant": "{tenant}"});
    component["oauth2"]["token_request"] = json!({"encoding": "xml"});
    let file = home.write("faulty.json", serde_json::to_string_pretty(&component).expect("it is JSON"));
    let ran = home.keyway(["component", "check", &file]).run("").await;
    ran.refused(2, &["faulty.json", "titel", "/oauth2/token_request/encoding", "help:"]);

    // What the schema allows and the lint does not.
    component.as_object_mut().expect("an object").remove("titel");
    component["oauth2"]["token_request"] = json!({"encoding": "form"});
    component["retry"]["statuses"] = json!([500]);
    component["verify"] = json!("no_such_action");
    let file = home.write("unlinted.json", serde_json::to_string_pretty(&component).expect("it is JSON"));
    let ran = home.keyway(["component", "check", &file]).run("").await;
    ran.refused(2, &["unlinted.json", "/api/base_url", "https", "tenant", "no_such_action", "3 errors"]);

    // A sound one beside a faulty one: both are told, and the exit code is that of the worse.
    let sound = workspace().join("components/podio");
    let ran = home.keyway(["component", "check", &file]).arg(sound).run("").await;
    assert_eq!(ran.code(), Some(2));
    assert!(ran.text().contains("`podio` is sound") && ran.stderr.contains("3 errors"), "{ran}");

    home.keyway(["component", "check", "gone.json"]).run("").await.refused(2, &["gone.json"]);
    let broken = home.write("broken.json", "{\n  \"keyway\": 1,\n  \"name\" \"acme\"\n}\n");
    home.keyway(["component", "check", &broken]).run("").await.refused(2, &["broken.json", ":3:"]);
    let newer = home.write("newer.json", json!({"keyway": 2, "name": "acme"}).to_string());
    home.keyway(["component", "check", &newer]).run("").await.refused(2, &["newer Keyway"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_committed_schemas_are_those_of_the_binary() {
    let home = Home::new();
    for name in ["component", "credential", "client", "message", "outcome"] {
        let ran = home.keyway(["schema", name]).run("").await.succeeded();
        assert!(jsonschema::meta::is_valid(&parsed(ran.text())), "{name} is a JSON Schema");
        let file = workspace().join("schemas").join(format!("{name}.schema.json"));
        if std::env::var_os("KEYWAY_BLESS").is_some_and(|value| value == "1") {
            fs::create_dir_all(file.parent().expect("a folder")).expect("the repository can be written");
            fs::write(&file, ran.text()).expect("the repository can be written");
        }
        let committed = fs::read_to_string(&file).unwrap_or_default();
        let how = "write it anew: KEYWAY_BLESS=1 cargo test -p keyway-tests --test cli_commands schemas";
        assert!(committed == ran.text(), "schemas/{name}.schema.json is missing or stale; {how}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_teaches_its_use() {
    let home = Home::new();
    let table: [(&[&str], &[&str]); 9] = [
        (&[], &["keyway run podio --simulator", "Usage:"]),
        (&["run"], &["Examples:", "--dead-letter", "Exit codes:", "PODIO_CLIENT_ID"]),
        (&["request"], &["Examples:", "--action lookup_item"]),
        (&["component"], &["list", "show", "check"]),
        (&["component", "list"], &["--components", "component.json"]),
        (&["component", "show"], &["name, or the path"]),
        (&["component", "check"], &["every fault comes with line"]),
        (&["simulator"], &["Podio and Podero", "--podio-token-ttl"]),
        (&["completions"], &["shell"]),
    ];
    for (command, words) in table {
        let ran = home.keyway(command.iter().copied()).arg("--help").run("").await.succeeded();
        for word in words {
            assert!(ran.text().contains(word), "`{word}` is not in the help of {command:?}: {ran}");
        }
        let lines: Vec<&str> = ran.text().lines().collect();
        for (n, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("      --")) {
            let beside = line.trim_start().contains("  ");
            let below = lines.get(n + 1).is_some_and(|next| next.starts_with("          "));
            assert!(beside || below, "an option of {command:?} without a word: {line}");
        }
    }
    let version = home.keyway(["--version"]).run("").await.succeeded();
    assert!(version.text().starts_with("keyway "), "{version}");
    assert_eq!(home.keyway::<&str>([]).run("").await.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn completions_for_each_shell() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let ran = home.keyway(["completions", shell]).run("").await.succeeded();
        assert!(ran.text().contains("dead-letter") && ran.text().contains("keyway"), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulator_serves_until_it_is_stopped() {
    let home = Home::new();
    let mut simulator = home.keyway(["simulator", "--podio-token-ttl", "77"]).start();
    let demo = simulator.read().await;
    assert!(demo["origins"].as_array().is_some_and(|origins| origins.len() == 5), "{demo}");
    let url = demo["origins"][0]["simulated"].as_str().expect("an origin").to_owned();
    assert_eq!(simulator.told("/_simulator/stats").await, format!("Watch:  {url}/_simulator/stats.html"));
    let of = format!("--simulator={url}");
    let ran = home.keyway(["run", "podio", &of, "--summary", "json"]).run("{\"method\":\"GET\",\"url\":\"/user\"}\n");
    let ran = ran.await.succeeded();
    assert_eq!(ran.outcome()["status"], 200);
    let podero = home.keyway(["request", "podero", "GET", "/org/{org_id}/users", &of]).run("").await.succeeded();
    assert!(parsed(podero.text()).is_array());
    simulator.signal("INT").await;
    let end = simulator.end().await;
    assert_eq!(end.code(), Some(0), "{end}");
    let gone = home.keyway(["request", "podio", "GET", "/user", &of]).run("").await;
    gone.refused(2, &["no simulator at", "keyway simulator"]);
    let far = home.keyway(["request", "podio", "GET", "/user", "--simulator=http://example.com"]).run("").await;
    far.refused(2, &["not on this machine"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulator_takes_no_real_account() {
    let home = Home::new();
    let simulator = Simulator::start(Options::default()).await.expect("loopback has free ports");
    let of = format!("--simulator={}", simulator.urls()[0]);
    let account = [("PODIO_CLIENT_ID", "mine"), ("PODIO_CLIENT_SECRET", "my-secret"), ("PODIO_GRANT", "app")];
    home.keyway(["request", "podio", "GET", "/user", &of]).envs(account).run("").await.succeeded();
    let carried = |text: &str| simulator.stats().calls.iter().any(|call| call.body.contains(text));
    assert!(!carried("mine") && !carried("my-secret"));
    let file = home.write("account.json", json!({"keyway": 1, "component": "podio"}).to_string());
    let ran = home.keyway(["run", "podio", &of, "--credential", &file]).run("").await;
    ran.refused(2, &["--simulator", "--credential"]);
    assert!(!home.path().join("keyway").exists(), "its tokens stay in memory");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_in_the_environment_may_name_files() {
    let (home, api) = (Home::new(), echo().await);
    home.write("components/acme.json", acme::acme(&api.url).to_string());
    let (id, secret) = (home.write("id", "acme-client\n"), home.write("secret", "acme-secret\n"));
    let request = |secret: &str| {
        let run = home.keyway(["request", "acme", "GET", "/user", "--components"]).arg(home.file("components"));
        run.env("ACME_CLIENT_ID_FILE", &id).env("ACME_CLIENT_SECRET_FILE", secret)
    };
    request(&secret).run("").await.succeeded();
    assert_eq!(api.seen("/token")[0].text().matches("acme-secret").count(), 1);
    assert!(!api.seen("/token")[0].text().contains("%0A"), "the file's line break is not sent");
    // One that leads nowhere is found before anything is sent.
    let gone = request(&home.file("gone")).args(["--token-store", "memory"]).run("").await;
    gone.refused(2, &["ACME_CLIENT_SECRET", "gone"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_keeps_to_its_pattern_secret_or_not() {
    let (home, api) = (Home::new(), echo().await);
    for secret in [false, true] {
        let mut component = acme::acme(&api.url);
        component["variables"] =
            json!({"tenant_key": {"title": "Tenant key", "pattern": "[a-z]{8}", "secret": secret}});
        component["api"]["headers"] = json!({"x-one": "{tenant_key}"});
        home.write("components/acme.json", component.to_string());
        let request = |value: &str| {
            let run = home.keyway(["request", "acme", "GET", "/user", "--components"]).arg(home.file("components"));
            run.envs(ACCOUNT).env("ACME_TENANT_KEY", value)
        };
        let ran = request("abcdefgh").run("").await.succeeded();
        assert_eq!(parsed(ran.text())["x"], "abcdefgh");
        request("abcdefgh-and-more").run("").await.refused(2, &["ACME_TENANT_KEY", "[a-z]{8}"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_in_a_file_refers_to_its_secrets() {
    let (home, api) = (Home::new(), echo().await);
    home.write("components/acme.json", acme::acme(&api.url).to_string());
    home.write("secret", "acme-secret\n");
    for secret in [
        json!({"env": "OF_MY_OWN"}),
        json!({"file": home.file("secret")}),
        json!({"command": ["cat", home.file("secret")]}),
    ] {
        let credential = json!({
            "keyway": 1, "component": "acme", "client_id": "acme-client", "secrets": {"client_secret": secret}
        });
        let file = home.write("mine.json", credential.to_string());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("the file is ours");
        let run = home.keyway(["run", "--token-store", "memory", "--components"]).arg(home.file("components"));
        let run = run.args(["--credential", &file]).env("OF_MY_OWN", "acme-secret");
        let ran = run.run("{\"method\":\"GET\",\"url\":\"/user\"}\n").await.succeeded();
        assert_eq!(ran.outcome()["status"], 200);
    }
    let sent = api.seen("/token");
    assert!(sent.len() == 3 && sent.iter().all(|seen| seen.text().contains("client_secret=acme-secret")));

    let file = home.file("mine.json");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("the file is ours");
    let run = home.keyway(["run", "--components"]).arg(home.file("components")).args(["--credential", &file]);
    run.run("").await.refused(2, &["mine.json", "chmod go-w"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_takes_a_built_in_name_only_when_told_to() {
    let (home, api) = (Home::new(), echo().await);
    let mut component = acme::acme(&api.url);
    component["name"] = json!("podio");
    home.write("components/podio.json", component.to_string());
    let account = [("PODIO_CLIENT_ID", "x"), ("PODIO_CLIENT_SECRET", "acme-secret")];
    let request = || {
        let run = home.keyway(["request", "podio", "GET", "/user", "--components"]).arg(home.file("components"));
        run.envs(account)
    };
    request().run("").await.refused(2, &["podio.json", "built-in", "--override podio"]);
    assert_eq!(api.count(""), 0);
    let ran = request().args(["--override", "podio"]).run("").await.succeeded();
    assert_eq!(parsed(ran.text())["path"], "/api/user");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_can_be_named_by_its_path() {
    let (home, api) = (Home::new(), echo().await);
    let file = home.write("somewhere/acme.json", acme::acme(&api.url).to_string());
    home.write("folder/component.json", acme::acme(&api.url).to_string());
    for path in [file.as_str(), "./somewhere/acme.json", "./folder"] {
        let ran = home.keyway(["request", path, "GET", "/user"]).envs(ACCOUNT).run("").await.succeeded();
        assert_eq!(parsed(ran.text())["path"], "/api/user", "{path}");
        let ran = home.keyway(["run", path]).envs(ACCOUNT).run("{\"method\":\"GET\",\"url\":\"/user\"}\n").await;
        assert_eq!(ran.succeeded().outcome()["status"], 200, "{path}");
        let ran = home.keyway(["component", "show", path]).run("").await.succeeded();
        assert!(ran.text().contains("ACME_CLIENT_ID"), "{ran}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_outlive_the_process_encrypted() {
    let (home, api) = (Home::new(), echo().await);
    for token_requests in [1, 0] {
        let run = acme(&home, &api, &["run", "acme", "--summary", "json"]);
        let ran = run.run("{\"method\":\"GET\",\"url\":\"/user\"}\n").await.succeeded();
        assert_eq!(summary(&ran.stderr)["token_requests"], token_requests, "{ran}");
    }
    assert_eq!(api.count("/token"), 1);
    let kept = files(&home.path().join("keyway"));
    assert!(kept.len() >= 2, "a key and a token: {kept:?}");
    for path in &kept {
        let content = fs::read(path).expect("it is ours");
        for secret in ["token-1", "acme-secret"] {
            assert!(!content.windows(secret.len()).any(|part| part == secret.as_bytes()), "{path} shows a secret");
        }
        let mode = fs::metadata(path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{path}");
    }
    // Another client is another account: the token of the first is neither used nor lost.
    let other = acme(&home, &api, &["request", "acme", "GET", "/user"]).env("ACME_CLIENT_ID", "another");
    other.run("").await.succeeded();
    assert_eq!(api.count("/token"), 2);
    // `--token-store memory` leaves the folder alone, and another folder is another store.
    let memory = acme(&home, &api, &["request", "acme", "GET", "/user", "--token-store", "memory"]);
    memory.run("").await.succeeded();
    let elsewhere = home.file("elsewhere");
    for _ in 0..2 {
        let run = acme(&home, &api, &["request", "acme", "GET", "/user", "--token-store", &elsewhere]);
        run.run("").await.succeeded();
    }
    assert_eq!(api.count("/token"), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_that_cannot_be_written_is_one_warning() {
    let (home, api) = (Home::new(), echo().await);
    // A file where the folder should be: nobody, not even root, can make a folder in it.
    let blocked = home.write("blocked", "");
    let run = acme(&home, &api, &["run", "acme", "--summary", "none"]).env("KEYWAY_HOME", &blocked);
    let ran = run.run("{\"method\":\"GET\",\"url\":\"/user\"}\n".repeat(5)).await.succeeded();
    assert_eq!(ran.outcomes().len(), 5);
    assert_eq!(ran.stderr.lines().count(), 1, "{ran}");
    assert!(ran.stderr.contains("memory only") && ran.stderr.contains("blocked"), "{ran}");

    // A grant that could not sign in again without a person is refused instead.
    let account = [("PODIO_CLIENT_ID", "x"), ("PODIO_CLIENT_SECRET", "y"), ("PODIO_REFRESH_TOKEN", "only-once")];
    let run = home.keyway(["run", "podio"]).envs(account).env("KEYWAY_HOME", &blocked);
    run.run("").await.refused(2, &["--token-store", "podio/production/default"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_others_can_read_is_refused() {
    let (home, api) = (Home::new(), echo().await);
    acme(&home, &api, &["request", "acme", "GET", "/user"]).run("").await.succeeded();
    let key = home.path().join("keyway/tokens/key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("the key is ours");
    acme(&home, &api, &["request", "acme", "GET", "/user"]).run("").await.refused(2, &["key", "chmod"]);
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path.display().to_string());
        }
    }
    found
}
