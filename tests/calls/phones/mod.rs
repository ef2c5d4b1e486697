mod add_phone;
mod remove_phone;
mod set_primary_phone;
mod unverify_phone;
mod verify_phone;
