//! The parts of the system together: real binaries, also killed ones, a real browser, and services by
//! other authors.

mod browser;
mod clients;
mod crashes;
mod keys;
mod lambda;
mod moto;
mod permissions;
