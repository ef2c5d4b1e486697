//! The parts of the system together: real binaries, killed ones too, a real browser, and services
//! that others wrote.

mod browser;
mod crashes;
mod keys;
mod lambda;
mod moto;
mod permissions;
