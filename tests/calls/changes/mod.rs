mod apply_changes;
mod send_notifications;
