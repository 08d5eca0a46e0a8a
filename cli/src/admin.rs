//! The first administrator of a local stack.

use std::fmt;

use adapters::{argon2::Argon2, composition::Ports};
use anyhow::anyhow;
use local::stack::Running;
use shared::{
    application::ports::{PasswordHasher as _, UserRepository as _},
    domain::{
        Email, Error, LoginKey, Name, Origin, Password, Refusal, Roles, User, UserId,
        error::Violation, role::Role, user::NewUser,
    },
};

/// The administrator that a new stack starts with.
#[derive(Clone)]
pub struct Admin {
    /// E-mail address.
    pub email: String,
    /// Password.
    pub password: String,
}

impl Admin {
    /// The address of the administrator, unless another is asked for.
    pub const EMAIL: &str = "admin@example.com";
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither an address nor a password belongs into a log.
        f.debug_struct("Admin").finish_non_exhaustive()
    }
}

/// Makes the administrator, unless the address is taken, as in a folder of data that was used
/// before. Returns true if it was made.
///
/// # Errors
/// If the address is none, or the tables do not answer.
pub async fn first_administrator(running: &Running, admin: &Admin) -> anyhow::Result<bool> {
    let wrong = |violation: Violation| anyhow!("--admin-email {}", violation.message);
    let email: Email = admin.email.parse().map_err(wrong)?;
    let name = "Administrator".parse().map_err(wrong)?;
    let aws = crate::target::connect(running)?;
    let login = LoginKey::Email(email.clone());
    if aws.users().find_login(&login).await?.is_some() {
        return Ok(false);
    }
    let roles = Roles::from([Role::admin()]);
    match create_user(&aws, email, name, &admin.password, roles).await {
        Ok(_) => Ok(true),
        Err(Error::Refused(Refusal::EmailTaken)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Makes a user who signs in with a password.
///
/// # Errors
/// If the address is taken, or the tables do not answer.
pub async fn create_user(
    aws: &Ports,
    email: Email,
    name: Name,
    password: &str,
    roles: Roles,
) -> Result<User, Error> {
    let hasher = Argon2::new(aws.env.random.clone())?;
    let metadata = aws.env.metadata(Origin::system("cargo local"))?;
    let new = NewUser {
        id: UserId::new(metadata.now, aws.env.random.bytes()?),
        email,
        name,
        password: hasher.hash(&Password::presented(password)).await?,
        roles,
    };
    aws.users()
        .commit(&User::create_proven(new, &metadata))
        .await
}
