mod end_session;
mod get_session;
mod list_sessions;
