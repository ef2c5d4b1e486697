mod send_notifications;
