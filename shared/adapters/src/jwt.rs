//! Access tokens: JWTs signed with RS256 (RFC 9068), which API Gateway's own authorizers accept.

use std::{sync::Arc, time::Duration};

use application::{
    known_ring::KnownRing,
    ports::{
        AccessToken, AccessTokenClaims, Env, KeyGenerator, TokenIssuer, TokenTarget, TokenVerifier,
    },
};
use async_trait::async_trait;
use aws_lc_rs::{
    encoding::AsDer as _,
    rand::SystemRandom,
    rsa::{self, KeyPair as RsaKeyPair},
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use domain::{
    Audience, Error, Result, Role, Session, SessionId, Timestamp, User, UserId,
    keys::{KeyPair, PublicKey},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;
use uuid::Uuid;

/// What a deployment may choose of its access tokens.
#[derive(Debug, Clone, Copy)]
pub struct AccessTokenSettings {
    /// How long they live.
    pub lifetime: Duration,
    /// Whether they say `email_verified` (OpenID Connect Core 1.0, 5.1).
    pub email_verified: bool,
}

impl Default for AccessTokenSettings {
    fn default() -> Self {
        Self {
            lifetime: Duration::from_mins(10),
            email_verified: false,
        }
    }
}

/// How far clocks may differ.
const LEEWAY: Duration = Duration::from_secs(5);

/// RFC 9068, 2.1.
const TYP: &str = "at+jwt";

/// Signs and verifies access tokens with the keys of the ring.
pub struct Jwt {
    ring: Arc<KnownRing>,
    env: Env,
    audience: String,
    settings: AccessTokenSettings,
    signer: Mutex<Option<Arc<Signer>>>,
}

struct Signer {
    kid: String,
    pair: RsaKeyPair,
}

/// RFC 9068, 2.2; `sid` of OpenID Connect, `epoch` our own.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: UserId,
    aud: String,
    client_id: String,
    exp: i64,
    iat: i64,
    jti: Uuid,
    sid: SessionId,
    epoch: u64,
    roles: Vec<Role>,
    auth_time: i64,
    amr: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
}

impl Jwt {
    /// Tokens of which Roster accepts those for `audience`, its own name, alone.
    pub fn new(ring: Arc<KnownRing>, env: Env, audience: impl Into<String>) -> Self {
        Self {
            ring,
            env,
            audience: audience.into(),
            settings: AccessTokenSettings::default(),
            signer: Mutex::default(),
        }
    }

    /// Tokens as the deployment wants them.
    #[must_use]
    pub fn with(self, settings: AccessTokenSettings) -> Self {
        Self { settings, ..self }
    }

    /// Reads the ring, so that the first request does not have to.
    pub async fn warm_up(&self) -> Result<()> {
        self.ring.recent().await.map(drop)
    }

    /// Makes the first key if there is none, and loads the one that signs now.
    pub async fn warm_up_to_sign(&self) -> Result<()> {
        self.signer().await.map(|_| ())
    }

    /// The key that signs now. The process that needs one first makes it.
    async fn signer(&self) -> Result<Arc<Signer>> {
        let ring = if let Some(ring) = self.ring.recent().await? {
            ring
        } else {
            let first = generate(self.env.clock.now())?;
            self.ring.bootstrap(&first).await?
        };
        let key = ring
            .signing_key(self.env.clock.now())
            .ok_or_else(|| Error::internal("the ring is empty"))?;
        let mut signer = self.signer.lock().await;
        if let Some(ready) = signer.as_ref().filter(|ready| ready.kid == key.kid) {
            return Ok(ready.clone());
        }
        let private = self.ring.private(&key.kid).await?.ok_or_else(|| {
            Error::internal(format!("the private half of key {} is gone", key.kid))
        })?;
        let pair = RsaKeyPair::from_pkcs8(private.expose_secret()).map_err(Error::caused_by)?;
        let ready = Arc::new(Signer {
            kid: key.kid.clone(),
            pair,
        });
        *signer = Some(ready.clone());
        Ok(ready)
    }
}

#[async_trait]
impl TokenIssuer for Jwt {
    async fn issue(
        &self,
        target: TokenTarget<'_>,
        user: &User,
        session: &Session,
    ) -> Result<AccessToken> {
        let signer = self.signer().await?;
        let now = self.env.clock.now();
        let AccessTokenSettings {
            lifetime,
            email_verified,
        } = self.settings;
        let audience = target.audience.map(Audience::as_str);
        let claims = Claims {
            iss: target.issuer.to_owned(),
            sub: user.id,
            aud: audience.unwrap_or(&self.audience).to_owned(),
            client_id: self.audience.clone(),
            exp: now.plus(lifetime).as_seconds(),
            iat: now.as_seconds(),
            jti: Uuid::from_bytes(self.env.random.bytes()?),
            sid: session.id,
            epoch: session.auth_epoch,
            roles: user.roles.iter().cloned().collect(),
            auth_time: session.authenticated_at().as_seconds(),
            amr: session.methods.clone(),
            email_verified: email_verified.then_some(user.email_verified),
        };
        let header = json!({"alg": "RS256", "typ": TYP, "kid": signer.kid});
        let payload = serde_json::to_vec(&claims).map_err(Error::caused_by)?;
        let signed = format!(
            "{}.{}",
            BASE64.encode(header.to_string()),
            BASE64.encode(payload)
        );
        let mut signature = vec![0; signer.pair.public_modulus_len()];
        // The pair is parsed and checked once for all tokens, which jsonwebtoken would do for each.
        signer
            .pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .map_err(Error::caused_by)?;
        Ok(AccessToken {
            token: format!("{signed}.{}", BASE64.encode(signature)).into(),
            expires_in: lifetime.as_secs(),
        })
    }
}

#[async_trait]
impl TokenVerifier for Jwt {
    async fn verify(&self, issuer: &str, token: &str) -> Result<Option<AccessTokenClaims>> {
        let Some(kid) = jsonwebtoken::decode_header(token)
            .ok()
            .filter(|header| header.alg == Algorithm::RS256 && header.typ.as_deref() == Some(TYP))
            .and_then(|header| header.kid)
        else {
            return Ok(None);
        };
        let Some(ring) = self.ring.with_key(&kid).await? else {
            return Ok(None);
        };
        let Some(key) = ring.find(&kid) else {
            return Ok(None);
        };
        let key = DecodingKey::from_rsa_components(&key.n, &key.e).map_err(Error::caused_by)?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[&self.audience]);
        validation.set_issuer(&[issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Checked below against our own clock.
        validation.validate_exp = false;
        let Ok(data) = jsonwebtoken::decode::<Claims>(token, &key, &validation) else {
            return Ok(None);
        };
        let claims = data.claims;
        let now = self.env.clock.now();
        if Timestamp::from_seconds(claims.exp).plus(LEEWAY) <= now {
            return Ok(None);
        }
        Ok(Some(AccessTokenClaims {
            kid,
            user_id: claims.sub,
            session_id: claims.sid,
            epoch: claims.epoch,
            auth_time: Timestamp::from_seconds(claims.auth_time),
        }))
    }

    async fn still_counts(&self, claims: &AccessTokenClaims) -> Result<bool> {
        let ring = self.ring.recent().await?;
        Ok(ring.is_some_and(|ring| ring.find(&claims.kid).is_some()))
    }
}

/// Makes RSA keys of 2048 bits; RFC 7518, 3.3 asks for no less.
pub struct Rsa;

impl KeyGenerator for Rsa {
    fn generate(&self, activates_at: Timestamp) -> Result<KeyPair> {
        generate(activates_at)
    }
}

/// A new RSA key of 2048 bits, active from `now` on.
pub fn generate(now: Timestamp) -> Result<KeyPair> {
    let pair = RsaKeyPair::generate(rsa::KeySize::Rsa2048).map_err(Error::caused_by)?;
    let private = pair.as_der().map_err(Error::caused_by)?.as_ref().to_vec();
    let public = pair.public_key();
    let n = BASE64.encode(public.modulus().big_endian_without_leading_zero());
    let e = BASE64.encode(public.exponent().big_endian_without_leading_zero());
    Ok(KeyPair {
        public: PublicKey {
            kid: thumbprint(&n, &e),
            n,
            e,
            activates_at: now,
        },
        private: private.into(),
    })
}

/// RFC 7638: the hash of the required members in lexical order, without white space.
fn thumbprint(n: &str, e: &str) -> String {
    BASE64.encode(Sha256::digest(format!(
        r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#
    )))
}
