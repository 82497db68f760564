//! The keys of an issuer.

use std::fmt;
use std::sync::Arc;

use jsonwebtoken::{AlgorithmFamily, DecodingKey};

use super::TokenError;
use super::key_set::KeySet;
use super::published::Published;

/// In bytes: 2,048 bits.
pub(super) const SMALLEST_MODULUS: usize = 2048 / 8;

/// The signature algorithm of an issuer. Each issuer has exactly one, so that a token cannot
/// choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256: issuer and server share one secret, so the server could also issue
    /// tokens.
    Hs256,
    /// RSA with SHA-256, PKCS #1 v1.5; at least 2,048 bits.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// Returns the name in the header of a token.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    pub(super) fn family(self) -> AlgorithmFamily {
        jsonwebtoken::Algorithm::from(self).family()
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<Algorithm> for jsonwebtoken::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Hs256 => Self::HS256,
            Algorithm::Rs256 => Self::RS256,
            Algorithm::Es256 => Self::ES256,
            Algorithm::EdDsa => Self::EdDSA,
        }
    }
}

/// The keys that verify the tokens of an issuer, all of one algorithm.
///
/// `Debug` does not show them.
#[derive(Clone)]
pub struct Keys {
    algorithm: Algorithm,
    source: Source,
}

#[derive(Clone)]
enum Source {
    One(Arc<DecodingKey>),
    Set(Arc<KeySet>),
    Published(Arc<Published>),
}

impl Keys {
    /// Uses a secret for [`Algorithm::Hs256`]: at least 32 random bytes.
    ///
    /// # Errors
    ///
    /// If the secret is shorter, because short secrets can be found by brute force.
    pub fn secret(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < 32 {
            return Err(KeyError::ShortSecret(secret.len()));
        }
        Ok(Self {
            algorithm: Algorithm::Hs256,
            source: Source::One(Arc::new(DecodingKey::from_secret(secret))),
        })
    }

    /// Reads a public key in PEM.
    ///
    /// # Errors
    ///
    /// If the input is not PEM, not a public key for this algorithm, or an RSA key of less than
    /// 2,048 bits.
    pub fn public_pem(algorithm: Algorithm, pem: &[u8]) -> Result<Self, KeyError> {
        let key = match algorithm {
            Algorithm::Hs256 => return Err(KeyError::NotPublic),
            Algorithm::Rs256 => DecodingKey::from_rsa_pem(pem),
            Algorithm::Es256 => DecodingKey::from_ec_pem(pem),
            Algorithm::EdDsa => DecodingKey::from_ed_pem(pem),
        };
        let key = key.map_err(|source| KeyError::Pem { algorithm, source: source.into() })?;
        if algorithm == Algorithm::Rs256 {
            let modulus = key.try_get_as_bytes().ok().and_then(modulus).unwrap_or_default();
            if modulus.len() < SMALLEST_MODULUS {
                return Err(KeyError::ShortRsa(modulus.len() * 8));
            }
        }
        Ok(Self { algorithm, source: Source::One(Arc::new(key)) })
    }

    /// Reads the public keys of a JSON web key set (RFC 7517).
    ///
    /// # Errors
    ///
    /// If the input is not a key set, or has no key for this algorithm.
    pub fn set(algorithm: Algorithm, json: &[u8]) -> Result<Self, KeyError> {
        Ok(Self { algorithm, source: Source::Set(Arc::new(KeySet::parse(algorithm, json)?)) })
    }

    /// Uses the JSON web key set that the issuer publishes at an `https://` URL.
    ///
    /// The set is fetched when the first token arrives, every ten minutes, and when a token names
    /// a key that is not in it, but at most once in ten seconds. If it cannot be fetched, the
    /// previous set is used for up to an hour.
    ///
    /// # Errors
    ///
    /// If the URL is invalid, or is not an `https://` URL: an attacker who can change the keys in
    /// transit can issue tokens. `http://` is accepted only for this machine.
    pub fn published(algorithm: Algorithm, url: &str) -> Result<Self, KeyError> {
        Ok(Self { algorithm, source: Source::Published(Arc::new(Published::new(algorithm, url)?)) })
    }

    /// Like [`published`](Self::published), with another TLS configuration than the roots of the
    /// operating system: see [`tls::client`](crate::tls::client).
    ///
    /// # Errors
    ///
    /// The errors of [`published`](Self::published).
    #[cfg(feature = "rustls")]
    pub fn published_with(
        algorithm: Algorithm,
        url: &str,
        tls: rustls::ClientConfig,
    ) -> Result<Self, KeyError> {
        let published = Published::new(algorithm, url)?.trusting(tls);
        Ok(Self { algorithm, source: Source::Published(Arc::new(published)) })
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key with this id; without an id, the only key.
    pub(super) async fn find(&self, id: Option<&str>) -> Result<Arc<DecodingKey>, TokenError> {
        match &self.source {
            // There is only one key, so the id is not needed.
            Source::One(key) => Ok(Arc::clone(key)),
            Source::Set(set) => set.find(id).ok_or(TokenError::Key),
            Source::Published(published) => published.find(id).await,
        }
    }
}

/// The modulus of an RSA public key in PKCS #1: the first number in a sequence of two.
fn modulus(der: &[u8]) -> Option<&[u8]> {
    let zeros = |number: &[u8]| number.iter().take_while(|byte| **byte == 0).count();
    let number = element(0x02, element(0x30, der)?)?;
    number.get(zeros(number)..)
}

/// The content of the first element of DER, if it has this tag.
fn element(tag: u8, der: &[u8]) -> Option<&[u8]> {
    let [first, length, rest @ ..] = der else { return None };
    let (length, rest) = match *length {
        short if short < 0x80 => (usize::from(short), rest),
        // The length itself, in one byte or in two.
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => (usize::from(u16::from_be_bytes(*rest.first_chunk()?)), rest.get(2..)?),
        _ => return None,
    };
    rest.get(..length).filter(|_| *first == tag)
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// Why keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The secret has only this many bytes.
    #[error("a secret of {0} bytes can be found by brute force: use 32 random bytes or more")]
    ShortSecret(usize),
    /// HS256 has no public key.
    #[error("HS256 has no public key: use `Keys::secret(..)`, or another algorithm")]
    NotPublic,
    /// The input is not PEM, or not a public key for the algorithm.
    #[error("not a public key for {algorithm} in PEM (`-----BEGIN PUBLIC KEY-----`)")]
    Pem {
        /// The algorithm.
        algorithm: Algorithm,
        /// The parse error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The RSA key has only this many bits.
    #[error("an RSA key of {0} bits can be broken: use 2,048 bits or more")]
    ShortRsa(usize),
    /// The input is not a key set.
    #[error("not a JSON web key set (`{{\"keys\": [..]}}`)")]
    NoSet(#[source] serde_json::Error),
    /// None of its keys is for the algorithm.
    #[error("the key set has no public key for {0} (an RSA key needs 2,048 bits)")]
    NoKey(Algorithm),
    /// The URL is invalid.
    #[error("invalid URL `{0}`: write it as `https://host/path`")]
    Url(String),
    /// It is not `https://`.
    #[error("keys from `{0}` could be changed in transit: publish them at an `https://` URL")]
    Plaintext(String),
    /// There is no TLS in this build.
    #[error("keys from `{0}` need TLS: enable the feature `rustls` of `distributed-scope`")]
    NoTls(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_rsa_key_is_refused_in_either_form() {
        const SHORT: &str = "-----BEGIN PUBLIC KEY-----\nMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDGO1ttlROnEmMTMGkTGoM5uH++\n5z8uzcoEbaQbR/VitlJA8KEGyoRCNCIpfHsdWIFOm8zrKCiZe0eCxXUivbneSl7G\nF56rI292DpziiMvpbhhT/zoXYIcn0foCPtw4xpJO/POFADf2KWsUz9rpqb6KYKrD\nn5Mcg3SIlfmBZ+ve/wIDAQAB\n-----END PUBLIC KEY-----";
        const SHORT_AS_PKCS1: &str = "-----BEGIN RSA PUBLIC KEY-----\nMIGJAoGBAMY7W22VE6cSYxMwaRMagzm4f77nPy7NygRtpBtH9WK2UkDwoQbKhEI0\nIil8ex1YgU6bzOsoKJl7R4LFdSK9ud5KXsYXnqsjb3YOnOKIy+luGFP/OhdghyfR\n+gI+3DjGkk7884UAN/YpaxTP2umpvopgqsOfkxyDdIiV+YFn697/AgMBAAE=\n-----END RSA PUBLIC KEY-----";
        for pem in [SHORT, SHORT_AS_PKCS1] {
            let error = Keys::public_pem(Algorithm::Rs256, pem.as_bytes()).unwrap_err();
            assert!(matches!(error, KeyError::ShortRsa(1024)), "{error}");
        }
    }

    #[test]
    fn the_modulus_is_read_and_nothing_else_is_taken_for_one() {
        assert_eq!(modulus(&[0x30, 5, 2, 3, 0, 0x81, 7]), Some(&[0x81, 7][..]));
        let long = [&[0x30, 0x82, 1, 4, 2, 0x82, 1, 0][..], &[9; 256]].concat();
        assert_eq!(modulus(&long), Some(&[9; 256][..]));
        for wrong in [
            &[][..],
            &[0x30],
            &[0x30, 0x82, 1],
            &[0x30, 9, 2, 1, 1],
            &[0x31, 3, 2, 1, 1],
            &[0x30, 3, 4, 1, 1],
        ] {
            assert_eq!(modulus(wrong), None, "{wrong:?}");
        }
    }
}
