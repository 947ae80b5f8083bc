//! One run of one client: how fast, at what cost. Cold start and the last requests are left out of the rate.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    fault::{Ended, Fault},
    peers::Client,
    scenario::Scenario,
};

/// Client and server have a core each. The harness does little, on the server's.
pub(crate) const CLIENT_CORE: &str = "1";
const SERVER_CORE: &str = "0";
/// So much of a run is warming up.
const WARM_UP: f64 = 0.1;
/// When processor time and memory are read: the process still lives then.
const NEARLY_DONE: f64 = 0.95;
/// Clock ticks a second in /proc, on every Linux there is.
const TICKS_A_SECOND: f64 = 100.0;

/// A server, for as long as this lives.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
}

/// What a run came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// Messages a second, warmed up.
    pub(crate) rate: f64,
    /// Microseconds of processor time a message, warmed up.
    pub(crate) cpu_us: f64,
    /// The most memory, in MiB.
    pub(crate) peak_mib: f64,
}

// === impl Server ===

impl Server {
    pub(crate) fn start() -> Ended<Self> {
        let mut command = Command::new("taskset");
        command.args(["-c", SERVER_CORE]).arg(std::env::current_exe()?).arg("serve").stdout(Stdio::piped());
        let mut child = command.spawn().map_err(Fault::in_("taskset (package util-linux)"))?;
        let mut url = String::new();
        let stdout = child.stdout.take().ok_or_else(|| Fault("the server has no output".to_owned()))?;
        BufReader::new(stdout).read_line(&mut url)?;
        Ok(Self { child, url: url.trim().to_owned() })
    }
}

impl Server {
    /// For how many milliseconds it held delayed requests, on average, since that was asked last.
    pub(crate) fn held_ms(&self) -> Ended<f64> {
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address)?;
        write!(stream, "GET /held HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let body = answer.rsplit("\r\n").next().unwrap_or_default();
        body.parse().map_err(|_| Fault(format!("the server does not say how long it held requests: {answer}")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a client over a file of so many lines.
pub(crate) fn timed(client: &Client, scenario: &Scenario, server: &Server, input: &Path, lines: usize) -> Ended<Run> {
    let (mut command, _folder) = client.command(&server.url, scenario.concurrency)?;
    command.stdin(File::open(input)?).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let mut stdout = child.stdout.take().ok_or_else(|| Fault("a child without pipes".to_owned()))?;
    let at = |part: f64| (lines as f64 * part) as usize;
    // From there on fewer and fewer requests are under way: that is no rate of anything.
    let drains = lines - scenario.concurrency.min(lines / 4);
    let (mut read, mut warm, mut last, mut full, mut buffer) = (0, None, None, None, vec![0; 256 << 10]);
    while read < lines {
        let count = stdout.read(&mut buffer)?;
        if count == 0 {
            return Err(Fault(format!("{} ended after {read} of {lines} results", client.name)));
        }
        read += buffer[..count].iter().filter(|byte| **byte == b'\n').count();
        if warm.is_none() && read >= at(WARM_UP) {
            warm = Some((Instant::now(), read, cpu_seconds(&child)?));
        }
        if full.is_none() && read >= drains {
            full = Some((Instant::now(), read));
        }
        if last.is_none() && read >= at(NEARLY_DONE) {
            // A process that has ended says nothing about itself any more.
            last = cpu_seconds(&child).and_then(|cpu| Ok((read, cpu, peak_kib(&child)?))).ok();
        }
    }
    child.wait()?;
    let nothing = || Fault(format!("{}, {}: nothing was timed", client.name, scenario.name));
    let ((from, before, cpu_before), (until, after)) = warm.zip(full).ok_or_else(nothing)?;
    let elapsed = until.duration_since(from).as_secs_f64();
    let (cpu_us, peak_mib) = match last {
        Some((at, cpu, peak)) => ((cpu - cpu_before) * 1e6 / (at - before).max(1) as f64, peak / 1024.0),
        None => (f64::NAN, f64::NAN),
    };
    Ok(Run { rate: (after - before).max(1) as f64 / elapsed, cpu_us, peak_mib })
}

/// Runs a client over a few lines and looks at every result.
pub(crate) fn checked(client: &Client, scenario: &Scenario, server: &Server) -> Ended {
    const LINES: usize = 40;
    let wrong = |what: String| Fault(format!("{}, {}: {what}", client.name, scenario.name));
    let (mut command, _folder) = client.command(&server.url, scenario.concurrency)?;
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (mut stdin, stdout) = ends_of(&mut child)?;
    stdin.write_all(scenario.lines(LINES).as_bytes())?;
    drop(stdin);
    let mut seen = [false; LINES];
    for line in BufReader::new(stdout).lines() {
        let result: serde_json::Value = serde_json::from_str(&line?)?;
        let id = result["id"].as_u64().map(|id| id as usize).filter(|id| *id < LINES);
        let id = id.ok_or_else(|| wrong(format!("a result of no line: {result}")))?;
        if std::mem::replace(&mut seen[id], true) {
            return Err(wrong(format!("line {id} has two results")));
        }
        if result["status"] != 200 || !scenario.is_answer(id, &result["body"]) {
            return Err(wrong(format!("not what was asked for: {result:.300}")));
        }
    }
    child.wait()?;
    if seen.contains(&false) { Err(wrong("lines without results".to_owned())) } else { Ok(()) }
}

/// Times from a line to its result, one after another, in microseconds. Some at the start are warming up.
pub(crate) fn latencies(client: &Client, scenario: &Scenario, server: &Server, count: usize) -> Ended<Vec<f64>> {
    let warming = count / 4;
    let (mut command, _folder) = client.command(&server.url, 1)?;
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let (mut stdin, stdout) = ends_of(&mut child)?;
    let mut stdout = BufReader::new(stdout);
    let (mut result, mut times) = (String::new(), Vec::with_capacity(count));
    for (n, line) in scenario.lines(count + warming).lines().enumerate() {
        let line = format!("{line}\n");
        let from = Instant::now();
        stdin.write_all(line.as_bytes())?;
        result.clear();
        if stdout.read_line(&mut result)? == 0 {
            return Err(Fault(format!("{} ended early", client.name)));
        }
        if n >= warming {
            times.push(from.elapsed().as_secs_f64() * 1e6);
        }
    }
    drop(stdin);
    child.wait()?;
    times.sort_by(f64::total_cmp);
    Ok(times)
}

/// From the start of its process to its first result, token included.
pub(crate) fn first_result(client: &Client, scenario: &Scenario, server: &Server) -> Ended<Duration> {
    let (mut command, _folder) = client.command(&server.url, 1)?;
    let line = scenario.lines(1);
    let from = Instant::now();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let (mut stdin, stdout) = ends_of(&mut child)?;
    stdin.write_all(line.as_bytes())?;
    drop(stdin);
    let mut result = String::new();
    BufReader::new(stdout).read_line(&mut result)?;
    let elapsed = from.elapsed();
    child.wait()?;
    if result.is_empty() { Err(Fault(format!("{} gave no result", client.name))) } else { Ok(elapsed) }
}

fn ends_of(child: &mut Child) -> Ended<(std::process::ChildStdin, std::process::ChildStdout)> {
    let ends = child.stdin.take().zip(child.stdout.take());
    ends.ok_or_else(|| Fault("a child without pipes".to_owned()))
}

fn cpu_seconds(child: &Child) -> Ended<f64> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id()))?;
    // Behind the name in brackets; user and system time are the 12th and 13th from there.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    Ok((ticks(11) + ticks(12)) / TICKS_A_SECOND)
}

fn peak_kib(child: &Child) -> Ended<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    Ok(line.trim().trim_end_matches(" kB").parse().unwrap_or_default())
}
