//! What links have in common: a page that says what will happen, a button that does it, and a page that
//! says that it is done.

use domain::account::{ChangeContext, LinkStatus};
use domain::device::{Device, DeviceId};
use domain::link::{Link, Purpose};
use domain::password::{self, OwnNames, Password, PasswordHash, Policy};
use domain::{Account, Code, Refusal};
use roster_http::{
    App, Click, Failure, Method, OnGet, Problem, PublicUrl, Request, Response, device_cookie,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::page::{Deed, Done, Page, PasswordDeed, content_security_policy};

/// A link that acts on the address that it names.
pub(super) struct AddressLink {
    pub(super) purpose: Purpose,
    pub(super) act: fn(&mut Account, &Link, ChangeContext<'_>) -> Result<(), Refusal>,
    pub(super) deed: for<'a> fn(&'a Link) -> Deed<'a>,
    pub(super) done: for<'a> fn(&'a Link) -> Done<'a>,
}

/// A link that sets a new password.
pub(super) struct PasswordLink {
    pub(super) purpose: Purpose,
    pub(super) act: fn(&mut Account, &Link, PasswordHash, ChangeContext<'_>) -> Result<(), Refusal>,
    pub(super) deed: for<'a> fn(&'a str) -> PasswordDeed<'a>,
    pub(super) done: for<'a> fn(&'a str) -> Done<'a>,
}

/// The form of a link's page.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct LinkForm {
    /// Without it, the link does what it is for.
    action: Option<FormAction>,
}

/// What a button does in place of what its link is for.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
enum FormAction {
    /// Drops the address that waits to be proved.
    Cancel,
}

/// The form of a link's page that sets a new password.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct NewPasswordForm {
    /// The new password: 8 to 128 characters, none of the common ones, not the present one, and not the
    /// username, an address or what stands before its @.
    #[cfg_attr(feature = "schema", schemars(required, with = "String"))]
    password: Option<SecretString>,
}

/// Follows a link about an address.
pub(super) async fn follow(
    app: &App,
    request: Request,
    what: &AddressLink,
) -> Result<Response, Failure> {
    match request.click(app, what.purpose, OnGet::MayAct).await {
        Ok(click) => {
            let mut outcome = if click.acts {
                act(app, &request, &click, what).await
            } else {
                look(app, &request, &click, what).await
            };
            let is_unproved = matches!(outcome, Err(Problem::Unproved));
            if is_unproved && *request.method() == Method::GET && request.wants_page() {
                // The page of an unproved link has a button, which needs the nonce, even where every
                // GET acts.
                outcome = look(app, &request, &click, what).await;
            }
            outcome.map_err(|problem| explain(app, &request, problem, &click.link.address))
        }
        Err(problem) => Err(explain(app, &request, problem, "")),
    }
}

async fn act(
    app: &App,
    request: &Request,
    click: &Click,
    what: &AddressLink,
) -> Result<Response, Problem> {
    let write = &request.write;
    let (link, context) = (&click.link, app.change_context(write));
    let form: LinkForm = request.form()?;
    let cancels = matches!(form.action, Some(FormAction::Cancel));
    app.accounts
        .edit(&click.user_id, write, |account| {
            if cancels {
                account.cancel(link, write.now)
            } else {
                (what.act)(account, link, context)
            }
        })
        .await?;
    let done = if cancels {
        Done::Cancelled
    } else {
        (what.done)(link)
    };
    Ok(answer(app, request, Page::Done(done)))
}

async fn look(
    app: &App,
    request: &Request,
    click: &Click,
    what: &AddressLink,
) -> Result<Response, Problem> {
    let address = click.link.address.as_str();
    let (_, status) = account(app, request, click).await?;
    let page = match status {
        LinkStatus::Due => Page::Confirm((what.deed)(&click.link)),
        LinkStatus::Unproved => Page::Unproved { address },
        LinkStatus::Done => Page::Done((what.done)(&click.link)),
    };
    request.form_page(app, click, document(app, &page)).await
}

/// Follows a link that sets a new password.
pub(super) async fn set_password(
    app: &App,
    request: Request,
    what: &PasswordLink,
) -> Result<Response, Failure> {
    let click = match request.click(app, what.purpose, OnGet::Shows).await {
        Ok(click) => click,
        Err(problem) => return Err(explain(app, &request, problem, "")),
    };
    let address = click.link.address.as_str();
    let outcome = change_password(app, &request, &click, what).await;
    outcome.map_err(|problem| {
        let error = refused_password(&problem);
        if error.is_none() || !request.wants_page() {
            return explain(app, &request, problem, address);
        }
        let (deed, error) = ((what.deed)(address), error.as_deref());
        problem.on(document(app, &Page::NewPassword { deed, error }))
    })
}

/// Why a new password was refused, as a sentence.
fn refused_password(problem: &Problem) -> Option<String> {
    match problem {
        Problem::Rules(errors) => errors.first().map(|error| error.description.to_owned()),
        Problem::Validation(members) => {
            let message = members.get("password")?.first()?;
            Some(format!("The password {message}."))
        }
        _ => None,
    }
}

async fn change_password(
    app: &App,
    request: &Request,
    click: &Click,
    what: &PasswordLink,
) -> Result<Response, Problem> {
    let address = click.link.address.as_str();
    // The link is checked first, because hashing the password takes long.
    let (seen, status) = account(app, request, click).await?;
    if status == LinkStatus::Done {
        return Ok(answer(app, request, Page::Done(Done::Already)));
    }
    if !click.acts {
        let deed = (what.deed)(address);
        let page = Page::NewPassword { deed, error: None };
        return request.form_page(app, click, document(app, &page)).await;
    }
    let form: NewPasswordForm = request.form()?;
    let typed = form.password.unwrap_or_default();
    let names = OwnNames::of(&seen.user);
    let password = Password::parse(typed.expose_secret(), Policy::Checked, &names)?;
    refuse_present(&seen, &typed)?;
    let hash = password.hash(app.entropy.bytes());
    let write = &request.write;
    let context = app.change_context(write);
    let device = DeviceId::new(app.entropy.bytes());
    let account = app
        .accounts
        .edit(&click.user_id, write, |account| {
            // Rare: a sign-in or another link has replaced the hash that was checked.
            let is_another = present_hash(account) != present_hash(&seen);
            if is_another
                && account.link_status(&click.link, app.account.lifetimes, write.now)?
                    == LinkStatus::Due
            {
                refuse_present(account, &typed)?;
            }
            let epoch = account.user.session_epoch();
            (what.act)(account, &click.link, hash.clone(), context)?;
            // A new password makes all older devices void, and this browser's device the user's own.
            let is_set = account.user.session_epoch() != epoch;
            account.new_device = is_set.then(|| Device::seen(&device, write.now));
            Ok(())
        })
        .await?;
    // Another use of the same link may have been faster, and have set its own password.
    let is_own = account.user.has_seen(&write.operation);
    let done = if is_own {
        (what.done)(address)
    } else {
        Done::Already
    };
    let answer = answer(app, request, Page::Done(done));
    Ok(answer.with_cookies(is_own.then(|| device_cookie(&device))))
}

fn present_hash(account: &Account) -> Option<&PasswordHash> {
    account.user.password_hash()
}

/// Refuses the present password: the link may be used to lock out a person who knows it. The check
/// takes as long as a sign-in.
fn refuse_present(account: &Account, typed: &SecretString) -> Result<(), Refusal> {
    let hash = present_hash(account);
    if hash.is_some() && password::verify(typed, hash).is_right {
        return Err(Refusal::Member("password", "must not be the present one"));
    }
    Ok(())
}

/// The account of a link, and the status of the link.
async fn account(
    app: &App,
    request: &Request,
    click: &Click,
) -> Result<(Account, LinkStatus), Problem> {
    let account = app.accounts.get(&click.user_id).await?;
    let account = account.ok_or(Problem::LinkNotValid)?;
    let status = account.link_status(&click.link, app.account.lifetimes, request.now())?;
    Ok((account, status))
}

fn document(app: &App, page: &Page<'_>) -> roster_http::Page {
    let site = app.account.public_url.as_ref().map(PublicUrl::authority);
    roster_http::Page {
        html: page.render(site),
        policy: content_security_policy().to_owned(),
    }
}

/// Success: a page for a person, an empty body for a program.
fn answer(app: &App, request: &Request, page: Page<'_>) -> Response {
    if request.wants_page() {
        Response::page(document(app, &page))
    } else {
        Response::done()
    }
}

/// A problem on a page, for a person.
fn explain(app: &App, request: &Request, problem: Problem, address: &str) -> Failure {
    if !request.wants_page() {
        return problem.into();
    }
    let is_taken = |problem: &Problem| {
        matches!(problem, Problem::Rules(errors)
            if errors.iter().any(|error| error.code == Code::DuplicateEmail))
    };
    let page = match &problem {
        Problem::PageExpired | Problem::Malformed(_) => Page::Expired,
        Problem::Unproved => Page::Unproved { address },
        problem if is_taken(problem) => Page::Taken,
        // The link is valid, but can't act now.
        Problem::Validation(_)
        | Problem::Conflict
        | Problem::Unavailable(_)
        | Problem::Internal(_) => Page::Unavailable,
        _ => Page::NotValid,
    };
    let page = document(app, &page);
    problem.on(page)
}
