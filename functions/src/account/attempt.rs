//! One attempt with a password: at signing in, and where a signed-in person gives it again.

use domain::password::{self, Verified};
use domain::sign_in::{Pair, Verdict, Visitor, judge};
use domain::{Timestamp, User};
use roster_http::{App, Problem};
use secrecy::SecretString;
use store::{Admission, Write};

/// An attempt that is counted already.
pub(super) struct Attempt<'a> {
    app: &'a App,
    pub(super) pair: Pair,
    pub(super) visitor: Visitor,
    write: &'a Write,
    is_last: bool,
}

impl<'a> Attempt<'a> {
    /// Counts the attempt, before anybody looks at the password.
    pub(super) async fn begin(
        app: &'a App,
        pair: Pair,
        visitor: Visitor,
        write: &'a Write,
    ) -> Result<Self, Problem> {
        let limits = app.account.limits;
        match app.users.count_attempt(&pair, limits, write).await? {
            Admission::Counted { is_last } => Ok(Self {
                app,
                pair,
                visitor,
                write,
                is_last,
            }),
            Admission::LockedUntil(until) => Err(Problem::TooMany(write.now.until(until))),
        }
    }

    /// When it is made.
    pub(super) fn now(&self) -> Timestamp {
        self.write.now
    }

    /// What it comes to; `user` with whether the IP address is known to be theirs. It takes one
    /// argon2 run, whoever tries.
    pub(super) fn judge(
        &self,
        user: Option<&(User, bool)>,
        typed: &SecretString,
    ) -> (Verdict, Verified) {
        let hash = user.and_then(|(user, _)| user.credential.as_ref()?.hash.as_ref());
        let verified = password::verify(typed, hash);
        let is_known = user.is_some_and(|(_, is_known)| *is_known);
        let user = user.map(|(user, _)| user);
        let verdict = judge(user, verified.is_right, is_known, self.write.now);
        (verdict, verified)
    }

    /// Writes the failure down.
    pub(super) async fn fail(&self, user: Option<&User>) -> Result<(), Problem> {
        let Self { app, write, .. } = self;
        app.users
            .record_failure(user, app.account.limits, &self.visitor, write)
            .await?;
        if self.is_last {
            app.users.lock_pair(&self.pair, write.now).await?;
        }
        Ok(())
    }
}
