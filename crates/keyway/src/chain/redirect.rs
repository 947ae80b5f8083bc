//! Where an answer redirects to. Whether that may be followed is decided by confinement, as for any URL.

use http::{StatusCode, header};
use keyway_http::WireAnswer;
use url::Url;

use super::spelling::check_text;

/// The target of a redirect (RFC 9110 section 15.4), or nothing where there is none that can be read.
pub(super) fn target(answer: &WireAnswer, from: &Url) -> Option<Url> {
    use StatusCode as S;
    let redirects = [S::MOVED_PERMANENTLY, S::FOUND, S::SEE_OTHER, S::TEMPORARY_REDIRECT, S::PERMANENT_REDIRECT];
    if !redirects.contains(&answer.status) {
        return None;
    }
    let location = answer.headers.get(header::LOCATION)?.to_str().ok()?;
    let location = location.split('#').next().unwrap_or_default();
    let target = from.join(location).ok()?;
    // What a message may not spell, a server may not spell for it.
    check_text(location).ok()?;
    check_text(target.as_str()).ok()?;
    (target != *from).then_some(target)
}
