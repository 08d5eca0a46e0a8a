//! The users as a plain table in memory, and what each command should do to it: written without a
//! look at the domain, so that both must agree.

use std::collections::BTreeSet;

use proptest::{collection::btree_set, prelude::*, sample};
use proptest_state_machine::ReferenceStateMachine;
use shared::domain::{EventKind, Refusal};

/// Addresses there are.
pub(super) const ADDRESSES: usize = 4;

/// Users at most.
const USERS: usize = 5;

/// A user, erased ones included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) address: usize,
    pub(super) pending: Option<usize>,
    pub(super) verified: bool,
    pub(super) name: u8,
    pub(super) password: Option<u8>,
    pub(super) roles: BTreeSet<&'static str>,
    pub(super) active: bool,
    pub(super) erased: bool,
    pub(super) epoch: u64,
    /// What happened; the number is the version.
    pub(super) events: Vec<EventKind>,
}

/// All users, in the order of their creation, and what became of the last command.
#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    pub(super) people: Vec<Person>,
    pub(super) outcome: Option<Outcome>,
}

/// What becomes of a command: the version of its user then, or a refusal.
pub(super) type Outcome = Result<u64, Refusal>;

/// What somebody wants of Roster.
#[derive(Debug, Clone)]
pub(super) enum Command {
    /// A sign-up.
    Create {
        address: usize,
        roles: BTreeSet<&'static str>,
    },
    /// A change of one user.
    Change {
        who: usize,
        if_match: IfMatch,
        /// The name which somebody else gives the user after the command read it and before it
        /// writes.
        rival: Option<u8>,
        action: Action,
    },
}

/// Which version a command demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfMatch {
    Anything,
    Present,
    Older,
    Newer,
}

/// What to change.
#[derive(Debug, Clone)]
pub(super) enum Action {
    Rename(u8),
    RequestEmail(usize),
    WithdrawEmail,
    ConfirmEmail,
    VerifyEmail,
    ChangePassword(u8),
    StartRecovery,
    AssignRoles(BTreeSet<&'static str>),
    Deactivate,
    Reactivate,
    Erase,
}

impl Person {
    fn is_admin(&self) -> bool {
        !self.erased && self.active && self.roles.contains("admin")
    }

    pub(super) fn version(&self) -> u64 {
        self.events.len() as u64
    }

    /// The person after `action`; nothing if that is how it is.
    fn after(&self, action: &Action) -> Result<Option<Self>, Refusal> {
        let mut next = self.clone();
        let event = match action {
            Action::Rename(name) if *name == self.name => return Ok(None),
            Action::Rename(name) => {
                next.name = *name;
                EventKind::UserUpdated
            }
            Action::RequestEmail(_) if !self.verified => return Err(Refusal::AddressUnproven),
            Action::RequestEmail(address) if *address == self.address => {
                return Err(Refusal::EmailTaken);
            }
            Action::RequestEmail(address) => {
                next.pending = Some(*address);
                EventKind::UserEmailChangeRequested
            }
            Action::WithdrawEmail if self.pending.is_none() => return Ok(None),
            Action::WithdrawEmail => {
                next.pending = None;
                EventKind::UserEmailChangeWithdrawn
            }
            Action::ConfirmEmail => {
                next.address = next.pending.take().ok_or(Refusal::TokenExpired)?;
                next.verified = true;
                EventKind::UserEmailChanged
            }
            Action::VerifyEmail if self.verified => return Ok(None),
            Action::VerifyEmail => {
                next.verified = true;
                EventKind::UserEmailVerified
            }
            Action::ChangePassword(password) => {
                next.password = Some(*password);
                next.epoch += 1;
                next.pending = None;
                EventKind::UserPasswordChanged
            }
            Action::StartRecovery => {
                next.password = None;
                next.epoch += 1;
                next.pending = None;
                EventKind::UserRecoveryStarted
            }
            Action::AssignRoles(roles) if !self.verified && !roles.is_subset(&self.roles) => {
                return Err(Refusal::UserUnproven);
            }
            Action::AssignRoles(roles) if *roles == self.roles => return Ok(None),
            Action::AssignRoles(roles) => {
                if self.roles.iter().any(|role| !roles.contains(role)) {
                    next.epoch += 1;
                    next.pending = None;
                }
                next.roles.clone_from(roles);
                EventKind::UserRolesChanged
            }
            Action::Deactivate if !self.active => return Err(Refusal::AlreadyDeactivated),
            Action::Deactivate => {
                next.active = false;
                next.epoch += 1;
                next.pending = None;
                EventKind::UserDeactivated
            }
            Action::Reactivate if self.active => return Err(Refusal::AlreadyActive),
            Action::Reactivate => {
                next.active = true;
                EventKind::UserReactivated
            }
            Action::Erase => {
                next.erased = true;
                EventKind::UserDeleted
            }
        };
        next.events.push(event);
        Ok(Some(next))
    }
}

impl Model {
    /// Principal has an address.
    pub(super) fn owner(&self, address: usize) -> Option<usize> {
        let owns = |person: &Person| !person.erased && person.address == address;
        self.people.iter().position(owns)
    }

    pub(super) fn admins(&self) -> usize {
        self.people.iter().filter(|user| user.is_admin()).count()
    }

    fn create(&mut self, address: usize, roles: &BTreeSet<&'static str>) -> Outcome {
        if self.owner(address).is_some() {
            return Err(Refusal::EmailTaken);
        }
        self.people.push(Person {
            address,
            pending: None,
            verified: false,
            name: 0,
            password: Some(0),
            roles: roles.clone(),
            active: true,
            erased: false,
            epoch: 0,
            events: vec![EventKind::UserCreated],
        });
        Ok(1)
    }

    fn change(
        &mut self,
        who: usize,
        if_match: IfMatch,
        rival: Option<u8>,
        action: &Action,
    ) -> Outcome {
        if self.people[who].erased {
            return Err(Refusal::NotFound);
        }
        if matches!(if_match, IfMatch::Older | IfMatch::Newer) {
            return Err(Refusal::PreconditionFailed);
        }
        let Some(mut next) = self.people[who].after(action)? else {
            return Ok(self.people[who].version());
        };
        let rival = rival.map(Action::Rename);
        let between = rival.map(|rename| self.people[who].after(&rename));
        if let Some(between) = between.transpose()?.flatten() {
            self.people[who] = between;
            if if_match == IfMatch::Present {
                return Err(Refusal::PreconditionFailed);
            }
            match self.people[who].after(action)? {
                Some(again) => next = again,
                None => return Ok(self.people[who].version()),
            }
        }
        let moves = next.address != self.people[who].address;
        if moves && self.owner(next.address).is_some() {
            return Err(Refusal::EmailTaken);
        }
        if self.people[who].is_admin() && !next.is_admin() && self.admins() == 1 {
            return Err(Refusal::LastAdministrator);
        }
        self.people[who] = next;
        Ok(self.people[who].version())
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Command;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Command> {
        let create =
            (0..ADDRESSES, roles()).prop_map(|(address, roles)| Command::Create { address, roles });
        if state.people.is_empty() {
            return create.boxed();
        }
        let if_match = prop_oneof![
            4 => Just(IfMatch::Anything),
            4 => Just(IfMatch::Present),
            1 => Just(IfMatch::Older),
            1 => Just(IfMatch::Newer),
        ];
        let rival = prop_oneof![3 => Just(None), 1 => (0u8..3).prop_map(Some)];
        let change = (0..state.people.len(), if_match, rival, action()).prop_map(
            |(who, if_match, rival, action)| Command::Change {
                who,
                if_match,
                rival,
                action,
            },
        );
        prop_oneof![1 => create, 5 => change].boxed()
    }

    fn apply(mut state: Self, command: &Command) -> Self {
        let outcome = match command {
            Command::Create { address, roles } => state.create(*address, roles),
            Command::Change {
                who,
                if_match,
                rival,
                action,
            } => state.change(*who, *if_match, *rival, action),
        };
        state.outcome = Some(outcome);
        state
    }

    fn preconditions(state: &Self, command: &Command) -> bool {
        match command {
            Command::Create { .. } => state.people.len() < USERS,
            Command::Change { who, .. } => *who < state.people.len(),
        }
    }
}

fn roles() -> impl Strategy<Value = BTreeSet<&'static str>> {
    btree_set(sample::select(vec!["admin", "support"]), 0..=2)
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        2 => (0u8..3).prop_map(Action::Rename),
        3 => (0..ADDRESSES).prop_map(Action::RequestEmail),
        1 => Just(Action::WithdrawEmail),
        4 => Just(Action::ConfirmEmail),
        4 => Just(Action::VerifyEmail),
        1 => (0u8..3).prop_map(Action::ChangePassword),
        1 => Just(Action::StartRecovery),
        2 => roles().prop_map(Action::AssignRoles),
        2 => Just(Action::Deactivate),
        2 => Just(Action::Reactivate),
        1 => Just(Action::Erase),
    ]
}
