//! Certificates and keys as they lie in files: read here for the check at start and again for every reload.
//!
//! **Invariant:** nothing of a key but the key itself leaves here, least of all in an error.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use thiserror::Error;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::listen::CertificateFiles;

/// Why certificates cannot be used.
#[derive(Debug, Error)]
pub enum BadCertificate {
    /// A file cannot be read, or is no PEM.
    #[error("`{}` cannot be used: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The file holds no certificate.
    #[error("`{}` holds no certificate", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The key belongs to another certificate.
    #[error("the key `{}` does not fit the certificate `{}`", key.display(), cert.display())]
    Pair {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
}

impl BadCertificate {
    /// What to do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::File { .. } => "it must be PEM text that kolm may read",
            Self::Empty { .. } => "put the chain there, the certificate itself first",
            Self::Pair { .. } => "check that both files come from the same request",
        }
    }

    fn file(path: &Path, cause: impl ToString) -> Self {
        Self::File { path: path.to_owned(), cause: cause.to_string() }
    }
}

/// A certificate with its key.
#[derive(Debug, Clone)]
pub struct Certified {
    /// Chain and key.
    pub key: Arc<CertifiedKey>,
    /// The DNS names it is for, lower case; `*.example.com` stands as it is.
    pub names: Vec<String>,
    /// When it ends, in seconds since 1970.
    pub not_after: i64,
}

impl Certified {
    /// Reads both files and sees that they fit together.
    pub fn load(files: &CertificateFiles) -> Result<Self, BadCertificate> {
        let chain = chain(&files.cert)?;
        let key = PrivateKeyDer::from_pem_file(&files.key)
            .map_err(|cause| BadCertificate::file(&files.key, cause))?;
        let first = chain.first().ok_or_else(|| BadCertificate::Empty { path: files.cert.clone() })?;
        let (names, not_after) = facts(first).map_err(|cause| BadCertificate::file(&files.cert, cause))?;
        let provider = rustls::crypto::ring::default_provider();
        let pair = || BadCertificate::Pair { cert: files.cert.clone(), key: files.key.clone() };
        let key = CertifiedKey::from_der(chain, key, &provider).map_err(|cause| {
            let mixed = matches!(cause, rustls::Error::InconsistentKeys(_));
            if mixed { pair() } else { BadCertificate::file(&files.key, cause) }
        })?;
        Ok(Self { key: Arc::new(key), names, not_after })
    }
}

/// The authorities of a PEM file.
pub fn anchors(path: &Path) -> Result<RootCertStore, BadCertificate> {
    let mut store = RootCertStore::empty();
    for anchor in chain(path)? {
        store.add(anchor).map_err(|cause| BadCertificate::file(path, cause))?;
    }
    Ok(store)
}

/// The common name in the first certificate of a PEM file.
pub fn subject(path: &Path) -> Result<String, BadCertificate> {
    let chain = chain(path)?;
    let first = chain.first().ok_or_else(|| BadCertificate::Empty { path: path.to_owned() })?;
    let (_, parsed) = X509Certificate::from_der(first).map_err(|cause| BadCertificate::file(path, cause))?;
    let name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
    name.map(str::to_owned).ok_or_else(|| BadCertificate::file(path, "it names no subject"))
}

/// All certificates of a PEM file, at least one.
fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, BadCertificate> {
    let bad = |cause| BadCertificate::file(path, cause);
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(bad)?.collect();
    let chain = chain.map_err(bad)?;
    if chain.is_empty() {
        return Err(BadCertificate::Empty { path: path.to_owned() });
    }
    Ok(chain)
}

/// The DNS names of a certificate and its end.
fn facts(certificate: &CertificateDer<'_>) -> Result<(Vec<String>, i64), String> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|cause| cause.to_string())?;
    let names = parsed.subject_alternative_name().map_err(|cause| cause.to_string())?;
    let names = names.iter().flat_map(|extension| &extension.value.general_names);
    let names = names.filter_map(|name| {
        let GeneralName::DNSName(name) = name else { return None };
        Some(name.to_ascii_lowercase())
    });
    Ok((names.collect(), parsed.validity().not_after.timestamp()))
}
