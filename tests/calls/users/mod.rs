mod create_user;
mod delete_user;
mod disable_user;
mod enable_user;
mod get_user;
mod import_users;
mod list_users;
mod unblock_user;
