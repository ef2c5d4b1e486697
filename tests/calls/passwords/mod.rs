mod cancel_forced_password_reset;
mod change_password;
mod force_password_reset;
mod make_reset_link;
mod remove_password;
mod set_password;
