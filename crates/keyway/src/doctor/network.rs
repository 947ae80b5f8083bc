//! The hosts of an account: name, connection, certificate, clock.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use keyway_component::Origin;
use keyway_http::{AttemptEnd, WireCall, WireFault, WireFaultKind};
use url::Url;

use super::Finding;
use crate::connection::Connection;

/// A clock that is off by more makes tokens end early or late.
const TOLERABLE_SKEW: Duration = Duration::from_secs(60);
/// A `HEAD` answer has no body; this bounds one that has.
const MAX_BODY_BYTES: u64 = 64 << 10;

/// Asks every origin of the account's OAuth endpoints and API once, without a credential.
pub(super) async fn hosts(connection: &Connection) -> Vec<Finding> {
    let endpoints = &connection.account().endpoints;
    let mut asked: Vec<Origin> = Vec::new();
    let mut findings = Vec::new();
    for url in endpoints.oauth.iter().chain(&endpoints.base_url) {
        let Some(origin) = Origin::of(url).filter(|origin| !asked.contains(origin)) else { continue };
        findings.extend(host(connection, url, &origin).await);
        asked.push(origin);
    }
    findings
}

async fn host(connection: &Connection, url: &Url, origin: &Origin) -> Vec<Finding> {
    let shared = connection.shared();
    let mut url = url.clone();
    url.set_query(None);
    let call = WireCall {
        method: Method::HEAD,
        url,
        headers: HeaderMap::new(),
        body: Bytes::new(),
        timeout: shared.token_timeout,
        max_body_bytes: MAX_BODY_BYTES,
    };
    match connection.transport().send(call).await {
        AttemptEnd::Answered(answer) => {
            let safe = if origin.is_https() { "its certificate is trusted" } else { "in the clear, on this machine" };
            let answers =
                Finding::well(format!("host {origin}"), format!("answers ({}); {safe}", answer.status.as_u16()));
            let date = answer.headers.get(header::DATE).and_then(|date| date.to_str().ok());
            let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
            [Some(answers), date.map(|date| clock(origin, date, shared.clock.now()))].into_iter().flatten().collect()
        }
        AttemptEnd::NeverSent(fault) | AttemptEnd::MaybeProcessed(fault) => {
            let detail = connection.redactor().text(&fault.detail).into_owned();
            vec![Finding::ill(format!("host {origin}"), detail, remedy(&fault))]
        }
    }
}

fn remedy(fault: &WireFault) -> &'static str {
    match fault.kind {
        WireFaultKind::Dns => "check the name, this machine's DNS, and --proxy",
        WireFaultKind::Connect => "check the network, firewalls, and --proxy",
        WireFaultKind::Tls => "check this machine's clock and certificates; --ca-file adds one",
        WireFaultKind::AddressRefused => "if the host is meant to be there, --allow-private-network HOST lets it",
        WireFaultKind::Timeout => "check the network and --proxy, or give more time with --connect-timeout-ms",
        _ => "check what is at that address, and --proxy",
    }
}

/// RFC 9110 section 6.6.1: `Date` is the server's clock, to the second.
fn clock(origin: &Origin, theirs: SystemTime, ours: SystemTime) -> Finding {
    let (skew, direction) = match ours.duration_since(theirs) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let detail = format!("this machine is {} s {direction} {origin}", skew.as_secs());
    if skew <= TOLERABLE_SKEW {
        return Finding::well("clock", detail);
    }
    Finding::ill(
        "clock",
        detail,
        "set this machine's clock (NTP): tokens seem to end early or late, and certificates may be refused",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Health;

    #[test]
    fn a_clock_that_is_off_is_told_in_both_directions() {
        let origin = "https://a.test".parse().unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let table = [(0, Health::Well), (59, Health::Well), (600, Health::Ill)];
        for (seconds, health) in table {
            let off = Duration::from_secs(seconds);
            assert_eq!(
                (clock(&origin, now + off, now).health, clock(&origin, now - off, now).health),
                (health, health)
            );
        }
        assert!(clock(&origin, now - Duration::from_secs(600), now).detail.contains("600 s ahead of"));
    }
}
