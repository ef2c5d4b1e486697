//! What is asked of the services, and the users it is asked about.

use std::fmt::{self, Display, Formatter};

use clap::ValueEnum;
use processes::Failure;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};

/// The password of all who have one: long enough everywhere, and on no list of common ones.
pub(crate) const PASSWORD: &str = "seldom seen sunrise";
/// A fixed seed lets each run ask the same.
const SEED: u64 = 1;

/// A kind of request. Those that change nothing but sessions come first, so that they meet the
/// number of users that the data file began with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Work {
    /// Get a random user with all addresses.
    Get,
    /// The same, from `PocketBase` without the addresses, which are records of their own there.
    GetAlone,
    /// Sign in as a random one of those with a password.
    SignIn,
    /// Add a proved e-mail address to a random user.
    AddEmail,
    /// Create a user with a username and an e-mail address.
    Create,
    /// The same with a password.
    CreateWithPassword,
}

impl Work {
    /// Whether a password is hashed for each request, so that few are done in a second.
    pub(crate) fn hashes(self) -> bool {
        matches!(self, Self::SignIn | Self::CreateWithPassword)
    }

    /// Whether there is a user more for each request.
    pub(crate) fn creates(self) -> bool {
        matches!(self, Self::Create | Self::CreateWithPassword)
    }
}

impl Display for Work {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Get => "get a user",
            Self::GetAlone => "get a user's record alone",
            Self::SignIn => "sign in",
            Self::AddEmail => "add an address",
            Self::Create => "create a user",
            Self::CreateWithPassword => "create with a password",
        })
    }
}

/// One piece of work, before a service's own API gives it a form.
pub(crate) enum Task<'a> {
    /// Get the user of this id, with all addresses.
    Get(&'a str),
    /// Get the user of this id, without addresses where these are apart.
    GetAlone(&'a str),
    /// Sign in by this address.
    SignIn(&'a str),
    /// Add a proved address to a user.
    AddEmail {
        /// The user's id.
        user: &'a str,
        /// The address.
        email: String,
    },
    /// Create a user.
    Create(NewUser),
}

/// A user to be created.
pub(crate) struct NewUser {
    /// What makes the username and the address unlike all others.
    name: String,
    /// Whether there is a password.
    pub(crate) has_password: bool,
}

impl NewUser {
    /// The username.
    pub(crate) fn username(&self) -> &str {
        &self.name
    }

    /// The one address, proved.
    pub(crate) fn email(&self) -> String {
        format!("{}@load.example", self.name)
    }
}

/// The users in a service's data file, and what is drawn from them.
pub(crate) struct Directory {
    /// Ids of users without a password, in random order.
    people: Vec<String>,
    /// Addresses of users with a password.
    signers: Vec<String>,
    random: StdRng,
    /// Walks through `people`: each is given as many addresses as the others, far from the most
    /// that a user may have.
    next_person: usize,
    /// Counts names, so that none comes twice.
    next_name: u64,
}

impl Directory {
    /// Of users yet to be created.
    pub(crate) fn new() -> Self {
        Self {
            people: Vec::new(),
            signers: Vec::new(),
            random: StdRng::seed_from_u64(SEED),
            next_person: 0,
            next_name: 0,
        }
    }

    /// Takes in who has just been created: ids of those without a password, addresses of the others.
    pub(crate) fn settle(&mut self, people: Vec<String>, signers: Vec<String>) {
        self.people = people;
        self.signers = signers;
        self.people.shuffle(&mut self.random);
    }

    /// A user whom a new process can be asked for.
    pub(crate) fn first(&self) -> Result<Task<'_>, Failure> {
        let person = self.people.first().ok_or("there are no users")?;
        Ok(Task::Get(person))
    }

    /// A user that is not there yet.
    pub(crate) fn new_user(&mut self, has_password: bool) -> NewUser {
        NewUser {
            name: self.new_name(),
            has_password,
        }
    }

    /// The next piece of work for one of so many connections.
    ///
    /// No two connections sign the same user in: services count attempts under way, and a person has
    /// one keyboard.
    pub(crate) fn draw(&mut self, work: Work, connection: usize, connections: usize) -> Task<'_> {
        match work {
            Work::Get | Work::GetAlone => {
                let index = self.random.random_range(..self.people.len());
                let person = &self.people[index];
                if work == Work::Get {
                    Task::Get(person)
                } else {
                    Task::GetAlone(person)
                }
            }
            Work::SignIn => {
                let own = (self.signers.len() - connection).div_ceil(connections);
                let index = connection + connections * self.random.random_range(..own);
                Task::SignIn(&self.signers[index])
            }
            Work::AddEmail => {
                let email = format!("{}@more.example", self.new_name());
                let index = self.next_person;
                self.next_person = (index + 1) % self.people.len();
                let user = &self.people[index];
                Task::AddEmail { user, email }
            }
            Work::Create => Task::Create(self.new_user(false)),
            Work::CreateWithPassword => Task::Create(self.new_user(true)),
        }
    }

    fn new_name(&mut self) -> String {
        self.next_name += 1;
        format!("user{:07}", self.next_name)
    }
}
