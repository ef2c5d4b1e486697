//! Which API keys may do what.

use crate::{Access, Problem};

/// The ids of the API keys that may call the management API. They are listed here because API Gateway
/// knows keys, but no scopes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyIds {
    administrators: Vec<String>,
    readers: Vec<String>,
}

impl KeyIds {
    /// Takes two lists that are separated by commas. Blanks and empty entries are ignored.
    pub fn parse(administrators: &str, readers: &str) -> Self {
        let ids = |list: &str| {
            let ids = list.split(',').map(str::trim).filter(|id| !id.is_empty());
            ids.map(str::to_owned).collect()
        };
        Self {
            administrators: ids(administrators),
            readers: ids(readers),
        }
    }

    /// Whether a key may make a call. A key in neither list may make none, and a key in both may only
    /// read.
    pub(crate) fn check(&self, id: &str, access: Access) -> Result<(), Problem> {
        let is_in = |ids: &[String]| ids.iter().any(|own| own == id);
        match access {
            Access::Write if is_in(&self.readers) => Err(Problem::MayOnlyRead),
            _ if is_in(&self.readers) || is_in(&self.administrators) => Ok(()),
            _ => Err(Problem::UnknownKey),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(keys: &KeyIds, id: &str) -> [Option<u16>; 2] {
        [Access::Read, Access::Write].map(|access| {
            keys.check(id, access)
                .err()
                .map(|problem| problem.status().as_u16())
        })
    }

    #[test]
    fn a_key_may_do_what_its_list_says_and_in_no_list_nothing() {
        let keys = KeyIds::parse("admin, second,", ",reader,both,admin2 ,");
        for id in ["admin", "second"] {
            assert_eq!(checked(&keys, id), [None, None], "{id}");
        }
        for id in ["reader", "admin2"] {
            assert_eq!(checked(&keys, id), [None, Some(403)], "{id}");
        }
        for id in ["", " ", ",", "Admin", "admi", "reader,both", "unknown"] {
            assert_eq!(checked(&keys, id), [Some(403); 2], "{id}");
        }
    }

    #[test]
    fn a_key_in_both_lists_may_only_read() {
        let keys = KeyIds::parse("both", "both");
        assert_eq!(checked(&keys, "both"), [None, Some(403)]);
    }

    #[test]
    fn without_lists_no_key_may_do_anything() {
        assert_eq!(checked(&KeyIds::parse("", ""), ""), [Some(403); 2]);
    }
}
