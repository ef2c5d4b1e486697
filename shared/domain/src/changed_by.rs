//! Who changes a user, and by which call: what the log tells beside the change (users-api.md, calls 60
//! and 61).

use std::borrow::Cow;

/// Who changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The holder of the API key with this id.
    Key(String),
    /// The user themselves: signed in, or about to be.
    User,
    /// The holder of a signed link.
    Link,
    /// An import, by the holder of the API key with this id.
    Import(String),
    /// The directory itself, as a consequence of another change.
    System,
}

/// Who changes something, and by which call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedBy {
    /// Who.
    pub actor: Actor,
    /// The call's operation id in openapi.yaml; the consumer's name, where the directory itself acts.
    pub call: Cow<'static, str>,
}

impl Actor {
    /// The kind as it is stored and shown, and the id of the API key.
    pub fn parts(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Key(id) => ("key", Some(id)),
            Self::User => ("user", None),
            Self::Link => ("link", None),
            Self::Import(id) => ("import", Some(id)),
            Self::System => ("system", None),
        }
    }

    /// Takes an actor back from where it was stored. `None` where a newer version has stored a kind
    /// that this one does not know.
    pub fn restore(kind: &str, id: Option<String>) -> Option<Self> {
        Some(match (kind, id) {
            ("key", Some(id)) => Self::Key(id),
            ("user", _) => Self::User,
            ("link", _) => Self::Link,
            ("import", Some(id)) => Self::Import(id),
            ("system", _) => Self::System,
            _ => return None,
        })
    }
}

impl ChangedBy {
    /// The same of an import: what the holder of an API key writes so came from elsewhere.
    pub fn by_import(self) -> Self {
        let actor = match self.actor {
            Actor::Key(id) => Actor::Import(id),
            other => other,
        };
        Self { actor, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_actor_is_taken_back_as_it_was_stored() {
        let id = || "k3y".to_owned();
        for actor in [
            Actor::Key(id()),
            Actor::User,
            Actor::Link,
            Actor::Import(id()),
            Actor::System,
        ] {
            let (kind, key) = actor.parts();
            assert_eq!(Actor::restore(kind, key.map(str::to_owned)), Some(actor));
        }
        assert_eq!(Actor::restore("robot", None), None);
        assert_eq!(Actor::restore("key", None), None);
    }
}
