use base64::engine::general_purpose::STANDARD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING,
    ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    RsaKeyPair, UnparsedPublicKey, VerificationAlgorithm,
};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};

use super::*;

const RSA: &str = include_str!("rsa_for_tests.pem");

fn pem(label: &str, der: &[u8]) -> String {
    let lines = STANDARD.encode(der);
    let lines: Vec<&str> = lines.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn rsa_der() -> Vec<u8> {
    PrivateKeyDer::from_pem_slice(RSA.as_bytes()).unwrap().secret_der().to_vec()
}

fn p256() -> Vec<u8> {
    let random = ring::rand::SystemRandom::new();
    EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap().as_ref().to_vec()
}

fn ed25519() -> Vec<u8> {
    Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap().as_ref().to_vec()
}

fn make(assertion: &Value, algorithm: SigningAlgorithm, key: &str) -> Result<String, AssertionError> {
    let assertion: Assertion = serde_json::from_value(assertion.clone()).unwrap();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let standard =
        Standard { issuer: "me", subject: Some("me"), audience: "https://a.test/token", id: "one".to_owned(), now };
    let fill = |template: &Template| {
        let text = template.render(|name| match name {
            "user" => Some("u-1".into()),
            "nobody" => Some("".into()),
            _ => None,
        })?;
        Ok(Value::String(text))
    };
    let made = sign(&assertion, algorithm, &Secret::new(key), standard, fill)?;
    Ok(made.expose_secret_text().to_owned())
}

fn read(jwt: &str) -> (Value, Value, String, Vec<u8>) {
    let parts: Vec<&str> = jwt.split('.').collect();
    let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let json = |part: &str| serde_json::from_slice(&bytes(part)).unwrap();
    (json(parts[0]), json(parts[1]), format!("{}.{}", parts[0], parts[1]), bytes(parts[2]))
}

#[test]
fn rfc7523_section_3_claims_and_what_is_laid_over_them() {
    let (header, claims, ..) = read(&make(&json!({}), SigningAlgorithm::HS256, "secret").unwrap());
    assert_eq!(header, json!({"typ": "JWT", "alg": "HS256"}));
    let wanted = json!({"iss": "me", "sub": "me", "aud": "https://a.test/token", "iat": 1_000_000, "exp": 1_000_300, "jti": "one"});
    assert_eq!(claims, wanted);
    let over = json!({
        "audience": "https://other.test", "lifetime_s": 60, "header": {"kid": "k-{user}", "typ": null},
        "claims": {"sub": "{user}", "jti": null, "act": "{nobody}", "admin": true, "roles": ["a", "{user}"]}
    });
    let (header, claims, ..) = read(&make(&over, SigningAlgorithm::HS256, "secret").unwrap());
    assert_eq!(header, json!({"kid": "k-u-1", "alg": "HS256"}));
    let wanted = json!({
        "iss": "me", "sub": "u-1", "aud": "https://other.test", "iat": 1_000_000, "exp": 1_000_060,
        "admin": true, "roles": ["a", "u-1"]
    });
    assert_eq!(claims, wanted);
    assert!(make(&json!({"claims": {"sub": "{unknown}"}}), SigningAlgorithm::HS256, "s").is_err());
}

#[test]
fn each_algorithm_verifies_with_its_public_key() {
    let (p256, ed25519) = (p256(), ed25519());
    let rsa_public = RsaKeyPair::from_pkcs8(&rsa_der()).unwrap().public().as_ref().to_vec();
    let random = ring::rand::SystemRandom::new();
    let p256_public = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &p256, &random).unwrap();
    let ed25519_public = Ed25519KeyPair::from_pkcs8(&ed25519).unwrap();
    // PKCS #1 is what PKCS #8 wraps, 26 bytes in for a key of this size.
    let pkcs1 = pem("RSA PRIVATE KEY", &rsa_der()[26..]);
    let (rsa_as_copied, ed) = (RSA.replace('\n', "\\n"), pem("PRIVATE KEY", &ed25519));
    let p384 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random).unwrap();
    let p384_public = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, p384.as_ref(), &random).unwrap();
    let p384 = pem("PRIVATE KEY", p384.as_ref());
    let table: [(SigningAlgorithm, &str, &'static dyn VerificationAlgorithm, &[u8]); 11] = [
        (SigningAlgorithm::RS384, RSA, &RSA_PKCS1_2048_8192_SHA384, &rsa_public),
        (SigningAlgorithm::RS512, RSA, &RSA_PKCS1_2048_8192_SHA512, &rsa_public),
        (SigningAlgorithm::PS384, RSA, &RSA_PSS_2048_8192_SHA384, &rsa_public),
        (SigningAlgorithm::PS512, RSA, &RSA_PSS_2048_8192_SHA512, &rsa_public),
        (SigningAlgorithm::ES384, &p384, &ECDSA_P384_SHA384_FIXED, p384_public.public_key().as_ref()),
        (SigningAlgorithm::RS256, RSA, &RSA_PKCS1_2048_8192_SHA256, &rsa_public),
        (SigningAlgorithm::RS256, &pkcs1, &RSA_PKCS1_2048_8192_SHA256, &rsa_public),
        (SigningAlgorithm::RS256, &rsa_as_copied, &RSA_PKCS1_2048_8192_SHA256, &rsa_public),
        (SigningAlgorithm::PS256, RSA, &RSA_PSS_2048_8192_SHA256, &rsa_public),
        (
            SigningAlgorithm::ES256,
            &pem("PRIVATE KEY", &p256),
            &ECDSA_P256_SHA256_FIXED,
            p256_public.public_key().as_ref(),
        ),
        (SigningAlgorithm::EdDSA, &ed, &ED25519, ed25519_public.public_key().as_ref()),
    ];
    for (algorithm, key, verifies, public) in table {
        let (header, _, signed, signature) = read(&make(&json!({}), algorithm, key).unwrap());
        assert_eq!(header["alg"], algorithm.as_str());
        UnparsedPublicKey::new(verifies, public).verify(signed.as_bytes(), &signature).unwrap();
    }
    for (algorithm, hash) in [
        (SigningAlgorithm::HS256, ring::hmac::HMAC_SHA256),
        (SigningAlgorithm::HS384, ring::hmac::HMAC_SHA384),
        (SigningAlgorithm::HS512, ring::hmac::HMAC_SHA512),
    ] {
        let (header, _, signed, signature) = read(&make(&json!({}), algorithm, "s").unwrap());
        assert_eq!(header["alg"], algorithm.as_str());
        ring::hmac::verify(&ring::hmac::Key::new(hash, b"s"), signed.as_bytes(), &signature).unwrap();
    }
}

#[test]
fn a_key_that_does_not_fit_is_told_without_showing_it() {
    let p256 = pem("PRIVATE KEY", &p256());
    let sec1 = pem("EC PRIVATE KEY", &[1, 2, 3]);
    let table = [
        (SigningAlgorithm::RS256, "", "give `private_key`"),
        (SigningAlgorithm::HS256, " ", "give `client_secret`"),
        (SigningAlgorithm::RS256, "hunter2", "openssl"),
        (SigningAlgorithm::RS256, p256.as_str(), "RS256"),
        (SigningAlgorithm::ES256, RSA, "ES256"),
        (SigningAlgorithm::EdDSA, p256.as_str(), "EdDSA"),
        (SigningAlgorithm::ES256, sec1.as_str(), "openssl"),
    ];
    for (algorithm, key, says) in table {
        let why = make(&json!({}), algorithm, key).unwrap_err().to_string();
        assert!(why.contains(says) && !why.contains("hunter2") && !why.contains("BEGIN"), "{why}");
    }
}
