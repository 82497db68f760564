//! Several public keys of one issuer (RFC 7517).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use serde::Deserialize;

use super::keys::SMALLEST_MODULUS;
use super::{Algorithm, KeyError};

/// The keys of a set that are for one algorithm.
pub(super) struct KeySet(Vec<(Option<String>, Arc<DecodingKey>)>);

#[derive(Deserialize)]
struct Published {
    keys: Vec<serde_json::Value>,
}

impl KeySet {
    /// Keys for another use, or of an unknown kind, are skipped.
    pub(super) fn parse(algorithm: Algorithm, json: &[u8]) -> Result<Self, KeyError> {
        let published: Published = serde_json::from_slice(json).map_err(KeyError::NoSet)?;
        let keys = published.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let keys: Vec<_> = keys
            .filter(|key| is_for(key, algorithm))
            .filter_map(|key| {
                let decoding = DecodingKey::from_jwk(&key).ok()?;
                // A secret for HS256 is never accepted here, and a public key is never used as
                // one.
                (decoding.family() == algorithm.family()).then(|| (key.common.key_id, Arc::new(decoding)))
            })
            .collect();
        if keys.is_empty() { Err(KeyError::NoKey(algorithm)) } else { Ok(Self(keys)) }
    }

    /// The key with this id; without an id, the only key.
    pub(super) fn find(&self, id: Option<&str>) -> Option<Arc<DecodingKey>> {
        let (_, key) = match (id, &self.0[..]) {
            (Some(id), keys) => keys.iter().find(|(have, _)| have.as_deref() == Some(id))?,
            (None, [only]) => only,
            (None, _) => return None,
        };
        Some(Arc::clone(key))
    }
}

fn is_for(key: &Jwk, algorithm: Algorithm) -> bool {
    let to_sign = matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let named = key.common.key_algorithm.is_none_or(|named| named.to_string() == algorithm.name());
    let fits = match (&key.algorithm, algorithm) {
        (AlgorithmParameters::RSA(rsa), Algorithm::Rs256) => {
            URL_SAFE_NO_PAD.decode(&rsa.n).is_ok_and(|modulus| modulus.len() >= SMALLEST_MODULUS)
        }
        (AlgorithmParameters::EllipticCurve(ec), Algorithm::Es256) => ec.curve == EllipticCurve::P256,
        (AlgorithmParameters::OctetKeyPair(pair), Algorithm::EdDsa) => pair.curve == EllipticCurve::Ed25519,
        _ => false,
    };
    to_sign && named && fits
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn ed(id: Option<&str>, more: &[(&str, &str)]) -> Value {
        let mut key = json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode([7; 32]) });
        if let Some(id) = id {
            key["kid"] = json!(id);
        }
        for (name, value) in more {
            key[*name] = json!(value);
        }
        key
    }

    fn parse(algorithm: Algorithm, keys: &[Value]) -> Result<KeySet, KeyError> {
        KeySet::parse(algorithm, json!({ "keys": keys }).to_string().as_bytes())
    }

    #[test]
    fn keys_are_found_by_their_ids_and_a_single_one_without() {
        let one = parse(Algorithm::EdDsa, &[ed(Some("a"), &[])]).unwrap();
        assert!(one.find(Some("a")).is_some() && one.find(None).is_some());
        assert!(one.find(Some("b")).is_none());
        let two = parse(Algorithm::EdDsa, &[ed(Some("a"), &[]), ed(Some("b"), &[])]).unwrap();
        assert!(two.find(Some("b")).is_some());
        assert!(two.find(None).is_none());
    }

    #[test]
    fn what_is_for_something_else_or_not_known_is_left_out() {
        let odd = json!({ "kty": "new", "kid": "new" });
        let set = parse(Algorithm::EdDsa, &[odd.clone(), ed(Some("a"), &[("use", "sig")])]).unwrap();
        assert!(set.find(Some("a")).is_some());
        assert!(set.find(Some("new")).is_none());
        for (algorithm, key) in [
            (Algorithm::EdDsa, odd),
            (Algorithm::EdDsa, ed(None, &[("use", "enc")])),
            (Algorithm::EdDsa, ed(None, &[("alg", "ES256")])),
            (Algorithm::Es256, ed(None, &[])),
            (Algorithm::Hs256, json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode([7; 32]) })),
            (Algorithm::Rs256, json!({ "kty": "RSA", "n": URL_SAFE_NO_PAD.encode([255; 128]), "e": "AQAB" })),
        ] {
            assert!(matches!(parse(algorithm, &[key]), Err(KeyError::NoKey(_))), "{algorithm}");
        }
        assert!(matches!(KeySet::parse(Algorithm::EdDsa, b"[]"), Err(KeyError::NoSet(_))));
    }
}
