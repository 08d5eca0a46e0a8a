//! Keys of message authentication codes.

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};

/// A secret as it is used at one time: its current version makes codes, and every version verifies them.
#[derive(Debug, Clone)]
pub struct MacKey(Vec<SecretSlice<u8>>);

impl MacKey {
    /// A key of these versions, the current one first.
    pub fn new(versions: Vec<SecretSlice<u8>>) -> Self {
        Self(versions)
    }

    /// The code of the current version: HMAC-SHA-256 over `parts`, one after the other.
    pub fn code(&self, parts: &[&[u8]]) -> Vec<u8> {
        self.codes(parts).into_iter().next().unwrap_or_default()
    }

    /// The codes of all versions, the current one's first.
    pub fn codes(&self, parts: &[&[u8]]) -> Vec<Vec<u8>> {
        let codes = self.0.iter().map(|secret| {
            // HMAC takes keys of any length (RFC 2104, 2), so the error cannot occur; an empty code,
            // which nothing has, stands for it.
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret()) else {
                return Vec::new();
            };
            for part in parts {
                mac.update(part);
            }
            mac.finalize().into_bytes().to_vec()
        });
        codes.collect()
    }

    /// True if `code` is that of a version. All are tried, so the time does not tell which it is.
    pub fn verifies(&self, code: &[u8], parts: &[&[u8]]) -> bool {
        let codes = self.codes(parts).into_iter();
        let matches = codes.fold(Choice::from(0), |found, ours| found | ours.ct_eq(code));
        !code.is_empty() && bool::from(matches)
    }
}

/// A key with one version.
impl From<Vec<u8>> for MacKey {
    fn from(secret: Vec<u8>) -> Self {
        Self(vec![secret.into()])
    }
}
