//! What is permitted though no test needs it, and why.

/// What is permitted, the functions which it is permitted to, and the reason.
pub struct Exception {
    /// Action, resource and form of the key, as the failing test prints them.
    pub grant: &'static str,
    pub functions: &'static [&'static str],
    #[expect(dead_code, reason = "for who reviews the list")]
    pub reason: &'static str,
}

const SERVICE: &str = "the Lambda service lists streams with the role of the function";

const DAY_LONG: &str = "a receiver that fails for a day; the tests of the use case wait for it";

const WEEK_LONG: &str =
    "an instance that fails for a week is forgotten; the tests of the use case wait for it";

const FIRST_ADMIN: &str = "the first administrator of a deployment without one, by `FirstAdminEmail`; the tests of the use case appoint one";

const REACTIVATED: &str = "an administrator who was deactivated comes back";

const NEW_KEY: &str =
    "a provider signs with a key that is not in the cache; tests of the adapter show it";

const CACHED: &str = "the sign-in by the same provider, shortly before, has filled the cache";

const REHASH: &str =
    "a password of another system is hashed anew at the next proof; the sign-in was before";

const GUESSES: &str = "a policy that all who take a password share: with a session or a link the tally is of that, without one of the account";

const LOCKED: &str =
    "who was locked out is erased within an hour; the contract of the tables forgets a lock";

const SAME_LINK: &str = "the link of the welcome mail is still good, and comes again";

const UNSENT: &str = "a mail that was counted and that SES did not take is given back; the tests of the use case show it";

const ASKER: &str = "letters that nobody asked for, or that count otherwise, share the policy of those that are counted by who asked";

/// All that send mails.
const SENDERS: [&str; 9] = [
    "OnAccessChanged",
    "OnEmailChangeRequested",
    "OnEmailChanged",
    "OnEmailVerificationRequested",
    "OnPasswordResetRequested",
    "OnRecoveryStarted",
    "OnSignUpRequested",
    "OnUserCreated",
    "OnUserInvited",
];

const fn exception(
    grant: &'static str,
    functions: &'static [&'static str],
    reason: &'static str,
) -> Exception {
    Exception {
        grant,
        functions,
        reason,
    }
}

pub const EXCEPTIONS: [Exception; 22] = [
    exception("dynamodb:ListStreams * -", &["PublishEvents"], SERVICE),
    exception(
        "dynamodb:PutItem ServicesTable DEAD#*",
        &["DeliverEvents"],
        DAY_LONG,
    ),
    exception(
        "dynamodb:DeleteItem ServicesTable INSTANCE#*",
        &["CheckServices"],
        WEEK_LONG,
    ),
    exception(
        "dynamodb:GetItem UsersTable ADMINS",
        &["ResetPassword"],
        FIRST_ADMIN,
    ),
    exception(
        "dynamodb:UpdateItem UsersTable ADMINS",
        &["ResetPassword"],
        FIRST_ADMIN,
    ),
    exception(
        "dynamodb:UpdateItem UsersTable ADMINS",
        &["ReactivateUser"],
        REACTIVATED,
    ),
    exception(
        "dynamodb:DeleteItem SessionsTable CACHE#oidc-keys:*",
        &["Authenticate", "LinkIdentity", "ProveAgain"],
        NEW_KEY,
    ),
    exception(
        "dynamodb:PutItem SessionsTable CACHE#oidc-keys:*",
        &["ProveAgain"],
        CACHED,
    ),
    exception(
        "dynamodb:PutItem SessionsTable CACHE#oidc-metadata:*",
        &["ProveAgain"],
        CACHED,
    ),
    exception(
        "dynamodb:UpdateItem UsersTable LOGIN#email#*",
        &["ProveAgain"],
        REHASH,
    ),
    exception(
        "dynamodb:DeleteItem SessionsTable ATTEMPT#account#*",
        &["ProveAgain", "ChangeEmail", "ChangePassword", "VerifyEmail"],
        GUESSES,
    ),
    exception(
        "dynamodb:UpdateItem SessionsTable ATTEMPT#account#*",
        &["ChangeEmail", "ChangePassword", "VerifyEmail"],
        GUESSES,
    ),
    exception(
        "dynamodb:DeleteItem SessionsTable ATTEMPT#source#*",
        &["ChangeEmail", "ChangePassword", "VerifyEmail"],
        GUESSES,
    ),
    exception(
        "dynamodb:UpdateItem SessionsTable ATTEMPT#source#*",
        &["ChangeEmail", "ChangePassword", "VerifyEmail"],
        GUESSES,
    ),
    exception(
        "dynamodb:DeleteItem SessionsTable LOCK#*",
        &["OnUserDeleted"],
        LOCKED,
    ),
    exception(
        "dynamodb:PutItem SessionsTable LOCK#*",
        &["ChangeEmail"],
        GUESSES,
    ),
    exception(
        "dynamodb:UpdateItem SessionsTable USER#*",
        &["OnEmailVerificationRequested"],
        SAME_LINK,
    ),
    exception(
        "dynamodb:DeleteItem SessionsTable ATTEMPT#mail-asker#*",
        &SENDERS,
        UNSENT,
    ),
    exception(
        "dynamodb:DeleteItem SessionsTable ATTEMPT#mail-to#*",
        &[
            "OnAccessChanged",
            "OnEmailChanged",
            "OnRecoveryStarted",
            "OnSignUpRequested",
            "OnUserInvited",
        ],
        UNSENT,
    ),
    exception(
        "dynamodb:DeleteItem SessionsTable ATTEMPT#mails#*",
        &SENDERS,
        UNSENT,
    ),
    exception(
        "dynamodb:UpdateItem SessionsTable ATTEMPT#mail-asker#*",
        &[
            "OnAccessChanged",
            "OnEmailChanged",
            "OnEmailVerificationRequested",
            "OnPasswordResetRequested",
            "OnRecoveryStarted",
            "OnUserInvited",
        ],
        ASKER,
    ),
    exception(
        "dynamodb:UpdateItem SessionsTable ATTEMPT#mail-to#*",
        &["OnEmailChanged"],
        ASKER,
    ),
];
