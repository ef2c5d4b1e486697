//! The table's indexes.

/// A global secondary index of template.yaml, each spread over partitions by `item::layout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Index {
    /// Users by the time of their creation.
    ByCreation,
    /// The same of those that are disabled.
    ByDisabled,
    /// Reservations of e-mail addresses, by domain.
    ByDomain,
    /// Reservations and users' ids, by their start.
    ByPrefix,
}

impl Index {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::ByCreation,
        Self::ByDisabled,
        Self::ByDomain,
        Self::ByPrefix,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ByCreation => "by_creation",
            Self::ByDisabled => "by_disabled",
            Self::ByDomain => "by_domain",
            Self::ByPrefix => "by_prefix",
        }
    }

    /// The attributes of its partition key and its sort key.
    pub(crate) const fn key(self) -> [&'static str; 2] {
        match self {
            Self::ByCreation => ["list_shard", "list_sort"],
            Self::ByDisabled => ["disabled_shard", "list_sort"],
            Self::ByDomain => ["domain", "canonical"],
            Self::ByPrefix => ["prefix", "canonical"],
        }
    }
}
