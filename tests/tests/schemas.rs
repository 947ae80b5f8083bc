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

/// `KEYWAY_BLESS=1 cargo test -p keyway-tests --test schemas` writes the pages anew.
#[test]
fn the_reference_pages_are_made_of_the_schemas() {
    let about = [
        (
            "component",
            "Component files",
            "What a component's `component.json` may say. An editor completes all of it by `$schema`.",
        ),
        ("credential", "Credential files", "What the file of an account may say; `keyway credential add` writes one."),
        (
            "client",
            "Client files",
            "What the file of a client may say that several accounts share; `keyway client add` writes one.",
        ),
    ];
    for ((name, schema), (_, title, intro)) in keyway::generated_schemas().into_iter().zip(about) {
        let file = workspace().join(format!("docs/reference/{name}.md"));
        let page = keyway_tests::reference::page(&schema, title, intro);
        if std::env::var_os("KEYWAY_BLESS").is_some() {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, &page).unwrap();
        }
        let written = fs::read_to_string(&file).unwrap_or_default();
        assert!(written == page, "docs/reference/{name}.md is stale; run `just schemas`");
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
