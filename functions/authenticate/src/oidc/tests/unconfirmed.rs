//! The address is that of an account which nobody confirmed, or of somebody who is invited.

use super::*;

#[tokio::test]
async fn a_verified_address_takes_an_account_over_which_nobody_confirmed() {
    for policy in [OPEN, SignUpPolicy::Concealed, SignUpPolicy::Admin] {
        let backend = backend();
        let stranger = backend.add_unproven(ANN, Standing::Provisional).await;
        let answer = come(&backend, policy, "1", says(ANN, true)).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        let user = &backend.users()[0];
        assert_eq!(backend.users().len(), 1);
        assert_ne!(user.id, stranger.id);
        assert_eq!(answer.body["user"]["id"], user.id.to_string());
        assert!(user.email_verified && user.standing == Standing::Settled);
        let key = LoginKey::Email(ANN.parse().unwrap());
        let login = backend.find_login(&key).await.unwrap().unwrap();
        assert_eq!((login.user_id, login.password), (user.id, None));
        let again = come(&backend, policy, "1", says(ANN, true)).await;
        assert_eq!(again.body["user"]["id"], user.id.to_string());
    }
}

#[tokio::test]
async fn an_unverified_address_takes_nothing_over() {
    let backend = backend();
    let stranger = backend.add_unproven(ANN, Standing::Provisional).await;
    let answer = come(&backend, OPEN, "1", says(ANN, false)).await;
    assert_eq!(answer.problem(), (409, "email-taken"));
    backend.tamper(stranger.id, |user| user.active = false);
    let answer = come(&backend, OPEN, "1", says(ANN, true)).await;
    assert_eq!(
        answer.problem(),
        (401, "invalid-credentials"),
        "who was shut out stays so"
    );
    assert_eq!(backend.users()[0].id, stranger.id);
}

/// Where nobody learns who has an account, the same calls are made for a taken and a free address.
#[tokio::test]
async fn an_unverified_address_tells_nobody_who_has_an_account() {
    let mut traces = Vec::new();
    for email in [ANN, "nobody@example.com"] {
        let backend = backend();
        backend.add_user(ANN).await;
        let answer = come(&backend, SignUpPolicy::Concealed, "1", says(email, false)).await;
        assert_eq!(answer.problem(), (401, "invalid-credentials"));
        traces.push(backend.trace());
    }
    assert_eq!(traces[0], traces[1]);
}

/// Ann is invited.
async fn invited(backend: &Arc<FakeBackend>) -> User {
    let metadata = backend.metadata();
    let new = Invitee {
        id: UserId::new(metadata.now, [5; 10]),
        email: ANN.parse().unwrap(),
        name: "Ann Example".parse().unwrap(),
    };
    backend.commit(&User::invite(new, &metadata)).await.unwrap()
}

#[tokio::test]
async fn a_verified_address_accepts_an_invitation() {
    for policy in [OPEN, SignUpPolicy::Concealed, SignUpPolicy::Admin] {
        let backend = backend();
        let ann = invited(&backend).await;
        let answer = come(&backend, policy, "1", says(ANN, true)).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        let after = backend.user(ann.id).unwrap();
        assert_eq!(answer.body["user"]["id"], ann.id.to_string());
        assert!(after.email_verified && after.standing == Standing::Settled);
        assert_eq!(
            after.identities().collect::<Vec<_>>(),
            [&identity("a", "1")]
        );
        assert_eq!(after.name, ann.name, "as the invitation says");
        let link = |user: &User| TokenBinding::of(user, TokenPurpose::Invitation);
        assert_ne!(link(&after), link(&ann), "the link is void");
        let event = &backend.outbox()[1];
        assert_eq!(event.kind, EventKind::UserIdentityLinked);
        assert_eq!(event.actor, Actor::User(ann.id));
        assert_eq!(event.data.changed, ["identities", "emailVerified"]);
        let again = come(&backend, policy, "1", says(ANN, true)).await;
        assert_eq!(again.status, 201);
        assert_eq!(backend.users().len(), 1);
    }
}

#[tokio::test]
async fn what_a_provider_has_not_verified_accepts_no_invitation() {
    for (policy, problem) in [
        (OPEN, (409, "email-taken")),
        (SignUpPolicy::Concealed, (401, "invalid-credentials")),
        (SignUpPolicy::Admin, (401, "invalid-credentials")),
    ] {
        let backend = backend();
        let ann = invited(&backend).await;
        let answer = come(&backend, policy, "1", says(ANN, false)).await;
        assert_eq!(answer.problem(), problem);
        assert_eq!(backend.user(ann.id), Some(ann));
    }
}

/// It ends after seven days; where anyone may sign up, that keeps nobody out.
#[tokio::test]
async fn an_invitation_that_has_expired_or_is_shut_is_not_accepted() {
    for (policy, status) in [
        (OPEN, 201),
        (SignUpPolicy::Concealed, 401),
        (SignUpPolicy::Admin, 401),
    ] {
        let backend = backend();
        let ann = invited(&backend).await;
        let second = std::time::Duration::from_secs(1);
        let lifetime = TokenPurpose::Invitation.lifetime();
        backend.advance(lifetime.saturating_sub(second));
        backend.tamper(ann.id, |user| user.active = false);
        let answer = come(&backend, policy, "1", says(ANN, true)).await;
        assert_eq!(answer.problem(), (401, "invalid-credentials"), "shut out");
        backend.tamper(ann.id, |user| user.active = true);
        backend.advance(second);
        let answer = come(&backend, policy, "1", says(ANN, true)).await;
        assert_eq!(answer.status, status, "{policy:?}");
    }
}

#[tokio::test]
async fn an_acceptance_by_a_provider_survives_every_fault() {
    let calls = FakeBackend::survives_every_fault(
        async |backend| {
            backend.offer_provider("a");
            invited(backend).await
        },
        async |backend, _| {
            backend.authorize("a", "1", "code", says(ANN, true));
            let answer = post(backend, SignUpPolicy::Admin, &body("a", "code")).await;
            let is_in = answer.status == 201;
            is_in.then_some(()).ok_or(format!("{answer:?}"))
        },
        async |backend, ann| {
            let after = backend.user(ann.id).unwrap();
            after.version.get() == 2 && after.identities().count() == 1
        },
    )
    .await;
    assert!(calls.contains(&"users.commit"), "{calls:?}");
}
