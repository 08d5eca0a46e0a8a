//! A user as a line of a file: what `import` reads and `export` writes.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Serialize, Serializer};
use shared::{
    domain::{
        Email, FieldError, LoginKey, Name, PasswordHash, Roles, Timestamp, User, UserId,
        error::Violation, login::MAX_LOGINS, role::MAX_ROLES, user::ImportedUser,
    },
    lambda::http::body::{
        JsonObject,
        json::{self, JsonError},
    },
};
use url::Url;

/// A user as a line has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    /// Identity; made by the importer if it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<UserId>,
    pub(super) email: Email,
    pub(super) email_verified: bool,
    pub(super) name: Name,
    #[serde(
        rename = "passwordHash",
        skip_serializing_if = "Option::is_none",
        serialize_with = "exposed"
    )]
    pub(super) password: Option<PasswordHash>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) identities: BTreeSet<Identity>,
    pub(super) roles: Roles,
    pub(super) active: bool,
    /// When the user was created; with the import if it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) created_at: Option<Timestamp>,
}

#[expect(clippy::ref_option, reason = "serde gives the field as it is")]
fn exposed<S: Serializer>(hash: &Option<PasswordHash>, serializer: S) -> Result<S::Ok, S::Error> {
    hash.as_ref()
        .map(PasswordHash::expose)
        .serialize(serializer)
}

/// An identity at an OpenID provider: `<issuer>#<subject>`. An issuer has no `#` (OpenID Connect
/// Core 1.0, 2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity {
    issuer: String,
    subject: String,
}

impl FromStr for Identity {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        let key = raw.split_once('#').filter(|(issuer, subject)| {
            Url::parse(issuer).is_ok_and(|url| url.has_host()) && !subject.is_empty()
        });
        key.map(|(issuer, subject)| Self {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
        })
        .ok_or_else(|| Violation::new("invalid-identity", "is not <issuer>#<subject>"))
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.issuer, self.subject)
    }
}

impl Serialize for Identity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Record {
    /// Reads a line.
    ///
    /// # Errors
    /// Everything that is wrong with it. The messages hold nothing of the line.
    pub(super) fn read(line: &[u8]) -> Result<Self, Vec<FieldError>> {
        let wrong = |code, message: String| vec![FieldError::new("", code, message)];
        match json::object(line) {
            Ok(mut fields) => {
                // SQL writes null where there is nothing.
                fields.retain(|_, value| !value.is_null());
                JsonObject::read(fields, Self::take)
            }
            Err(_) if line.contains(&0) => {
                let message = "is not UTF-8: UTF-16, perhaps; save the file as UTF-8";
                Err(wrong("malformed", message.to_owned()))
            }
            Err(JsonError::NotAnObject) => Err(wrong("wrong-type", "must be an object".to_owned())),
            Err(JsonError::NotJson(_, column)) => Err(wrong(
                "malformed",
                format!("is not JSON at column {column}"),
            )),
            Err(JsonError::RepeatedName(_, column)) => {
                let message = format!("has a name twice in one object, before column {column}");
                Err(wrong("repeated-field", message))
            }
        }
    }

    /// Takes every field before it looks at one, so that all that is wrong is reported.
    fn take(line: &mut JsonObject) -> Option<Self> {
        let id = line.optional("id", JsonObject::text);
        let email = line.text("email");
        let email_verified = line.optional("emailVerified", JsonObject::flag);
        let name = line.text("name");
        let password = line.optional("passwordHash", |line, name| {
            line.text_with(name, PasswordHash::import)
        });
        // The address is a login too.
        let identities = line.optional("identities", |line, name| line.set(name, MAX_LOGINS - 1));
        let roles = line.optional("roles", |line, name| line.set(name, MAX_ROLES));
        let active = line.optional("active", JsonObject::flag);
        let created_at = line.optional("createdAt", JsonObject::text);
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
    }

    /// The line of a user with this password.
    pub(super) fn of(user: User, password: Option<PasswordHash>) -> Self {
        let identities = user.logins.into_iter().filter_map(|login| match login {
            LoginKey::Oidc { issuer, subject } => Some(Identity { issuer, subject }),
            LoginKey::Email(_) => None,
        });
        Self {
            id: Some(user.id),
            email: user.email,
            email_verified: user.email_verified,
            name: user.name,
            password,
            identities: identities.collect(),
            roles: user.roles,
            active: user.active,
            created_at: Some(user.created_at),
        }
    }

    /// Writes the line, without its end.
    pub(super) fn write(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    /// The user that is imported, with what the line may leave open.
    pub(super) fn into_user(self, id: UserId, created_at: Timestamp) -> ImportedUser {
        let identities = self.identities.into_iter();
        ImportedUser {
            id,
            email: self.email,
            email_verified: self.email_verified,
            name: self.name,
            password: self.password,
            identities: identities
                .map(|Identity { issuer, subject }| LoginKey::Oidc { issuer, subject })
                .collect(),
            roles: self.roles,
            active: self.active,
            created_at,
        }
    }
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
    fn null_is_as_if_it_were_not_there() {
        let line = r#"{"id": null, "email": "ann@example.com", "emailVerified": null, "name": "Ann",
            "passwordHash": null, "identities": null, "roles": null, "active": null, "createdAt": null}"#;
        let short = r#"{"email": "ann@example.com", "name": "Ann"}"#;
        assert_eq!(
            Record::read(line.as_bytes()),
            Record::read(short.as_bytes())
        );
        let nobody = r#"{"email": null, "name": "Ann"}"#;
        assert_eq!(wrong(nobody), [("/email".to_owned(), "required")]);
    }

    #[test]
    fn ids_in_capitals_and_times_of_before_1970_are_kept() {
        let line = r#"{"id": "019E8CD9-0ABA-7C3E-8B51-4D2F6A7C9E10", "email": "a@example.com",
            "name": "Ann", "createdAt": "0001-01-01T00:00:00Z"}"#;
        let record = Record::read(line.as_bytes()).unwrap().write().unwrap();
        assert!(record.contains(r#""id":"019e8cd9-0aba-7c3e-8b51-4d2f6a7c9e10""#));
        assert!(record.contains(r#""createdAt":"0001-01-01T00:00:00.000000Z""#));
    }

    #[test]
    fn why_a_hash_is_not_taken_is_told() {
        for (hash, code) in [
            ("secret", "unknown-hash"),
            ("$P$BAbcdefghijklmnopqrstuvwxyz0123", "unsupported-hash"),
            (
                "$pbkdf2-sha256$i=0$c29tZXNhbHRzb21lc2FsdA$AAECAwQFBgcICQoLDA0ODw",
                "invalid-hash",
            ),
            (
                "$2b$31$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS",
                "too-costly",
            ),
        ] {
            let line =
                format!(r#"{{"email": "a@example.com", "name": "A", "passwordHash": "{hash}"}}"#);
            assert_eq!(wrong(&line), [("/passwordHash".to_owned(), code)]);
        }
    }

    #[test]
    fn what_is_no_object_is_no_user() {
        let twice = r#"{"email": "a@example.com", "email": "b@example.com", "name": "Ann"}"#;
        assert_eq!(wrong(twice), [(String::new(), "repeated-field")]);
        let utf_16 = "{}".encode_utf16().flat_map(u16::to_le_bytes);
        let errors = Record::read(&utf_16.collect::<Vec<_>>()).unwrap_err();
        assert!(errors[0].message.contains("UTF-8"));
        assert_eq!(wrong("[1]"), [(String::new(), "wrong-type")]);
        assert_eq!(wrong("{\"email\""), [(String::new(), "malformed")]);
        let errors = Record::read(b"\xff").unwrap_err();
        assert_eq!(errors[0].code, "malformed");
    }
}
