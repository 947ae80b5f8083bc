//! The django-oauth-toolkit server of `tests/servers/podero_django`, in a virtual environment below the target folder.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    browser::Browser,
    http::{self, Answer},
    target_dir, workspace,
};

/// The organisation that the server knows.
pub const ORG_ID: &str = "6f9d3c1e-52a4-4d0b-9a55-3f1c7f0e2b10";
/// A client of letters and hyphens.
pub const PLAIN: (&str, &str) = ("podero-sandbox-client", "podero-sandbox-secret");
/// A client with all characters that encodings trip over.
pub const ODD: (&str, &str) = ("podero odd:client", "s+cr%41t/=&: \u{fc}");

/// A client that people sign in to.
pub const WEB: (&str, &str) = ("web-client", "web-secret");
/// A public client that people sign in to, and that cannot do without PKCE.
pub const NATIVE: &str = "native-client";
/// A public client on a device without a browser.
pub const DEVICE: &str = "device-client";
/// Where the first two are sent back to, at any port.
pub const CALLBACK: &str = "/callback/django-here";
/// A person, and how they sign in.
const PERSON: (&str, &str) = ("tester@example.org", "tester-password");

/// Runs what stands in its first argument inside the server's own settings, with its models at hand.
const INSIDE: &str = "\
import os, sys, uuid
sys.path.insert(0, sys.argv[2])
import server
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application, RefreshToken
exec(sys.argv[1])
";

/// A refresh token that the server gave.
#[derive(Debug)]
pub struct RefreshToken {
    /// Milliseconds since 1970.
    pub made_ms: u64,
    /// Whether it was neither used nor revoked.
    pub live: bool,
}

/// A running server with a database of its own. Dropped, it ends.
pub struct Django {
    /// `127.0.0.1:PORT`.
    pub address: String,
    state: TempDir,
    child: Child,
}

impl Django {
    /// Starts it with these environment variables and waits until it answers.
    pub fn start(settings: &[(&str, &str)]) -> Self {
        let state = tempfile::tempdir().expect("a temporary folder");
        let log = File::create(state.path().join("log")).expect("the folder can be written");
        let mut child = Command::new(python())
            .arg(server().join("server.py"))
            .env("STATE_DIR", state.path())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("python can be run");
        let mut port = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut port).expect("its output can be read");
        let log = || fs::read_to_string(state.path().join("log")).unwrap_or_default();
        let port: u16 = port.trim().parse().unwrap_or_else(|_| panic!("the server does not start: {}", log()));
        Self { address: format!("127.0.0.1:{port}"), state, child }
    }

    /// Podero's own component with this server in the place of the real ones, under another name.
    pub fn component(&self) -> Value {
        let file = workspace().join("components/podero/component.json");
        let text = fs::read_to_string(file).expect("the component is there");
        let here = text.replace("https://{host}.podero.com", &format!("http://{}", self.address));
        let mut component: Value = serde_json::from_str(&here).expect("it is JSON");
        component["name"] = "podero-here".into();
        component
    }

    /// A component of this server for people who sign in.
    pub fn sign_in_component(&self) -> Value {
        let url = format!("http://{}", self.address);
        let code = json!({"code_challenge_method": "S256"});
        json!({
            "keyway": 1, "name": "django-here", "title": "Django here", "version": "1.0.0",
            "environments": {"production": {}},
            "oauth2": {
                "authorization_endpoint": format!("{url}/oauth2/authorize/"),
                "token_endpoint": format!("{url}/oauth2/token/"),
                "revocation_endpoint": format!("{url}/oauth2/revoke_token/"),
                "device_authorization_endpoint": format!("{url}/oauth2/device-authorization/"),
                "token_endpoint_auth_method": "client_secret_post",
                "scope": {"default": ["read"]},
                "grants": {"authorization_code": code, "device_code": {}, "refresh_token": {}}
            },
            "api": {"base_url": url}
        })
    }

    /// The person signs in on the login form that the browser is on.
    pub async fn log_in(&self, browser: &Browser) {
        browser.fill("input[name=username]", PERSON.0).await;
        browser.fill("input[name=password]", PERSON.1).await;
        browser.click("form button").await;
    }

    /// The access tokens that work, oldest first.
    pub fn access_tokens(&self) -> Vec<String> {
        self.select("select token from oauth2_provider_accesstoken order by id")
    }

    /// All refresh tokens that it has ever given, oldest first.
    pub fn refresh_token_texts(&self) -> Vec<String> {
        self.select("select token from oauth2_provider_refreshtoken order by id")
    }

    fn select(&self, query: &str) -> Vec<String> {
        let script =
            "import sqlite3, sys; [print(row[0]) for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2])]";
        let database = self.state.path().join("db.sqlite3");
        let output = Command::new(python()).args(["-c", script]).arg(database).arg(query).output();
        let output = output.expect("python can be run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("tokens are text").lines().map(str::to_owned).collect()
    }

    /// The web client's user signs in: the first refresh token of a family of its own. It is old enough to be renewed.
    pub fn new_refresh_token(&self) -> String {
        self.inside(
            "user, web = User.objects.get(), Application.objects.get(client_id='web-client')\n\
             name = uuid.uuid4().hex\n\
             past = timezone.now() - timedelta(seconds=1)\n\
             access = AccessToken.objects.create(user=user, application=web, token='a' + name, expires=past, scope='read write')\n\
             RefreshToken.objects.create(user=user, application=web, token=name, access_token=access, token_family=uuid.uuid4())\n\
             print(name)",
        )
        .trim()
        .to_owned()
    }

    /// The refresh tokens that it has given, oldest first, from the one that [`Django::new_refresh_token`] made.
    pub fn refresh_tokens(&self) -> Vec<RefreshToken> {
        let rows = self.inside(
            "for row in RefreshToken.objects.order_by('id'):\n\
             \u{20}print(int(row.created.timestamp() * 1000), row.revoked is None)",
        );
        let read = |row: &str| {
            let (made, live) = row.split_once(' ').expect("two columns");
            RefreshToken { made_ms: made.parse().expect("a time"), live: live == "True" }
        };
        rows.lines().map(read).collect()
    }

    /// Every access token ends now, of its age.
    pub fn expire_access_tokens(&self) {
        self.inside("AccessToken.objects.update(expires=timezone.now() - timedelta(seconds=1))");
    }

    /// The statuses of its answers to token requests, in order.
    pub fn token_answers(&self) -> Vec<u16> {
        let log = fs::read_to_string(self.state.path().join("log")).expect("the log is there");
        let answer = |line: &str| line.split_once("\"POST /oauth2/token/ HTTP/1.1\" ")?.1.get(..3)?.parse().ok();
        log.lines().filter_map(answer).collect()
    }

    fn inside(&self, script: &str) -> String {
        let mut command = Command::new(python());
        let output = command
            .args(["-c", INSIDE, script])
            .arg(server())
            .env("STATE_DIR", self.state.path())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .expect("python can be run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("it prints text")
    }

    /// Revokes a token as its client may (RFC 7009).
    pub async fn revoke(&self, token: &str, client: (&str, &str)) {
        let form = [("token", token), ("client_id", client.0), ("client_secret", client.1)];
        let answer = self.post("/oauth2/revoke_token/", &form).await;
        assert_eq!(answer.status, 200, "{answer}");
    }

    /// What it answers to a GET with this token.
    pub async fn get(&self, path: &str, token: &str) -> Answer {
        let (url, bearer) = (self.url(path), format!("Bearer {token}"));
        http::send("GET", &url, &[("authorization", &bearer)], "").await.expect("it answers")
    }

    /// What it answers to a form.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        http::post(&self.url(path), form).await
    }

    /// The URL of a path of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Django {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn server() -> PathBuf {
    workspace().join("tests/servers/podero_django")
}

/// The interpreter of the virtual environment, which is made once for each list of requirements.
fn python() -> &'static PathBuf {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let home = target_dir().join("podero_django");
        fs::create_dir_all(&home).expect("the target folder can be written");
        // Two runs of the tests may meet here.
        let lock = File::create(home.join("lock")).expect("the target folder can be written");
        lock.lock().expect("the file can be locked");
        let wanted = fs::read_to_string(server().join("requirements.txt")).expect("the requirements are there");
        let (venv, made) = (home.join("venv"), home.join("requirements.txt"));
        let python = venv.join("bin/python");
        if fs::read_to_string(&made).ok().as_deref() != Some(&wanted) || !python.exists() {
            run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv));
            let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
            run(Command::new(&python).args(install).arg(server().join("requirements.txt")));
            fs::write(&made, wanted).expect("the target folder can be written");
        }
        python
    })
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
