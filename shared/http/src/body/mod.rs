//! The wire's shapes: what is shown, computed from the domain.

pub(crate) mod blocked_ip;
pub(crate) mod event;
pub(crate) mod group;
pub(crate) mod imported_user;
pub(crate) mod line;
pub(crate) mod own_email;
pub(crate) mod problem;
pub(crate) mod session;
pub(crate) mod user;
