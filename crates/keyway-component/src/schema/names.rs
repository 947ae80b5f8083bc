//! Which members the objects of a schema have, for hints about those that are no members or are missing.

use std::collections::{HashSet, VecDeque};

use serde_json::{Map, Value};

use crate::{pointer::step, suggest::nearest};

/// More names than this are no hint but a list.
const MOST_LISTED: usize = 20;

/// The names in a schema.
pub(super) struct Names<'s>(pub(super) &'s Value);

// === impl Names ===

impl<'s> Names<'s> {
    /// What somebody may have meant by a member that is none. `keyword` is the place of the schema that refuses it.
    pub(super) fn instead_of(&self, name: &str, keyword: &str) -> String {
        let members = self.members(keyword);
        let own = || members.into_iter().flatten().map(|(own, _)| own.as_str());
        if let Some(meant) = nearest(name, own()) {
            return format!("did you mean `{meant}`?");
        }
        if let Some(place) = self.place_of(name) {
            return if place.is_empty() {
                "it belongs to the top of the file".to_owned()
            } else {
                format!("it is a member of `{place}`")
            };
        }
        if (1..=MOST_LISTED).contains(&own().count()) {
            let listed: Vec<String> = own().map(|name| format!("`{name}`")).collect();
            return format!("take it out; the members here are {}", listed.join(", "));
        }
        "take it out, or look the name up in the schema (`keyway schema component`, `keyway schema credential`)"
            .to_owned()
    }

    /// What a member is that is missing, by its description.
    pub(super) fn about(&self, name: &str, keyword: &str) -> Option<String> {
        let about = self.members(keyword)?.get(name)?.get("description")?.as_str()?;
        let about = about.split("\n\n").next().unwrap_or_default().replace('\n', " ");
        Some(format!("`{name}`: {about}"))
    }

    /// What a value of another type should be. `keyword` is the place of the schema that refuses it.
    pub(super) fn form(&self, keyword: &str) -> Option<String> {
        let (place, _) = keyword.rsplit_once('/')?;
        let schema = self.0.pointer(place)?;
        let form = form_of(self.followed(schema));
        Some(format!("write {form}"))
    }

    /// The forms that a value may have, of which none was given.
    pub(super) fn forms(&self, keyword: &str) -> Vec<String> {
        let forms = self.0.pointer(keyword).and_then(Value::as_array);
        forms.into_iter().flatten().map(|form| form_of(self.followed(form))).collect()
    }

    fn followed(&self, schema: &'s Value) -> &'s Value {
        let reference = schema.get("$ref").and_then(Value::as_str);
        reference.and_then(|reference| self.0.pointer(reference.trim_start_matches('#'))).unwrap_or(schema)
    }

    /// The members of the object of which a keyword says something.
    fn members(&self, keyword: &str) -> Option<&'s Map<String, Value>> {
        let (object, _) = keyword.rsplit_once('/')?;
        self.0.pointer(object)?.get("properties")?.as_object()
    }

    /// The nearest object to the top of a file that has a member of this name. A name of the writer's own is `*` in it.
    fn place_of(&self, name: &str) -> Option<String> {
        let (mut next, mut seen) = (VecDeque::from([(self.0, String::new())]), HashSet::new());
        while let Some((schema, place)) = next.pop_front() {
            if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
                // A type that has been looked at has no nearer place.
                if let Some(target) = self.0.pointer(reference.trim_start_matches('#'))
                    && seen.insert(reference)
                {
                    next.push_back((target, place));
                }
                continue;
            }
            let properties = schema.get("properties").and_then(Value::as_object);
            if properties.is_some_and(|properties| properties.contains_key(name)) {
                return Some(place);
            }
            let members = properties.into_iter().flatten();
            next.extend(members.map(|(member, schema)| (schema, format!("{place}/{}", step(member)))));
            let any = ["additionalProperties", "items"].into_iter().filter_map(|keyword| schema.get(keyword));
            next.extend(any.map(|schema| (schema, format!("{place}/*"))));
            let either = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|keyword| schema.get(keyword)?.as_array());
            next.extend(either.flatten().map(|schema| (schema, place.clone())));
        }
        None
    }
}

/// What a value of a schema looks like, in a few characters.
fn form_of(schema: &Value) -> String {
    if let Some(value) = schema.get("const") {
        return value.to_string();
    }
    let members: Vec<&String> = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name).collect();
    match schema["type"].as_str().or_else(|| schema["type"][0].as_str()) {
        Some("object") if (1..=MOST_LISTED).contains(&members.len()) => {
            let members: Vec<String> = members.iter().map(|name| format!("\"{name}\": …")).collect();
            format!("`{{{}}}`", members.join(", "))
        }
        Some("object") => "`{\"name\": …}`".to_owned(),
        Some("array") => "a list, `[…]`".to_owned(),
        Some("string") => "a text, `\"…\"`".to_owned(),
        Some("boolean") => "`true` or `false`".to_owned(),
        Some("integer" | "number") => "a number, without quotes".to_owned(),
        _ => "another value".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_looked_for_where_they_belong() {
        let schema = json!({
            "properties": { "oauth2": { "$ref": "#/$defs/OAuth2" }, "list": { "items": { "properties": { "deep": {} } } } },
            "$defs": { "OAuth2": { "properties": {
                "scope": { "description": "What tokens\nmay do.\n\nMore." },
                "named": { "additionalProperties": { "anyOf": [{ "properties": { "inner": {} } }, { "$ref": "#/$defs/OAuth2" }] } }
            } } }
        });
        let (names, here) = (Names(&schema), "/$defs/OAuth2/additionalProperties");
        for (name, keyword, hint) in [
            ("scopes", here, "did you mean `scope`?"),
            ("inner", here, "it is a member of `/oauth2/named/*`"),
            ("deep", here, "it is a member of `/list/*`"),
            ("scope", "/additionalProperties", "it is a member of `/oauth2`"),
            ("oauth2", here, "it belongs to the top of the file"),
            ("strange", here, "take it out; the members here are `scope`, `named`"),
        ] {
            assert_eq!(names.instead_of(name, keyword), hint, "{name}");
        }
        assert_eq!(names.about("scope", "/$defs/OAuth2/required").unwrap(), "`scope`: What tokens may do.");
        assert_eq!(names.about("named", "/$defs/OAuth2/required"), None);
    }
}
