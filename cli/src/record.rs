//! A user as a line of a file: what `import` reads and `export` writes.

use std::{collections::BTreeSet, str::FromStr};

use serde::Serialize;
use serde_json::Value;
use shared::{
    domain::{
        Email, Error, FieldError, LoginKey, Name, PasswordHash, Role, Roles, Timestamp, User,
        UserId, error::Violation, login::MAX_LOGINS, role::MAX_ROLES, user::ImportedUser,
    },
    lambda::http::Fields,
};
use url::Url;

/// A user as a line has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// Identity; made by the importer if it is not given.
    pub(super) id: Option<UserId>,
    pub(super) email: Email,
    pub(super) email_verified: bool,
    pub(super) name: Name,
    pub(super) password: Option<PasswordHash>,
    pub(super) identities: BTreeSet<Identity>,
    pub(super) roles: Roles,
    pub(super) active: bool,
    /// When the user was created; with the import if it is not given.
    pub(super) created_at: Option<Timestamp>,
}

/// An identity at an OpenID provider: `<issuer>#<subject>`. An issuer has no `#` (OpenID Connect
/// Core 1.0, 2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity(LoginKey);

impl FromStr for Identity {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        let key = raw.split_once('#').filter(|(issuer, subject)| {
            Url::parse(issuer).is_ok_and(|url| url.has_host()) && !subject.is_empty()
        });
        key.map(|(issuer, subject)| {
            Self(LoginKey::Oidc {
                issuer: issuer.to_owned(),
                subject: subject.to_owned(),
            })
        })
        .ok_or_else(|| Violation::new("invalid-identity", "is not <issuer>#<subject>"))
    }
}

impl Record {
    /// Reads a line.
    ///
    /// # Errors
    /// Everything that is wrong with it. The messages hold nothing of the line.
    pub(super) fn read(line: &[u8]) -> Result<Self, Vec<FieldError>> {
        let fields = match serde_json::from_slice(line) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => return Err(vec![FieldError::new("", "wrong-type", "must be an object")]),
            Err(error) => {
                let message = format!("is not JSON at column {}", error.column());
                return Err(vec![FieldError::new("", "malformed", message)]);
            }
        };
        let mut fields = Fields::new(fields);
        let id = fields.parse_optional("id");
        let email = fields.parse("email");
        let email_verified = fields.optional("emailVerified", Fields::flag);
        let name = fields.parse("name");
        let password = fields.parse_optional_with("passwordHash", PasswordHash::import);
        let identities = fields.optional("identities", |fields, name| {
            // The address is one too.
            fields.parse_set::<Identity>(name, MAX_LOGINS - 1)
        });
        let roles = fields.optional("roles", |fields, name| {
            fields.parse_set::<Role>(name, MAX_ROLES)
        });
        let active = fields.optional("active", Fields::flag);
        let created_at = fields.parse_optional("createdAt");
        let record = (|| {
            Some(Self {
                id: id?,
                email: email?,
                email_verified: email_verified?.unwrap_or(false),
                name: name?,
                password: password?,
                identities: identities?.unwrap_or_default(),
                roles: roles?.unwrap_or_default(),
                active: active?.unwrap_or(true),
                created_at: created_at?,
            })
        })();
        fields.finish(record).map_err(|error| match error {
            Error::Invalid(errors) => errors,
            // Nothing else is said of fields.
            error => vec![FieldError::new("", "malformed", error.to_string())],
        })
    }

    /// The line of a user with this password.
    pub(super) fn of(user: User, password: Option<PasswordHash>) -> Self {
        let address = LoginKey::Email(user.email.clone());
        let identities = user.logins.into_iter().filter(|login| *login != address);
        Self {
            id: Some(user.id),
            email: user.email,
            email_verified: user.email_verified,
            name: user.name,
            password,
            identities: identities.map(Identity).collect(),
            roles: user.roles,
            active: user.active,
            created_at: Some(user.created_at),
        }
    }

    /// Writes the line, without its end.
    pub(super) fn write(&self) -> serde_json::Result<String> {
        serde_json::to_string(&Line {
            id: self.id,
            email: &self.email,
            email_verified: self.email_verified,
            name: &self.name,
            password_hash: self.password.as_ref().map(PasswordHash::expose),
            identities: self.identities.iter().filter_map(Identity::text).collect(),
            roles: &self.roles,
            active: self.active,
            created_at: self.created_at,
        })
    }

    /// The user that is imported, with what the line may leave open.
    pub(super) fn into_user(self, id: UserId, created_at: Timestamp) -> ImportedUser {
        ImportedUser {
            id,
            email: self.email,
            email_verified: self.email_verified,
            name: self.name,
            password: self.password,
            identities: self.identities.into_iter().map(|key| key.0).collect(),
            roles: self.roles,
            active: self.active,
            created_at,
        }
    }
}

impl Identity {
    fn text(&self) -> Option<String> {
        match &self.0 {
            LoginKey::Oidc { issuer, subject } => Some(format!("{issuer}#{subject}")),
            LoginKey::Email(_) => None,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<UserId>,
    email: &'a Email,
    email_verified: bool,
    name: &'a Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identities: Vec<String>,
    roles: &'a Roles,
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const BCRYPT: &str = "$2b$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS";

    fn wrong(line: &str) -> Vec<(String, &'static str)> {
        let errors = Record::read(line.as_bytes()).unwrap_err();
        let errors = errors.into_iter();
        errors.map(|error| (error.pointer, error.code)).collect()
    }

    #[test]
    fn a_line_is_a_user() {
        let line = format!(
            r#"{{"id":"019e8cd9-0aba-7c3e-8b51-4d2f6a7c9e10","email":"ann@example.com","emailVerified":true,"name":"Ann","passwordHash":"{BCRYPT}","identities":["https://accounts.example.com#a#b"],"roles":["support"],"active":false,"createdAt":"2020-01-02T03:04:05.000000Z"}}"#
        );
        let record = Record::read(line.as_bytes()).unwrap();
        assert!(record.email_verified && !record.active);
        assert_eq!(record.write().unwrap(), line);
    }

    #[test]
    fn address_and_name_are_enough() {
        let record = Record::read(br#"{"email": " Ann@Example.COM", "name": "Ann"}"#).unwrap();
        assert_eq!(
            record.write().unwrap(),
            r#"{"email":"ann@example.com","emailVerified":false,"name":"Ann","roles":[],"active":true}"#
        );
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let line = r#"{"id": 7, "email": "ann", "emailVerified": "yes", "passwordHash": "md5",
            "identities": ["a#b"], "roles": ["Admin"], "active": 1, "createdAt": "today", "phone": ""}"#;
        let codes = wrong(line);
        let expected = [
            ("/id", "wrong-type"),
            ("/email", "invalid-email"),
            ("/emailVerified", "wrong-type"),
            ("/name", "required"),
            ("/passwordHash", "unknown-hash"),
            ("/identities/0", "invalid-identity"),
            ("/roles/0", "invalid-role"),
            ("/active", "wrong-type"),
            ("/createdAt", "invalid-time"),
            ("/phone", "unknown-field"),
        ];
        let expected = expected.map(|(pointer, code)| (pointer.to_owned(), code));
        assert_eq!(codes, expected);
    }

    #[test]
    fn what_is_no_object_is_no_user() {
        assert_eq!(wrong("[1]"), [(String::new(), "wrong-type")]);
        assert_eq!(wrong("{\"email\""), [(String::new(), "malformed")]);
        let errors = Record::read(b"\xff").unwrap_err();
        assert_eq!(errors[0].code, "malformed");
    }
}
