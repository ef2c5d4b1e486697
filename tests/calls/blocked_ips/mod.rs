mod list_blocked_ips;
mod unblock_ip;
