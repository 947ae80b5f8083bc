//! `keyway token` and `keyway logout`: what is shown, renewed, revoked, imported and forgotten, and what is not.

mod support;

use std::time::{Duration, SystemTime};

use keyway::Token;
use keyway_tests::mock::{Mock, empty, reply};
use serde_json::{Value, json};
use support::{
    Keyway, Ran,
    desk::{Desk, component, own, signed_in_to, token},
    json as parsed,
    scripted::{form, refusal, scripted, willing},
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A place where somebody has signed in as `mine`.
struct Place {
    server: Mock,
    desk: Desk,
}

impl Place {
    async fn at(server: Mock) -> Self {
        let desk = Desk::of(&server);
        let place = Self { server, desk };
        place.person("mine", token()).await;
        place
    }

    /// Another account that somebody has signed in to.
    async fn person(&self, name: &str, token: Token) {
        self.desk.credential(name, &signed_in_to(&format!("client-of-{name}")));
        self.desk.keep(name, token).await;
    }

    fn keyway(&self, args: &[&str]) -> Keyway {
        self.desk.keyway(args).env("SECRET_OF_MINE", "acme-secret")
    }

    /// A component without something.
    fn without(&self, member: &str) {
        let mut component = component(&self.server);
        component["oauth2"].as_object_mut().expect("an object").remove(member);
        self.desk.describe(&component);
    }

    async fn access_token(&self, name: &str) -> Option<String> {
        self.desk.kept(name).await.map(|token| token.access_token.expose_secret_text().to_owned())
    }

    async fn refresh_token(&self, name: &str) -> Option<String> {
        let token = self.desk.kept(name).await?;
        token.refresh_token.map(|token| token.expose_secret_text().to_owned())
    }

    /// The clients for which a token was asked.
    fn asked(&self) -> Vec<String> {
        self.server.seen("/token").iter().filter_map(|seen| form(seen).remove("client_id")).collect()
    }
}

fn aged(age: Duration) -> Token {
    let obtained_at = SystemTime::now() - age;
    Token { obtained_at, expires_at: Some(obtained_at + DAY * 100), ..token() }
}

#[track_caller]
fn shows_no_token(ran: &Ran) {
    for secret in ["kept-access", "kept-refresh", "access-1", "refresh-1", "acme-secret"] {
        assert!(!ran.to_string().contains(secret), "{ran}");
    }
}

// === show ===

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_described_and_never_shown() {
    let place = Place::at(willing().await).await;
    let extra = [("ref".to_owned(), json!({"type": "user", "id": "hunter2"}))].into_iter().collect();
    let (obtained_at, scope) =
        (SystemTime::UNIX_EPOCH + Duration::from_secs(1_750_000_000), Some("read write".to_owned()));
    let expires_at = Some(obtained_at + Duration::from_secs(3600));
    place.desk.keep("mine", Token { obtained_at, expires_at, scope, extra, ..token() }).await;
    let ran = place.keyway(&["token", "show", "mine"]).run("").await.succeeded();
    shows_no_token(&ran);
    let lines: Vec<Vec<&str>> = ran.text().lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["acme/production/mine"]);
    for line in [
        &["access", "token", "***", "(never", "shown)"][..],
        &["refresh", "token", "***", "(never", "shown)"],
        &["got", "at", "2025-06-15T15:06:40Z"],
        &["ends", "at", "2025-06-15T16:06:40Z", "(answer)"],
        &["scope", "read", "write"],
        &["came", "with", "ref"],
    ] {
        assert!(lines.iter().any(|known| known == line), "{line:?}: {ran}");
    }
    assert!(!ran.text().contains("hunter2") && ran.stderr.is_empty(), "{ran}");

    let ran = place.keyway(&["token", "show", "mine", "--json"]).run("").await.succeeded();
    shows_no_token(&ran);
    let wanted = json!({
        "account": "acme/production/mine", "has_access_token": true, "has_refresh_token": true,
        "obtained_at": "2025-06-15T15:06:40Z", "expires_at": "2025-06-15T16:06:40Z", "expiry_source": "answer",
        "scope": "read write", "further_members": ["ref"], "interrupted_since": null
    });
    assert_eq!(parsed(ran.text()), wanted);
    assert_eq!(place.server.count(""), 0, "it asks nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_a_token_is_described_too() {
    let server = willing().await;
    let desk = Desk::of(&server);
    desk.credential("mine", &own("acme-client"));
    let ran = desk.keyway(&["token", "show", "mine"]).run("").await.succeeded();
    assert_eq!(ran.text().split_whitespace().collect::<Vec<_>>(), ["acme/production/mine", "access", "token", "none"]);
    let shown = parsed(desk.keyway(&["token", "show", "mine", "--json"]).run("").await.succeeded().text());
    assert_eq!((&shown["has_access_token"], &shown["expires_at"]), (&json!(false), &Value::Null));
    assert_eq!(server.count(""), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_was_interrupted_is_shown() {
    let place = Place::at(willing().await).await;
    place.desk.interrupt("mine", 1_750_000_000).await;
    let ran = place.keyway(&["token", "show", "mine"]).run("").await.succeeded();
    assert!(ran.text().contains("interrupted") && ran.text().contains("2025-06-15T15:06:40Z"), "{ran}");
    let shown = parsed(place.keyway(&["token", "show", "mine", "--json"]).run("").await.succeeded().text());
    assert_eq!(shown["interrupted_since"], "2025-06-15T15:06:40Z");
    // The next renewal tells, and ends it.
    place.keyway(&["token", "renew", "mine"]).run("").await.succeeded();
    let shown = parsed(place.keyway(&["token", "show", "mine", "--json"]).run("").await.succeeded().text());
    assert_eq!(shown["interrupted_since"], Value::Null);
}

// === renew ===

#[tokio::test(flavor = "multi_thread")]
async fn one_or_several_are_renewed() {
    let place = Place::at(willing().await).await;
    place.person("other", token()).await;
    place.person("third", token()).await;
    let ran = place.keyway(&["token", "renew", "mine"]).run("").await.succeeded();
    assert!(ran.stdout.is_empty() && ran.stderr.starts_with("acme/production/mine: renewed, ends at 2"), "{ran}");
    shows_no_token(&ran);
    assert_eq!(form(&place.server.seen("/token")[0])["refresh_token"], "kept-refresh");
    let path = place.desk.file("third").display().to_string();
    place.keyway(&["token", "renew", "other", &path]).run("").await.succeeded();
    assert_eq!(place.asked(), ["client-of-mine", "client-of-other", "client-of-third"]);
    assert_eq!(place.access_token("other").await.as_deref(), Some("access-2"));
    assert_eq!(place.refresh_token("third").await.as_deref(), Some("refresh-3"));
    place.keyway(&["token", "renew"]).run("").await.refused(2, &["WHO"]);
    place.keyway(&["token", "renew", "--all", "mine"]).run("").await.refused(2, &["--all"]);
    place.keyway(&["token", "renew", "acme"]).run("").await.refused(1, &["several accounts"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_have_a_token_are_renewed() {
    let place = Place::at(willing().await).await;
    place.person("other", token()).await;
    // Nobody has signed in to these yet.
    place.desk.credential("new", &signed_in_to("client-of-new"));
    place.desk.credential("own", &own("client-of-own"));
    let ran = place.keyway(&["token", "renew", "--all"]).run("").await.succeeded();
    assert_eq!(ran.stderr.lines().count(), 2, "{ran}");
    assert_eq!(place.asked(), ["client-of-mine", "client-of-other"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_that_are_old_enough_are_renewed() {
    let place = Place::at(willing().await).await;
    place.person("mine", aged(DAY * 7 + Duration::from_secs(60))).await;
    place.person("other", aged(DAY * 7 - Duration::from_secs(60))).await;
    let ran = place.keyway(&["token", "renew", "--all", "--older-than", "7d"]).run("").await.succeeded();
    assert!(ran.stderr.contains("mine: renewed") && ran.stderr.contains("other: young enough"), "{ran}");
    assert_eq!(place.asked(), ["client-of-mine"]);
    // The one that was renewed is young now; named accounts are held to it as well.
    let ran = place.keyway(&["token", "renew", "mine", "other", "--older-than", "6d"]).run("").await.succeeded();
    assert!(ran.stderr.contains("mine: young enough") && ran.stderr.contains("other: renewed"), "{ran}");
    place.keyway(&["token", "renew", "--all", "--older-than", "0s"]).run("").await.succeeded();
    assert_eq!(place.asked().len(), 4);
    for wrong in ["7", "d", "1.5d", "7w", ""] {
        place.keyway(&["token", "renew", "--all", "--older-than", wrong]).run("").await.refused(2, &["--older-than"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_does_not_keep_others_from_it() {
    let server =
        scripted(|seen| (form(seen).get("client_id")? == "client-of-bad").then(|| refusal("invalid_grant"))).await;
    let place = Place::at(server).await;
    place.person("bad", token()).await;
    place.desk.home.write("keyway/credentials/broken.json", "{");
    place.desk.credential("gone", &json!({"keyway": 1, "component": "gone", "client_id": "x"}));
    for command in [&["token", "renew", "--all"][..], &["token", "renew", "bad", "broken", "gone", "nobody", "mine"]] {
        let asked = place.asked().len();
        let ran = place.keyway(command).run("").await;
        assert_eq!(ran.code(), Some(1), "{ran}");
        assert!(ran.stderr.contains("acme/production/mine: renewed"), "{ran}");
        for words in ["error: bad: ", "invalid_grant", "keyway login bad", "error: broken: ", "error: gone: "] {
            assert!(ran.stderr.contains(words), "`{words}`: {ran}");
        }
        shows_no_token(&ran);
        assert_eq!(place.asked().len(), asked + 2);
    }
    assert_eq!(place.access_token("bad").await.as_deref(), Some("kept-access"), "what there was stays");
}

// === revoke and logout ===

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_revoked_and_forgotten() {
    for command in [&["token", "revoke", "mine"][..], &["logout", "mine"]] {
        let place = Place::at(willing().await).await;
        place.person("other", token()).await;
        let ran = place.keyway(command).run("").await.succeeded();
        assert!(ran.stdout.is_empty() && ran.stderr.contains("mine: the token is revoked"), "{ran}");
        shows_no_token(&ran);
        let sent: Vec<(String, String)> = place
            .server
            .seen("/revoke")
            .iter()
            .map(form)
            .map(|mut form| {
                assert_eq!((&*form["client_id"], &*form["client_secret"]), ("client-of-mine", "acme-secret"));
                (form.remove("token").unwrap_or_default(), form.remove("token_type_hint").unwrap_or_default())
            })
            .collect();
        let pair = |token: &str, hint: &str| (token.to_owned(), hint.to_owned());
        assert_eq!(sent, [pair("kept-refresh", "refresh_token"), pair("kept-access", "access_token")]);
        assert_eq!(
            (place.access_token("mine").await, place.access_token("other").await),
            (None, Some("kept-access".into()))
        );
        let again = place.keyway(command).run("").await.succeeded();
        assert!(again.stderr.contains("there is no token"), "{again}");
        assert_eq!(place.server.count("/revoke"), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_endpoint_nothing_is_revoked_and_logout_says_so() {
    let place = Place::at(willing().await).await;
    place.without("revocation_endpoint");
    let ran = place.keyway(&["token", "revoke", "mine"]).run("").await;
    ran.refused(2, &["no `revocation_endpoint`", "keyway logout"]);
    assert!(place.access_token("mine").await.is_some(), "it is kept");
    let ran = place.keyway(&["logout", "mine"]).run("").await.succeeded();
    for words in ["forgotten here", "no revocation endpoint", "still valid at the server until 2", "at the latest"] {
        assert!(ran.stderr.contains(words), "`{words}`: {ran}");
    }
    assert_eq!(place.access_token("mine").await, None);
    place.desk.keep("mine", Token { expires_at: None, ..token() }).await;
    let ran = place.keyway(&["logout", "mine"]).run("").await.succeeded();
    assert!(ran.stderr.contains("until it ends by itself"), "{ran}");
    assert_eq!(place.server.count(""), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_keeps_valid_is_forgotten_only_when_told() {
    let server = scripted(|seen| {
        let mut response = empty(503);
        response.headers_mut().insert("retry-after", "120".parse().expect("a header"));
        (seen.path == "/revoke").then_some(response)
    })
    .await;
    let place = Place::at(server).await;
    for command in [&["logout", "mine"][..], &["token", "revoke", "mine"]] {
        place.keyway(command).run("").await.refused(1, &["still valid", "kept here", "in 120 s"]);
        assert_eq!(place.access_token("mine").await.as_deref(), Some("kept-access"));
    }
    let ran = place.keyway(&["logout", "mine", "--forget"]).run("").await;
    ran.refused(1, &["still valid at the server", "forgotten here all the same"]);
    assert_eq!(place.access_token("mine").await, None);
    assert!(ran.code() == Some(1) && place.server.count("/revoke") == 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_be_reached_keeps_the_token() {
    let breaks = |seen: &keyway_tests::mock::Seen| (seen.path == "/revoke").then(keyway_tests::mock::cut);
    let place = Place::at(support::scripted::scripted(breaks).await).await;
    place.keyway(&["logout", "mine"]).run("").await.refused(1, &["still valid", "--forget"]);
    assert!(place.access_token("mine").await.is_some());
    // Nor does a secret that is not there.
    place.desk.keyway(&["logout", "mine"]).run("").await.refused(1, &["still valid", "SECRET_OF_MINE"]);
    assert!(place.access_token("mine").await.is_some());
}

// === import ===

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_from_elsewhere_begins_an_account() {
    let server = willing().await;
    let desk = Desk::of(&server);
    let place = Place { server, desk };
    let mut account = signed_in_to("client-of-mine");
    account["grant"] = "refresh_token".into();
    place.desk.credential("mine", &account);
    let get = || place.desk.get(&[]).env("SECRET_OF_MINE", "acme-secret");
    get().run("").await.refused(3, &["keyway token import mine"]);
    let ran = place.keyway(&["token", "import", "mine"]).run("from elsewhere+/=\n").await.succeeded();
    assert!(ran.stdout.is_empty() && ran.stderr.contains("acme/production/mine: imported, ends at 2"), "{ran}");
    assert!(!ran.stderr.contains("from elsewhere"), "{ran}");
    shows_no_token(&ran);
    let sent = form(&place.server.seen("/token")[0]);
    assert_eq!((&*sent["grant_type"], &*sent["refresh_token"]), ("refresh_token", "from elsewhere+/="));
    get().run("").await.succeeded();
    place.keyway(&["token", "renew", "mine"]).run("").await.succeeded();
    assert_eq!(form(&place.server.seen("/token")[1])["refresh_token"], "refresh-1");
    assert_eq!(place.refresh_token("mine").await.as_deref(), Some("refresh-2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_refused_leaves_what_there_was() {
    let server = scripted(|seen| match form(seen).get("refresh_token")?.as_str() {
        "a-spent-one" => Some(reply(400, &json!({"error": "invalid_grant", "error_description": "spent"}))),
        "nonsense" => Some(reply(200, &json!({"token": "none"}))),
        _ => None,
    })
    .await;
    let place = Place::at(server).await;
    for (input, words) in [("a-spent-one", ["refresh token was refused", "spent"]), ("nonsense", ["no token", "acme"])]
    {
        place.keyway(&["token", "import", "mine"]).run(input).await.refused(1, &words);
        assert_eq!(place.access_token("mine").await.as_deref(), Some("kept-access"));
    }
    for nothing in ["", "\n", "\r\n"] {
        place.keyway(&["token", "import", "mine"]).run(nothing).await.refused(2, &["no refresh token", "pipe it in"]);
    }
    assert_eq!(place.server.count("/token"), 2);
    place.desk.get(&[]).env("SECRET_OF_MINE", "acme-secret").run("").await.succeeded();
    assert_eq!(place.server.seen("/api/user")[0].header("authorization"), "Bearer kept-access");
    place.keyway(&["token", "renew", "mine"]).run("").await.succeeded();
    assert_eq!(form(&place.server.seen("/token")[2])["refresh_token"], "kept-refresh");
}
