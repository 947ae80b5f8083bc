//! Every line has one outcome, which is one line of JSON and says the line's own id.

use std::{
    collections::BTreeMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use keyway::{Host, Line, RawJson, parse_message};
use serde_json::value::RawValue;
use tokio::runtime::Runtime;

/// A line of input.
///
/// # Panics
/// The outcome is no line, no JSON, or not of this message.
pub fn check(data: &[u8]) {
    let line = Bytes::copy_from_slice(data.strip_suffix(b"\n").unwrap_or(data));
    let parsed = parse_message(&line);
    let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner);
    // Nothing is connected, so that a message which can be read ends at its account.
    let whole = Line::Whole(line.clone());
    let mut outcomes = place.runtime.block_on(place.host.run(stream::iter([(7, whole)])).collect::<Vec<_>>());
    let outcome = outcomes.pop().expect("there is an outcome");
    assert!(outcomes.is_empty(), "there is one outcome");
    let failure = outcome.result.as_ref().expect_err("nothing is connected");
    assert_eq!(failure.code.as_str() == "invalid_message", parsed.is_err(), "{failure} and {parsed:?}");

    let mut written = Vec::new();
    outcome.write_line(&mut written).expect("memory takes it");
    let text = std::str::from_utf8(&written).expect("an outcome is UTF-8");
    let text = text.strip_suffix('\n').expect("an outcome ends with a line break");
    assert!(!text.contains(['\n', '\r']), "{text:?}");
    // As raw values: a number that no double holds, or half a surrogate pair, is JSON and is passed on as it came.
    let raw: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text:?}"));
    assert_eq!(raw["line"].get(), "7");
    for (name, held) in [("id", &outcome.id), ("passthrough", &outcome.passthrough)] {
        let wanted = held.as_ref().map(|json| one_line(json.as_bytes()));
        assert_eq!(raw.get(name).map(|value| value.get().to_owned()), wanted, "{name}");
    }
    if let Err(invalid) = &parsed {
        assert_eq!((&invalid.id, &invalid.passthrough), (&outcome.id, &outcome.passthrough));
        assert!(!invalid.reason.is_empty());
    }
    // The id as another reader of the line sees it, where there is one and every name stands once.
    let given: Option<BTreeMap<String, &RawValue>> = serde_json::from_slice(&line).ok();
    if let (Ok(_), Some(given)) = (&parsed, given) {
        for name in ["id", "passthrough"] {
            let wanted = given.get(name).map(|value| one_line(value.get().as_bytes()));
            assert_eq!(raw.get(name).map(|value| value.get().to_owned()), wanted, "{name}");
            if let Some(value) = given.get(name) {
                assert!(RawJson::new(Bytes::copy_from_slice(value.get().as_bytes())).is_ok());
            }
        }
    }
}

/// Line breaks between tokens may become spaces; all else is as it came.
fn one_line(json: &[u8]) -> String {
    String::from_utf8_lossy(json).replace(['\n', '\r'], " ")
}

struct Place {
    runtime: Runtime,
    host: Host,
}

static PLACE: LazyLock<Mutex<Place>> = LazyLock::new(|| {
    let host = Host::builder().build().expect("a host with the built-in components");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    Mutex::new(Place { runtime, host })
});
