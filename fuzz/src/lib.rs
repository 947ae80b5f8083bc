//! What the fuzz targets promise, one module each: `check` takes any bytes and panics where a promise is broken.
//!
//! `tests/tests/fuzz_corpus.rs` takes this file in as a module and holds the corpora against it on the stable
//! toolchain, so nothing in here may need the fuzzer.

pub mod component;
pub mod confinement;
pub mod lines;
pub mod message;
pub mod redact;
pub mod retry_after;
pub mod token_response;

use http::{HeaderMap, HeaderName, HeaderValue};

/// The parts before and after the first `between`; all of it and nothing where there is none.
fn split<'d>(data: &'d [u8], between: &[u8]) -> (&'d [u8], &'d [u8]) {
    match data.windows(between.len()).position(|window| window == between) {
        Some(at) => (&data[..at], &data[at + between.len()..]),
        None => (data, &[]),
    }
}

/// The lines that are headers, `name: value`.
fn headers<'d>(lines: impl Iterator<Item = &'d [u8]>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = split(line, b":");
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value.strip_prefix(b" ").unwrap_or(value)))
        {
            headers.append(name, value);
        }
    }
    headers
}
