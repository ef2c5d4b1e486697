//! All calls and consumers, by the package that has them.

use std::sync::LazyLock;

use consumer::Consumer;
use roster_http::Endpoint;

/// A package of functions.
#[derive(Clone, Copy, Debug)]
pub struct Package {
    /// Its name, for cargo and below `functions/`.
    pub name: &'static str,
    /// Its calls.
    pub endpoints: &'static [&'static Endpoint],
    /// Its consumers of the table's stream.
    pub consumers: &'static [&'static Consumer],
}

/// All packages.
pub static PACKAGES: [Package; 3] = [
    Package {
        name: "management",
        endpoints: management::ENDPOINTS,
        consumers: &[],
    },
    Package {
        name: "people",
        endpoints: people::ENDPOINTS,
        consumers: &[],
    },
    Package {
        name: "workers",
        endpoints: &[],
        consumers: workers::CONSUMERS,
    },
];

/// All calls, in the contract's order.
pub static ENDPOINTS: LazyLock<Vec<&Endpoint>> = LazyLock::new(|| {
    PACKAGES
        .iter()
        .flat_map(|package| package.endpoints)
        .copied()
        .collect()
});

/// All consumers.
pub static CONSUMERS: LazyLock<Vec<&Consumer>> = LazyLock::new(|| {
    PACKAGES
        .iter()
        .flat_map(|package| package.consumers)
        .copied()
        .collect()
});

/// The name in template.yaml of the function that runs the call or consumer `name`: `EnableUser` of
/// `enable_user`.
pub fn logical_id(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.collect()
}
