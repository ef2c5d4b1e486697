//! What the tests and the check of a whole run share: published examples, and the files of a run.

pub mod examples;
pub mod run;
