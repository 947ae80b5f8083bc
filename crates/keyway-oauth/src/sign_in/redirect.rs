//! Where the browser is sent after a sign-in. Pure.

use url::{Host, Url};

use super::SignInError;
use crate::account::Account;

/// Where the answer of an authorization request arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redirect {
    /// On this machine: [`super::Loopback`] can take it.
    Loopback(LoopbackRedirect),
    /// Elsewhere: a person copies the address that the browser ends at.
    Elsewhere(String),
}

/// A redirect URI on this machine (RFC 8252 section 7.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoopbackRedirect {
    /// The host as it is registered: `127.0.0.1`, `[::1]`, or `localhost` where a credential insists on it.
    pub host: String,
    /// The port; a free one where none is given.
    pub port: Option<u16>,
    /// The path, with the component's name in it by default (RFC 8252 section 8.10): the answer of one authorization
    /// server never arrives where another one's is awaited.
    pub path: String,
}

// === impl Redirect ===

impl Redirect {
    /// Where an account's answer arrives: where the credential says, or on this machine.
    ///
    /// # Errors
    /// The credential says nothing, and the component's server takes no address on this machine.
    pub fn of(account: &Account) -> Result<Self, SignInError> {
        let Some(uri) = account.redirect_uri() else {
            let grant = account.component.oauth2.grants.authorization_code.as_ref();
            if grant.is_some_and(|grant| !grant.loopback_redirect) {
                let (title, input) = (&account.component.title, account.input_name("redirect_uri"));
                return Err(SignInError::NotPossible(format!(
                    "{title} sends nobody back to this machine; give {input}, the redirect URI that is registered for the client"
                )));
            }
            let path = format!("/callback/{}", account.component.name);
            return Ok(Self::Loopback(LoopbackRedirect { host: "127.0.0.1".to_owned(), port: None, path }));
        };
        Self::parse(uri).map_err(SignInError::NotPossible)
    }

    /// Reads a redirect URI: absolute, without fragment (RFC 6749 section 3.1.2).
    fn parse(uri: &str) -> Result<Self, String> {
        let url = Url::parse(uri).map_err(|_| "the redirect URI is no absolute URL; write `https://host/path`")?;
        if url.fragment().is_some() {
            return Err("the redirect URI has a fragment (RFC 6749 section 3.1.2); take it out".to_owned());
        }
        let host = match url.host() {
            Some(Host::Ipv4(ip)) if ip.is_loopback() => Some(ip.to_string()),
            Some(Host::Ipv6(ip)) if ip.is_loopback() => Some(format!("[{ip}]")),
            Some(Host::Domain("localhost")) => Some("localhost".to_owned()),
            _ => None,
        };
        Ok(match host {
            // TLS on loopback needs a certificate that nobody has: the person copies the address.
            Some(host) if url.scheme() == "http" => {
                Self::Loopback(LoopbackRedirect { host, port: url.port(), path: url.path().to_owned() })
            }
            _ => Self::Elsewhere(uri.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris_are_told_apart() {
        let loopback = |host: &str, port, path: &str| {
            Some(Redirect::Loopback(LoopbackRedirect { host: host.to_owned(), port, path: path.to_owned() }))
        };
        let table = [
            ("http://127.0.0.1/callback/acme", loopback("127.0.0.1", None, "/callback/acme")),
            ("http://127.0.0.1:8123/cb", loopback("127.0.0.1", Some(8123), "/cb")),
            ("http://[::1]:8123/cb", loopback("[::1]", Some(8123), "/cb")),
            ("http://localhost:8123/", loopback("localhost", Some(8123), "/")),
            ("https://127.0.0.1/cb", Some(Redirect::Elsewhere("https://127.0.0.1/cb".to_owned()))),
            ("https://app.example.org/cb", Some(Redirect::Elsewhere("https://app.example.org/cb".to_owned()))),
            ("com.example.app:/cb", Some(Redirect::Elsewhere("com.example.app:/cb".to_owned()))),
            ("http://127.0.0.1/cb#x", None),
            ("/cb", None),
            ("", None),
        ];
        for (uri, wanted) in table {
            assert_eq!(Redirect::parse(uri).ok(), wanted, "{uri}");
        }
    }
}
