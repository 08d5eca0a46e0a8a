//! Hashes of passwords: ours, and those which other systems made.

mod foreign;

use std::fmt;

use base64::{
    Engine as _,
    alphabet::BCRYPT,
    engine::{GeneralPurpose, general_purpose::NO_PAD},
};
use password_hash::phc;

use crate::error::Violation;

/// A password hash: a PHC string, or for bcrypt its own modular crypt form. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// A hash in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashParams {
    /// The function and what it costs.
    pub scheme: Scheme,
    /// Decoded.
    pub salt: Vec<u8>,
    /// Decoded; at least 16 bytes.
    pub output: Vec<u8>,
}

/// A function for passwords, with its cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// RFC 9106.
    Argon2id {
        /// The version: 16 or 19.
        version: u32,
        /// `m`: memory, in KiB.
        memory: u32,
        /// `t`: passes over it.
        passes: u32,
        /// `p`: lanes.
        lanes: u32,
    },
    /// bcrypt as `$2b$`. `$2a$` and `$2y$` are the same for the implementations in use today.
    Bcrypt {
        /// The binary logarithm of its rounds.
        cost: u32,
    },
    /// RFC 7914.
    Scrypt {
        /// `ln`: the binary logarithm of `N`.
        log_n: u8,
        /// `r`: block size.
        block: u32,
        /// `p`: parallelisation.
        lanes: u32,
    },
    /// RFC 8018 over HMAC-SHA-256.
    Pbkdf2Sha256 {
        /// `i`: iterations.
        rounds: u32,
    },
    /// RFC 8018 over HMAC-SHA-512.
    Pbkdf2Sha512 {
        /// `i`: iterations.
        rounds: u32,
    },
}

/// Memory that a hash may take, in KiB. A function that hashes has 1,769 MB.
const MAX_MEMORY: u64 = 256 << 10;

/// KiB that a hash may fill and mix in all its passes: about a second of one core, as the caps on
/// bcrypt and PBKDF2 are.
const MAX_MIXED: u64 = 1 << 20;

/// Beyond 12, which OWASP's cheat sheet and the defaults of most libraries stay below.
const MAX_BCRYPT_COST: u32 = 14;

/// Over three times what OWASP's cheat sheet asks for (600,000).
const MAX_ROUNDS: u32 = 2_000_000;

/// Nearly five times what OWASP's cheat sheet asks for (210,000). One over SHA-512 costs about two.
const MAX_ROUNDS_SHA512: u32 = 1_000_000;

/// Bytes below which an output would be met by chance or by trying.
const MIN_OUTPUT: usize = 16;

impl PasswordHash {
    /// The hash as a hasher made it or a table holds it.
    pub fn from_phc(phc: impl Into<String>) -> Self {
        Self(phc.into())
    }

    /// A hash which another system made, in the form in which it is stored.
    ///
    /// # Errors
    /// | code | why |
    /// |---|---|
    /// | `unknown-hash` | it is in no known form |
    /// | `unsupported-hash` | nothing here verifies it; the message names it |
    /// | `invalid-hash` | the form is known, and a parameter, the salt or the output is wrong |
    /// | `too-costly` | verifying it would cost more than a sign-in may |
    ///
    /// The messages hold nothing of the hash.
    pub fn import(raw: &str) -> Result<Self, Violation> {
        let hash = Self(foreign::stored_form(raw)?);
        hash.params()?;
        Ok(hash)
    }

    /// How it was made.
    ///
    /// # Errors
    /// As [`PasswordHash::import`]. So no hash is ever computed above the caps, wherever it is from.
    pub fn params(&self) -> Result<HashParams, Violation> {
        let params = match self.0.as_bytes() {
            [b'$', b'2', b'a' | b'b' | b'y', b'$', ..] => bcrypt(&self.0),
            _ => phc(&self.0),
        }?;
        if params.scheme.is_too_costly() {
            let message = "costs more to verify than a sign-in may";
            return Err(Violation::new("too-costly", message));
        }
        Ok(params)
    }

    /// The text, for the hasher and the table alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(***)")
    }
}

impl Scheme {
    /// Whether it is within what its standard allows: RFC 9106, 3.1; RFC 7914, 2.
    fn is_possible(self) -> bool {
        match self {
            Self::Argon2id {
                version,
                memory,
                passes,
                lanes,
            } => {
                let has_lanes = (1..1 << 24).contains(&lanes);
                matches!(version, 16 | 19) && has_lanes && passes > 0 && memory / 8 >= lanes
            }
            Self::Scrypt {
                log_n,
                block,
                lanes,
            } => {
                let mixed = block.checked_mul(lanes);
                let is_bounded = mixed.is_some_and(|mixed| (1..1 << 30).contains(&mixed));
                is_bounded && log_n > 0 && u32::from(log_n) < block.saturating_mul(16)
            }
            Self::Bcrypt { cost } => cost >= 4,
            Self::Pbkdf2Sha256 { rounds } | Self::Pbkdf2Sha512 { rounds } => rounds > 0,
        }
    }

    fn is_too_costly(self) -> bool {
        let (memory, mixed) = match self {
            Self::Bcrypt { cost } => return cost > MAX_BCRYPT_COST,
            Self::Pbkdf2Sha256 { rounds } => return rounds > MAX_ROUNDS,
            Self::Pbkdf2Sha512 { rounds } => return rounds > MAX_ROUNDS_SHA512,
            Self::Argon2id { memory, passes, .. } => {
                let memory = u64::from(memory);
                (memory, memory.saturating_mul(passes.into()))
            }
            Self::Scrypt {
                log_n,
                block,
                lanes,
            } => {
                // 128 bytes in each of `r` parts of N blocks, which each lane writes once and reads
                // once; beside them, one block for each lane.
                let block = u64::from(block).saturating_mul(128);
                let lanes = u64::from(lanes);
                let blocks = 1_u64.checked_shl(log_n.into()).unwrap_or(u64::MAX);
                let memory = blocks.saturating_add(lanes).saturating_mul(block);
                let mixed = memory.saturating_mul(2).saturating_mul(lanes);
                (memory >> 10, mixed >> 10)
            }
        };
        memory > MAX_MEMORY || mixed > MAX_MIXED
    }
}

/// bcrypt's base 64. The last digit of a salt holds two bits, and some wrote rubbish into the rest.
const BCRYPT_BASE64: GeneralPurpose =
    GeneralPurpose::new(&BCRYPT, NO_PAD.with_decode_allow_trailing_bits(true));

/// `$2b$<cost>$`, then salt and output in bcrypt's own base 64, which has no separator.
fn bcrypt(raw: &str) -> Result<HashParams, Violation> {
    let form = || invalid("is not $2b$<cost>$ and 53 characters, as bcrypt writes it");
    let parts = raw.get(4..).and_then(|rest| rest.split_once('$'));
    let (cost, rest) = parts.ok_or_else(form)?;
    let (salt, output) = rest.split_at_checked(22).ok_or_else(form)?;
    let decode = |text, len| {
        let bytes = BCRYPT_BASE64.decode(text).ok();
        bytes.filter(|bytes| bytes.len() == len).ok_or_else(form)
    };
    let is_cost = cost.len() == 2 && cost.bytes().all(|digit| digit.is_ascii_digit());
    let cost = cost.parse().ok().filter(|_| is_cost);
    let scheme = cost.map(|cost| Scheme::Bcrypt { cost });
    Ok(HashParams {
        scheme: scheme
            .filter(|scheme| scheme.is_possible())
            .ok_or_else(|| invalid("has a cost that is not from 04 to 31"))?,
        salt: decode(salt, 16)?,
        output: decode(output, 23)?,
    })
}

/// The PHC string format.
fn phc(raw: &str) -> Result<HashParams, Violation> {
    let algorithms = ["argon2id", "scrypt", "pbkdf2-sha256", "pbkdf2-sha512"];
    let algorithm = raw.split('$').nth(1).unwrap_or_default();
    if !raw.starts_with('$') || !algorithms.contains(&algorithm) {
        let message = "is in no known form: argon2id, scrypt, PBKDF2-SHA256 and PBKDF2-SHA512 are taken as \
                       PHC strings, bcrypt as $2b$; docs/operations.md has all forms";
        return Err(unknown(message));
    }
    let hash = phc::PasswordHash::new(raw).map_err(|error| unreadable(&error))?;
    let (Some(salt), Some(output)) = (&hash.salt, &hash.hash) else {
        return Err(invalid("has no salt, or no output"));
    };
    let parameters = "has parameters that its algorithm does not have, or not in this range";
    let scheme = scheme(&hash, output.as_bytes().len()).filter(|scheme| scheme.is_possible());
    let scheme = scheme.ok_or_else(|| invalid(parameters))?;
    if output.as_bytes().len() < MIN_OUTPUT {
        return Err(invalid("has an output of less than 16 bytes"));
    }
    Ok(HashParams {
        scheme,
        salt: salt.to_vec(),
        output: output.as_bytes().to_vec(),
    })
}

/// The function of a PHC string. A parameter that is not known could change the output, so there is
/// none then.
fn scheme(hash: &phc::PasswordHash, output_len: usize) -> Option<Scheme> {
    let number = |name: &str| hash.params.get_decimal(name);
    let has_only = |names: &[&str]| {
        let mut params = hash.params.iter();
        params.all(|(name, _)| names.contains(&name.as_str()))
    };
    // A length beside the output must be its own.
    let rounds = || {
        let is_whole = number("l").is_none_or(|len| usize::try_from(len) == Ok(output_len));
        let is_known = has_only(&["i", "l"]) && hash.version.is_none();
        number("i").filter(|_| is_whole && is_known)
    };
    match hash.algorithm.as_str() {
        "argon2id" if has_only(&["m", "t", "p"]) => Some(Scheme::Argon2id {
            // The format's rule for a hash from before versions were written.
            version: hash.version.unwrap_or(16),
            memory: number("m")?,
            passes: number("t")?,
            lanes: number("p")?,
        }),
        "scrypt" if has_only(&["ln", "r", "p"]) && hash.version.is_none() => Some(Scheme::Scrypt {
            log_n: number("ln")?.try_into().ok()?,
            block: number("r")?,
            lanes: number("p")?,
        }),
        "pbkdf2-sha256" => rounds().map(|rounds| Scheme::Pbkdf2Sha256 { rounds }),
        "pbkdf2-sha512" => rounds().map(|rounds| Scheme::Pbkdf2Sha512 { rounds }),
        _ => None,
    }
}

/// Why a PHC string of a known algorithm cannot be read.
fn unreadable(error: &phc::Error) -> Violation {
    use phc::Error as E;
    invalid(match error {
        E::Base64(_) => "has a salt or an output that is not base64 of the standard alphabet",
        E::SaltTooShort | E::SaltTooLong => "has a salt that has not 8 to 48 bytes",
        E::OutputSize { .. } => "has an output that has not 16 to 64 bytes",
        E::MissingField | E::TrailingData => "has not the four parts of a PHC string",
        _ => "has parameters that cannot be read",
    })
}

fn invalid(message: &str) -> Violation {
    Violation::new("invalid-hash", message)
}

fn unknown(message: &str) -> Violation {
    Violation::new("unknown-hash", message)
}

#[cfg(test)]
mod tests;
