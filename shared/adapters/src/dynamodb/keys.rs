//! Keys and secrets. Each has its own leading key, by which policies allow reading it.

use application::ports::{Env, SecretPurpose, Secrets, SigningKeys};
use async_trait::async_trait;
use aws_sdk_dynamodb::types::TransactWriteItem;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::{
    Error, Result, Timestamp,
    keys::{KeyPair, KeyRing, Rotation},
    secrets::{SecretRing, SecretVersion},
};
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Deserialize, Serialize};

use super::{
    Entity, Item, Key, Table, backoff,
    error::Fault,
    item::{ABSENT, PRESENT, number},
};

/// The keys and secrets, in the keys table.
#[derive(Clone)]
pub struct Keys {
    table: Table,
    env: Env,
}

impl Keys {
    /// The keys in `table`.
    pub fn new(table: Table, env: Env) -> Self {
        Self { table, env }
    }
}

/// The ring is one item.
impl Entity for KeyRing {
    type Id = ();

    fn key((): &()) -> Key {
        Key::new("PUBLIC", "RING")
    }
}

/// The private half of a key.
#[derive(Serialize, Deserialize)]
struct PrivateKeyItem {
    /// PKCS#8 DER in base64.
    pkcs8: String,
}

impl Entity for PrivateKeyItem {
    type Id = str;

    fn key(kid: &str) -> Key {
        Key::new("PRIVATE", kid)
    }
}

/// A secret which processes share.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SecretItem {
    /// In base64. The one version of secrets from before there were several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(default)]
    versions: Vec<VersionItem>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct VersionItem {
    /// In base64.
    secret: String,
    activates_at: Timestamp,
}

impl SecretItem {
    fn new(ring: &SecretRing) -> Self {
        let versions = ring.versions().iter().map(|version| VersionItem {
            secret: encode(&version.secret),
            activates_at: version.activates_at,
        });
        Self {
            secret: None,
            versions: versions.collect(),
        }
    }

    fn read(self) -> Result<SecretRing> {
        let first = self.secret.map(|secret| VersionItem {
            secret,
            activates_at: Timestamp::EPOCH,
        });
        let versions = first.into_iter().chain(self.versions);
        let versions = versions.map(|version| {
            Ok(SecretVersion {
                secret: decode(&version.secret)?,
                activates_at: version.activates_at,
            })
        });
        SecretRing::stored(versions.collect::<Result<_>>()?)
            .ok_or_else(|| Error::internal("a secret in the keys table has no version"))
    }
}

impl Entity for SecretItem {
    type Id = SecretPurpose;

    fn key(purpose: &SecretPurpose) -> Key {
        Key::new(format!("SECRET#{}", purpose.as_str()), "SECRET")
    }
}

#[async_trait]
impl SigningKeys for Keys {
    async fn ring(&self) -> Result<Option<KeyRing>> {
        self.table.get(&()).await
    }

    async fn private(&self, kid: &str) -> Result<Option<SecretSlice<u8>>> {
        let item = self.table.get::<PrivateKeyItem>(kid).await?;
        item.map(|item| decode(&item.pkcs8)).transpose()
    }

    async fn bootstrap(&self, first: &KeyPair) -> Result<KeyRing> {
        let ring = KeyRing::first(first.public.clone());
        let private = PrivateKeyItem {
            pkcs8: encode(&first.private),
        };
        let mut backoff = backoff(&self.env);
        loop {
            let writes = vec![
                self.table.putting(&(), &ring, ABSENT, None)?,
                self.table
                    .putting(&*first.public.kid, &private, ABSENT, None)?,
            ];
            let token = self.env.random.token()?;
            let Err(error) = self.table.transact(writes, token).await else {
                return Ok(ring);
            };
            // Whatever failed: a ring that exists now is the result. It is ours if a reply was lost.
            if let Some(ring) = self.ring().await? {
                return Ok(ring);
            }
            // None yet: another process may be about to write one.
            let fault = self.table.fault("TransactWriteItems", &error);
            if !matches!(fault, Fault::Passing(_)) || !backoff.pause().await? {
                return Err(fault.into());
            }
        }
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<bool> {
        let mut backoff = backoff(&self.env);
        loop {
            let token = self.env.random.token()?;
            let written = self.table.transact(self.writes(rotation)?, token).await;
            let Err(error) = written else {
                return Ok(true);
            };
            // Whatever failed, the ring decides. It is ours if a reply was lost.
            let ring = self.ring().await?;
            if ring.as_ref() == Some(&rotation.ring) {
                return Ok(true);
            }
            if ring.is_none_or(|ring| ring.version + 1 != rotation.ring.version) {
                return Ok(false);
            }
            let fault = self.table.fault("TransactWriteItems", &error);
            if !matches!(fault, Fault::Passing(_)) || !backoff.pause().await? {
                return Err(fault.into());
            }
        }
    }
}

impl Keys {
    /// The writes of a rotation: the next ring, a new private half, the deletion of old ones, and secrets.
    fn writes(&self, rotation: &Rotation) -> Result<Vec<TransactWriteItem>> {
        let before = number(rotation.ring.version.saturating_sub(1));
        let values = Item::from([(":before".to_owned(), before)]);
        let follows = "#version = :before";
        let mut writes = vec![
            self.table
                .putting(&(), &rotation.ring, follows, Some(values))?,
        ];
        if let Some(next) = &rotation.next {
            let private = PrivateKeyItem {
                pkcs8: encode(&next.private),
            };
            let kid = next.public.kid.as_str();
            writes.push(self.table.putting(kid, &private, ABSENT, None)?);
        }
        for kid in &rotation.retired {
            writes.push(self.table.removing(PrivateKeyItem::key(kid))?);
        }
        for (purpose, secret) in &rotation.secrets {
            let item = SecretItem::new(secret);
            // Nobody else changes one that is there, and the version of the ring guards all.
            writes.push(self.table.putting(purpose, &item, PRESENT, None)?);
        }
        Ok(writes)
    }
}

#[async_trait]
impl Secrets for Keys {
    async fn secret(&self, purpose: SecretPurpose) -> Result<Option<SecretRing>> {
        let item = self.table.get::<SecretItem>(&purpose).await?;
        item.map(SecretItem::read).transpose()
    }

    async fn get_or_put(
        &self,
        purpose: SecretPurpose,
        candidate: SecretRing,
    ) -> Result<SecretRing> {
        // All calls but the very first find it, and a read costs a tenth of a refused write.
        if let Some(secret) = self.secret(purpose).await? {
            return Ok(secret);
        }
        let item = SecretItem::new(&candidate);
        match self.table.insert(&purpose, &item).await? {
            None => Ok(candidate),
            Some(stored) => stored.read(),
        }
    }
}

fn encode(bytes: &SecretSlice<u8>) -> String {
    BASE64_STANDARD.encode(bytes.expose_secret())
}

fn decode(text: &str) -> Result<SecretSlice<u8>> {
    // Without the cause, which would show a byte of the secret.
    BASE64_STANDARD
        .decode(text)
        .map(SecretSlice::from)
        .map_err(|_| Error::internal("a key in the keys table is not base64"))
}
