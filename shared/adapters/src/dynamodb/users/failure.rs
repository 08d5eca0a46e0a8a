//! What it means that a transaction was not written.

use aws_sdk_dynamodb::{
    error::SdkError, operation::transact_write_items::TransactWriteItemsError,
    types::CancellationReason,
};
use domain::{Error, Refusal};

use crate::dynamodb::{
    Table,
    error::{self, Fault},
};

/// What a condition guards. If several are unmet, the first of these is the answer: the loser of
/// a race learns of the race, not of a past state; and a caller without a good token learns nothing of
/// addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Guard {
    /// Nobody else made this version.
    Version,
    /// The token is the one in its slot, and good.
    Token,
    /// Nobody has the login.
    Claim,
    /// An administrator remains.
    Administrators,
    /// There is no administrator yet.
    NoAdministrator,
    /// The user has the login, as the user's own item says.
    Ownership,
}

/// Why a transaction was not written, or may not have been.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// A condition was not met.
    Refused(Refusal),
    /// Anything else.
    Fault(Fault),
}

impl Failure {
    /// What it means that a transaction with these guards failed with `error`.
    pub(super) fn of(
        table: &Table,
        guards: &[Guard],
        error: &SdkError<TransactWriteItemsError>,
    ) -> Self {
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                cancellation(guards, cancelled.cancellation_reasons())
            }
            _ => Self::Fault(table.fault("TransactWriteItems", error)),
        }
    }
}

/// The code of the reason of a write whose condition was not met.
const UNMET: &str = "ConditionalCheckFailed";

/// The code of the reason of a write with which nothing is wrong.
const MET: &str = "None";

/// What the reasons of a cancelled transaction mean; there is one for each write, in their order.
fn cancellation(guards: &[Guard], reasons: &[CancellationReason]) -> Failure {
    let codes = || reasons.iter().filter_map(CancellationReason::code);
    let troubles = || {
        let codes = reasons.iter().map(|reason| reason.code().unwrap_or(MET));
        guards.iter().zip(codes).filter(|(_, code)| *code != MET)
    };
    // Whether the token was good is not known, so nothing that it protects may show.
    let is_blind = troubles().any(|(guard, code)| *guard == Guard::Token && code != UNMET);
    let unmet = troubles()
        .filter(|(_, code)| *code == UNMET)
        .map(|(guard, _)| *guard)
        .filter(|guard| !is_blind || *guard <= Guard::Token)
        .min();
    let message = || format!("transaction cancelled: {:?}", codes().collect::<Vec<_>>());
    match unmet {
        // Decided anew, the change is made without the role.
        Some(Guard::Version | Guard::NoAdministrator) => Failure::Refused(Refusal::VersionConflict),
        Some(Guard::Claim) => Failure::Refused(Refusal::EmailTaken),
        Some(Guard::Token) => Failure::Refused(Refusal::TokenExpired),
        Some(Guard::Administrators) => Failure::Refused(Refusal::LastAdministrator),
        // The user's item and the login disagree, which no transaction of ours brings about.
        Some(Guard::Ownership) => Failure::Fault(Fault::Lasting(
            "a login of the user is another's".to_owned(),
        )),
        None if troubles().all(|(_, code)| code == UNMET || error::passes(code)) => {
            Failure::Fault(Fault::Passing(message()))
        }
        None => Failure::Fault(Fault::Lasting(message())),
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => refusal.into(),
            Failure::Fault(fault) => fault.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a transaction with these guards means that was cancelled for these reasons.
    fn meaning(reasons: &[(Guard, &str)]) -> Failure {
        let guards: Vec<_> = reasons.iter().map(|(guard, _)| *guard).collect();
        let reasons: Vec<_> = reasons
            .iter()
            .map(|(_, code)| CancellationReason::builder().code(*code).build())
            .collect();
        cancellation(&guards, &reasons)
    }

    #[test]
    fn an_unmet_condition_is_told_by_what_it_guards() {
        for (guard, refusal) in [
            (Guard::Version, Refusal::VersionConflict),
            (Guard::Claim, Refusal::EmailTaken),
            (Guard::Token, Refusal::TokenExpired),
            (Guard::Administrators, Refusal::LastAdministrator),
        ] {
            let reasons = [(Guard::Version, MET), (guard, UNMET), (Guard::Claim, MET)];
            assert_eq!(meaning(&reasons), Failure::Refused(refusal));
        }
        let failure = meaning(&[(Guard::Version, MET), (Guard::Ownership, UNMET)]);
        assert!(matches!(failure, Failure::Fault(Fault::Lasting(_))));
    }

    #[test]
    fn the_loser_of_a_race_learns_that_first() {
        let reasons = [
            (Guard::Ownership, UNMET),
            (Guard::Administrators, UNMET),
            (Guard::Claim, UNMET),
            (Guard::Token, UNMET),
            (Guard::Version, UNMET),
        ];
        for (unmet, refusal) in [
            (&reasons[..], Refusal::VersionConflict),
            (&reasons[..4], Refusal::TokenExpired),
            (&reasons[..3], Refusal::EmailTaken),
            (&reasons[..2], Refusal::LastAdministrator),
        ] {
            assert_eq!(meaning(unmet), Failure::Refused(refusal));
        }
    }

    #[test]
    fn an_unmet_condition_counts_also_beside_a_conflict() {
        let reasons = [
            (Guard::Version, "TransactionConflict"),
            (Guard::Claim, UNMET),
        ];
        assert_eq!(meaning(&reasons), Failure::Refused(Refusal::EmailTaken));
    }

    #[test]
    fn who_has_an_address_is_not_told_before_the_token_was_looked_at() {
        let token = (Guard::Token, "TransactionConflict");
        let passes = |reasons: &[_]| matches!(meaning(reasons), Failure::Fault(Fault::Passing(_)));
        assert!(passes(&[token, (Guard::Claim, UNMET)]));
        assert!(passes(&[(Guard::Administrators, UNMET), token]));
        let late = [token, (Guard::Version, UNMET)];
        assert_eq!(meaning(&late), Failure::Refused(Refusal::VersionConflict));
    }

    #[test]
    fn conflicts_and_throttling_pass() {
        for code in [
            "TransactionConflict",
            "ThrottlingError",
            "ProvisionedThroughputExceeded",
        ] {
            let failure = meaning(&[(Guard::Version, MET), (Guard::Claim, code)]);
            let passes = matches!(failure, Failure::Fault(Fault::Passing(_)));
            assert!(passes, "{code}");
        }
    }

    #[test]
    fn all_else_lasts() {
        let failure = meaning(&[
            (Guard::Version, "ValidationError"),
            (Guard::Claim, "TransactionConflict"),
        ]);
        assert!(matches!(failure, Failure::Fault(Fault::Lasting(_))));
    }
}
