//! Changes that send mail to an address before it is proved to be the person's.

use domain::notification::{RateLimitKey, Recipient};
use domain::{Account, Email, Refusal, UserId};
use roster_http::{App, Problem};
use store::Write;

/// Carries out a change, and counts the mail that it sends to `email` (email-self-service.md,
/// "Notifications"). A change that is refused sends no mail and counts none. So a stranger can't use up
/// the hourly limit of another person's address.
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

/// Whether the change of the account would send mail to this address; the refusal, if it is refused.
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
