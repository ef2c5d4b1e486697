//! The wire's shapes: what is shown, computed from the domain.

pub(crate) mod blocked_ip;
pub(crate) mod own_email;
pub(crate) mod problem;
pub(crate) mod session;
pub(crate) mod user;
