//! Certificates and tokens, generated at start. In production they come from an authority and a
//! login service that others run.

use std::time::{Duration, SystemTime};

use distributed_scope::jwt::Algorithm;
use distributed_scope::tls::Certificate;
use jsonwebtoken::{EncodingKey, Header};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde::Serialize;

/// The algorithm with which the login signs.
pub(super) const ALGORITHM: Algorithm = Algorithm::EdDsa;

/// A certificate authority for servers.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub(super) fn new(name: &str) -> anyhow::Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    /// The certificate for those that trust this authority.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    pub(super) fn server(&self, host: &str) -> anyhow::Result<Certificate> {
        let key = KeyPair::generate()?;
        let chain = CertificateParams::new([host.to_owned()])?.signed_by(&key, &self.issuer)?.pem();
        Ok(Certificate::from_pem(chain.as_bytes(), key.serialize_pem().as_bytes())?)
    }
}

/// What the login knows of a user.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    Editor,
    Reader,
}

/// The claims of a token.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    exp: u64,
    role: Role,
}

/// A login: it issues tokens.
pub(super) struct Mint(KeyPair);

impl Mint {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self(KeyPair::generate_for(&rcgen::PKCS_ED25519)?))
    }

    /// The public key for servers that accept its tokens.
    pub(super) fn public_pem(&self) -> String {
        self.0.public_key_pem()
    }

    /// A token for a minute.
    pub(super) fn token(&self, subject: &str, role: Role) -> anyhow::Result<String> {
        let end = SystemTime::now() + Duration::from_secs(60);
        let exp = end.duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
        let claims = Claims { iss: super::ISSUER, aud: super::AUDIENCE, sub: subject, exp, role };
        let key = EncodingKey::from_ed_pem(self.0.serialize_pem().as_bytes())?;
        Ok(jsonwebtoken::encode(&Header::new(jsonwebtoken::Algorithm::EdDSA), &claims, &key)?)
    }
}
