use std::{collections::BTreeSet, time::Duration};

use domain::error::Violation;

use super::*;

const WAIT: Duration = Duration::from_secs(3);

fn every_refusal() -> Vec<Refusal> {
    use Refusal as R;
    vec![
        R::Unauthenticated,
        R::Forbidden,
        R::NotFound,
        R::EmailTaken,
        R::InvalidCredentials,
        R::InvalidRefreshToken,
        R::RefreshSuperseded,
        R::VersionConflict,
        R::PreconditionFailed,
        R::LastAdministrator,
        R::AlreadyDeactivated,
        R::AlreadyActive,
        R::InvitationOpen,
        R::IdentityTaken,
        R::TooManyIdentities,
        R::LastLogin,
        R::RecentSignInRequired(WAIT),
        R::TokenExpired,
        R::ProofRequired,
        R::AccountEstablished,
        R::EmailMissing,
        R::AddressUnproven,
        R::UserUnproven,
        R::KeyReused,
        R::StillRunning,
        R::TooManyRequests(WAIT),
        R::TooManyInstances,
        R::NoHealthyInstance(WAIT),
        R::ProviderUnavailable(WAIT),
        R::Unavailable(WAIT),
    ]
}

fn every_transport_error() -> Vec<TransportError> {
    use TransportError as T;
    vec![
        T::Malformed("the body is not JSON".to_owned()),
        T::TooLarge,
        T::UnsupportedMediaType,
        T::MethodNotAllowed("GET".to_owned()),
    ]
}

/// The contract lists every code there is, and no other.
#[test]
fn the_contract_knows_every_code() {
    let contract = include_str!("../../../../../openapi.yaml");
    let codes = contract
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "- malformed")
        .map_while(|line| line.strip_prefix("- "));
    let documented: BTreeSet<&str> = codes.collect();
    let mut known: BTreeSet<&str> = every_refusal()
        .iter()
        .map(|refusal| info(refusal).code)
        .collect();
    let transport = every_transport_error();
    known.extend(transport.iter().map(|error| transport_info(error).code));
    known.extend(["invalid", "internal"]);
    assert_eq!(documented, known);
}

#[test]
fn an_error_brings_the_header_it_needs() {
    for (refusal, name, value) in [
        (
            Refusal::Unauthenticated,
            "www-authenticate",
            "Bearer realm=\"roster\"",
        ),
        (Refusal::TooManyRequests(WAIT), "retry-after", "3"),
        (Refusal::Unavailable(Duration::ZERO), "retry-after", "1"),
    ] {
        let response = render(&refusal.into(), "request-1");
        assert_eq!(response.headers()[name], value);
    }
    let error = TransportError::MethodNotAllowed("GET".to_owned());
    let response = render(&error.into(), "request-1");
    assert_eq!(response.headers()["allow"], "GET");
    let response = render(&TransportError::UnsupportedCoding.into(), "request-1");
    assert_eq!(response.headers()["accept-encoding"], "identity");
}

#[test]
fn a_rejected_password_is_a_wrong_field() {
    let violation = Violation::new("too-short", "must have at least 8 characters");
    let error = domain::Error::PasswordRejected(violation);
    let response = render(&error.into(), "request-1");
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let document: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(
        document["errors"],
        json!([{
            "pointer": "/newPassword",
            "code": "too-short",
            "message": "must have at least 8 characters",
        }])
    );
}

/// A small request must not get a large answer.
#[test]
fn so_many_errors_are_listed_and_no_more() {
    let violation = Violation::new("unknown", "is not known");
    let errors = (0..1000).map(|number| violation.clone().at(format!("/{number}")));
    let response = render(
        &domain::Error::Invalid(errors.collect()).into(),
        "request-1",
    );
    let document: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    let errors = document["errors"].as_array().unwrap();
    assert_eq!((errors.len(), &errors[31]["pointer"]), (32, &json!("/31")));
}

#[test]
fn an_internal_error_tells_nothing_of_the_inside() {
    let error = domain::Error::internal("the table users-4711 does not answer");
    let response = render(&error.into(), "request-1");
    let body = String::from_utf8(response.body().to_vec()).unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(
        body.contains("request-1") && !body.contains("4711"),
        "{body}"
    );
}

/// So who reads the log and who reads an answer call it the same.
#[test]
fn the_outcome_in_the_log_is_the_code_of_the_problem() {
    let refused = every_refusal().into_iter().map(Error::from);
    let violation = Violation::new("too-short", "must have at least 8 characters");
    let others = [
        domain::Error::PasswordRejected(violation.clone()).into(),
        domain::Error::Invalid(vec![violation.at("/name")]).into(),
        domain::Error::internal("broken").into(),
        TransportError::TooLarge.into(),
        TransportError::MethodNotAllowed("GET".to_owned()).into(),
    ];
    for error in refused.chain(others) {
        let response = render(&error, "request-1");
        let document: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(document["code"], outcome::<()>(&Err(error)));
    }
    assert_eq!(outcome(&Ok::<_, Error>(())), "ok");
}
