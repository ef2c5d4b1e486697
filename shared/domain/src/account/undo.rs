//! Takes a change of the primary address back (flow, 5).

use crate::Refusal;
use crate::account::{Account, ChangeContext, LinkStatus};
use crate::link::Link;
use crate::notification::{Message, Recipient};
use crate::password::PasswordHash;

impl Account {
    /// Takes a change of the primary address back (flow, 5): the old address is primary again,
    /// addresses added since are gone, and all sessions end. What the management API has added or
    /// proved stays.
    pub fn undo(
        &mut self,
        link: &Link,
        password: PasswordHash,
        context: ChangeContext<'_>,
    ) -> Result<(), Refusal> {
        if self.link_status(link, context.lifetimes, context.now)? == LinkStatus::Done {
            return Ok(());
        }
        let right = link.subject.change().and_then(|id| self.rights.get(id));
        let right = right.ok_or(Refusal::LinkNotValid)?;
        let (old, kept, made_in) = (right.email, right.kept.clone(), right.made_in);
        let other = self.primary_email().filter(|(id, _)| *id != old);
        let other = other.and_then(|(_, email)| Recipient::of(email));
        self.tell(other, Message::EmailChangeUndone, context);
        let user = &mut self.user;
        user.restore_primary_email(old, |id, own| kept.contains(&id) || own.is_managed());
        user.replace_password(password, context.now);
        self.pending.clear();
        let user = &self.user;
        // Later changes are taken back, so the rights that they gave to other addresses end, too. Older
        // rights of other addresses stay: this undo doesn't take their changes back.
        self.rights.retain(|_, right| {
            (right.made_in <= made_in || right.email == old) && user.emails().contains(right.email)
        });
        for right in self.rights.values_mut() {
            right.is_used |= right.email == old && right.made_in >= made_in;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::testing::{
        A, B, HOUR, NEW, NOW, Told, UNDO, ada, at, email, fresh, hash, id, link, primary,
        recipients, request_change, request_email,
    };
    use crate::address::Tenure;
    use crate::{Email, Timestamp};

    fn undo(account: &mut Account, link: &Link, now: Timestamp) -> (Result<(), Refusal>, Told) {
        at(account, now, |account, context| {
            account.undo(link, hash(), context)
        })
    }

    #[test]
    fn the_old_address_is_primary_again_and_what_came_since_is_gone() {
        let mut account = ada();
        let change = link(&request_change(&mut account, NEW, NOW), NEW).unwrap();
        let (_, told) = at(&mut account, NOW, |account, context| {
            account.confirm(&change, context)
        });
        let link = link(&told, A).unwrap();
        let later = NOW.plus(HOUR);
        account
            .user
            .prove_email(fresh(8), email("planted@example.net"))
            .unwrap();
        account
            .user
            .add_email(fresh(9), email("managed@example.net"), true)
            .unwrap();
        request_email(&mut account, "waiting@example.net", later);
        let epoch = account.user.session_epoch();

        let (outcome, told) = undo(&mut account, &link, later);
        outcome.unwrap();
        assert_eq!(primary(&account), Some(A));
        assert_eq!(account.user.emails().tenure(), Tenure::Restored);
        let left: Vec<_> = account.user.emails().values().map(Email::as_str).collect();
        assert_eq!(left, ["managed@example.net", A, B]);
        assert!(account.pending.is_empty());
        assert_eq!(account.user.session_epoch(), epoch.next());
        assert_eq!(account.user.password_hash(), Some(&hash()));
        assert_eq!(recipients(&told), [NEW]);

        let once = account.clone();
        assert_eq!(
            undo(&mut account, &link, later),
            (Ok(()), vec![]),
            "it is done"
        );
        assert_eq!(account.user, once.user);
        let lapsed = undo(&mut account, &link, NOW.plus(UNDO)).0;
        assert_eq!(lapsed, Err(Refusal::LinkNotValid));
    }

    #[test]
    fn no_other_address_is_told_when_the_address_is_primary_already() {
        let mut account = ada();
        let link = link(&request_change(&mut account, B, NOW), A).unwrap();
        request_change(&mut account, A, NOW.plus(HOUR));
        let (outcome, told) = undo(&mut account, &link, NOW.plus(HOUR));
        assert_eq!((outcome, told), (Ok(()), vec![]));
        assert_eq!(account.user.password_hash(), Some(&hash()));
    }

    #[test]
    fn an_undo_ends_later_rights_of_others_and_no_older_ones() {
        let mut account = ada();
        account.user.prove_email(fresh(9), email(NEW)).unwrap();
        let first = link(&request_change(&mut account, B, NOW), A).unwrap();
        // B is established by now, and A's first right is still alive at its last moment.
        let managed = crate::sample::changed(account.user.clone(), |user| {
            let own = user.emails.iter().map(|(id, own)| (id, own.clone()));
            let primary = crate::address::Primary {
                id: id(&account, B),
                tenure: Tenure::Managed,
            };
            user.emails = crate::Addresses::restore(own.collect(), Some(primary)).unwrap();
        });
        account.user = managed;
        let second = link(&request_change(&mut account, NEW, NOW), B).unwrap();
        assert_eq!(account.rights.len(), 2);

        let mut by_the_second = account.clone();
        undo(&mut by_the_second, &second, NOW).0.unwrap();
        let rights: Vec<_> = by_the_second
            .rights
            .values()
            .map(|right| right.is_used)
            .collect();
        assert_eq!(rights.len(), 2, "A's right is older");
        assert_eq!(rights.iter().filter(|is_used| **is_used).count(), 1);

        undo(&mut account, &first, NOW).0.unwrap();
        let (_, right) = account.rights.pop_first().unwrap();
        assert_eq!((right.email, right.is_used), (id(&account, A), true));
        assert!(
            account.rights.is_empty(),
            "B's right went with the change that gave it"
        );
    }
}
