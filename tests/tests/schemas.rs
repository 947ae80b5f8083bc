//! The published schemas are those of the Rust types, and what ships fits them.

mod support;

use std::{ffi::OsStr, fs, path::PathBuf};

use serde_json::Value;
use support::{Home, json, workspace};

#[test]
fn the_published_schemas_are_those_of_the_types() {
    for (name, schema) in keyway::generated_schemas() {
        let published = fs::read_to_string(workspace().join(format!("schemas/{name}.schema.json"))).unwrap_or_default();
        assert!(published == format!("{schema:#}\n"), "schemas/{name}.schema.json is stale; run `just schemas`");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_prints_what_is_published() {
    let home = Home::new();
    for (name, schema) in keyway::generated_schemas() {
        let ran = home.keyway(["schema", name]).run("").await.succeeded();
        assert_eq!(json(ran.text()), schema, "{name}");
    }
}

#[test]
fn every_exchange_file_fits_its_schema() {
    let schema: Value = json(keyway::replay::exchanges_schema());
    let schema = jsonschema::validator_for(&schema).unwrap();
    let folders = fs::read_dir(workspace().join("components")).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<PathBuf> = folders
        .filter_map(|folder| fs::read_dir(folder.join("exchanges")).ok())
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension() == Some(OsStr::new("json")))
        .collect();
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        let document = json(&fs::read_to_string(&file).unwrap());
        let faults: Vec<String> = schema.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{}: {faults:?}", file.display());
    }
}
