//! The kernel is chosen by the CPU it runs on, and one that computes wrongly would lock everybody out and
//! store hashes which no other verifies. So it has to give a known answer before it is used.

use argon2_rust::{
    Algorithm, Argon2 as Kernel, Params, Version,
    params::{Memory, TagLen},
};
use domain::{Error, Result};

/// A thousandth of a password's memory: some hundredths of a millisecond.
const MEMORY_KIB: u32 = 32;
const PASSES: u32 = 2;

const PASSWORD: &[u8] = b"roster";
const SALT: &[u8; 16] = b"known answer 019";

/// What the reference implementation in C gives.
const ANSWER: [u8; 32] = [
    0x90, 0xdb, 0xfc, 0xfb, 0xb9, 0x98, 0x00, 0xe7, 0x7e, 0x7e, 0x6f, 0xe7, 0x7a, 0xbb, 0x81, 0x1c,
    0x2b, 0x1f, 0x5a, 0x9d, 0x7b, 0x0e, 0x0c, 0xfd, 0xed, 0x4d, 0xe5, 0x11, 0x4c, 0x8b, 0x37, 0xda,
];

/// Checks the kernel that this process will use.
///
/// # Errors
/// If its answer is another.
pub(super) fn check_kernel() -> Result<()> {
    check(&answer_of_kernel()?)
}

fn answer_of_kernel() -> Result<[u8; 32]> {
    let params = Params::builder()
        .memory(Memory::kib(MEMORY_KIB.into()))
        .passes(PASSES)
        .lanes(1)
        .tag_len(TagLen::bytes(ANSWER.len() as u64))
        .build()
        .map_err(Error::internal)?;
    let kernel = Kernel::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut answer = [0; ANSWER.len()];
    kernel
        .hash_into(PASSWORD, SALT, &mut answer)
        .map_err(Error::internal)?;
    Ok(answer)
}

fn check(answer: &[u8]) -> Result<()> {
    if *answer == ANSWER {
        return Ok(());
    }
    tracing::error!("the argon2 kernel computes wrongly on this CPU: nothing can be hashed");
    Err(Error::internal("the argon2 kernel's known answer is wrong"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_gives_the_known_answer() {
        check_kernel().unwrap();
    }

    #[test]
    fn the_reference_implementation_gives_the_known_answer() {
        let params = argon2::Params::new(MEMORY_KIB, PASSES, 1, Some(ANSWER.len())).unwrap();
        let (algorithm, version) = (argon2::Algorithm::Argon2id, argon2::Version::V0x13);
        let mut answer = [0; ANSWER.len()];
        argon2::Argon2::new(algorithm, version, params)
            .hash_password_into(PASSWORD, SALT, &mut answer)
            .unwrap();
        assert_eq!(answer, ANSWER);
    }

    #[test]
    fn a_kernel_with_another_answer_is_not_used() {
        let mut answer = ANSWER;
        answer[31] ^= 1;
        assert!(check(&answer).is_err());
    }
}
