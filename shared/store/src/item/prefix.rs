//! How names lie in the index `by_prefix`: by kind and start, each start over some partitions, and in
//! each by their canonical form.

use domain::Kind;
use domain::filter::{Name, NameKind};

use super::layout;

fn kind_name(of: NameKind) -> &'static str {
    match of {
        NameKind::Identifier(Kind::Email) => "EMAIL",
        NameKind::Identifier(Kind::Phone) => "PHONE",
        NameKind::Identifier(Kind::Username) => "USERNAME",
        NameKind::UserId => "USER",
    }
}

/// The start by which names are grouped: as long as the shortest that is asked for.
fn group_start(of: NameKind, canonical: &str) -> String {
    canonical.chars().take(of.min_start()).collect()
}

/// The partition of a name.
pub(crate) fn partition(of: NameKind, canonical: &str) -> String {
    let start = group_start(of, canonical);
    layout::partition(&[kind_name(of), &start], canonical)
}

/// The partitions of the names that start so. A start is at least as long as that of a group.
pub(crate) fn partitions(start: &Name) -> Vec<String> {
    let group = group_start(start.of, &start.text);
    layout::partitions(&[kind_name(start.of), &group])
}
