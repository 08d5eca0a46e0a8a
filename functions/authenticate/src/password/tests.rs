use serde_json::json;
use shared::domain::{PasswordHash, Roles, user::NewUser};
use testing::{Fault, World};

use super::*;

const PASSWORD: &str = "correct horse battery staple";

fn strategy(world: &Arc<World>) -> PasswordStrategy {
    PasswordStrategy {
        users: world.clone(),
        hasher: world.clone(),
        throttle: world.sign_in_throttle(10),
        circumstances: world.circumstances(),
    }
}

/// A world in which Ann has an account with this hash.
async fn world_with(hash: impl FnOnce(&World) -> PasswordHash) -> Arc<World> {
    let world = World::new();
    let occasion = world.circumstances().occasion(Origin::system("test"));
    let occasion = occasion.unwrap();
    let new = NewUser {
        id: UserId::new(occasion.now, [7; 10]),
        email: "ann@example.com".parse().unwrap(),
        name: "Ann".parse().unwrap(),
        password: hash(&world),
        roles: Roles::new(),
    };
    world.commit(&User::create(new, &occasion)).await.unwrap();
    world.clear_trace();
    world
}

fn foreign(world: &World) -> PasswordHash {
    world.foreign_hash(&Password::presented(PASSWORD))
}

async fn prove(world: &Arc<World>, password: &str) -> Result<Proven> {
    let body = json!({"email": "ann@example.com", "password": password});
    let fields = Fields::new(body.as_object().unwrap().clone());
    let origin = Origin::system("test");
    strategy(world).prove(fields, &origin).await
}

async fn stored(world: &World) -> PasswordHash {
    let key = LoginKey::Email("ann@example.com".parse().unwrap());
    let login = world.find_login(&key).await.unwrap().unwrap();
    login.password.unwrap()
}

#[tokio::test]
async fn a_foreign_hash_is_replaced_by_the_first_sign_in() {
    let world = world_with(foreign).await;
    assert!(prove(&world, PASSWORD).await.is_ok());
    assert!(world.is_current(&stored(&world).await));
    world.clear_trace();
    assert!(prove(&world, PASSWORD).await.is_ok());
    assert_eq!(
        world.trace(),
        [
            "attempts.spend",
            "attempts.spend",
            "users.find_login",
            "users.find",
            "hasher.verify"
        ],
        "nothing is left to do"
    );
}

#[tokio::test]
async fn who_does_not_know_the_password_changes_no_hash() {
    let world = world_with(foreign).await;
    assert!(prove(&world, "wrong").await.is_err());
    assert_eq!(
        world.trace(),
        [
            "attempts.spend",
            "attempts.spend",
            "users.find_login",
            "users.find",
            "hasher.verify"
        ]
    );
    assert_eq!(stored(&world).await, foreign(&world));
}

#[tokio::test]
async fn who_may_not_sign_in_changes_no_hash() {
    let world = world_with(foreign).await;
    let id = world.users()[0].id;
    world.tamper(id, |user| user.active = false);
    assert!(prove(&world, PASSWORD).await.is_err());
    assert_eq!(stored(&world).await, foreign(&world));
}

/// Whatever fails: who knows the password gets in now or at the next time, and the hash is the old
/// one or the new one.
#[tokio::test]
async fn no_fault_of_the_upgrade_keeps_anybody_out() {
    let tried = World::try_every_fault(async |fault: Fault| {
        let world = world_with(foreign).await;
        let (answer, fired) = world.with_fault(fault, prove(&world, PASSWORD)).await;
        let is_about_the_upgrade = world.trace().contains(&"hasher.hash");
        if is_about_the_upgrade {
            assert!(answer.is_none_or(|answer| answer.is_ok()), "{fault:?}");
        }
        assert!(prove(&world, PASSWORD).await.is_ok(), "{fault:?}");
        assert!(world.is_current(&stored(&world).await), "{fault:?}");
        fired
    })
    .await;
    assert_eq!(tried, 4 * 7, "seven calls, each with four faults");
}
