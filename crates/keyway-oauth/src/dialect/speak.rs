//! From the standard token request to the vendor's: overlays, client authentication, encoding, headers.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use keyway_component::{
    Component, Secret, Template,
    component::{ClientAuthMethod, Encoding, TokenParams, TokenRequestMethod},
};
use keyway_http::WireCall;
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use super::client_auth::client_auth;

/// All that the vendor's request may name.
pub struct Words<'a> {
    /// The component, for its headers, its client authentication and the types of its variables.
    pub component: &'a Component,
    /// How the client shows who it is.
    pub auth: ClientAuthMethod,
    /// What is laid over the standard request.
    pub overlay: &'a TokenParams,
    /// The value of `grant_type`, where the vendor has its own.
    pub grant_type: Option<&'a str>,
    /// How the parameters travel.
    pub encoding: Encoding,
    /// The method.
    pub method: TokenRequestMethod,
    /// Headers beside those of all token requests.
    pub headers: Option<&'a BTreeMap<String, Template>>,
    /// The client's identifier.
    pub client_id: &'a str,
    /// Whether the request is for a token, so that it says what the token is for.
    pub has_target: bool,
    /// Secrets by name, `client_secret` among them.
    pub secrets: &'a BTreeMap<String, Secret>,
    /// Plain values by name.
    pub values: &'a BTreeMap<String, String>,
    /// The longest that the request may take.
    pub timeout: Duration,
    /// The most bytes of its answer.
    pub max_body_bytes: u64,
}

/// Why a token request cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the token request cannot be made: {0}")]
pub struct CannotSpeak(String);

/// Parameters in order; a name stands once (RFC 6749 section 3.2).
struct Parameters(Vec<(String, Value)>);

/// The vendor's request for the standard one (a form with `grant_type` and the rest).
///
/// # Errors
/// A template that names something unknown, or a header that HTTP cannot carry.
pub fn speak(endpoint: &Url, standard_form: &[u8], words: &Words<'_>) -> Result<WireCall, CannotSpeak> {
    let mut parameters = Parameters(Vec::new());
    for (name, value) in form_urlencoded::parse(standard_form) {
        // The client is this side's business: the standard one was told the id only.
        if !matches!(&*name, "client_id" | "client_secret") {
            parameters.set(&name, Value::String(value.into_owned()));
        }
    }
    if let Some(grant_type) = words.grant_type {
        parameters.set("grant_type", grant_type.into());
    }
    parameters.target(words)?;
    for (name, value) in words.overlay {
        let value = value.as_ref().map(|value| value.render(|template| words.typed(template).map(Some)));
        match value.transpose()?.flatten() {
            Some(value) => parameters.set(name, value),
            None => parameters.remove(name),
        }
    }
    let secret = |name: &str| words.secrets.get(name);
    let auth = client_auth(words.auth, words.client_id, secret("client_secret"), secret("client_assertion"));
    // Some vendors call these otherwise: what the component says about one goes before.
    for (name, value) in auth.params.into_iter().filter(|(name, _)| !words.overlay.contains_key(*name)) {
        parameters.set(name, value.into());
    }
    parameters.drop_empty();

    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let more = &words.component.oauth2.token_request.headers;
    for (name, template) in more.iter().chain(words.headers.into_iter().flatten()) {
        let value = words.text(template)?;
        let name =
            HeaderName::try_from(name.as_str()).map_err(|_| CannotSpeak(format!("`{name}` is no header name")))?;
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| CannotSpeak(format!("the value of the header `{name}` has characters that HTTP forbids")))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    headers.extend(auth.header.map(|value| (header::AUTHORIZATION, value)));

    let mut url = endpoint.clone();
    let (body, content_type) = match words.encoding {
        Encoding::Form => (Bytes::from(parameters.form()), Some("application/x-www-form-urlencoded")),
        Encoding::Json => (Bytes::from(parameters.json()), Some("application/json")),
        Encoding::Query => {
            parameters.append_to(&mut url);
            (Bytes::new(), None)
        }
    };
    headers.extend(content_type.map(|text| (header::CONTENT_TYPE, HeaderValue::from_static(text))));
    let (timeout, max_body_bytes) = (words.timeout, words.max_body_bytes);
    let method = match words.method {
        TokenRequestMethod::Post => Method::POST,
        TokenRequestMethod::Get => Method::GET,
    };
    Ok(WireCall { method, url, headers, body, timeout, max_body_bytes })
}

// === impl Words ===

impl Words<'_> {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        if name == "client_id" {
            return Some(Cow::Borrowed(self.client_id));
        }
        let plain = self.values.get(name).map(String::as_str);
        plain.or_else(|| self.secrets.get(name).map(Secret::expose_secret_text)).map(Cow::Borrowed)
    }

    fn text(&self, template: &Template) -> Result<String, CannotSpeak> {
        template.render(|name| self.get(name)).map_err(|error| CannotSpeak(error.to_string()))
    }

    /// A template that is one variable and nothing else keeps the variable's type in a JSON body.
    fn typed(&self, template: &Template) -> Result<Value, CannotSpeak> {
        let text = self.text(template)?;
        let variable = template.sole_name().and_then(|name| self.component.variables.get(name));
        Ok(variable.map_or_else(|| Value::String(text.clone()), |variable| variable.r#type.to_json(&text)))
    }
}

// === impl Parameters ===

impl Parameters {
    /// What the token is for. RFC 8707 section 2: one `resource` for each.
    fn target(&mut self, words: &Words<'_>) -> Result<(), CannotSpeak> {
        let oauth2 = &words.component.oauth2;
        if !words.has_target {
            return Ok(());
        }
        if let Some(audience) = &oauth2.audience {
            self.set("audience", words.text(audience)?.into());
        }
        let resources = oauth2.resource.iter().map(|resource| words.text(resource).map(Value::String));
        match resources.collect::<Result<Vec<_>, _>>()? {
            none if none.is_empty() => {}
            mut one if one.len() == 1 => self.set("resource", one.remove(0)),
            many => self.set("resource", Value::Array(many)),
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, held)) => *held = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    /// RFC 6749 section 3.2: a parameter without a value is as if it were left out. Some servers refuse an empty scope.
    fn drop_empty(&mut self) {
        self.0.retain(|(_, value)| value.as_str() != Some(""));
    }

    fn texts(&self) -> impl Iterator<Item = (&str, String)> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.0.iter().flat_map(move |(name, value)| {
            let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            values.iter().map(move |value| (name.as_str(), text(value)))
        })
    }

    fn form(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(self.texts()).finish()
    }

    fn json(self) -> String {
        Value::Object(self.0.into_iter().collect::<Map<_, _>>()).to_string()
    }

    fn append_to(&self, url: &mut Url) {
        url.query_pairs_mut().extend_pairs(self.texts());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn component(auth: &str) -> Component {
        serde_json::from_value(json!({
            "keyway": 1, "name": "a", "title": "A", "version": "1", "environments": {"p": {}},
            "variables": {"app_id": {"type": "integer"}, "app_token": {"secret": true}},
            "oauth2": {
                "token_endpoint": "https://a.test/token", "token_endpoint_auth_method": auth,
                "token_request": {"headers": {"cache-control": "no-cache"}}
            },
            "api": {"base_url": "https://a.test"}
        }))
        .unwrap()
    }

    fn say(auth: &str, encoding: Encoding, overlay: Value, grant_type: Option<&str>) -> WireCall {
        let standard = b"grant_type=client_credentials&client_id=id";
        say_this(standard, auth, encoding, overlay, grant_type)
    }

    fn say_this(standard: &[u8], auth: &str, encoding: Encoding, overlay: Value, grant_type: Option<&str>) -> WireCall {
        say_as(&component(auth), standard, encoding, overlay, grant_type)
    }

    fn say_as(
        component: &Component,
        standard: &[u8],
        encoding: Encoding,
        overlay: Value,
        grant_type: Option<&str>,
    ) -> WireCall {
        let overlay: TokenParams = serde_json::from_value(overlay).unwrap();
        let secrets = [("client_secret", "s+cr"), ("app_token", "tok&1")].map(|(n, v)| (n.to_owned(), Secret::new(v)));
        let values = [("app_id", "42"), ("scope", "")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        let words = Words {
            component,
            auth: component.oauth2.token_endpoint_auth_method,
            overlay: &overlay,
            grant_type,
            encoding,
            method: component.oauth2.token_request.method,
            headers: None,
            client_id: "id",
            has_target: true,
            secrets: &secrets.into(),
            values: &values.into(),
            timeout: Duration::from_secs(1),
            max_body_bytes: 1,
        };
        speak(&Url::parse("https://a.test/token").unwrap(), standard, &words).unwrap()
    }

    fn body(call: &WireCall) -> &str {
        std::str::from_utf8(&call.body).unwrap()
    }

    #[test]
    fn c41_the_token_request_says_what_the_token_is_for() {
        let target = |resource: Value, encoding| {
            let mut component = component("none");
            component.oauth2.audience = Some(Template::parse("aud").unwrap());
            component.oauth2.resource = serde_json::from_value(resource).unwrap();
            let call = say_as(&component, b"grant_type=x", encoding, json!({}), None);
            body(&call).to_owned()
        };
        let two = json!(["https://a.test/x", "https://b.test"]);
        let form =
            "grant_type=x&audience=aud&resource=https%3A%2F%2Fa.test%2Fx&resource=https%3A%2F%2Fb.test&client_id=id";
        assert_eq!(target(two.clone(), Encoding::Form), form);
        let json =
            r#"{"grant_type":"x","audience":"aud","resource":["https://a.test/x","https://b.test"],"client_id":"id"}"#;
        assert_eq!(target(two, Encoding::Json), json);
        assert_eq!(
            target(json!(["urn:x:y"]), Encoding::Form),
            "grant_type=x&audience=aud&resource=urn%3Ax%3Ay&client_id=id"
        );
    }

    #[test]
    fn c01_one_client_authentication_method_a_request() {
        let call = say("client_secret_basic", Encoding::Form, json!({}), None);
        assert_eq!(body(&call), "grant_type=client_credentials");
        assert!(call.headers[header::AUTHORIZATION].is_sensitive());
        let call = say("client_secret_post", Encoding::Form, json!({}), None);
        assert_eq!(body(&call), "grant_type=client_credentials&client_id=id&client_secret=s%2Bcr");
        assert!(!call.headers.contains_key(header::AUTHORIZATION));
        let call = say("none", Encoding::Form, json!({}), None);
        assert_eq!(body(&call), "grant_type=client_credentials&client_id=id");
    }

    #[test]
    fn a_grant_of_the_vendors_own_in_every_encoding() {
        let overlay = json!({"app_id": "{app_id}", "app_token": "{app_token}"});
        let call = say("client_secret_post", Encoding::Json, overlay.clone(), Some("app"));
        let wanted = r#"{"grant_type":"app","app_id":42,"app_token":"tok&1","client_id":"id","client_secret":"s+cr"}"#;
        assert_eq!(body(&call), wanted, "an integer variable is a JSON number");
        assert_eq!(call.headers[header::CONTENT_TYPE], "application/json");
        assert_eq!(call.headers["cache-control"], "no-cache");
        let call = say("client_secret_post", Encoding::Form, overlay.clone(), Some("app"));
        assert_eq!(body(&call), "grant_type=app&app_id=42&app_token=tok%261&client_id=id&client_secret=s%2Bcr");
        let call = say("client_secret_post", Encoding::Query, overlay, Some("app"));
        assert!(call.body.is_empty() && call.url.query().unwrap().starts_with("grant_type=app&app_id=42"));
    }

    #[test]
    fn what_the_client_is_called_may_be_renamed() {
        let overlay =
            json!({"client_id": null, "app_id": "{client_id}", "client_secret": null, "secret": "{client_secret}"});
        let call = say("client_secret_post", Encoding::Json, overlay, None);
        assert_eq!(body(&call), r#"{"grant_type":"client_credentials","app_id":"id","secret":"s+cr"}"#);
    }

    #[test]
    fn c06_overlays_replace_and_remove_and_empty_means_omitted() {
        let call = say(
            "client_secret_basic",
            Encoding::Form,
            json!({"scope": "{scope}", "grant_type": "x", "audience": "a b"}),
            None,
        );
        assert_eq!(body(&call), "grant_type=x&audience=a+b");
        let call = say("client_secret_basic", Encoding::Form, json!({"grant_type": null}), None);
        assert_eq!(body(&call), "");
    }

    proptest! {
        #[test]
        fn parameters_come_out_of_every_encoding_as_they_went_in(
            given in proptest::collection::btree_map("[a-z_]{1,8}", any::<String>(), 0..6),
        ) {
            let standard = form_urlencoded::Serializer::new("client_id=id".to_owned()).extend_pairs(&given).finish();
            // The client's own names are this side's, and a parameter without a value is left out.
            let mut wanted = given;
            wanted.retain(|name, value| !name.starts_with("client_") && !value.is_empty());
            wanted.insert("client_id".to_owned(), "id".to_owned());
            let say = |encoding| say_this(standard.as_bytes(), "none", encoding, json!({}), None);
            let form: BTreeMap<String, String> =
                form_urlencoded::parse(&say(Encoding::Form).body).into_owned().collect();
            prop_assert_eq!(&form, &wanted);
            let json: BTreeMap<String, String> = serde_json::from_slice(&say(Encoding::Json).body).unwrap();
            prop_assert_eq!(&json, &wanted);
            let call = say(Encoding::Query);
            let query: BTreeMap<String, String> = call.url.query_pairs().into_owned().collect();
            prop_assert_eq!(&query, &wanted);
            prop_assert!(call.body.is_empty());
        }
    }
}
