mod create_user;
mod delete_user;
mod disable_user;
mod enable_user;
mod get_user;
mod unblock_user;
