//! The corpora of the fuzz targets, held against the targets' own promises on the stable toolchain.

use std::{fs, path::Path};

#[path = "../../fuzz/src/lib.rs"]
mod targets;

/// Every input of a target, one after another; the one that breaks its promise is named.
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let input = fs::read(&path).unwrap();
        let ended = std::panic::catch_unwind(|| check(&input));
        assert!(ended.is_ok(), "{} broke the promise of `{target}`", path.display());
        count += 1;
    }
    assert!(count > 3, "{} is almost empty", folder.display());
}

#[test]
fn lines_come_back_byte_for_byte() {
    replay("lines", targets::lines::check);
}

#[test]
fn every_line_has_one_outcome_of_one_line() {
    replay("message", targets::message::check);
}

#[test]
fn whatever_a_token_endpoint_answers_is_a_token_or_a_fault_without_secrets() {
    replay("token_response", targets::token_response::check);
}

#[test]
fn a_component_is_refused_with_a_place_or_can_be_used() {
    replay("component", targets::component::check);
}

#[test]
fn no_wait_is_longer_than_a_year() {
    replay("retry_after", targets::retry_after::check);
}

#[test]
fn no_message_leaves_its_api() {
    replay("confinement", targets::confinement::check);
}

#[test]
fn no_known_secret_survives() {
    replay("redact", targets::redact::check);
}
