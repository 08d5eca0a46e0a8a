//! Secrets which processes share. The versions of each take turns.

use std::time::Duration;

use secrecy::SecretSlice;

use super::{
    Timestamp, TokenPurpose,
    device::DEVICE_LIFETIME,
    mac::MacKey,
    session::SESSION_LIFETIME,
    turns::{self, PUBLISH_AHEAD, Turn},
};

/// What a shared secret is for. Each has its own leading key in the table, so that a function reads
/// only its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SecretPurpose {
    /// Hides keys and bodies in idempotency records.
    Idempotency,
    /// Makes the secrets of refresh tokens.
    Refresh,
    /// Makes the secrets of one-time tokens.
    OneTimeToken,
    /// Authenticates device tokens.
    Device,
    /// Makes the ids of imported users.
    Import,
    /// Makes the secrets that sign what services are told.
    Webhook,
}

/// More than what a version made is good for: for clocks that differ, and processes that read late.
const MARGIN: Duration = Duration::from_hours(24);

/// Each secret has at most so many retired versions that still verify.
const RETIRED: u32 = 4;

impl SecretPurpose {
    /// Those whose versions take turns. The one of imports stays: it authenticates nothing, and only
    /// while it stays does a repeated import find the users of the first one by their ids. That of webhooks
    /// stays too: the secret of a service is made of it and of a salt, and who knows the one must know the
    /// other. So each service takes another salt instead, when its receiver can learn the new secret.
    pub const ROTATING: [Self; 4] = [
        Self::Idempotency,
        Self::Refresh,
        Self::OneTimeToken,
        Self::Device,
    ];

    /// True if its versions take turns.
    pub fn rotates(self) -> bool {
        Self::ROTATING.contains(&self)
    }

    /// The name by which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idempotency => "idempotency",
            Self::Refresh => "refresh",
            Self::OneTimeToken => "one-time-token",
            Self::Device => "device",
            Self::Import => "import",
            Self::Webhook => "webhook",
        }
    }

    /// How long a retired version verifies what it made: as long as that can be good.
    pub fn retention(self) -> Duration {
        let longest = match self {
            // An idempotency record is kept for a day.
            Self::Idempotency => Duration::from_hours(24),
            Self::Refresh => SESSION_LIFETIME,
            Self::OneTimeToken => TokenPurpose::Invitation.lifetime(),
            Self::Device => DEVICE_LIFETIME,
            Self::Import | Self::Webhook => Duration::MAX,
        };
        longest.saturating_add(MARGIN)
    }
}

/// Bytes of a secret.
const SECRET_LEN: usize = 32;

/// One version of a secret.
#[derive(Debug, Clone)]
pub struct SecretVersion {
    /// 256 random bits.
    pub secret: SecretSlice<u8>,
    /// When it begins to make codes. It verifies before, for clocks differ.
    pub activates_at: Timestamp,
}

impl SecretVersion {
    fn new(secret: [u8; SECRET_LEN], activates_at: Timestamp) -> Self {
        Self {
            secret: secret.to_vec().into(),
            activates_at,
        }
    }
}

impl Turn for SecretVersion {
    fn activates_at(&self) -> Timestamp {
        self.activates_at
    }
}

/// The versions of a secret, oldest first; there is at least one.
#[derive(Debug, Clone)]
pub struct SecretRing(Vec<SecretVersion>);

impl SecretRing {
    /// A secret with one version, in use from `now` on.
    pub fn first(secret: [u8; SECRET_LEN], now: Timestamp) -> Self {
        Self(vec![SecretVersion::new(secret, now)])
    }

    /// The versions as they were stored; none if there are none.
    pub fn stored(versions: Vec<SecretVersion>) -> Option<Self> {
        (!versions.is_empty()).then_some(Self(versions))
    }

    pub fn versions(&self) -> &[SecretVersion] {
        &self.0
    }

    /// The ring of `purpose` after a rotation at `now`: the next version is there if one is due, and
    /// those whose codes are all void are gone. Each is used for `period`, or longer where what it makes
    /// is good for very long. None if there is nothing to do.
    ///
    /// # Errors
    /// Those of `random`, which makes the next version.
    pub fn rotated<E>(
        &self,
        purpose: SecretPurpose,
        now: Timestamp,
        period: Duration,
        random: impl FnOnce() -> Result<[u8; SECRET_LEN], E>,
    ) -> Result<Option<Self>, E> {
        let retention = purpose.retention();
        let period = period.max(retention / RETIRED);
        let mut kept = self.0.clone();
        kept.retain(|version| !turns::is_retired(&self.0, version, retention, now));
        let is_due = turns::is_due(&self.0, now, period);
        if is_due {
            kept.push(SecretVersion::new(random()?, now.plus(PUBLISH_AHEAD)));
        }
        Ok((is_due || kept.len() < self.0.len()).then_some(Self(kept)))
    }

    /// The secret as it is used at `now`.
    pub fn at(&self, now: Timestamp) -> MacKey {
        let current = turns::current(&self.0, now).map(|version| version.activates_at);
        let mut versions = self.0.clone();
        versions.sort_by_key(|version| Some(version.activates_at) != current);
        let secrets = versions.into_iter().map(|version| version.secret);
        MacKey::new(secrets.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONTH: Duration = Duration::from_hours(30 * 24);
    const DAY: Duration = Duration::from_hours(24);

    fn at(span: Duration) -> Timestamp {
        Timestamp::from_seconds(1_000_000).plus(span)
    }

    fn daily(ring: &mut SecretRing, purpose: SecretPurpose, now: Timestamp, next: u8) -> bool {
        let random = || Ok::<_, std::convert::Infallible>([next; SECRET_LEN]);
        let Ok(rotated) = ring.rotated(purpose, now, MONTH, random);
        let is_changed = rotated.is_some();
        *ring = rotated.unwrap_or_else(|| ring.clone());
        is_changed
    }

    /// What a version made verifies for as long as it can be good, and no longer than a margin after.
    #[test]
    fn a_version_is_next_then_current_then_retired_then_gone() {
        for purpose in SecretPurpose::ROTATING {
            // As it was stored before there were versions.
            let mut ring = SecretRing::first([0; SECRET_LEN], Timestamp::EPOCH);
            let mut given = Vec::new();
            let good_for = purpose.retention().saturating_sub(MARGIN);
            for day in 0..800_u16 {
                let now = at(DAY * u32::from(day));
                daily(&mut ring, purpose, now, u8::try_from(day % 251).unwrap());
                assert!(!daily(&mut ring, purpose, now, 255), "one at a time");
                let valid = ring.at(now).codes(&[b"x"]);
                given.push((now, valid[0].clone()));
                for (made, code) in &given {
                    let is_good = made.plus(good_for) >= now;
                    let is_over = made
                        .plus(good_for)
                        .plus(MARGIN * 2)
                        .plus(MONTH.max(purpose.retention() / RETIRED))
                        < now;
                    let verifies = valid.contains(code);
                    assert!(!is_good || verifies, "{purpose:?} {day}");
                    assert!(!is_over || !verifies, "{purpose:?} {day}");
                }
                assert!(ring.versions().len() <= 2 + RETIRED as usize, "{purpose:?}");
            }
            given.dedup_by(|one, other| one.1 == other.1);
            assert!(given.len() > 10, "{purpose:?} {}", given.len());
        }
    }

    #[test]
    fn a_code_is_that_of_the_current_version_and_every_version_verifies() {
        let mut ring = SecretRing::first([1; SECRET_LEN], at(Duration::ZERO));
        let old = ring.at(at(MONTH)).code(&[b"a", b"b"]);
        assert!(daily(&mut ring, SecretPurpose::Refresh, at(MONTH), 2));
        assert_eq!(ring.at(at(MONTH)).code(&[b"ab"]), old, "not yet");
        let new = ring.at(at(MONTH).plus(PUBLISH_AHEAD));
        assert_ne!(new.code(&[b"ab"]), old);
        for (code, verifies) in [
            (&old[..], true),
            (&new.code(&[b"ab"]), true),
            (&old[1..], false),
            (&[], false),
        ] {
            assert_eq!(new.verifies(code, &[b"ab"]), verifies);
            assert!(!new.verifies(code, &[b"ac"]));
        }
        assert!(!format!("{ring:?} {new:?}").contains("1, 1"));
    }
}
