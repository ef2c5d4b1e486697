mod delete_grant;
mod list_grants;

/// The kinds of grants (users-api.md, rows 44 to 53).
const KINDS: [&str; 5] = [
    "clients",
    "consents",
    "reference_tokens",
    "refresh_tokens",
    "codes",
];
