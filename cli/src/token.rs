//! `token`: an access token of a user of a running local stack, to try the API with.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use shared::{
    application::ports::{SessionRepository as _, TokenIssuer as _, UserRepository as _},
    domain::{Actor, Email, LoginKey, Origin, SessionId, error::Violation, session::Session},
};

use crate::{Admin, Target};

/// Prints an access token of a user of a running local stack
#[derive(Debug, Args)]
pub struct Token {
    /// E-mail address of the user
    #[arg(long, value_name = "ADDRESS", default_value = Admin::EMAIL)]
    pub user: String,
    /// Address by which the API will be called: the token names it as its issuer
    #[arg(long, value_name = "URL", default_value = "http://localhost:3000")]
    pub api: String,
    /// Address of the stack's DynamoDB
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8000")]
    pub endpoint: String,
    /// Template, which names the tables
    #[arg(long, value_name = "FILE", default_value = "template.yaml")]
    pub template: PathBuf,
}

/// How the user proved to be the user (RFC 8176): by a key on this machine, which is what access to
/// the tables amounts to.
const METHOD: &str = "swk";

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
}

impl Token {
    /// Starts a session of the user and gives its access token.
    ///
    /// # Errors
    /// If the stack does not answer, or no active user has the address.
    pub async fn run(self) -> anyhow::Result<String> {
        let issuer = self.issuer().await?;
        let wrong = |violation: Violation| anyhow::anyhow!("--user {}", violation.message);
        let email: Email = self.user.parse().map_err(wrong)?;
        let open = self.target().open().await?;
        let (users, aws) = (open.aws.users(), &open.aws);
        let login = users.find_login(&LoginKey::Email(email)).await?;
        let login = login.with_context(|| format!("no user has the address {}", self.user))?;
        let user = users.find(login.user_id).await?;
        let Some(user) = user.filter(|user| user.active) else {
            bail!("{} is not active", self.user);
        };
        let env = &aws.env;
        let origin = Origin {
            actor: Actor::User(user.id),
            ..Origin::system("roster token")
        };
        let metadata = env.metadata(origin)?;
        let id = SessionId::new(metadata.now, env.random.bytes()?);
        let nonce = env.random.token()?;
        let (session, event) = Session::start(id, nonce, &user, METHOD, false, &metadata);
        aws.sessions().start(&session, &event).await?;
        let tokens = aws.access_tokens();
        tokens.warm_up_to_sign().await?;
        let access = tokens
            .issue(issuer.as_str().into(), &user, &session)
            .await?;
        Ok(access.token.expose_secret().to_owned())
    }

    /// The issuer that the API at this address accepts.
    async fn issuer(&self) -> anyhow::Result<String> {
        let url = format!("{}/.well-known/openid-configuration", self.api);
        let answer = reqwest::get(&url).await;
        let answer = answer.with_context(|| format!("is `cargo local` running? {url}"))?;
        let discovery: Discovery = answer.error_for_status()?.json().await?;
        Ok(discovery.issuer)
    }

    fn target(&self) -> Target {
        Target {
            endpoint: self.endpoint.clone(),
            data: None,
            aws: false,
            template: self.template.clone(),
        }
    }
}
