//! Who is timed: the bare loops, Keyway twice, and what people use today. The last are installed into `target/`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::fault::{Ended, Fault};

/// A client: how it is started.
pub(crate) struct Client {
    /// Its name, for tables.
    pub(crate) name: &'static str,
    program: PathBuf,
    args: Vec<String>,
    envs: Vec<(&'static str, String)>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `keyway run`, which has its server in its component.
    Keyway,
    /// All others are told their server.
    Told,
}

/// A client that cannot be timed here, and why.
pub(crate) struct Missing {
    pub(crate) name: &'static str,
    pub(crate) why: String,
}

/// The first two are what ratios refer to.
pub(crate) const HYPER: &str = "bare hyper";
pub(crate) const REQWEST: &str = "bare reqwest";
pub(crate) const KEYWAY: &str = "keyway run";
const LIBRARY: &str = "keyway, library";

const NODE: [(&str, &str); 2] = [("Node, undici", "undici.mjs"), ("Node, axios", "axios.mjs")];
const PYTHON: [(&str, &str); 2] = [("Python, aiohttp", "aiohttp_loop.py"), ("Python, authlib", "authlib_loop.py")];
const NODE_PACKAGES: [&str; 2] = ["undici@7", "axios@1"];
const PYTHON_PACKAGES: [&str; 3] = ["aiohttp==3.*", "authlib==1.*", "httpx==0.*"];

/// All clients whose name begins with one of `only`, or all there are.
pub(crate) fn clients(keyway: &Path, only: &[String]) -> Ended<(Vec<Client>, Vec<Missing>)> {
    let own = std::env::current_exe()?;
    let told = |name: &'static str, kind: &str| Client {
        name,
        program: own.clone(),
        args: vec!["client".to_owned(), kind.to_owned()],
        envs: Vec::new(),
        kind: Kind::Told,
    };
    let keyway = keyway
        .canonicalize()
        .map_err(Fault::in_(format!("`{}`, build it first with `cargo build --release`", keyway.display())))?;
    let run = Client {
        name: KEYWAY,
        program: keyway,
        args: ["run", "--token-store", "memory", "--summary", "none"].map(str::to_owned).to_vec(),
        envs: vec![("BENCH_CLIENT_ID", "bench".to_owned()), ("BENCH_CLIENT_SECRET", "bench-secret".to_owned())],
        kind: Kind::Keyway,
    };
    let mut clients = vec![told(HYPER, "hyper"), told(REQWEST, "reqwest"), run, told(LIBRARY, "library")];
    let mut missing = Vec::new();
    let wanted =
        |name: &str| only.is_empty() || only.iter().any(|begin| name.to_lowercase().starts_with(&begin.to_lowercase()));
    type Install = fn() -> Ended<PathBuf>;
    for (peers, install, script_of) in [(NODE, node as Install, "node"), (PYTHON, python as Install, "python")] {
        if !peers.iter().any(|(name, _)| wanted(name)) {
            continue;
        }
        let installed = install();
        for (name, script) in peers {
            match &installed {
                Ok(program) => clients.push(Client {
                    name,
                    program: program.clone(),
                    args: vec![place()?.join(script).display().to_string()],
                    envs: Vec::new(),
                    kind: Kind::Told,
                }),
                Err(Fault(why)) => missing.push(Missing { name, why: format!("{script_of}: {why}") }),
            }
        }
    }
    // Ratios refer to the bare loops, so those are always there.
    clients.retain(|client| wanted(client.name) || matches!(client.name, HYPER | REQWEST));
    Ok((clients, missing))
}

// === impl Client ===

impl Client {
    /// The command, pinned to the clients' core, and what has to live as long as it runs.
    pub(crate) fn command(&self, server: &str, concurrency: usize) -> Ended<(Command, TempDir)> {
        let folder = component_of(server)?;
        let mut command = Command::new("taskset");
        command.args(["-c", crate::measure::CLIENT_CORE]).arg(&self.program).args(&self.args);
        command.args(["--concurrency", &concurrency.to_string()]);
        match self.kind {
            Kind::Keyway => command.arg(folder.path().join("bench.json")).env("HOME", folder.path()),
            Kind::Told => command.args(["--server", server]),
        };
        command.env("PYTHONWARNINGS", "ignore").envs(self.envs.iter().map(|(name, value)| (name, value)));
        Ok((command, folder))
    }

    /// The program alone.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }
}

/// A folder with the bench's component in it.
pub(crate) fn component_of(server: &str) -> Ended<TempDir> {
    let folder = tempfile::tempdir()?;
    let component = serde_json::json!({
        "keyway": 1, "name": "bench", "title": "Bench", "version": "1.0.0",
        "environments": { "production": {} },
        "oauth2": {
            "token_endpoint": format!("{server}/oauth/token"),
            "token_endpoint_auth_method": "client_secret_post",
            "grants": { "client_credentials": {} }
        },
        "api": { "base_url": format!("{server}/api") }
    });
    fs::write(folder.path().join("bench.json"), component.to_string())?;
    Ok(folder)
}

/// Where peers are installed.
fn place() -> Ended<PathBuf> {
    let place = Path::new("target/bench-peers");
    fs::create_dir_all(place)?;
    let place = place.canonicalize()?;
    let scripts = [
        ("loop.mjs", include_str!("peers/loop.mjs")),
        ("undici.mjs", include_str!("peers/undici.mjs")),
        ("axios.mjs", include_str!("peers/axios.mjs")),
        ("loop.py", include_str!("peers/loop.py")),
        ("aiohttp_loop.py", include_str!("peers/aiohttp_loop.py")),
        ("authlib_loop.py", include_str!("peers/authlib_loop.py")),
    ];
    for (name, text) in scripts {
        fs::write(place.join(name), text)?;
    }
    Ok(place)
}

fn node() -> Ended<PathBuf> {
    let place = place()?;
    if !place.join("node_modules/axios").exists() {
        done(
            Command::new("npm")
                .args(["install", "--no-audit", "--no-fund", "--prefix"])
                .arg(&place)
                .args(NODE_PACKAGES),
        )?;
    }
    Ok(PathBuf::from("node"))
}

fn python() -> Ended<PathBuf> {
    let venv = place()?.join("venv");
    let python = venv.join("bin/python");
    if !venv.join("installed").exists() {
        done(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        done(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PYTHON_PACKAGES))?;
        fs::write(venv.join("installed"), "")?;
    }
    Ok(python)
}

fn done(command: &mut Command) -> Ended {
    let name = command.get_program().to_string_lossy().into_owned();
    let ran = command.output().map_err(Fault::in_(&name))?;
    if ran.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ran.stderr);
    Err(Fault(format!("{name}: {}", said.lines().last().unwrap_or("it failed and said nothing"))))
}
