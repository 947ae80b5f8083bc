//! `docs/conformance.md` is made from the rules and the tests that are named by them. A rule has a test, or a reason why
//! there is none.

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
};

use support::workspace;

/// The names of all test functions of the repository, each with its file.
fn tests_below(folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let file = path.strip_prefix(workspace()).unwrap().display().to_string();
            let text = fs::read_to_string(&path).unwrap();
            let mut is_test = false;
            for line in text.lines().map(str::trim) {
                let name =
                    line.trim_start_matches("async ").strip_prefix("fn ").and_then(|rest| rest.split('(').next());
                match name {
                    Some(name) if is_test => drop(found.insert(name.to_owned(), file.clone())),
                    _ => {}
                }
                is_test = line.starts_with("#[test]")
                    || line.starts_with("#[tokio::test")
                    || (is_test && line.starts_with("#["));
            }
        }
    }
}

/// The rules that a test is named by: `c24_c25_…` is of two.
fn rules_of(test: &str) -> impl Iterator<Item = String> {
    let is_rule = |part: &&str| {
        part.len() == 3 && part.starts_with(['c', 'h']) && part.bytes().skip(1).all(|byte| byte.is_ascii_digit())
    };
    test.split('_').take_while(is_rule).map(str::to_ascii_uppercase)
}

#[test]
fn every_rule_has_a_test_or_a_reason() {
    let mut tests = BTreeMap::new();
    for folder in ["crates", "tests"] {
        tests_below(&workspace().join(folder), &mut tests);
    }
    let mut by_rule: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for test in tests.keys() {
        for rule in rules_of(test) {
            by_rule.entry(rule).or_default().insert(test.clone());
        }
    }
    let mut page = "# Conformance\n\n\
        Every rule of the OAuth RFCs that a client must or should keep, and ten of Keyway's own, each with the tests that \
        hold it. This page is made from `tests/conformance/rules.tsv` and the names of the tests; a test fails when it is \
        stale, or when a rule has neither a test nor a reason.\n\n\
        | rule | source | level | what it says | tests |\n| --- | --- | --- | --- | --- |\n"
        .to_owned();
    let rules = fs::read_to_string(workspace().join("tests/conformance/rules.tsv")).unwrap();
    let mut known = BTreeSet::new();
    for line in rules.lines().skip(1) {
        let [id, source, level, rule, further, reason] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("six columns: {line}")
        };
        let mut names = by_rule.get(id).cloned().unwrap_or_default();
        for name in further.split(',').filter(|name| !name.is_empty()) {
            assert!(tests.contains_key(name), "{id} names a test that is not there: {name}");
            names.insert(name.to_owned());
        }
        assert!(
            names.is_empty() != reason.is_empty(),
            "{id} has a test, or a reason why there is none: {names:?} {reason}"
        );
        let shown = |name: &String| format!("[`{name}`](../{})", tests[name]);
        let told = if reason.is_empty() {
            names.iter().map(shown).collect::<Vec<_>>().join(", ")
        } else {
            format!("none: {reason}")
        };
        writeln!(page, "| {id} | {source} | {level} | {rule} | {told} |").unwrap();
        assert!(known.insert(id.to_owned()), "{id} stands twice");
    }
    let unknown: Vec<_> = by_rule.keys().filter(|rule| !known.contains(*rule)).collect();
    assert!(unknown.is_empty(), "tests are named by rules that are not in the list: {unknown:?}");
    let file = workspace().join("docs/conformance.md");
    if std::env::var_os("KEYWAY_BLESS").is_some() {
        fs::write(&file, &page).unwrap();
    }
    let how = "write it anew: KEYWAY_BLESS=1 cargo test -p keyway-tests --test conformance_page";
    assert!(fs::read_to_string(&file).unwrap_or_default() == page, "docs/conformance.md is stale; {how}");
}
