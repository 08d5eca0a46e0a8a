use std::{sync::Arc, time::Duration};

use domain::{Role, Roles};
use lambda::http::{Access, Gate, answer, reply};
use testing::{Person, World, sample::Sample};

const LAG: Duration = Duration::from_secs(5);
const INSTANT: Duration = Duration::from_micros(1);

struct Door {
    world: Arc<World>,
    gate: Gate,
    ann: Person,
}

impl Door {
    async fn new() -> Self {
        let world = World::new();
        let ann = world.join("Ann", Roles::new()).await.unwrap();
        world.clear_trace();
        let gate = Gate::guarded("", world.clone(), world.clone());
        let gate = gate.remembering(LAG, world.clone());
        Self { world, gate, ann }
    }

    /// Ann knocks; gives the status, and how often a user was looked up for it.
    async fn knock(&self, access: Access) -> (u16, usize) {
        let epoch = self.world.user(self.ann.id).unwrap().auth_epoch;
        self.knock_with(access, &self.token(epoch)).await
    }

    fn token(&self, epoch: u64) -> String {
        format!("{} {} {epoch}", self.ann.id, self.ann.session_id)
    }

    async fn knock_with(&self, access: Access, token: &str) -> (u16, usize) {
        self.world.clear_trace();
        let request = Sample::of_user("GET", "me", "").bearer(token);
        let handle = async |_: Arc<()>, _| reply::no_content();
        let request = request.into_request().unwrap();
        let answer = answer(access, &self.gate, Arc::new(()), &handle, request).await;
        let calls = self.world.trace().into_iter();
        let found = calls.filter(|call| *call == "users.find").count();
        (answer.status().as_u16(), found)
    }

    fn tamper(&self, change: impl FnOnce(&mut domain::User)) {
        self.world.tamper(self.ann.id, change);
    }
}

#[tokio::test]
async fn a_caller_is_looked_up_once_in_a_while() {
    let door = Door::new().await;
    assert_eq!(door.knock(Access::Owner).await, (204, 1));
    door.world.advance(LAG.saturating_sub(INSTANT));
    assert_eq!(door.knock(Access::Caller).await, (204, 0));
    door.world.advance(INSTANT);
    assert_eq!(door.knock(Access::Owner).await, (204, 1));
}

#[tokio::test]
async fn a_deactivated_users_token_dies_within_the_lag() {
    let door = Door::new().await;
    door.knock(Access::Caller).await;
    door.tamper(|user| user.active = false);
    door.world.advance(LAG.saturating_sub(INSTANT));
    assert_eq!(door.knock(Access::Caller).await.0, 204);
    door.world.advance(INSTANT);
    assert_eq!(door.knock(Access::Caller).await.0, 401);
    door.tamper(|user| user.active = true);
    assert_eq!(door.knock(Access::Caller).await.0, 204, "at once");
}

#[tokio::test]
async fn an_ended_epoch_dies_within_the_lag_and_a_new_one_counts_at_once() {
    let door = Door::new().await;
    door.knock(Access::Caller).await;
    door.tamper(|user| user.auth_epoch = 1);
    let (old, new) = (door.token(0), door.token(1));
    assert_eq!(door.knock_with(Access::Caller, &old).await.0, 204);
    assert_eq!(door.knock_with(Access::Caller, &new).await, (204, 1));
    door.world.advance(LAG);
    assert_eq!(door.knock_with(Access::Caller, &old).await, (401, 1));
}

#[tokio::test]
async fn a_role_is_gained_at_once_and_lost_within_the_lag() {
    let door = Door::new().await;
    assert_eq!(
        door.knock(Access::Admin).await,
        (403, 1),
        "one look is enough"
    );
    assert_eq!(
        door.knock(Access::Admin).await,
        (403, 1),
        "a refusal is never from memory"
    );
    door.tamper(|user| {
        user.roles.insert(Role::admin());
    });
    assert_eq!(door.knock(Access::Admin).await.0, 204);
    door.world.advance(LAG);
    assert_eq!(door.knock(Access::Admin).await, (204, 1));
    door.tamper(|user| user.roles.clear());
    assert_eq!(door.knock(Access::Admin).await, (204, 0));
    door.world.advance(LAG);
    assert_eq!(door.knock(Access::Admin).await, (403, 1));
}

#[tokio::test]
async fn without_a_lag_everybody_is_looked_up() {
    let mut door = Door::new().await;
    let gate = Gate::guarded("", door.world.clone(), door.world.clone());
    door.gate = gate.remembering(Duration::ZERO, door.world.clone());
    for _ in 0..2 {
        assert_eq!(door.knock(Access::Caller).await, (204, 1));
    }
}
