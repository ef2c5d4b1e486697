mod add_email;
mod remove_email;
mod send_verification_link;
mod set_primary_email;
mod unverify_email;
mod verify_email;
