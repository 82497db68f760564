//! The principal of a client certificate.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use distributed_scope_core::{Denied, Principal, Proof};
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The certificate that a client presented in the TLS handshake. It is signed by one of the
/// server's roots, and the client has proved that it has the private key.
///
/// `Debug` shows its fingerprint, which is not a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCertificate(Arc<[u8]>);

impl ClientCertificate {
    pub(crate) fn new(der: &CertificateDer<'_>) -> Self {
        Self(Arc::from(der.as_ref()))
    }

    /// Returns the certificate in DER, for access to its other fields.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0
    }

    /// Returns the SHA-256 of the certificate, in 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        Sha256::digest(&self.0).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Returns the principal that the certificate names. Its subject is the common name, or else
    /// the first alternative name, or else the fingerprint. It expires with the certificate.
    ///
    /// The claims are `fingerprint`, `organization`, and, from the alternative names, `dns`,
    /// `email` and `uri`. The issuer is the one that the certificate names. It identifies a root
    /// only if the trusted roots have distinct names.
    ///
    /// # Errors
    ///
    /// If the certificate is malformed.
    pub fn principal(&self) -> Result<Principal, Denied> {
        let malformed = || Denied::unauthenticated("the client certificate is malformed");
        let (_, certificate) = X509Certificate::from_der(&self.0).map_err(|_| malformed())?;
        let names = certificate.subject_alternative_name().map_err(|_| malformed())?;
        let names: Vec<_> = names
            .iter()
            .flat_map(|extension| &extension.value.general_names)
            .filter_map(|name| match *name {
                GeneralName::URI(uri) => Some(("uri", uri)),
                GeneralName::RFC822Name(address) => Some(("email", address)),
                GeneralName::DNSName(host) => Some(("dns", host)),
                _ => None,
            })
            .collect();
        let common_name = certificate.subject().iter_common_name().find_map(|name| name.as_str().ok());
        let fingerprint = self.fingerprint();
        let subject = common_name
            .or_else(|| names.first().map(|(_, name)| *name))
            .filter(|name| !name.is_empty())
            .unwrap_or(&fingerprint);
        let end = u64::try_from(certificate.validity().not_after.timestamp()).map_err(|_| malformed())?;
        let principal = Principal::new(subject, Proof::Certificate)
            .issued_by(certificate.issuer().to_string())
            .expires_at(SystemTime::UNIX_EPOCH + Duration::from_secs(end));
        let organizations = certificate.subject().iter_organization().filter_map(|name| name.as_str().ok());
        let claims = names.into_iter().chain(organizations.map(|name| ("organization", name)));
        let principal = claims.fold(principal, |principal, (name, value)| principal.claim(name, value));
        Ok(principal.claim("fingerprint", fingerprint))
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCertificate({})", self.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn certificate(change: impl FnOnce(&mut CertificateParams)) -> ClientCertificate {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        ClientCertificate::new(params.self_signed(&key).unwrap().der())
    }

    #[test]
    fn a_certificate_names_its_owner_until_it_ends() {
        let alice = certificate(|params| {
            params.distinguished_name.push(DnType::CommonName, "alice");
            params.distinguished_name.push(DnType::OrganizationName, "Acme");
            params.subject_alt_names = vec![
                SanType::DnsName("alice.example".try_into().unwrap()),
                SanType::URI("spiffe://example/alice".try_into().unwrap()),
            ];
            params.not_after = rcgen::date_time_ymd(2100, 1, 1);
        });
        let principal = alice.principal().unwrap();
        assert_eq!((principal.subject(), principal.proof()), ("alice", Proof::Certificate));
        assert!(principal.has("organization", "Acme"));
        assert!(principal.has("dns", "alice.example"));
        assert!(principal.has("uri", "spiffe://example/alice"));
        assert!(principal.has("fingerprint", &alice.fingerprint()));
        assert_eq!(alice.fingerprint().len(), 64);
        // 2100-01-01T00:00:00Z
        assert_eq!(principal.expires(), Some(SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800)));
    }

    #[test]
    fn without_a_common_name_it_is_the_first_alternative_name_or_else_the_fingerprint() {
        let named = certificate(|params| {
            params.subject_alt_names = vec![SanType::Rfc822Name("alice@example".try_into().unwrap())];
        });
        assert_eq!(named.principal().unwrap().subject(), "alice@example");
        let nameless = certificate(|_| {});
        assert_eq!(nameless.principal().unwrap().subject(), nameless.fingerprint());
    }

    #[test]
    fn bytes_that_are_no_certificate_name_nobody() {
        let broken = ClientCertificate(Arc::from(&b"no certificate"[..]));
        assert!(matches!(broken.principal(), Err(Denied::Unauthenticated(_))));
    }
}
