//! Lines that are messages and lines that are none, as tables and properties.

use proptest::prelude::*;

use super::*;

fn line(text: &str) -> Result<Message, InvalidMessage> {
    parse(&Bytes::copy_from_slice(text.as_bytes()))
}

#[test]
fn what_is_wrong_is_said_with_what_to_write() {
    let table = [
        ("", "the line is empty"),
        ("   ", "the line is empty"),
        ("[1]", "no JSON object"),
        ("hello", "no JSON object"),
        ("{\"method\":\"GET\",", "no valid JSON"),
        (r#"{"method":"GET","url":"/a"} x"#, "no valid JSON"),
        ("{}", "`method` and `url` are missing"),
        (r#"{"url":"/a"}"#, "`method` is missing"),
        (r#"{"method":"GET"}"#, "`url` is missing"),
        (r#"{"method":7,"url":"/a"}"#, "`method` must be a text"),
        (r#"{"method":"G T","url":"/a"}"#, "is no method"),
        (r#"{"method":"GET","url":"/a","data":1}"#, "did you mean `body`?"),
        (r#"{"method":"GET","url":"/a","header":{}}"#, "did you mean `headers`?"),
        (r#"{"method":"GET","url":"/a","zzzzzzzz":1}"#, "`passthrough`"),
        (r#"{"method":"GET","url":"/a","url":"/b"}"#, "twice"),
        (r#"{"method":"GET","url":"/a","body":1}"#, "GET has no body"),
        (r#"{"method":"POST","url":"/a","body":1,"text":"x"}"#, "two bodies"),
        (r#"{"method":"POST","url":"/a","body_base64":"%"}"#, "no base64"),
        (r#"{"method":"GET","url":"/a","query":[1]}"#, "`query` must be"),
        (r#"{"method":"GET","url":"/a","query":{"a":{"b":1}}}"#, "`query` must be"),
        (r#"{"method":"GET","url":"/a","headers":"x"}"#, "`headers` must be"),
        (r#"{"method":"GET","url":"/a","accept":"404"}"#, "`accept` must be"),
        (r#"{"method":"GET","url":"/a","accept":[99]}"#, "from 100 to 599"),
        (r#"{"method":"GET","url":"/a","retry":{"counts":1}}"#, "`retry` must be"),
        (r#"{"method":"GET","url":"/a","retry":{"count":-1}}"#, "`retry` must be"),
        (r#"{"method":"GET","url":"/a","timeout_ms":0}"#, "more than 0"),
        (r#"{"action":"x","url":"/a"}"#, "`action` stands alone"),
    ];
    for (text, wanted) in table {
        let reason = line(text).expect_err(text).reason;
        assert!(reason.contains(wanted), "{text}: {reason}");
    }
    let error = parse(&Bytes::from_static(b"{\"a\":\"\xff\"}")).unwrap_err();
    assert!(error.reason.contains("no UTF-8 from byte 7"), "{}", error.reason);
}

#[test]
fn a_bad_message_still_has_its_id() {
    let error = line(r#"{"id":{"n":1},"method":"GET","urk":"/a","passthrough":[1]}"#).unwrap_err();
    assert_eq!(&error.id.unwrap().as_bytes()[..], br#"{"n":1}"#);
    assert_eq!(&error.passthrough.unwrap().as_bytes()[..], b"[1]");
    let cut = line(r#"{"id":7,"method":"GET","#).unwrap_err();
    assert_eq!(&cut.id.unwrap().as_bytes()[..], b"7", "even of a line that is cut off");
}

#[test]
fn what_is_nested_without_end_is_refused_and_not_echoed() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let error = line(&format!(r#"{{"id":7,"method":"POST","url":"/a","body":{deep}}}"#)).unwrap_err();
    assert!(error.reason.contains("nested deeper than 512"), "{}", error.reason);
    assert_eq!(&error.id.unwrap().as_bytes()[..], b"7");
    assert!(line(&format!(r#"{{"method":"GET","url":"/a","id":{deep}}}"#)).unwrap_err().id.is_none());
}

#[test]
fn p11_the_body_is_cut_out_byte_for_byte() {
    let text = r#"{"method":"post","url":"/a","body":{ "z":9007199254740993, "a":1.10, "e":1E+2 }}"#;
    let message = line(text).unwrap();
    let Payload::Json(body) = &message.payload else { panic!("{message:?}") };
    assert_eq!(&body.as_bytes()[..], br#"{ "z":9007199254740993, "a":1.10, "e":1E+2 }"#);
    assert!(matches!(message.target, Target::Request { method: Method::POST, .. }), "the method's case is no matter");
}

#[test]
fn query_numbers_keep_their_digits_and_lists_repeat() {
    let message =
        line(r#"{"method":"GET","url":"/a","query":{"n":1.10,"b":true,"l":["x",2],"none":null,"s":"a b"}}"#).unwrap();
    let wanted = [("n", "1.10"), ("b", "true"), ("l", "x"), ("l", "2"), ("s", "a b")];
    assert_eq!(message.query, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn p5_blank_retries_inherit() {
    let message = line(r#"{"method":"GET","url":"/a","retry":{"count":null,"delay_ms":5}}"#).unwrap();
    assert_eq!(message.retry, RetryOverride { delay_ms: Some(5), ..RetryOverride::default() });
    let none = line(r#"{"method":"GET","url":"/a","retry":null,"body":null}"#).unwrap();
    assert_eq!(none.retry, RetryOverride::default());
    assert!(matches!(none.payload, Payload::None));
}

/// Any JSON as somebody may write it: with white space, and with numbers that no double holds.
fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|flag| flag.to_string()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?",
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        Just(r#""\ud800\/""#.to_owned()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let space = "[ \t\r\n]{0,2}";
        prop_oneof![
            (proptest::collection::vec(inner.clone(), 0..4), space)
                .prop_map(|(items, space)| format!("[{space}{}{space}]", items.join(&format!(",{space}")))),
            (proptest::collection::vec((any::<String>(), inner), 0..4), space).prop_map(|(members, space)| {
                let member = |(name, value)| format!("{}{space}:{space}{value}", serde_json::to_string(&name).unwrap());
                format!("{{{space}{}}}", members.into_iter().map(member).collect::<Vec<_>>().join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn a_body_and_an_id_are_echoed_byte_for_byte(body in any_json(), id in any_json(), more in any_json()) {
        let message =
            line(&format!(r#"{{"id":{id},"method":"POST","url":"/a","body": {body},"passthrough":{more} }}"#)).unwrap();
        let text = |json: &RawJson| String::from_utf8(json.as_bytes().to_vec()).unwrap();
        prop_assert_eq!(message.id.as_ref().map(text), Some(id));
        prop_assert_eq!(message.passthrough.as_ref().map(text), Some(more));
        match &message.payload {
            Payload::Json(json) => prop_assert_eq!(text(json), body),
            other => prop_assert!(matches!(other, Payload::None) && body == "null", "{:?} for {}", other, body),
        }
    }

    #[test]
    fn a_key_that_is_none_never_passes_and_the_id_is_there_all_the_same(key in any::<String>(), id in any_json()) {
        prop_assume!(!KEYS.contains(&key.as_str()));
        let key = serde_json::to_string(&key).unwrap();
        let error = line(&format!(r#"{{"method":"GET","url":"/a","id":{id},{key}:1}}"#)).unwrap_err();
        prop_assert!(error.reason.contains("is no key of a message"), "{}", error.reason);
        prop_assert!(!error.reason.contains(['\n', '\r']), "{:?}", error.reason);
        prop_assert_eq!(error.id, Some(RawJson::new(id).unwrap()));
    }

    #[test]
    fn no_line_panics(text in "\\PC*") {
        let _ = line(&text);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&Bytes::from(bytes));
    }
}
