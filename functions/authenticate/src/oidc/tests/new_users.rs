//! New users who come by a provider count as sign-ups.

use testing::SIGN_UPS;

use super::*;

const LIMITED: (u16, &str) = (429, "too-many-requests");

/// A backend where one client IP has no sign-up left, of which each made a user.
async fn used_up() -> Arc<FakeBackend> {
    let backend = backend();
    for n in 0..SIGN_UPS {
        let new = says(&format!("new{n}@example.com"), false);
        let answer = come(&backend, OPEN, &format!("new{n}"), new).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
    }
    backend
}

#[tokio::test]
async fn a_client_address_makes_so_many_users_by_a_provider() {
    let backend = used_up().await;
    let more = says("more@example.com", false);
    assert_eq!(
        come(&backend, OPEN, "more", more.clone()).await.problem(),
        LIMITED
    );
    let known = come(&backend, OPEN, "new0", more.clone()).await;
    assert_eq!(known.status, 201, "whoever has an account is not counted");
    backend.advance(Duration::from_hours(1));
    assert_eq!(come(&backend, OPEN, "more", more).await.status, 201);
}

/// Erasing gives no sign-up back.
#[tokio::test]
async fn signing_up_and_erasing_in_turns_is_counted() {
    let backend = used_up().await;
    let mut users = backend.users().into_iter();
    let first = users.find(|user| user.email.as_str() == "new0@example.com");
    let first = first.unwrap();
    let erase = |user: &User, metadata: &_| Ok(user.erase(metadata));
    backend.change(first.id, erase).await;
    let again = says("new0@example.com", false);
    assert_eq!(come(&backend, OPEN, "new0", again).await.problem(), LIMITED);
}

#[tokio::test]
async fn replacing_an_account_by_a_provider_is_counted() {
    let backend = used_up().await;
    let stranger = backend.add_unproven(ANN, Standing::Provisional).await;
    let answer = come(&backend, OPEN, "ann", says(ANN, true)).await;
    assert_eq!(answer.problem(), LIMITED);
    assert!(backend.user(stranger.id).is_some());
}
