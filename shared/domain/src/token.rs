//! One-time tokens: what a mail carries to prove that its reader reads the address.

use std::{fmt, str::FromStr, time::Duration};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use zeroize::Zeroize as _;

use super::{DeploymentEpoch, Email, Error, EventId, Refusal, Timestamp, UserId, mac::MacKey};

/// What a token is good for, and nothing else. Each user has one slot for each purpose: a newer
/// token voids the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenPurpose {
    /// Chooses a new password.
    PasswordReset,
    /// Proves the present address.
    EmailVerification,
    /// Proves the pending address.
    EmailChange,
    /// Makes the account of a sign-up, where nobody learns who has one.
    SignUp,
    /// Answers the invitation of an administrator.
    Invitation,
}

impl TokenPurpose {
    /// The name by which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PasswordReset => "password-reset",
            Self::EmailVerification => "email-verification",
            Self::EmailChange => "email-change",
            Self::SignUp => "sign-up",
            Self::Invitation => "invitation",
        }
    }

    /// Every purpose there is.
    pub const ALL: [Self; 5] = [
        Self::PasswordReset,
        Self::EmailVerification,
        Self::EmailChange,
        Self::SignUp,
        Self::Invitation,
    ];

    /// The byte by which a token says what it is for.
    fn code(self) -> u8 {
        match self {
            Self::PasswordReset => 1,
            Self::EmailVerification => 2,
            Self::EmailChange => 3,
            Self::SignUp => 4,
            Self::Invitation => 5,
        }
    }

    fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.code() == code)
    }

    /// The page of the application to which its links lead.
    pub fn page(self) -> &'static str {
        match self {
            Self::PasswordReset => "reset",
            Self::EmailVerification | Self::EmailChange | Self::SignUp => "verify",
            Self::Invitation => "invitation",
        }
    }

    /// What the fragment of a link says of it beside the token, where a page has more than one kind.
    pub fn kind(self) -> Option<&'static str> {
        (self == Self::EmailChange).then_some("change")
    }

    /// How long a token is good: OWASP Forgot Password Cheat Sheet asks for short; those that open no
    /// account in use may wait for a weekend's mail, or for a person to come back.
    pub fn lifetime(self) -> Duration {
        match self {
            Self::PasswordReset => Duration::from_hours(1),
            Self::EmailVerification | Self::EmailChange | Self::SignUp => Duration::from_hours(72),
            Self::Invitation => Duration::from_hours(7 * 24),
        }
    }
}

/// A token: its purpose and user in the clear, and 256 bits that nobody can guess.
#[derive(Debug, Clone)]
pub struct OneTimeToken {
    /// The one thing it permits.
    pub purpose: TokenPurpose,
    pub user_id: UserId,
    secret: SecretSlice<u8>,
    /// The event from which a [`TokenKey`] made the secret.
    seed: Option<EventId>,
}

/// What a token is bound to, beside user and purpose: if one of these changes, it is void.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenBinding {
    /// The address to which it is mailed.
    pub address: Email,
    /// The epoch of the user that counts for its purpose.
    pub epoch: u64,
}

impl TokenBinding {
    /// What the token of a sign-up for `address` is bound to: there is no user yet.
    pub fn of_sign_up(address: Email) -> Self {
        Self { address, epoch: 0 }
    }
}

/// Bytes of the secret.
const SECRET_LEN: usize = 32;

impl OneTimeToken {
    pub fn new(purpose: TokenPurpose, user_id: UserId, secret: [u8; SECRET_LEN]) -> Self {
        Self {
            purpose,
            user_id,
            secret: secret.to_vec().into(),
            seed: None,
        }
    }

    /// The token as a link carries it: base64url, 66 characters.
    pub fn encode(&self) -> SecretString {
        let mut bytes = vec![self.purpose.code()];
        bytes.extend_from_slice(self.user_id.as_uuid().as_bytes());
        bytes.extend_from_slice(self.secret.expose_secret());
        let text = BASE64_URL_SAFE_NO_PAD.encode(&bytes);
        bytes.zeroize();
        text.into()
    }

    /// What is stored of the token. The secret is random, so one round of a fast hash hides it for good.
    /// What the token is bound to is in it, so that it is good for nothing else by the time it comes
    /// back. All parts but the last have a fixed length.
    fn hash(&self, binding: &TokenBinding) -> TokenHash {
        let hash = Sha256::new()
            .chain_update(self.secret.expose_secret())
            .chain_update([self.purpose.code()])
            .chain_update(self.user_id.as_uuid().as_bytes())
            .chain_update(binding.epoch.to_be_bytes())
            .chain_update(binding.address.as_str());
        TokenHash(BASE64_URL_SAFE_NO_PAD.encode(hash.finalize()))
    }

    /// The token as it is put into its slot because of something that happened at `time`.
    pub fn issue(&self, binding: &TokenBinding, time: Timestamp) -> TokenIssue {
        TokenIssue {
            user_id: self.user_id,
            purpose: self.purpose,
            hash: self.hash(binding),
            seed: self.seed,
            issued_at: time,
            expires_at: time.plus(self.purpose.lifetime()),
            replaces: None,
        }
    }

    /// The use of this token at `now`.
    pub fn spend(&self, binding: &TokenBinding, now: Timestamp) -> TokenUse {
        TokenUse {
            user_id: self.user_id,
            purpose: self.purpose,
            hash: self.hash(binding),
            receipt: self.receipt(),
            epoch: DeploymentEpoch::FIRST,
            now,
        }
    }

    /// What the use of the token leaves in its slot. It covers the secret alone: a repetition is known by
    /// it, whatever became of the user.
    pub fn receipt(&self) -> TokenHash {
        let hash = Sha256::new()
            .chain_update("receipt")
            .chain_update(self.secret.expose_secret());
        TokenHash(BASE64_URL_SAFE_NO_PAD.encode(hash.finalize()))
    }
}

impl FromStr for OneTimeToken {
    type Err = Refusal;

    /// Any other text gets the answer of an expired token.
    fn from_str(raw: &str) -> Result<Self, Refusal> {
        let bytes = BASE64_URL_SAFE_NO_PAD
            .decode(raw)
            .map_err(|_| Refusal::TokenExpired)?;
        let (code, rest) = bytes.split_first().ok_or(Refusal::TokenExpired)?;
        let purpose = TokenPurpose::of_code(*code).ok_or(Refusal::TokenExpired)?;
        let (user, secret) = rest.split_at_checked(16).ok_or(Refusal::TokenExpired)?;
        let user = Uuid::from_slice(user).map_err(|_| Refusal::TokenExpired)?;
        let secret = secret.try_into().map_err(|_| Refusal::TokenExpired)?;
        Ok(Self::new(purpose, UserId::from(user), secret))
    }
}

/// The key from which the secrets of all one-time tokens come. The same event gives the same token: so
/// a repetition neither voids the token that was mailed, nor has to look it up.
#[derive(Debug, Clone)]
pub struct TokenKey(MacKey);

impl TokenKey {
    pub fn new(key: MacKey) -> Self {
        Self(key)
    }

    /// The token of `user_id` for `purpose`, because of `event`.
    pub fn token(
        &self,
        purpose: TokenPurpose,
        user_id: UserId,
        event: EventId,
    ) -> Result<OneTimeToken, Error> {
        let token = self.tokens(purpose, user_id, event).next();
        token.ok_or_else(|| Error::internal("a secret has no version"))
    }

    /// That token, as each version of the key makes it; the first is the current one's.
    pub fn tokens(
        &self,
        purpose: TokenPurpose,
        user_id: UserId,
        event: EventId,
    ) -> impl Iterator<Item = OneTimeToken> {
        let codes = self.0.codes(&[
            &[purpose.code()],
            user_id.as_uuid().as_bytes(),
            event.as_uuid().as_bytes(),
        ]);
        codes.into_iter().map(move |code| OneTimeToken {
            purpose,
            user_id,
            secret: code.into(),
            seed: Some(event),
        })
    }
}

/// What is stored of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenHash(String);

impl TokenHash {
    /// A hash as it was stored.
    pub fn stored(hash: String) -> Self {
        Self(hash)
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A token on its way into its slot. Its times are those of the event it was made for, so that
/// issuing it again, however late, changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenIssue {
    /// Names the slot, with `purpose`.
    pub user_id: UserId,
    /// Names the slot, with `user_id`.
    pub purpose: TokenPurpose,
    /// Covers the secret and what the token is bound to.
    pub hash: TokenHash,
    /// From which the same token can be made again.
    pub seed: Option<EventId>,
    /// The time of the event; of two tokens the later counts.
    pub issued_at: Timestamp,
    /// The token is void from then on.
    pub expires_at: Timestamp,
    /// The one good token whose place it may take: what that one is bound to has changed.
    pub replaces: Option<TokenHash>,
}

/// A token that is in its slot and good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredToken {
    pub hash: TokenHash,
    /// From which the same token can be made again.
    pub seed: EventId,
}

/// The use of a token, written in one transaction with the change it permits: so it is used once,
/// and is not used up by a change that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenUse {
    /// Names the slot, with `purpose`.
    pub user_id: UserId,
    /// Names the slot, with `user_id`.
    pub purpose: TokenPurpose,
    /// Must be the one in the slot.
    pub hash: TokenHash,
    /// Stays in the slot.
    pub receipt: TokenHash,
    /// The token must have been issued in it.
    pub epoch: DeploymentEpoch,
    /// The time of use; the token must not have expired by then.
    pub now: Timestamp,
}

impl TokenUse {
    /// The use in this epoch of the deployment.
    #[must_use]
    pub fn within(self, epoch: DeploymentEpoch) -> Self {
        Self { epoch, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESET: TokenPurpose = TokenPurpose::PasswordReset;

    fn user(seed: u8) -> UserId {
        UserId::new(Timestamp::from_seconds(1), [seed; 10])
    }

    fn binding(address: &str, epoch: u64) -> TokenBinding {
        TokenBinding {
            address: address.parse().unwrap(),
            epoch,
        }
    }

    #[test]
    fn a_token_survives_the_mail() {
        let (ann, now) = (binding("ann@example.com", 0), Timestamp::from_seconds(1));
        for purpose in TokenPurpose::ALL {
            let token = OneTimeToken::new(purpose, user(3), [7; 32]);
            let link = token.encode();
            assert_eq!(link.expose_secret().len(), 66);
            let read: OneTimeToken = link.expose_secret().parse().unwrap();
            assert_eq!(read.spend(&ann, now), token.spend(&ann, now));
            assert!(!format!("{token:?}").contains("[7, 7"));
        }
    }

    #[test]
    fn anything_else_is_as_good_as_expired() {
        for raw in [
            "",
            "x",
            "####",
            &"A".repeat(66),
            &"A".repeat(64),
            &"B".repeat(68),
        ] {
            assert_eq!(
                raw.parse::<OneTimeToken>().unwrap_err(),
                Refusal::TokenExpired,
                "{raw}"
            );
        }
    }

    #[test]
    fn a_token_is_bound_to_user_purpose_address_and_epoch() {
        let now = Timestamp::from_seconds(1);
        let bound = binding("ann@example.com", 1);
        let token = |purpose, seed| OneTimeToken::new(purpose, user(seed), [7; 32]);
        let hash = token(RESET, 3).issue(&bound, now).hash;
        assert_eq!(hash, token(RESET, 3).spend(&bound, now).hash);
        for other in [
            token(TokenPurpose::EmailVerification, 3).spend(&bound, now),
            token(RESET, 4).spend(&bound, now),
            token(RESET, 3).spend(&binding("bob@example.com", 1), now),
            token(RESET, 3).spend(&binding("ann@example.com", 2), now),
        ] {
            assert_ne!(hash, other.hash);
        }
    }

    #[test]
    fn a_receipt_is_that_of_its_token_alone() {
        let token = OneTimeToken::new(RESET, user(3), [7; 32]);
        let now = Timestamp::from_seconds(1);
        let (ann, bob) = (binding("ann@example.com", 0), binding("bob@example.com", 1));
        assert_eq!(token.spend(&ann, now).receipt, token.receipt());
        assert_eq!(token.spend(&bob, now).receipt, token.receipt());
        assert_ne!(token.receipt(), token.issue(&ann, now).hash);
        let other = OneTimeToken::new(RESET, user(3), [8; 32]);
        assert_ne!(token.receipt(), other.receipt());
    }

    #[test]
    fn a_token_is_one_for_each_event_purpose_and_user() {
        let key = TokenKey::new(vec![9; 32].into());
        let event = |seed| EventId::new(Timestamp::from_seconds(1), [seed; 10]);
        let token = |purpose, seed, cause| {
            let token = key.token(purpose, user(seed), event(cause)).unwrap();
            token.encode().expose_secret().to_owned()
        };
        assert_eq!(token(RESET, 1, 1), token(RESET, 1, 1));
        let secret = |token: &str| token[23..].to_owned();
        let all = [
            token(RESET, 1, 1),
            token(RESET, 1, 2),
            token(RESET, 2, 1),
            token(TokenPurpose::EmailChange, 1, 1),
        ];
        let secrets: std::collections::BTreeSet<_> = all.iter().map(|t| secret(t)).collect();
        assert_eq!(secrets.len(), all.len());
    }
}
