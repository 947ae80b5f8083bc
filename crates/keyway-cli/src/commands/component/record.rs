//! `keyway component record`: from real answers to an exchange file.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use keyway::{
    Component, Host, Redactor,
    record::{Recorder, Recording, record},
    replay::{ExchangeFile, replay},
};
use serde_json::Value;

use crate::{
    args::component::RecordArgs,
    ask,
    commands::print,
    connect::connect_with,
    exit::{CliError, FAILED, SUCCESS},
    files::{create, read_input},
    signals::to_its_end,
};

pub(super) async fn run(args: RecordArgs, redactor: &Redactor) -> Result<ExitCode, CliError> {
    let file = if args.path.is_dir() { args.path.join("component.json") } else { args.path.clone() };
    let target = target(&file, &args.name)?;
    let messages = messages(args.input.as_deref())?;
    let recorder = Recorder::default();
    let builder = Host::builder().observer(recorder.clone());
    let connected = connect_with(builder, Some(&file.to_string_lossy()), &args.host, 1, redactor).await?;
    let connections = connected.host.connections();
    let [connection] = connections.as_slice() else {
        return Err(CliError::Usage("an exchange file is of one account; name one with --credential".to_owned()));
    };
    let title = args.title.unwrap_or_else(|| args.name.replace('-', " "));
    let recording = Recording { title, messages, masked: args.mask };
    let recorded = to_its_end(&connected.host, record(&connected.host, connection, &recorder, &recording)).await?;
    let exchanges = recorded.map_err(|error| CliError::Usage(error.to_string()))?;
    let text = serde_json::to_string_pretty(&exchanges)
        .map_err(|error| CliError::Usage(format!("the record is no JSON: {error}")))?;
    create(&target, format!("{text}\n").as_bytes())?;
    let requests = exchanges.exchanges.len();
    let outcomes = exchanges.outcomes.len();
    print(format!("{}: {requests} requests, {outcomes} results\n", target.display()).as_bytes())?;
    ask::say("Secrets are replaced; what else the API answered is written as it came. Look it through.");
    let component = connection.account().component.clone();
    check_again(&file, &component, &exchanges, &target).await
}

/// A record that is no test yet is said at once, while the person knows what it is about.
async fn check_again(
    file: &Path,
    component: &Component,
    exchanges: &ExchangeFile,
    target: &Path,
) -> Result<ExitCode, CliError> {
    let differences = replay(file, component, exchanges).await;
    let differences = differences.map_err(|error| CliError::Usage(format!("{}: {error}", shown(target))))?;
    if differences.is_empty() {
        return Ok(ExitCode::from(SUCCESS));
    }
    let mut said = format!("{} does not replay as it was recorded:\n", shown(target));
    for difference in &differences {
        said.push_str(&format!("  {difference}\n"));
    }
    said.push_str("Write `***` where something is another each time, then `keyway component test`.\n");
    let _ = std::io::stderr().lock().write_all(said.as_bytes());
    Ok(ExitCode::from(FAILED))
}

/// Where it is written: a file that is not there yet, so that nobody's work is lost.
fn target(component: &Path, name: &str) -> Result<PathBuf, CliError> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(is_plain) {
        return Err(CliError::Usage("NAME is no file's name; write letters, digits and hyphens".to_owned()));
    }
    let name = name.strip_suffix(".json").unwrap_or(name);
    let folder = component.parent().unwrap_or(Path::new("")).join("exchanges");
    let target = folder.join(format!("{name}.json"));
    if target.exists() {
        return Err(CliError::Usage(format!("{} is there already; give another name, or remove it", shown(&target))));
    }
    Ok(target)
}

/// The messages, all of them sound: what is recorded is meant to be looked at.
fn messages(input: Option<&Path>) -> Result<Vec<Value>, CliError> {
    let text = read_input(input)?;
    let mut messages = Vec::new();
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let unsound = |why: String| CliError::Usage(format!("line {} is no message: {why}", n + 1));
        keyway::parse_message(&line.to_owned().into()).map_err(|invalid| unsound(invalid.reason))?;
        messages.push(serde_json::from_str(line).map_err(|error| unsound(error.to_string()))?);
    }
    match messages.is_empty() {
        true => Err(CliError::Usage("there is no message; write one JSON object a line".to_owned())),
        false => Ok(messages),
    }
}

fn shown(path: &Path) -> String {
    format!("`{}`", path.display())
}
