//! The two users that a new local store starts with, so that every command of README and every sample
//! event works.

use domain::device::Device;
use domain::session::{IDLE_LIFETIME, Session};
use domain::sign_in::{Counter, IdentifierAndIp, SignInUser, Visitor};
use domain::user::Place;
use domain::{Account, OperationId, Timestamp, User, sample};
use store::{Accounts, Entry, Precondition, SignIn, SignIns, Table, Users, Write, WriteError};
use tokio::time::{Duration, Instant};

/// Writes both users.
pub async fn write(table: &Table, now: Timestamp) -> Result<(), WriteError> {
    write_user(&Users::new(table.clone()), now).await?;
    write_person(table, now).await?;
    Ok(())
}

/// Writes the user of the published examples.
pub async fn write_user(users: &Users, now: Timestamp) -> Result<User, WriteError> {
    users
        .create(sample::published(), &write_of("user", now))
        .await
}

/// Writes the person who can sign in, with an address that waits to be proved, a right to undo a
/// change, and a session.
pub async fn write_person(table: &Table, now: Timestamp) -> Result<User, WriteError> {
    let person = sample::person();
    let user = Users::new(table.clone())
        .create(person.user.clone(), &write_of("person", now))
        .await?;
    let hung_on = |account: &mut Account| {
        account.pending.clone_from(&person.pending);
        account.rights.clone_from(&person.rights);
        Ok(())
    };
    Accounts::new(table.clone())
        .edit(user.id(), &write_of("account", now), hung_on)
        .await?;
    let visitor = Visitor {
        ip_address: "127.0.0.1".to_owned(),
        user_agent: None,
        place: Place::default(),
    };
    let token = sample::session_token();
    let session = Session {
        id: token.session_id,
        secret_hash: token.secret.hash(),
        epoch: user.session_epoch(),
        initiated_at: now,
        last_updated: now,
        expires_at: now.plus(IDLE_LIFETIME),
        ip_address: visitor.ip_address.clone(),
        user_agent: None,
        place: Place::default(),
    };
    let sign_in = SignIn {
        user: &SignInUser::from(&user),
        in_a_row: &Counter::IdentifierAndIp(IdentifierAndIp::of_user(&user, &visitor.ip_address)),
        visitor: &visitor,
        entry: Entry::Session(&session, &Device::seen(&sample::device(), now)),
        upgraded: None,
    };
    SignIns::new(table.clone())
        .sign_in(&sign_in, &write_of("session", now))
        .await?;
    Ok(user)
}

fn write_of(name: &str, now: Timestamp) -> Write {
    Write {
        operation: OperationId::of(&[b"sample", name.as_bytes()]),
        is_named: false,
        precondition: Precondition::None,
        now,
        deadline: Instant::now() + Duration::from_secs(10),
    }
}
