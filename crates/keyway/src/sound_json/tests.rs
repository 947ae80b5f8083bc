//! What is sound and what is not, and the same as serde_json for anything between.

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;

fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

#[test]
fn what_is_json_and_what_is_not() {
    let sound = [
        "null",
        " true ",
        "false",
        "0",
        "-0",
        "12.50e-3",
        "1E5",
        "\"\"",
        "[]",
        "{}",
        " [ ] ",
        "{ }\r\n",
        r#"{"a":[1,{"b":"c\\\"\u00e9\ud800"},[[]]],"":null}"#,
        "\"12345678é12345678\"",
        "1e999999",
        "\"\\u12aF\\n\"",
        "[1 , 2\t]",
        "\"\u{7f}\u{80}\u{2028}\"",
    ];
    let unsound = [
        "",
        " ",
        "nul",
        "tru",
        "True",
        "01",
        "-",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x1",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\u12",
        "\"a\nb\"",
        "\"12345678\u{1f}\"",
        "[",
        "]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "[}",
        "{]",
        "{\"a\":1]",
        "1 2",
        "nullx",
        "[1]]",
        "\u{feff}1",
        "NaN",
        "--1",
        "'a'",
        "[1}",
        "-a",
    ];
    for text in sound {
        assert!(is_sound_json(text) && is_json(text), "{text:?}");
    }
    for text in unsound {
        assert!(!is_sound_json(text) && !is_json(text), "{text:?}");
    }
}

#[test]
fn as_deep_as_is_passed_on_and_no_deeper() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = |levels: usize| format!("{}1{}", open.repeat(levels), close.repeat(levels));
        assert!(is_sound_json(&nested(DEEPEST)), "{open}");
        assert!(!is_sound_json(&nested(DEEPEST + 1)), "{open}");
    }
    // Beside each other they may be as many as there are.
    assert!(is_sound_json(&format!("[{}]", vec!["[{}]"; 2 * DEEPEST].join(","))));
}

/// Texts that are nearly JSON.
fn nearly() -> impl Strategy<Value = String> {
    let parts = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        " ",
        "\n",
        "0",
        "1",
        "-",
        ".",
        "e",
        "+",
        "true",
        "null",
        "\"a\":",
        "\"long enough for a word\"",
        "\\u00",
        "é",
        "\u{1}",
        "{}",
        "[]",
        "1.5",
        "\"\\\"\"",
    ];
    proptest::collection::vec(prop::sample::select(parts.to_vec()), 0..12).prop_map(|parts| parts.concat())
}

/// JSON, and JSON with one byte changed.
fn changed() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>()
            .prop_filter("JSON has no others", |number| number.is_finite())
            .prop_map(|number| format!("{number:e}")),
        "\\PC{0,20}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        "[\\x00-\\x7f]{0,12}".prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    let json = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            proptest::collection::vec(("[a-z\"\\\\]{0,9}", inner), 0..4).prop_map(|members| {
                let member =
                    |(name, value): &(String, String)| format!("{}:{value}", serde_json::to_string(name).unwrap());
                format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(",\n"))
            }),
        ]
    });
    (json, any::<prop::sample::Index>(), proptest::option::of(0u8..128)).prop_map(|(json, at, byte)| {
        let (mut bytes, at) = (json.clone().into_bytes(), at.index(json.len()));
        if let Some(byte) = byte {
            bytes[at] = byte;
        }
        String::from_utf8(bytes).unwrap_or(json)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn it_takes_what_serde_json_takes(text in prop_oneof![nearly(), changed(), "\\PC{0,12}"]) {
        prop_assert_eq!(is_sound_json(&text), is_json(&text), "{:?}", text);
    }
}
