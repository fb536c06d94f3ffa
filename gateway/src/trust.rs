//! Trust anchors, read where a bad file is an error: Pingora's own builders panic on one.

use std::path::Path;
use std::sync::Arc;

use pingora::protocols::tls::CaType;
use pingora::tls::{RootCertStore, load_native_certs, load_platform_certs_incl_env_into_store};
use pingora::utils::tls::{WrappedX509, parse_x509};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::error::Error;

/// Whether the platform's anchors can be read.
pub(crate) fn platform() -> Result<(), Error> {
    load_platform_certs_incl_env_into_store(&mut RootCertStore::empty())
        .map_err(|cause| Error::Platform { cause: cause.to_string() })
}

/// The anchors of a PEM file and those of the platform.
pub(crate) fn anchors(path: &Path) -> Result<Arc<CaType>, Error> {
    let bad = |cause: String| Error::Anchors { path: path.to_owned(), cause };
    let mut store = RootCertStore::empty();
    let mut anchors: Vec<WrappedX509> = Vec::new();
    for read in CertificateDer::pem_file_iter(path).map_err(|cause| bad(cause.to_string()))? {
        let anchor = read.map_err(|cause| bad(cause.to_string()))?;
        store.add(anchor.clone()).map_err(|cause| bad(cause.to_string()))?;
        anchors.push(WrappedX509::new(anchor.to_vec(), parse_x509));
    }
    if anchors.is_empty() {
        return Err(bad("it holds no certificate".to_owned()));
    }
    let platform = load_native_certs().map_err(|cause| Error::Platform { cause: cause.to_string() })?;
    anchors.extend(platform.into_iter().map(|anchor| WrappedX509::new(anchor.to_vec(), parse_x509)));
    Ok(anchors.into())
}

#[cfg(test)]
mod tests {
    use kolm_core::Coded;

    use super::*;

    #[test]
    fn a_file_without_certificates_is_an_error_with_an_address() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in
            [("empty.pem", ""), ("bad.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
        {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            let error = anchors(&path).unwrap_err();
            assert_eq!(error.code().to_string(), "K0803", "{error}");
        }
        assert!(anchors(&dir.path().join("none.pem")).is_err());
    }
}
