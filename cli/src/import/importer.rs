//! One user of a file becomes a user of Roster.

use std::sync::Arc;

use shared::{
    application::ports::{Env, UserRepository},
    domain::{
        Change, Error, FieldError, LoginKey, Origin, Refusal, Result, Timestamp, User, UserId,
        event::EventMetadata, user::ImportKey,
    },
};

use crate::record::Record;

/// Writes users, each in one transaction with its event and its unique claims.
pub(crate) struct Importer {
    users: Arc<dyn UserRepository>,
    key: ImportKey,
    env: Env,
    started: Timestamp,
}

/// What became of a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The user was written.
    Written,
    /// An earlier run wrote the user. Whatever happened to it since stays.
    Present,
    /// The line cannot be a user.
    Refused(Vec<FieldError>),
}

impl Importer {
    pub(crate) fn new(users: Arc<dyn UserRepository>, key: ImportKey, env: Env) -> Self {
        Self {
            users,
            key,
            started: env.clock.now(),
            env,
        }
    }

    /// The creation which `record` asks for. Its ids are the same at each run.
    pub(crate) fn change(&self, record: Record, now: Timestamp) -> Result<Change> {
        // Where nothing is said, nothing that differs between two runs may stand in for it.
        let known_since = record.created_at.unwrap_or(Timestamp::from_micros(0));
        let id = record.id;
        let id = id.unwrap_or_else(|| self.key.user_id(&record.email, known_since));
        let metadata = EventMetadata {
            event_id: self.key.event_id(id, known_since),
            salt: self.env.random.token()?,
            now,
            origin: Origin::system("import"),
        };
        let created_at = record.created_at.unwrap_or(now);
        Ok(User::import(record.into_user(id, created_at), &metadata))
    }

    /// Writes the user, unless it is there.
    ///
    /// # Errors
    /// If it is unknown whether the user was written. The same line may then be imported again.
    pub(crate) async fn import(&self, record: Record) -> Result<Outcome> {
        let now = self.env.clock.now();
        if record.created_at.is_some_and(|time| time > now) {
            return Ok(refused("/createdAt", "in-the-future", "has not come yet"));
        }
        let change = self.change(record, now)?;
        let (id, address) = (change.after.id, LoginKey::Email(change.after.email.clone()));
        if let Some(outcome) = self.owned(&address, id).await? {
            return Ok(outcome);
        }
        match self.users.commit(&change).await {
            // A user who moved to another address or was erased is known by the event.
            Ok(user) if user.updated_at < self.started => Ok(Outcome::Present),
            Ok(_) => Ok(Outcome::Written),
            Err(Error::Refused(Refusal::VersionConflict)) => {
                Ok(refused("/id", "id-taken", "is the id of another user"))
            }
            Err(Error::Refused(Refusal::EmailTaken)) => {
                let owned = self.owned(&address, id).await?;
                let message = "is linked to another user";
                Ok(owned.unwrap_or_else(|| refused("/identities", "identity-taken", message)))
            }
            Err(error) => Err(error),
        }
    }

    /// The outcome if a user has the address already.
    async fn owned(&self, address: &LoginKey, id: UserId) -> Result<Option<Outcome>> {
        let login = self.users.find_login(address).await?;
        Ok(login.map(|login| {
            if login.user_id == id {
                Outcome::Present
            } else {
                refused("/email", "email-taken", "belongs to another user")
            }
        }))
    }
}

fn refused(pointer: &str, code: &'static str, message: &str) -> Outcome {
    Outcome::Refused(vec![FieldError::new(pointer, code, message)])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::domain::EventKind;
    use testing::{FakeBackend, Fault};

    use super::*;

    fn importer(backend: &Arc<FakeBackend>) -> Importer {
        let key = ImportKey::new(vec![7; 32].into());
        Importer::new(backend.clone(), key, backend.env())
    }

    fn record(line: &str) -> Record {
        Record::read(line.as_bytes()).unwrap()
    }

    fn ann() -> Record {
        record(
            r#"{"email": "ann@example.com", "name": "Ann", "createdAt": "2020-01-01T00:00:00Z",
                "identities": ["https://accounts.example.com#ann"]}"#,
        )
    }

    async fn code(backend: &Arc<FakeBackend>, line: &str) -> (String, &'static str) {
        match importer(backend).import(record(line)).await.unwrap() {
            Outcome::Refused(errors) => (errors[0].pointer.clone(), errors[0].code),
            outcome => panic!("{outcome:?}"),
        }
    }

    #[tokio::test]
    async fn a_user_keeps_its_age_and_begins_a_history() {
        let backend = FakeBackend::new();
        let outcome = importer(&backend).import(ann()).await.unwrap();
        assert_eq!(outcome, Outcome::Written);
        let user = backend.users().remove(0);
        assert_eq!(user.created_at, "2020-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(user.updated_at, backend.env().clock.now());
        assert_eq!(user.logins.len(), 2);
        let event = backend.outbox().remove(0);
        assert_eq!(event.kind, EventKind::UserImported);
        let entry = backend.history_entry(user.id, user.version).await.unwrap();
        assert_eq!(entry.map(|entry| entry.hash), Some(user.chain));
    }

    #[tokio::test]
    async fn a_second_run_writes_nothing() {
        let backend = FakeBackend::new();
        importer(&backend).import(ann()).await.unwrap();
        backend.advance(Duration::from_mins(1));
        let outcome = importer(&backend).import(ann()).await.unwrap();
        assert_eq!(outcome, Outcome::Present);
        assert_eq!((backend.users().len(), backend.outbox().len()), (1, 1));
    }

    #[tokio::test]
    async fn who_was_erased_since_does_not_come_back() {
        let backend = FakeBackend::new();
        importer(&backend).import(ann()).await.unwrap();
        backend.advance(Duration::from_mins(1));
        let metadata = backend.env().metadata(Origin::system("test"));
        let change = backend.users()[0].erase(&metadata.unwrap());
        backend.commit(&change).await.unwrap();
        backend.advance(Duration::from_mins(1));
        let outcome = importer(&backend).import(ann()).await.unwrap();
        assert_eq!(outcome, Outcome::Present);
        assert!(backend.users().is_empty());
    }

    #[tokio::test]
    async fn what_is_unique_stays_so() {
        let backend = FakeBackend::new();
        let with_id = |id: u8, email: &str, identity: &str| {
            format!(
                r#"{{"id": "00000000-0000-0000-0000-0000000000{id:02}", "email": "{email}", "name": "Ann",
                    "identities": ["https://accounts.example.com#{identity}"]}}"#
            )
        };
        let first = record(&with_id(1, "ann@example.com", "ann"));
        importer(&backend).import(first).await.unwrap();
        for (line, expected) in [
            (
                with_id(2, "ann@example.com", "b"),
                ("/email", "email-taken"),
            ),
            (
                with_id(2, "bob@example.com", "ann"),
                ("/identities", "identity-taken"),
            ),
        ] {
            assert_eq!(
                code(&backend, &line).await,
                (expected.0.to_owned(), expected.1)
            );
        }
        // Made here, and not by an import.
        let zoe = backend.add_user("zoe@example.com").await.id;
        let line = format!(r#"{{"id": "{zoe}", "email": "new@example.com", "name": "Zoe"}}"#);
        assert_eq!(code(&backend, &line).await, ("/id".to_owned(), "id-taken"));
        assert_eq!(backend.users().len(), 2);
    }

    #[tokio::test]
    async fn nobody_comes_from_the_future() {
        let backend = FakeBackend::new();
        let line =
            r#"{"email": "a@example.com", "name": "Ann", "createdAt": "2999-01-01T00:00:00Z"}"#;
        let expected = ("/createdAt".to_owned(), "in-the-future");
        assert_eq!(code(&backend, line).await, expected);
    }

    #[tokio::test]
    async fn a_run_that_broke_off_can_be_repeated() {
        let tried = FakeBackend::try_every_fault(async |fault: Fault| {
            let backend = FakeBackend::new();
            let first = importer(&backend);
            let (_, fired) = backend.with_fault(fault, first.import(ann())).await;
            backend.advance(Duration::from_mins(1));
            let outcome = importer(&backend).import(ann()).await.unwrap();
            assert!(!matches!(outcome, Outcome::Refused(_)), "{fault:?}");
            assert_eq!((backend.users().len(), backend.outbox().len()), (1, 1));
            fired
        })
        .await;
        assert_eq!(tried, 4 * 2, "two calls, each with four faults");
    }
}
