//! The key of tokens and sealed secrets: where it comes from, that it is the right one, and that nobody sees it.
#![cfg(unix)]

mod support;

use std::{collections::BTreeMap, fs, path::PathBuf};

use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use keyway_tests::mock::Mock;
use serde_json::{Value, json};
use support::{
    Keyway, Ran,
    account::files,
    desk::{Desk, own, signed_in_to, token},
    disk::set_mode,
    scripted::{form, willing},
};

/// 32 bytes in which no two are the same.
const KEY: [u8; 32] = {
    let mut key = [0; 32];
    let mut n = 0;
    while n < key.len() {
        key[n] = 200 - 3 * n as u8;
        n += 1;
    }
    key
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn desk() -> (Mock, Desk) {
    let server = willing().await;
    let desk = Desk::of(&server);
    desk.credential("mine", &own("acme-client"));
    (server, desk)
}

fn with_secret(run: Keyway) -> Keyway {
    run.env("SECRET_OF_MINE", "acme-secret")
}

/// Names and bytes of all that lies in the folder of tokens.
fn on_disk(desk: &Desk) -> BTreeMap<PathBuf, Vec<u8>> {
    let all = files(&desk.home.path().join("keyway/tokens"));
    all.into_iter().map(|path| (path.clone(), fs::read(path).expect("it can be read"))).collect()
}

/// No form of the key is said.
#[track_caller]
fn unsaid(ran: &Ran, key: &[u8]) {
    let listed: Vec<String> = key.iter().take(4).map(u8::to_string).collect();
    for form in [
        hex(key),
        hex(key).to_uppercase(),
        BASE64_STANDARD.encode(key),
        BASE64_URL_SAFE_NO_PAD.encode(key),
        listed.join(", "),
    ] {
        assert!(!ran.to_string().contains(&form[..form.len().min(20)]), "the key is shown: {ran}");
    }
}

/// Every command that meets the store.
const COMMANDS: [&[&str]; 8] = [
    &["request", "acme", "GET", "/user"],
    &["run", "acme"],
    &["login", "mine"],
    &["logout", "mine"],
    &["token", "show", "mine"],
    &["token", "renew", "mine"],
    &["credential", "verify", "mine"],
    &["credential", "remove", "mine", "--yes"],
];

// === Where it comes from ===

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_taken_in_every_form_and_from_every_place() {
    let (server, desk) = desk().await;
    let (standard, url_safe) = (BASE64_STANDARD.encode(KEY), BASE64_URL_SAFE_NO_PAD.encode(KEY));
    let texts = [
        hex(&KEY),
        hex(&KEY).to_uppercase(),
        standard.clone(),
        standard.replace('=', ""),
        url_safe,
        format!(" {standard}\n"),
    ];
    let key_file = |content: &[u8]| {
        let path = desk.home.write("secrets/key", content);
        set_mode(&path, 0o600);
        path
    };
    for text in &texts {
        with_secret(desk.get(&[])).env("KEYWAY_KEY", text).run("").await.succeeded();
    }
    for content in texts.iter().map(String::as_bytes).chain([&KEY[..]]) {
        with_secret(desk.get(&[])).env("KEYWAY_KEY_FILE", key_file(content)).run("").await.succeeded();
    }
    assert_eq!(server.count("/token"), 1, "it is one key, and what it wrote is read");
    let names = desk.names("tokens");
    assert!(!names.iter().any(|name| name == "key"), "no other key is made: {names:?}");
    let ran = with_secret(desk.keyway(&["doctor", "--offline"])).env("KEYWAY_KEY", hex(&KEY)).run("").await.succeeded();
    assert!(ran.text().contains("from KEYWAY_KEY\n"), "{ran}");
    unsaid(&ran, &KEY);
    // The file `key` in the folder is the key where nothing else is said.
    let path = desk.home.write("keyway/tokens/key", KEY);
    set_mode(&path, 0o600);
    with_secret(desk.get(&[])).run("").await.succeeded();
    assert_eq!(server.count("/token"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_key_is_refused_and_not_shown() {
    let (server, desk) = desk().await;
    let long = hex(&[7; 33]);
    for wrong in [
        "hunter2-hunter2",
        "00",
        &long,
        &long[..62],
        &BASE64_STANDARD.encode([7; 31]),
        &BASE64_STANDARD.encode([7; 33]),
        "g".repeat(64).as_str(),
    ] {
        let in_a_file = desk.home.write("secrets/key", wrong);
        set_mode(&in_a_file, 0o600);
        for command in COMMANDS {
            for run in
                [desk.keyway(command).env("KEYWAY_KEY", wrong), desk.keyway(command).env("KEYWAY_KEY_FILE", &in_a_file)]
            {
                let ran = with_secret(run).run("").await;
                ran.refused(2, &["holds no key", "64 hex digits", "44 characters of base64", "openssl rand -hex 32"]);
                assert!(wrong == "00" || !ran.stderr.contains(wrong), "{ran}");
            }
        }
    }
    for (name, words) in [("KEYWAY_KEY_FILE", ["/no/such/key", "check the path"])] {
        with_secret(desk.get(&[])).env(name, words[0]).run("").await.refused(2, &words);
    }
    let open = desk.home.write("secrets/open", KEY);
    set_mode(&open, 0o644);
    with_secret(desk.get(&[]))
        .env("KEYWAY_KEY_FILE", &open)
        .run("")
        .await
        .refused(2, &["can be read by others", "chmod 600"]);
    assert_eq!(server.count(""), 0);
    assert!(desk.file("mine").exists() && on_disk(&desk).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_keys_are_one_too_many() {
    let (server, desk) = desk().await;
    let path = desk.home.write("secrets/key", KEY);
    set_mode(&path, 0o600);
    for command in COMMANDS {
        let run = with_secret(desk.keyway(command)).env("KEYWAY_KEY", hex(&KEY)).env("KEYWAY_KEY_FILE", &path);
        let ran = run.run("").await;
        ran.refused(2, &["KEYWAY_KEY", "KEYWAY_KEY_FILE is set as well", "unset one"]);
        unsaid(&ran, &KEY);
    }
    assert!(server.count("") == 0 && on_disk(&desk).is_empty());
    // An empty variable is none.
    let run = with_secret(desk.get(&[])).env("KEYWAY_KEY", "").env("KEYWAY_KEY_FILE", &path);
    run.run("").await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_without_the_keyring_says_so() {
    let (server, desk) = desk().await;
    let ran = with_secret(desk.get(&[])).env("KEYWAY_KEY", "keyring").run("").await;
    ran.refused(2, &["KEYWAY_KEY", "--features keyring", "or give a key"]);
    assert!(server.count("") == 0 && on_disk(&desk).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_writes_nothing_and_asks_nobody() {
    let (server, desk) = desk().await;
    let with = |command: &[&str], key: [u8; 32]| with_secret(desk.keyway(command)).env("KEYWAY_KEY", hex(&key));
    with(&["token", "renew", "mine"], KEY).run("").await.succeeded();
    let (before, asked) = (on_disk(&desk), server.count(""));
    for command in COMMANDS {
        let ran = with(command, [7; 32]).run("").await;
        ran.refused(2, &["do not open with this key, and nothing was written", "KEYWAY_KEY", "name another folder"]);
        unsaid(&ran, &[7; 32]);
        // No key at all is a key of its own, which is not the folder's.
        with_secret(desk.keyway(command)).run("").await.refused(2, &["do not open with this key"]);
    }
    assert!(on_disk(&desk) == before && server.count("") == asked);
    assert!(desk.file("mine").exists());
    with(&["request", "acme", "GET", "/user"], KEY).run("").await.succeeded();
    assert_eq!(server.count("/token"), 1);
}

// === Sealed secrets ===

/// Seals the account's secret with a key.
async fn seal(desk: &Desk, name: &str, key: [u8; 32]) {
    let add = [
        "credential",
        "add",
        "acme",
        name,
        "--grant",
        "client_credentials",
        "--client-id",
        "x",
        "--secrets-stdin",
        "--replace",
    ];
    let input = json!({"client_secret": "sealed-secret"}).to_string();
    desk.keyway(&add).env("KEYWAY_KEY", hex(&key)).run(input).await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_secret_opens_with_its_key_alone() {
    let (server, desk) = desk().await;
    seal(&desk, "mine", KEY).await;
    let get = |key: [u8; 32], more: &[&str]| desk.get(more).env("KEYWAY_KEY", hex(&key));
    get(KEY, &[]).run("").await.succeeded();
    assert_eq!(form(&server.seen("/token")[0])["client_secret"], "sealed-secret");
    let words = ["sealed", "another key", "give the key that it was sealed with", "keyway credential set"];
    // The key of another folder: tokens go elsewhere, so that only the secret is in question.
    for more in [&["--token-store", "memory"][..], &["--token-store", &desk.home.file("elsewhere")]] {
        get([7; 32], more).run("").await.refused(2, &words);
    }
    desk.get(&["--token-store", "memory"]).run("").await.refused(2, &["sealed", "give the key"]);
    assert_eq!(server.count("/token"), 1);
    // Sealed anew with the other key, it opens with that.
    let set = ["credential", "set", "mine", "--secrets-stdin"];
    desk.keyway(&set).env("KEYWAY_KEY", hex(&[7; 32])).run(r#"{"client_secret":"anew"}"#).await.succeeded();
    get([7; 32], &["--token-store", "memory"]).run("").await.succeeded();
    assert_eq!(form(&server.seen("/token")[1])["client_secret"], "anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_secret_opens_nowhere_else() {
    let (server, desk) = desk().await;
    seal(&desk, "mine", KEY).await;
    let mine = desk.read("mine");
    let sealed = mine["secrets"]["client_secret"].clone();
    let refused = async |name: &str| {
        let run = desk.get(&["--credential", name, "--token-store", "memory"]).env("KEYWAY_KEY", hex(&KEY));
        run.run("").await.refused(2, &["sealed", "another account or secret"]);
    };
    // In another account's file.
    desk.credential("other", &mine);
    refused("other").await;
    // Under another name.
    let mut renamed = mine.clone();
    renamed["grant"] = "refresh_token".into();
    renamed["secrets"] = json!({"client_secret": {"env": "HOME"}, "refresh_token": sealed});
    desk.credential("mine", &renamed);
    refused("mine").await;
    // In a client, which is no account of the same name.
    desk.client(
        "mine",
        &json!({"keyway": 1, "component": "acme", "client_id": "x", "secrets": {"client_secret": sealed}}),
    );
    desk.credential(
        "mine",
        &json!({"keyway": 1, "component": "acme", "grant": "client_credentials", "client": "mine"}),
    );
    refused("mine").await;
    // Changed by a letter, and cut.
    let text = sealed["sealed"].as_str().expect("it is sealed").to_owned();
    let last = if text.ends_with('A') { "Q" } else { "A" };
    for spoiled in [
        format!("{}{last}", &text[..text.len() - 1]),
        text[..text.len() / 2].to_owned(),
        String::new(),
        "%%".to_owned(),
    ] {
        let mut account = mine.clone();
        account["secrets"]["client_secret"]["sealed"] = spoiled.into();
        desk.credential("mine", &account);
        let run = desk.get(&["--credential", "mine", "--token-store", "memory"]).env("KEYWAY_KEY", hex(&KEY));
        run.run("").await.refused(2, &["sealed"]);
    }
    assert_eq!(server.count(""), 0);
    // Where it was, it opens.
    desk.credential("mine", &mine);
    let run = desk.get(&["--credential", "mine", "--token-store", "memory"]).env("KEYWAY_KEY", hex(&KEY));
    run.run("").await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_seals_of_one_secret_are_not_alike() {
    let (_server, desk) = desk().await;
    let mut seen: Vec<Value> = Vec::new();
    for _ in 0..3 {
        seal(&desk, "mine", KEY).await;
        let sealed = desk.read("mine")["secrets"]["client_secret"]["sealed"].clone();
        assert!(!seen.contains(&sealed));
        seen.push(sealed);
    }
}

// === Where tokens are kept ===

#[tokio::test(flavor = "multi_thread")]
async fn tokens_lie_where_the_flag_says() {
    let (server, desk) = desk().await;
    let elsewhere = desk.home.file("else/where");
    for _ in 0..2 {
        with_secret(desk.get(&["--token-store", &elsewhere])).run("").await.succeeded();
    }
    assert_eq!((server.count("/token"), desk.tokens().len()), (1, 0));
    assert!(files(elsewhere.as_ref()).iter().any(|path| path.extension().is_some_and(|end| end == "token")));
    let shown = with_secret(desk.keyway(&["token", "show", "mine", "--token-store", &elsewhere])).run("").await;
    assert!(shown.text().contains("ends at"), "{shown}");
    let shown = with_secret(desk.keyway(&["token", "show", "mine"])).run("").await.succeeded();
    assert!(shown.text().contains("none"), "{shown}");
    // Both commands of a sign-in, and its end.
    desk.credential("person", &signed_in_to("acme-client"));
    let of = |command: &[&str]| with_secret(desk.keyway(command)).args(["--token-store", &elsewhere]);
    let url = of(&["login", "person", "--print-url"]).run("").await.succeeded();
    assert!(url.text().starts_with("http"), "{url}");
    of(&["login", "person", "--answer", "-"]).run("the-code").await.succeeded();
    of(&["logout", "person"]).run("").await.succeeded();
    of(&["credential", "remove", "person", "--yes"]).run("").await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_in_memory_leave_no_trace() {
    let (server, desk) = desk().await;
    for _ in 0..2 {
        with_secret(desk.get(&["--token-store", "memory"])).run("").await.succeeded();
    }
    assert_eq!((server.count("/token"), on_disk(&desk).len()), (2, 0));
    desk.credential("person", &signed_in_to("acme-client"));
    // What is printed now cannot be answered by another process.
    let ran = with_secret(desk.keyway(&["login", "person", "--print-url", "--token-store", "memory"])).run("").await;
    ran.refused(2, &["two steps", "--token-store"]);
    // A token that is there is neither seen nor touched.
    desk.keep("mine", token()).await;
    let ran = with_secret(desk.keyway(&["token", "show", "mine", "--token-store", "memory"])).run("").await.succeeded();
    assert!(ran.text().contains("none"), "{ran}");
    with_secret(desk.keyway(&["logout", "mine", "--token-store", "memory"])).run("").await.succeeded();
    assert!(desk.kept("mine").await.is_some());
}
