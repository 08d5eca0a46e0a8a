//! A user who takes the place of another: the erasure and the creation are one change.

use shared::domain::{Change, LoginKey, PasswordHash, Refusal, User, user::Standing};

use crate::{
    contract,
    ports::{Ports, email, refusal},
};

contract!(
    a_user_takes_the_place_of_another,
    a_replayed_replacement_is_made_once,
    a_replacement_of_a_user_who_changed_is_refused,
    a_password_has_one_version_on_user_and_login,
);

const ANN: &str = "ann@example.com";

fn identity() -> LoginKey {
    LoginKey::Oidc {
        issuer: "https://accounts.example.com".to_owned(),
        subject: "1".to_owned(),
    }
}

/// A user with an address and an identity.
async fn first(ports: &Ports) -> User {
    let user = ports.created(ANN, &[]).await;
    let link = user.link(&identity(), &ports.metadata()).unwrap().unwrap();
    ports.users.commit(&link).await.unwrap()
}

/// A new user with the address of `old`.
fn replacement(ports: &Ports, old: &User) -> Change {
    let creation = ports.creation_of(ports.user_id(), ANN, &[]);
    creation.replacing(old.erase(&ports.metadata()))
}

async fn a_user_takes_the_place_of_another(ports: Ports) {
    let old = first(&ports).await;

    let new = ports
        .users
        .commit(&replacement(&ports, &old))
        .await
        .unwrap();

    assert_ne!(new.id, old.id);
    assert_eq!(ports.users.find(old.id).await.unwrap(), None);
    assert_eq!(ports.users.find(new.id).await.unwrap().as_ref(), Some(&new));
    assert_eq!(ports.owner(ANN).await, Some(new.id));
    assert_eq!(ports.users.find_login(&identity()).await.unwrap(), None);
    let entry = |user: &User, version| ports.users.history_entry(user.id, version);
    let erased = entry(&old, old.version.next()).await.unwrap().unwrap();
    assert_eq!(erased.previous, old.chain);
    assert!(entry(&new, new.version).await.unwrap().is_some());
}

async fn a_replayed_replacement_is_made_once(ports: Ports) {
    let old = first(&ports).await;
    let change = replacement(&ports, &old);
    let new = ports.users.commit(&change).await.unwrap();
    assert_eq!(ports.users.commit(&change).await.unwrap(), new);
}

async fn a_replacement_of_a_user_who_changed_is_refused(ports: Ports) {
    let old = first(&ports).await;
    let change = replacement(&ports, &old);
    let rename = old.rename("Bea".parse().unwrap(), &ports.metadata());
    let renamed = ports.users.commit(&rename.unwrap()).await.unwrap();

    assert_eq!(
        refusal(ports.users.commit(&change).await),
        Refusal::VersionConflict
    );

    assert_eq!(ports.users.find(change.after.id).await.unwrap(), None);
    assert_eq!(ports.users.find(old.id).await.unwrap(), Some(renamed));
    assert_eq!(ports.owner(ANN).await, Some(old.id));
}

async fn a_password_has_one_version_on_user_and_login(ports: Ports) {
    let is_same = async |user: &User| {
        let key = LoginKey::Email(user.email.clone());
        let login = ports.users.find_login(&key).await.unwrap().unwrap();
        assert_eq!(login.password_version, user.password_version);
        assert_eq!(user.password_version, Some(user.version));
        assert_eq!(user.standing, Standing::Settled);
    };
    let user = ports.created(ANN, &[]).await;
    is_same(&user).await;
    let hash = || PasswordHash::from_phc("$new");
    let change = user.change_password(hash(), &ports.metadata());
    let user = ports.users.commit(&change).await.unwrap();
    is_same(&user).await;
    let request = user.request_email(email("ann@example.org"), &ports.metadata());
    let user = ports.users.commit(&request.unwrap()).await.unwrap();
    let moves = user.confirm_email(Some(hash()), &ports.metadata()).unwrap();
    let user = ports.users.commit(&moves).await.unwrap();
    is_same(&user).await;
    let change = user.reset_password(hash(), &ports.metadata());
    let user = ports.users.commit(&change).await.unwrap();
    is_same(&user).await;
}
