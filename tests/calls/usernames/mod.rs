mod remove_username;
mod set_username;
