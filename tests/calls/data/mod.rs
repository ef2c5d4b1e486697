mod get_private_data;
mod get_public_data;
mod update_private_data;
mod update_public_data;
