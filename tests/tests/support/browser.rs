//! A real browser: headless Chromium, driven through chromedriver as <https://www.w3.org/TR/webdriver2/> says.

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{http, json as parsed};

/// The member that an element's id stands in, section 11 of the standard.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How long to wait for an element, and for a page. Nothing takes this long, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser with a profile of its own. Dropped, it ends with all its processes.
pub struct Browser {
    /// The URL of its session.
    session: String,
    _driver: Driver,
}

/// A running chromedriver, and the process group that it and its Chromium are.
struct Driver {
    child: Child,
    output: BufReader<ChildStdout>,
    /// After its processes, since they write into it.
    profile: TempDir,
}

impl Browser {
    /// Starts it with an empty page.
    pub async fn start() -> Self {
        let mut driver = Driver::start();
        let url = driver.url();
        let options = json!({
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                format!("--user-data-dir={}", driver.profile.path().join("profile").display()),
                // Nothing but loopback: a browser would call home otherwise.
                "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
            ]
        });
        let patience = PATIENCE.as_millis();
        let timeouts = json!({"implicit": patience, "pageLoad": patience, "script": patience});
        let wanted = json!({"browserName": "chrome", "timeouts": timeouts, "goog:chromeOptions": options});
        let body = json!({"capabilities": {"alwaysMatch": wanted}});
        let answer = call("POST", &format!("{url}/session"), &body).await;
        let session = answer.unwrap_or_else(|error| panic!("Chromium does not start; {HINT}: {error}"));
        let id = session["sessionId"].as_str().expect("a session has an id");
        Self { session: format!("{url}/session/{id}"), _driver: driver }
    }

    /// Goes to a page and waits until it is there.
    pub async fn open(&self, url: &str) {
        self.post("url", &json!({"url": url})).await;
    }

    /// The address of the page that it is on.
    pub async fn url(&self) -> String {
        text(self.get("url").await)
    }

    /// Waits for the first element that this selector fits.
    pub async fn wait_for(&self, css: &str) {
        self.element(css).await;
    }

    /// The text of an element as a person sees it.
    pub async fn text(&self, css: &str) -> String {
        text(self.get(&format!("element/{}/text", self.element(css).await)).await)
    }

    /// Types text into an empty field.
    pub async fn fill(&self, css: &str, text: &str) {
        self.post(&format!("element/{}/value", self.element(css).await), &json!({"text": text})).await;
    }

    /// Clicks on what leads to another page, and waits until that one is there.
    pub async fn click(&self, css: &str) {
        let element = self.element(css).await;
        self.post(&format!("element/{element}/click"), &json!({})).await;
        // An element ends with its page. The driver holds each question back while a page is loading.
        let name = format!("{}/element/{element}/name", self.session);
        let gone = async { while call("GET", &name, &Value::Null).await.is_ok() {} };
        tokio::time::timeout(PATIENCE, gone).await.unwrap_or_else(|_| panic!("{css} leads to no other page"));
    }

    /// The page as PNG.
    pub async fn screenshot(&self) -> Vec<u8> {
        STANDARD.decode(text(self.get("screenshot").await)).expect("it is base64")
    }

    /// The process group of all its processes.
    pub fn process_group(&self) -> u32 {
        self._driver.child.id()
    }

    async fn element(&self, css: &str) -> String {
        let found = self.post("element", &json!({"using": "css selector", "value": css})).await;
        text(found[ELEMENT].clone())
    }

    async fn get(&self, command: &str) -> Value {
        self.command("GET", command, &Value::Null).await
    }

    async fn post(&self, command: &str, body: &Value) -> Value {
        self.command("POST", command, body).await
    }

    async fn command(&self, method: &str, command: &str, body: &Value) -> Value {
        let answer = call(method, &format!("{}/{command}", self.session), body).await;
        answer.unwrap_or_else(|error| panic!("the browser cannot do {command} {body}: {error}"))
    }
}

const HINT: &str = "on Debian: apt-get install chromium chromium-driver";

impl Driver {
    fn start() -> Self {
        let profile = tempfile::tempdir().expect("a temporary folder");
        let mut child = Command::new("chromedriver")
            .arg("--port=0")
            // Crash reports and the like go there as well.
            .env("HOME", profile.path())
            .env("XDG_CONFIG_HOME", profile.path())
            .env("XDG_CACHE_HOME", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver cannot be run ({error}); {HINT}"));
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, output, profile }
    }

    /// Where it listens, once it does.
    fn url(&mut self) -> String {
        let lines = self.output.by_ref().lines().map(|line| line.expect("its output can be read"));
        let ready = lines.into_iter().find(|line| line.contains("started successfully"));
        let port =
            ready.as_deref().and_then(|line| line.rsplit_once("on port ")).map(|(_, port)| port.trim_end_matches('.'));
        format!("http://127.0.0.1:{}", port.expect("chromedriver says its port"))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The group lives as long as one process of it does, and nobody else can have got its number before.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.child.wait();
        // They share this pipe, which ends when the last of them has.
        let _ = self.output.read_to_end(&mut Vec::new());
    }
}

/// A command of the protocol: its value, or what went wrong.
async fn call(method: &str, url: &str, body: &Value) -> Result<Value, String> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = http::send(method, url, &[("content-type", "application/json; charset=utf-8")], &body).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let mut value = parsed(answer.text());
    if answer.status == 200 { Ok(value["value"].take()) } else { Err(value["value"]["message"].to_string()) }
}

#[track_caller]
fn text(value: Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
