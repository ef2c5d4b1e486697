//! What every call of one process shares.

use domain::account::ChangeContext;
use domain::notification::RateLimitKey;
use domain::{IdentifierId, OperationId, Part, Timestamp, User, UserId};
use store::{
    Accounts, Changes, Directory, Groups, Imports, Limits, Log, Memberships, Notifications,
    Sessions, Settings, SignIns, Table, Users, Write,
};

use crate::environment::Environment;
use crate::{AccountSettings, Clock, Entropy, KeyIds, LinkKeys, Misconfigured, Problem, PublicUrl};

/// What every call of one process shares: the store, the clock, randomness and settings.
#[derive(Debug)]
pub struct App {
    /// The table in which all of these are.
    pub table: Table,
    /// The users.
    pub users: Users,
    /// The same as lists.
    pub directory: Directory,
    /// Many new users at once.
    pub imports: Imports,
    /// Users with their pending addresses and undo rights.
    pub accounts: Accounts,
    /// The sessions of signed-in people.
    pub sessions: Sessions,
    /// The groups.
    pub groups: Groups,
    /// Which user is in which group.
    pub memberships: Memberships,
    /// Attempts to sign in, and their outcomes.
    pub sign_ins: SignIns,
    /// The notifications that are to be sent.
    pub notifications: Notifications,
    /// The limits on notifications.
    pub limits: Limits,
    /// What follows from changes.
    pub changes: Changes,
    /// The log of changes.
    pub log: Log,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// Which API keys may do what.
    pub keys: KeyIds,
    /// The settings of people's own calls.
    pub account: AccountSettings,
    /// The keys that sign links.
    pub link_keys: LinkKeys,
}

impl App {
    /// An app over this table.
    pub fn new(
        table: Table,
        clock: Clock,
        entropy: Entropy,
        keys: KeyIds,
        account: AccountSettings,
        link_keys: LinkKeys,
    ) -> Self {
        Self {
            users: Users::new(table.clone()),
            directory: Directory::new(table.clone()),
            imports: Imports::new(table.clone()),
            accounts: Accounts::new(table.clone()),
            sessions: Sessions::new(table.clone()),
            groups: Groups::new(table.clone()),
            memberships: Memberships::new(table.clone()),
            sign_ins: SignIns::new(table.clone()),
            notifications: Notifications::new(table.clone()),
            limits: Limits::new(table.clone()),
            changes: Changes::new(table.clone()),
            log: Log::new(table.clone()),
            table,
            clock,
            entropy,
            keys,
            account,
            link_keys,
        }
    }

    /// Reads the environment that template.yaml and Lambda set. There are no link keys yet.
    pub fn from_env() -> Result<Self, Misconfigured> {
        let settings = Settings {
            region: Environment::get("AWS_REGION")?,
            endpoint: Environment::get("AWS_ENDPOINT_URL_DYNAMODB").ok(),
            table: Environment::get("TABLE_NAME")?,
            credentials: Environment::credentials()?,
            http_client: store::http_client(),
        };
        Ok(Self::new(
            Table::at(&settings),
            Clock::System,
            Entropy::from_os()?,
            KeyIds::parse(
                &Environment::get("ADMINISTRATOR_KEY_IDS")?,
                &Environment::get("READ_ONLY_KEY_IDS")?,
            ),
            AccountSettings::read(|name| Environment::get(name).ok())?,
            LinkKeys::none(),
        ))
    }

    /// A user, who must be there.
    pub async fn user(&self, id: &UserId) -> Result<User, Problem> {
        let user = self.users.get(id).await?;
        user.ok_or(Problem::NotFound(Part::User))
    }

    /// A new identifier id.
    pub fn new_identifier_id(&self, now: Timestamp) -> IdentifierId {
        IdentifierId::issue(now, self.entropy.bytes())
    }

    /// When a write changes an account, and by which operation.
    pub fn change_context<'a>(&self, write: &'a Write) -> ChangeContext<'a> {
        ChangeContext {
            now: write.now,
            operation: &write.operation,
            lifetimes: self.account.lifetimes,
        }
    }

    /// Where people reach the service: without it, no link can be made.
    pub fn public_url(&self) -> Result<&PublicUrl, Problem> {
        self.account.public_url.as_ref().ok_or(Problem::NoPublicUrl)
    }

    /// Counts one more notification, also one that is refused then; a problem when it is one too many.
    pub async fn count_notification(
        &self,
        counted: &RateLimitKey,
        write: &Write,
    ) -> Result<(), Problem> {
        let count = self.limits.count_this_hour(counted, write).await?;
        if count > RateLimitKey::MAX_AN_HOUR {
            return Err(Problem::TooMany(RateLimitKey::until_next_hour(write.now)));
        }
        Ok(())
    }

    /// The operation of a request without an `Idempotency-Key`.
    pub fn new_operation_id(&self) -> OperationId {
        OperationId::random(self.entropy.bytes())
    }
}
