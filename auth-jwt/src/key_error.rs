//! Why keys cannot be used.

use super::algorithm::Algorithm;

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
