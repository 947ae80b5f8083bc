//! Component, credential, secrets and token of an account. Nothing is asked for over the network.

use std::time::{Duration, SystemTime};

use keyway_oauth::{Freshness, RenewalRule, Token, TokenErrorKind, rfc3339};

use super::Finding;
use crate::connection::Connection;

const DAY: Duration = Duration::from_secs(24 * 3600);

pub(super) fn component(connection: &Connection) -> Finding {
    let loaded = connection.loaded();
    let component = loaded.component();
    let from = loaded.path().map_or_else(|| "built in".to_owned(), |path| format!("from {}", path.display()));
    let detail = format!("{} {}, {from}", component.name, component.version);
    match loaded.warnings() {
        Some(warnings) if loaded.path().is_some() => Finding::notice(
            "component",
            format!("{detail}; warnings: {}", warnings.faults.len()),
            format!("`keyway component check {}` names them", warnings.file),
        ),
        _ => Finding::well("component", detail),
    }
}

pub(super) fn credential(connection: &Connection) -> Finding {
    let account = connection.account();
    Finding::well(
        "credential",
        format!("{}, grant {}, client {}", account.label(), account.grant.name(), account.client_id),
    )
}

/// Each secret that the credential says where to find, those of programs included.
pub(super) async fn secrets(connection: &Connection) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, read) in connection.account().try_secrets().await {
        let subject = format!("secret {name}");
        findings.push(match read {
            Ok(()) => Finding::well(subject, "is there"),
            Err(error) => Finding::of_error(subject, error),
        });
    }
    findings
}

/// The store, the token in it, its refresh token and its scope.
pub(super) async fn token(connection: &Connection) -> Vec<Finding> {
    let shared = connection.shared();
    let stored = match connection.tokens().stored().await {
        Ok(stored) => stored,
        Err(error) => return vec![Finding::of_error("store", error)],
    };
    let mut findings = vec![Finding::well("store", shared.store.place())];
    if let Some(pending) = &stored.pending {
        let since = rfc3339(pending.begun_at());
        findings.push(Finding::notice(
            "renewal",
            format!("one was begun at {since}, and nobody noted its end: the server may have used up what it sent"),
            format!("`keyway token renew {}` shows whether the account is alive", connection.credential_name()),
        ));
    }
    let now = shared.clock.now();
    match &stored.token {
        Some(token) => {
            findings.push(age(token, connection.account().renewal_rule(), now));
            findings.extend(idle(connection, token, now));
            findings.extend(scope(connection, token));
        }
        None => findings.push(Finding::well("token", "none yet")),
    }
    // Only a plan is made for it: nobody is asked.
    if let Err(error) = connection.tokens().ready().await
        && error.kind == TokenErrorKind::SignInRequired
    {
        findings.push(Finding::of_error("sign-in", error));
    }
    findings
}

fn age(token: &Token, rule: RenewalRule, now: SystemTime) -> Finding {
    let since = now.duration_since(token.obtained_at).unwrap_or_default();
    let got = format!("got {} ago", span(since));
    let detail = match (rule.freshness(token, now), token.expires_at.map(|end| end.duration_since(now))) {
        (_, None) => format!("{got}; the server does not say when it ends"),
        (Freshness::Stale, Some(Err(_))) => format!("{got}, has ended; it is renewed when it is next needed"),
        (_, Some(left)) => format!("{got}, ends in {}", span(left.unwrap_or_default())),
    };
    if token.obtained_at > now + Duration::from_secs(60) {
        let detail = format!("got at {}, which is in the future", rfc3339(token.obtained_at));
        return Finding::notice("token", detail, "set this machine's clock");
    }
    Finding::well("token", detail)
}

/// Refresh tokens that die when nobody uses them.
fn idle(connection: &Connection, token: &Token, now: SystemTime) -> Option<Finding> {
    let account = connection.account();
    let name = connection.credential_name();
    if token.refresh_token.is_none() {
        let needs_person = !account.mints_anew();
        return needs_person.then(|| {
            let detail = "there is none: when the access token ends, a person has to sign in again";
            Finding::notice("refresh token", detail, "ask for the scope or parameter with which the server gives one")
        });
    }
    let Some(days) = account.component.oauth2.refresh_token_idle_days else {
        return Some(Finding::well("refresh token", "is there"));
    };
    let (limit, idle) = (DAY * days, now.duration_since(token.obtained_at).unwrap_or_default());
    let detail = format!("last used {} ago, dies after {days} days without use", span(idle));
    let remedy = format!("`keyway token renew {name}` now, and `keyway token renew --all --older-than 7d` every day");
    Some(match idle {
        idle if idle > limit && account.mints_anew() => {
            Finding::notice("refresh token", detail, "none is needed: a new one is got")
        }
        idle if idle > limit => Finding::ill("refresh token", detail, account.sign_in_hint()),
        idle if idle > limit / 2 => Finding::notice("refresh token", detail, remedy),
        _ => Finding::well("refresh token", detail),
    })
}

/// RFC 6749 section 5.1: an answer that names no scope means the one that was asked for.
fn scope(connection: &Connection, token: &Token) -> Option<Finding> {
    let asked = &connection.account().scope;
    let granted = connection.redactor().text(token.scope.as_deref()?).into_owned();
    let granted = keyway_component::printable(&granted, 300);
    let has = |scope: &&String| granted.split([' ', ',']).any(|part| part == scope.as_str());
    let missing: Vec<&str> = asked.iter().filter(|scope| !has(scope)).map(String::as_str).collect();
    Some(if missing.is_empty() {
        Finding::well("scope", format!("granted: {granted}"))
    } else {
        Finding::notice(
            "scope",
            format!("granted: {granted}; asked for and not granted: {}", missing.join(" ")),
            "calls that need it will be refused; allow it for the client, and sign in again",
        )
    })
}

/// A span of time as a person says it.
fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / (24 * 3600)),
    }
}
