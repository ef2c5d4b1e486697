//! Changes that mail an address which is not the person's yet.

use domain::notification::{RateLimitKey, Recipient};
use domain::{Account, Email, Refusal, UserId};
use roster_http::{App, Problem};
use store::Write;

/// Carries out a change, and counts the mail that it sends to `email` (email-self-service.md,
/// "Notifications"). What is refused sends nothing and counts nothing: so a stranger can't use up the hour
/// of an address that isn't theirs.
pub(super) async fn edit_and_mail(
    app: &App,
    user_id: &UserId,
    email: &Email,
    write: &Write,
    change: impl Fn(&mut Account) -> Result<(), Refusal>,
) -> Result<(), Problem> {
    let account = app.accounts.get(user_id).await?;
    let account = account.ok_or(Problem::NotFound(domain::Part::User))?;
    if mails(&account, email, &change)? {
        app.count_notification(&RateLimitKey::for_address(email), write)
            .await?;
    }
    app.accounts.edit_read(account, write, change).await?;
    Ok(())
}

/// Whether the change of the account would mail this address; why it is refused, if it is.
fn mails(
    account: &Account,
    email: &Email,
    change: impl Fn(&mut Account) -> Result<(), Refusal>,
) -> Result<bool, Refusal> {
    let mut planned = account.clone();
    change(&mut planned)?;
    let mailbox = Recipient::of(email);
    let mut recipients = planned.outbox.iter().map(|notification| &notification.to);
    Ok(recipients.any(|to| Some(to) == mailbox.as_ref()))
}
