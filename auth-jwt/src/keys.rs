//! The keys of an issuer.

use std::fmt;
use std::sync::Arc;

use super::algorithm::Algorithm;
use super::error::TokenError;
use super::key::Key;
use super::key_error::KeyError;
use super::key_set::KeySet;
use super::published::Published;

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
    One(Arc<Key>),
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
        Ok(Self { algorithm: Algorithm::Hs256, source: Source::One(Arc::new(Key::secret(secret))) })
    }

    /// Reads a public key in PEM.
    ///
    /// # Errors
    ///
    /// If the input is not PEM, not a public key for this algorithm, or an RSA key of less than
    /// 2,048 or more than 4,096 bits.
    pub fn public_pem(algorithm: Algorithm, pem: &[u8]) -> Result<Self, KeyError> {
        let key = Key::from_pem(algorithm, pem)?;
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
    /// operating system: see `tls::client`.
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
    pub(super) async fn find(&self, id: Option<&str>) -> Result<Arc<Key>, TokenError> {
        match &self.source {
            // There is only one key, so the id is not needed.
            Source::One(key) => Ok(Arc::clone(key)),
            Source::Set(set) => set.find(id).ok_or(TokenError::Key),
            Source::Published(published) => published.find(id).await,
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "rsa"))]
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
}
