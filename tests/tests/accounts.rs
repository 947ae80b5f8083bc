//! Which account is meant, and that none is ever taken for another: files, variables, shared clients, secrets that change.

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::{Duration, Instant},
};

use keyway::{Credential, Host};
use keyway_tests::mock::{Mock, Seen, reply};
use serde_json::{Value, json};
use support::{
    Keyway, Ran,
    desk::{Desk, component, own, signed_in_to},
    disk::set_mode,
    line_numbers,
    scripted::{form, scripted, willing},
};

/// The account of the environment's variables.
const VARIABLES: [(&str, &str); 3] =
    [("ACME_CLIENT_ID", "of-env"), ("ACME_CLIENT_SECRET", "secret-of-env"), ("ACME_GRANT", "client_credentials")];

/// A server whose tokens name the client that they were given to.
async fn naming() -> Mock {
    scripted(|seen| {
        let client = form(seen).remove("client_id").filter(|_| seen.path == "/token")?;
        Some(reply(200, &json!({"access_token": format!("of-{client}"), "token_type": "Bearer", "expires_in": 3600})))
    })
    .await
}

/// A desk at such a server.
async fn desk() -> (Mock, Desk) {
    let server = naming().await;
    let desk = Desk::of(&server);
    (server, desk)
}

/// The command has a secret for accounts in files.
fn with_secret(run: Keyway) -> Keyway {
    run.env("SECRET_OF_MINE", "acme-secret")
}

/// Which client's token the last request carried.
fn last_client(server: &Mock) -> String {
    let seen = server.seen("/api/user").pop().expect("there was a request");
    seen.header("authorization").trim_start_matches("Bearer of-").to_owned()
}

async fn used(server: &Mock, run: Keyway) -> String {
    with_secret(run).run("").await.succeeded();
    last_client(server)
}

// === Which one ===

#[tokio::test(flavor = "multi_thread")]
async fn without_any_account_the_way_to_one_is_told() {
    let (server, desk) = desk().await;
    for command in
        [&["request", "acme", "GET", "/user"][..], &["run", "acme"], &["login", "acme"], &["token", "show", "acme"]]
    {
        let ran = desk.keyway(command).run("").await;
        ran.refused(2, &["ACME_CLIENT_ID", "ACME_CLIENT_SECRET", "keyway credential add acme"]);
        ran.refused(2, &["https://acme.example/keys", "1. Make a key.", "2. Note it."]);
    }
    let podio = desk.bare(&["request", "podio", "GET", "/user"]).run("").await;
    podio.refused(2, &["PODIO_CLIENT_ID", "https://podio.com/settings/api", "App token"]);
    desk.keyway(&["run"]).run("").await.refused(2, &["--credential NAME"]);
    desk.keyway(&["run", "--any-credential"]).run("").await.refused(2, &["keyway credential add"]);
    desk.keyway(&["login", "nobody"]).run("").await.refused(2, &["nobody", "no component of that name"]);
    assert_eq!(server.count(""), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_account_is_meant() {
    let (server, desk) = desk().await;
    assert_eq!(used(&server, desk.get(&[]).envs(VARIABLES)).await, "of-env");
    desk.credential("one", &own("in-a-file"));
    assert_eq!(used(&server, desk.get(&[])).await, "in-a-file");
    // A secret alone is no account.
    assert_eq!(used(&server, desk.get(&[]).env("ACME_CLIENT_SECRET", "of-nobody")).await, "in-a-file");
    // Another component's account is another matter.
    desk.credential("podio", &json!({"keyway": 1, "component": "podio", "client_id": "x"}));
    assert_eq!(used(&server, desk.get(&[])).await, "in-a-file");
}

#[tokio::test(flavor = "multi_thread")]
async fn between_a_file_and_the_environment_a_person_chooses() {
    let (server, desk) = desk().await;
    desk.credential("one", &own("in-a-file"));
    for command in [&["request", "acme", "GET", "/user"][..], &["run", "acme"], &["token", "renew", "acme"]] {
        let ran = with_secret(desk.keyway(command)).envs(VARIABLES).run("").await;
        let code = if command[0] == "token" { 1 } else { 2 };
        ran.refused(code, &["several accounts", "one", "env"]);
    }
    // A mounted identifier counts as well.
    let id = desk.home.write("id", "of-env");
    let ran = with_secret(desk.get(&[])).env("ACME_CLIENT_ID_FILE", id).run("").await;
    ran.refused(2, &["several accounts", "one", "env", "--credential"]);
    assert_eq!(server.count(""), 0, "nobody is asked with any of them");

    assert_eq!(used(&server, desk.get(&["--credential", "env"]).envs(VARIABLES)).await, "of-env");
    assert_eq!(used(&server, desk.get(&["--credential", "one"]).envs(VARIABLES)).await, "in-a-file");
    // Without a component nobody knows whose variables are meant.
    desk.keyway(&["run", "--credential", "env"]).envs(VARIABLES).run("").await.refused(2, &["name the component"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn between_two_files_a_person_chooses() {
    let (server, desk) = desk().await;
    desk.credential("one", &own("first"));
    desk.credential("two", &own("second"));
    with_secret(desk.get(&[])).run("").await.refused(2, &["several accounts", "one, two", "--credential"]);
    assert_eq!(server.count(""), 0);
    assert_eq!(used(&server, desk.get(&["--credential", "two"])).await, "second");
    assert_eq!(used(&server, desk.get(&["--credential", "one"])).await, "first");
    with_secret(desk.get(&["--credential", "twoo"])).run("").await.refused(2, &["`twoo`", "did you mean `two`?"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_means_a_file_wherever_it_lies() {
    let (server, desk) = desk().await;
    desk.credential("one", &own("first"));
    let path = desk.home.write("elsewhere/here.json", own("by-path").to_string());
    for path in [path.as_str(), "./elsewhere/here.json", "elsewhere/here.json"] {
        assert_eq!(used(&server, desk.get(&["--credential", path])).await, "by-path", "{path}");
        with_secret(desk.keyway(&["token", "show", path])).run("").await.succeeded();
    }
    with_secret(desk.get(&["--credential", "./one.json"])).run("").await.refused(2, &["./one.json"]);
    // Of another component than the one that is named.
    let mut podio = signed_in_to("x");
    podio["component"] = "podio".into();
    let other = desk.home.write("elsewhere/podio.json", podio.to_string());
    with_secret(desk.get(&["--credential", &other])).run("").await.refused(2, &["acme"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_faulty_does_not_keep_others_from_work() {
    let (server, desk) = desk().await;
    desk.credential("good", &own("good"));
    desk.home.write("keyway/credentials/broken.json", "{");
    desk.home.write("keyway/credentials/no text.json", [0xff, 0xfe]);
    desk.home.write("keyway/credentials/bytes.json", [0xff, 0xfe]);
    assert_eq!(used(&server, desk.get(&["--credential", "good"])).await, "good");
    assert_eq!(used(&server, desk.get(&[])).await, "good");
    let ran = with_secret(desk.keyway(&["token", "renew", "--all"])).run("").await;
    assert!(ran.code() == Some(1) && ran.stderr.contains("good: renewed"), "{ran}");
    assert!(ran.stderr.contains("bytes") && ran.stderr.contains("broken"), "{ran}");
    let ran = with_secret(desk.keyway(&["doctor", "--offline"])).run("").await;
    assert!(ran.code() == Some(1) && ran.text().contains("client good"), "{ran}");
}

// === Many in one run ===

/// Lines of messages, each for the credential of that name.
fn messages<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let message = |name| json!({"method": "GET", "url": format!("/user?for={name}"), "credential": name}).to_string();
    names.into_iter().map(|name| message(name) + "\n").collect()
}

fn by_line(ran: &Ran) -> BTreeMap<u64, Value> {
    ran.outcomes().into_iter().map(|outcome| (outcome["line"].as_u64().expect("a line"), outcome)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_name_their_accounts() {
    let (server, desk) = desk().await;
    desk.credential("one", &own("first"));
    desk.credential("two", &own("second"));
    desk.credential("person", &signed_in_to("third"));
    let input = messages(["one", "nobody", "person", "two"]) + "{\"method\":\"GET\",\"url\":\"/user\"}\n";
    for args in [&["run", "acme", "--any-credential"][..], &["run", "--any-credential"]] {
        let ran = with_secret(desk.keyway(args)).run(input.clone()).await;
        assert_eq!(ran.code(), Some(1), "{ran}");
        let outcomes = by_line(&ran);
        assert_eq!((&outcomes[&1]["status"], &outcomes[&4]["status"]), (&json!(200), &json!(200)), "{ran}");
        for (line, code, words) in [
            (2, "unknown_credential", &["`nobody`", "one, person, two"][..]),
            (3, "sign_in_required", &["keyway login person"]),
            (5, "unknown_credential", &["several accounts", "`credential`"]),
        ] {
            let error = &outcomes[&line]["error"];
            assert_eq!(error["code"], code, "{ran}");
            let message = error["message"].as_str().unwrap_or_default();
            assert!(words.iter().all(|word| message.contains(word)), "{words:?}: {message}");
        }
    }
    assert_eq!(server.count("/token"), 2, "one token each, which the second run finds");
    with_secret(desk.keyway(&["run", "--any-credential", "--credential", "one"]))
        .run("")
        .await
        .refused(2, &["--credential"]);
    // Chosen ones only.
    let ran = with_secret(desk.keyway(&["run", "--credential", "one", "--credential", "two"])).run(input).await;
    let outcomes = by_line(&ran);
    assert_eq!(outcomes[&3]["error"]["code"], "unknown_credential", "{ran}");
    assert_eq!((&outcomes[&1]["status"], &outcomes[&4]["status"]), (&json!(200), &json!(200)), "{ran}");
    // One that needs a person, and is named, ends the run before it reads a line.
    with_secret(desk.keyway(&["run", "--credential", "one", "--credential", "person"]))
        .run("")
        .await
        .refused(3, &["keyway login person"]);
}

const MANY: usize = 1000;
/// What a thousand accounts may take, on a machine that does something else as well.
const SANE: Duration = Duration::from_secs(50);

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_accounts_keep_to_their_own_tokens() {
    let (server, desk) = desk().await;
    let names: Vec<String> = (0..MANY).map(|n| format!("account-{n}")).collect();
    for name in &names {
        desk.credential(name, &own(&format!("client-of-{name}")));
    }
    support::binary();
    let begun = Instant::now();
    // Twice, so that each is met with its token at hand as well.
    let input = messages(names.iter().chain(names.iter().rev()).map(String::as_str));
    let ran = with_secret(desk.keyway(&["run", "acme", "--any-credential", "--concurrency", "64"]))
        .run(input)
        .await
        .succeeded();
    let elapsed = begun.elapsed();
    println!("{MANY} accounts, {} messages in {:.1} s", 2 * MANY, elapsed.as_secs_f64());
    assert_eq!(line_numbers(&ran.outcomes()).len(), 2 * MANY);
    assert_eq!(server.count("/token"), MANY, "one token each");
    let seen = server.seen("/api/user");
    assert_eq!(seen.len(), 2 * MANY);
    for seen in seen {
        let name = seen.query.trim_start_matches("for=");
        assert_eq!(seen.header("authorization"), format!("Bearer of-client-of-{name}"));
    }
    assert_eq!(desk.tokens().len(), MANY);
    assert!(elapsed < SANE, "{elapsed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_accounts_of_a_library_s_user() {
    let (server, desk) = desk().await;
    let host = Host::builder().components_dir(desk.home.file("components")).build().expect("the component is sound");
    let secret = desk.home.write("secret", "acme-secret");
    for n in 0..100 {
        let mut account = own(&format!("client-{n}"));
        account["secrets"]["client_secret"] = json!({"file": secret});
        account["name"] = format!("account-{n}").into();
        let file = serde_json::from_value(account).expect("it is a credential");
        host.connect(Credential::from_value(file)).expect("it is complete");
    }
    let names: Vec<String> = (0..100).rev().map(|n| format!("account-{n}")).collect();
    let outcomes = keyway_tests::run(&host, messages(names.iter().map(String::as_str)).lines()).await;
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()), "{outcomes:?}");
    for seen in server.seen("/api/user") {
        let client = seen.query.replace("for=account", "client");
        assert_eq!(seen.header("authorization"), format!("Bearer of-{client}"));
    }
    assert_eq!((server.count("/token"), server.count("/api/user")), (100, 100));
}

// === Shared clients ===

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_share_a_client() {
    let server = willing().await;
    let desk = Desk::of(&server);
    let add = ["client", "add", "acme", "ours", "--client-id", "shared-id", "--secrets-stdin"];
    let ran = desk.keyway(&add).run(r#"{"client_secret":"shared-secret"}"#).await.succeeded();
    assert!(ran.stderr.contains("keyway credential add acme --client ours"), "{ran}");
    desk.keyway(&add).run(r#"{"client_secret":"x"}"#).await.refused(2, &["`ours` already", "--replace"]);
    let listed = desk.bare(&["client", "list"]).run("").await.succeeded();
    assert_eq!(listed.text(), "ours\n");
    for name in ["one", "two"] {
        let add = ["credential", "add", "acme", name, "--client", "ours", "--grant", "client_credentials"];
        desk.keyway(&add).run("").await.succeeded();
        assert!(desk.read(name)["secrets"].is_null(), "the secret stays with the client");
        desk.get(&["--credential", name]).run("").await.succeeded();
    }
    for seen in server.seen("/token") {
        let sent = form(&seen);
        assert_eq!((&*sent["client_id"], &*sent["client_secret"]), ("shared-id", "shared-secret"));
    }
    // One client, two accounts: each has a token of its own.
    assert_eq!((server.count("/token"), desk.tokens().len()), (2, 2));
    let listed = desk.keyway(&["credential", "list"]).run("").await.succeeded();
    assert_eq!(listed.text().matches("ours (shared)").count(), 2, "{listed}");
    // What the account says itself lies over what the client says.
    let mut own = desk.read("one");
    own["secrets"] = json!({"client_secret": {"env": "SECRET_OF_MINE"}});
    desk.credential("one", &own);
    with_secret(desk.keyway(&["token", "renew", "one"])).run("").await.succeeded();
    assert_eq!(form(&server.seen("/token")[2])["client_secret"], "acme-secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_stays_in_its_environment() {
    let (server, desk) = desk().await;
    let mut component = component(&server);
    component["environments"] = json!({"production": {}, "sandbox": {}});
    desk.describe(&component);
    let add =
        ["client", "add", "acme", "ours", "--client-id", "shared-id", "--secret", "client_secret=env:SECRET_OF_MINE"];
    desk.keyway(&add).args(["--environment", "sandbox"]).run("").await.succeeded();
    desk.keyway(&add).args(["--environment", "nowhere", "--replace"]).run("").await.refused(2, &["nowhere", "sandbox"]);
    let account = ["credential", "add", "acme", "mine", "--client", "ours", "--grant", "client_credentials"];
    let add = |environment: &str| desk.keyway(&account).args(["--environment", environment]);
    add("production").run("").await.refused(2, &["`ours`", "`sandbox`", "`production`"]);
    assert!(!desk.file("mine").exists());
    add("sandbox").run("").await.succeeded();
    assert_eq!(used(&server, desk.get(&[])).await, "shared-id");
    // A file that somebody wrote by hand is no way around it.
    let mut by_hand = desk.read("mine");
    by_hand["environment"] = "production".into();
    desk.credential("mine", &by_hand);
    let asked = server.count("/token");
    with_secret(desk.get(&[])).run("").await.refused(2, &["`ours`", "`sandbox`", "`production`"]);
    assert_eq!(server.count("/token"), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_not_there_or_faulty_is_told() {
    let (_server, desk) = desk().await;
    let mut account = own("x");
    account.as_object_mut().expect("an object").remove("client_id");
    account["client"] = "ours".into();
    desk.credential("mine", &account);
    with_secret(desk.get(&[])).run("").await.refused(2, &["the client `ours`", "ours.json"]);
    desk.client("ours", &json!({"keyway": 1, "component": "podio", "client_id": "x"}));
    with_secret(desk.get(&[])).run("").await.refused(2, &["podio"]);
    desk.client("ours", &json!({"keyway": 1, "component": "acme"}));
    with_secret(desk.get(&[])).run("").await.refused(2, &["ours.json", "client_id"]);
    desk.client(
        "ours",
        &json!({"keyway": 1, "component": "acme", "client_id": "x", "secrets": {"client_secret": "CNRYsecret"}}),
    );
    let ran = with_secret(desk.get(&[])).run("").await;
    ran.refused(2, &["ours.json", "written out"]);
    assert!(!ran.stderr.contains("CNRY"), "{ran}");
    for name in ["../x", "env", "", "a/b"] {
        let ran = desk.keyway(&["client", "add", "acme", name, "--client-id", "x"]).run("").await;
        assert_eq!(ran.code(), Some(2), "{name}: {ran}");
        desk.keyway(&["credential", "add", "acme", "other", "--client", name, "--grant", "client_credentials"])
            .run("")
            .await
            .refused(2, &[]);
    }
    assert_eq!(desk.names("clients"), ["ours.json"]);
}

// === Folders ===

#[tokio::test(flavor = "multi_thread")]
async fn folders_are_found_as_the_standards_say() {
    let (server, desk) = desk().await;
    let home = desk.home.path().to_owned();
    let at = |folder: &str| home.join(folder).display().to_string();
    // What is set, where credentials and tokens are then.
    let (config, data, relative) = (at("config"), at("data"), "config".to_owned());
    let table = [
        (vec![("KEYWAY_HOME", at("k"))], "k/credentials", "k/tokens"),
        (
            vec![("KEYWAY_HOME", at("k")), ("XDG_CONFIG_HOME", config.clone()), ("XDG_DATA_HOME", data.clone())],
            "k/credentials",
            "k/tokens",
        ),
        (
            vec![("XDG_CONFIG_HOME", config.clone()), ("XDG_DATA_HOME", data.clone())],
            "config/keyway/credentials",
            "data/keyway/tokens",
        ),
        (vec![("XDG_CONFIG_HOME", config)], "config/keyway/credentials", ".local/share/keyway/tokens"),
        (vec![("XDG_DATA_HOME", data)], ".config/keyway/credentials", "data/keyway/tokens"),
        (vec![], ".config/keyway/credentials", ".local/share/keyway/tokens"),
        // The base directories of XDG are absolute; others are passed over.
        (
            vec![("XDG_CONFIG_HOME", relative.clone()), ("XDG_DATA_HOME", relative)],
            ".config/keyway/credentials",
            ".local/share/keyway/tokens",
        ),
    ];
    for (n, (set, credentials, tokens)) in table.into_iter().enumerate() {
        let command = |args: &[&str]| {
            let run = desk.keyway(args).env("KEYWAY_HOME", "").env("SECRET_OF_MINE", "acme-secret");
            set.iter().fold(run, |run, (name, value)| run.env(name, value))
        };
        let (name, client) = (format!("account-{n}"), format!("client-{n}"));
        let add = ["credential", "add", "acme", &name, "--grant", "client_credentials", "--client-id", &client];
        command(&add).args(["--secret", "client_secret=env:SECRET_OF_MINE"]).run("").await.succeeded();
        assert!(home.join(credentials).join(format!("{name}.json")).is_file(), "{set:?}");
        command(&["request", "acme", "GET", "/user", "--credential", &name]).run("").await.succeeded();
        assert_eq!(last_client(&server), client);
        let kept = support::account::files(&home.join(tokens));
        assert!(kept.iter().any(|path| path.to_string_lossy().contains(&name)), "{set:?}: {kept:?}");
    }
    // No home at all.
    let homeless = |args: &[&str]| desk.keyway(args).env("KEYWAY_HOME", "").env("HOME", "");
    let add = [
        "credential",
        "add",
        "acme",
        "x",
        "--grant",
        "client_credentials",
        "--client-id",
        "x",
        "--secret",
        "client_secret=env:X",
    ];
    homeless(&add).run("").await.refused(2, &["KEYWAY_HOME or HOME"]);
    let ran = homeless(&["request", "acme", "GET", "/user"]).envs(VARIABLES).run("").await.succeeded();
    assert!(ran.stderr.contains("memory only"), "{ran}");
}

// === Secrets that change ===

/// The client secrets that the token endpoint has seen.
fn secrets_sent(server: &Mock) -> Vec<String> {
    server.seen("/token").iter().map(|seen| form(seen).remove("client_secret").unwrap_or_default()).collect()
}

/// An API that refuses each token after its first use.
async fn forgetful() -> Mock {
    let used = std::sync::Arc::new(std::sync::Mutex::new(BTreeSet::new()));
    scripted(move |seen: &Seen| {
        let first = used.lock().expect("no test panics with it").insert(seen.header("authorization").to_owned());
        (seen.path.starts_with("/api/") && !first).then(|| reply(401, &json!({})))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_changes_is_read_anew() {
    for kind in ["file", "command"] {
        let server = forgetful().await;
        let desk = Desk::of(&server);
        let path = desk.home.write("mounted", "first\n");
        let mut account = own("acme-client");
        let place = if kind == "file" { json!({"file": path}) } else { json!({"command": ["cat", path]}) };
        account["secrets"]["client_secret"] = place;
        desk.credential("mine", &account);
        let mut run = desk.keyway(&["run", "--credential", "mine"]).start();
        for secret in ["first", "second"] {
            desk.home.write("mounted", secret);
            run.write(r#"{"method":"GET","url":"/user"}"#).await;
            assert_eq!(run.read().await["status"], 200);
        }
        run.close_stdin();
        run.end().await.succeeded();
        assert_eq!(secrets_sent(&server), ["first", "second"], "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_header_is_read_anew_when_it_is_refused() {
    // The API takes the key that was mounted last.
    let server = scripted(|seen| {
        let right = seen.header("x-vault-key") == if seen.nth < 1 { "first" } else { "second" };
        (seen.path.starts_with("/api/") && !right).then(|| reply(401, &json!({})))
    })
    .await;
    let mut component = component(&server);
    component["variables"] = json!({"vault_key": {"title": "Key", "secret": true}});
    component["api"]["headers"] = json!({"x-vault-key": "{vault_key}"});
    let desk = Desk::new(&component);
    let mut account = own("acme-client");
    account["secrets"]["vault_key"] = json!({"file": desk.home.write("mounted", "first\n")});
    desk.credential("mine", &account);
    let mut run = with_secret(desk.keyway(&["run", "--credential", "mine"])).start();
    run.write(r#"{"method":"GET","url":"/user"}"#).await;
    assert_eq!(run.read().await["status"], 200);
    desk.home.write("mounted", "second\n");
    run.write(r#"{"method":"GET","url":"/user"}"#).await;
    let outcome = run.read().await;
    assert_eq!((&outcome["status"], &outcome["attempts"]), (&json!(200), &json!(2)), "{outcome}");
    run.close_stdin();
    run.end().await.succeeded();
    let sent: Vec<String> = server.seen("/api/user").iter().map(|seen| seen.header("x-vault-key").to_owned()).collect();
    assert_eq!(sent, ["first", "first", "second"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_run_only_for_files_that_nobody_else_writes() {
    let (server, desk) = desk().await;
    let ran = desk.home.file("ran");
    let mut account = own("acme-client");
    account["secrets"]["client_secret"] = json!({"command": ["sh", "-c", format!("echo x >> {ran}; echo s")]});
    let file = desk.credential("mine", &account);
    for (mode, refused) in [(0o620, true), (0o602, true), (0o666, true), (0o600, false), (0o640, false), (0o644, false)]
    {
        set_mode(&file, mode);
        let ended = desk.keyway(&["token", "renew", "mine"]).run("").await;
        match refused {
            true => ended.refused(1, &["others can write this file", "chmod go-w"]),
            false => _ = ended.succeeded(),
        }
        assert_eq!(Path::new(&ran).exists(), !refused, "{mode:o}");
        let _ = fs::remove_file(&ran);
    }
    assert_eq!(server.count("/token"), 3);
    // The same for a client that is shared.
    set_mode(&file, 0o600);
    let mut client = json!({"keyway": 1, "component": "acme", "client_id": "shared"});
    client["secrets"] = account["secrets"].take();
    set_mode(desk.client("ours", &client), 0o660);
    account.as_object_mut().expect("an object").retain(|name, _| name != "client_id" && name != "secrets");
    account["client"] = "ours".into();
    desk.credential("mine", &account);
    desk.get(&[]).run("").await.refused(2, &["ours.json", "chmod go-w"]);
    assert!(!Path::new(&ran).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_that_leads_nowhere_is_told_before_anything_is_sent() {
    let (server, desk) = desk().await;
    let (empty, folder) = (desk.home.write("empty", ""), desk.home.file("components"));
    let table = [
        (json!({"env": "NOT_SET_AT_ALL"}), vec!["NOT_SET_AT_ALL", "is not set"]),
        (json!({"file": "/no/such/file"}), vec!["/no/such/file", "check path"]),
        (json!({"file": empty}), vec!["it is empty"]),
        (json!({"file": folder}), vec!["cannot be read"]),
        (json!({"sealed": "AAAA"}), vec!["sealed", "keyway credential set"]),
    ];
    for (place, words) in table {
        let mut account = own("acme-client");
        account["secrets"]["client_secret"] = place;
        desk.credential("mine", &account);
        desk.get(&[]).run("").await.refused(2, &[&words[..], &["client_secret", "acme/production/mine"]].concat());
    }
    assert_eq!(server.count(""), 0);
}
