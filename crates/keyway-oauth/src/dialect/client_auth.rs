//! How the client shows who it is. One method a request (RFC 6749 section 2.3), and only here.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderValue;
use keyway_component::{Secret, component::ClientAuthMethod};

/// RFC 7523 section 2.2.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What client authentication adds to a token request.
#[derive(Default)]
pub(super) struct ClientAuth {
    /// The header `Authorization`, marked sensitive.
    pub(super) header: Option<HeaderValue>,
    /// Parameters of the body.
    pub(super) params: Vec<(&'static str, String)>,
}

/// Authenticates with the client's secret or the JWT that was made for this request, or says nothing but the client's id
/// where there is neither.
pub(super) fn client_auth(
    method: ClientAuthMethod,
    client_id: &str,
    client_secret: Option<&Secret>,
    client_assertion: Option<&Secret>,
) -> ClientAuth {
    let secret = client_secret.map_or("", |secret| secret.expose_secret_text());
    match method {
        // RFC 6749 section 2.3.1: both are form-encoded before they are joined.
        ClientAuthMethod::ClientSecretBasic => basic(&form_encoded(client_id), &form_encoded(secret)),
        ClientAuthMethod::ClientSecretBasicRaw => basic(client_id, secret),
        ClientAuthMethod::ClientSecretAsUser => basic(secret, ""),
        ClientAuthMethod::ClientSecretPost => ClientAuth {
            header: None,
            params: vec![("client_id", client_id.to_owned()), ("client_secret", secret.to_owned())],
        },
        // RFC 7521 section 4.2: the id beside the JWT is allowed, and some servers want it.
        ClientAuthMethod::ClientSecretJwt | ClientAuthMethod::PrivateKeyJwt => ClientAuth {
            header: None,
            params: vec![
                ("client_id", client_id.to_owned()),
                ("client_assertion_type", JWT_BEARER.to_owned()),
                ("client_assertion", client_assertion.map_or("", Secret::expose_secret_text).to_owned()),
            ],
        },
        // RFC 8705 section 2: the id, so that the server knows whose certificate it should be.
        ClientAuthMethod::TlsClientAuth | ClientAuthMethod::None => {
            ClientAuth { header: None, params: vec![("client_id", client_id.to_owned())] }
        }
    }
}

fn basic(id: &str, secret: &str) -> ClientAuth {
    let text = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    // Base64 is always a header value.
    let header = HeaderValue::from_str(&text).ok().map(|mut value| {
        value.set_sensitive(true);
        value
    });
    ClientAuth { header, params: Vec::new() }
}

fn form_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    use super::*;

    fn header(method: ClientAuthMethod, id: &str, secret: &str) -> String {
        let auth = client_auth(method, id, Some(&Secret::new(secret)), None);
        let header = auth.header.unwrap();
        assert!(header.is_sensitive() && auth.params.is_empty());
        let encoded = header.to_str().unwrap().strip_prefix("Basic ").unwrap().to_owned();
        String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
    }

    #[test]
    fn c02_basic_is_form_encoded_first() {
        let table = [
            ("id", "secret", "id:secret"),
            ("a:b/é", "p+q%", "a%3Ab%2F%C3%A9:p%2Bq%25"),
            ("podero odd:client", "s+cr%41t/=&: ü", "podero+odd%3Aclient:s%2Bcr%2541t%2F%3D%26%3A+%C3%BC"),
        ];
        for (id, secret, wanted) in table {
            assert_eq!(header(ClientAuthMethod::ClientSecretBasic, id, secret), wanted);
            assert_eq!(header(ClientAuthMethod::ClientSecretBasicRaw, id, secret), format!("{id}:{secret}"));
            assert_eq!(header(ClientAuthMethod::ClientSecretAsUser, id, secret), format!("{secret}:"));
        }
    }

    proptest! {
        #[test]
        fn basic_decodes_back_to_id_and_secret(id in any::<String>(), secret in any::<String>()) {
            let text = header(ClientAuthMethod::ClientSecretBasic, &id, &secret);
            // As a server reads it (RFC 6749 section 2.3.1, appendix B).
            let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8().unwrap().into_owned();
            let (id_part, secret_part) = text.split_once(':').unwrap();
            prop_assert_eq!((decoded(id_part), decoded(secret_part)), (id, secret));
        }
    }

    #[test]
    fn a_jwt_or_a_certificate_stands_for_the_secret() {
        for method in [ClientAuthMethod::PrivateKeyJwt, ClientAuthMethod::ClientSecretJwt] {
            let auth = client_auth(method, "id", Some(&Secret::new("s")), Some(&Secret::new("a.b.c")));
            let wanted = [
                ("client_id", "id".to_owned()),
                ("client_assertion_type", JWT_BEARER.to_owned()),
                ("client_assertion", "a.b.c".to_owned()),
            ];
            assert!(auth.header.is_none() && auth.params == wanted, "C01: the secret itself is not sent");
        }
        let auth = client_auth(ClientAuthMethod::TlsClientAuth, "id", None, None);
        assert!(auth.header.is_none() && auth.params == [("client_id", "id".to_owned())]);
    }

    #[test]
    fn c07_a_public_client_sends_its_id_alone() {
        let auth = client_auth(ClientAuthMethod::None, "id", None, None);
        assert!(auth.header.is_none());
        assert_eq!(auth.params, [("client_id", "id".to_owned())]);
    }
}
