//! `token`: an access token of a user of a running local stack, to try the API with.

use anyhow::{Context as _, bail};
use clap::Args;
use local::variables::Variables;
use secrecy::ExposeSecret as _;
use shared::{
    application::ports::{SessionRepository as _, TokenIssuer as _, UserRepository as _},
    domain::{Actor, Email, LoginKey, Origin, SessionId, error::Violation, session::Session},
};

use crate::{
    Admin,
    local::running::{self, Running},
};

/// Prints an access token of a user of a running local stack
#[derive(Debug, Args)]
pub struct Token {
    /// E-mail address of the user
    #[arg(long, value_name = "ADDRESS", default_value = Admin::EMAIL)]
    pub user: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub running: Running,
}

/// How the user proved to be the user (RFC 8176): by a key on this machine, which is what access to
/// the tables amounts to.
const METHOD: &str = "swk";

impl Token {
    /// Starts a session of the user and gives its access token.
    ///
    /// # Errors
    /// If the stack does not answer, or no active user has the address.
    pub async fn run(self) -> anyhow::Result<String> {
        access_token(&self.running.variables().await?, &self.user).await
    }
}

/// Starts a session of the user with the address `user` and gives its access token.
pub(crate) async fn access_token(variables: &Variables, user: &str) -> anyhow::Result<String> {
    let wrong = |violation: Violation| anyhow::anyhow!("{user} {}", violation.message);
    let email: Email = user.parse().map_err(wrong)?;
    let (aws, issuer) = running::connect(variables).await?;
    let users = aws.users();
    let login = users.find_login(&LoginKey::Email(email)).await?;
    let login = login.with_context(|| format!("no user has the address {user}"))?;
    let found = users.find(login.user_id).await?;
    let Some(user) = found.filter(|user| user.active) else {
        bail!("{user} is not active");
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
