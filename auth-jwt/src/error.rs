//! Why a token is rejected.

use distributed_scope_core::Denied;

use super::algorithm::Algorithm;

/// Why a token is rejected. The text includes the code and no part of the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// A token is required, and the client sent none.
    #[error(
        "a token is required [no_token]: connect with `Endpoint::new(url).bearer(token)`, or from a browser with the subprotocol `bearer.<token in base64url>`"
    )]
    None,
    /// The token is larger than this limit, in bytes.
    #[error("the token exceeds the limit of {0} bytes [token_too_large]")]
    TooLarge(usize),
    /// The token is malformed or truncated.
    #[error("not a JSON web token [token_malformed]")]
    Malformed,
    /// The token has a critical header parameter (`crit`), which is not supported.
    #[error("the token has an unsupported critical header parameter (`crit`) [token_critical]")]
    Critical,
    /// The issuer of the token is not trusted by this peer.
    #[error("the issuer of the token is not trusted [token_issuer]")]
    Issuer,
    /// The token is not signed with the algorithm of its issuer.
    #[error("the algorithm of the token is not the issuer's: {0} is required [token_algorithm]")]
    Algorithm(Algorithm),
    /// The token names a key that its issuer does not have.
    #[error("the token names a key that its issuer does not have [token_key]")]
    Key,
    /// The signature is invalid.
    #[error("the signature of the token is invalid [token_signature]")]
    Signature,
    /// The token is for another audience.
    #[error("the token is for another audience [token_audience]")]
    Audience,
    /// The token has expired.
    #[error("the token has expired [token_expired]")]
    Expired,
    /// The token is not valid yet.
    #[error("the token is not valid yet [token_not_yet]")]
    NotYet,
    /// A claim is missing or invalid.
    #[error("the claim `{0}` of the token is missing or invalid [token_claim]")]
    Claim(&'static str),
    /// The keys of the issuer are not available now.
    #[error("the keys of the token issuer cannot be fetched now; try again later [token_keys]")]
    Keys,
}

impl TokenError {
    /// Returns the machine-readable code, which the text also includes.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::None => "no_token",
            Self::TooLarge(_) => "token_too_large",
            Self::Malformed => "token_malformed",
            Self::Critical => "token_critical",
            Self::Issuer => "token_issuer",
            Self::Algorithm(_) => "token_algorithm",
            Self::Key => "token_key",
            Self::Signature => "token_signature",
            Self::Audience => "token_audience",
            Self::Expired => "token_expired",
            Self::NotYet => "token_not_yet",
            Self::Claim(_) => "token_claim",
            Self::Keys => "token_keys",
        }
    }
}

impl From<TokenError> for Denied {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Keys => Self::unavailable(error.to_string()),
            error => Self::unauthenticated(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_refusal_names_its_code() {
        let all = [
            TokenError::None,
            TokenError::TooLarge(1),
            TokenError::Malformed,
            TokenError::Critical,
            TokenError::Issuer,
            TokenError::Algorithm(Algorithm::EdDsa),
            TokenError::Key,
            TokenError::Signature,
            TokenError::Audience,
            TokenError::Expired,
            TokenError::NotYet,
            TokenError::Claim("sub"),
            TokenError::Keys,
        ];
        for error in &all {
            assert!(error.to_string().contains(&format!("[{}]", error.code())), "{error}");
            assert_eq!(all.iter().filter(|other| other.code() == error.code()).count(), 1);
        }
    }
}
