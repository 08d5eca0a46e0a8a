//! The use case: the key that signs gives way to the next.

use std::{sync::Arc, time::Duration};

use shared::{
    application::ports::{Clock, KeyGenerator, SigningKeys},
    domain::{Error, Result, keys::PUBLISH_AHEAD},
};

pub struct RotateSigningKeys {
    pub keys: Arc<dyn SigningKeys>,
    pub generator: Arc<dyn KeyGenerator>,
    pub clock: Arc<dyn Clock>,
    /// For how long each signs.
    pub period: Duration,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// What is due.
    Rotate,
    /// Every key gives way to a new one at once: one may have become known to others. Every access
    /// token dies within five minutes, when the last process has read the new ring.
    RevokeAll,
}

impl RotateSigningKeys {
    /// Publishes the next key some hours before its time, and forgets those whose tokens have all
    /// expired. Fine to run again, and at the same time: the ring changes once. Before the first key
    /// there is nothing to rotate; the first signer makes it.
    ///
    /// # Errors
    /// If another change of the ring came first; the next run looks again.
    pub async fn execute(&self, command: Command) -> Result<()> {
        let Some(ring) = self.keys.ring().await? else {
            return Ok(());
        };
        let now = self.clock.now();
        let rotation = match command {
            Command::RevokeAll => Some(ring.replacement(self.generator.generate(now)?)),
            Command::Rotate => {
                let due = ring.is_due(now, self.period);
                let next = due.then(|| self.generator.generate(now.plus(PUBLISH_AHEAD)));
                ring.rotation(now, next.transpose()?)
            }
        };
        let Some(rotation) = rotation else {
            return Ok(());
        };
        if !self.keys.rotate(&rotation).await? {
            return Err(Error::internal("another change of the ring came first"));
        }
        let next = rotation.next.map(|next| next.public.kid);
        tracing::info!(?next, retired = ?rotation.retired, "the ring changed");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use adapters::jwt::{Jwt, Rsa};
    use shared::{
        application::ports::{TokenIssuer as _, TokenVerifier as _},
        domain::{Roles, Session, Timestamp, keys::RETENTION},
    };
    use testing::FakeBackend;

    use super::*;

    const MONTH: Duration = Duration::from_hours(30 * 24);
    const DAY: Duration = Duration::from_hours(24);

    fn rotation(backend: &Arc<FakeBackend>) -> RotateSigningKeys {
        RotateSigningKeys {
            keys: backend.clone(),
            generator: backend.clone(),
            clock: backend.clone(),
            period: MONTH,
        }
    }

    /// A backend with one key.
    async fn backend() -> Arc<FakeBackend> {
        let backend = FakeBackend::new();
        let first = backend.generate(backend.now()).unwrap();
        backend.bootstrap(&first).await.unwrap();
        backend
    }

    async fn kids(backend: &FakeBackend) -> Vec<String> {
        let ring = backend.ring().await.unwrap().unwrap();
        ring.keys.into_iter().map(|key| key.kid).collect()
    }

    async fn signer(backend: &FakeBackend, now: Timestamp) -> String {
        let ring = backend.ring().await.unwrap().unwrap();
        ring.signing_key(now).unwrap().kid.clone()
    }

    #[tokio::test]
    async fn before_the_first_key_there_is_nothing_to_do() {
        let backend = FakeBackend::new();
        for command in [Command::Rotate, Command::RevokeAll] {
            rotation(&backend).execute(command).await.unwrap();
        }
        assert_eq!(backend.ring().await.unwrap(), None);
    }

    /// Daily for a year: there is always a key that signs, no key signs for less than a month, and
    /// each key is in the ring the day before it signs.
    #[tokio::test]
    async fn a_year_of_days() {
        let backend = backend().await;
        let rotation = rotation(&backend);
        let (mut known, mut last) = (kids(&backend).await, signer(&backend, backend.now()).await);
        let mut signers = 1;
        for _ in 0..365 {
            rotation.execute(Command::Rotate).await.unwrap();
            rotation.execute(Command::Rotate).await.unwrap();
            let now = kids(&backend).await;
            assert!(now.len() <= 2, "{now:?}");
            let signs = signer(&backend, backend.now()).await;
            assert!(known.contains(&signs), "it was published the day before");
            if signs != last {
                (last, signers) = (signs, signers + 1);
            }
            known = now;
            backend.advance(DAY);
        }
        assert_eq!(signers, 13, "the first, and one for each month that began");
    }

    /// With real signatures: what a retired key signed is valid until it expires.
    #[tokio::test]
    async fn a_token_outlives_the_rotation() {
        let backend = FakeBackend::new();
        let issuer = "https://api.example.com";
        let jwt = Jwt::new(backend.clone(), backend.env(), "roster");
        jwt.warm_up_to_sign().await.unwrap();
        let first = signer(&backend, backend.now()).await;
        let ann = backend.sign_up("Ann", Roles::new()).await;
        let user = backend.user(ann.id).unwrap();
        let session: Session = backend.sessions_of(ann.id).remove(0);
        let rotation = RotateSigningKeys {
            generator: Arc::new(Rsa),
            ..rotation(&backend)
        };
        backend.advance(MONTH.saturating_sub(PUBLISH_AHEAD));
        rotation.execute(Command::Rotate).await.unwrap();
        backend.advance(PUBLISH_AHEAD.saturating_sub(Duration::from_secs(1)));
        let before = jwt.issue(issuer.into(), &user, &session).await.unwrap();
        backend.advance(Duration::from_mins(9));
        rotation.execute(Command::Rotate).await.unwrap();
        let after = jwt.issue(issuer.into(), &user, &session).await.unwrap();
        assert_ne!(signer(&backend, backend.now()).await, first);
        let other = Jwt::new(backend.clone(), backend.env(), "roster");
        for token in [before, after] {
            let token = secrecy_of(&token);
            for verifier in [&jwt, &other] {
                assert!(verifier.verify(issuer, &token).await.unwrap().is_some());
            }
        }
        // Its private half goes with it.
        backend.advance(RETENTION);
        rotation.execute(Command::Rotate).await.unwrap();
        assert!(backend.private(&first).await.unwrap().is_none());
        assert_eq!(kids(&backend).await.len(), 1);
    }

    fn secrecy_of(token: &shared::application::ports::AccessToken) -> String {
        use secrecy::ExposeSecret as _;
        token.token.expose_secret().to_owned()
    }

    #[tokio::test]
    async fn compromised_keys_are_replaced_at_once() {
        let backend = backend().await;
        let before = kids(&backend).await;
        rotation(&backend)
            .execute(Command::RevokeAll)
            .await
            .unwrap();
        let after = kids(&backend).await;
        assert!(after.len() == 1 && after != before);
        assert_eq!(signer(&backend, backend.now()).await, after[0]);
        assert!(backend.private(&before[0]).await.unwrap().is_none());
    }
    #[tokio::test]
    async fn a_rotation_survives_every_fault() {
        let calls = FakeBackend::survives_every_fault(
            async |backend| {
                let first = backend.generate(backend.now()).unwrap();
                backend.bootstrap(&first).await.unwrap();
                backend.advance(MONTH);
            },
            async |backend, ()| rotation(backend).execute(Command::Rotate).await,
            async |backend, ()| {
                let kids = kids(backend).await;
                for kid in &kids {
                    assert!(backend.private(kid).await.unwrap().is_some(), "{kid}");
                }
                kids.len() == 2
            },
        )
        .await;
        assert_eq!(calls.len(), 2, "{calls:?}");
    }
}
