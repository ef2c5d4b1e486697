//! E-mail addresses and phone numbers of a user.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::identifier::refuse_last_identifier;
use crate::user::Source;
use crate::{
    Code, Email, Identifier, IdentifierId, IdentityError, Kind, Part, Phone, Refusal, Timestamp,
};

/// The two kinds of address. A user can have several of each, one of which is the primary one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressKind {
    /// E-mail addresses.
    Email,
    /// Phone numbers.
    Phone,
}

impl AddressKind {
    /// The rule error of an address that can't be the primary one before it is verified.
    pub(crate) const fn not_verified(self) -> IdentityError {
        match self {
            Self::Email => IdentityError::new(
                Code::EmailNotVerified,
                "Only a verified e-mail address can be the primary one.",
            ),
            Self::Phone => IdentityError::new(
                Code::PhoneNotVerified,
                "Only a verified phone number can be the primary one.",
            ),
        }
    }

    /// The rule error of a primary address that can't be marked as not verified.
    pub(crate) const fn primary_stays_verified(self) -> IdentityError {
        let description = match self {
            Self::Email => "The primary e-mail address can't be marked as not verified.",
            Self::Phone => "The primary phone number can't be marked as not verified.",
        };
        IdentityError::new(Code::PrimaryIdentifier, description)
    }

    const fn primary_goes_last(self) -> IdentityError {
        let description = match self {
            Self::Email => "The primary e-mail address can't be removed while there are others.",
            Self::Phone => "The primary phone number can't be removed while there are others.",
        };
        IdentityError::new(Code::PrimaryIdentifier, description)
    }

    pub(crate) const fn too_many(self) -> IdentityError {
        let description = match self {
            Self::Email => "A user may have at most 40 e-mail addresses.",
            Self::Phone => "A user may have at most 40 phone numbers.",
        };
        IdentityError::new(Code::UserTooLarge, description)
    }
}

impl From<AddressKind> for Kind {
    fn from(kind: AddressKind) -> Self {
        match kind {
            AddressKind::Email => Self::Email,
            AddressKind::Phone => Self::Phone,
        }
    }
}

impl From<AddressKind> for Part {
    fn from(kind: AddressKind) -> Self {
        match kind {
            AddressKind::Email => Self::Email,
            AddressKind::Phone => Self::Phone,
        }
    }
}

/// What can be an address of a user: an e-mail address or a phone number.
pub trait AddressValue {
    /// Which kind it is.
    const KIND: AddressKind;

    /// The form that decides whether two addresses are the same.
    fn canonical(&self) -> &str;
}

impl AddressValue for Email {
    const KIND: AddressKind = AddressKind::Email;

    fn canonical(&self) -> &str {
        Self::canonical(self)
    }
}

impl AddressValue for Phone {
    const KIND: AddressKind = AddressKind::Phone;

    fn canonical(&self) -> &str {
        self.as_str()
    }
}

/// An e-mail address or phone number on the profile. Its fields don't limit each other. The rules are
/// about the addresses of a user together, and [`Addresses`] keeps them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address<T> {
    /// The address itself.
    pub value: T,
    /// Whether its owner has proved it.
    pub verified: bool,
    /// Who added it.
    pub source: Source,
    /// Who proved it.
    pub verification_source: Option<Source>,
    /// How often the management API has made it the primary one.
    pub set_primary: u64,
    /// How often the management API has marked it as not proved.
    pub unverified: u64,
}

impl<T> Address<T> {
    /// An address that the management API adds.
    pub fn added(value: T, verified: bool) -> Self {
        let verification_source = verified.then_some(Source::API);
        Self::of_source(value, Source::API, verification_source)
    }

    /// An address that has never been the primary one. It is verified if it has a verification
    /// source.
    pub fn of_source(value: T, source: Source, verification_source: Option<Source>) -> Self {
        Self {
            value,
            verified: verification_source.is_some(),
            source,
            verification_source,
            set_primary: 0,
            unverified: 0,
        }
    }

    /// Whether the management API added it, or proved it.
    pub fn is_managed(&self) -> bool {
        self.source == Source::API || self.verification_source == Some(Source::API)
    }
}

/// By whom the primary address became the primary one. It decides whether a change away from that
/// address gives it a right to undo (email-self-service.md, "The flow", 4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tenure {
    /// By the management API, an import or sign-up.
    #[default]
    Managed,
    /// By an undo, or while the address had a right to undo: it had been the primary one before.
    Restored,
    /// By the person, at this time.
    Since(Timestamp),
}

impl Tenure {
    /// Whether an address with this tenure earns a right to undo a change away from it. An address that
    /// its owner made primary must have been that for as long as such a right lives.
    pub fn is_established(self, now: Timestamp, undo: Duration) -> bool {
        match self {
            Self::Managed | Self::Restored => true,
            Self::Since(then) => then.plus(undo) <= now,
        }
    }
}

/// Which address is the primary one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Primary {
    /// The address.
    pub id: IdentifierId,
    /// By whom it became the primary one.
    pub tenure: Tenure,
}

/// Why stored addresses can't be those of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddresses {
    /// The primary one is not one of them.
    #[error("the primary address is not one of the user's own")]
    ForeignPrimary,
    /// The primary one is not verified.
    #[error("the primary address is not verified")]
    UnverifiedPrimary,
    /// Two of them have the same canonical form.
    #[error("an address is there twice")]
    Duplicate,
}

/// All addresses of one kind that a user has, by identifier id. The primary one, if there is one, is
/// one of them and verified, and no two are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses<T> {
    own: BTreeMap<IdentifierId, Address<T>>,
    primary: Option<Primary>,
}

impl<T> Default for Addresses<T> {
    fn default() -> Self {
        Self {
            own: BTreeMap::new(),
            primary: None,
        }
    }
}

impl<T> Addresses<T> {
    /// How many addresses of one kind can be added to a user (users-api.md, "Limits").
    pub const MAX: usize = 40;

    /// The address with this id.
    pub fn get(&self, id: IdentifierId) -> Option<&Address<T>> {
        self.own.get(&id)
    }

    /// Whether there is an address with this id.
    pub fn contains(&self, id: IdentifierId) -> bool {
        self.own.contains_key(&id)
    }

    /// All of them, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (IdentifierId, &Address<T>)> {
        self.own.iter().map(|(id, address)| (*id, address))
    }

    /// The ids of all of them, in order.
    pub fn ids(&self) -> impl Iterator<Item = IdentifierId> {
        self.own.keys().copied()
    }

    /// The addresses themselves, in the order of their ids.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.own.values().map(|address| &address.value)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.own.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty()
    }

    /// Which one is primary.
    pub fn primary(&self) -> Option<Primary> {
        self.primary
    }

    /// The primary one and its id.
    pub fn primary_value(&self) -> Option<(IdentifierId, &T)> {
        let id = self.primary?.id;
        Some((id, &self.own.get(&id)?.value))
    }

    /// Whether the address with this id is the primary one.
    pub fn is_primary(&self, id: IdentifierId) -> bool {
        self.primary.is_some_and(|primary| primary.id == id)
    }

    /// The tenure of the primary address, or the one that a first primary address would get.
    pub(crate) fn tenure(&self) -> Tenure {
        self.primary
            .map(|primary| primary.tenure)
            .unwrap_or_default()
    }

    /// Makes an address the primary one. Without effect for one that is not there or not verified.
    pub(crate) fn set_primary(&mut self, id: IdentifierId, tenure: Tenure) {
        if self.own.get(&id).is_some_and(|own| own.verified) {
            self.primary = Some(Primary { id, tenure });
        }
    }

    /// Makes an address the primary one where there is none, as [`Addresses::set_primary`].
    pub(crate) fn set_primary_if_none(&mut self, id: IdentifierId) {
        if self.primary.is_none() {
            self.set_primary(id, Tenure::Managed);
        }
    }

    /// Marks an address as proved by a source, or as not proved. Without effect for one that is not
    /// there; the primary one stays proved.
    pub(crate) fn set_verification(&mut self, id: IdentifierId, source: Option<&Source>) {
        let is_primary = self.is_primary(id);
        let Some(own) = self.own.get_mut(&id) else {
            return;
        };
        if source.is_some() || !is_primary {
            own.verified = source.is_some();
            own.verification_source = source.cloned();
        }
    }

    /// Counts that the management API has made the address the primary one.
    pub(crate) fn count_set_primary(&mut self, id: IdentifierId) {
        if let Some(own) = self.own.get_mut(&id) {
            own.set_primary += 1;
        }
    }

    /// Counts that the management API has marked the address as not proved.
    pub(crate) fn count_unverified(&mut self, id: IdentifierId) {
        if let Some(own) = self.own.get_mut(&id) {
            own.unverified += 1;
        }
    }

    /// Keeps the addresses for which `keeps` is true, and the primary one.
    pub(crate) fn retain(&mut self, mut keeps: impl FnMut(IdentifierId, &Address<T>) -> bool) {
        let primary = self.primary.map(|primary| primary.id);
        self.own
            .retain(|id, own| primary == Some(*id) || keeps(*id, own));
    }
}

impl<T: AddressValue> Addresses<T> {
    /// Takes addresses back from where they were stored. Their number isn't checked: a limit that comes
    /// later must not make a user unreadable.
    pub fn restore(
        own: BTreeMap<IdentifierId, Address<T>>,
        primary: Option<Primary>,
    ) -> Result<Self, InvalidAddresses> {
        if let Some(primary) = primary {
            let address = own
                .get(&primary.id)
                .ok_or(InvalidAddresses::ForeignPrimary)?;
            if !address.verified {
                return Err(InvalidAddresses::UnverifiedPrimary);
            }
        }
        let mut seen = BTreeSet::new();
        if !own
            .values()
            .all(|address| seen.insert(address.value.canonical()))
        {
            return Err(InvalidAddresses::Duplicate);
        }
        Ok(Self { own, primary })
    }

    /// The first address of a new user; if it is verified, it is the primary one.
    pub(crate) fn first(new: Option<(IdentifierId, T, bool)>) -> Self {
        let mut addresses = Self::default();
        if let Some((id, value, verified)) = new {
            addresses.own.insert(id, Address::added(value, verified));
            addresses.set_primary_if_none(id);
        }
        addresses
    }

    /// The address with the same canonical form, in any spelling, and its id.
    pub(crate) fn find(&self, value: &T) -> Option<(IdentifierId, &Address<T>)> {
        self.iter()
            .find(|(_, own)| own.value.canonical() == value.canonical())
    }

    /// Adds an address. If it is verified and there is no primary one, it becomes the primary one.
    pub(crate) fn add(&mut self, id: IdentifierId, address: Address<T>) -> Result<(), Refusal> {
        if self.find(&address.value).is_some() {
            return Err(Kind::from(T::KIND).duplicate().into());
        }
        self.insert(id, address)?;
        self.set_primary_if_none(id);
        Ok(())
    }

    /// Marks an address as proved by its owner, in the spelling that was proved. An address that is not
    /// there is added. It doesn't become the primary one.
    pub(crate) fn prove(&mut self, id: IdentifierId, value: T) -> Result<(), Refusal> {
        if self.get(id).is_some_and(|own| own.verified) {
            return Ok(());
        }
        if self.find(&value).is_some_and(|(other, _)| other != id) {
            return Err(Kind::from(T::KIND).duplicate().into());
        }
        let source = Source::SELF_SERVICE;
        if let Some(own) = self.own.get_mut(&id) {
            own.value = value;
            own.verified = true;
            own.verification_source = Some(source);
            return Ok(());
        }
        self.insert(id, Address::of_source(value, source.clone(), Some(source)))
    }

    /// Changes the spelling of an address. Without effect where the canonical form is another one.
    pub(crate) fn respell(&mut self, id: IdentifierId, value: T) {
        if let Some(own) = self.own.get_mut(&id)
            && own.value.canonical() == value.canonical()
        {
            own.value = value;
        }
    }

    /// Removes an address. The primary one can only be removed when it is the last of its kind, and none
    /// when it is the last of the user's `identifiers`.
    pub(crate) fn remove(&mut self, id: IdentifierId, identifiers: usize) -> Result<(), Refusal> {
        if !self.contains(id) {
            return Err(Refusal::NotFound(T::KIND.into()));
        }
        if self.is_primary(id) && self.len() > 1 {
            return Err(T::KIND.primary_goes_last().into());
        }
        refuse_last_identifier(identifiers)?;
        self.own.remove(&id);
        self.primary.take_if(|primary| primary.id == id);
        Ok(())
    }

    fn insert(&mut self, id: IdentifierId, address: Address<T>) -> Result<(), Refusal> {
        if self.len() >= Self::MAX {
            return Err(T::KIND.too_many().into());
        }
        self.own.insert(id, address);
        Ok(())
    }
}

impl<T> Addresses<T>
where
    for<'a> Identifier: From<&'a T>,
{
    /// All of them as identifiers, each with its id.
    pub(crate) fn identifiers(&self) -> impl Iterator<Item = (Identifier, IdentifierId)> {
        self.iter()
            .map(|(id, address)| (Identifier::from(&address.value), id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);

    fn id(n: u8) -> IdentifierId {
        IdentifierId::issue(NOW, [n; 10])
    }

    fn phone(n: u8) -> Phone {
        Phone::restore(format!("+44163296{n:04}"))
    }

    fn proved(n: u8) -> (IdentifierId, Address<Phone>) {
        (id(n), Address::added(phone(n), true))
    }

    fn unproved(n: u8) -> (IdentifierId, Address<Phone>) {
        (id(n), Address::added(phone(n), false))
    }

    fn managed(n: u8) -> Primary {
        Primary {
            id: id(n),
            tenure: Tenure::Managed,
        }
    }

    fn code(refused: Result<(), Refusal>) -> Code {
        match refused {
            Err(Refusal::Rules(errors)) => errors[0].code,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_primary_address_is_one_of_its_own_and_verified_and_none_is_there_twice() {
        let restore = |own: Vec<_>, primary| Addresses::restore(own.into_iter().collect(), primary);
        assert_eq!(
            restore(vec![proved(1)], Some(managed(2))),
            Err(InvalidAddresses::ForeignPrimary)
        );
        assert_eq!(
            restore(vec![unproved(1)], Some(managed(1))),
            Err(InvalidAddresses::UnverifiedPrimary)
        );
        let twice = vec![proved(1), (id(2), Address::added(phone(1), false))];
        assert_eq!(restore(twice, None), Err(InvalidAddresses::Duplicate));
        let valid = restore(vec![proved(1), unproved(2)], Some(managed(1))).unwrap();
        assert_eq!(valid.primary_value(), Some((id(1), &phone(1))));
        assert_eq!(restore(vec![], None), Ok(Addresses::default()));
    }

    #[test]
    fn nothing_makes_an_unproved_or_unknown_address_the_primary_one() {
        let mut addresses = Addresses::restore([proved(1), unproved(2)].into(), None).unwrap();
        for n in [2, 3] {
            addresses.set_primary(id(n), Tenure::Restored);
            addresses.set_primary_if_none(id(n));
            assert_eq!(addresses.primary(), None);
        }
        addresses.set_primary_if_none(id(1));
        assert_eq!(addresses.primary(), Some(managed(1)));
    }

    #[test]
    fn the_primary_address_stays_proved_and_is_never_left_out() {
        let mut addresses =
            Addresses::restore([proved(1), proved(2)].into(), Some(managed(1))).unwrap();
        addresses.set_verification(id(1), None);
        addresses.set_verification(id(2), None);
        addresses.set_verification(id(3), None);
        let verified: Vec<_> = addresses.iter().map(|(_, own)| own.verified).collect();
        assert_eq!(verified, [true, false]);
        addresses.retain(|_, _| false);
        assert_eq!(addresses.ids().collect::<Vec<_>>(), [id(1)]);
    }

    #[test]
    fn a_tenure_goes_with_its_primary_address() {
        let since = Some(Primary {
            id: id(1),
            tenure: Tenure::Since(NOW),
        });
        let mut addresses = Addresses::restore([proved(1)].into(), since).unwrap();
        assert_eq!(addresses.tenure(), Tenure::Since(NOW));
        addresses.remove(id(1), 2).unwrap();
        assert_eq!(
            (addresses.primary(), addresses.tenure()),
            (None, Tenure::Managed)
        );
        let again = addresses.remove(id(1), 1);
        assert_eq!(again, Err(Refusal::NotFound(Part::Phone)));
    }

    #[test]
    fn proving_keeps_what_is_proved_and_takes_no_other_ones_place() {
        let mut addresses = Addresses::restore([proved(1), unproved(2)].into(), None).unwrap();
        let before = addresses.clone();
        addresses.prove(id(1), phone(9)).unwrap();
        assert_eq!(addresses, before);
        assert_eq!(
            code(addresses.prove(id(2), phone(1))),
            Code::DuplicatePhoneNumber
        );
        assert_eq!(
            code(addresses.prove(id(3), phone(1))),
            Code::DuplicatePhoneNumber
        );
        addresses.prove(id(2), phone(2)).unwrap();
        addresses.prove(id(3), phone(3)).unwrap();
        assert!(addresses.iter().all(|(_, own)| own.verified));
        assert_eq!(addresses.primary(), None);
    }

    #[test]
    fn a_spelling_changes_no_canonical_form() {
        let mut addresses = Addresses::restore([proved(1)].into(), None).unwrap();
        addresses.respell(id(1), phone(2));
        assert_eq!(addresses.values().collect::<Vec<_>>(), [&phone(1)]);
    }

    #[test]
    fn errors_speak_of_their_own_kind() {
        let mut addresses = Addresses::first(Some((id(0), phone(0), true)));
        for n in 1..40 {
            addresses
                .add(id(n), Address::added(phone(n), true))
                .unwrap();
        }
        let one_more = addresses.add(id(40), Address::added(phone(40), true));
        assert_eq!(code(one_more), Code::UserTooLarge);
        let again = addresses.add(id(41), Address::added(phone(0), true));
        assert_eq!(code(again), Code::DuplicatePhoneNumber);
        assert_eq!(code(addresses.remove(id(0), 40)), Code::PrimaryIdentifier);
        for (kind, code) in [
            (AddressKind::Email, Code::EmailNotVerified),
            (AddressKind::Phone, Code::PhoneNotVerified),
        ] {
            assert_eq!(kind.not_verified().code, code);
        }
    }
}
