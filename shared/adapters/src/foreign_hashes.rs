//! Hashes made by other systems. The next sign-in replaces them.

use argon2::{Algorithm, Argon2, Params, Version};
use domain::{
    Error, Result,
    password::{HashParams, Scheme},
};
use sha2::{Sha256, Sha512};

/// The output for `password` with the parameters of `hash`; none if no system could have hashed such a
/// password so.
///
/// # Errors
/// If the parameters cannot be followed. One that was read from a hash can.
pub(super) fn derive(hash: &HashParams, password: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut output = vec![0; hash.output.len()];
    match hash.scheme {
        Scheme::Argon2id {
            version,
            memory,
            passes,
            lanes,
        } => {
            let version = Version::try_from(version).map_err(Error::internal)?;
            let params = Params::new(memory, passes, lanes, Some(output.len()));
            let params = params.map_err(Error::internal)?;
            Argon2::new(Algorithm::Argon2id, version, params)
                .hash_password_into(password, &hash.salt, &mut output)
                .map_err(Error::internal)?;
        }
        Scheme::Bcrypt { cost } => return bcrypt(hash, cost, password),
        Scheme::Scrypt {
            log_n,
            block,
            lanes,
        } => {
            let params = scrypt::Params::new(log_n, block, lanes).map_err(Error::internal)?;
            scrypt::scrypt(password, &hash.salt, &params, &mut output).map_err(Error::internal)?;
        }
        Scheme::Pbkdf2Sha256 { rounds } => {
            pbkdf2::pbkdf2_hmac::<Sha256>(password, &hash.salt, rounds, &mut output);
        }
        Scheme::Pbkdf2Sha512 { rounds } => {
            pbkdf2::pbkdf2_hmac::<Sha512>(password, &hash.salt, rounds, &mut output);
        }
    }
    Ok(Some(output))
}

/// The bytes of a password which bcrypt reads.
const BCRYPT_LIMIT: usize = 72;

/// bcrypt reads a text that ends with NUL, and no further than 72 bytes. The system that hashed a
/// longer password cut it there, so it is cut here. One with a NUL inside would be compared up to that
/// only, so it never matches.
fn bcrypt(params: &HashParams, cost: u32, password: &[u8]) -> Result<Option<Vec<u8>>> {
    let salt = params.salt.as_slice().try_into().map_err(Error::internal)?;
    let mut text = zeroize::Zeroizing::new(password.to_vec());
    text.push(0);
    text.truncate(BCRYPT_LIMIT);
    let output = bcrypt::bcrypt(cost, salt, &text);
    // The last of its 24 bytes is not kept by the format.
    let kept = output.get(..params.output.len()).map(<[u8]>::to_vec);
    Ok(kept.filter(|_| !password.contains(&0)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use application::ports::PasswordHasher as _;
    use domain::{Password, PasswordHash};

    use crate::{argon2::Argon2, system::System};

    const PASSWORD: &str = "correct horse battery staple";

    async fn matches(hash: &str, password: &str) -> bool {
        let hasher = Argon2::new(Arc::new(System)).unwrap();
        let hash = PasswordHash::import(hash).unwrap();
        assert!(!hasher.is_current(&hash));
        let password = Password::presented(password);
        hasher.verify(&password, Some(&hash)).await.unwrap()
    }

    /// Made by libxcrypt, by Python's `hashlib` (OpenSSL) and by the reference implementation of
    /// argon2.
    #[tokio::test]
    async fn hashes_of_other_systems_verify() {
        for hash in [
            "$2b$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS",
            "$scrypt$ln=14,r=8,p=1$c29tZXNhbHRzb21lc2FsdA$NRUVX5lTPZon3qTjxh3SCvArh1MCgj9GMCgklWD7vjg",
            "$scrypt$ln=14,r=8,p=1$c29tZXNhbHRzb21lc2FsdA$NRUVX5lTPZon3qTjxh3SCvArh1MCgj9GMCgklWD7vjh\
             FMeAB06/PIgXdAkfOfA7fFDCJH6IP8DWqQtZ52wsehQ",
            "$pbkdf2-sha256$i=29000,l=32$c29tZXNhbHRzb21lc2FsdA$Ibbz5kP+CRkoP9UDeUW7dOckQGzqBQhH74B1ARoyTF8",
            "pbkdf2_sha256$20000$qFqqkPjDSfMTvQbWTFBvNa$x0mfNjAgmkaXg9KVDUKUsSqoFZKPFnJ5TaIguAbh9Kw=",
            "$pbkdf2-sha256$29000$....................eA$CqQ6aazo.pAp5uNFLY.5gTSvvWX3nM8IgPLHsze09Xs",
            "$pbkdf2-sha512$25000$....................eA$t45om3n7/BY.MTAbdjp3c7aM8Bnu/Wy3EDYbucaC7irujpGdszUHfff0S/JWQIuG0qiK35CuElaAuEKZ9ZKsvg",
            "$pbkdf2-sha512$i=30000,l=64$c29tZXNhbHRzb21lc2FsdA$nJQ4uzleAwyu3I6/sGTPFaFUAnoxHCFeqZ2MwN8O3zRK+MdgElbKNLTSYGaLqcKzTBS41UumICQhLB8iZN/Z1Q",
            "$scrypt$ln=14,r=8,p=1$c29tZXNhbHRzb21lc2FsdA==$NRUVX5lTPZon3qTjxh3SCvArh1MCgj9GMCgklWD7vjg=",
            "{bcrypt}$2b$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS",
            "bcrypt$$2b$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS",
            "argon2$argon2id$v=19$m=4096,t=3,p=1$c29tZXNhbHRzb21lc2FsdA$wyCDnyqtf4jfXqRB9zffoQ1NL9/K5K8LyDZY031hXpY",
            "$argon2id$v=19$m=4096,t=3,p=1$c29tZXNhbHRzb21lc2FsdA$wyCDnyqtf4jfXqRB9zffoQ1NL9/K5K8LyDZY031hXpY",
            "$argon2id$v=19$m=8192,t=2,p=4$c29tZXNhbHRzb21lc2FsdA$p5EHN8553oVgOwgQaRNkBE3icRD/N0fJvpXzKJId6Ho",
            "$argon2id$v=16$m=4096,t=3,p=1$c29tZXNhbHRzb21lc2FsdA$Etmz3M9Gyd+iAot4b/9W+M1cPYCQUd1ik5b0Y4URWP0",
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$5hk92RjHZwnSCjTxTIhWBMI4Pzfc1slM",
        ] {
            assert!(matches(hash, PASSWORD).await, "{hash}");
            assert!(
                !matches(hash, "correct horse battery stable").await,
                "{hash}"
            );
            assert!(!matches(hash, "").await, "{hash}");
        }
    }

    #[tokio::test]
    async fn bcrypt_reads_72_bytes_and_no_nul() {
        let of_80_x = "$2y$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i";
        for (len, is_right) in [(71, false), (72, true), (73, true), (80, true)] {
            assert_eq!(matches(of_80_x, &"x".repeat(len)).await, is_right, "{len}");
        }
        let hash = "$2b$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS";
        assert!(!matches(hash, &format!("{PASSWORD}\0")).await);
        assert!(!matches(hash, &format!("{PASSWORD}\0and more")).await);
    }

    #[tokio::test]
    async fn what_was_typed_counts_where_it_was_hashed_so() {
        let composed = "$2a$04$abcdefghijklmnopqrstuuv5JEJpKUOfUBt52qo/udWznUujjXrPW";
        let decomposed = "$pbkdf2-sha256$i=1000$c29tZXNhbHRzb21lc2FsdA$\
                          y49tcA3wa0MthS8klHhwtDg6O/X1lsilH7gQmwZRLQg";
        assert!(matches(composed, "caf\u{e9} paix").await);
        assert!(matches(composed, "cafe\u{301} paix").await);
        assert!(matches(decomposed, "cafe\u{301} paix").await);
        // The normal form does not say how it was typed in the other system.
        assert!(!matches(decomposed, "caf\u{e9} paix").await);
    }
}
