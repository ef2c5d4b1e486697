mod get_private_data;
mod get_public_data;
mod update_private_data;
mod update_public_data;

/// Both kinds are read and changed by the same code.
const KINDS: [&str; 2] = ["private_data", "public_data"];
