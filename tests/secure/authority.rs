//! A certificate authority.

use distributed_scope::tls::{Certificate, Roots};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let (pem, key_pem) = (params.self_signed(&key).unwrap().pem(), key.serialize_pem());
        Self { issuer: Issuer::new(params, key), pem, key: key_pem }
    }

    /// Its own certificate, in PEM.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// Its own certificate and key, in PEM, which are of no use for a server.
    pub(crate) fn own(&self) -> (String, String) {
        (self.pem.clone(), self.key.clone())
    }

    pub(crate) fn roots(&self) -> Roots {
        Roots::from_pem(self.pem.as_bytes()).unwrap()
    }

    /// A certificate for a server with this name or address: chain and key in PEM.
    pub(crate) fn server(&self, host: &str) -> (String, String) {
        self.server_with(host, |_| {})
    }

    pub(crate) fn server_with(
        &self,
        host: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> (String, String) {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        change(&mut params);
        self.sign(params, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A certificate for a client with this name.
    pub(crate) fn client(&self, name: &str) -> Certificate {
        self.client_with(name, |_| {})
    }

    pub(crate) fn client_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Certificate {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        change(&mut params);
        certificate(&self.sign(params, ExtendedKeyUsagePurpose::ClientAuth))
    }

    fn sign(&self, mut params: CertificateParams, purpose: ExtendedKeyUsagePurpose) -> (String, String) {
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

pub(crate) fn certificate((chain, key): &(String, String)) -> Certificate {
    Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap()
}
