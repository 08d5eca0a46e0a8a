//! A one-time token permits one change, once.

use shared::domain::{Change, OneTimeToken, PasswordHash, Refusal, TokenPurpose, User};

use crate::{
    contract,
    ports::{INSTANT, Ports, refusal},
};

contract!(
    a_token_permits_one_change,
    a_replayed_change_needs_no_second_token,
    of_parallel_uses_of_a_token_one_counts,
    a_token_that_was_never_issued_permits_nothing,
    a_newer_token_voids_the_one_before,
    a_token_is_good_for_its_purpose,
    a_token_expires,
    a_change_that_fails_uses_no_token_up,
);

const RESET: TokenPurpose = TokenPurpose::PasswordReset;

fn token(ports: &Ports, user: &User) -> OneTimeToken {
    OneTimeToken::new(user.id, ports.bytes())
}

async fn issued(ports: &Ports, user: &User) -> OneTimeToken {
    let token = token(ports, user);
    ports.tokens.issue(&token, RESET).await.unwrap();
    token
}

/// The reset of the password of `user` which `token` permits.
fn reset(ports: &Ports, user: &User, token: &OneTimeToken) -> Change {
    let password = PasswordHash::from_phc("$new");
    user.reset_password(password, &ports.occasion())
        .spending(token.spend(RESET, ports.now()))
}

async fn ann(ports: &Ports) -> User {
    ports.created("ann@example.com", &[]).await
}

async fn is_unchanged(ports: &Ports, user: &User) -> bool {
    ports.users.find(user.id).await.unwrap().as_ref() == Some(user)
}

async fn a_token_permits_one_change(ports: Ports) {
    let user = ann(&ports).await;
    let token = issued(&ports, &user).await;
    let user = ports
        .users
        .commit(&reset(&ports, &user, &token))
        .await
        .unwrap();
    assert_eq!(ports.password("ann@example.com").await.expose(), "$new");

    let again = reset(&ports, &user, &token);
    assert_eq!(
        refusal(ports.users.commit(&again).await),
        Refusal::TokenExpired
    );
    assert!(is_unchanged(&ports, &user).await);
}

async fn a_replayed_change_needs_no_second_token(ports: Ports) {
    let user = ann(&ports).await;
    let token = issued(&ports, &user).await;
    let change = reset(&ports, &user, &token);
    let first = ports.users.commit(&change).await.unwrap();
    assert_eq!(ports.users.commit(&change).await.unwrap(), first);
}

async fn of_parallel_uses_of_a_token_one_counts(ports: Ports) {
    let user = ann(&ports).await;
    let token = issued(&ports, &user).await;
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let (users, change) = (ports.users.clone(), reset(&ports, &user, &token));
            tokio::spawn(async move { users.commit(&change).await.is_ok() })
        })
        .collect();
    let mut counted = 0;
    for task in tasks {
        counted += u32::from(task.await.unwrap());
    }
    assert_eq!(counted, 1);
}

async fn a_token_that_was_never_issued_permits_nothing(ports: Ports) {
    let user = ann(&ports).await;
    for issue in [false, true] {
        if issue {
            issued(&ports, &user).await;
        }
        let guess = token(&ports, &user);
        let change = reset(&ports, &user, &guess);
        assert_eq!(
            refusal(ports.users.commit(&change).await),
            Refusal::TokenExpired
        );
    }
    assert!(is_unchanged(&ports, &user).await);
}

async fn a_newer_token_voids_the_one_before(ports: Ports) {
    let user = ann(&ports).await;
    let (older, newer) = (issued(&ports, &user).await, issued(&ports, &user).await);
    let change = reset(&ports, &user, &older);
    assert_eq!(
        refusal(ports.users.commit(&change).await),
        Refusal::TokenExpired
    );
    ports
        .users
        .commit(&reset(&ports, &user, &newer))
        .await
        .unwrap();
}

async fn a_token_is_good_for_its_purpose(ports: Ports) {
    let user = ann(&ports).await;
    let token = issued(&ports, &user).await;
    let change = user.verify_email(&ports.occasion()).unwrap();
    let change = change.spending(token.spend(TokenPurpose::EmailVerification, ports.now()));
    assert_eq!(
        refusal(ports.users.commit(&change).await),
        Refusal::TokenExpired
    );
    assert!(is_unchanged(&ports, &user).await);
}

async fn a_token_expires(ports: Ports) {
    let user = ann(&ports).await;
    let token = issued(&ports, &user).await;
    (ports.advance)(RESET.lifetime());
    let late = reset(&ports, &user, &token);
    assert_eq!(
        refusal(ports.users.commit(&late).await),
        Refusal::TokenExpired
    );

    let token = issued(&ports, &user).await;
    (ports.advance)(RESET.lifetime().saturating_sub(INSTANT));
    ports
        .users
        .commit(&reset(&ports, &user, &token))
        .await
        .unwrap();
}

async fn a_change_that_fails_uses_no_token_up(ports: Ports) {
    let user = ann(&ports).await;
    let token = issued(&ports, &user).await;
    let late = reset(&ports, &user, &token);
    let renamed = user
        .rename("Bea".parse().unwrap(), &ports.occasion())
        .unwrap();
    let user = ports.users.commit(&renamed).await.unwrap();
    assert_eq!(
        refusal(ports.users.commit(&late).await),
        Refusal::VersionConflict
    );

    ports
        .users
        .commit(&reset(&ports, &user, &token))
        .await
        .unwrap();
}
