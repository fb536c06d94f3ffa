//! The gateway: Pingora in front of the cloud. The data path (`phases`, `relay`, `proxy`, `tap`) passes bytes;
//! the background (`capture`, `shadow`, `students`, `reconcile`) learns from copies of them.
//!
//! **Invariant:** nothing in the background is ever waited for by a request.

mod admit;
mod answer;
mod capture;
mod choose;
mod close;
pub mod decode;
mod drift;
pub mod error;
pub mod events;
pub mod exchange;
mod framing;
mod gather;
mod hands;
mod headers;
pub mod in_flight;
mod invite;
mod keep;
pub mod keys;
pub mod limits;
mod listen;
mod namespace;
mod own;
pub mod phases;
pub mod pool;
mod proxy;
pub mod queue;
mod receipt;
pub mod reconcile;
mod reconfigure;
mod relay;
mod retention;
mod retries;
mod route;
pub mod sample;
pub mod server;
mod shadow;
mod students;
pub mod table;
mod tap;
pub mod tasks;
pub mod telemetry;
mod till;
mod told;
mod training;
mod trust;
pub mod upstream;

#[cfg(test)]
mod e2e;
