//! The secrets that sign what services are told.

use domain::{Result, Service, Timestamp, service::SigningSecret};

use crate::shared_secret::SharedSecret;

/// Makes the signing secrets of services, of one secret of the deployment.
pub struct WebhookSecrets(pub SharedSecret);

impl WebhookSecrets {
    /// The secrets that sign at `now`, the newest first.
    pub async fn of(&self, service: &Service, now: Timestamp) -> Result<Vec<SigningSecret>> {
        let deployment = self.0.get().await?;
        let salts = service.salts(now).into_iter();
        let derived = salts.map(|salt| SigningSecret::derive(&deployment, &service.name, salt));
        Ok(derived.collect())
    }

    /// The newest secret: what the service is shown once.
    pub async fn newest(&self, service: &Service) -> Result<SigningSecret> {
        let deployment = self.0.get().await?;
        Ok(SigningSecret::derive(
            &deployment,
            &service.name,
            &service.salt,
        ))
    }
}
