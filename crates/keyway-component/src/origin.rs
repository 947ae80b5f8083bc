//! An origin: scheme, host and port, the unit in which trust is given.

use std::{fmt, net::IpAddr, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Scheme, host and port (RFC 6454). Two URLs are at one place only if all three agree.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin {
    https: bool,
    host: String,
    port: u16,
}

/// Why a text is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no origin; write scheme, host and optional port only, such as `https://api.example.com`")]
pub struct OriginError {
    text: String,
}

// === impl Origin ===

impl Origin {
    /// The origin of an http or https URL; `None` for any other scheme.
    #[must_use]
    pub fn of(url: &Url) -> Option<Self> {
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        Some(Self { https, host: url.host_str()?.to_owned(), port: url.port_or_known_default()? })
    }

    /// Whether a URL is at this origin.
    #[must_use]
    pub fn is_of(&self, url: &Url) -> bool {
        url.scheme() == if self.https { "https" } else { "http" }
            && url.host_str() == Some(&self.host)
            && url.port_or_known_default() == Some(self.port)
    }

    /// Whether it is reached over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Host name or address, IPv6 in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, the scheme's own when none was written.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it names this machine (`localhost`, 127.0.0.0/8, `[::1]`) by its text; nothing is looked up.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback_host(&self.host)
    }

    /// Puts this origin in the place of the URL's own; path and query stay.
    #[must_use]
    pub fn apply_to(&self, url: &Url) -> Option<Url> {
        let mut url = url.clone();
        url.set_scheme(if self.https { "https" } else { "http" }).ok()?;
        url.set_host(Some(&self.host)).ok()?;
        url.set_port(Some(self.port)).ok()?;
        Some(url)
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || OriginError { text: text.to_owned() };
        let url = Url::parse(text).map_err(|_| error())?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !bare || !url.username().is_empty() || url.password().is_some() {
            return Err(error());
        }
        Self::of(&url).ok_or_else(error)
    }
}

impl TryFrom<String> for Origin {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.to_string()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, default_port) = if self.https { ("https", 443) } else { ("http", 80) };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port != default_port {
            write!(f, ":{}", self.port)?;
        }
        Ok(())
    }
}

impl JsonSchema for Origin {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Origin".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Scheme, host and optional port, e.g. `https://files.example.com`.",
            "pattern": "^https?://[^/?#@\\\\\\s]+$"
        })
    }
}

/// Whether a URL's host text names this machine. RFC 6761: `localhost` and what ends in `.localhost` are loopback.
#[must_use]
pub fn is_loopback_host(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Ok(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Ok(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_is_scheme_host_and_port() {
        let origin = |text: &str| Origin::of(&Url::parse(text).unwrap()).unwrap();
        assert_eq!(origin("https://API.example.com/a?b"), origin("https://api.example.com:443"));
        assert_ne!(origin("https://api.example.com"), origin("http://api.example.com"));
        assert_ne!(origin("https://api.example.com"), origin("https://api.example.com:8443"));
        assert_ne!(origin("https://api.example.com"), origin("https://api.example.com.evil.test"));
        let api = origin("https://api.example.com");
        assert!(api.is_of(&Url::parse("https://API.example.com:443/a").unwrap()));
        for other in ["http://api.example.com", "https://api.example.com:8443", "https://api.example.com.evil.test"] {
            assert!(!api.is_of(&Url::parse(other).unwrap()), "{other}");
        }
        assert_eq!(origin("https://api.example.com:8443/x").to_string(), "https://api.example.com:8443");
    }

    #[test]
    fn an_origin_has_no_path_query_or_user() {
        for text in ["https://a.test/p", "https://a.test?q", "https://u@a.test", "ftp://a.test", "a.test", ""] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
        assert!("https://a.test".parse::<Origin>().is_ok());
    }

    #[test]
    fn loopback_by_text() {
        for host in ["localhost", "x.localhost", "127.0.0.1", "127.9.9.9", "[::1]"] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in ["localhost.evil.test", "10.0.0.1", "[::]", "0.0.0.0", "example.com"] {
            assert!(!is_loopback_host(host), "{host}");
        }
    }
}
