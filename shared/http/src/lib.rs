//! The glue between API Gateway and a call: an event in, JSON or problem+json out.
//!
//! **Invariant:** this crate alone names `lambda_http`, and it alone reads the environment and
//! the clock. It knows how calls are reached and answered, never what one of them does.

mod app;
mod body;
mod call;
mod endpoint;
mod etag;
mod problem;
mod request;
mod response;
mod serve;

pub use app::{App, Clock, Entropy, Misconfigured};
pub use body::problem::ProblemBody;
pub use body::user::UserBody;
pub use call::call;
pub use endpoint::{Access, Action, Connect, Endpoint, HandlerFuture, Method, Schema, WireSchema};
pub use problem::Problem;
pub use request::{Request, required};
pub use response::Response;
pub use serve::serve;
