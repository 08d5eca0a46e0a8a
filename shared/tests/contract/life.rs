//! Whatever is done to the users, in whatever order: Roster does what the plain [`Model`] does, and
//! some things are always true.

mod invariants;
mod model;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use proptest::prelude::*;
use proptest_state_machine::{StateMachineTest, prop_state_machine};
use shared::{
    application::{
        ports::UserRepository,
        user_updates::{Target, UserUpdates},
    },
    domain::{
        Authority, Change, Error, Login, LoginKey, Name, Origin, PasswordHash, Result, Roles, User,
        UserId, Version,
        event::EventMetadata,
        history::HistoryEntry,
        user::{NewUser, Stored},
    },
};
use tokio::runtime::{Builder, Runtime};

use self::{
    invariants::Seen,
    model::{Action, Command, IfMatch, Model, Outcome},
};
use crate::{
    backend,
    ports::{Ports, email},
    tables::{self, Tables},
};

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_world_is_as_the_model(sequential 1..50 => Memory);
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_database_is_as_the_model(sequential 20..50 => Embedded);
}

struct Memory;
struct Embedded;

/// Roster, and the ids which it gave the people of the model.
struct Roster {
    runtime: Runtime,
    ports: Ports,
    updates: UserUpdates,
    rival: Arc<Rival>,
    ids: Vec<UserId>,
    seen: Seen,
}

/// Lets somebody else change the user after a command read it and before it writes.
struct Rival {
    ports: Ports,
    name: Mutex<Option<u8>>,
}

impl Rival {
    async fn interfere(&self, id: UserId) -> Result<()> {
        let Some(name) = self.name.lock().unwrap().take() else {
            return Ok(());
        };
        if let Some(user) = self.ports.users.find(id).await?
            && let Some(change) = user.rename(name_of(name), &self.ports.metadata())
        {
            self.ports.users.commit(&change).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl UserRepository for Rival {
    async fn find(&self, id: UserId) -> Result<Option<User>> {
        self.ports.users.find(id).await
    }

    async fn find_login(&self, key: &LoginKey) -> Result<Option<Login>> {
        self.ports.users.find_login(key).await
    }

    async fn commit(&self, change: &Change) -> Result<User> {
        self.interfere(change.after.id).await?;
        self.ports.users.commit(change).await
    }

    async fn rehash(&self, old: &Login, new: &PasswordHash) -> Result<bool> {
        self.ports.users.rehash(old, new).await
    }

    async fn has_administrator(&self) -> Result<bool> {
        self.ports.users.has_administrator().await
    }

    async fn find_stored(&self, id: UserId) -> Result<Option<Stored>> {
        self.ports.users.find_stored(id).await
    }

    async fn history_entry(&self, id: UserId, version: Version) -> Result<Option<HistoryEntry>> {
        self.ports.users.history_entry(id, version).await
    }

    async fn history(
        &self,
        id: UserId,
        after: Option<Version>,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>> {
        self.ports.users.history(id, after, limit).await
    }

    async fn forget_private(&self, id: UserId) -> Result<()> {
        self.ports.users.forget_private(id).await
    }
}

fn address_of(number: usize) -> String {
    format!("user-{number}@example.com")
}

fn name_of(number: u8) -> Name {
    format!("Name {number}").parse().unwrap()
}

fn password_of(number: u8) -> PasswordHash {
    PasswordHash::from_phc(format!("$password-{number}"))
}

fn roles_of(roles: &BTreeSet<&'static str>) -> Roles {
    roles.iter().map(|role| role.parse().unwrap()).collect()
}

impl Roster {
    fn over(runtime: Runtime, ports: Ports) -> Self {
        let rival = Arc::new(Rival {
            ports: ports.clone(),
            name: Mutex::default(),
        });
        let updates = UserUpdates {
            users: rival.clone(),
            env: ports.env.clone(),
            changes_per_hour: u32::MAX,
        };
        Self {
            runtime,
            ports,
            updates,
            rival,
            ids: Vec::new(),
            seen: Seen::default(),
        }
    }

    fn apply(mut self, model: &Model, command: &Command) -> Self {
        let outcome = match command {
            Command::Create { address, roles } => self.create(*address, roles),
            Command::Change {
                who,
                if_match,
                rival,
                action,
            } => {
                *self.rival.name.lock().unwrap() = *rival;
                let outcome = self.change(*who, *if_match, action);
                // A command that wrote nothing met nobody.
                *self.rival.name.lock().unwrap() = None;
                outcome
            }
        };
        assert_eq!(Some(&outcome), model.outcome.as_ref(), "{command:?}");
        self
    }

    fn create(&mut self, address: usize, roles: &BTreeSet<&'static str>) -> Outcome {
        let new = NewUser {
            id: self.ports.user_id(),
            email: email(&address_of(address)),
            name: name_of(0),
            password: password_of(0),
            roles: roles_of(roles),
        };
        let change = User::create(new, &self.ports.metadata());
        let outcome = self.runtime.block_on(self.ports.users.commit(&change));
        if let Ok(user) = &outcome {
            self.ids.push(user.id);
        }
        told(outcome)
    }

    fn change(&self, who: usize, if_match: IfMatch, action: &Action) -> Outcome {
        let id = self.ids[who];
        self.runtime.block_on(async {
            let user = self.ports.users.find(id).await.unwrap();
            let version = user.as_ref().map_or(1, |user| user.version.get());
            let expected = match if_match {
                IfMatch::Anything => None,
                IfMatch::Present => Some(version),
                IfMatch::Older => Some(version - 1),
                IfMatch::Newer => Some(version + 1),
            };
            let password = match &user {
                Some(user) => {
                    let key = LoginKey::Email(user.email.clone());
                    let login = self.ports.users.find_login(&key).await.unwrap();
                    login.and_then(|login| login.password)
                }
                None => None,
            };
            let act = |user: &User, metadata: &EventMetadata| {
                perform(user, action, password.clone(), metadata)
            };
            let target = Target {
                authority: Authority::Admin,
                id,
                expected: expected.map(|version| vec![Version::from(version)]),
                origin: Origin::system("request-1"),
            };
            told(self.updates.update(&target, act).await)
        })
    }
}

fn perform(
    user: &User,
    action: &Action,
    password: Option<PasswordHash>,
    metadata: &EventMetadata,
) -> Result<Option<Change>> {
    Ok(match action {
        Action::Rename(name) => user.rename(name_of(*name), metadata),
        Action::RequestEmail(address) => {
            Some(user.request_email(email(&address_of(*address)), metadata)?)
        }
        Action::WithdrawEmail => user.withdraw_email(metadata),
        Action::ConfirmEmail => Some(user.confirm_email(password, metadata)?),
        Action::VerifyEmail => user.verify_email(metadata),
        Action::ChangePassword(new) => Some(user.change_password(password_of(*new), metadata)),
        Action::StartRecovery => {
            // The limit on recoveries counts by time, which the model does not know.
            let now = metadata.now.plus(Duration::from_hours(user.version.get()));
            let metadata = EventMetadata {
                now,
                ..metadata.clone()
            };
            Some(user.start_recovery(&metadata)?)
        }
        Action::AssignRoles(roles) => user.assign_roles(roles_of(roles), metadata)?,
        Action::Deactivate => Some(user.deactivate(metadata)?),
        Action::Reactivate => Some(user.reactivate(metadata)?),
        Action::Erase => Some(user.erase(metadata)),
    })
}

fn told(outcome: Result<User>) -> Outcome {
    match outcome {
        Ok(user) => Ok(user.version.get()),
        Err(Error::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error}"),
    }
}

/// A machine over one kind of ports, which looks at everything after each so many commands, and at
/// the end.
macro_rules! machine {
    ($machine:ident, $stride:literal, $open:expr) => {
        impl StateMachineTest for $machine {
            type SystemUnderTest = Roster;
            type Reference = Model;

            fn init_test(_: &Model) -> Roster {
                let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                let ports = runtime.block_on($open);
                Roster::over(runtime, ports)
            }

            fn apply(roster: Roster, model: &Model, command: Command) -> Roster {
                roster.apply(model, &command)
            }

            fn check_invariants(roster: &Roster, model: &Model) {
                if roster.seen.commands().is_multiple_of($stride) {
                    roster.runtime.block_on(invariants::check(roster, model));
                }
            }

            fn teardown(roster: Roster, model: Model) {
                roster.runtime.block_on(invariants::check(&roster, &model));
            }
        }
    };
}

machine!(Memory, 1, async { backend::in_memory() });
machine!(Embedded, 8, async {
    let client = tables::client(&tables::embedded().await);
    let tables = Tables::create(client.clone(), String::new()).await;
    backend::over(&client, &tables)
});
