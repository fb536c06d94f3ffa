//! What keeps the gateway from starting.

use std::net::SocketAddr;
use std::path::PathBuf;

use kolm_core::{Code, Coded, Exit};
use thiserror::Error;

/// Errors of the data path, K0800-K0829.
#[derive(Debug, Error)]
pub enum Error {
    /// The client address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        cause: std::io::Error,
    },
    /// The runtime cannot be built.
    #[error("cannot start the worker threads")]
    Runtime(#[source] std::io::Error),
    /// The certificates of the client port cannot be used.
    #[error("the client port cannot speak TLS: {cause}")]
    Tls {
        /// Why.
        cause: String,
    },
    /// The platform's trust anchors cannot be read.
    #[error("the trust anchors of this system cannot be read: {cause}")]
    Platform {
        /// Why.
        cause: String,
    },
    /// What earlier runs have spent cannot be read.
    #[error("{} cannot be used: {cause}", path.display())]
    Spend {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// A configured file of trust anchors cannot be read.
    #[error("the certificates in {} cannot be used: {cause}", path.display())]
    Anchors {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Listen { .. } => Code(801),
            Self::Platform { .. } => Code(802),
            Self::Anchors { .. } => Code(803),
            Self::Runtime(_) => Code(804),
            Self::Tls { .. } => Code(810),
            Self::Spend { .. } => Code(820),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Listen { address, .. } => {
                format!(
                    "is another kolm running? Look with `ss -ltnp 'sport = :{}'`, or set [listen] address",
                    address.port()
                )
            }
            Self::Platform { .. } => {
                "repair the system's certificate store, or point SSL_CERT_FILE to a bundle".to_owned()
            }
            Self::Anchors { .. } => {
                "give `extra_ca` a PEM file with the certificate of the authority".to_owned()
            }
            Self::Tls { .. } => "`kolm config check` names the file".to_owned(),
            Self::Spend { .. } => {
                "restore it, or remove it: all budgets in dollars then begin at zero".to_owned()
            }
            Self::Runtime(_) => {
                "check the limits on threads and open files (`ulimit -u`, `ulimit -n`)".to_owned()
            }
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Listen { .. } | Self::Runtime(_) => Exit::Failed,
            Self::Platform { .. } | Self::Anchors { .. } | Self::Tls { .. } | Self::Spend { .. } => {
                Exit::Missing
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_code_and_a_hint() {
        let cause = || std::io::Error::other("no");
        let errors = [
            ("K0801", Error::Listen { address: ([127, 0, 0, 1], 1).into(), cause: cause() }),
            ("K0802", Error::Platform { cause: "no".to_owned() }),
            ("K0803", Error::Anchors { path: "ca.pem".into(), cause: "no".to_owned() }),
            ("K0804", Error::Runtime(cause())),
            ("K0810", Error::Tls { cause: "no".to_owned() }),
            ("K0820", Error::Spend { path: "spend.json".into(), cause: "no".to_owned() }),
        ];
        for (code, error) in errors {
            assert_eq!(error.code().to_string(), code, "{error}");
            assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "{error} has no hint");
        }
    }
}
