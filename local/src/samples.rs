//! The two users and the group that a new local store starts with, so that every command of README and every sample
//! event works.

use domain::device::Device;
use domain::sign_in::{Counter, IdentifierAndIp, Limits, SignInUser, Visitor};
use domain::user::Place;
use domain::{Account, Actor, ChangedBy, OperationId, Timestamp, User, sample};
use store::{
    Accounts, Entry, Groups, Memberships, Precondition, Sessions, SignIn, SignIns, Table, Users,
    Write, WriteError,
};
use tokio::time::{Duration, Instant};

/// Writes both users and the group.
pub async fn write(table: &Table, now: Timestamp) -> Result<(), WriteError> {
    let user = write_user(&Users::new(table.clone()), now).await?;
    write_sign_ins(table, &user, now).await?;
    write_group(table, now).await?;
    write_membership(table, &user, now).await?;
    write_person(table, now).await?;
    Ok(())
}

/// Writes the user of the published examples.
pub async fn write_user(users: &Users, now: Timestamp) -> Result<User, WriteError> {
    users
        .create(sample::published(), &write_of("user", now))
        .await
}

/// Writes what signing in left behind for the user of the published examples, whose own item stays as
/// it is: a session, and a failure from an IP address.
pub async fn write_sign_ins(table: &Table, user: &User, now: Timestamp) -> Result<(), WriteError> {
    let write = write_of("sign-ins", now);
    let sessions = Sessions::new(table.clone());
    let session = sample::session(user, now);
    sessions.write(user.id(), &session, &write).await?;
    let sign_ins = SignIns::new(table.clone());
    let pair = IdentifierAndIp::of_user(user, "192.0.2.1");
    let (counter, limits) = (Counter::IdentifierAndIp(pair), Limits::default());
    sign_ins.count_attempt(&counter, limits, &write).await?;
    sign_ins.count_failure(&counter, limits, &write).await?;
    Ok(())
}

/// Writes the group.
pub async fn write_group(table: &Table, now: Timestamp) -> Result<(), WriteError> {
    let groups = Groups::new(table.clone());
    groups
        .create(sample::group(), &write_of("group", now))
        .await?;
    Ok(())
}

/// Assigns the user of the published examples to the group.
pub async fn write_membership(
    table: &Table,
    user: &User,
    now: Timestamp,
) -> Result<(), WriteError> {
    let memberships = Memberships::new(table.clone());
    let write = write_of("membership", now);
    memberships
        .assign(user.id(), sample::group().id, &write)
        .await?;
    Ok(())
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
    let session = sample::session(&user, now);
    let visitor = Visitor {
        ip_address: session.ip_address.clone(),
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

pub(crate) fn write_of(name: &str, now: Timestamp) -> Write {
    Write {
        by: ChangedBy {
            actor: Actor::System,
            call: "sample".into(),
        },
        operation: OperationId::of(&[b"sample", name.as_bytes()]),
        is_named: false,
        precondition: Precondition::None,
        now,
        deadline: Instant::now() + Duration::from_secs(10),
    }
}
