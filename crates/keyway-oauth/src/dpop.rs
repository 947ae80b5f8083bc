//! Proofs that the sender of a request has the key that a token is bound to (RFC 9449 section 4). Pure but for the key.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use keyway_component::{Origin, Secret};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use crate::{
    assertion::{KeyError, SigningKey, compact},
    random,
};

/// The header of a proof.
pub(crate) const DPOP: HeaderName = HeaderName::from_static("dpop");
/// The header of a server's nonce.
const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
/// A nonce is a short text; what is longer is none (RFC 9449 section 8.1 gives its alphabet).
const LONGEST_NONCE: usize = 1024;

/// The nonces that servers gave last, each server its own (RFC 9449 section 9).
#[derive(Debug, Default)]
pub(crate) struct Nonces(Mutex<BTreeMap<String, String>>);

/// What a proof is for.
pub(crate) struct Proven<'a> {
    pub(crate) method: &'a str,
    pub(crate) url: &'a Url,
    /// The access token that goes with it, at a resource server.
    pub(crate) access_token: Option<&'a Secret>,
    pub(crate) now: SystemTime,
}

// === impl Nonces ===

impl Nonces {
    /// Adopts the nonce of an answer, whatever its status (RFC 9449 section 8.2).
    pub(crate) fn adopt(&self, url: &Url, headers: &HeaderMap) {
        let nonce = headers.get(NONCE).and_then(|value| value.to_str().ok());
        let nonce = nonce.filter(|nonce| !nonce.is_empty() && nonce.len() <= LONGEST_NONCE);
        if let (Some(nonce), Some(origin)) = (nonce, Origin::of(url)) {
            let mut nonces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            nonces.insert(origin.to_string(), nonce.to_owned());
        }
    }

    fn of(&self, url: &Url) -> Option<String> {
        let origin = Origin::of(url)?.to_string();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&origin).cloned()
    }

    /// A proof for one request. Each has an id of its own, so none is used twice.
    pub(crate) fn prove(&self, key: &Secret, proven: &Proven<'_>) -> Result<HeaderValue, KeyError> {
        let pair = pair_of(key)?;
        let mut header = Map::new();
        header.insert("typ".to_owned(), "dpop+jwt".into());
        header.insert("alg".to_owned(), "ES256".into());
        header.insert("jwk".to_owned(), public_jwk(&pair));
        let mut target = proven.url.clone();
        target.set_query(None);
        target.set_fragment(None);
        let mut claims = Map::new();
        claims.insert("jti".to_owned(), random::uuid().map_err(|_| KeyError::NoSignature)?.into());
        claims.insert("htm".to_owned(), proven.method.into());
        claims.insert("htu".to_owned(), target.as_str().into());
        let now = proven.now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        claims.insert("iat".to_owned(), now.as_secs().into());
        claims.extend(proven.access_token.map(|token| {
            let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(token.expose_secret_text()));
            ("ath".to_owned(), Value::String(hash))
        }));
        claims.extend(self.of(proven.url).map(|nonce| ("nonce".to_owned(), Value::String(nonce))));
        let proof = compact(&SigningKey::Ecdsa(pair), header, claims)?;
        HeaderValue::try_from(proof).map_err(|_| KeyError::NoSignature)
    }
}

/// The public key as a JWK, its members in the order of RFC 7638 section 3.
fn public_jwk(pair: &EcdsaKeyPair) -> Value {
    let public = pair.public_key().as_ref();
    // One byte that says "uncompressed", then both coordinates.
    let part = |bytes: Option<&[u8]>| URL_SAFE_NO_PAD.encode(bytes.unwrap_or_default());
    json!({"crv": "P-256", "kty": "EC", "x": part(public.get(1..33)), "y": part(public.get(33..65))})
}

/// The thumbprint of a key, for the parameter `dpop_jkt` (RFC 9449 section 10).
pub(crate) fn thumbprint(key: &Secret) -> Result<String, KeyError> {
    let jwk = public_jwk(&pair_of(key)?).to_string();
    Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(jwk)))
}

/// Whether an answer asks for the same request with the nonce that came with it (RFC 9449 sections 8 and 9).
pub(crate) fn wants_nonce(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> bool {
    if !matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED) || !headers.contains_key(NONCE) {
        return false;
    }
    let challenges = headers.get_all(http::header::WWW_AUTHENTICATE).iter();
    let challenged = challenges.filter_map(|value| value.to_str().ok()).any(|text| text.contains("use_dpop_nonce"));
    challenged || keyway_component::Pointer::new("/error").seek_text(body).as_deref() == Some("use_dpop_nonce")
}

/// A new key, as it is stored: PKCS #8 in Base64.
pub(crate) fn new_key() -> Result<Secret, KeyError> {
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    key.map(|key| Secret::new(STANDARD.encode(key.as_ref()))).map_err(|_| KeyError::NoSignature)
}

fn pair_of(key: &Secret) -> Result<EcdsaKeyPair, KeyError> {
    let der = STANDARD.decode(key.expose_secret_text()).map(zeroize::Zeroizing::new).map_err(|_| KeyError::NotPem)?;
    let random = SystemRandom::new();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &random).map_err(|_| KeyError::NoSignature)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    use super::*;

    fn proof(nonces: &Nonces, key: &Secret, url: &str, token: Option<&Secret>) -> (Value, Value) {
        let url = Url::parse(url).unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let proven = Proven { method: "POST", url: &url, access_token: token, now };
        let proof = nonces.prove(key, &proven).unwrap().to_str().unwrap().to_owned();
        let parts: Vec<&str> = proof.split('.').collect();
        let public = pair_of(key).unwrap().public_key().as_ref().to_vec();
        let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
        let signed = format!("{}.{}", parts[0], parts[1]);
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &public).verify(signed.as_bytes(), &signature).unwrap();
        let json = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        (json(parts[0]), json(parts[1]))
    }

    #[test]
    fn c47_a_proof_names_method_place_time_token_and_itself() {
        let (key, nonces) = (new_key().unwrap(), Nonces::default());
        let (header, claims) = proof(&nonces, &key, "https://a.test/token?x=1#y", None);
        assert_eq!(
            (&header["typ"], &header["alg"], &header["jwk"]["crv"]),
            (&json!("dpop+jwt"), &json!("ES256"), &json!("P-256"))
        );
        assert_eq!(header["jwk"]["x"].as_str().unwrap().len(), 43);
        assert!(header["jwk"].get("d").is_none(), "the private part stays here");
        assert_eq!(
            (&claims["htm"], &claims["htu"], &claims["iat"]),
            (&json!("POST"), &json!("https://a.test/token"), &json!(1_000))
        );
        assert!(claims.get("ath").is_none() && claims.get("nonce").is_none());
        let (_, other) = proof(&nonces, &key, "https://a.test/token", Some(&Secret::new("t")));
        assert_ne!(claims["jti"], other["jti"], "C49");
        assert_eq!(other["ath"], URL_SAFE_NO_PAD.encode(Sha256::digest("t")));
    }

    #[test]
    fn c51_each_server_has_its_own_nonce() {
        let (key, nonces) = (new_key().unwrap(), Nonces::default());
        let told = |nonce: &str| HeaderMap::from_iter([(NONCE, nonce.parse().unwrap())]);
        nonces.adopt(&Url::parse("https://a.test/token").unwrap(), &told("n1"));
        nonces.adopt(&Url::parse("https://b.test/").unwrap(), &told("n2"));
        nonces.adopt(&Url::parse("https://a.test/x").unwrap(), &told("n3"));
        nonces.adopt(&Url::parse("https://a.test/x").unwrap(), &HeaderMap::new());
        for (url, nonce) in [("https://a.test/y", "n3"), ("https://b.test/y", "n2")] {
            assert_eq!(proof(&nonces, &key, url, None).1["nonce"], nonce);
        }
        assert!(proof(&nonces, &key, "https://a.test:8443/", None).1.get("nonce").is_none());
    }

    #[test]
    fn c50_what_asks_for_a_nonce() {
        let nonce: HeaderMap = HeaderMap::from_iter([(NONCE, "n".parse().unwrap())]);
        let mut challenge = nonce.clone();
        challenge.insert("www-authenticate", r#"DPoP error="use_dpop_nonce""#.parse().unwrap());
        let body = br#"{"error":"use_dpop_nonce"}"#;
        let table = [
            (400, &nonce, body.as_slice(), true),
            (401, &challenge, b"".as_slice(), true),
            (401, &nonce, b"{}".as_slice(), false),
            (200, &challenge, body.as_slice(), false),
            (400, &HeaderMap::new(), body.as_slice(), false),
        ];
        for (status, headers, body, wanted) in table {
            assert_eq!(
                wants_nonce(StatusCode::from_u16(status).unwrap(), headers, body),
                wanted,
                "{status} {headers:?}"
            );
        }
    }
}
