//! kolm-policies
pub mod anonymize;
pub mod dataset;
pub mod eligible;
pub mod gate;
pub mod limit;
pub mod price;
pub mod rollout;
pub mod score;
