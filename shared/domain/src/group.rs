//! Groups: users that an application treats alike. The directory keeps who is in which, and nothing
//! follows from it here.

use crate::claims::is_of_lines;
use crate::identifier::{is_hidden, stably_folded};
use crate::user::Operations;
use crate::{GroupId, OperationId, Patch, Refusal, Timestamp, Version};

/// How many groups may take in every new user. Each of them is a write more when a user is created.
pub const MAX_AUTO_ASSIGNED: usize = 20;
/// How many groups a list is made of. It is read whole, put into order and cut.
pub const MAX_LISTED: usize = 10_000;

/// Another group has the name.
pub const NAME_TAKEN: Refusal = Refusal::Member("name", "is the name of another group");
/// As many groups as may be take in every new user.
pub const TOO_MANY_AUTO_ASSIGNED: Refusal = Refusal::Member(
    "is_auto_assigned",
    "must be false: there are 20 automatically assigned groups already",
);

/// The name of a group: the form as typed, which is shown, and the canonical one, which decides
/// uniqueness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupName {
    shown: String,
    canonical: String,
}

impl GroupName {
    const MAX_CHARACTERS: usize = 64;
    /// The longest sort key of an index has 1,024 bytes. Folding makes up to 18 characters of one, so
    /// only a name of such characters is too long for it.
    const MAX_CANONICAL_BYTES: usize = 1024;

    /// Takes a name of 1…64 characters, without the white space around it. Its canonical form is
    /// folded as an e-mail address's local part is: NFKC, full case folding, NFKC.
    ///
    /// ```
    /// use domain::group::GroupName;
    ///
    /// let name = GroupName::parse(" Große Kunden ")?;
    /// assert_eq!(name.as_str(), "Große Kunden");
    /// assert_eq!(name.canonical(), "grosse kunden");
    /// # Ok::<(), domain::Refusal>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let shown = text.trim();
        let invalid = |reason| Refusal::Member("name", reason);
        if shown.chars().any(|c| is_hidden(c) || is_line_end(c)) {
            return Err(invalid("must not contain control or invisible characters"));
        }
        // Folding makes white space of some marks, such as a lone accent.
        let folded = stably_folded(shown).and_then(|folded| stably_folded(folded.trim()));
        let canonical = folded.filter(|canonical| {
            (1..=Self::MAX_CHARACTERS).contains(&shown.chars().count())
                && (1..=Self::MAX_CANONICAL_BYTES).contains(&canonical.len())
        });
        Ok(Self {
            canonical: canonical.ok_or_else(|| invalid("must have 1 to 64 characters"))?,
            shown: shown.to_owned(),
        })
    }

    /// A name that was parsed before and comes back from the table. It isn't folded again: a newer
    /// Unicode version must not move it away from its reservation.
    pub fn restore(shown: String, canonical: String) -> Self {
        Self { shown, canonical }
    }

    /// The name as it was typed.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The form that decides uniqueness, order and look-up.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }
}

/// Unicode's own ends of lines and paragraphs, which are no control characters.
const fn is_line_end(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// How the names start that a list is asked for, folded as names are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameStart(String);

impl NameStart {
    /// Takes a text that is not longer than a name and has no control characters. White space before
    /// it goes, as it does of a name; that after it belongs to the start.
    pub fn parse(text: &str) -> Option<Self> {
        let start = text.trim_start();
        let fits = (1..=GroupName::MAX_CHARACTERS).contains(&start.chars().count())
            && !start.chars().any(char::is_control);
        let folded = stably_folded(start).map(|folded| folded.trim_start().to_owned());
        let folded = folded.filter(|folded| {
            // No name is longer, and the table takes no longer one.
            fits && folded.len() <= GroupName::MAX_CANONICAL_BYTES
        });
        folded.map(Self)
    }

    /// The folded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a group is for, in the words of those who keep it: up to 1,000 characters, of any lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description(String);

impl Description {
    const MAX_CHARACTERS: usize = 1000;

    /// Takes a text.
    pub fn parse(text: String) -> Result<Self, Refusal> {
        let invalid = |reason| Err(Refusal::Member("description", reason));
        if text.chars().count() > Self::MAX_CHARACTERS {
            return invalid("must have at most 1000 characters");
        }
        if !is_of_lines(&text) {
            return invalid("must not contain control characters but line breaks");
        }
        Ok(Self(text))
    }

    /// A text that was parsed before and comes back from the table.
    pub const fn restore(text: String) -> Self {
        Self(text)
    }

    /// The text as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A group, without its users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Names the group for good.
    pub id: GroupId,
    /// What it is called.
    pub name: GroupName,
    /// What it is for.
    pub description: Option<Description>,
    /// Whether it takes in every new user.
    pub is_auto_assigned: bool,
    /// When it was created.
    pub creation_time: Timestamp,
    /// When it last changed itself; who is in it doesn't count.
    pub last_updated: Timestamp,
    /// The entity tag. It changes with every stored change of the group itself.
    pub version: Version,
    /// The operations that changed it last.
    pub operations: Operations,
}

/// How many users are in a group, and since when. It is counted from the table's stream, so it may
/// trail a write by about a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assigned {
    /// How many there are.
    pub users: u64,
    /// When one was assigned last, unless there never was one.
    pub last: Option<Timestamp>,
}

/// A group with what is counted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedGroup {
    /// The group.
    pub group: Group,
    /// What is counted of it.
    pub assigned: Assigned,
}

impl CountedGroup {
    /// When a user was assigned last; the time of the group's creation while none was, because
    /// clients can't read null.
    pub fn last_assigned(&self) -> Timestamp {
        self.assigned.last.unwrap_or(self.group.creation_time)
    }
}

/// What a group is created from.
#[derive(Clone, Debug)]
pub struct NewGroup {
    /// The operation that creates the group; the group's id follows from it.
    pub operation: OperationId,
    /// What it is called.
    pub name: GroupName,
    /// What it is for.
    pub description: Option<Description>,
    /// Whether it takes in every new user.
    pub is_auto_assigned: bool,
}

/// What changes of a group.
#[derive(Clone, Debug, Default)]
pub struct GroupChanges {
    name: Option<GroupName>,
    description: Patch<Description>,
    is_auto_assigned: Option<bool>,
}

impl GroupChanges {
    /// Takes the changes of a request. A description may be removed; a group always has a name, and
    /// is assigned automatically or not.
    pub fn parse(
        name: Patch<String>,
        description: Patch<String>,
        is_auto_assigned: Patch<bool>,
    ) -> Result<Self, Refusal> {
        let name = unless_null("name", "must be a string", name)?;
        let is_auto_assigned =
            unless_null("is_auto_assigned", "must be a boolean", is_auto_assigned)?;
        Ok(Self {
            name: name.as_deref().map(GroupName::parse).transpose()?,
            description: match description {
                Patch::Keep => Patch::Keep,
                Patch::Remove => Patch::Remove,
                Patch::Set(text) => Patch::Set(Description::parse(text)?),
            },
            is_auto_assigned,
        })
    }
}

fn unless_null<T>(
    member: &'static str,
    reason: &'static str,
    patch: Patch<T>,
) -> Result<Option<T>, Refusal> {
    match patch {
        Patch::Keep => Ok(None),
        Patch::Remove => Err(Refusal::Member(member, reason)),
        Patch::Set(value) => Ok(Some(value)),
    }
}

impl Group {
    /// A new group.
    pub fn create(new: NewGroup, now: Timestamp) -> Self {
        Self {
            id: GroupId::created_by(&new.operation),
            name: new.name,
            description: new.description,
            is_auto_assigned: new.is_auto_assigned,
            creation_time: now,
            last_updated: now,
            version: Version::FIRST,
            operations: Operations::restore(vec![new.operation]),
        }
    }

    /// Applies the changes. What they don't name stays.
    pub fn change(&mut self, changes: &GroupChanges) {
        if let Some(name) = &changes.name {
            self.name = name.clone();
        }
        match &changes.description {
            Patch::Keep => {}
            Patch::Remove => self.description = None,
            Patch::Set(description) => self.description = Some(description.clone()),
        }
        if let Some(is_auto_assigned) = changes.is_auto_assigned {
            self.is_auto_assigned = is_auto_assigned;
        }
    }

    /// Writes down that `operation` changed the group.
    pub fn stamp(&mut self, operation: OperationId, now: Timestamp) {
        self.version = self.version.next();
        self.last_updated = now;
        self.operations.push(operation);
    }

    /// Whether `operation` is one of the last that changed the group.
    pub fn has_seen(&self, operation: &OperationId) -> bool {
        self.operations.contains(operation)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample;

    fn refused<T: std::fmt::Debug>(parsed: Result<T, Refusal>) -> (&'static str, &'static str) {
        match parsed.unwrap_err() {
            Refusal::Member(member, reason) => (member, reason),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_name_keeps_its_typed_form_and_is_compared_by_the_folded_one() {
        for (typed, canonical) in [
            ("Staff", "staff"),
            ("STAFF", "staff"),
            ("\u{ff33}taff", "staff"),
            ("Stra\u{df}e 7", "strasse 7"),
            ("e\u{301}quipe", "\u{e9}quipe"),
            ("a\u{3000}b", "a b"),
        ] {
            let name = GroupName::parse(&format!(" {typed}\t")).unwrap();
            assert_eq!((name.as_str(), name.canonical()), (typed, canonical));
        }
    }

    #[test]
    fn a_name_has_1_to_64_characters_and_none_that_is_not_seen() {
        assert!(GroupName::parse(&"\u{1f98a}".repeat(64)).is_ok());
        let length = ("name", "must have 1 to 64 characters");
        // One that folds to eighteen characters of three bytes.
        let widest = "\u{fdfa}".repeat(64);
        for bad in ["", " \n", &"a".repeat(65), &widest] {
            assert_eq!(refused(GroupName::parse(bad)), length, "{bad:?}");
        }
        for bad in ["a\0b", "a\nb", "a\u{202e}b", "a\u{200b}b", "a\u{2028}b"] {
            let reason = "must not contain control or invisible characters";
            assert_eq!(refused(GroupName::parse(bad)), ("name", reason), "{bad:?}");
        }
    }

    #[test]
    fn the_start_of_a_name_is_folded_as_names_are() {
        let start = |text| NameStart::parse(text).map(|start| start.0);
        assert_eq!(start("STA"), Some("sta".to_owned()));
        assert_eq!(start(" Big c"), Some("big c".to_owned()));
        assert_eq!(start("Big "), Some("big ".to_owned()));
        // No name has it, so it finds none.
        assert!(start("a\u{200b}").is_some());
        let widest = "\u{fdfa}".repeat(64);
        for none in ["", " ", "a\0", &"a".repeat(65), &widest] {
            assert_eq!(start(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_description_has_up_to_1000_characters_of_any_lines() {
        for good in ["", "one\r\ntwo\n", &"\u{e9}".repeat(1000)] {
            let text = Description::parse(good.to_owned());
            assert_eq!(text.unwrap().as_str(), good);
        }
        let long = Description::parse("a".repeat(1001));
        assert_eq!(
            refused(long),
            ("description", "must have at most 1000 characters")
        );
        let control = Description::parse("a\u{7}".to_owned());
        assert_eq!(refused(control).0, "description");
    }

    #[test]
    fn only_what_a_change_names_changes() {
        let before = sample::group();
        let changed = |name, description, is_auto_assigned| {
            let mut group = before.clone();
            group.change(&GroupChanges::parse(name, description, is_auto_assigned).unwrap());
            group
        };
        assert_eq!(changed(Patch::Keep, Patch::Keep, Patch::Keep), before);
        let renamed = changed(Patch::Set("New".to_owned()), Patch::Keep, Patch::Keep);
        let name = GroupName::parse("New").unwrap();
        assert_eq!(
            renamed,
            Group {
                name,
                ..before.clone()
            }
        );
        let bare = changed(Patch::Keep, Patch::Remove, Patch::Set(true));
        let wanted = Group {
            description: None,
            is_auto_assigned: true,
            ..before.clone()
        };
        assert_eq!(bare, wanted);
    }

    #[test]
    fn neither_the_name_nor_the_automatic_assignment_can_be_removed() {
        let changes = GroupChanges::parse(Patch::Remove, Patch::Keep, Patch::Keep);
        assert_eq!(refused(changes), ("name", "must be a string"));
        let changes = GroupChanges::parse(Patch::Keep, Patch::Keep, Patch::Remove);
        assert_eq!(refused(changes), ("is_auto_assigned", "must be a boolean"));
    }

    #[test]
    fn a_stored_change_moves_version_and_time_and_is_remembered() {
        let mut group = sample::group();
        let operation = OperationId::random([3; 16]);
        let now = group.last_updated.plus(std::time::Duration::from_secs(5));
        group.stamp(operation.clone(), now);
        assert_eq!(group.version, Version::FIRST.next());
        assert_eq!(group.last_updated, now);
        assert!(group.has_seen(&operation));
    }

    #[test]
    fn a_mark_that_folds_to_white_space_and_an_accent_is_the_name_of_the_accent() {
        let name = GroupName::parse("\u{384}").unwrap();
        assert_eq!(name.canonical(), "\u{301}");
        assert_eq!(NameStart::parse("\u{384}").unwrap().as_str(), "\u{301}");
    }

    #[test]
    fn a_group_without_users_was_assigned_to_last_when_it_was_created() {
        let mut counted = CountedGroup {
            group: sample::group(),
            assigned: Assigned::default(),
        };
        assert_eq!(counted.last_assigned(), counted.group.creation_time);
        counted.assigned.last = Some(Timestamp::from_unix(7));
        assert_eq!(counted.last_assigned(), Timestamp::from_unix(7));
    }

    proptest! {
        #[test]
        fn a_canonical_name_is_a_fixed_point(text in "\\PC{1,24}") {
            if let Ok(name) = GroupName::parse(&text) {
                let again = GroupName::parse(name.canonical()).unwrap();
                prop_assert_eq!(again.canonical(), name.canonical());
            }
        }
    }
}
