mod remove_passkey;
