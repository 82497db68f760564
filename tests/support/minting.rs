//! An issuer of tokens.

use std::time::{Duration, SystemTime};

use distributed_scope::jwt::{Algorithm, Issuer, Keys};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

use crate::log::SENTINEL;

pub(crate) const NAME: &str = "https://login.example.com";
pub(crate) const AUDIENCE: &str = "shop";
pub(crate) const RSA: &[u8] = include_bytes!("keys/rsa.pem");
pub(crate) const RSA_PUBLIC: &[u8] = include_bytes!("keys/rsa.pub.pem");

pub(crate) struct Mint {
    pub(crate) algorithm: Algorithm,
    key: EncodingKey,
    /// In PEM; empty for a secret.
    pub(crate) public: String,
    /// As a JSON web key.
    pub(crate) jwk: Value,
}

/// The algorithm as the crate names it that signs the tokens of these tests.
pub(crate) fn signing(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    algorithm.name().parse().unwrap()
}

impl Mint {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let generated = |kind| rcgen::KeyPair::generate_for(kind).unwrap();
        match algorithm {
            Algorithm::Hs256 => Self::with_secret(SECRET),
            Algorithm::Rs256 => {
                let public = String::from_utf8(RSA_PUBLIC.to_vec()).unwrap();
                Self::of(algorithm, EncodingKey::from_rsa_pem(RSA).unwrap(), public)
            }
            Algorithm::Es256 => {
                let pair = generated(&rcgen::PKCS_ECDSA_P256_SHA256);
                let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
                Self::of(algorithm, key, pair.public_key_pem())
            }
            Algorithm::EdDsa => {
                let pair = generated(&rcgen::PKCS_ED25519);
                let key = EncodingKey::from_ed_pem(pair.serialize_pem().as_bytes()).unwrap();
                Self::of(algorithm, key, pair.public_key_pem())
            }
            other => unreachable!("there are four, and no {other}"),
        }
    }

    pub(crate) fn with_secret(secret: &[u8]) -> Self {
        Self {
            algorithm: Algorithm::Hs256,
            key: EncodingKey::from_secret(secret),
            public: String::new(),
            jwk: Value::Null,
        }
    }

    fn of(algorithm: Algorithm, key: EncodingKey, public: String) -> Self {
        let decoding = match algorithm {
            Algorithm::Rs256 => jsonwebtoken::DecodingKey::from_rsa_pem(public.as_bytes()),
            Algorithm::Es256 => jsonwebtoken::DecodingKey::from_ec_pem(public.as_bytes()),
            _ => jsonwebtoken::DecodingKey::from_ed_pem(public.as_bytes()),
        };
        let jwk =
            jsonwebtoken::jwk::Jwk::from_decoding_key(&decoding.unwrap(), Some(signing(algorithm))).unwrap();
        Self { algorithm, key, public, jwk: serde_json::to_value(jwk).unwrap() }
    }

    /// The keys that a server is configured with to verify its tokens.
    pub(crate) fn keys(&self) -> Keys {
        match self.algorithm {
            Algorithm::Hs256 => Keys::secret(SECRET).unwrap(),
            algorithm => Keys::public_pem(algorithm, self.public.as_bytes()).unwrap(),
        }
    }

    pub(crate) fn issuer(&self) -> Issuer {
        Issuer::new(NAME, AUDIENCE, self.keys()).leeway(Duration::ZERO)
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_as(&Header::new(signing(self.algorithm)), claims)
    }

    pub(crate) fn sign_as(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).unwrap()
    }

    /// A good token of this subject, for an hour.
    pub(crate) fn token(&self, subject: &str) -> String {
        self.sign(&claims(subject))
    }
}

pub(crate) const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// Good ones, for an hour.
pub(crate) fn claims(subject: &str) -> Value {
    let secret = SENTINEL;
    json!({ "iss": NAME, "aud": AUDIENCE, "sub": subject, "exp": now() + 3600, "role": ["editor"], "secret": secret })
}

/// These claims with one changed, or left out where the value is null.
pub(crate) fn but(name: &str, value: Value) -> Value {
    let mut claims = claims("alice");
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}
