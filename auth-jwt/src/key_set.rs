//! Several public keys of one issuer (RFC 7517).

use std::sync::Arc;

use serde::Deserialize;

use super::algorithm::Algorithm;
use super::key::Key;
use super::key_error::KeyError;

/// The keys of a set that are for one algorithm.
pub(super) struct KeySet(Vec<(Option<String>, Arc<Key>)>);

#[derive(Deserialize)]
struct Published {
    keys: Vec<serde_json::Value>,
}

impl KeySet {
    /// Keys for another use, or of an unknown kind, are skipped.
    pub(super) fn parse(algorithm: Algorithm, json: &[u8]) -> Result<Self, KeyError> {
        let published: Published = serde_json::from_slice(json).map_err(KeyError::NoSet)?;
        let keys = published.keys.into_iter().filter_map(|key| {
            let (id, key) = Key::from_jwk(algorithm, serde_json::from_value(key).ok()?)?;
            Some((id, Arc::new(key)))
        });
        let keys: Vec<_> = keys.collect();
        if keys.is_empty() { Err(KeyError::NoKey(algorithm)) } else { Ok(Self(keys)) }
    }

    /// The key with this id; without an id, the only key.
    pub(super) fn find(&self, id: Option<&str>) -> Option<Arc<Key>> {
        let (_, key) = match (id, &self.0[..]) {
            (Some(id), keys) => keys.iter().find(|(have, _)| have.as_deref() == Some(id))?,
            (None, [only]) => only,
            (None, _) => return None,
        };
        Some(Arc::clone(key))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;

    fn ed(id: Option<&str>, more: &[(&str, &str)]) -> Value {
        let mut key =
            json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
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
            #[cfg(feature = "ecdsa")]
            (Algorithm::Es256, ed(None, &[])),
            (Algorithm::Hs256, json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode([7; 32]) })),
            #[cfg(feature = "rsa")]
            (Algorithm::Rs256, json!({ "kty": "RSA", "n": URL_SAFE_NO_PAD.encode([255; 128]), "e": "AQAB" })),
        ] {
            assert!(matches!(parse(algorithm, &[key]), Err(KeyError::NoKey(_))), "{algorithm}");
        }
        assert!(matches!(KeySet::parse(Algorithm::EdDsa, b"[]"), Err(KeyError::NoSet(_))));
    }
}
