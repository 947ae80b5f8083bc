//! `keyway request`: one request, its answer for people or as a line.

use std::{
    io::{self, Read, Write},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use futures_util::{StreamExt, stream};
use keyway::{BodyKind, Each, Explanation, Host, Message, Outcome, Paginate, RawJson, Redactor};

use super::print;
use crate::{
    args::{EachArg, RequestArgs},
    connect::connect,
    exit::{CliError, FAILED, SUCCESS},
    files::{read_bytes, replace},
    output,
    signals::to_its_end,
};

pub(crate) async fn run(args: RequestArgs, redactor: &Redactor) -> Result<ExitCode, CliError> {
    let message = message(&args)?;
    let connected = connect(Some(&args.component), &args.host, 1, redactor).await?;
    let message = with_params(message, &args, &connected.host);
    if args.explain {
        let explained = connected.host.route(&message).and_then(|connection| connection.explain(&message));
        return match explained {
            Ok(explanation) => print(&explained_text(&explanation)),
            Err(failure) => {
                let _ = writeln!(io::stderr().lock(), "error: {failure}");
                Ok(ExitCode::from(FAILED))
            }
        };
    }
    if let Some(each) = args.each {
        let each = if each == EachArg::Page { Each::Page } else { Each::Item };
        let message = message.paginate(Paginate { each, limit: args.limit });
        return to_its_end(&connected.host, all_pages(connected.host.clone(), message)).await?;
    }
    let result = match connected.host.route(&message) {
        Ok(connection) => to_its_end(&connected.host, connection.send(message)).await?,
        Err(failure) => Err(failure),
    };
    let outcome = Outcome { line: 1, id: None, passthrough: None, result, position: None, input: None };
    match (&args.output, &outcome.result) {
        (Some(path), Ok(answer)) => replace(path, answer.bytes())?,
        _ if args.json => print_line(&outcome)?,
        _ => show(&outcome)?,
    }
    Ok(ExitCode::from(if outcome.result.is_ok() { SUCCESS } else { FAILED }))
}

/// Prints each result as it comes.
async fn all_pages(host: Host, message: Message) -> Result<ExitCode, CliError> {
    let mut outcomes = host.run(stream::iter([message]));
    let mut code = SUCCESS;
    while let Some(outcome) = outcomes.next().await {
        if outcome.result.is_err() {
            code = FAILED;
        }
        print_line(&outcome)?;
    }
    Ok(ExitCode::from(code))
}

fn print_line(outcome: &Outcome) -> Result<(), CliError> {
    let mut line = Vec::new();
    let failed = |why| CliError::Output { what: "standard output".to_owned(), why };
    outcome.write_line(&mut line).map_err(failed)?;
    print(&line).map(|_| ())
}

fn message(args: &RequestArgs) -> Result<Message, CliError> {
    let usage = |why: String| CliError::Usage(why);
    let mut message = match (&args.action, &args.method, &args.url) {
        (Some(action), _, _) => Message::action(action),
        (None, Some(method), Some(url)) => {
            let method = method.to_ascii_uppercase();
            Message::new(
                method.parse().map_err(|_| usage(format!("`{method}` is no method; write one such as GET")))?,
                url,
            )
        }
        _ => return Err(usage("METHOD and URL are missing, or --action".to_owned())),
    };
    for (name, value) in &args.query {
        message = message.query(name, value);
    }
    for (name, value) in &args.header {
        message = message.header(name, value);
    }
    for status in &args.accept {
        message = message.accept(*status);
    }
    if !args.form.is_empty() {
        message = message.form(args.form.iter().cloned());
    }
    if let Some(file) = &args.file {
        message = message.bytes(read_bytes(file)?);
    }
    if let Some(body) = &args.body {
        let json = RawJson::new(read_body(body)?).map_err(|error| usage(format!("the body is no JSON: {error}")))?;
        message = message.raw_json(json);
    }
    Ok(message)
}

/// Adds the parameters. What the action's schema says of one decides whether its text is a number or a text.
fn with_params(mut message: Message, args: &RequestArgs, host: &Host) -> Message {
    let component = host.route(&message).ok().map(|connection| connection.account().component.clone());
    let action = args.action.as_ref().and_then(|name| component.as_ref()?.actions.get(name));
    let schemas = action.and_then(|action| action.params.as_ref()?.get("properties"));
    for (name, value) in &args.param {
        let schema = schemas.and_then(|schemas| schemas.get(name));
        message = message.param(name, output::value_of(value, schema));
    }
    message
}

/// The text itself, `@FILE`, or `-` for standard input.
fn read_body(text: &str) -> Result<Vec<u8>, CliError> {
    if text == "-" {
        let mut body = Vec::new();
        let read = io::stdin().read_to_end(&mut body);
        return read.map(|_| body).map_err(|why| CliError::Input { what: "standard input".to_owned(), why });
    }
    match text.strip_prefix('@') {
        Some(path) => read_bytes(Path::new(path)),
        None => Ok(text.as_bytes().to_vec()),
    }
}

/// The request as HTTP writes it, then what would be done if it failed.
fn explained_text(explanation: &Explanation) -> Vec<u8> {
    let mut text = format!("{} {}\n", explanation.method, explanation.url);
    for (name, value) in &explanation.headers {
        text.push_str(&format!("{name}: {}\n", keyway::printable(value, 8192)));
    }
    let mut text = text.into_bytes();
    if !explanation.body.is_empty() {
        text.push(b'\n');
        text.extend_from_slice(&explanation.body);
        text.push(b'\n');
    }
    let seconds = |wait: &Duration| format!("{} s", wait.as_secs_f64());
    let listed = |statuses: &[u16]| statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let waits: Vec<String> = explanation.waits.iter().map(seconds).collect();
    let more = if waits.len() < explanation.retries as usize { ", …" } else { "" };
    let token = if explanation.signed { "the access token goes with it" } else { "it goes without the access token" };
    let again = if explanation.repeatable {
        format!("also after a reset, a timeout or {}", listed(&explanation.statuses))
    } else {
        "never once the server may have done it (no reset, timeout or 5xx)".to_owned()
    };
    let schedule = if waits.is_empty() {
        "none".to_owned()
    } else {
        format!("{}, after {}{more}", explanation.retries, waits.join(", "))
    };
    text.extend_from_slice(
        format!(
            "\n# Not sent; {token}.\n# One attempt takes at most {}.\n# Retries: {schedule}.\n\
             # Tried again if it never left or was throttled ({}), {again}.\n\
             # The server's own wait counts, up to {}; no retry begins after {}.\n",
            seconds(&explanation.timeout),
            listed(&explanation.throttle_statuses),
            seconds(&explanation.max_wait),
            seconds(&explanation.max_elapsed),
        )
        .as_bytes(),
    );
    text
}

/// The body on standard output, what went wrong on standard error.
fn show(outcome: &Outcome) -> Result<(), CliError> {
    if let Some(answer) = outcome.answer() {
        let terminal = output::stdout_colours();
        let text = match answer.body_kind() {
            BodyKind::None => Vec::new(),
            BodyKind::Json => (output::pretty(answer.text().unwrap_or_default(), terminal) + "\n").into_bytes(),
            BodyKind::Text | BodyKind::Bytes => answer.bytes().to_vec(),
        };
        print(&text)?;
    }
    if let Err(failure) = &outcome.result {
        let _ = writeln!(io::stderr().lock(), "error: {failure}");
    }
    Ok(())
}
