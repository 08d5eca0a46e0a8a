//! Sessions, and the refresh tokens that prove them.

mod digest;

use std::{iter, net::IpAddr, str::FromStr, time::Duration};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    DeploymentEpoch, DomainEvent, EventKind, Refusal, SessionId, Timestamp, User, UserId, Version,
    attempt::{AttemptCounter, Limit},
    audit::{AuditEntry, Trace},
    digest::Digest,
    event::{EndReason, EventData, EventMetadata},
    mac::MacKey,
};

/// How long a session lasts after its last use: NIST SP 800-63B-4, 2.1.3 wants a new sign-in after 30
/// days at the latest, of those who do not come back in between.
pub const SESSION_LIFETIME: Duration = Duration::from_hours(30 * 24);

/// How long a session lasts at most, however much it is used (OWASP ASVS 5, 7.3.2).
pub const SESSION_MAXIMUM: Duration = Duration::from_hours(90 * 24);

/// How old the sign-in of a caller may be where a recent one is demanded: a stolen access token that is
/// older cannot make the theft last.
pub const RECENT: Duration = Duration::from_mins(15);

/// How long a refresh token may come again after its first exchange: its answer may have got lost, and
/// two tabs may use one token.
pub const REFRESH_GRACE: Duration = Duration::from_secs(30);

/// How many exchanges before the last one a session remembers. A client refreshes every ten minutes; one
/// that does so more often than this within the grace period loses its session if it then uses the
/// oldest of those tokens.
const REMEMBERED_EXCHANGES: usize = 8;

/// A sign-in on one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// The `sid` of its tokens.
    pub id: SessionId,
    /// The user who signed in.
    pub user_id: UserId,
    /// How often its refresh token was exchanged.
    pub generation: u32,
    /// Random; goes into the secret of its refresh tokens, so that two sessions never share one.
    pub nonce: String,
    /// The user's epoch when the session was last confirmed; the session is void once the user's is
    /// higher.
    pub auth_epoch: u64,
    /// The user's [`password_version`](User::password_version) at the sign-in. None of users without a
    /// password, and in sessions of before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_version: Option<Version>,
    /// When the user signed in.
    pub created_at: Timestamp,
    /// When the user last proved to be the user: at the sign-in, or later in the same session. Not there
    /// in sessions of before it was kept; see [`Session::authenticated_at`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<Timestamp>,
    /// When it was last refreshed.
    pub last_used_at: Timestamp,
    /// Its refreshes of the hour; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refreshes: Option<AttemptCounter>,
    /// When it was used before that: newest first, and only within the grace period.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_uses: Vec<Timestamp>,
    /// When it ends without being ended.
    pub expires_at: Timestamp,
    /// None while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// From where it was ended. None while it lasts, and if it ended before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_from: Option<Trace>,
    /// How the user authenticated: `amr` values of RFC 8176.
    pub methods: Vec<String>,
    /// The client IP of the sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<IpAddr>,
    /// The request of the sign-in, as in its answer and the logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The `User-Agent` of the sign-in, cut to 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The [digest](AuditEntry::digest) of the line that the audit trail has of its start. None in
    /// sessions of before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_line: Option<Digest>,
    /// The same of its end; none while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<Digest>,
}

impl Session {
    /// A new session of `user`, who just authenticated by `method`, with its event. `new_device` is true
    /// if the sign-in came from a device that is not known.
    pub fn start(
        id: SessionId,
        nonce: String,
        user: &User,
        method: &str,
        new_device: bool,
        metadata: &EventMetadata,
    ) -> (Self, DomainEvent) {
        let mut session = Self {
            id,
            user_id: user.id,
            generation: 0,
            nonce,
            auth_epoch: user.auth_epoch,
            password_version: user.password_version,
            created_at: metadata.now,
            auth_time: Some(metadata.now),
            last_used_at: metadata.now,
            refreshes: None,
            earlier_uses: Vec::new(),
            expires_at: metadata.now.plus(SESSION_LIFETIME),
            ended_at: None,
            ended_from: None,
            methods: vec![method.to_owned()],
            source_address: metadata.origin.client_ip,
            request_id: Some(metadata.origin.request_id.clone()),
            user_agent: metadata.origin.user_agent.clone(),
            start_line: None,
            end_line: None,
        };
        let data = EventData {
            session_id: Some(id),
            new_device,
            digest: Some(session.digest()),
            ..EventData::default()
        };
        let event = DomainEvent {
            user_id: Some(user.id),
            ..metadata.event(EventKind::SessionStarted, data)
        };
        session.start_line = Some(AuditEntry::of_event(&event).digest());
        (session, event)
    }

    /// When the user last proved to be the user: the `auth_time` of its tokens.
    pub fn authenticated_at(&self) -> Timestamp {
        self.auth_time.unwrap_or(self.created_at)
    }

    /// The session after its user proved once more, by `method`, to be the user.
    #[must_use]
    pub fn proven(&self, method: &str, now: Timestamp) -> Self {
        let mut next = self.clone();
        next.auth_time = Some(now);
        if !next.methods.iter().any(|known| known == method) {
            next.methods.push(method.to_owned());
        }
        next
    }

    /// True if the session is good at `now`, of `user` as read now, in this epoch of the deployment.
    pub fn is_live(&self, user: &User, epoch: DeploymentEpoch, now: Timestamp) -> bool {
        self.ended_at.is_none()
            && !epoch.voids(self.created_at)
            && self.expires_at > now
            && user.active
            && self.auth_epoch == user.auth_epoch
    }

    /// True if the password of the sign-in is not that of `user` any more. The session survived its change,
    /// the token of the device did not.
    pub fn outlived_password(&self, user: &User) -> bool {
        self.password_version != user.password_version
    }

    /// Decides what happens to the session when `token` is presented at `now`; none if the token is
    /// not one of its own. The secret is compared before the generation: only a genuine token, used
    /// twice, can end the session.
    pub fn exchange(
        &self,
        token: &RefreshToken,
        key: &RefreshKey,
        now: Timestamp,
    ) -> Option<Exchange> {
        let genuine = key.is_secret(
            token.secret.expose_secret(),
            (self.user_id, self.id, token.generation, &self.nonce),
        );
        if !genuine || token.generation > self.generation {
            return None;
        }
        let Some(behind) = (self.generation - token.generation).checked_sub(1) else {
            return Some(Exchange::Rotation(self.rotated(now)));
        };
        let behind = usize::try_from(behind).unwrap_or(usize::MAX);
        let exchanged_at = self.exchanges().nth(behind);
        Some(match exchanged_at.filter(|time| is_in_grace(*time, now)) {
            Some(_) if behind == 0 => Exchange::Repetition,
            Some(_) => Exchange::Superseded,
            None => Exchange::Reuse,
        })
    }

    /// The session with one more refresh counted.
    ///
    /// # Errors
    /// The time of the next refresh, if `limit` allows none now.
    pub fn counted(self, limit: &Limit, now: Timestamp) -> Result<Self, Timestamp> {
        let refreshes = limit.spend(self.refreshes.as_ref(), now)?;
        Ok(Self {
            refreshes: Some(refreshes),
            ..self
        })
    }

    fn rotated(&self, now: Timestamp) -> Self {
        let in_grace = self.exchanges().take_while(|time| is_in_grace(*time, now));
        Self {
            generation: self.generation.saturating_add(1),
            last_used_at: now,
            earlier_uses: in_grace.take(REMEMBERED_EXCHANGES).collect(),
            expires_at: now
                .plus(SESSION_LIFETIME)
                .min(self.created_at.plus(SESSION_MAXIMUM)),
            ..self.clone()
        }
    }

    /// When the tokens of earlier generations were first exchanged, newest first. Nothing moves these
    /// times.
    fn exchanges(&self) -> impl Iterator<Item = Timestamp> {
        iter::once(self.last_used_at).chain(self.earlier_uses.iter().copied())
    }

    /// The event that the session `id` of `user` ended, because of `reason`.
    pub fn ended(
        user: UserId,
        id: SessionId,
        reason: EndReason,
        metadata: &EventMetadata,
    ) -> DomainEvent {
        let data = EventData {
            session_id: Some(id),
            reason: Some(reason),
            ..EventData::default()
        };
        DomainEvent {
            user_id: Some(user),
            ..metadata.event(EventKind::SessionEnded, data)
        }
    }

    /// The refresh token of the session's present generation.
    pub fn refresh_token(&self, key: &RefreshKey) -> RefreshToken {
        RefreshToken {
            user_id: self.user_id,
            session_id: self.id,
            generation: self.generation,
            secret: key
                .secret((self.user_id, self.id, self.generation, &self.nonce))
                .into(),
        }
    }
}

fn is_in_grace(exchanged_at: Timestamp, now: Timestamp) -> bool {
    exchanged_at.plus(REFRESH_GRACE) > now
}

/// What happens to a session whose refresh token is presented.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made for each refresh, and moved once"
)]
pub enum Exchange {
    /// It continues as this: the successor of the token is that of the next generation.
    Rotation(Session),
    /// It stays: the token was exchanged within the grace period, and its successor, which it gets
    /// again, was not used yet.
    Repetition,
    /// It stays: the token was exchanged within the grace period, but its successor was used since. So
    /// the answer arrived, and another tab of the same client has newer tokens.
    Superseded,
    /// It ends: the token was exchanged before, so it may be stolen (RFC 9700, 4.14.2).
    Reuse,
}

/// The key from which the secrets of all refresh tokens come.
#[derive(Debug, Clone)]
pub struct RefreshKey(MacKey);

/// Of what a secret is made: user, session, generation and nonce.
type SecretOf<'a> = (UserId, SessionId, u32, &'a str);

impl RefreshKey {
    pub fn new(key: MacKey) -> Self {
        Self(key)
    }

    fn secret(&self, of: SecretOf<'_>) -> Vec<u8> {
        Self::with_parts(of, |parts| self.0.code(parts))
    }

    fn is_secret(&self, secret: &[u8], of: SecretOf<'_>) -> bool {
        Self::with_parts(of, |parts| self.0.verifies(secret, parts))
    }

    fn with_parts<T>(of: SecretOf<'_>, then: impl FnOnce(&[&[u8]]) -> T) -> T {
        let (user, session, generation, nonce) = of;
        then(&[
            user.as_uuid().as_bytes(),
            session.as_uuid().as_bytes(),
            &generation.to_be_bytes(),
            nonce.as_bytes(),
        ])
    }
}

/// A refresh token: user, session and generation in the clear, and the secret that proves them.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    /// The user of the session.
    pub user_id: UserId,
    /// The session it continues.
    pub session_id: SessionId,
    /// How often the session had been refreshed when it was made.
    pub generation: u32,
    secret: SecretSlice<u8>,
}

impl RefreshToken {
    /// The token as clients hold it: base64url, 91 characters.
    pub fn encode(&self) -> SecretString {
        let mut bytes = Vec::with_capacity(68);
        bytes.extend_from_slice(self.user_id.as_uuid().as_bytes());
        bytes.extend_from_slice(self.session_id.as_uuid().as_bytes());
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        bytes.extend_from_slice(self.secret.expose_secret());
        BASE64_URL_SAFE_NO_PAD.encode(bytes).into()
    }
}

impl FromStr for RefreshToken {
    type Err = Refusal;

    /// Any other text gets the answer of a void token.
    fn from_str(raw: &str) -> Result<Self, Refusal> {
        Self::decode(raw).ok_or(Refusal::InvalidRefreshToken)
    }
}

impl RefreshToken {
    fn decode(raw: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(raw).ok()?;
        let (user, rest) = bytes.split_first_chunk::<16>()?;
        let (session, rest) = rest.split_first_chunk::<16>()?;
        let (generation, secret) = rest.split_first_chunk::<4>()?;
        Some(Self {
            user_id: Uuid::from_bytes(*user).into(),
            session_id: Uuid::from_bytes(*session).into(),
            generation: u32::from_be_bytes(*generation),
            secret: secret.to_vec().into(),
        })
    }
}

#[cfg(test)]
mod tests;
