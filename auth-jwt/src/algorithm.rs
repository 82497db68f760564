//! The algorithms that sign tokens.

use std::fmt;

/// The signature algorithm of an issuer. Each issuer has exactly one, so that a token cannot
/// choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256: issuer and server share one secret, so the server could also issue
    /// tokens.
    Hs256,
    /// RSA with SHA-256, PKCS #1 v1.5; 2,048 to 4,096 bits.
    #[cfg(feature = "rsa")]
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    #[cfg(feature = "ecdsa")]
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
            #[cfg(feature = "rsa")]
            Self::Rs256 => "RS256",
            #[cfg(feature = "ecdsa")]
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
