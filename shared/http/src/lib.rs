//! The glue between API Gateway and a call: an event in, JSON or problem+json out.
//!
//! **Invariant:** this crate alone names `lambda_http`, and it alone reads the environment and
//! the clock. It knows how calls are reached and answered, never what one of them does.

mod accept;
mod account;
mod app;
mod body;
mod call;
mod click;
mod consumer;
mod device;
mod endpoint;
mod etag;
mod event;
mod link_keys;
mod problem;
mod request;
mod response;
mod serve;
mod session;
mod viewer;

pub use account::{AccountSettings, PublicUrl};
pub use app::{App, Clock, Entropy, KeyIds, Misconfigured, Worker};
pub use body::own_email::OwnEmailBody;
pub use body::problem::ProblemBody;
pub use body::user::UserBody;
pub use call::call;
pub use click::{Click, OnGet};
pub use consumer::{Change, Consumed, Consumer, ConsumerFuture, Fault, Image, Record, consume};
pub use device::device_cookie;
pub use endpoint::{Access, Action, Connect, Endpoint, HandlerFuture, Method, Schema, WireSchema};
pub use event::{Event, invoke};
pub use lambda_http::Error;
pub use link_keys::LinkKeys;
pub use problem::Problem;
pub use request::{Request, required};
pub use response::{Page, Response};
pub use serve::{log_lines, serve, serve_consumer, serve_link};
pub use session::{Caller, ended_session_cookies, session_cookies};
