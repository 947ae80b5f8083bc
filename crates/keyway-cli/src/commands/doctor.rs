//! `keyway doctor`: one line for everything that accounts need, with a remedy.

use std::{fmt::Write as _, process::ExitCode};

use keyway::{
    Host, Redactor,
    doctor::{Finding, Health, examine},
};

use super::print;
use crate::{
    accounts,
    args::account::DoctorArgs,
    connect::host_for,
    exit::{CliError, FAILED, SUCCESS},
    folders,
    keys::Kept,
    output,
};

pub(crate) async fn run(args: DoctorArgs, redactor: &Redactor) -> Result<ExitCode, CliError> {
    // A store that cannot be opened is the first thing to tell, and keeps nothing else from being looked at.
    let mut all = Vec::new();
    let host = match host_for(&args.sources, &args.account, Some(&args.network), redactor) {
        Ok((host, kept)) => {
            all.push(("this machine".to_owned(), machine(&kept)));
            Some(host)
        }
        Err(error) => {
            all.push(("this machine".to_owned(), vec![Finding::of_error("set-up", error)]));
            None
        }
    };
    if let Some(host) = &host {
        for (name, credential) in chosen(host, &args.who) {
            let connection = credential.and_then(|credential| host.connect(credential).map_err(CliError::from));
            let findings = match connection {
                Ok(connection) => examine(&connection, !args.offline).await,
                Err(error) => vec![unconnected(&name, &error)],
            };
            all.push((name, findings));
        }
        host.close().await;
    }
    let worst = all.iter().flat_map(|(_, findings)| findings).map(|finding| finding.health).max();
    print(redactor.text(&drawn(&all, output::stdout_colours())).as_bytes())?;
    Ok(ExitCode::from(if worst == Some(Health::Ill) { FAILED } else { SUCCESS }))
}

fn chosen(host: &Host, who: &[String]) -> Vec<(String, Result<keyway::Credential, CliError>)> {
    if !who.is_empty() {
        return who.iter().map(|who| (who.clone(), accounts::whoever(host, who))).collect();
    }
    match accounts::all_of(None) {
        Ok(all) => all,
        Err(error) => vec![("credentials".to_owned(), Err(error))],
    }
}

/// The folders and the key, before any account.
fn machine(kept: &Kept) -> Vec<Finding> {
    let credentials = folders::credentials();
    let mut findings = vec![match credentials {
        Some(folder) if folder.is_dir() => Finding::well("credentials", folder.display().to_string()),
        Some(folder) => Finding::well("credentials", format!("{} (not there yet)", folder.display())),
        None => Finding::ill("credentials", "there is no folder for them", "set KEYWAY_HOME or HOME"),
    }];
    findings.push(match kept {
        Kept::Files(open) => Finding::well("key", format!("from {}", open.key_from)),
        Kept::InMemory => {
            Finding::notice("key", "none: tokens are kept in memory", "leave --token-store out to keep them")
        }
        Kept::Nowhere => Finding::ill(
            "key",
            "none: the folder of tokens cannot be written",
            "make it writable, or give another with --token-store",
        ),
    });
    findings
}

fn unconnected(name: &str, error: &CliError) -> Finding {
    match error {
        CliError::Faults(faults) => Finding::ill(
            "credential",
            format!("{} has faults", faults.file),
            format!("`keyway credential check {name}` names them"),
        ),
        other => Finding::of_error("credential", other),
    }
}

fn drawn(all: &[(String, Vec<Finding>)], colours: bool) -> String {
    let width = all.iter().flat_map(|(_, findings)| findings).map(|finding| finding.subject.chars().count()).max();
    let width = width.unwrap_or_default();
    let mut text = String::new();
    for (n, (name, findings)) in all.iter().enumerate() {
        let _ = writeln!(text, "{}{name}", if n == 0 { "" } else { "\n" });
        for Finding { subject, health, detail, remedy } in findings {
            let (word, colour) = match health {
                Health::Well => ("ok  ", "32"),
                Health::Notice => ("note", "33"),
                Health::Ill => ("BAD ", "31"),
            };
            let word = if colours { format!("\x1b[{colour}m{word}\x1b[0m") } else { word.to_owned() };
            let remedy = remedy.as_deref().map(|remedy| format!(" → {remedy}")).unwrap_or_default();
            let detail = detail.replace(['\n', '\r'], " ");
            let _ = writeln!(text, "  {word}  {subject:<width$}  {detail}{remedy}");
        }
    }
    text
}
