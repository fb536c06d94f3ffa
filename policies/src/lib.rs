//! kolm-policies
pub mod anonymize;
pub mod breaker;
pub mod dataset;
pub mod drift;
pub mod eligible;
pub mod gate;
pub mod health;
pub mod limit;
pub mod ner;
pub mod paired;
pub mod price;
pub mod rollout;
pub mod score;
pub mod spare;
