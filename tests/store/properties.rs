//! What is true for every user and every rule, in the table as in memory.

use domain::rule::Decision;
use domain::{OperationId, Refusal, Rule, User};
use macro_rules_attribute::apply;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store::{Write, WriteError};
use tokio::runtime::Handle;

use super::strategies::{rule_for, user};
use crate::harness::{NOW, Roster, write_by};

/// Runs `property` on many values, from a test that has a runtime already.
fn check<T: std::fmt::Debug>(
    strategy: impl Strategy<Value = T>,
    property: impl Fn(T) -> Result<(), TestCaseError>,
) {
    let config = Config {
        cases: 96,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config).run(&strategy, property).unwrap();
}

fn write() -> Write {
    write_by(OperationId::of(&[b"the change"]), NOW)
}

/// The result of the rule for the user in memory.
fn in_memory(user: &User, rule: &Rule) -> Result<User, Refusal> {
    let mut user = user.clone();
    if rule.apply(&mut user)? == Decision::Apply {
        let write = write();
        user.stamp(write.operation, write.now);
    }
    Ok(user)
}

fn on_the_table(outcome: Result<User, WriteError>) -> Result<User, Refusal> {
    match outcome {
        Ok(user) => Ok(user),
        Err(WriteError::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error}"),
    }
}

#[apply(on_both_stores)]
async fn any_user_survives_the_way_into_the_table_and_back(roster: Roster) {
    tokio::task::block_in_place(|| {
        check(user(), |user| {
            Handle::current().block_on(async {
                let path = roster.write(&user).await;
                prop_assert_eq!(roster.read(&path).await, Some(user.clone()));
                roster.users.delete(user.id(), &write()).await.unwrap();
                Ok(())
            })
        });
    });
    assert!(roster.table.items_without_log().await.is_empty());
}

#[apply(on_both_stores)]
async fn a_rule_does_the_same_in_memory_as_on_the_table(roster: Roster) {
    let cases = user().prop_flat_map(|user| (rule_for(&user), Just(user)));
    tokio::task::block_in_place(|| {
        check(cases, |(rule, user)| {
            Handle::current().block_on(async {
                roster.write(&user).await;
                let answered = on_the_table(roster.users.change(user.id(), &rule, &write()).await);
                let stored = roster.users.get(user.id()).await.unwrap();
                prop_assert_eq!(&answered, &in_memory(&user, &rule));
                prop_assert_eq!(stored, Some(answered.unwrap_or(user.clone())));
                roster.users.delete(user.id(), &write()).await.unwrap();
                Ok(())
            })
        });
    });
}
