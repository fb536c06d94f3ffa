//! The whole product from outside: the real `kolm` binary against a fake cloud that speaks real bytes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails where it finds something wrong")]

mod bad_input;
mod config;
mod conformance;
mod crash;
mod fake;
mod house;
mod relay;
mod reload;
mod rollout;
mod students;
mod telemetry;
mod world;
