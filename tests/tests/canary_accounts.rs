//! The secret canary in the commands about accounts: whatever they are given, and however they end, no secret is seen.

mod support;

use base64::{Engine, prelude::BASE64_STANDARD};
use keyway_tests::mock::Mock;
use serde_json::{Value, json};
use support::{
    Home, Keyway, Ran, Running,
    canary::{
        API_KEY, APP_TOKEN, CLIENT_ID, CLIENT_SECRET, CODE, LOGS, Leaks, PASSWORD, REFRESH_TOKEN, logging,
        stores_are_closed,
    },
    desk::Desk,
    disk::set_mode,
    echoing::{TOKEN_MODES, servers},
    http,
    scripted::form,
    sign_in::{authorization_url, param},
};

/// The key of the store, as base64.
const KEY: &str = "CNRYkeyCNRYkeyCNRYkeyCNRYkeyCNRYkeyCNRYkeyA=";
const CODE_VERIFIER: &str = "CNRYverifier-0123456789-0123456789-0123456789";
/// Quiet, loud, and loud for programs.
const LOUDNESS: [(&[&str], &str); 3] = [LOGS[0], LOGS[2], LOGS[4]];
const NAME: &str = "mine";

/// Every secret that an account may have.
const SECRETS: [(&str, &str); 7] = [
    ("client_secret", CLIENT_SECRET),
    ("password", PASSWORD),
    ("code", CODE),
    ("code_verifier", CODE_VERIFIER),
    ("refresh_token", REFRESH_TOKEN),
    ("app_token", APP_TOKEN),
    ("vault_key", API_KEY),
];

/// How a credential says where its secrets are.
const KINDS: [&str; 4] = ["sealed", "env", "file", "command"];

/// The component whose OAuth endpoints are in this mode.
fn component(server: &Mock, mode: &str) -> Value {
    let endpoint = |path: &str| json!(format!("{}/{mode}/{path}", server.url));
    json!({
        "keyway": 1, "name": "acme", "title": "Acme", "version": "1.0.0",
        "environments": {"production": {}},
        "variables": {
            "app_token": {"title": "App token", "secret": true},
            "vault_key": {"title": "A key beside the token", "secret": true}
        },
        "oauth2": {
            "authorization_endpoint": endpoint("authorize"),
            "token_endpoint": endpoint("token"), "revocation_endpoint": endpoint("revoke"),
            "device_authorization_endpoint": endpoint("device"),
            "token_endpoint_auth_method": "client_secret_post",
            "scope": {"default": ["all"]},
            "grants": {
                "client_credentials": {}, "password": {}, "refresh_token": {}, "authorization_code": {}, "device_code": {}
            },
            "custom_grants": {"app": {"grant_type": "app", "token_params": {"app_token": "{app_token}"}}},
            "refresh_token_idle_days": 28
        },
        "api": {"base_url": format!("{}/api", server.url), "headers": {"x-vault-key": "{vault_key}"}},
        "retry": {"count": 1, "delay_ms": 1, "backoff": "fixed", "max_wait_ms": 50, "max_elapsed_ms": 5000},
        "verify": "fine",
        "actions": {"fine": {"method": "GET", "url": "/ok"}}
    })
}

/// A desk whose commands are listened to. What holds secrets to be read lies elsewhere.
struct Stage {
    desk: Desk,
    elsewhere: Home,
    server: Mock,
    leaks: Leaks,
    logs: (&'static [&'static str], &'static str),
}

// === impl Stage ===

impl Stage {
    async fn new(mode: &str) -> Self {
        let server = servers().await;
        let desk = Desk::new(&component(&server, mode));
        let elsewhere = Home::new();
        for (name, secret) in SECRETS {
            elsewhere.write(name, secret);
        }
        Self { desk, elsewhere, server, leaks: Leaks::default(), logs: LOUDNESS[1] }
    }

    /// The OAuth endpoints are in another mode from now on.
    fn mode(&self, mode: &str) {
        self.desk.describe(&component(&self.server, mode));
    }

    /// A command that has the key, and all secrets of the kind `env` in its environment.
    fn command(&self, run: Keyway) -> Keyway {
        let run = SECRETS.into_iter().fold(run, |run, (name, secret)| run.env(&variable(name), secret));
        logging(run.env("KEYWAY_KEY", KEY), self.logs)
    }

    fn keyway(&self, args: &[&str]) -> Keyway {
        self.command(self.desk.keyway(args))
    }

    /// Runs a command and listens.
    async fn hear(&mut self, args: &[&str], input: &str) -> Ran {
        let ran = self.keyway(args).run(input).await;
        self.look(&format!("{args:?}"), &ran);
        ran
    }

    /// The same for one that takes no components.
    async fn hear_bare(&mut self, args: &[&str]) -> Ran {
        let ran = self.command(self.desk.bare(args)).run("").await;
        self.look(&format!("{args:?}"), &ran);
        ran
    }

    fn look(&mut self, what: &str, ran: &Ran) {
        self.look_at(what, ran.text());
        self.look_at(what, &ran.stderr);
    }

    fn look_at(&mut self, what: &str, text: &str) {
        self.leaks.look_at(&format!("{what} {:?}", self.logs), &without_randomness(text));
    }

    /// Where a secret of this kind is, as a flag says it.
    fn place(&self, kind: &str, name: &str) -> String {
        match kind {
            "env" => format!("{name}=env:{}", variable(name)),
            "file" => format!("{name}=file:{}", self.elsewhere.file(name)),
            _ => format!("{name}=command:cat {}", self.elsewhere.file(name)),
        }
    }

    /// Makes an account with all secrets of one kind.
    async fn add(&mut self, kind: &str, grant: &str) -> Ran {
        let mut args = vec!["credential", "add", "acme", NAME, "--replace", "--grant", grant, "--client-id", CLIENT_ID];
        args.extend(["--username", "ada"]);
        if kind == "sealed" {
            args.push("--secrets-stdin");
            return self.hear(&args, &all_secrets().to_string()).await;
        }
        let places: Vec<String> = SECRETS.iter().map(|(name, _)| self.place(kind, name)).collect();
        args.extend(places.iter().flat_map(|place| ["--secret", place]));
        self.hear(&args, "").await
    }

    /// An account that nobody has signed in to: what a sign-in brings is left out.
    async fn add_to_sign_in(&mut self, grant: &str) {
        self.add("sealed", grant).await.succeeded();
        let mut args = vec!["credential", "set", NAME];
        args.extend(["code", "code_verifier", "refresh_token"].into_iter().flat_map(|name| ["--unset", name]));
        self.hear(&args, "").await.succeeded();
    }

    /// Begins a sign-in, up to the address that is to be opened.
    async fn login(&self, more: &[&str]) -> (Running, url::Url) {
        let mut running = self.keyway(&[&["login", NAME, "--no-browser"], more].concat()).start();
        let url = authorization_url(&mut running).await;
        (running, url)
    }

    /// Waits for its end, and listens to all that it said.
    async fn ended(&mut self, what: &str, running: Running) -> Ran {
        let heard = running.heard().to_owned();
        let ran = running.end().await;
        self.look_at(what, &heard);
        self.look(what, &ran);
        ran
    }

    /// Nothing was said, and nothing lies there unencrypted.
    #[track_caller]
    fn none(&self) {
        self.leaks.none();
        stores_are_closed(self.desk.home.path());
    }
}

/// The text without what is random in an authorization request, and no secret: any letters may stand there.
fn without_randomness(text: &str) -> String {
    let mut text = text.to_owned();
    for name in ["state=", "code_challenge="] {
        let parts: Vec<&str> = text.split(name).collect();
        let end = |part: &str| part.find(['&', '\n']).unwrap_or(part.len());
        let rest = parts.iter().skip(1).map(|part| &part[end(part)..]);
        text = parts.iter().take(1).copied().chain(rest).collect();
    }
    text
}

fn variable(name: &str) -> String {
    format!("MY_{}", name.to_ascii_uppercase())
}

fn all_secrets() -> Value {
    SECRETS.iter().map(|(name, secret)| ((*name).to_owned(), Value::from(*secret))).collect()
}

// === Making, showing and changing ===

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_made_shown_changed_and_removed() {
    let mut stage = Stage::new("ok").await;
    for logs in LOUDNESS {
        stage.logs = logs;
        for kind in KINDS {
            stage.add(kind, "password").await.succeeded();
            stage.hear_bare(&["credential", "show", NAME]).await.succeeded();
            stage.hear(&["credential", "list"], "").await.succeeded();
            stage.hear(&["credential", "check"], "").await.succeeded();
            stage.hear(&["credential", "set", NAME, "--scope", "some"], "").await.succeeded();
            stage.hear(&["credential", "set", NAME, "--secrets-stdin"], &all_secrets().to_string()).await.succeeded();
            stage.hear(&["credential", "verify", NAME], "").await.succeeded();
            stage.hear(&["credential", "remove", NAME], "").await.refused(2, &["--yes"]);
            stage.hear(&["credential", "remove", NAME, "--yes"], "").await.succeeded();
        }
    }
    stage.none();
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_made_and_used() {
    let mut stage = Stage::new("ok").await;
    for logs in LOUDNESS {
        stage.logs = logs;
        let add = ["client", "add", "acme", "ours", "--replace", "--client-id", CLIENT_ID];
        for kind in KINDS {
            let places = ["client_secret", "app_token", "vault_key"].map(|name| stage.place(kind, name));
            let (more, input): (Vec<&str>, String) = if kind == "sealed" {
                let secrets = json!({"client_secret": CLIENT_SECRET, "app_token": APP_TOKEN, "vault_key": API_KEY});
                (vec!["--secrets-stdin"], secrets.to_string())
            } else {
                (places.iter().flat_map(|place| ["--secret", place]).collect(), String::new())
            };
            stage.hear(&[&add[..], &more].concat(), &input).await.succeeded();
            stage.hear_bare(&["client", "list"]).await.succeeded();
            let account = ["credential", "add", "acme", NAME, "--replace", "--grant", "client_credentials"];
            stage.hear(&[&account[..], &["--client", "ours"]].concat(), "").await.succeeded();
            stage.hear(&["credential", "verify", NAME], "").await.succeeded();
            stage.hear(&["doctor"], "").await.succeeded();
        }
        // A client has no password.
        stage.hear(&[&add[..], &["--secrets-stdin"]].concat(), &all_secrets().to_string()).await.refused(2, &[]);
        let literal = format!("client_secret={CLIENT_SECRET}");
        stage.hear(&[&add[..], &["--secret", &literal]].concat(), "").await.refused(2, &["--secrets-stdin"]);
    }
    stage.none();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_mistaken_for_a_reference_is_not_shown() {
    let mut stage = Stage::new("ok").await;
    stage.add("env", "password").await.succeeded();
    let add = ["credential", "add", "acme", "other", "--grant", "client_credentials", "--client-id", CLIENT_ID];
    let set = ["credential", "set", NAME];
    let literal = format!("client_secret={CLIENT_SECRET}");
    let with_colon = "client_secret=CNRYuser:CNRYpassword";
    let url = "client_secret=https://CNRYuser:CNRYpassword@example.com";
    let equals = format!("--client-secret={CLIENT_SECRET}");
    let variable = format!("app_token={APP_TOKEN}");
    let wrong: [&[&str]; 10] = [
        &["--secret", &literal],
        &["--secret", with_colon],
        &["--secret", url],
        // Without a name: the secret alone, as it is, or as base64.
        &["--secret", CLIENT_SECRET],
        &["--secret", "CNRYsecret"],
        &["--secret", "CNRYsecretQ=="],
        &["--secret", "CNRYsecretQ="],
        // Flags that there are elsewhere, but not here.
        &["--client-secret", CLIENT_SECRET],
        &[&equals],
        &["--variable", &variable],
    ];
    for logs in LOUDNESS {
        stage.logs = logs;
        for wrong in wrong {
            for command in [&add[..], &set] {
                let ran = stage.hear(&[command, wrong].concat(), "").await;
                assert_eq!(ran.code(), Some(2), "{wrong:?}: {ran}");
            }
        }
        let inputs = [
            CLIENT_SECRET.to_owned(),
            format!("{{\"client_secret\": \"{CLIENT_SECRET}\""),
            json!([CLIENT_SECRET]).to_string(),
            json!({"client_secret": [CLIENT_SECRET]}).to_string(),
            json!({"client_secret": {"value": CLIENT_SECRET}}).to_string(),
            json!({"clientSecret": CLIENT_SECRET}).to_string(),
        ];
        for input in inputs {
            for command in [&add[..], &set] {
                let ran = stage.hear(&[command, &["--secrets-stdin"]].concat(), &input).await;
                assert_eq!(ran.code(), Some(2), "{input}: {ran}");
            }
        }
    }
    stage.none();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_a_secret_in_it_is_not_shown_by_any_command() {
    let mut stage = Stage::new("ok").await;
    let faulty = [
        json!({"secrets": {"client_secret": CLIENT_SECRET}}),
        json!({"secrets": {"client_secret": {"value": CLIENT_SECRET}}}),
        json!({"secrets": {"client_secret": {"sealed": CLIENT_SECRET}}}),
        json!({"client_secret": CLIENT_SECRET}),
        json!({"password": [PASSWORD], "clientSecret": CLIENT_SECRET}),
        json!({"variables": {"app_token": APP_TOKEN}}),
    ];
    for (n, fault) in faulty.iter().enumerate() {
        let mut file = json!({"keyway": 1, "component": "acme", "client_id": CLIENT_ID, "grant": "client_credentials"});
        file.as_object_mut().expect("an object").extend(fault.as_object().cloned().expect("an object"));
        let pretty = serde_json::to_string_pretty(&file).expect("it is JSON");
        for text in [pretty.clone(), pretty.replace('}', ",}")] {
            let path = stage.desk.home.write(&format!("keyway/credentials/{NAME}.json"), &text);
            set_mode(&path, 0o600);
            stage.logs = LOUDNESS[n % LOUDNESS.len()];
            stage.hear_bare(&["credential", "show", NAME]).await;
            let commands: [&[&str]; 13] = [
                &["credential", "list"],
                &["credential", "check"],
                &["credential", "check", &path],
                &["credential", "set", NAME, "--scope", "x"],
                &["credential", "verify", NAME],
                &["login", NAME],
                &["logout", NAME],
                &["token", "show", NAME],
                &["token", "renew", NAME],
                &["token", "renew", "--all"],
                &["token", "import", NAME],
                &["doctor"],
                &["run", "--any-credential"],
            ];
            for command in commands {
                stage.hear(command, "").await;
            }
            stage.hear(&["credential", "remove", NAME, "--yes"], "").await.succeeded();
        }
    }
    stage.leaks.none();
}

// === Signing in ===

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_in_a_browser() {
    let mut stage = Stage::new("ok").await;
    stage.add_to_sign_in("authorization_code").await;
    for mode in ["ok", "denied", "code", "invalid_grant", "html", "members", "keys", "cut"] {
        stage.mode(mode);
        stage.logs = LOUDNESS[usize::from(mode == "ok")];
        for callback in [
            vec![("code", CODE)],
            vec![("error", "access_denied"), ("error_description", "no")],
            vec![("code", CODE), ("code", CODE)],
            vec![("code", CODE), ("iss", "https://elsewhere.example")],
        ] {
            let (mut running, url) = stage.login(&["--wait", "1"]).await;
            let begin = "Waiting for the browser at ";
            running.told(begin).await;
            let right = [("state", param(&url, "state"))];
            let redirect = param(&url, "redirect_uri");
            let wrong = url::Url::parse_with_params(&redirect, [("code", CODE), ("state", "another")]).expect("a URL");
            stage.leaks.look_at("the page of another sign-in", http::get(wrong).await.text());
            let all = callback.iter().map(|(name, value)| (*name, (*value).to_owned())).chain(right);
            let callback = url::Url::parse_with_params(&redirect, all).expect("a URL");
            let answer = http::get(callback).await;
            stage.leaks.look_at(&format!("the page, {mode}"), answer.text());
            stage.ended(&format!("login, {mode}"), running).await;
        }
    }
    verifiers_are_unsaid(&stage);
    stage.none();
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_by_pasting() {
    let mut stage = Stage::new("ok").await;
    stage.add_to_sign_in("authorization_code").await;
    for mode in ["ok", "invalid_grant", "code", "unauthorized", "keys"] {
        stage.mode(mode);
        for logs in LOUDNESS {
            stage.logs = logs;
            for paste in [
                CODE,
                "CNRY code with spaces",
                "https://elsewhere.example/?code=CNRYcode&state=CNRYstate",
                "?code=CNRYx",
            ] {
                let (mut running, _) = stage.login(&["--paste"]).await;
                running.write(paste).await;
                running.close_stdin();
                stage.ended(&format!("login --paste {paste}"), running).await;
                stage.hear(&["login", NAME, "--print-url"], "").await.succeeded();
                stage.hear(&["login", NAME, "--answer", paste], "").await;
                stage.hear(&["login", NAME, "--print-url"], "").await.succeeded();
                stage.hear(&["login", NAME, "--answer", "-"], paste).await;
                stage.hear(&["login", NAME, "--answer", paste], "").await;
            }
        }
    }
    verifiers_are_unsaid(&stage);
    stage.none();
}

/// What the server got as a verifier nobody else has heard.
#[track_caller]
fn verifiers_are_unsaid(stage: &Stage) {
    let sent = stage.server.seen("");
    let verifiers: Vec<String> = sent.iter().filter_map(|seen| form(seen).remove("code_verifier")).collect();
    assert!(!verifiers.is_empty(), "codes were exchanged");
    for verifier in verifiers {
        assert!(!stage.leaks.heard().contains(&verifier), "a code verifier is said");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_on_a_device() {
    let mut stage = Stage::new("ok").await;
    stage.add_to_sign_in("device_code").await;
    for mode in ["ok", "denied", "code", "unauthorized", "server_error", "html", "text", "members", "cut"] {
        stage.mode(mode);
        stage.logs = LOUDNESS[usize::from(mode != "ok")];
        stage.hear(&["login", NAME, "--token-timeout-ms", "500"], "").await;
    }
    stage.none();
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_with_all_in_the_credential() {
    let mut stage = Stage::new("ok").await;
    for (n, grant) in ["client_credentials", "password", "refresh_token", "app"].into_iter().enumerate() {
        for (m, kind) in KINDS.into_iter().enumerate() {
            stage.logs = LOUDNESS[(n + m) % LOUDNESS.len()];
            for mode in ["ok", "keys", "denied", "invalid_grant", "label"] {
                stage.mode(mode);
                stage.add(kind, grant).await.succeeded();
                stage.hear(&["login", NAME], "").await;
                stage.hear(&["token", "show", NAME], "").await.succeeded();
                stage.hear(&["logout", NAME, "--forget"], "").await;
            }
        }
    }
    stage.none();
}

// === Tokens ===

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_an_account_whose_server_misbehaves() {
    let mut stage = Stage::new("ok").await;
    stage.add("sealed", "refresh_token").await.succeeded();
    for (n, mode) in TOKEN_MODES.into_iter().chain(["keys"]).enumerate() {
        stage.logs = LOUDNESS[n % LOUDNESS.len()];
        stage.mode("keys");
        stage.hear(&["token", "import", NAME], REFRESH_TOKEN).await.succeeded();
        stage.mode(mode);
        let patience = ["--token-timeout-ms", "200"];
        let commands: [(&[&str], &str); 9] = [
            (&["token", "show", NAME], ""),
            (&["token", "show", NAME, "--json"], ""),
            (&["token", "renew", NAME], ""),
            (&["token", "renew", "--all", "--older-than", "0s"], ""),
            (&["token", "import", NAME], REFRESH_TOKEN),
            (&["token", "import", NAME], "CNRYanother+/=\"refresh"),
            (&["token", "revoke", NAME], ""),
            (&["logout", NAME], ""),
            (&["logout", NAME, "--forget"], ""),
        ];
        for (command, input) in commands {
            stage.hear(&[command, &patience].concat(), input).await;
        }
        stage.hear(&["token", "show", NAME], "").await.succeeded();
    }
    stage.none();
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_none_of_them() {
    let mut stage = Stage::new("ok").await;
    for (kind, mode) in KINDS.into_iter().zip(["ok", "keys", "denied", "hang"]) {
        stage.mode("ok");
        stage.add(kind, "client_credentials").await.succeeded();
        stage.hear(&["login", NAME], "").await.succeeded();
        stage.mode(mode);
        for logs in LOUDNESS {
            stage.logs = logs;
            stage.hear(&["doctor", "--token-timeout-ms", "200"], "").await;
            stage.hear(&["doctor", NAME, "--offline"], "").await.succeeded();
        }
    }
    stage.mode("ok");
    // Secrets that cannot be had.
    for secret in [
        json!({"env": "NOBODY_SET_THIS"}),
        json!({"sealed": "CNRYnotSealedAtAll"}),
        json!({"command": ["sh", stage.elsewhere.write("fails", "echo CNRYoops >&2; echo CNRYoops; exit 3")]}),
        json!({"file": stage.elsewhere.write("long", CLIENT_SECRET.repeat(9_000))}),
    ] {
        let account = json!({
            "keyway": 1, "component": "acme", "grant": "client_credentials", "client_id": CLIENT_ID,
            "secrets": {"client_secret": secret, "vault_key": {"env": variable("vault_key")}}
        });
        stage.desk.credential(NAME, &account);
        for logs in LOUDNESS {
            stage.logs = logs;
            stage.hear(&["doctor"], "").await;
            stage.hear(&["credential", "verify", NAME], "").await;
            stage.hear_bare(&["credential", "show", NAME]).await;
        }
    }
    stage.leaks.none();
}

// === The key ===

#[tokio::test(flavor = "multi_thread")]
async fn no_key_is_shown_right_or_wrong() {
    let mut stage = Stage::new("ok").await;
    stage.add("sealed", "client_credentials").await.succeeded();
    stage.hear(&["login", NAME], "").await.succeeded();
    let bytes = BASE64_STANDARD.decode(KEY).expect("it is base64");
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    // Another key, one that is too short, one that is too long, and none at all.
    let twice = KEY.repeat(2);
    let keys = [KEY, "CNRYotherCNRYotherCNRYotherCNRYotherCNRYotA=", "CNRYkey", &twice, "CNRY no key", &hex, &hex[2..]];
    for logs in LOUDNESS {
        stage.logs = logs;
        for key in keys {
            let commands: [&[&str]; 5] = [
                &["doctor"],
                &["token", "show", NAME],
                &["credential", "verify", NAME],
                &["login", NAME],
                &["run", "acme"],
            ];
            for command in commands {
                for file in [false, true] {
                    let run = stage.keyway(command);
                    let path = stage.elsewhere.write("key", key);
                    set_mode(&path, 0o600);
                    let run = if file {
                        run.env("KEYWAY_KEY", "").env("KEYWAY_KEY_FILE", path)
                    } else {
                        run.env("KEYWAY_KEY", key)
                    };
                    let ran = run.run("").await;
                    stage.look(&format!("{command:?} with the key {key}"), &ran);
                }
            }
        }
    }
    // As text, in hex, and as bytes.
    let listed: Vec<String> = bytes.iter().take(6).map(u8::to_string).collect();
    for form in [hex.as_str(), &hex[2..], &hex.to_uppercase(), &listed.join(", ")] {
        assert!(!stage.leaks.heard().contains(form), "the key is shown: {form}");
    }
    stage.none();
}
