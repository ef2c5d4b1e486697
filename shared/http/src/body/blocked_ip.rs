//! An IP address from which signing in has failed (users-api.md, section 4).

use domain::Timestamp;
use domain::blocked_ip::BlockedIp;
use serde::Serialize;

/// What was counted for one user and one IP address, or /64 network of IPv6 addresses.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "BlockedIp")
)]
pub struct BlockedIpBody<'a> {
    /// As it is counted: an IPv4 address, or the /64 network of an IPv6 address.
    ip: &'a str,
    /// Failures that count.
    failure_count: u64,
    sign_in_attempts_count: u64,
    /// The same under its older name.
    login_count: u64,
    /// Unix seconds.
    last_sign_in_attempt: i64,
    /// The same under its older name.
    last_login_attempt: i64,
    /// Unix seconds: the user's last success, if it came from there.
    last_sign_in_success: Option<i64>,
    /// Unix seconds: when the lock-out ends.
    block_until: Option<i64>,
}

impl<'a> BlockedIpBody<'a> {
    /// How `blocked` is shown.
    pub fn of(blocked: &'a BlockedIp) -> Self {
        let last_attempt = blocked.last_attempt.as_unix();
        Self {
            ip: &blocked.ip_address,
            failure_count: blocked.failures,
            sign_in_attempts_count: blocked.attempts,
            login_count: blocked.attempts,
            last_sign_in_attempt: last_attempt,
            last_login_attempt: last_attempt,
            last_sign_in_success: blocked.last_success.map(Timestamp::as_unix),
            block_until: blocked.block_until.map(Timestamp::as_unix),
        }
    }
}
