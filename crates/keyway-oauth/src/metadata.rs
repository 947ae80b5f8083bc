//! What an authorization server says about itself (RFC 8414). Pure.

use serde_json::Value;
use url::Url;

/// The members that fill in what a component leaves out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Metadata {
    pub(crate) token_endpoint: Option<String>,
    pub(crate) authorization_endpoint: Option<String>,
    pub(crate) revocation_endpoint: Option<String>,
    pub(crate) device_authorization_endpoint: Option<String>,
    /// RFC 9207 section 3.
    pub(crate) iss_parameter: bool,
}

/// Metadata that must not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MetadataError {
    /// It is of another server, or says so.
    #[error(
        "the metadata names another issuer than `{0}`, so it is not used; write `issuer` exactly as the server does"
    )]
    OtherIssuer(String),
    /// It is no object.
    #[error("the server's metadata is no JSON object; check `issuer`, or write the endpoints into the component")]
    NoObject,
}

/// Where an issuer's metadata is: RFC 8414 section 3.1 puts the well-known name between host and path, OpenID Connect
/// Discovery section 4 puts its own behind the path.
pub(crate) fn places(issuer: &str) -> Vec<Url> {
    let Ok(parsed) = Url::parse(issuer) else { return Vec::new() };
    let path = parsed.path().trim_end_matches('/').to_owned();
    let at = |path: String| {
        let mut url = parsed.clone();
        url.set_path(&path);
        url.set_query(None);
        url
    };
    vec![
        at(format!("/.well-known/oauth-authorization-server{path}")),
        at(format!("{path}/.well-known/openid-configuration")),
    ]
}

// === impl Metadata ===

impl Metadata {
    /// Reads it for the issuer that was asked for.
    ///
    /// # Errors
    /// RFC 8414 section 3.3: its `issuer` must be the very same text.
    pub(crate) fn read(issuer: &str, body: &[u8]) -> Result<Self, MetadataError> {
        let document: Value = serde_json::from_slice(body).map_err(|_| MetadataError::NoObject)?;
        if !document.is_object() {
            return Err(MetadataError::NoObject);
        }
        if document.get("issuer").and_then(Value::as_str) != Some(issuer) {
            return Err(MetadataError::OtherIssuer(issuer.to_owned()));
        }
        let text = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            token_endpoint: text("token_endpoint"),
            authorization_endpoint: text("authorization_endpoint"),
            revocation_endpoint: text("revocation_endpoint"),
            device_authorization_endpoint: text("device_authorization_endpoint"),
            iss_parameter: document.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn c35_the_well_known_name_stands_between_host_and_path() {
        let table = [
            (
                "https://a.test",
                "https://a.test/.well-known/oauth-authorization-server",
                "https://a.test/.well-known/openid-configuration",
            ),
            (
                "https://a.test/",
                "https://a.test/.well-known/oauth-authorization-server",
                "https://a.test/.well-known/openid-configuration",
            ),
            (
                "https://a.test:8443/tenant/v2.0/",
                "https://a.test:8443/.well-known/oauth-authorization-server/tenant/v2.0",
                "https://a.test:8443/tenant/v2.0/.well-known/openid-configuration",
            ),
        ];
        for (issuer, first, second) in table {
            let found: Vec<String> = places(issuer).iter().map(Url::to_string).collect();
            assert_eq!(found, [first, second], "{issuer}");
        }
        assert!(places("no url").is_empty());
    }

    #[test]
    fn c36_another_issuer_is_refused() {
        let read = |issuer: &str, document: Value| Metadata::read(issuer, document.to_string().as_bytes());
        let document = json!({"issuer": "https://a.test", "token_endpoint": "https://b.test/token", "x": 1});
        assert_eq!(
            read("https://a.test", document.clone()).unwrap().token_endpoint.as_deref(),
            Some("https://b.test/token")
        );
        for issuer in ["https://a.test/", "https://A.test", "https://a.test:443", "http://a.test"] {
            assert_eq!(read(issuer, document.clone()), Err(MetadataError::OtherIssuer(issuer.to_owned())));
        }
        assert!(read("https://a.test", json!({"token_endpoint": "https://b.test/token"})).is_err());
        assert_eq!(Metadata::read("x", b"<html>"), Err(MetadataError::NoObject));
        assert_eq!(Metadata::read("x", b"[]"), Err(MetadataError::NoObject));
    }
}
