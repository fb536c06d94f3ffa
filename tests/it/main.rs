//! The whole product from outside: the real `kolm` binary against a fake cloud that speaks real bytes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails where it finds something wrong")]

mod anonymize;
mod bad_input;
mod challenger;
mod chaos;
mod config;
mod conformance;
mod crash;
mod dice;
mod differential;
mod engines;
mod evaluation;
mod failover;
mod fake;
mod fuzz;
mod house;
mod isolation;
mod keys;
mod leaves;
mod limits;
mod memory;
mod planted;
mod port;
mod refused;
mod relay;
mod reload;
mod rollout;
mod smuggling;
mod stop;
mod students;
mod surfaces;
mod telemetry;
mod tls;
mod trial;
mod upgrade;
mod vault;
mod wire;
mod world;
