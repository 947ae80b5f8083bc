//! From the clients' errors to [`AttemptEnd`]: by type through the chain of causes, never by text.

use std::{error::Error, io};

use crate::{
    address_guard::AddressRefused,
    direct::ConnectTimedOut,
    resolver::LookUpFailed,
    transport::{AttemptEnd, WireFault, WireFaultKind},
};

/// An error before there was an answer. `connecting` says that there was no connection yet.
pub(crate) fn while_sending(error: &(dyn Error + 'static), connecting: bool) -> AttemptEnd {
    if connecting || cause::<AddressRefused>(error).is_some() || cause::<LookUpFailed>(error).is_some() {
        return AttemptEnd::NeverSent(connect_fault(error));
    }
    if cause::<h2::Error>(error).is_some_and(was_refused) {
        return AttemptEnd::NeverSent(WireFault::new(
            WireFaultKind::Reset,
            "the server refused the HTTP/2 stream before it looked at it",
        ));
    }
    // hyper gives a request back that it has not begun to write.
    if cause::<hyper::Error>(error).is_some_and(hyper::Error::is_canceled) {
        return AttemptEnd::NeverSent(WireFault::new(
            WireFaultKind::Reset,
            "the connection ended before the request was on it",
        ));
    }
    AttemptEnd::MaybeProcessed(while_reading(error))
}

/// No connection through a proxy: it may be the proxy that refused.
pub(crate) fn through_a_proxy(error: &(dyn Error + 'static), timed_out: bool) -> AttemptEnd {
    let mut fault = if timed_out {
        WireFault::new(WireFaultKind::Timeout, ConnectTimedOut.to_string())
    } else {
        connect_fault(error)
    };
    if matches!(fault.kind, WireFaultKind::Connect | WireFaultKind::Timeout) {
        fault.detail.push_str(" (through the proxy)");
    }
    AttemptEnd::NeverSent(fault)
}

/// A request that HTTP cannot carry.
pub(crate) fn not_http() -> AttemptEnd {
    AttemptEnd::NeverSent(WireFault::new(WireFaultKind::Unusable, "the request cannot be sent as HTTP"))
}

/// RFC 9113 section 8.7: a refused stream, and streams beyond an orderly GOAWAY, were not processed.
fn was_refused(error: &h2::Error) -> bool {
    let orderly_end = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
    error.is_remote() && (error.reason() == Some(h2::Reason::REFUSED_STREAM) || orderly_end)
}

fn connect_fault(error: &(dyn Error + 'static)) -> WireFault {
    if let Some(refused) = cause::<AddressRefused>(error) {
        return WireFault::new(WireFaultKind::AddressRefused, refused.to_string());
    }
    if let Some(tls) = cause::<rustls::Error>(error) {
        let detail = format!("TLS failed: {tls}; check the host's certificate, or give its CA");
        return WireFault::new(WireFaultKind::Tls, detail);
    }
    if let Some(failed) = cause::<LookUpFailed>(error) {
        return WireFault::new(WireFaultKind::Dns, format!("the host's name cannot be looked up: {failed}"));
    }
    let timed_out = cause::<io::Error>(error).is_some_and(|io| io.kind() == io::ErrorKind::TimedOut);
    if timed_out || cause::<ConnectTimedOut>(error).is_some() {
        return WireFault::new(WireFaultKind::Timeout, ConnectTimedOut.to_string());
    }
    WireFault::new(WireFaultKind::Connect, format!("no connection: {}", deepest(error)))
}

/// An error on a connection: in the middle of an answer, or where one should have come.
pub(crate) fn while_reading(error: &(dyn Error + 'static)) -> WireFault {
    if let Some(tls @ rustls::Error::AlertReceived(_)) = cause::<rustls::Error>(error) {
        // In TLS 1.3 a server says only now that it does not take the client's certificate (RFC 8446 section 4.4.2.4).
        return WireFault::new(WireFaultKind::Tls, format!("TLS failed: {tls}; check the client's certificate"));
    }
    let io = cause::<io::Error>(error).map(io::Error::kind);
    let nonsense = matches!(io, Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput));
    let cut_short = cause::<hyper::Error>(error).is_some_and(hyper::Error::is_incomplete_message);
    let h2 = cause::<h2::Error>(error).is_some_and(|h2| h2.is_io() || h2.is_reset() || h2.is_go_away());
    if !nonsense && (cut_short || h2 || io.is_some()) {
        return WireFault::new(WireFaultKind::Reset, format!("the connection broke: {}", deepest(error)));
    }
    WireFault::new(WireFaultKind::Protocol, format!("the answer is no HTTP that can be read: {}", deepest(error)))
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

/// The text of the last cause: those before it may say the URL, and that may hold a secret.
fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    if last.is::<reqwest::Error>() { "an error without a cause".to_owned() } else { last.to_string() }
}

#[cfg(test)]
mod tests {
    use rustls::AlertDescription;

    use super::*;

    #[test]
    fn what_breaks_in_the_middle_of_an_answer_is_told_apart() {
        let tls = |error: rustls::Error| io::Error::new(io::ErrorKind::InvalidData, error);
        let table = [
            (tls(rustls::Error::AlertReceived(AlertDescription::CertificateRequired)), WireFaultKind::Tls),
            // A record that was damaged on its way says nothing about anybody's certificate, and may come whole next time.
            (tls(rustls::Error::DecryptError), WireFaultKind::Protocol),
            (io::ErrorKind::InvalidInput.into(), WireFaultKind::Protocol),
            (io::ErrorKind::UnexpectedEof.into(), WireFaultKind::Reset),
            (io::ErrorKind::ConnectionReset.into(), WireFaultKind::Reset),
        ];
        for (error, kind) in table {
            assert_eq!(while_reading(&error).kind, kind, "{error:?}");
        }
    }
}
