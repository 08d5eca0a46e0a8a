//! An identity elsewhere belongs to one user at a time, and the last way to sign in stays.

use shared::domain::{
    EventKind, LoginKey, PasswordHash, Refusal, User, UserId,
    login::{MAX_LOGINS, MAX_UNLINKED},
    user::NewMember,
};

use crate::{
    contract,
    ports::{Ports, refusal},
};

contract!(
    a_member_has_the_address_and_the_identity,
    an_identity_belongs_to_one_user,
    an_identity_is_linked_once_and_ten_logins_are_enough,
    the_last_way_to_sign_in_stays,
    an_identity_that_was_unlinked_is_free,
    the_newest_unlinked_are_remembered_until_they_are_linked_again,
    no_identity_comes_by_itself_while_a_recovery_is_under_way,
    of_parallel_unlinkings_one_identity_remains,
    a_reset_frees_the_account_of_identities,
    erasure_frees_the_identity,
);

fn identity(subject: &str) -> LoginKey {
    LoginKey::Oidc {
        issuer: "https://id.example.com".to_owned(),
        subject: subject.to_owned(),
    }
}

/// Ann, who came by way of a provider.
async fn member(ports: &Ports, email_verified: bool) -> User {
    let new = NewMember {
        id: ports.user_id(),
        email: "ann@example.com".parse().unwrap(),
        email_verified,
        name: "Ann".parse().unwrap(),
        identity: identity("ann"),
    };
    let change = User::create_member(new, &ports.metadata());
    ports.users.commit(&change).await.unwrap()
}

async fn linked(ports: &Ports, user: &User, subject: &str) -> User {
    let change = user.link(&identity(subject), &ports.metadata()).unwrap();
    ports.users.commit(&change.unwrap()).await.unwrap()
}

async fn owner(ports: &Ports, key: &LoginKey) -> Option<UserId> {
    let login = ports.users.find_login(key).await.unwrap();
    login.map(|login| login.user_id)
}

async fn last_event(ports: &Ports, user: &User) -> EventKind {
    let entry = ports.users.history_entry(user.id, user.version).await;
    entry.unwrap().unwrap().event.kind
}

async fn a_member_has_the_address_and_the_identity(ports: Ports) {
    let ann = member(&ports, true).await;
    assert!(ann.email_verified);
    let address = LoginKey::Email(ann.email.clone());
    for key in [&address, &identity("ann")] {
        assert_eq!(owner(&ports, key).await, Some(ann.id));
    }
    let login = ports.users.find_login(&address).await.unwrap().unwrap();
    assert_eq!(login.password, None);
    assert_eq!(ports.users.find(ann.id).await.unwrap(), Some(ann.clone()));
    assert_eq!(last_event(&ports, &ann).await, EventKind::UserCreated);
}

async fn an_identity_belongs_to_one_user(ports: Ports) {
    let ann = member(&ports, true).await;
    let bob = ports.created("bob@example.com", &[]).await;
    let change = bob.link(&identity("ann"), &ports.metadata()).unwrap();
    let taken = ports.users.commit(&change.unwrap()).await;
    assert_eq!(refusal(taken), Refusal::EmailTaken);
    assert_eq!(owner(&ports, &identity("ann")).await, Some(ann.id));
    assert_eq!(ports.users.find(bob.id).await.unwrap(), Some(bob));
}

async fn an_identity_is_linked_once_and_ten_logins_are_enough(ports: Ports) {
    let mut ann = member(&ports, true).await;
    let again = ann.link(&identity("ann"), &ports.metadata());
    assert!(again.unwrap().is_none());
    for number in ann.logins.len()..MAX_LOGINS {
        ann = linked(&ports, &ann, &number.to_string()).await;
    }
    assert_eq!(ann.auth_epoch, 0, "no session ends");
    assert_eq!(
        last_event(&ports, &ann).await,
        EventKind::UserIdentityLinked
    );
    let one_more = ann.link(&identity("more"), &ports.metadata());
    assert_eq!(refusal(one_more), Refusal::TooManyIdentities);
}

async fn the_last_way_to_sign_in_stays(ports: Ports) {
    let ann = member(&ports, true).await;
    let unlink = |key: &LoginKey, has_password| ann.unlink(key, has_password, &ports.metadata());
    let last = unlink(&identity("ann"), false);
    assert_eq!(refusal(last), Refusal::LastLogin);
    let foreign = unlink(&identity("bob"), true);
    assert_eq!(refusal(foreign), Refusal::NotFound);
    let address = unlink(&LoginKey::Email(ann.email.clone()), true);
    assert_eq!(refusal(address), Refusal::NotFound);
    assert!(unlink(&identity("ann"), true).is_ok());
    let two = linked(&ports, &ann, "other").await;
    let one = two.unlink(&identity("ann"), false, &ports.metadata());
    assert!(one.is_ok());
}

async fn an_identity_that_was_unlinked_is_free(ports: Ports) {
    let ann = member(&ports, true).await;
    let change = ann.unlink(&identity("ann"), true, &ports.metadata());
    let ann = ports.users.commit(&change.unwrap()).await.unwrap();
    assert_eq!((ann.identities().count(), ann.auth_epoch), (0, 1));
    let kind = last_event(&ports, &ann).await;
    assert_eq!(kind, EventKind::UserIdentityUnlinked);
    assert_eq!(owner(&ports, &identity("ann")).await, None);
    let bob = ports.created("bob@example.com", &[]).await;
    linked(&ports, &bob, "ann").await;
    assert_eq!(owner(&ports, &identity("ann")).await, Some(bob.id));
}

async fn the_newest_unlinked_are_remembered_until_they_are_linked_again(ports: Ports) {
    let mut ann = member(&ports, true).await;
    for number in 0..=MAX_UNLINKED {
        let subject = number.to_string();
        ann = linked(&ports, &ann, &subject).await;
        let change = ann.unlink(&identity(&subject), true, &ports.metadata());
        ann = ports.users.commit(&change.unwrap()).await.unwrap();
    }
    let newest: Vec<_> = (1..=MAX_UNLINKED)
        .map(|number| identity(&number.to_string()))
        .collect();
    let stored = ports.users.find(ann.id).await.unwrap().unwrap();
    assert_eq!(stored.unlinked, newest);
    let by_itself = stored.link_by_address(&identity("1"), &ports.metadata());
    assert_eq!(refusal(by_itself), Refusal::InvalidCredentials);
    let ann = linked(&ports, &stored, "1").await;
    assert_eq!(ann.unlinked, newest[1..]);
}

async fn no_identity_comes_by_itself_while_a_recovery_is_under_way(ports: Ports) {
    let ann = member(&ports, true).await;
    let change = ann.start_recovery(&ports.metadata());
    let ann = ports.users.commit(&change.unwrap()).await.unwrap();
    let stored = ports.users.find(ann.id).await.unwrap().unwrap();
    let by_itself = |ann: &User| ann.link_by_address(&identity("ann"), &ports.metadata());
    assert_eq!(refusal(by_itself(&stored)), Refusal::InvalidCredentials);
    let hash = PasswordHash::from_phc("$argon2id$new");
    let change = stored.reset_password(hash, &ports.metadata());
    let ann = ports.users.commit(&change).await.unwrap();
    assert!(by_itself(&ann).unwrap().is_some());
}

async fn of_parallel_unlinkings_one_identity_remains(ports: Ports) {
    let ann = member(&ports, true).await;
    let ann = linked(&ports, &ann, "other").await;
    let unlinkings = ["ann", "other"].map(|subject| {
        let change = ann.unlink(&identity(subject), false, &ports.metadata());
        let users = ports.users.clone();
        tokio::spawn(async move { users.commit(&change.unwrap()).await })
    });
    let mut refused = Vec::new();
    for unlinking in unlinkings {
        if let Err(error) = unlinking.await.unwrap() {
            refused.push(refusal::<()>(Err(error)));
        }
    }
    assert_eq!(refused, [Refusal::VersionConflict]);
    let left = ports.users.find(ann.id).await.unwrap().unwrap();
    assert_eq!(left.identities().count(), 1);
}

async fn a_reset_frees_the_account_of_identities(ports: Ports) {
    let unproven = member(&ports, false).await;
    let hash = PasswordHash::from_phc("$argon2id$new");
    let change = unproven.reset_password(hash.clone(), &ports.metadata());
    let ann = ports.users.commit(&change).await.unwrap();
    assert_eq!((ann.identities().count(), ann.email_verified), (0, true));
    assert_eq!(owner(&ports, &identity("ann")).await, None);
    assert_eq!(ports.password("ann@example.com").await, hash);

    let ann = linked(&ports, &ann, "hers").await;
    let change = ann.reset_password(hash, &ports.metadata());
    let ann = ports.users.commit(&change).await.unwrap();
    assert_eq!(
        ann.identities().count(),
        0,
        "also when it was proven before"
    );
    assert_eq!(owner(&ports, &identity("hers")).await, None);
}

async fn erasure_frees_the_identity(ports: Ports) {
    let ann = member(&ports, true).await;
    let erased = ports.users.commit(&ann.erase(&ports.metadata())).await;
    assert!(erased.is_ok());
    assert_eq!(owner(&ports, &identity("ann")).await, None);
}
