//! Password hashing with argon2id.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::{
    Algorithm, Argon2 as Kernel, Block, Params, PasswordVerifier as _, Version, password_hash::phc,
};
use async_trait::async_trait;

use crate::{
    domain::{Error, Password, PasswordHash, Result},
    ports::{Entropy, PasswordHasher},
};

/// OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane. Never lower.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Octets of salt: RFC 9106, 3.1.
const SALT_LEN: usize = 16;

/// Octets of hash.
const HASH_LEN: usize = 32;

/// Hashes with argon2id at the parameters above, and verifies any argon2 hash in PHC form.
///
/// Its 19 MiB are allocated and touched once, when it is made, and used again by each hash: page
/// faults cost a first hash as much as the hash itself.
#[derive(Clone)]
pub struct Argon2 {
    kernel: Kernel<'static>,
    entropy: Arc<dyn Entropy>,
    spare: Arc<Mutex<Vec<Vec<Block>>>>,
    decoy: PasswordHash,
}

impl Argon2 {
    /// A hasher, warm.
    ///
    /// # Errors
    /// If there is no randomness.
    pub fn new(entropy: Arc<dyn Entropy>) -> Result<Self> {
        let params =
            Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_LEN)).map_err(Error::internal)?;
        let mut hasher = Self {
            kernel: Kernel::new(Algorithm::Argon2id, Version::V0x13, params),
            entropy,
            spare: Arc::default(),
            decoy: PasswordHash::from_phc(""),
        };
        // Hashing the decoy touches every block; it is a real hash of bytes nobody knows.
        let unknown: [u8; 32] = hasher.entropy.bytes()?;
        hasher.decoy = hasher.hash_now(&unknown)?;
        Ok(hasher)
    }

    fn hash_now(&self, password: &[u8]) -> Result<PasswordHash> {
        let salt: [u8; SALT_LEN] = self.entropy.bytes()?;
        let output = self.run(&self.kernel, password, &salt, HASH_LEN)?;
        let hash = phc::PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: phc::ParamsString::try_from(self.kernel.params()).map_err(Error::internal)?,
            salt: Some(phc::Salt::new(&salt).map_err(Error::internal)?),
            hash: Some(phc::Output::new(&output).map_err(Error::internal)?),
        };
        Ok(PasswordHash::from_phc(hash.to_string()))
    }

    fn verify_now(&self, password: &[u8], hash: &PasswordHash) -> Result<bool> {
        let parsed = phc::PasswordHash::new(hash.expose()).map_err(Error::internal)?;
        let (Some(salt), Some(expected)) = (&parsed.salt, &parsed.hash) else {
            return Err(Error::internal("a stored hash has no salt or no output"));
        };
        // Hashes of our own parameters run in the warm memory; others, in memory of their own.
        let ours = Params::try_from(&parsed).is_ok_and(|params| {
            params.m_cost() == MEMORY_KIB && params.t_cost() == PASSES && params.p_cost() == LANES
        });
        if !ours || parsed.algorithm != Algorithm::Argon2id.ident() || expected.len() != HASH_LEN {
            return Ok(self.kernel.verify_password(password, &parsed).is_ok());
        }
        let actual = self.run(&self.kernel, password, salt.as_ref(), HASH_LEN)?;
        Ok(subtle::ConstantTimeEq::ct_eq(actual.as_slice(), expected.as_bytes()).into())
    }

    /// One hash, in memory used before where there is some.
    fn run(
        &self,
        kernel: &Kernel<'_>,
        password: &[u8],
        salt: &[u8],
        len: usize,
    ) -> Result<Vec<u8>> {
        let mut blocks = self
            .spare()
            .pop()
            .unwrap_or_else(|| vec![Block::default(); kernel.params().block_count()]);
        let mut output = vec![0; len];
        let outcome =
            kernel.hash_password_into_with_memory(password, salt, &mut output, &mut blocks);
        self.spare().push(blocks);
        outcome.map(|()| output).map_err(Error::internal)
    }

    fn spare(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Block>>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Off the thread that answers: the runtime has one, and a hash keeps it for milliseconds.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let hasher = self.clone();
        tokio::task::spawn_blocking(move || work(&hasher))
            .await
            .map_err(Error::caused_by)?
    }
}

#[async_trait]
impl PasswordHasher for Argon2 {
    async fn hash(&self, password: &Password) -> Result<PasswordHash> {
        let password = password.clone();
        self.blocking(move |hasher| hasher.hash_now(password.expose().as_bytes()))
            .await
    }

    async fn verify(&self, password: &Password, hash: Option<&PasswordHash>) -> Result<bool> {
        let password = password.clone();
        let hash = hash.cloned();
        self.blocking(move |hasher| {
            let target = hash.as_ref().unwrap_or(&hasher.decoy);
            let matches = hasher.verify_now(password.expose().as_bytes(), target)?;
            Ok(matches && hash.is_some())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::system::System;

    #[tokio::test]
    async fn a_password_verifies_against_its_own_hash_only() {
        let hasher = Argon2::new(Arc::new(System)).unwrap();
        let password = Password::presented("correct horse battery staple");
        let hash = hasher.hash(&password).await.unwrap();
        assert!(
            hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{}",
            hash.expose()
        );
        assert!(hasher.verify(&password, Some(&hash)).await.unwrap());
        assert!(
            !hasher
                .verify(&Password::presented("wrong"), Some(&hash))
                .await
                .unwrap()
        );
        assert!(!hasher.verify(&password, None).await.unwrap());
        assert_ne!(
            hash.expose(),
            hasher.hash(&password).await.unwrap().expose()
        );
    }

    #[tokio::test]
    async fn the_reference_implementation_agrees() {
        let hasher = Argon2::new(Arc::new(System)).unwrap();
        let password = Password::presented("kestrel");
        let hash = hasher.hash(&password).await.unwrap();
        let parsed = phc::PasswordHash::new(hash.expose()).unwrap();
        assert!(
            Kernel::default()
                .verify_password(b"kestrel", &parsed)
                .is_ok()
        );
    }
}
