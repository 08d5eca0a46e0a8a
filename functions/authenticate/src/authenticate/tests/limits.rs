//! How often people may try to sign in, and what strangers see of it.

use super::*;

#[tokio::test]
async fn after_ten_guesses_known_and_unknown_addresses_are_locked_alike() {
    let process = Process::new().await;
    let mut stories = Vec::new();
    for email in ["ann@example.com", "nobody@example.com"] {
        let mut story = Vec::new();
        // After ten wrong ones, the right password gets the same answer.
        for password in [["wrong"; 10].as_slice(), &[PASSWORD; 2]].concat() {
            process.backend.clear_trace();
            let answer = process.sign_in(email, password).await;
            let code = answer.body["code"].clone();
            story.push((answer.status, code, process.backend.trace()));
        }
        stories.push(story);
    }
    assert_eq!(stories[0], stories[1]);
    let statuses: Vec<_> = stories[0].iter().map(|(status, ..)| *status).collect();
    assert_eq!(statuses, [vec![401; 10], vec![429; 2]].concat());
    let (_, code, calls) = &stories[0][10];
    assert_eq!(code, "too-many-requests");
    let refused = ["attempts.spend", "attempts.spend", "users.find_login"];
    let released = ["attempts.refund"];
    let announced = ["attempts.announce"];
    assert!(
        calls.iter().all(|call| refused.contains(call)
            || released.contains(call)
            || announced.contains(call)),
        "nothing is compared: {calls:?}"
    );
    let locks = process.backend.outbox().into_iter();
    let locks: Vec<_> = locks
        .filter(|event| event.kind == EventKind::SignInLocked)
        .map(|event| event.user_id)
        .collect();
    let ann = process.backend.users()[0].id;
    assert_eq!(locks, [Some(ann), None], "one event for each lock");
}

#[tokio::test]
async fn five_hundred_guesses_at_once_are_ten() {
    let process = Process::new().await;
    let all = (0..500).map(|_| process.sign_in("ann@example.com", "wrong"));
    let all = futures::future::join_all(all).await;
    let compared = all.iter().filter(|answer| answer.status == 401).count();
    let hashes = process.backend.trace().into_iter();
    let hashes = hashes.filter(|call| *call == "hasher.verify").count();
    assert_eq!((compared, hashes), (10, 10));
    assert_eq!(
        all.iter().filter(|answer| answer.status == 429).count(),
        490
    );
}

#[tokio::test]
async fn a_lock_ends_and_the_next_lasts_longer() {
    let process = Process::new().await;
    for _ in 0..10 {
        process.attempt("ann@example.com", "wrong").await;
    }
    for wait in [30, 60, 120] {
        process
            .backend
            .advance(Duration::from_millis(wait * 1000 - 1));
        assert_eq!(process.attempt("ann@example.com", PASSWORD).await, 429);
        process.backend.advance(Duration::from_millis(1));
        assert_eq!(process.attempt("ann@example.com", "wrong").await, 401);
    }
    process.backend.advance(Duration::from_mins(4));
    assert_eq!(process.attempt("ann@example.com", PASSWORD).await, 201);
    let wrong = process.attempt("ann@example.com", "wrong").await;
    assert_eq!(wrong, 401, "a right one need not be waited for");
    let wrong = process.attempt("ann@example.com", "wrong").await;
    assert_eq!(wrong, 429, "and it forgives strangers nothing");
}

/// The count tells strangers neither that an address has an account, nor that its owner came by.
#[tokio::test]
async fn strangers_do_not_see_the_owner_come_by() {
    for is_known in [false, true] {
        let process = Process::new().await;
        let mut stories = Vec::new();
        for email in ["ann@example.com", "nobody@example.com"] {
            let token = is_known.then_some(process.sign_in("ann@example.com", PASSWORD).await);
            let token = token.map(|answer| answer.body["deviceToken"].clone());
            let owner = async || {
                let mut body = json!({"email": "ann@example.com", "password": PASSWORD});
                if let Some(token) = &token {
                    body["deviceToken"] = token.clone();
                }
                assert_eq!(process.post(&body).await.status, 201);
            };
            let mut story = Vec::new();
            for _ in 0..9 {
                story.push(process.attempt(email, "wrong").await);
            }
            owner().await;
            for _ in 0..2 {
                story.push(process.attempt(email, "wrong").await);
            }
            process.backend.advance(Duration::from_secs(30));
            owner().await;
            for _ in 0..2 {
                story.push(process.attempt(email, "wrong").await);
            }
            process.backend.advance(Duration::from_hours(1));
            stories.push(story);
        }
        assert_eq!(stories[0], stories[1], "from a known device: {is_known}");
        assert_eq!(stories[0][9..], [401, 429, 401, 429]);
    }
}

impl Process {
    /// Signs in as Ann with a device token.
    async fn sign_in_from(&self, token: &Value, password: &str) -> Answer {
        let body = json!({
            "email": "ann@example.com", "password": password, "deviceToken": token,
        });
        self.post(&body).await
    }

    /// The token of a device from which Ann signed in.
    async fn device(&self) -> Value {
        let answer = self.sign_in("ann@example.com", PASSWORD).await;
        answer.body["deviceToken"].clone()
    }

    /// Uses up the guesses of strangers at Ann's password.
    async fn lock(&self) {
        while self.attempt("ann@example.com", "wrong").await == 401 {}
    }
}

#[tokio::test]
async fn strangers_do_not_lock_out_a_known_device() {
    let process = Process::new().await;
    let device = process.device().await;
    process.lock().await;
    assert_eq!(process.attempt("ann@example.com", PASSWORD).await, 429);
    let answer = process.sign_in_from(&device, PASSWORD).await;
    assert_eq!(answer.status, 201);
    // The same device, known for longer.
    let again = answer.body["deviceToken"].clone();
    assert_eq!(process.sign_in_from(&again, PASSWORD).await.status, 201);
    assert_eq!(
        process.attempt("ann@example.com", PASSWORD).await,
        429,
        "what a known device knows is of no use to strangers"
    );
}

#[tokio::test]
async fn each_device_is_locked_alone_and_forgiven_alone() {
    let process = Process::new().await;
    let (phone, laptop) = (process.device().await, process.device().await);
    for _ in 0..9 {
        assert_eq!(process.sign_in_from(&phone, "wrong").await.status, 401);
    }
    assert_eq!(process.sign_in_from(&phone, PASSWORD).await.status, 201);
    for _ in 0..10 {
        assert_eq!(process.sign_in_from(&phone, "wrong").await.status, 401);
    }
    assert_eq!(process.sign_in_from(&phone, PASSWORD).await.status, 429);
    assert_eq!(process.sign_in_from(&laptop, PASSWORD).await.status, 201);
    assert_eq!(process.attempt("ann@example.com", PASSWORD).await, 201);
}

#[tokio::test]
async fn a_void_device_token_counts_as_none() {
    let process = Process::new().await;
    let device = process.device().await;
    let hasher: &dyn PasswordHasher = process.backend.as_ref();
    let hash = hasher.hash(&Password::presented(PASSWORD)).await.unwrap();
    let ann = process.backend.users()[0].id;
    process.backend.add_user("bob@example.com").await;
    let of_bob = process.sign_in("bob@example.com", PASSWORD).await;
    let of_bob = of_bob.body["deviceToken"].clone();
    process.lock().await;
    for void in [of_bob, json!(""), json!("not a token")] {
        let refused = process.sign_in_from(&void, PASSWORD).await;
        assert_eq!(refused.problem(), (429, "too-many-requests"), "{void}");
    }
    assert_eq!(process.sign_in_from(&device, PASSWORD).await.status, 201);
    let reset = |ann: &User, metadata: &_| Ok(ann.reset_password(hash, metadata));
    process.backend.change(ann, reset).await;
    assert_eq!(process.sign_in_from(&device, PASSWORD).await.status, 429);
    let wrong = process.sign_in_from(&json!(7), PASSWORD).await;
    assert_eq!(wrong.invalid_fields(), [("/deviceToken", "wrong-type")]);
}

/// A device token must not tell whether an address has an account.
#[tokio::test]
async fn with_a_foreign_device_token_known_and_unknown_addresses_look_alike() {
    let process = Process::new().await;
    process.backend.add_user("bob@example.com").await;
    let of_bob = process.sign_in("bob@example.com", PASSWORD).await;
    let mut answers = Vec::new();
    for email in ["ann@example.com", "nobody@example.com"] {
        process.backend.clear_trace();
        let body = json!({
            "email": email, "password": "wrong", "deviceToken": of_bob.body["deviceToken"],
        });
        let answer = process.post(&body).await;
        answers.push((answer.status, answer.body, process.backend.trace()));
    }
    assert_eq!(answers[0], answers[1]);
    let calls = &answers[0].2;
    assert_eq!(
        calls[..3],
        ["users.find", "attempts.spend", "attempts.spend"]
    );
}

/// Otherwise a stranger asks for nothing whether the lock has ended.
#[tokio::test]
async fn polling_a_lock_costs_the_source() {
    let process = Process::new().await;
    process.lock().await;
    for number in 11..100 {
        let polled = process.attempt("ann@example.com", PASSWORD).await;
        assert_eq!(polled, 429, "{number}");
    }
    let other = process.attempt("nobody@example.com", "wrong").await;
    assert_eq!(other, 429, "a hundred in all");
}

/// Each writes a session, and events that are kept for ever.
#[tokio::test]
async fn right_sign_ins_have_a_limit_too() {
    let process = Process::new().await;
    let mut signed_in = 1;
    while process.attempt("ann@example.com", PASSWORD).await == 201 {
        signed_in += 1;
    }
    assert_eq!(signed_in, SIGN_INS);
    let sessions = process.backend.sessions_of(process.backend.users()[0].id);
    assert_eq!(sessions.len(), SIGN_INS as usize);
    // Each took a hash: those beyond the limit count for the source.
    let mut hashes = 1;
    for _ in 0..200 {
        assert_eq!(process.attempt("ann@example.com", PASSWORD).await, 429);
        hashes += usize::from(process.backend.trace().contains(&"hasher.verify"));
    }
    assert_eq!(hashes, 100);
    process.backend.advance(Duration::from_hours(1));
    assert_eq!(process.attempt("ann@example.com", PASSWORD).await, 201);
}

/// Nothing is hashed for a known device that was right too often; a wrong guess does not count as a right
/// one.
#[tokio::test]
async fn right_sign_ins_from_a_known_device_are_counted_before_the_hash() {
    let process = Process::new().await;
    let device = process.device().await;
    assert_eq!(process.sign_in_from(&device, "wrong").await.status, 401);
    for _ in 2..SIGN_INS {
        assert_eq!(process.sign_in_from(&device, PASSWORD).await.status, 201);
    }
    process.backend.clear_trace();
    for _ in 0..20 {
        let refused = process.sign_in_from(&device, PASSWORD).await;
        assert_eq!(refused.problem(), (429, "too-many-requests"));
    }
    assert!(!process.backend.trace().contains(&"hasher.verify"));
    let locked = |event: &DomainEvent| event.kind == EventKind::SignInLocked;
    assert!(
        !process.backend.outbox().iter().any(locked),
        "nobody guesses"
    );
    process.backend.advance(Duration::from_hours(1));
    assert_eq!(process.sign_in_from(&device, PASSWORD).await.status, 201);
}

/// Whoever shares an address with one who guesses gets in from where they were before.
#[tokio::test]
async fn a_lock_of_the_source_leaves_known_devices_open() {
    let process = Process::new().await;
    let device = process.device().await;
    for number in 0..100 {
        let other = format!("nobody{number}@example.com");
        assert_eq!(process.attempt(&other, "wrong").await, 401);
    }
    assert_eq!(process.attempt("ann@example.com", PASSWORD).await, 429);
    for _ in 0..9 {
        assert_eq!(process.sign_in_from(&device, "wrong").await.status, 401);
    }
    assert_eq!(process.sign_in_from(&device, PASSWORD).await.status, 201);
    process.backend.add_user("bob@example.com").await;
    let foreign = json!({"email": "bob@example.com", "password": PASSWORD, "deviceToken": device});
    let refused = process.post(&foreign).await;
    assert_eq!(
        refused.problem(),
        (429, "too-many-requests"),
        "it opens nothing else"
    );
    // Its own tally still bounds it.
    for _ in 0..10 {
        assert_eq!(process.sign_in_from(&device, "wrong").await.status, 401);
    }
    assert_eq!(process.sign_in_from(&device, PASSWORD).await.status, 429);
}

/// Signing in to one's own account does not buy more guesses at others.
#[tokio::test]
async fn a_client_address_has_its_own_limit_which_a_right_guess_does_not_clear() {
    let process = Process::new().await;
    for number in 0..100 {
        assert_eq!(process.attempt("ann@example.com", PASSWORD).await, 201);
        let other = format!("nobody{number}@example.com");
        assert_eq!(process.attempt(&other, "wrong").await, 401);
    }
    let refused = process.attempt("ann@example.com", PASSWORD).await;
    assert_eq!(refused, 429);
    process.backend.advance(Duration::from_mins(1));
    assert_eq!(process.attempt("ann@example.com", PASSWORD).await, 201);
}
