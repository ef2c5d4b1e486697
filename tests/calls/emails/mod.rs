mod add_email;
mod remove_email;
mod set_primary_email;
mod unverify_email;
mod verify_email;
