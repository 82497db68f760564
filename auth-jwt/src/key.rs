//! One key of an issuer, and the check of a signature with it. The arithmetic is that of
//! RustCrypto and of ed25519-dalek.

use std::error::Error;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::pkcs8::DecodePublicKey as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::Sha256;

use super::algorithm::Algorithm;
use super::key_error::KeyError;

/// In bits.
#[cfg(feature = "rsa")]
const SMALLEST_MODULUS: usize = 2048;

/// A key that verifies signatures, or a secret that makes them, too.
pub(super) enum Key {
    Secret(Hmac<Sha256>),
    Ed25519(ed25519_dalek::VerifyingKey),
    #[cfg(feature = "ecdsa")]
    P256(p256::ecdsa::VerifyingKey),
    #[cfg(feature = "rsa")]
    Rsa(rsa::pkcs1v15::VerifyingKey<rsa::sha2::Sha256>),
}

/// The members of a JSON web key that public keys have.
#[derive(Deserialize)]
pub(super) struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    #[cfg(feature = "ecdsa")]
    y: Option<String>,
    #[cfg(feature = "rsa")]
    n: Option<String>,
    #[cfg(feature = "rsa")]
    e: Option<String>,
}

impl Key {
    pub(super) fn secret(secret: &[u8]) -> Self {
        // HMAC hashes a key that is longer than its block and pads a shorter one.
        Self::Secret(Hmac::new_from_slice(secret).expect("HMAC takes a key of any length"))
    }

    pub(super) fn from_pem(algorithm: Algorithm, pem: &[u8]) -> Result<Self, KeyError> {
        let not_pem = |source: Box<dyn Error + Send + Sync>| KeyError::Pem { algorithm, source };
        let pem = std::str::from_utf8(pem).map_err(|source| not_pem(source.into()))?;
        match algorithm {
            Algorithm::Hs256 => Err(KeyError::NotPublic),
            Algorithm::EdDsa => ed25519_dalek::VerifyingKey::from_public_key_pem(pem)
                .map(Self::Ed25519)
                .map_err(|source| not_pem(source.into())),
            #[cfg(feature = "ecdsa")]
            Algorithm::Es256 => {
                use p256::pkcs8::DecodePublicKey as _;
                p256::ecdsa::VerifyingKey::from_public_key_pem(pem)
                    .map(Self::P256)
                    .map_err(|source| not_pem(source.into()))
            }
            #[cfg(feature = "rsa")]
            Algorithm::Rs256 => {
                use rsa::pkcs1::DecodeRsaPublicKey as _;
                use rsa::pkcs8::DecodePublicKey as _;
                let key = if pem.contains("BEGIN RSA PUBLIC KEY") {
                    rsa::RsaPublicKey::from_pkcs1_pem(pem).map_err(|source| not_pem(source.into()))
                } else {
                    rsa::RsaPublicKey::from_public_key_pem(pem).map_err(|source| not_pem(source.into()))
                };
                Self::rsa(key?)
            }
        }
    }

    /// The key and its id, if it is a public key for signatures of this algorithm. A secret is
    /// never accepted here, and a public key is never used as one.
    pub(super) fn from_jwk(algorithm: Algorithm, jwk: Jwk) -> Option<(Option<String>, Self)> {
        let is_for_signatures = jwk.purpose.as_deref().is_none_or(|purpose| purpose == "sig");
        let is_for_algorithm = jwk.alg.as_deref().is_none_or(|named| named == algorithm.name());
        if !is_for_signatures || !is_for_algorithm {
            return None;
        }
        let key = match (algorithm, &*jwk.kty, jwk.crv.as_deref()) {
            (Algorithm::EdDsa, "OKP", Some("Ed25519")) => {
                let bytes = decode(jwk.x)?.try_into().ok()?;
                ed25519_dalek::VerifyingKey::from_bytes(&bytes).ok().map(Self::Ed25519)
            }
            #[cfg(feature = "ecdsa")]
            (Algorithm::Es256, "EC", Some("P-256")) => {
                let (x, y): ([u8; 32], [u8; 32]) =
                    (decode(jwk.x)?.try_into().ok()?, decode(jwk.y)?.try_into().ok()?);
                let point = p256::EncodedPoint::from_affine_coordinates(&x.into(), &y.into(), false);
                p256::ecdsa::VerifyingKey::from_encoded_point(&point).ok().map(Self::P256)
            }
            #[cfg(feature = "rsa")]
            (Algorithm::Rs256, "RSA", _) => {
                let number = |text| Some(rsa::BigUint::from_bytes_be(&decode(text)?));
                let key = rsa::RsaPublicKey::new(number(jwk.n)?, number(jwk.e)?).ok()?;
                Self::rsa(key).ok()
            }
            _ => None,
        };
        Some((jwk.kid, key?))
    }

    #[cfg(feature = "rsa")]
    fn rsa(key: rsa::RsaPublicKey) -> Result<Self, KeyError> {
        use rsa::traits::PublicKeyParts as _;
        match key.n().bits() {
            SMALLEST_MODULUS.. => Ok(Self::Rsa(rsa::pkcs1v15::VerifyingKey::new(key))),
            bits => Err(KeyError::ShortRsa(bits)),
        }
    }

    /// Whether this is a valid signature of the message.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Secret(secret) => secret.clone().chain_update(message).verify_slice(signature).is_ok(),
            Self::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            #[cfg(feature = "ecdsa")]
            Self::P256(key) => {
                use p256::ecdsa::signature::Verifier as _;
                p256::ecdsa::Signature::from_slice(signature)
                    .is_ok_and(|signature| key.verify(message, &signature).is_ok())
            }
            #[cfg(feature = "rsa")]
            Self::Rsa(key) => {
                use rsa::signature::Verifier as _;
                rsa::pkcs1v15::Signature::try_from(signature)
                    .is_ok_and(|signature| key.verify(message, &signature).is_ok())
            }
        }
    }
}

fn decode(member: Option<String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(member?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515, appendix A.1: HMAC SHA-256.
    #[test]
    fn rfc_example_of_hs256_verifies() {
        let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let key = Key::secret(&URL_SAFE_NO_PAD.decode(secret).unwrap());
        let message = b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = URL_SAFE_NO_PAD.decode("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        assert!(key.verifies(message, &signature));
        assert!(!key.verifies(&message[1..], &signature));
        for wrong in [&signature[1..], &[], &[0; 32]] {
            assert!(!key.verifies(message, wrong));
        }
    }

    /// RFC 7515, appendix A.3: ECDSA on P-256.
    #[cfg(feature = "ecdsa")]
    #[test]
    fn rfc_example_of_es256_verifies() {
        let jwk = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
        let (_, key) = Key::from_jwk(Algorithm::Es256, serde_json::from_str(jwk).unwrap()).unwrap();
        let message = b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = URL_SAFE_NO_PAD
            .decode("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
            .unwrap();
        assert!(key.verifies(message, &signature));
        assert!(!key.verifies(&message[1..], &signature) && !key.verifies(message, &signature[1..]));
    }

    /// RFC 8037, appendix A.4: Ed25519.
    #[test]
    fn rfc_example_of_eddsa_verifies() {
        let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let (_, key) = Key::from_jwk(Algorithm::EdDsa, serde_json::from_str(jwk).unwrap()).unwrap();
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = URL_SAFE_NO_PAD
            .decode("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")
            .unwrap();
        assert!(key.verifies(message, &signature));
        assert!(!key.verifies(&message[1..], &signature) && !key.verifies(message, &signature[1..]));
    }
}
