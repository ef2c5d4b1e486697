//! What the tests know beside the service: published examples, and what a run leaves behind.

pub mod examples;
pub mod run;
