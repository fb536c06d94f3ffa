//! `gateway.toml` becomes a checked `Config`, once; past that line nothing re-validates.
//!
//! **Invariant:** a `Config` is whole and consistent, or there is none: every problem of a file is listed
//! with its TOML path and line. Only this crate knows TOML keys and which settings come from the environment.

pub mod certificate;
mod check;
mod checker;
mod config;
mod doc;
mod history;
mod keys;
mod limits;
mod listen;
mod live;
mod namespace;
mod outside;
mod probe;
mod problem;
mod read;
mod restart;
mod route;
mod schema;
mod secret;
mod settings;
mod shape;
mod table;
mod telemetry;
mod upstream;
pub mod vault;

#[cfg(test)]
mod tests;

pub use config::{Admin, Branches, Capture, Config, Distill, Glob, Receipts, Route, Shadow, Store};
pub use history::{Entry, History};
pub use keys::{Issue, KEY_PREFIX, KeyFile, KeyFileError, KeyState, VirtualKey};
pub use listen::{CertificateFiles, ClientAuth, Listen, Tls};
pub use live::Live;
pub use namespace::{Namespace, OnUnknownPrice, Retention};
pub use outside::{Outside, Secret};
pub use problem::{Problem, Problems};
pub use read::{Loaded, RawConfig};
pub use schema::schema;
pub use settings::{Change, Settings};
pub use telemetry::{Log, LogFormat, LogLevel, Telemetry};
pub use upstream::{Balance, BaseUrl, Credentials, Engine, FailoverOn, HealthCheck, Timeouts, Upstream};
