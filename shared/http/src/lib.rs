//! The code between API Gateway and a call: an event comes in, JSON or problem+json goes out.
//!
//! **Invariant:** of all that a function links, only this crate names `lambda_http`, and only it reads
//! the environment and the clock. It knows how calls are reached and how they answer, and never what a
//! single call does.

mod accept;
mod app;
mod body;
mod call;
mod clock;
mod deadline;
mod device;
mod endpoint;
mod entropy;
mod environment;
mod etag;
mod event;
mod feed;
mod import;
mod keys;
mod link;
mod link_keys;
mod list;
mod problem;
mod request;
mod response;
#[cfg(feature = "schema")]
pub mod schema;
mod serve;
mod session;
mod settings;
mod user_list;
mod viewer;

pub use app::App;
pub use body::blocked_ip::BlockedIpBody;
pub use body::event::EventBody;
pub use body::group::{GroupBody, UserGroupBody};
pub use body::imported_user::ImportedUserBody;
pub use body::line::LineBody;
pub use body::line::LineOutcome;
pub use body::own_email::OwnEmailBody;
pub use body::problem::ProblemBody;
pub use body::session::SessionBody;
pub use body::user::{ExportedUserBody, UserBody, UserSummaryBody};
pub use call::call;
pub use clock::Clock;
pub use deadline::end_of;
pub use device::device_cookie;
pub use endpoint::{
    Access, Action, Answer, Body, Connect, Endpoint, HandlerFuture, Method, Need, Schema,
    WireSchema,
};
pub use entropy::Entropy;
pub use environment::{Environment, Misconfigured};
pub use event::{Event, invoke};
pub use feed::FeedCursor;
pub use import::Importer;
pub use keys::KeyIds;
pub use lambda_http::Error;
pub use link::{Click, OnGet, link_path, link_url};
pub use link_keys::{LinkKeys, LinkKeysError};
pub use list::{
    AnySort, ListPage, Pagination, Paging, Sort, SortField, page_size, query_text, usual_size,
    whole_number,
};
pub use problem::{Cause, Failure, Problem, reason};
pub use request::{Line, MAX_LINES, PathParameter, Request, required};
pub use response::{Page, Response};
pub use serve::{log_lines, serve, serve_with_link_keys, start};
pub use session::{Caller, ended_session_cookies, session_cookies};
pub use settings::{AccountSettings, PublicUrl};
pub use store::{Import, ImportMode, Imported, Index, Partition};
pub use user_list::UserList;
