use std::{sync::Arc, time::Duration};

use domain::{Role, Roles};
use lambda::http::{Access, Authenticator, answer, response};
use testing::{FakeBackend, Person, TestRequest};

const LAG: Duration = Duration::from_secs(5);
const INSTANT: Duration = Duration::from_micros(1);

struct Process {
    backend: Arc<FakeBackend>,
    authenticator: Authenticator,
    ann: Person,
}

impl Process {
    async fn new() -> Self {
        let backend = FakeBackend::new();
        let ann = backend.sign_up("Ann", Roles::new()).await;
        backend.clear_trace();
        let authenticator = Authenticator::guarded("", backend.clone(), backend.clone());
        let authenticator = authenticator.remembering(LAG, backend.clone());
        Self {
            backend,
            authenticator,
            ann,
        }
    }

    /// Ann calls. Returns the status, and the number of reads of a user for it.
    async fn call(&self, access: Access) -> (u16, usize) {
        let epoch = self
            .backend
            .user(self.ann.id)
            .map_or(0, |ann| ann.auth_epoch);
        self.call_with(access, &self.token(epoch)).await
    }

    fn token(&self, epoch: u64) -> String {
        format!("{} {} {epoch}", self.ann.id, self.ann.session_id)
    }

    async fn call_with(&self, access: Access, token: &str) -> (u16, usize) {
        self.backend.clear_trace();
        let request = TestRequest::new("GET", "/users/{id}")
            .id("me")
            .bearer(token);
        let handle = async |_: Arc<()>, _| response::no_content();
        let request = request.into_raw();
        let answer = answer(access, &self.authenticator, Arc::new(()), &handle, request).await;
        let calls = self.backend.trace().into_iter();
        let found = calls.filter(|call| *call == "users.find").count();
        (answer.status().as_u16(), found)
    }

    fn tamper(&self, change: impl FnOnce(&mut domain::User)) {
        self.backend.tamper(self.ann.id, change);
    }
}

#[tokio::test]
async fn a_caller_is_looked_up_once_in_a_while() {
    let process = Process::new().await;
    assert_eq!(process.call(Access::Owner).await, (204, 1));
    process.backend.advance(LAG.saturating_sub(INSTANT));
    assert_eq!(process.call(Access::Caller).await, (204, 0));
    process.backend.advance(INSTANT);
    assert_eq!(process.call(Access::Owner).await, (204, 1));
}

#[tokio::test]
async fn a_deactivated_users_token_dies_within_the_lag() {
    let process = Process::new().await;
    process.call(Access::Caller).await;
    process.tamper(|user| user.active = false);
    process.backend.advance(LAG.saturating_sub(INSTANT));
    assert_eq!(process.call(Access::Caller).await.0, 204);
    process.backend.advance(INSTANT);
    assert_eq!(process.call(Access::Caller).await.0, 401);
    process.tamper(|user| user.active = true);
    assert_eq!(process.call(Access::Caller).await.0, 204, "at once");
}

#[tokio::test]
async fn an_ended_epoch_dies_within_the_lag_and_a_new_one_counts_at_once() {
    let process = Process::new().await;
    process.call(Access::Caller).await;
    process.tamper(|user| user.auth_epoch = 1);
    let (old, new) = (process.token(0), process.token(1));
    assert_eq!(process.call_with(Access::Caller, &old).await.0, 204);
    assert_eq!(process.call_with(Access::Caller, &new).await, (204, 1));
    process.backend.advance(LAG);
    assert_eq!(process.call_with(Access::Caller, &old).await, (401, 1));
}

#[tokio::test]
async fn a_role_is_gained_at_once_and_lost_within_the_lag() {
    let process = Process::new().await;
    assert_eq!(
        process.call(Access::Admin).await,
        (403, 1),
        "one look is enough"
    );
    assert_eq!(
        process.call(Access::Admin).await,
        (403, 1),
        "a refusal is never from memory"
    );
    process.tamper(|user| {
        user.roles.insert(Role::admin());
    });
    assert_eq!(process.call(Access::Admin).await.0, 204);
    process.backend.advance(LAG);
    assert_eq!(process.call(Access::Admin).await, (204, 1));
    process.tamper(|user| user.roles.clear());
    assert_eq!(process.call(Access::Admin).await, (204, 0));
    process.backend.advance(LAG);
    assert_eq!(process.call(Access::Admin).await, (403, 1));
}

#[tokio::test]
async fn without_a_lag_everybody_is_looked_up() {
    let mut process = Process::new().await;
    let authenticator =
        Authenticator::guarded("", process.backend.clone(), process.backend.clone());
    process.authenticator = authenticator.remembering(Duration::ZERO, process.backend.clone());
    for _ in 0..2 {
        assert_eq!(process.call(Access::Caller).await, (204, 1));
    }
}
