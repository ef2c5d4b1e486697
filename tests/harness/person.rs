//! People who are signed in or have a link.

use domain::account::{PendingEmail, UndoRight};
use domain::address::{AddressValue, Primary, Tenure};
use domain::user::Operations;
use domain::{Account, Address, Addresses, Email, User, UserFacts, UserId, sample};
use futures_util::future::join;
use local::calls::ENDPOINTS;
use roster_http::{Access, Endpoint};
use serde_json::{Value, json};

use super::{Answer, Call, NOW, Roster};

/// The cookie of a person's own device.
const DEVICE: &str = "__Host-device";

impl Answer {
    /// The device that the answer makes the person's own.
    pub(crate) fn device(&self) -> Option<String> {
        let cookies = self.set_cookies();
        cookies.get(DEVICE).map(|(value, _)| (*value).to_owned())
    }
}

/// The same addresses with another primary one, or with none.
pub(crate) fn with_primary(
    emails: &Addresses<Email>,
    primary: Option<Primary>,
) -> Addresses<Email> {
    let own = emails.iter().map(|(id, own)| (id, own.clone()));
    Addresses::restore(own.collect(), primary).unwrap()
}

/// The same addresses or numbers, none of them proved.
pub(crate) fn unproved<T: AddressValue + Clone>(own: &Addresses<T>) -> Addresses<T> {
    let unproved = own.iter().map(|(id, own)| {
        let unproved = Address {
            verified: false,
            verification_source: None,
            ..own.clone()
        };
        (id, unproved)
    });
    Addresses::restore(unproved.collect(), None).unwrap()
}

/// Brings the sample user into a state in which a call that mails a link has one to mail.
pub(crate) fn let_mail(call: &str, user: &mut UserFacts) {
    match call {
        "send_verification_link" => user.emails = unproved(&user.emails),
        "make_reset_link" => {
            let primary = user.emails.ids().next().map(|id| Primary {
                id,
                tenure: Tenure::Managed,
            });
            user.emails = with_primary(&user.emails, primary);
        }
        _ => {}
    }
}

/// A user whose primary address the management API vouches for.
pub(crate) fn managed(user: User) -> User {
    sample::changed(user, |user| {
        let primary = user.emails.primary().map(|primary| Primary {
            tenure: Tenure::Managed,
            ..primary
        });
        user.emails = with_primary(&user.emails, primary);
    })
}

/// All calls that are reached by a link.
pub(crate) fn link_calls() -> impl Iterator<Item = &'static Endpoint> {
    ENDPOINTS
        .iter()
        .copied()
        .filter(|endpoint| endpoint.access == Access::Link)
}

/// A signed-in person. Requests are sent as the person's browser sends them.
pub(crate) struct Person<'a> {
    pub(crate) roster: &'a Roster,
    pub(crate) id: String,
    /// The value of the session's cookies.
    pub(crate) session: String,
    /// The value of the cookie `csrftoken`.
    pub(crate) csrf: String,
    /// The value of the cookie `__Host-device`. It is sent only with requests from the own device,
    /// because a stolen session doesn't have it.
    pub(crate) device: String,
}

impl Roster {
    /// Writes the sample person's user, with nothing hanging on them.
    pub(crate) async fn write_ada(&self) -> User {
        let user = sample::person().user;
        self.write(&user).await;
        user
    }

    /// Writes the sample person, and signs them in.
    pub(crate) async fn ada(&self) -> Person<'_> {
        self.write_ada().await;
        self.sign_in("ada", sample::PASSWORD).await
    }

    /// Creates a user by the API, with a username, a primary address and a password, and signs
    /// them in.
    pub(crate) async fn person(&self, name: &str) -> Person<'_> {
        let email = format!("{name}@example.org");
        self.create(json!({
            "username": name, "email": email, "email_verified": true,
            "password": sample::PASSWORD, "is_temporary_password": false,
        }))
        .await;
        self.sign_in(name, sample::PASSWORD).await
    }

    /// A request to sign in, before it is sent.
    pub(crate) fn attempt(&self, body: Value) -> Call<'_> {
        self.visit("POST", "/users/login/").json(body)
    }

    /// The answer to a sign-in by username.
    pub(crate) async fn login(&self, username: &str, password: &str) -> Answer {
        let body = json!({ "username": username, "password": password });
        self.attempt(body).send().await
    }

    /// The answer to a sign-in by username from another IP address.
    pub(crate) async fn login_from(&self, ip: &str, username: &str, password: &str) -> Answer {
        let body = json!({ "username": username, "password": password });
        self.attempt(body).from(ip).send().await
    }

    /// The answer to a sign-in by username with this value of the device cookie.
    pub(crate) async fn login_by(&self, device: &str, username: &str, password: &str) -> Answer {
        let body = json!({ "username": username, "password": password });
        let call = self.attempt(body);
        call.header("cookie", format!("{DEVICE}={device}"))
            .send()
            .await
    }

    /// The user as the management API shows them.
    pub(crate) async fn shown(&self, id: &str) -> Value {
        let path = format!("/api/users/{id}");
        self.send("GET", &path).await.expect(200).body
    }

    /// Signs in by username.
    pub(crate) async fn sign_in(&self, username: &str, password: &str) -> Person<'_> {
        Person::of(self, &self.login(username, password).await.expect(200))
    }

    /// The path of the link in the last message to an address or number, after the consumers have run.
    pub(crate) async fn link_to(&self, recipient: &str) -> String {
        self.send_notifications().await;
        let messages = self.outbox.messages();
        let message = messages.iter().rfind(|message| message.to == recipient);
        let message = message.unwrap_or_else(|| panic!("nothing to {recipient}: {messages:#?}"));
        let start = message
            .text
            .find("http")
            .unwrap_or_else(|| panic!("no link: {message:#?}"));
        let url = message.text[start..].split_whitespace().next().unwrap();
        let path = url.find("/users/").unwrap();
        url[path..].to_owned()
    }

    /// The recipients of all messages, after the consumers have run.
    pub(crate) async fn recipients(&self) -> Vec<String> {
        self.send_notifications().await;
        let messages = self.outbox.messages();
        messages.into_iter().map(|message| message.to).collect()
    }

    /// The recipients of all messages after the first `earlier` ones, in alphabetical order, after the
    /// consumers have run.
    pub(crate) async fn recipients_after(&self, earlier: usize) -> Vec<String> {
        let mut later = self.recipients().await.split_off(earlier);
        later.sort();
        later
    }

    /// Follows a link to an address as a program does, and expects success.
    pub(crate) async fn follow_link_to(&self, recipient: &str) {
        let link = self.link_to(recipient).await;
        self.follow(&link).await.expect(200);
    }

    /// Opens a link in a browser.
    pub(crate) async fn open(&self, link: &str) -> Answer {
        let accept = "text/html,application/xhtml+xml,*/*;q=0.8";
        self.visit("GET", link)
            .header("accept", accept)
            .send()
            .await
    }

    /// Follows a link as a program does: a GET that asks for JSON.
    pub(crate) async fn follow(&self, link: &str) -> Answer {
        let accept = "application/json";
        self.visit("GET", link)
            .header("accept", accept)
            .send()
            .await
    }

    /// Opens a link in a browser and sends its form.
    pub(crate) async fn press(&self, link: &str, form: &str) -> Answer {
        let nonce = self.nonce(link).await;
        self.submit(link, &nonce, form).await
    }

    /// The nonce that a link's page gives its form.
    pub(crate) async fn nonce(&self, link: &str) -> String {
        let page = self.open(link).await.expect(200);
        page.set_cookies()["linknonce"].0.to_owned()
    }

    /// Sends the form of a link's page with this nonce.
    pub(crate) async fn submit(&self, link: &str, nonce: &str, form: &str) -> Answer {
        self.visit("POST", link)
            .header("accept", "text/html")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", format!("linknonce={nonce}"))
            .body(form)
            .send()
            .await
    }

    /// Uses a link twice at the same moment, with two passwords. Only the use whose password is set
    /// then may answer `done`.
    pub(crate) async fn race_passwords(&self, link: &str, done: &str, username: &str) {
        let nonce = self.nonce(link).await;
        let passwords = ["first long password", "other long password"];
        let forms = passwords.map(|password| format!("password={}", password.replace(' ', "+")));
        let (first, other) = join(
            self.submit(link, &nonce, &forms[0]),
            self.submit(link, &nonce, &forms[1]),
        )
        .await;
        for (answer, password) in [(first, passwords[0]), (other, passwords[1])] {
            let says_so = answer.html().contains(done);
            assert!(
                says_so || answer.html().contains("This was done already"),
                "{answer:#?}"
            );
            let works = self.login(username, password).await.status == 200;
            assert_eq!(says_so, works, "{answer:#?}");
        }
    }

    /// The sample person's user, as it is stored.
    pub(crate) async fn read_ada(&self) -> User {
        let id = UserId::parse(sample::PERSON).unwrap();
        self.users.get(&id).await.unwrap().unwrap()
    }
}

impl<'r> Person<'r> {
    /// The person whom an answer has signed in.
    pub(crate) fn of(roster: &'r Roster, answer: &Answer) -> Self {
        let cookies = answer.set_cookies();
        Self {
            roster,
            id: answer.body["user_id"].as_str().unwrap().to_owned(),
            session: cookies["__Host-sessionid"].0.to_owned(),
            csrf: cookies["csrftoken"].0.to_owned(),
            device: answer.device().unwrap(),
        }
    }

    /// The same person with the same directory at another time, or with other parameters.
    pub(crate) fn at<'a>(&self, roster: &'a Roster) -> Person<'a> {
        Person {
            roster,
            id: self.id.clone(),
            session: self.session.clone(),
            csrf: self.csrf.clone(),
            device: self.device.clone(),
        }
    }

    /// A request with the session's cookies and its CSRF token.
    pub(crate) fn request(&self, method: &str, path: &str) -> Call<'_> {
        self.request_with(method, path, "")
    }

    /// The same request from the person's own device.
    pub(crate) fn request_at_home(&self, method: &str, path: &str) -> Call<'_> {
        self.request_with(method, path, &format!("; {DEVICE}={}", self.device))
    }

    fn request_with(&self, method: &str, path: &str, device: &str) -> Call<'_> {
        let cookies = format!("sessionid={}; csrftoken={}", self.session, self.csrf);
        self.roster
            .visit(method, path)
            .header("cookie", cookies + device)
            .header("x-csrftoken", self.csrf.clone())
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send().await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.request("POST", path).json(body).send().await
    }

    /// The text of a refusal (400). Checks that it has changed nothing on the account.
    pub(crate) async fn refused(&self, path: &str, body: Value) -> (String, Value) {
        let before = self.emails().await;
        let answer = self.post(path, body).await.expect(400);
        assert_eq!(self.emails().await, before);
        assert_eq!(self.roster.recipients().await, [""; 0]);
        let mut problem = answer.problem();
        let (detail, errors) = (problem["detail"].take(), problem["errors"].take());
        assert_eq!(
            problem,
            json!({
                "type": "https://httpstatuses.io/400", "title": "Bad Request", "status": 400,
                "detail": null, "instance": path, "errors": null,
            })
        );
        (detail.as_str().unwrap().to_owned(), errors)
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.request("DELETE", path).send().await
    }

    /// Asks for another primary address, with this password.
    pub(crate) async fn change_email(&self, email: &str, password: &str) -> Answer {
        let body = json!({ "user": self.id, "email": email, "password": password });
        self.post("/users/email-change/", body).await
    }

    /// Asks for another primary address from the person's own device.
    pub(crate) async fn change_email_at_home(&self, email: &str, password: &str) -> Answer {
        let body = json!({ "user": self.id, "email": email, "password": password });
        let call = self.request_at_home("POST", "/users/email-change/");
        call.json(body).send().await
    }

    /// Asks to add an address.
    pub(crate) async fn add_email(&self, email: &str) -> Answer {
        self.post("/users/email/", json!({ "email": email })).await
    }

    /// The person's own addresses: the address, and whether it is verified and primary.
    pub(crate) async fn emails(&self) -> Vec<(String, bool, bool)> {
        let answer = self.get("/users/emails/").await.expect(200);
        let emails = answer.body.as_array().unwrap().iter();
        emails
            .map(|email| {
                let is = |name: &str| email[name].as_bool().unwrap();
                (
                    email["email"].as_str().unwrap().to_owned(),
                    is("verified"),
                    is("primary"),
                )
            })
            .collect()
    }

    /// The person's own addresses, each as one line: the address and its state.
    pub(crate) async fn listed(&self) -> Vec<String> {
        let emails = self.emails().await.into_iter();
        emails
            .map(
                |(email, is_verified, is_primary)| match (is_verified, is_primary) {
                    (true, true) => format!("{email} primary"),
                    (true, false) => format!("{email} verified"),
                    _ => format!("{email} pending"),
                },
            )
            .collect()
    }

    /// Changes the primary address, with all steps.
    pub(crate) async fn move_to(&self, email: &str) {
        self.change_email(email, sample::PASSWORD).await.expect(200);
        self.roster.follow_link_to(email).await;
    }

    /// Adds an address and proves it.
    pub(crate) async fn prove(&self, email: &str) {
        self.add_email(email).await.expect(200);
        self.roster.follow_link_to(email).await;
    }

    /// The id of one of the person's addresses.
    pub(crate) async fn email_id(&self, email: &str) -> String {
        let answer = self.get("/users/emails/").await.expect(200);
        let emails = answer.body.as_array().unwrap();
        let own = emails.iter().find(|own| own["email"] == email).unwrap();
        own["id"].as_str().unwrap().to_owned()
    }

    /// The management API's path of the user.
    pub(crate) fn path(&self) -> String {
        format!("/api/users/{}", self.id)
    }

    /// The management API's path of one of the person's addresses.
    pub(crate) async fn email_path(&self, email: &str) -> String {
        format!("{}/emails/{}", self.path(), self.email_id(email).await)
    }
}

/// The sample person and what hangs on them, without what is random in each attempt; and the recipients
/// of notifications, in alphabetical order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AccountState {
    pub(crate) user: UserFacts,
    pub(crate) pending: Vec<PendingEmail>,
    pub(crate) rights: Vec<UndoRight>,
    pub(crate) notified: Vec<String>,
}

impl AccountState {
    pub(crate) async fn of(roster: &Roster) -> Self {
        let id = UserId::parse(sample::PERSON).unwrap();
        let Account {
            user,
            pending,
            rights,
            ..
        } = roster.accounts.get(&id).await.unwrap().unwrap();
        let mut user = UserFacts::from(user);
        user.operations = Operations::default();
        let credential = user.credential.as_mut().unwrap();
        // The hash has a random salt. The password's time tells whether it is another password.
        credential.hash = None;
        let items = roster.table.items().await;
        let notifications = items
            .iter()
            .filter(|((_, sort), _)| sort.starts_with("NOTIFICATION#"));
        let mut notified: Vec<String> = notifications
            .map(|(_, item)| format!("{:?}", item["to"]))
            .collect();
        notified.sort();
        let mut rights: Vec<_> = rights.into_values().collect();
        rights.sort_by_key(|right| right.made_in);
        Self {
            user,
            pending: pending.into_values().collect(),
            rights,
            notified,
        }
    }

    /// The same, as if everything had happened at one time.
    pub(crate) fn timeless(mut self) -> Self {
        self.user.last_updated = NOW;
        self.user.proof_told_at = self.user.proof_told_at.map(|_| NOW);
        let primary = self.user.emails.primary().map(|mut primary| {
            if let Tenure::Since(then) = &mut primary.tenure {
                *then = NOW;
            }
            primary
        });
        self.user.emails = with_primary(&self.user.emails, primary);
        if let Some(credential) = &mut self.user.credential {
            credential.updated_at = NOW;
        }
        for pending in &mut self.pending {
            pending.expires_at = NOW;
        }
        for right in &mut self.rights {
            right.expires_at = NOW;
        }
        self
    }
}
