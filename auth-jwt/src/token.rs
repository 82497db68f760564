//! A token before it is verified.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::error::TokenError;
use super::key::Key;

/// A token has a few claims; browsers and proxies accept headers of 8 KiB.
const LARGEST: usize = 8 << 10;

/// The unverified content of a token. It is used only to find the key to verify it with.
pub(super) struct Token<'a> {
    /// Header and claims, as they are signed.
    signed: &'a str,
    signature: &'a str,
    header: Header,
    claims: Claims,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
}

impl<'a> Token<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, TokenError> {
        if text.len() > LARGEST {
            return Err(TokenError::TooLarge(LARGEST));
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        if claims.contains('.') {
            return Err(TokenError::Malformed);
        }
        let header: Header = decode(header)?;
        // By RFC 7515, each parameter listed there must be understood, or the token rejected.
        // None is supported.
        if header.crit.is_some() {
            return Err(TokenError::Critical);
        }
        Ok(Self { signed, signature, header, claims: decode(claims)? })
    }

    /// The claims, if this key signed them.
    pub(super) fn verified(&self, key: &Key) -> Result<Map<String, Value>, TokenError> {
        let signature = URL_SAFE_NO_PAD.decode(self.signature).map_err(|_| TokenError::Malformed)?;
        if !key.verifies(self.signed.as_bytes(), &signature) {
            return Err(TokenError::Signature);
        }
        let (_, claims) = self.signed.split_once('.').ok_or(TokenError::Malformed)?;
        decode(claims)
    }

    pub(super) fn is_of(&self, algorithm: Algorithm) -> bool {
        self.header.alg == algorithm.name()
    }

    pub(super) fn key_id(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// The issuer; empty if the token names none. No issuer has an empty name.
    pub(super) fn issuer(&self) -> &str {
        self.claims.iss.as_deref().unwrap_or_default()
    }
}

fn decode<T: DeserializeOwned>(part: &str) -> Result<T, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenError::Malformed)
}
