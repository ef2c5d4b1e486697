//! No code: the manifest gives the functions' dependencies the features that `local` and the tests
//! turn on.
//!
//! Cargo builds a crate once for each set of its features. Without this crate, tokio, hyper and all
//! that stands on them, the SDK above all, would be built once for the functions and once more for
//! the tests; and a deployed function would write the members of a JSON object in another order
//! than the local service. What a binary does not call, the linker leaves out of it. A test
//! (`tests/consistency.rs`) tells which feature is missing here.
