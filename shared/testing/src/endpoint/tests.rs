//! The tests of the kit fail for an endpoint that is wrong.

use application::user_updates::UserUpdates;
use domain::Name;
use lambda::http::response;

use super::*;

#[derive(Clone, Copy, PartialEq)]
enum Flaw {
    None,
    /// Does not compare the version.
    IgnoresTheVersion,
    /// Makes two events of one request.
    CommitsTwice,
    /// Answers with a success whatever happens.
    SwallowsErrors,
}

/// Gives users the name Anna.
struct Rename {
    updates: UserUpdates,
    flaw: Flaw,
}

async fn handle(rename: Arc<Rename>, request: Request) -> Response {
    let mut target = request.target()?;
    if rename.flaw == Flaw::IgnoresTheVersion {
        target.expected = None;
    }
    let to = async |name: &str| {
        let name: Name = name.parse().expect("a name");
        let change = |user: &domain::User, metadata: &_| Ok(user.rename(name.clone(), metadata));
        rename.updates.update(&target, change).await
    };
    if rename.flaw == Flaw::CommitsTwice {
        to("Another").await?;
    }
    let outcome = to("Anna").await;
    if rename.flaw != Flaw::SwallowsErrors {
        outcome?;
    }
    response::no_content()
}

fn endpoint(flaw: Flaw) -> Endpoint {
    let wire = move |backend: &Arc<FakeBackend>| Rename {
        updates: backend.user_updates(),
        flaw,
    };
    let request = TestRequest::new("PUT", "/users/{id}/name");
    Endpoint::new(Access::OWNER, handle, wire).request(request, 204)
}

async fn is_anna(fixture: &Fixture) -> bool {
    fixture.ann().name.as_str() == "Anna"
}

#[tokio::test]
async fn a_right_endpoint_passes() {
    let endpoint = endpoint(Flaw::None);
    endpoint.admits(Access::OWNER).await;
    endpoint.refuses_a_stale_version().await;
    let calls = endpoint.survives_every_fault(is_anna).await;
    assert_eq!(calls[3..], ["users.find", "users.commit"]);
}

#[tokio::test]
#[should_panic(expected = "Admin about ann")]
async fn another_access_fails() {
    endpoint(Flaw::None).admits(Access::OWNER_OR_ADMIN).await;
}

#[tokio::test]
#[should_panic(expected = "0 of 1")]
async fn a_version_that_is_ignored_fails() {
    endpoint(Flaw::IgnoresTheVersion)
        .refuses_a_stale_version()
        .await;
}

#[tokio::test]
#[should_panic(expected = "last-administrator")]
async fn a_command_that_spares_no_administrator_fails() {
    endpoint(Flaw::None).keeps_the_last_administrator().await;
}

#[tokio::test]
#[should_panic(expected = "events")]
async fn a_second_event_fails() {
    endpoint(Flaw::CommitsTwice)
        .survives_every_fault(is_anna)
        .await;
}

#[tokio::test]
#[should_panic(expected = "answered, not done")]
async fn a_success_that_is_none_fails() {
    endpoint(Flaw::SwallowsErrors)
        .survives_every_fault(is_anna)
        .await;
}
