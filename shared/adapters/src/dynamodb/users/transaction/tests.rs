//! What a cancelled transaction means.

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
