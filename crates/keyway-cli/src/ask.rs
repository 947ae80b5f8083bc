//! Asks a person on the terminal. Questions go to standard error, so that standard output stays data.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use keyway::Secret;

use crate::exit::CliError;

/// No pasted address and no secret is longer.
const LONGEST_ANSWER: u64 = 64 << 10;

/// Whether there is a person to ask.
pub(crate) fn on_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Says something to the person, secrets of the text masked by nobody: it must have none.
pub(crate) fn say(text: &str) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Asks for a text; an empty answer is the default, where there is one.
pub(crate) fn text(question: &str, default: Option<&str>) -> Result<String, CliError> {
    loop {
        let hint = default.map(|default| format!(" [{default}]")).unwrap_or_default();
        prompt(&format!("{question}{hint}: "));
        let answer = line()?.ok_or_else(given_up)?;
        match (answer.trim(), default) {
            ("", Some(default)) => return Ok(default.to_owned()),
            ("", None) => {}
            (answer, _) => return Ok(answer.to_owned()),
        }
    }
}

/// Asks for a text that may be left out.
pub(crate) fn optional(question: &str) -> Result<Option<String>, CliError> {
    prompt(&format!("{question} (may be left out): "));
    let answer = line()?.ok_or_else(given_up)?;
    Ok(Some(answer.trim().to_owned()).filter(|answer| !answer.is_empty()))
}

/// Asks for one of several.
pub(crate) fn choice<'o>(question: &str, options: &[&'o str], default: Option<&str>) -> Result<&'o str, CliError> {
    loop {
        let answer = text(&format!("{question} ({})", options.join(", ")), default)?;
        if let Some(option) = options.iter().find(|option| **option == answer) {
            return Ok(option);
        }
        say(&format!("  there is no `{}`", keyway::printable(&answer, 80)));
    }
}

/// Asks for a secret, without echo.
pub(crate) fn secret(question: &str) -> Result<Secret, CliError> {
    loop {
        let typed = rpassword::prompt_password(format!("{question} (not shown): "));
        let typed = typed.map_err(|why| CliError::Input { what: "the terminal".to_owned(), why })?;
        if !typed.is_empty() {
            return Ok(Secret::new(typed));
        }
    }
}

/// Asks whether to go on.
pub(crate) fn yes(question: &str) -> Result<bool, CliError> {
    prompt(&format!("{question} [y/N]: "));
    Ok(matches!(line()?.unwrap_or_default().trim(), "y" | "Y" | "yes"))
}

/// Everything on standard input, without its one final line break.
pub(crate) fn all_input() -> Result<String, CliError> {
    let read_error = |why| CliError::Input { what: "standard input".to_owned(), why };
    let mut text = String::new();
    io::stdin().lock().take(LONGEST_ANSWER).read_to_string(&mut text).map_err(read_error)?;
    let text = text.strip_suffix('\n').map(|text| text.strip_suffix('\r').unwrap_or(text).to_owned()).unwrap_or(text);
    Ok(text)
}

/// One line of standard input, read beside everything else that goes on.
pub(crate) async fn line_beside() -> Result<Option<String>, CliError> {
    let read = tokio::task::spawn_blocking(line).await;
    read.unwrap_or_else(|error| Err(CliError::Usage(format!("standard input cannot be read: {error}; begin anew"))))
}

/// One line of standard input; `None` at its end.
pub(crate) fn line() -> Result<Option<String>, CliError> {
    let mut line = String::new();
    let read = io::stdin().lock().take(LONGEST_ANSWER).read_line(&mut line);
    match read.map_err(|why| CliError::Input { what: "standard input".to_owned(), why })? {
        0 => Ok(None),
        _ => Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned())),
    }
}

fn prompt(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

fn given_up() -> CliError {
    CliError::Usage("the input ended before the question was answered; give the answer as a flag".to_owned())
}
