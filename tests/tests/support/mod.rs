//! The binary as a person or a program runs it: built once, started in a clean environment with a home of its own.

#![allow(dead_code, reason = "no test file needs all of it")]

pub mod account;
pub mod addresses;
pub mod browser;
pub mod canary;
pub mod desk;
pub mod disk;
pub mod django;
pub mod echoing;
pub mod flaky;
pub mod gzip;
pub mod http;
pub mod proxy;
pub mod scripted;
pub mod sign_in;
pub mod terminal;
pub mod tls;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::OnceLock,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// No run of a test takes this long, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The `keyway` binary of the profile that these tests were built in. Cargo makes sure that it is fresh. Another one, such
/// as a released one, is tested where `KEYWAY_TEST_BINARY` names it.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = BINARY.get_or_init(|| {
        if let Some(named) = std::env::var_os("KEYWAY_TEST_BINARY") {
            return fs::canonicalize(workspace().join(named)).ok();
        }
        let profile_dir = profile_dir();
        let profile = profile_dir.file_name().and_then(|name| name.to_str()).expect("the profile has a name");
        let mut build = std::process::Command::new(env!("CARGO"));
        build
            .args(["build", "--quiet", "--package", "keyway-cli", "--bin", "keyway"])
            .args(["--profile", if profile == "debug" { "dev" } else { profile }])
            .arg("--target-dir")
            .arg(target_dir())
            .current_dir(workspace());
        // What cargo tells this test about itself would make build scripts of dependencies run anew.
        for (name, _) in std::env::vars_os() {
            let about_us = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_", "CARGO_PRIMARY_", "OUT_DIR"];
            if name.to_str().is_some_and(|name| about_us.iter().any(|prefix| name.starts_with(prefix))) {
                build.env_remove(name);
            }
        }
        let built = build.status().is_ok_and(|status| status.success());
        built.then(|| profile_dir.join(format!("keyway{}", std::env::consts::EXE_SUFFIX)))
    });
    built.as_ref().expect("build it first (cargo build -p keyway-cli), or see to it that KEYWAY_TEST_BINARY is there")
}

/// The workspace's root.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a member of the workspace").to_owned()
}

/// Where cargo builds.
pub fn target_dir() -> PathBuf {
    profile_dir().parent().expect("a profile lies in the target folder").to_owned()
}

fn profile_dir() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own file");
    test.parent().and_then(Path::parent).expect("tests lie in PROFILE/deps").to_owned()
}

/// A home folder of one user, empty at first.
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file below it and gives its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("the file lies in the home")).expect("the home can be written");
        fs::write(&path, content).expect("the home can be written");
        path.to_str().expect("temporary paths are UTF-8").to_owned()
    }

    /// The path of a file below it.
    pub fn file(&self, name: &str) -> String {
        self.path().join(name).to_str().expect("temporary paths are UTF-8").to_owned()
    }

    /// The command with these arguments. Nothing of the tests' own environment reaches it but `PATH`.
    pub fn keyway<A: Into<OsString>>(&self, args: impl IntoIterator<Item = A>) -> Keyway {
        let mut command = Command::new(binary());
        command
            .args(args.into_iter().map(Into::into))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("KEYWAY_HOME", self.path().join("keyway"))
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Keyway(command)
    }
}

/// One run of the command that is about to begin.
pub struct Keyway(Command);

impl Keyway {
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.0.arg(arg.into());
        self
    }

    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.0.args(args.into_iter().map(Into::into));
        self
    }

    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.0.env(name, value.into());
        self
    }

    pub fn envs<'a>(self, values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        values.into_iter().fold(self, |keyway, (name, value)| keyway.env(name, value))
    }

    /// Runs it by way of another program, which is given the command as its last arguments.
    pub fn through<A: Into<OsString>>(mut self, program: impl IntoIterator<Item = A>) -> Self {
        let mut words = program.into_iter().map(Into::into);
        let mut outer = Command::new(words.next().expect("a program"));
        let inner = self.0.as_std();
        outer.args(words).arg(inner.get_program()).args(inner.get_args()).env_clear();
        outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(folder) = inner.get_current_dir() {
            outer.current_dir(folder);
        }
        outer.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        self.0 = outer;
        self
    }

    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Self {
        self.0.stdout(stdout);
        self
    }

    pub fn stderr(mut self, stderr: impl Into<Stdio>) -> Self {
        self.0.stderr(stderr);
        self
    }

    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.0.stdin(stdin);
        self
    }

    /// Runs it on this input to its end.
    pub async fn run(mut self, input: impl Into<Vec<u8>>) -> Ran {
        let input = input.into();
        let mut child = self.0.spawn().expect("the binary can be started");
        let mut stdin = child.stdin.take().expect("it is piped");
        // A command that reads no input closes the pipe; that is its business.
        let writing = tokio::spawn(async move { stdin.write_all(&input).await });
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
        let output = output.expect("the command ends").expect("its output can be read");
        let _ = writing.await;
        Ran {
            status: output.status,
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }

    /// Starts it, to talk with.
    pub fn start(mut self) -> Running {
        let mut child = self.0.spawn().expect("the binary can be started");
        let stdout = child.stdout.take().map(|stdout| BufReader::new(stdout).lines());
        let stderr = child.stderr.take().map(|stderr| BufReader::new(stderr).lines());
        Running { stdin: child.stdin.take(), stdout, stderr, heard: String::new(), child }
    }
}

/// A run that has ended.
#[derive(Debug)]
pub struct Ran {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Ran {
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("stdout is UTF-8")
    }

    /// Standard output as JSON lines.
    pub fn outcomes(&self) -> Vec<Value> {
        let text = self.text();
        assert!(text.is_empty() || text.ends_with('\n'), "the last line is whole");
        text.lines().map(json).collect()
    }

    /// The one outcome.
    pub fn outcome(&self) -> Value {
        let outcomes = self.outcomes();
        assert_eq!(outcomes.len(), 1, "one outcome: {self}");
        outcomes.into_iter().next().unwrap_or_default()
    }

    /// The command was refused with this exit code before it did anything, and says why in these words.
    #[track_caller]
    pub fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code(), Some(code), "{self}");
        assert!(self.stdout.is_empty(), "nothing is done: {self}");
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is not said: {self}");
        }
    }

    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code(), Some(0), "{self}");
        self
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stdout: String = String::from_utf8_lossy(&self.stdout).chars().take(4000).collect();
        write!(f, "{}\n--- stdout\n{stdout}\n--- stderr\n{}", self.status, self.stderr)
    }
}

/// A run that goes on.
pub struct Running {
    stdin: Option<ChildStdin>,
    stdout: Option<Lines<BufReader<ChildStdout>>>,
    stderr: Option<Lines<BufReader<tokio::process::ChildStderr>>>,
    heard: String,
    child: Child,
}

impl Running {
    /// Writes a line and its line break.
    pub async fn write(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("its input is open");
        stdin.write_all(format!("{line}\n").as_bytes()).await.expect("it reads");
        stdin.flush().await.expect("it reads");
    }

    /// Its input, to be written beside reading its output.
    pub fn take_stdin(&mut self) -> ChildStdin {
        self.stdin.take().expect("its input is open")
    }

    /// The next line of its output, as JSON.
    pub async fn read(&mut self) -> Value {
        json(&self.line().await)
    }

    /// How long the next line of its output is.
    pub async fn read_length(&mut self) -> usize {
        self.line().await.len()
    }

    /// The next line of its output.
    pub async fn line(&mut self) -> String {
        let stdout = self.stdout.as_mut().expect("its output is open");
        let line = tokio::time::timeout(PATIENCE, stdout.next_line()).await.expect("an outcome comes");
        line.expect("its output can be read").expect("its output goes on")
    }

    /// Reads its errors up to the first line that has this in it, and gives that line.
    pub async fn told(&mut self, words: &str) -> String {
        self.told_as(words, |line| line.contains(words).then(|| line.to_owned())).await
    }

    /// Reads its errors up to the first line that can be read so, and gives what it says.
    pub async fn told_as<T>(&mut self, what: &str, read: impl Fn(&str) -> Option<T>) -> T {
        let stderr = self.stderr.as_mut().expect("its errors are open");
        loop {
            let line = tokio::time::timeout(PATIENCE, stderr.next_line()).await.expect("it says something");
            let line = line.expect("its errors can be read");
            let line = line.unwrap_or_else(|| panic!("it never says `{what}`:\n{}", self.heard));
            self.heard.push_str(&format!("{line}\n"));
            if let Some(said) = read(&line) {
                return said;
            }
        }
    }

    /// Its errors as far as they have been read.
    pub fn heard(&self) -> &str {
        &self.heard
    }

    /// Nobody reads its output any more.
    pub fn close_stdout(&mut self) {
        self.stdout = None;
    }

    /// There is no more input.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Kills it as the kernel does: it hears nothing of it.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("it can be killed");
    }

    /// Sends it a signal, such as `TERM`.
    pub async fn signal(&self, name: &str) {
        let pid = self.pid();
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().await;
        assert!(sent.expect("a shell can be run").success(), "the signal is sent");
    }

    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// The most memory that it ever had, in KiB.
    pub fn peak_memory_kib(&self) -> u64 {
        keyway_tests::measured::memory(&self.pid().to_string(), "VmHWM") >> 10
    }

    /// The threads that it has now.
    pub fn threads(&self) -> u64 {
        keyway_tests::measured::threads(&self.pid().to_string())
    }

    /// Waits until it has ended by itself, and leaves its output where it is.
    pub async fn ended(&mut self) -> ExitStatus {
        self.child.wait().await.expect("its end is seen")
    }

    /// Waits for its end. What is left of its output is in the result.
    pub async fn end(self) -> Ran {
        self.end_within(PATIENCE).await
    }

    /// The same for a run that may take long.
    pub async fn end_within(mut self, patience: Duration) -> Ran {
        let stdout = self.stdout.take().map(Lines::into_inner);
        let stderr = self.stderr.take().map(Lines::into_inner);
        let (out, err) = (tokio::spawn(rest(stdout)), tokio::spawn(rest(stderr)));
        // Its input stays as it is: a command that waits for its end with open input hangs here.
        let status = tokio::time::timeout(patience, self.child.wait())
            .await
            .expect("the command ends")
            .expect("its end is seen");
        let (out, err) = (out.await.expect("read"), err.await.expect("read"));
        Ran { status, stdout: out, stderr: String::from_utf8(err).expect("stderr is UTF-8") }
    }
}

async fn rest(from: Option<impl AsyncReadExt + Unpin>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        let _ = from.read_to_end(&mut bytes).await;
    }
    bytes
}

/// Text as JSON.
#[track_caller]
pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("no JSON ({error}): {text}"))
}

/// The sorted values of `line`.
pub fn line_numbers(outcomes: &[Value]) -> Vec<u64> {
    let mut lines: Vec<u64> = outcomes.iter().map(|outcome| outcome["line"].as_u64().expect("a line")).collect();
    lines.sort_unstable();
    lines
}

/// The last line of standard error as JSON: the summary of `--summary json`.
#[track_caller]
pub fn summary(stderr: &str) -> Value {
    json(stderr.lines().last().expect("a summary"))
}
