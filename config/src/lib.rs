//! `gateway.toml` becomes a checked `Config`, once; past that line nothing re-validates.
//!
//! **Invariant:** a `Config` is whole and consistent, or there is none: every problem of a file is listed
//! with its TOML path and line. Only this crate knows TOML keys and which settings come from the environment.

pub mod certificate;
mod check;
mod config;
mod keys;
mod limits;
mod listen;
mod live;
mod namespace;
mod outside;
mod problem;
mod read;
mod route;
mod secret;
mod table;
mod upstream;

#[cfg(test)]
mod tests;

pub use config::{Admin, Branches, Capture, Config, Distill, Glob, Receipts, Route, Shadow, Store};
pub use keys::{Issue, KEY_PREFIX, KeyFile, KeyFileError, KeyState, VirtualKey};
pub use listen::{CertificateFiles, ClientAuth, Listen, Tls};
pub use live::Live;
pub use namespace::{Namespace, OnUnknownPrice, Retention};
pub use outside::{Outside, Secret};
pub use problem::{Problem, Problems};
pub use read::RawConfig;
pub use upstream::{BaseUrl, Credentials, Timeouts, Upstream};
