//! `keyway request`: one request, its answer for people or as a line.

use std::{
    io::{self, Read, Write},
    process::ExitCode,
};

use keyway::{BodyKind, Message, Outcome, RawJson, Redactor};

use super::print;
use crate::{
    args::RequestArgs,
    connect::connect,
    exit::{CliError, FAILED, SUCCESS},
    output,
};

pub(crate) async fn run(args: RequestArgs, redactor: &Redactor) -> Result<ExitCode, CliError> {
    let message = message(&args)?;
    let connected = connect(Some(&args.component), &args.host, 1, redactor).await?;
    let result = match connected.host.route(&message) {
        Ok(connection) => connection.send(message).await,
        Err(failure) => Err(failure),
    };
    connected.host.close().await;
    let outcome = Outcome { line: 1, id: None, passthrough: None, result, input: None };
    if args.json {
        let mut line = Vec::new();
        outcome.write_line(&mut line);
        print(&line)?;
    } else {
        show(&outcome)?;
    }
    Ok(ExitCode::from(if outcome.result.is_ok() { SUCCESS } else { FAILED }))
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
    for (name, value) in &args.param {
        message = message.param(name, output::value_of(value));
    }
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
    if let Some(body) = &args.body {
        let json = RawJson::new(read_body(body)?).map_err(|error| usage(format!("the body is no JSON: {error}")))?;
        message = message.raw_json(json);
    }
    Ok(message)
}

/// The text itself, `@FILE`, or `-` for standard input.
fn read_body(text: &str) -> Result<Vec<u8>, CliError> {
    if text == "-" {
        let mut body = Vec::new();
        let read = io::stdin().read_to_end(&mut body);
        return read.map(|_| body).map_err(|why| CliError::Input { what: "standard input".to_owned(), why });
    }
    match text.strip_prefix('@') {
        Some(path) => std::fs::read(path).map_err(|why| CliError::Input { what: format!("`{path}`"), why }),
        None => Ok(text.as_bytes().to_vec()),
    }
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
