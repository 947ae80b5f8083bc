//! From reqwest's errors to [`AttemptEnd`]: by type through the chain of causes, never by text.

use std::{error::Error, io};

use crate::{
    address_guard::AddressRefused,
    transport::{AttemptEnd, WireFault, WireFaultKind},
};

/// An error before there was an answer.
pub(crate) fn while_sending(error: &reqwest::Error) -> AttemptEnd {
    if let Some(refused) = cause::<AddressRefused>(error) {
        return AttemptEnd::NeverSent(WireFault::new(WireFaultKind::AddressRefused, refused.to_string()));
    }
    if error.is_builder() {
        return AttemptEnd::NeverSent(WireFault::new(WireFaultKind::Unusable, "the request cannot be sent as HTTP"));
    }
    if error.is_connect() || error.is_dns() {
        return AttemptEnd::NeverSent(connect_fault(error));
    }
    if cause::<h2::Error>(error).is_some_and(was_refused) {
        return AttemptEnd::NeverSent(WireFault::new(
            WireFaultKind::Reset,
            "the server refused the HTTP/2 stream before it looked at it",
        ));
    }
    AttemptEnd::MaybeProcessed(exchange_fault(error))
}

/// RFC 9113 section 8.7: a refused stream, and streams beyond an orderly GOAWAY, were not processed.
fn was_refused(error: &h2::Error) -> bool {
    let orderly_end = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
    error.is_remote() && (error.reason() == Some(h2::Reason::REFUSED_STREAM) || orderly_end)
}

/// An error in the middle of an answer.
pub(crate) fn while_reading(error: &reqwest::Error) -> WireFault {
    exchange_fault(error)
}

fn connect_fault(error: &reqwest::Error) -> WireFault {
    if let Some(tls) = cause::<rustls::Error>(error) {
        let detail = format!("TLS failed: {tls}; check the host's certificate, or give its CA");
        return WireFault::new(WireFaultKind::Tls, detail);
    }
    if error.is_dns() {
        return WireFault::new(WireFaultKind::Dns, format!("the host's name cannot be looked up: {}", deepest(error)));
    }
    if error.is_timeout() {
        return WireFault::new(WireFaultKind::Timeout, "no connection within the time for it");
    }
    WireFault::new(WireFaultKind::Connect, format!("no connection: {}", deepest(error)))
}

fn exchange_fault(error: &reqwest::Error) -> WireFault {
    if error.is_timeout() {
        return WireFault::new(WireFaultKind::Timeout, "no whole answer within the time for it");
    }
    if error.is_decode() && cause::<io::Error>(error).is_none_or(|io| io.kind() != io::ErrorKind::UnexpectedEof) {
        return WireFault::new(WireFaultKind::Protocol, format!("the answer cannot be decoded: {}", deepest(error)));
    }
    let cut_short = cause::<hyper::Error>(error).is_some_and(hyper::Error::is_incomplete_message);
    let h2 = cause::<h2::Error>(error).is_some_and(|h2| h2.is_io() || h2.is_reset() || h2.is_go_away());
    let reset = cut_short || h2 || cause::<io::Error>(error).is_some();
    let kind = if reset { WireFaultKind::Reset } else { WireFaultKind::Protocol };
    WireFault::new(kind, format!("the connection broke: {}", deepest(error)))
}

/// The first cause of a type. An `io::Error` skips what it wraps when asked for its source, so that is looked at too.
fn cause<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(here) = next {
        if let Some(found) = here.downcast_ref::<E>() {
            return Some(found);
        }
        let wrapped = here.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = wrapped.and_then(|inner| cause::<E>(inner)) {
            return Some(found);
        }
        next = here.source();
    }
    None
}

/// The text of the last cause: reqwest's own says the URL, and that may hold a secret.
fn deepest(error: &reqwest::Error) -> String {
    let mut last: &dyn Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    if last.downcast_ref::<reqwest::Error>().is_some() {
        "an error without a cause".to_owned()
    } else {
        last.to_string()
    }
}
