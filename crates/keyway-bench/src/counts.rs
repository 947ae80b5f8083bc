//! Instructions and system calls: they do not depend on the machine's mood, so a budget can hold them.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    cores::CORES,
    fault::{Ended, Fault},
    measure::Server,
    peers::{self, HYPER, KEYWAY, REQWEST},
    scenario::SCENARIOS,
};

const BUDGET: &str = "crates/keyway-bench/budget.tsv";
/// What a core may take over its budget.
const TOLERANCE: f64 = 1.05;
/// A run of each length; the difference is what the messages take, without the start.
const CORE_TIMES: [u64; 2] = [1_000, 3_000];
const MESSAGES: [usize; 2] = [2_000, 6_000];

/// Counts the cores and, if asked, the clients.
pub(crate) fn count(check: bool, write: bool, keyway: Option<&Path>) -> Ended {
    let mut counted = BTreeMap::new();
    for name in CORES {
        let one = |times: u64| {
            let mut command = callgrind()?;
            command.arg(std::env::current_exe()?).args(["core", name, &times.to_string()]);
            instructions(&mut command)
        };
        let each = (one(CORE_TIMES[1])? - one(CORE_TIMES[0])?) / (CORE_TIMES[1] - CORE_TIMES[0]) as f64;
        println!("{name:8} {each:8.0} instructions");
        counted.insert(name.to_owned(), each);
    }
    if let Some(keyway) = keyway {
        clients(keyway)?;
    }
    if write {
        let lines: String = counted.iter().map(|(name, each)| format!("{name}\t{each:.0}\n")).collect();
        fs::write(BUDGET, lines)?;
    }
    if check { compare(&counted) } else { Ok(()) }
}

fn compare(counted: &BTreeMap<String, f64>) -> Ended {
    let budget = fs::read_to_string(BUDGET).map_err(Fault::in_(BUDGET))?;
    let mut over = Vec::new();
    for (name, each) in counted {
        let line = budget.lines().find_map(|line| line.strip_prefix(name.as_str())?.strip_prefix('\t'));
        let allowed: f64 = line.and_then(|number| number.parse().ok()).unwrap_or_default();
        if *each > allowed * TOLERANCE {
            over.push(format!("`{name}` takes {each:.0} instructions, {allowed:.0} are its budget"));
        }
    }
    if over.is_empty() {
        return Ok(());
    }
    let why = over.join("; ");
    Err(Fault(format!("{why}. Make it cheaper, or write down why it must not be: `just bench-count --write`")))
}

/// What a message costs the bare loops and Keyway, at 64 at once.
fn clients(keyway: &Path) -> Ended {
    let (server, scenario) = (Server::start()?, SCENARIOS[1]);
    let (clients, _) = peers::clients(keyway, &["bare".to_owned(), KEYWAY.to_owned()])?;
    for client in clients.iter().filter(|client| matches!(client.name, HYPER | REQWEST | KEYWAY)) {
        let mut totals = Vec::new();
        for messages in MESSAGES {
            let input = tempfile::NamedTempFile::new()?;
            fs::write(input.path(), scenario.lines(messages))?;
            let (plain, _folder) = client.command(&server.url, scenario.concurrency)?;
            let run = |mut command: Command| -> Ended<Command> {
                command.arg(plain.get_program()).args(plain.get_args());
                command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
                command.stdin(File::open(input.path())?);
                Ok(command)
            };
            // taskset is a process of its own before it becomes the client, so children are followed.
            let instructions = instructions(&mut run(callgrind()?)?)?;
            totals.push((instructions, system_calls(run(strace())?)?));
        }
        let each = |of: fn(&(f64, f64)) -> f64| (of(&totals[1]) - of(&totals[0])) / (MESSAGES[1] - MESSAGES[0]) as f64;
        println!("{:16} {:8.0} instructions, {:.2} system calls a message", client.name, each(|t| t.0), each(|t| t.1));
    }
    Ok(())
}

fn callgrind() -> Ended<Command> {
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        return Err(Fault("counting needs valgrind; on Debian: apt-get install valgrind".to_owned()));
    }
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--trace-children=yes", "--callgrind-out-file=/dev/null"]);
    Ok(command)
}

fn instructions(command: &mut Command) -> Ended<f64> {
    let ran = command.stdout(Stdio::null()).stderr(Stdio::piped()).output()?;
    let said = String::from_utf8_lossy(&ran.stderr);
    let collected = said.lines().filter_map(|line| line.split("Collected :").nth(1)?.trim().parse::<f64>().ok());
    // Of several processes the client is by far the largest.
    collected.reduce(f64::max).ok_or_else(|| Fault(format!("valgrind counted nothing: {said}")))
}

fn strace() -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-c", "-q"]);
    command
}

fn system_calls(mut command: Command) -> Ended<f64> {
    let ran =
        command.stdout(Stdio::null()).output().map_err(Fault::in_("strace, on Debian: apt-get install strace"))?;
    let said = String::from_utf8_lossy(&ran.stderr);
    let total = said.lines().find(|line| line.trim_end().ends_with("total"));
    let calls = total.and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    calls.ok_or_else(|| Fault(format!("strace counted nothing: {said}")))
}
