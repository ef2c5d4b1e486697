//! Accounts with providers outside.

use serde::Serialize;

use super::members::Members;

/// An account with a provider that Roster knows.
#[derive(Debug, Serialize)]
pub(super) struct Provider {
    authenticator: &'static str,
    #[serde(rename = "provider_user_id")]
    id: String,
    #[serde(skip_serializing_if = "Members::is_empty")]
    claims: Members,
}

/// An account as a product has it.
pub(super) struct Account {
    /// The product's name of the provider.
    pub(super) provider: String,
    /// The user's id there.
    pub(super) id: Option<String>,
    /// What the provider said of the user.
    pub(super) claims: Members,
}

/// Secrets by which a program acts for the user at a provider.
const TOKENS: [&str; 4] = [
    "access_token",
    "access_token_secret",
    "id_token",
    "refresh_token",
];

/// Takes the accounts of a list. Those that say nothing new, as they are the product's own, are dropped; those
/// with a provider that Roster doesn't know stay in the list. No token stays.
pub(super) fn take_providers(
    members: &mut Members,
    list: &str,
    is_own: impl Fn(&Account) -> bool,
    read: impl Fn(&mut Members) -> Account,
) -> Vec<Provider> {
    let (mut providers, mut rest) = (Vec::new(), Vec::new());
    let records = members.json::<Vec<Members>>(list).unwrap_or_default();
    // What is left is no list of objects.
    members.remove_within(list, &TOKENS);
    for record in records {
        let record = record.without(&TOKENS);
        let account = read(&mut record.clone());
        let is_own = is_own(&account);
        match Provider::of(account) {
            Some(provider) => providers.push(provider),
            None if is_own => {}
            None => rest.push(record),
        }
    }
    if !rest.is_empty() {
        members.put(list, &rest);
    }
    providers
}

impl Provider {
    fn of(account: Account) -> Option<Self> {
        let authenticator = match account.provider.as_str() {
            "google" | "google-oauth2" | "google.com" | "Google" => "google",
            "apple" | "apple.com" | "SignInWithApple" => "apple",
            "facebook" | "facebook.com" | "Facebook" => "facebook",
            "microsoft" | "microsoft.com" | "windowslive" | "azure" => "microsoft",
            "github" | "github.com" => "github",
            "gitlab" => "gitlab",
            "discord" => "discord",
            "twitter" | "twitter.com" | "x" => "twitter",
            "linkedin" | "linkedin_oidc" | "linkedin-openid-connect" => "linkedin",
            "xero" => "xero",
            _ => return None,
        };
        Some(Self {
            authenticator,
            id: account.id?,
            claims: account.claims.said(),
        })
    }
}
