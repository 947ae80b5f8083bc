//! `keyway component new` and `test`: from a name to a component that is checked and tested, and back when it breaks.

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Home, Keyway, json as parsed, workspace};

fn new(home: &Home, args: &[&str]) -> Keyway {
    let urls = ["--base-url", "https://api.acme.test/v1", "--token-endpoint", "https://api.acme.test/token"];
    home.keyway(["component", "new", "acme"]).args(urls).args(args.iter().copied())
}

/// Changes the first exchange of the new component.
fn change(home: &Home, change: impl FnOnce(&mut Value)) {
    let path = home.file("acme/exchanges/first.json");
    let mut file: Value = parsed(&fs::read_to_string(&path).unwrap());
    change(&mut file);
    fs::write(path, file.to_string()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_component_is_sound_and_passes_its_test() {
    for more in [
        &[][..],
        &["--authorization-endpoint", "https://acme.test/authorize", "--scope", "read", "--scope", "write"],
        &["--token-endpoint-auth-method", "client_secret_post", "--title", "Acme & Sons"],
    ] {
        let home = Home::new();
        let ran = new(&home, more).run("").await.succeeded();
        assert!(ran.text().contains("keyway component test"), "{ran}");
        home.keyway(["component", "check", "acme"]).run("").await.succeeded();
        let ran = home.keyway(["component", "test", "acme"]).run("").await.succeeded();
        assert!(ran.text().starts_with("ok   acme/exchanges/first.json: "), "{ran}");
        // What is there already is somebody's work.
        new(&home, more).run("").await.refused(2, &["`./acme` is there already"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_grant_begins_with_a_component_that_passes_its_test() {
    let token: &[&str] = &["--token-endpoint", "https://acme.test/token"];
    let table: [(&str, &[&str]); 12] = [
        ("client_credentials", token),
        ("authorization_code", &["--authorization-endpoint", "https://acme.test/authorize"]),
        ("password", token),
        ("device_code", &["--device-authorization-endpoint", "https://acme.test/device"]),
        ("refresh_token", token),
        ("api_key", &[]),
        ("basic", &[]),
        ("jwt_bearer", token),
        ("token_exchange", token),
        ("signed_jwt", &[]),
        ("client_credentials", &["--token-endpoint-auth-method", "private_key_jwt", token[0], token[1]]),
        ("client_credentials", &["--token-endpoint-auth-method", "tls_client_auth", token[0], token[1]]),
    ];
    for (grant, endpoints) in table {
        let is_asked = !["api_key", "basic", "signed_jwt"].contains(&grant);
        for encoding in if is_asked { &["form", "json", "query"][..] } else { &["form"] } {
            let home = Home::new();
            let asks_token = is_asked && !endpoints.contains(&token[0]);
            let run = home.keyway(["component", "new", "acme", "--base-url", "https://api.acme.test/v1/"]);
            let run = run.args(["--grant", grant, "--encoding", encoding, "--header", "X-Token", "--scheme", ""]);
            let run = run.args(endpoints.iter().copied()).args(token.iter().copied().filter(|_| asks_token));
            run.run("").await.succeeded();
            home.keyway(["component", "check", "acme"]).run("").await.succeeded();
            let ran = home.keyway(["component", "test", "acme"]).run("").await.succeeded();
            assert!(ran.text().starts_with("ok   "), "{grant} {encoding}: {ran}");
        }
    }
    // What would have no effect is refused.
    for (useless, why) in [
        (token, "--token-endpoint is for other grants"),
        (&["--scope", "read"], "--scope is for grants"),
        (&["--encoding", "json"], "--encoding is for grants"),
        (&["--issuer", "https://acme.test"], "--issuer is for grants"),
    ] {
        let home = Home::new();
        let run =
            home.keyway(["component", "new", "acme", "--base-url", "https://api.acme.test", "--grant", "api_key"]);
        run.args(useless.iter().copied()).run("").await.refused(2, &[why]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_in_urls_and_issuers_begin_sound_too() {
    for more in [
        &["--grant", "api_key"][..],
        &[
            "--token-endpoint",
            "https://{region}.acme.test/token",
            "--grant",
            "authorization_code",
            "--authorization-endpoint",
            "https://{region}.acme.test/authorize",
        ],
        &["--issuer", "https://{region}.acme.test/realms/{realm}"],
        &["--issuer", "https://id.acme.test", "--grant", "authorization_code", "--verify-url", "/me"],
    ] {
        let home = Home::new();
        let run = home.keyway(["component", "new", "acme", "--base-url", "https://{data_center}.acme.test/v1"]);
        run.args(more.iter().copied()).run("").await.succeeded();
        home.keyway(["component", "check", "acme"]).run("").await.succeeded();
        let ran = home.keyway(["component", "test", "acme"]).run("").await.succeeded();
        assert!(ran.text().starts_with("ok   "), "{more:?}: {ran}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_does_something_else_is_told_what() {
    let home = Home::new();
    new(&home, &[]).run("").await.succeeded();
    /// What is changed about the record, and what is said then.
    type Case<'a> = (fn(&mut Value), &'a [&'a str]);
    let table: [Case<'_>; 6] = [
        (
            |file| file["exchanges"][1]["request"]["url"] = json!("https://api.acme.test/v2/"),
            &["request 2 is GET https://api.acme.test/v1/; recorded is GET https://api.acme.test/v2/"],
        ),
        (
            |file| file["exchanges"][0]["request"]["body"]["scope"] = json!("read"),
            &["request 1, body/scope is missing; recorded is \"read\""],
        ),
        (
            |file| file["exchanges"][1]["request"]["headers"] = json!({ "authorization": "Token ***", "x-one": "1" }),
            &["header `authorization` is `Bearer a-token`; recorded is `Token ***`", "has no header `x-one`"],
        ),
        (|file| file["outcomes"][0]["status"] = json!(201), &["outcome 1/status is 200; recorded is 201"]),
        (
            |file| _ = file["exchanges"].as_array_mut().unwrap().pop(),
            &["request 2 is not recorded: GET https://api.acme.test/v1/"],
        ),
        (
            |file| {
                let again = file["exchanges"][1].clone();
                file["exchanges"].as_array_mut().unwrap().push(again);
            },
            &["recorded and not sent: GET https://api.acme.test/v1/"],
        ),
    ];
    let whole = fs::read_to_string(home.file("acme/exchanges/first.json")).unwrap();
    for (break_it, said) in table {
        fs::write(home.file("acme/exchanges/first.json"), &whole).unwrap();
        change(&home, break_it);
        let ran = home.keyway(["component", "test", "acme"]).run("").await;
        assert_eq!(ran.code(), Some(1), "{ran}");
        assert!(ran.text().starts_with("FAIL acme/exchanges/first.json: "), "{ran}");
        for words in said {
            assert!(ran.text().contains(words), "`{words}` is not said: {ran}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_tested_or_made_says_what_to_do() {
    let home = Home::new();
    home.keyway(["component", "new", "acme"]).run("").await.refused(2, &["--base-url is missing"]);
    new(&home, &[]).run("").await.succeeded();
    let faulty =
        ["component", "new", "Not-A-Name", "--base-url", "http://a.test", "--token-endpoint", "https://a.test/t"];
    let ran = home.keyway(faulty).run("").await;
    assert!(
        ran.code() == Some(2)
            && ran.stderr.contains("does not match")
            && fs::metadata(home.file("Not-A-Name")).is_err(),
        "{ran}"
    );

    change(&home, |file| file["exchange"] = json!([]));
    home.keyway(["component", "test", "acme"]).run("").await.refused(2, &["unknown field `exchange`"]);
    fs::remove_file(home.file("acme/exchanges/first.json")).unwrap();
    home.keyway(["component", "test", "acme"]).run("").await.refused(2, &["there are no exchanges"]);
    fs::remove_dir(home.file("acme/exchanges")).unwrap();
    home.keyway(["component", "test", "acme"]).run("").await.refused(2, &["acme/exchanges` cannot be read"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_components_that_ship_pass_theirs() {
    let home = Home::new();
    for name in ["podio", "podero"] {
        let folder = workspace().join("components").join(name);
        home.keyway(["component", "test"]).arg(folder).run("").await.succeeded();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_component_is_checked_whenever_it_changes() {
    let home = Home::new();
    new(&home, &[]).run("").await.succeeded();
    let sound = fs::read_to_string(home.file("acme/component.json")).unwrap();
    let mut watching = home.keyway(["component", "check", "acme", "--watch"]).start();
    assert_eq!(watching.line().await, "acme/component.json: `acme` is sound");
    watching.told("-- watching").await;
    fs::write(home.file("acme/component.json"), sound.replace("\"actions\"", "\"actoins\"")).unwrap();
    watching.told("actoins").await;
    watching.told("-- watching").await;
    fs::write(home.file("acme/component.json"), &sound).unwrap();
    assert_eq!(watching.line().await, "acme/component.json: `acme` is sound");
    watching.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_in_a_line_that_no_person_wrote_is_told_in_words() {
    let home = Home::new();
    new(&home, &[]).run("").await.succeeded();
    let mut component: Value = parsed(&fs::read_to_string(home.file("acme/component.json")).unwrap());
    component["description"] = json!("x".repeat(100_000));
    component["actoins"] = json!({});
    fs::write(home.file("acme/component.json"), component.to_string()).unwrap();
    let ran = home.keyway(["component", "check", "acme"]).run("").await;
    ran.refused(2, &["acme/component.json:", "`actoins` is no key here", "did you mean `actions`?"]);
    assert!(ran.stderr.len() < 2_000, "the line itself is not shown");
}
