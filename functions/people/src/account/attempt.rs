//! One attempt with a password: at a sign-in, or where a signed-in person gives it again.

use domain::device::DeviceId;
use domain::password::{self, Verified};
use domain::sign_in::{Counter, IdentifierAndIp, Verdict, Visitor, judge};
use domain::{Timestamp, UserId};
use roster_http::{App, Problem};
use secrecy::SecretString;
use store::{SignInState, Write};

/// The user that an attempt is for, and where it comes from.
pub(super) struct Candidate {
    /// The user who has the identifier, if there is one.
    pub(super) owner: Option<UserId>,
    /// The counter of failures, unless the attempt comes from the owner's own device.
    pub(super) pair: IdentifierAndIp,
    /// Where the attempt comes from.
    pub(super) visitor: Visitor,
    /// The device that the request names.
    pub(super) device: Option<DeviceId>,
}

/// An attempt that has been counted.
pub(super) struct Attempt<'a> {
    app: &'a App,
    write: &'a Write,
    owner: Option<UserId>,
    device: Option<DeviceId>,
    pub(super) visitor: Visitor,
    /// The counter over all identifiers, unless the attempt comes from the user's own device.
    address: Option<Counter>,
    /// The counter of failures in a row.
    pub(super) in_a_row: Counter,
}

impl<'a> Attempt<'a> {
    /// Reads the user and the device, and counts the attempt before the password is checked: by the
    /// user's own device alone, or else by the IP address and by the pair.
    pub(super) async fn begin(
        app: &'a App,
        candidate: Candidate,
        write: &'a Write,
    ) -> Result<(Self, Option<SignInState>), Problem> {
        let Candidate {
            owner,
            pair,
            visitor,
            device,
        } = candidate;
        let mut attempt = Self {
            app,
            write,
            owner,
            device,
            visitor,
            address: Some(Counter::IpAddress(pair.ip_address.clone())),
            in_a_row: Counter::IdentifierAndIp(pair),
        };
        let state = attempt.look().await?;
        if let Some(own) = attempt.own_device(state.as_ref()) {
            attempt.in_a_row = Counter::Device(own.hash());
            attempt.address = None;
        }
        if let Some(address) = &attempt.address {
            attempt.count(address).await?;
        }
        let counted = attempt.count(&attempt.in_a_row).await;
        if counted.is_err() {
            attempt.leave().await;
        }
        counted.map(|()| (attempt, state))
    }

    async fn count(&self, counter: &Counter) -> Result<(), Problem> {
        let limits = self.app.account.limits;
        let admission = self.app.sign_ins.count_attempt(counter, limits, self.write);
        match admission.await?.wait(self.write.now) {
            Some(wait) => Err(Problem::TooMany(wait)),
            None => Ok(()),
        }
    }

    /// When the attempt is made.
    pub(super) fn now(&self) -> Timestamp {
        self.write.now
    }

    /// The user as of now.
    pub(super) async fn look(&self) -> Result<Option<SignInState>, Problem> {
        let hash = self.device.as_ref().map(DeviceId::hash);
        let state = self
            .app
            .sign_ins
            .state(self.owner.as_ref(), hash.as_ref(), self.write.now);
        Ok(state.await?)
    }

    /// The device that the request names, if it is one of the user's own.
    pub(super) fn own_device(&self, state: Option<&SignInState>) -> Option<&DeviceId> {
        self.device
            .as_ref()
            .filter(|_| state.is_some_and(|state| state.is_own_device))
    }

    /// Judges the attempt. The number of argon2 runs is the same for all users, known or not.
    pub(super) fn judge(
        &self,
        state: Option<&SignInState>,
        typed: &SecretString,
    ) -> (Verdict, Verified) {
        let user = state.map(|state| &state.user);
        let verified = password::verify(typed, user.and_then(|user| user.hash.as_ref()));
        let is_own_device = self.own_device(state).is_some();
        let verdict = judge(user, verified.is_right, is_own_device, self.write.now);
        (verdict, verified)
    }

    /// Writes the failure down.
    pub(super) async fn fail(&self, state: Option<&SignInState>) -> Result<(), Problem> {
        let Self { app, write, .. } = self;
        let limits = app.account.limits;
        tracing::info!(sign_in = "failed");
        // The counters that limit guesses come first: the write to the user may fail when other writes
        // are in the way.
        app.sign_ins
            .count_failure(&self.in_a_row, limits, write)
            .await?;
        if let Some(address) = &self.address {
            app.sign_ins.count_failure(address, limits, write).await?;
        }
        let user = state.map(|state| &state.user);
        let is_counted_at_home = self.address.is_none();
        app.sign_ins
            .record_failure(user, is_counted_at_home, limits, &self.visitor, write)
            .await?;
        Ok(())
    }

    /// Forgets earlier failures in a row, after a right password.
    pub(super) async fn forgive(&self) -> Result<(), Problem> {
        self.app.sign_ins.forgive(&self.in_a_row).await?;
        self.leave().await;
        Ok(())
    }

    /// Takes the attempt out of the IP address's counter, to make room for others. If that fails, the
    /// attempt stops counting after some seconds.
    pub(super) async fn leave(&self) {
        if let Some(address) = &self.address {
            let _ = self.app.sign_ins.give_back(address, self.write).await;
        }
    }
}
