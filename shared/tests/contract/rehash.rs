//! A fresh hash takes the place of an old one, and of nothing else.

use std::sync::Arc;

use shared::domain::{Login, LoginKey, PasswordHash, TokenPurpose, UserId, token::OneTimeToken};

use crate::{
    contract,
    ports::{Ports, bound, email},
};

contract!(
    a_fresh_hash_replaces_the_old_one,
    a_repeated_one_changes_nothing,
    a_password_chosen_meanwhile_stays,
    a_login_that_moved_is_not_written,
    a_login_that_is_gone_does_not_come_back,
    the_login_of_somebody_else_is_not_written,
    a_chosen_password_outlives_any_race,
);

const ANN: &str = "ann@example.com";

async fn login(ports: &Ports, address: &str) -> Option<Login> {
    let key = LoginKey::Email(email(address));
    ports.users.find_login(&key).await.unwrap()
}

fn hash(text: &str) -> PasswordHash {
    PasswordHash::from_phc(text)
}

async fn a_fresh_hash_replaces_the_old_one(ports: Ports) {
    let user = ports.created(ANN, &[]).await;
    let old = login(&ports, ANN).await.unwrap();

    assert!(ports.users.rehash(&old, &hash("fresh")).await.unwrap());

    let new = login(&ports, ANN).await.unwrap();
    assert_eq!(new.password, Some(hash("fresh")));
    assert_eq!((new.user_id, new.key), (user.id, old.key));
    // No event, no version: the user is as before.
    assert_eq!(ports.users.find(user.id).await.unwrap(), Some(user.clone()));
    let history = ports.users.history(user.id, None, 10).await.unwrap();
    assert_eq!(history.len(), 1);
}

async fn a_repeated_one_changes_nothing(ports: Ports) {
    ports.created(ANN, &[]).await;
    let old = login(&ports, ANN).await.unwrap();

    assert!(ports.users.rehash(&old, &hash("first")).await.unwrap());
    assert!(!ports.users.rehash(&old, &hash("second")).await.unwrap());

    assert_eq!(ports.password(ANN).await, hash("first"));
}

async fn a_password_chosen_meanwhile_stays(ports: Ports) {
    let user = ports.created(ANN, &[]).await;
    let old = login(&ports, ANN).await.unwrap();
    let change = user.change_password(hash("chosen"), &ports.metadata());
    ports.users.commit(&change).await.unwrap();

    assert!(!ports.users.rehash(&old, &hash("fresh")).await.unwrap());

    assert_eq!(ports.password(ANN).await, hash("chosen"));
}

async fn a_login_that_moved_is_not_written(ports: Ports) {
    let user = ports.created(ANN, &[]).await;
    let old = login(&ports, ANN).await.unwrap();
    let wanted = email("ann@example.org");
    let request = user.request_email(wanted, &ports.metadata());
    let user = ports.users.commit(&request.unwrap()).await.unwrap();
    let token = OneTimeToken::new(TokenPurpose::EmailChange, user.id, ports.bytes());
    let issue = token.issue(&bound(&user, token.purpose), ports.now());
    assert!(ports.tokens.issue(&issue, ports.now()).await.unwrap());
    let change = user.confirm_email(old.password.clone(), &ports.metadata());
    let change = change
        .unwrap()
        .spending(token.spend(&bound(&user, token.purpose), ports.now()));
    ports.users.commit(&change).await.unwrap();

    assert!(!ports.users.rehash(&old, &hash("fresh")).await.unwrap());

    assert_eq!(login(&ports, ANN).await, None);
    let moved = login(&ports, "ann@example.org").await.unwrap();
    assert_eq!(moved.password, old.password);
}

async fn a_login_that_is_gone_does_not_come_back(ports: Ports) {
    let user = ports.created(ANN, &[]).await;
    let old = login(&ports, ANN).await.unwrap();
    let change = user.erase(&ports.metadata());
    ports.users.commit(&change).await.unwrap();

    assert!(!ports.users.rehash(&old, &hash("fresh")).await.unwrap());

    assert_eq!(login(&ports, ANN).await, None);
}

async fn the_login_of_somebody_else_is_not_written(ports: Ports) {
    ports.created(ANN, &[]).await;
    let login_of_ann = login(&ports, ANN).await.unwrap();
    let other = |user_id: UserId, password: Option<PasswordHash>| Login {
        user_id,
        password,
        ..login_of_ann.clone()
    };
    for old in [
        other(ports.user_id(), login_of_ann.password.clone()),
        other(login_of_ann.user_id, None),
        other(login_of_ann.user_id, Some(hash("another"))),
    ] {
        assert!(!ports.users.rehash(&old, &hash("fresh")).await.unwrap());
    }
    assert_eq!(login(&ports, ANN).await, Some(login_of_ann));
}

/// Whichever comes first: what somebody chose is what counts.
async fn a_chosen_password_outlives_any_race(ports: Ports) {
    for round in 0..20 {
        let address = format!("ann-{round}@example.com");
        let user = ports.created(&address, &[]).await;
        let old = login(&ports, &address).await.unwrap();
        let change = user.change_password(hash("chosen"), &ports.metadata());
        let chooser = tokio::spawn({
            let users = Arc::clone(&ports.users);
            async move { users.commit(&change).await.map(|_| ()) }
        });
        let upgrader = tokio::spawn({
            let users = Arc::clone(&ports.users);
            async move { users.rehash(&old, &hash("fresh")).await }
        });
        chooser.await.unwrap().unwrap();
        // A writer who meets another may be turned away.
        let _: Result<bool, _> = upgrader.await.unwrap();

        assert_eq!(ports.password(&address).await, hash("chosen"));
    }
}
