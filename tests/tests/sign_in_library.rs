//! Signing in by way of the library: which answers are taken, and that no code and no token is lost on the way.

mod support;

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use keyway::{
    Code as Failed, Connection, Credential, Host, Message, TokenErrorKind,
    sign_in::{AnswerError, AuthorizationRequest, Code, Redirect, SignInError},
};
use keyway_tests::{
    acme,
    mock::{Mock, Seen, reply},
};
use serde_json::{Value, json};
use support::{
    scripted::{component, form, refusal, scripted, token, willing},
    workspace,
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::JoinHandle,
};
use url::Url;

const REDIRECT: &str = "https://app.example.org/callback";
const ISSUER: &str = "https://issuer.example";
const ACCOUNT: [(&str, &str); 3] =
    [("ACME_CLIENT_ID", "acme-client"), ("ACME_CLIENT_SECRET", "acme-secret"), ("ACME_GRANT", "authorization_code")];

fn connected(component: &Value) -> Connection {
    let connection = acme::host(component).connect(Credential::from_vars("acme", ACCOUNT));
    connection.expect("the account is complete")
}

fn begun(connection: &Connection) -> AuthorizationRequest {
    connection.tokens().authorization_request(REDIRECT).expect("it can begin")
}

fn state(request: &AuthorizationRequest) -> String {
    let state = request.url().query_pairs().find(|(name, _)| name == "state");
    state.expect("it has one").1.into_owned()
}

/// The answer to a request, with this code.
fn answer(request: &AuthorizationRequest, code: &str) -> Code {
    request.read_pasted(code).expect("a code")
}

// === Which answers are taken ===

/// What is to come of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comes {
    Code,
    NotThisSignIn,
    WrongIssuer,
    Refused,
    Nothing,
}

fn comes(read: &Result<Code, AnswerError>) -> Comes {
    match read {
        Ok(_) => Comes::Code,
        Err(AnswerError::NotThisSignIn(_)) => Comes::NotThisSignIn,
        Err(AnswerError::WrongIssuer(_)) => Comes::WrongIssuer,
        Err(AnswerError::Refused { .. }) => Comes::Refused,
        Err(AnswerError::NoCode) => Comes::Nothing,
        Err(other) => panic!("a kind that this table does not have: {other}"),
    }
}

/// What a server says of itself in its answers.
#[derive(Clone, Copy)]
struct Names {
    issuer: bool,
    promised: bool,
}

const NAMELESS: Names = Names { issuer: false, promised: false };
const KNOWN: Names = Names { issuer: true, promised: false };
const PROMISED: Names = Names { issuer: true, promised: true };

async fn request_of(names: Names) -> (Mock, Connection, AuthorizationRequest) {
    let server = willing().await;
    let mut component = component(&server);
    if names.issuer {
        component["oauth2"]["issuer"] = ISSUER.into();
    }
    component["oauth2"]["authorization_response_iss_parameter_supported"] = names.promised.into();
    let connection = connected(&component);
    let request = begun(&connection);
    (server, connection, request)
}

#[tokio::test]
async fn c09_c10_c45_c46_c53_answers_are_held_against_their_request() {
    use Comes::{Code, NotThisSignIn, Nothing, Refused, WrongIssuer};
    // `{r}` is the redirect URI, `{s}` the right state.
    let table = [
        ("the answer", NAMELESS, "{r}?code=the-code&state={s}", Code),
        ("in another order", NAMELESS, "{r}?state={s}&code=the-code", Code),
        ("c09: no state", NAMELESS, "{r}?code=the-code", NotThisSignIn),
        ("c09: an empty state", NAMELESS, "{r}?code=the-code&state=", NotThisSignIn),
        ("c09: another state", NAMELESS, "{r}?code=the-code&state=another", NotThisSignIn),
        ("c09: more than the state", NAMELESS, "{r}?code=the-code&state={s}x", NotThisSignIn),
        ("c09: the state in another case", NAMELESS, "{r}?code=the-code&State={s}", NotThisSignIn),
        ("c09: an error without state", NAMELESS, "{r}?error=access_denied", NotThisSignIn),
        ("c09: an error with another state", NAMELESS, "{r}?error=access_denied&state=another", NotThisSignIn),
        ("c09: nothing", NAMELESS, "{r}", NotThisSignIn),
        (
            "c10: parameters that nobody knows",
            NAMELESS,
            "{r}?x=1&code=the-code&x=2&state={s}&session_state=y&%C3%BC=%3C",
            Code,
        ),
        ("c45: another issuer", KNOWN, "{r}?code=the-code&state={s}&iss=https://attacker.example", WrongIssuer),
        ("c45: the issuer and a slash", KNOWN, "{r}?code=the-code&state={s}&iss=https://issuer.example/", WrongIssuer),
        ("c45: an error of another issuer", KNOWN, "{r}?error=x&state={s}&iss=https://attacker.example", WrongIssuer),
        ("c46: a promised issuer is missing", PROMISED, "{r}?code=the-code&state={s}", WrongIssuer),
        ("c46: a promised issuer is empty", PROMISED, "{r}?code=the-code&state={s}&iss=", WrongIssuer),
        ("c46: a promised issuer is missing in an error", PROMISED, "{r}?error=x&state={s}", WrongIssuer),
        ("c53: the right issuer", PROMISED, "{r}?code=the-code&state={s}&iss=https%3A%2F%2Fissuer.example", Code),
        ("c53: none where none is promised", KNOWN, "{r}?code=the-code&state={s}", Code),
        ("an issuer where nobody knows any", NAMELESS, "{r}?code=the-code&state={s}&iss=https://any.example", Code),
        ("refused", NAMELESS, "{r}?error=access_denied&error_description=no&state={s}", Refused),
        ("refused with a code beside", NAMELESS, "{r}?error=access_denied&code=the-code&state={s}", Refused),
        ("no code", NAMELESS, "{r}?state={s}", Nothing),
        ("an empty code", NAMELESS, "{r}?code=&state={s}", Nothing),
        ("two codes", NAMELESS, "{r}?code=a&code=b&state={s}", NotThisSignIn),
        ("two alike", NAMELESS, "{r}?code=a&code=a&state={s}", NotThisSignIn),
        ("two states", NAMELESS, "{r}?code=a&state={s}&state=another", NotThisSignIn),
        (
            "two issuers",
            PROMISED,
            "{r}?code=a&state={s}&iss=https://issuer.example&iss=https://issuer.example",
            NotThisSignIn,
        ),
        ("another path", NAMELESS, "{r}/more?code=the-code&state={s}", NotThisSignIn),
        ("a slash more", NAMELESS, "{r}/?code=the-code&state={s}", NotThisSignIn),
        ("a path that folds to another", NAMELESS, "{r}/../other?code=the-code&state={s}", NotThisSignIn),
        ("another host", NAMELESS, "https://app.example.com/callback?code=the-code&state={s}", NotThisSignIn),
        (
            "a host below",
            NAMELESS,
            "https://app.example.org.attacker.example/callback?code=the-code&state={s}",
            NotThisSignIn,
        ),
        ("another port", NAMELESS, "https://app.example.org:8443/callback?code=the-code&state={s}", NotThisSignIn),
        ("the same port, written out", NAMELESS, "https://app.example.org:443/callback?code=the-code&state={s}", Code),
        ("another scheme", NAMELESS, "http://app.example.org/callback?code=the-code&state={s}", NotThisSignIn),
        ("another scheme of its own", NAMELESS, "com.example.app:/callback?code=the-code&state={s}", NotThisSignIn),
        (
            "the host as userinfo",
            NAMELESS,
            "https://app.example.org@attacker.example/callback?code=the-code&state={s}",
            NotThisSignIn,
        ),
        ("what some servers leave behind", NAMELESS, "{r}?code=the-code&state={s}#_=_", Code),
        ("all in the fragment", NAMELESS, "{r}#code=the-code&state={s}", NotThisSignIn),
    ];
    for (case, names, text, wanted) in table {
        let (_server, _connection, request) = request_of(names).await;
        let text = text.replace("{r}", REDIRECT).replace("{s}", &state(&request));
        let address = Url::parse(&text).unwrap_or_else(|error| panic!("{case}: {error}"));
        let read = request.read_address(&address);
        assert_eq!(comes(&read), wanted, "{case}: {read:?}");
        // A person who pastes it gets the same, with spaces around it as well.
        let read = request.read_pasted(&format!(" {text} \n"));
        assert_eq!(comes(&read), wanted, "pasted, {case}: {read:?}");
        let open = matches!(wanted, NotThisSignIn | Nothing);
        assert_eq!(read.err().is_some_and(|error| error.leaves_open()), open, "{case}");
    }
}

#[tokio::test]
async fn what_a_person_pastes_is_an_address_a_query_or_a_code() {
    use Comes::{Code, NotThisSignIn, Nothing};
    let (_server, _connection, request) = request_of(NAMELESS).await;
    let (long, longest) = ("x".repeat(8193), "x".repeat(8192));
    let table = [
        ("the-code", Code),
        (" the-code\r\n", Code),
        ("4/0AX4XfWj_~!$'()*,;:@?&=", Code),
        ("a:b", Code),
        (&longest, Code),
        ("code=the-code&state={s}", Code),
        ("?code=the-code&state={s}", Code),
        ("?code=the-code", NotThisSignIn),
        ("code=the-code&state=another", NotThisSignIn),
        // Not the whole address.
        ("app.example.org/callback?code=the-code&state={s}", Nothing),
        ("", Nothing),
        (" \n", Nothing),
        ("two words", Nothing),
        ("the-code and more", Nothing),
        ("the\tcode", Nothing),
        ("the-c\u{f6}de", Nothing),
        ("the-code\u{202e}", Nothing),
        (&long, Nothing),
    ];
    for (text, wanted) in table {
        let read = request.read_pasted(&text.replace("{s}", &state(&request)));
        assert_eq!(comes(&read), wanted, "{text:.80}: {read:?}");
    }
}

#[tokio::test]
async fn an_answer_is_of_one_request_only() {
    let (_server, connection, request) = request_of(NAMELESS).await;
    let other = begun(&connection);
    let address = format!("{REDIRECT}?code=the-code&state={}", state(&other));
    assert_eq!(comes(&request.read_pasted(&address)), Comes::NotThisSignIn);
    assert_eq!(comes(&other.read_pasted(&address)), Comes::Code);
}

#[tokio::test]
async fn what_a_server_says_is_told_without_what_steers_a_terminal() {
    let (_server, _connection, request) = request_of(NAMELESS).await;
    let said = format!(
        "{REDIRECT}?error=%1b%5B31mx&error_description={}%0d%0a%e2%80%ae&state={}",
        "y".repeat(2000),
        state(&request)
    );
    let error = request.read_pasted(&said).expect_err("it is refused").to_string();
    assert!(!error.contains(|c: char| c.is_control() || c == '\u{202e}') && error.len() < 500, "{error:?}");
}

#[tokio::test]
async fn a_code_is_redeemed_as_it_was_pasted() {
    let (server, connection, request) = request_of(NAMELESS).await;
    for (n, (pasted, code)) in [
        (format!("{REDIRECT}?code=the%2Fcode%2B+x&state={{s}}"), "the/code+ x"),
        ("the/code%2B+x".to_owned(), "the/code%2B+x"),
    ]
    .into_iter()
    .enumerate()
    {
        let request = if n == 0 { request.clone() } else { begun(&connection) };
        let read = request.read_pasted(&pasted.replace("{s}", &state(&request))).expect("a code");
        assert!(!format!("{read:?} {request:?}").contains("the/code"), "it is a secret");
        connection.tokens().redeem_code(request, read).await.expect("it is taken");
        let sent = form(&server.seen("/token")[n]);
        assert_eq!((&*sent["code"], &*sent["redirect_uri"]), (code, REDIRECT));
    }
}

#[tokio::test]
async fn podio_sends_nobody_back_to_this_machine() {
    let host = Host::builder().build().expect("it is built in");
    let account = [("PODIO_CLIENT_ID", "x"), ("PODIO_CLIENT_SECRET", "y"), ("PODIO_GRANT", "authorization_code")];
    let connection = host.connect(Credential::from_vars("podio", account)).expect("it is complete");
    let error = Redirect::of(connection.account()).expect_err("nobody says where");
    assert!(matches!(&error, SignInError::NotPossible(why) if why.contains("give PODIO_REDIRECT_URI")), "{error}");
    // A file calls it by another name.
    let file = json!({"keyway": 1, "component": "podio", "grant": "authorization_code", "client_id": "x", "name": "file",
        "secrets": {"client_secret": {"env": "X"}}});
    let given = |file: Value| Credential::from_value(serde_json::from_value(file).expect("a credential"));
    let connection = host.connect(given(file.clone())).expect("it is complete");
    let error = Redirect::of(connection.account()).expect_err("nobody says where").to_string();
    assert!(error.contains("give `redirect_uri`, the redirect URI that is registered"), "{error}");
    let mut file = file;
    file["redirect_uri"] = REDIRECT.into();
    file["name"] = "elsewhere".into();
    let connection = host.connect(given(file)).expect("it is complete");
    assert_eq!(Redirect::of(connection.account()), Ok(Redirect::Elsewhere(REDIRECT.to_owned())));
}

// === Codes become tokens ===

/// A server whose token requests are held until they are let go, one by one.
struct Held {
    server: Mock,
    arrived: Arc<Semaphore>,
    go: Arc<Semaphore>,
    /// The most that were ever held at once.
    most: Arc<AtomicUsize>,
}

impl Held {
    async fn new() -> Self {
        let (arrived, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let signals = (Arc::clone(&arrived), Arc::clone(&go), now, Arc::clone(&most));
        let server = Mock::start(move |seen: Seen| {
            let (arrived, go, now, most) = signals.clone();
            async move {
                if seen.path != "/token" {
                    return reply(200, &json!({"ok": true}));
                }
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                arrived.add_permits(1);
                pass(&go).await;
                now.fetch_sub(1, Ordering::SeqCst);
                match form(&seen).get("code").map(String::as_str) {
                    Some("refused") => refusal("invalid_grant"),
                    Some(code) => {
                        let mut answer = token(seen.nth + 1);
                        answer["access_token"] = format!("of-{code}").into();
                        reply(200, &answer)
                    }
                    None => reply(200, &token(seen.nth + 1)),
                }
            }
        })
        .await;
        Self { server, arrived, go, most }
    }

    /// Waits until a token request has come.
    async fn comes(&self) {
        pass(&self.arrived).await;
    }

    fn let_go(&self) {
        self.go.add_permits(1);
    }

    fn codes(&self) -> Vec<String> {
        self.server.seen("/token").iter().filter_map(|seen| form(seen).remove("code")).collect()
    }
}

async fn pass(semaphore: &Semaphore) {
    let waiting = tokio::time::timeout(Duration::from_secs(30), semaphore.acquire());
    let permit: SemaphorePermit<'_> = waiting.await.expect("it comes").expect("it stays open");
    permit.forget();
}

/// Redeems a code in a task of its own.
fn redeem(connection: &Connection, code: &'static str) -> JoinHandle<Result<String, TokenErrorKind>> {
    let (connection, request) = (connection.clone(), begun(connection));
    let read = answer(&request, code);
    tokio::spawn(async move {
        let token = connection.tokens().redeem_code(request, read).await.map_err(|error| error.kind)?;
        Ok(token.access_token.expose_secret_text().to_owned())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn two_codes_are_redeemed_one_after_the_other_while_messages_run() {
    let held = Held::new().await;
    let connection = connected(&component(&held.server));
    held.let_go();
    redeem(&connection, "first").await.expect("it ends").expect("it is taken");
    held.comes().await;

    let one = redeem(&connection, "second");
    held.comes().await;
    let other = redeem(&connection, "third");
    // While a sign-in is under way, messages go on with the token that there is.
    for _ in 0..3 {
        connection.send(Message::get("/user")).await.expect("the old token serves");
    }
    held.let_go();
    assert_eq!(one.await.expect("it ends"), Ok("of-second".to_owned()));
    held.comes().await;
    held.let_go();
    assert_eq!(other.await.expect("it ends"), Ok("of-third".to_owned()));
    connection.send(Message::get("/user")).await.expect("the newest token serves");
    assert_eq!(held.codes(), ["first", "second", "third"]);
    assert_eq!(held.most.load(Ordering::SeqCst), 1, "never two at once");
    let used: Vec<String> =
        held.server.seen("/api/user").iter().map(|seen| seen.header("authorization").to_owned()).collect();
    assert_eq!(used, ["Bearer of-first", "Bearer of-first", "Bearer of-first", "Bearer of-third"]);
    let kept = connection.tokens().stored().await.expect("memory").token.expect("a token");
    assert_eq!(kept.access_token.expose_secret_text(), "of-third");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_waits_for_a_renewal_that_is_under_way() {
    let held = Held::new().await;
    let connection = connected(&component(&held.server));
    held.let_go();
    redeem(&connection, "first").await.expect("it ends").expect("it is taken");
    held.comes().await;
    let renewal = tokio::spawn({
        let connection = connection.clone();
        async move { connection.tokens().renew().await.map(|_| ()) }
    });
    held.comes().await;
    let sign_in = redeem(&connection, "second");
    held.let_go();
    renewal.await.expect("it ends").expect("it is renewed");
    held.comes().await;
    held.let_go();
    assert_eq!(sign_in.await.expect("it ends"), Ok("of-second".to_owned()));
    assert_eq!((held.codes().len(), held.most.load(Ordering::SeqCst)), (2, 1));
    connection.send(Message::get("/user")).await.expect("it works");
    assert_eq!(held.server.seen("/api/user")[0].header("authorization"), "Bearer of-second");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_loses_no_token() {
    let held = Held::new().await;
    let connection = connected(&component(&held.server));
    let caller = redeem(&connection, "the-code");
    held.comes().await;
    caller.abort();
    assert!(caller.await.is_err_and(|ended| ended.is_cancelled()));
    held.let_go();
    connection.send(Message::get("/user")).await.expect("the token is there");
    assert_eq!(held.server.seen("/api/user")[0].header("authorization"), "Bearer of-the-code");
    assert_eq!(held.codes(), ["the-code"]);
    let kept = connection.tokens().stored().await.expect("memory").token.expect("a token");
    assert_eq!(kept.access_token.expose_secret_text(), "of-the-code");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_refused_costs_nothing() {
    let held = Held::new().await;
    let connection = connected(&component(&held.server));
    held.go.add_permits(3);
    redeem(&connection, "good").await.expect("it ends").expect("it is taken");
    assert_eq!(redeem(&connection, "refused").await.expect("it ends"), Err(TokenErrorKind::Denied));
    connection.send(Message::get("/user")).await.expect("the old token serves");
    connection.tokens().renew().await.expect("and is renewed");
    assert_eq!(held.codes(), ["good", "refused"], "once each");
}

// === Podio's second factor ===

#[tokio::test]
async fn a_second_factor_is_named_and_needs_a_person() {
    let server = scripted(|seen| {
        // As Podio answers: 200, and no token.
        (seen.path == "/oauth/token/v2").then(|| reply(200, &json!({"server_nonce": "CNRYnonce", "methods": ["totp"]})))
    })
    .await;
    let text = fs::read_to_string(workspace().join("components/podio/component.json")).expect("it is there");
    let text = text.replace("https://api.podio.com", &server.url).replace("https://podio.com", &server.url);
    let mut component = support::json(&text);
    component["api"]["additional_origins"] = json!([]);
    component["name"] = "podio-here".into();
    let account = [
        ("PODIO_HERE_CLIENT_ID", "x"),
        ("PODIO_HERE_CLIENT_SECRET", "y"),
        ("PODIO_HERE_GRANT", "password"),
        ("PODIO_HERE_USERNAME", "ada"),
        ("PODIO_HERE_PASSWORD", "hunter2"),
    ];
    let connection =
        acme::host(&component).connect(Credential::from_vars("podio-here", account)).expect("it is complete");
    let failure = connection.send(Message::get("/user")).await.expect_err("there is no token");
    assert_eq!((failure.code, failure.retryable), (Failed::SignInRequired, false), "{failure}");
    assert!(failure.message.contains("second factor"), "{failure}");
    assert!(!failure.message.contains("CNRY"), "{failure}");
    assert_eq!(server.count("/oauth/token/v2"), 1, "once: asking again only sends more codes");
}

#[tokio::test]
async fn names_of_the_vendors_own_protect_the_same() {
    let api = Mock::api(|_| async { keyway_tests::mock::reply(200, &serde_json::json!({})) }).await;
    let mut component = keyway_tests::acme::acme(&api.url);
    // The address names the client, and its parameters go behind a `#`.
    component["oauth2"]["authorization_endpoint"] = format!("{}/apps/{{client_id}}?v=1", api.url).into();
    component["oauth2"]["grants"] = serde_json::json!({
        "authorization_code": {
            "state_param": "customField", "redirect_uri_param": "redirectUri", "authorization_fragment": "/sign-in"
        }
    });
    let host = keyway_tests::acme::host(&component);
    let connection = host.connect(keyway_tests::acme::account_with([("ACME_GRANT", "authorization_code")])).unwrap();
    let request = connection.tokens().authorization_request("https://app.example/callback").unwrap();
    let (place, query) = request.url().as_str().split_once("#/sign-in?").unwrap();
    assert_eq!(place, format!("{}/apps/acme-client", api.url));
    let pairs: std::collections::BTreeMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    assert_eq!((pairs["v"].as_str(), pairs["redirectUri"].as_str()), ("1", "https://app.example/callback"));
    assert_eq!(pairs["customField"], request.state());
    assert!(!pairs.contains_key("state") && !pairs.contains_key("redirect_uri"), "{pairs:?}");
    let answer =
        |name: &str, state: &str| request.read_pasted(&format!("https://app.example/callback?code=c&{name}={state}"));
    assert!(answer("state", request.state()).is_err() && answer("customField", "another").is_err());
    let code = answer("customField", request.state()).unwrap();
    connection.tokens().redeem_code(request, code).await.unwrap();
    // What is got for it says the redirect URI as RFC 6749 does.
    assert!(api.seen("/token")[0].text().contains("redirect_uri=https%3A%2F%2Fapp.example%2Fcallback"));
}
