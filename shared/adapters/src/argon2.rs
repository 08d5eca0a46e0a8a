//! Password hashing with argon2id.

mod known_answer;

use std::sync::{Arc, Mutex, PoisonError};

use application::ports::{PasswordHasher, SecureRandom};
use argon2_rust::{
    Algorithm, Argon2 as Kernel, Hasher, Params, Version,
    params::{Memory, TagLen},
};
use async_trait::async_trait;
use domain::{
    Error, Password, PasswordHash, Result,
    password::{HashParams, Scheme},
};
use password_hash::phc;
use subtle::{Choice, ConstantTimeEq as _};

use super::foreign_hashes;

/// OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane. Never lower.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// RFC 9106's version, 1.3.
const VERSION: u32 = 19;

/// Bytes of salt: RFC 9106, 3.1.
const SALT_LEN: usize = 16;

/// Bytes of hash.
const HASH_LEN: usize = 32;

/// The parameters of new hashes.
const OURS: Scheme = Scheme::Argon2id {
    version: VERSION,
    memory: MEMORY_KIB,
    passes: PASSES,
    lanes: LANES,
};

/// Hashes with argon2id at the parameters above, and verifies whatever may be imported.
///
/// Its 19 MiB are allocated by the first hash, and used again by each other.
#[derive(Clone)]
pub struct Argon2 {
    kernel: Kernel,
    random: Arc<dyn SecureRandom>,
    /// Kernels with their own memory, one for each hash that ran at once.
    spare: Arc<Mutex<Vec<Hasher>>>,
    /// Verified where there is no hash, so that the cost is the same.
    decoy: HashParams,
}

impl Argon2 {
    /// A hasher. It hashes nothing of this size yet: a cold sign-in costs one hash.
    ///
    /// # Errors
    /// If the kernel computes wrongly on this CPU.
    pub fn new(random: Arc<dyn SecureRandom>) -> Result<Self> {
        known_answer::check_kernel()?;
        let params = Params::builder()
            .memory(Memory::kib(MEMORY_KIB.into()))
            .passes(PASSES)
            .lanes(LANES)
            .tag_len(TagLen::bytes(HASH_LEN as u64))
            .build()
            .map_err(Error::internal)?;
        Ok(Self {
            kernel: Kernel::new(Algorithm::Argon2id, Version::V0x13, params),
            random,
            spare: Arc::default(),
            decoy: decoy(),
        })
    }

    fn hash_now(&self, password: &[u8]) -> Result<PasswordHash> {
        let salt: [u8; SALT_LEN] = self.random.bytes()?;
        let output = self.run(password, &salt)?;
        let params = format!("m={MEMORY_KIB},t={PASSES},p={LANES}");
        let hash = phc::PasswordHash {
            algorithm: phc::Ident::new("argon2id").map_err(Error::internal)?,
            version: Some(VERSION),
            params: params.parse().map_err(Error::internal)?,
            salt: Some(phc::Salt::new(&salt).map_err(Error::internal)?),
            hash: Some(phc::Output::new(&output).map_err(Error::internal)?),
        };
        Ok(PasswordHash::from_phc(hash.to_string()))
    }

    /// Tries every candidate, also after one was right, so that timing does not show which.
    fn verify_now(&self, password: &Password, hash: Option<&PasswordHash>) -> Result<bool> {
        let params = hash.and_then(known);
        let target = params.as_ref().unwrap_or(&self.decoy);
        let mut matches = Choice::from(0);
        for spelling in password.spellings() {
            let output = if is_ours(target) {
                Some(self.run(spelling.as_bytes(), &target.salt)?.to_vec())
            } else {
                foreign_hashes::derive(target, spelling.as_bytes())?
            };
            matches |= output.map_or(Choice::from(0), |output| output.ct_eq(&target.output));
        }
        Ok(bool::from(matches) && params.is_some())
    }

    /// One hash, in spare memory if there is some.
    fn run(&self, password: &[u8], salt: &[u8]) -> Result<[u8; HASH_LEN]> {
        let mut hasher = self.spare().pop().unwrap_or_else(|| self.kernel.hasher());
        let mut output = [0; HASH_LEN];
        let outcome = hasher.hash_into(password, salt, &mut output);
        self.spare().push(hasher);
        outcome.map(|()| output).map_err(Error::internal)
    }

    fn spare(&self) -> std::sync::MutexGuard<'_, Vec<Hasher>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs on another thread: the runtime has one, and a hash takes it for milliseconds.
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
        self.blocking(move |hasher| hasher.verify_now(&password, hash.as_ref()))
            .await
    }

    /// One at a higher cost is not: every account that signs in should take the same time.
    fn is_current(&self, hash: &PasswordHash) -> bool {
        hash.params()
            .is_ok_and(|params| is_ours(&params) && params.salt.len() == SALT_LEN)
    }
}

/// What a hash of ours is made of, so that it costs what one costs. Nothing matches it: that there is no
/// hash decides.
fn decoy() -> HashParams {
    HashParams {
        scheme: OURS,
        salt: vec![0; SALT_LEN],
        output: vec![0; HASH_LEN],
    }
}

/// True if the warm kernel can compute hashes of this scheme.
fn is_ours(params: &HashParams) -> bool {
    params.scheme == OURS && params.output.len() == HASH_LEN
}

/// How a stored hash was made. Nothing can be read that an import let in; whatever else there may be
/// is no password, and must not answer differently from one that is wrong.
fn known(hash: &PasswordHash) -> Option<HashParams> {
    hash.params()
        .inspect_err(|violation| {
            tracing::error!(code = violation.code, "a stored hash is unusable");
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use argon2::PasswordVerifier as _;
    use proptest::prelude::*;

    use super::*;
    use crate::system::System;

    fn hasher() -> Argon2 {
        Argon2::new(Arc::new(System)).unwrap()
    }

    #[tokio::test]
    async fn a_password_verifies_against_its_own_hash_only() {
        let hasher = hasher();
        let password = Password::presented("correct horse battery staple");
        let hash = hasher.hash(&password).await.unwrap();
        assert!(
            hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{}",
            hash.expose()
        );
        assert!(hasher.verify(&password, Some(&hash)).await.unwrap());
        let wrong = Password::presented("wrong");
        assert!(!hasher.verify(&wrong, Some(&hash)).await.unwrap());
        assert!(!hasher.verify(&password, None).await.unwrap());
        let again = hasher.hash(&password).await.unwrap();
        assert_ne!(hash.expose(), again.expose());
    }

    #[tokio::test]
    async fn the_decoy_costs_what_a_new_hash_costs() {
        let hasher = hasher();
        let hash = hasher.hash(&Password::presented("kestrel")).await.unwrap();
        let (decoy, new) = (decoy(), hash.params().unwrap());
        assert!(is_ours(&decoy) && is_ours(&new));
        assert_eq!(decoy.salt.len(), new.salt.len());
    }

    #[test]
    fn to_make_a_hasher_costs_no_hash() {
        assert!(hasher().spare().is_empty(), "memory of a hash");
    }

    #[tokio::test]
    async fn the_reference_implementation_agrees() {
        let hasher = hasher();
        let hash = hasher.hash(&Password::presented("kestrel")).await.unwrap();
        let parsed = phc::PasswordHash::new(hash.expose()).unwrap();
        let reference = argon2::Argon2::default();
        assert!(reference.verify_password(b"kestrel", &parsed).is_ok());
    }

    /// The output of the reference implementation.
    fn reference(password: &[u8], salt: &[u8]) -> [u8; HASH_LEN] {
        let params = argon2::Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_LEN)).unwrap();
        let (algorithm, version) = (argon2::Algorithm::Argon2id, argon2::Version::V0x13);
        let mut output = [0; HASH_LEN];
        argon2::Argon2::new(algorithm, version, params)
            .hash_password_into(password, salt, &mut output)
            .unwrap();
        output
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn the_kernel_and_the_reference_implementation_agree(
            password in prop::collection::vec(any::<u8>(), 0..300),
            others in prop::collection::vec(any::<u8>(), 0..40),
            salt: [u8; SALT_LEN],
        ) {
            let hasher = hasher();
            // Its memory was used before, by other passwords.
            hasher.run(&others, &salt).unwrap();
            prop_assert_eq!(hasher.run(&password, &salt).unwrap(), reference(&password, &salt));
        }
    }

    #[tokio::test]
    async fn a_hash_of_other_make_is_not_current() {
        let hasher = hasher();
        let hash = hasher.hash(&Password::presented("kestrel")).await.unwrap();
        assert!(hasher.is_current(&hash));
        let of = |old: &str, new: &str| {
            let other = hash.expose().replace(old, new);
            assert_ne!(other, hash.expose());
            PasswordHash::from_phc(other)
        };
        for other in [
            of("m=19456", "m=12288"),
            of("m=19456", "m=65536"),
            of("t=2", "t=1"),
            of("v=19", "v=16"),
            PasswordHash::from_phc("no hash at all"),
        ] {
            assert!(!hasher.is_current(&other), "{}", other.expose());
        }
    }

    /// Nobody is shown that there is an account whose hash is broken.
    #[tokio::test]
    async fn an_unusable_hash_is_as_a_wrong_password() {
        let hasher = hasher();
        let password = Password::presented("kestrel");
        let above_the_cap = "$argon2id$v=19$m=4194304,t=9,p=1$c29tZXNhbHRzb21lc2FsdA$\
                             wyCDnyqtf4jfXqRB9zffoQ1NL9/K5K8LyDZY031hXpY";
        for hash in ["no hash at all", "", above_the_cap] {
            let hash = PasswordHash::from_phc(hash);
            assert!(!hasher.verify(&password, Some(&hash)).await.unwrap());
        }
    }
}
