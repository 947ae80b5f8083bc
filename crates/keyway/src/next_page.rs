//! What leads from a page to the next one. Pure.

use http::{HeaderMap, header};
use keyway_component::component::{Counted, Cursor, NextPage, Pagination};
use serde_json::{Value, value::RawValue};

/// What the next request has that this one had not.
#[derive(Debug, Clone, PartialEq, Hash)]
pub(crate) enum Step {
    /// A parameter with another value.
    Param(String, Value),
    /// A URL of the API's own, absolute or relative to that of the page.
    Url(String),
}

/// A page as it came.
pub(crate) struct PageFacts<'p> {
    pub(crate) headers: &'p HeaderMap,
    pub(crate) body: &'p [u8],
    /// Its items, each as its very text.
    pub(crate) items: &'p [&'p str],
}

/// The items of a page, each as its very text. Nothing where there is no list.
pub(crate) fn items<'b>(pagination: &Pagination, body: &'b [u8]) -> Vec<&'b str> {
    let list = pagination.items.seek_raw(body).map(serde_json::from_str::<Vec<&RawValue>>);
    list.and_then(Result::ok).unwrap_or_default().into_iter().map(RawValue::get).collect()
}

/// The step to the next page; `None` after the last one. `param` gives a parameter of this page's request.
pub(crate) fn next_page(
    pagination: &Pagination,
    page: &PageFacts<'_>,
    param: impl Fn(&str) -> Option<Value>,
) -> Option<Step> {
    let more = pagination.has_more.as_ref().and_then(|pointer| pointer.seek(page.body));
    if more.is_some_and(|more| !is_true(&more)) {
        return None;
    }
    let counts = matches!(pagination.next, NextPage::Offset(_) | NextPage::Page(_));
    let limit = pagination.limit_param.as_deref().and_then(&param).and_then(|limit| number(&limit));
    // What only counts would count for ever, past the end too.
    if (counts && page.items.is_empty()) || limit.is_some_and(|limit| (page.items.len() as u64) < limit) {
        return None;
    }
    let first = |counted: &Counted, usual| {
        param(&counted.param).and_then(|value| number(&value)).or(counted.start).unwrap_or(usual)
    };
    match &pagination.next {
        NextPage::Link => link(page.headers).map(Step::Url),
        NextPage::Url(pointer) => pointer.seek_text(page.body).filter(|url| !url.is_empty()).map(Step::Url),
        NextPage::Cursor(cursor) => Some(Step::Param(cursor.param.clone(), cursor_of(cursor, page)?)),
        // Each request says where it began.
        NextPage::Offset(counted) => {
            Some(Step::Param(counted.param.clone(), first(counted, 0).saturating_add(page.items.len() as u64).into()))
        }
        NextPage::Page(counted) => Some(Step::Param(counted.param.clone(), first(counted, 1).saturating_add(1).into())),
    }
}

fn cursor_of(cursor: &Cursor, page: &PageFacts<'_>) -> Option<Value> {
    let value = match (&cursor.pointer, &cursor.header, &cursor.last_item) {
        (Some(pointer), ..) => pointer.seek(page.body)?,
        (_, Some(header), _) => Value::String(page.headers.get(header)?.to_str().ok()?.to_owned()),
        (.., Some(pointer)) => pointer.seek(page.items.last()?.as_bytes())?,
        (None, None, None) => return None,
    };
    match &value {
        Value::String(text) if text.is_empty() => None,
        Value::String(_) | Value::Number(_) => Some(value),
        _ => None,
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::String(text) => text == "true",
        Value::Number(number) => number.as_u64() != Some(0),
        _ => false,
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// The target of the first link with the relation `next` (RFC 8288 section 3).
fn link(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(links)
        .find(|(_, relations)| relations.split_ascii_whitespace().any(|relation| relation.eq_ignore_ascii_case("next")))
        .map(|(target, _)| target.to_owned())
}

/// The links of a header: target, and the value of `rel`.
fn links(text: &str) -> Vec<(&str, &str)> {
    let (mut found, mut rest) = (Vec::new(), text);
    // A target may have commas in it, so what ends a link is the next target.
    while let Some((_, after)) = rest.split_once('<') {
        let Some((target, parameters)) = after.split_once('>') else { break };
        let end = parameters.find('<').unwrap_or(parameters.len());
        let relation = parameters[..end].split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            let value = value.trim().trim_end_matches(',').trim();
            name.trim().eq_ignore_ascii_case("rel").then(|| value.trim_matches('"'))
        });
        found.extend(relation.map(|relation| (target, relation)));
        rest = &parameters[end..];
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pagination(value: Value) -> Pagination {
        serde_json::from_value(value).unwrap()
    }

    /// The step after a page; parameters are those of its request.
    fn step(value: Value, header: (&'static str, &str), body: Value, params: Value) -> Option<Step> {
        let (pagination, body) = (pagination(value), body.to_string());
        let headers = HeaderMap::from_iter([(header.0.parse().unwrap(), header.1.parse().unwrap())]);
        let found = items(&pagination, body.as_bytes());
        let page = PageFacts { headers: &headers, body: body.as_bytes(), items: &found };
        next_page(&pagination, &page, |name| params.get(name).cloned())
    }

    #[test]
    fn each_way_leads_on_and_ends() {
        let param = |name: &str, value: Value| Some(Step::Param(name.to_owned(), value));
        let url = |text: &str| Some(Step::Url(text.to_owned()));
        let none = ("x", "");
        let offset = json!({"next": {"offset": {"param": "offset"}}, "limit_param": "limit"});
        let page = json!({"items": "/items", "next": {"page": {"param": "page"}}});
        let cursor = json!({"next": {"cursor": {"param": "c", "pointer": "/meta/next"}}, "items": "/d"});
        let last = json!({"next": {"cursor": {"param": "after", "last_item": "/id"}}, "items": "/data", "has_more": "/has_more"});
        let table = [
            (
                json!({"next": "link"}),
                ("link", r#"<https://a.test/x?a=1,2>; rel="prev", </x?p=2>; foo=bar; rel="last next""#),
                json!([]),
                json!({}),
                url("/x?p=2"),
            ),
            (
                json!({"next": "link"}),
                ("link", "<https://a.test/x>; rel=next"),
                json!([1]),
                json!({}),
                url("https://a.test/x"),
            ),
            (json!({"next": "link"}), ("link", r#"<https://a.test/x>; rel="last""#), json!([1]), json!({}), None),
            (json!({"next": "link"}), ("link", "<https://a.test/x"), json!([1]), json!({}), None),
            (json!({"next": {"url": "/next"}}), none, json!({"next": "/x?p=2"}), json!({}), url("/x?p=2")),
            (json!({"next": {"url": "/next"}}), none, json!({"next": null}), json!({}), None),
            (offset.clone(), none, json!([1, 2]), json!({"limit": 2}), param("offset", json!(2))),
            (offset.clone(), none, json!([1, 2]), json!({"limit": "2", "offset": 8}), param("offset", json!(10))),
            (offset.clone(), none, json!([1]), json!({"limit": 2}), None),
            (offset.clone(), none, json!([1]), json!({}), param("offset", json!(1))),
            (offset, none, json!([]), json!({}), None),
            (page.clone(), none, json!({"items": [1]}), json!({}), param("page", json!(2))),
            (page.clone(), none, json!({"items": [1]}), json!({"page": 7}), param("page", json!(8))),
            (page, none, json!({"other": [1]}), json!({}), None),
            (cursor.clone(), none, json!({"d": [], "meta": {"next": "n"}}), json!({}), param("c", json!("n"))),
            (cursor.clone(), none, json!({"d": [1], "meta": {"next": ""}}), json!({}), None),
            (cursor, none, json!({"d": [1]}), json!({}), None),
            (
                json!({"next": {"cursor": {"param": "c", "header": "x-next"}}}),
                ("x-next", "n"),
                json!([]),
                json!({}),
                param("c", json!("n")),
            ),
            (
                last.clone(),
                none,
                json!({"data": [{"id": 1}, {"id": "b"}], "has_more": true}),
                json!({}),
                param("after", json!("b")),
            ),
            (last.clone(), none, json!({"data": [{"id": 1}], "has_more": false}), json!({}), None),
            (last, none, json!({"data": []}), json!({}), None),
        ];
        for (value, header, body, params, wanted) in table {
            assert_eq!(step(value.clone(), header, body.clone(), params), wanted, "{value} {header:?} {body}");
        }
    }

    #[test]
    fn items_keep_their_very_text() {
        let by_page = pagination(json!({"items": "/a", "next": "link"}));
        assert_eq!(items(&by_page, br#"{"a":[ {"x":1.10}, "b" ]}"#), [r#"{"x":1.10}"#, r#""b""#]);
        assert!(items(&by_page, br#"{"a":{}}"#).is_empty());
        assert!(items(&by_page, b"x").is_empty());
    }
}
