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

/// Takes the accounts of a list. Those that say nothing new, as they are of the product itself, are dropped;
/// those with a provider that Roster doesn't know stay in the list.
pub(super) fn take_providers(
    members: &mut Members,
    list: &str,
    own: &[&str],
    read: impl Fn(&mut Members) -> Account,
) -> Vec<Provider> {
    let (mut providers, mut rest) = (Vec::new(), Vec::new());
    for record in members.json::<Vec<Members>>(list).unwrap_or_default() {
        let account = read(&mut record.clone());
        let is_own = own.contains(&account.provider.as_str());
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
