//! A one-time token permits one change, once.

use shared::domain::{
    Change, DeploymentEpoch, Error, OneTimeToken, PasswordHash, Refusal, TokenPurpose, User,
    token::{StoredToken, TokenIssue, TokenKey},
};

use crate::{
    contract,
    ports::{INSTANT, Ports, bound, email, refusal},
};

contract!(
    a_token_permits_one_change,
    a_replayed_change_needs_no_second_token,
    of_parallel_uses_of_a_token_one_counts,
    a_token_that_was_never_issued_permits_nothing,
    a_newer_token_voids_the_one_before,
    an_older_token_comes_too_late,
    a_token_issued_again_is_as_good_as_before,
    a_good_token_is_told_from_others,
    a_good_token_is_found_by_its_seed,
    a_token_of_before_the_epoch_is_void,
    a_good_token_gives_way_to_one_that_names_it,
    a_used_token_is_known_until_it_expires_or_a_newer_one_comes,
    a_token_proves_the_address_it_was_mailed_to,
    a_token_is_good_for_its_purpose,
    a_token_expires,
    a_change_that_fails_uses_no_token_up,
    without_a_good_token_nobody_learns_who_has_an_address,
);

const RESET: TokenPurpose = TokenPurpose::PasswordReset;

fn token(ports: &Ports, user: &User) -> OneTimeToken {
    OneTimeToken::new(RESET, user.id, ports.bytes())
}

async fn issue(ports: &Ports, user: &User, token: &OneTimeToken) -> bool {
    let issue = token.issue(&bound(user, token.purpose), ports.now());
    ports.tokens.issue(&issue, ports.now()).await.unwrap()
}

/// A token, and time enough that another would be newer.
async fn issued(ports: &Ports, user: &User) -> OneTimeToken {
    let token = token(ports, user);
    assert!(issue(ports, user, &token).await);
    (ports.advance)(INSTANT);
    token
}

/// The reset of the password of `user` which `token` permits.
fn reset(ports: &Ports, user: &User, token: &OneTimeToken) -> Change {
    let password = PasswordHash::from_phc("$new");
    user.reset_password(password, &ports.metadata())
        .spending(token.spend(&bound(user, token.purpose), ports.now()))
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

async fn an_older_token_comes_too_late(ports: Ports) {
    let user = ann(&ports).await;
    let (older, asked) = (token(&ports, &user), ports.now());
    (ports.advance)(INSTANT);
    let newer = issued(&ports, &user).await;
    let late = older.issue(&bound(&user, RESET), asked);
    assert!(!ports.tokens.issue(&late, ports.now()).await.unwrap());
    ports
        .users
        .commit(&reset(&ports, &user, &newer))
        .await
        .unwrap();
}

async fn a_token_issued_again_is_as_good_as_before(ports: Ports) {
    let user = ann(&ports).await;
    let token = token(&ports, &user);
    let issue = token.issue(&bound(&user, token.purpose), ports.now());
    for _ in 0..2 {
        assert!(ports.tokens.issue(&issue, ports.now()).await.unwrap());
    }
    let change = reset(&ports, &user, &token);
    let user = ports.users.commit(&change).await.unwrap();
    assert!(
        !ports.tokens.issue(&issue, ports.now()).await.unwrap(),
        "it was used"
    );
    let again = reset(&ports, &user, &token);
    assert_eq!(
        refusal(ports.users.commit(&again).await),
        Refusal::TokenExpired
    );
    // The slot is free for another.
    (ports.advance)(INSTANT);
    let next = issued(&ports, &user).await;
    ports
        .users
        .commit(&reset(&ports, &user, &next))
        .await
        .unwrap();
}

async fn a_good_token_is_told_from_others(ports: Ports) {
    let user = ann(&ports).await;
    let good = issued(&ports, &user).await;
    let is_good = async |token: &OneTimeToken| {
        let spend = token.spend(&bound(&user, token.purpose), ports.now());
        ports.tokens.is_good(&spend).await.unwrap()
    };
    assert!(!is_good(&token(&ports, &user)).await);
    (ports.advance)(RESET.lifetime().saturating_sub(INSTANT * 2));
    assert!(is_good(&good).await);
    (ports.advance)(INSTANT);
    assert!(!is_good(&good).await, "expired");
    let used = issued(&ports, &user).await;
    ports
        .users
        .commit(&reset(&ports, &user, &used))
        .await
        .unwrap();
    assert!(!is_good(&used).await, "used");
}

async fn a_token_of_before_the_epoch_is_void(ports: Ports) {
    let user = ann(&ports).await;
    let void = issued(&ports, &user).await;
    let epoch = DeploymentEpoch::beginning(ports.now());
    let spend = |token: &OneTimeToken| {
        let spend = token.spend(&bound(&user, token.purpose), ports.now());
        spend.within(epoch)
    };
    assert!(!ports.tokens.is_good(&spend(&void)).await.unwrap());
    let password = PasswordHash::from_phc("$new");
    let reset = user.reset_password(password, &ports.metadata());
    let refused = ports
        .users
        .commit(&reset.clone().spending(spend(&void)))
        .await;
    assert!(matches!(
        refused,
        Err(Error::Refused(Refusal::TokenExpired))
    ));
    let good = issued(&ports, &user).await;
    assert!(ports.tokens.is_good(&spend(&good)).await.unwrap());
    ports
        .users
        .commit(&reset.spending(spend(&good)))
        .await
        .unwrap();
}

async fn a_good_token_is_found_by_its_seed(ports: Ports) {
    let user = ann(&ports).await;
    let key = TokenKey::new(vec![9; 32].into());
    let seed = ports.metadata().event_id;
    let token = key.token(RESET, user.id, seed).unwrap();
    let find = async || {
        let found = ports.tokens.find_good(user.id, RESET, ports.now());
        found.await.unwrap()
    };
    assert_eq!(find().await, None);
    assert!(issue(&ports, &user, &token).await);
    let hash = token.issue(&bound(&user, RESET), ports.now()).hash;
    assert_eq!(find().await, Some(StoredToken { hash, seed }));
    (ports.advance)(RESET.lifetime());
    assert_eq!(find().await, None, "expired");
    assert!(issue(&ports, &user, &token).await);
    let change = reset(&ports, &user, &token);
    let user = ports.users.commit(&change).await.unwrap();
    assert_eq!(find().await, None, "used");
    (ports.advance)(INSTANT);
    issued(&ports, &user).await;
    assert_eq!(find().await, None, "without a seed");
}

/// Two observers that see an empty slot issue one token: the first.
async fn a_good_token_gives_way_to_one_that_names_it(ports: Ports) {
    let user = ann(&ports).await;
    let key = TokenKey::new(vec![9; 32].into());
    let token = || {
        (ports.advance)(INSTANT);
        let token = key.token(RESET, user.id, ports.metadata().event_id);
        token.unwrap().issue(&bound(&user, RESET), ports.now())
    };
    let put = async |token: &TokenIssue| {
        let issued = ports.tokens.issue(token, ports.now());
        issued.await.unwrap()
    };
    let (first, mut second, third) = (token(), token(), token());
    assert!(put(&first).await);
    assert!(!put(&second).await, "the first is good");
    assert!(put(&first).await, "and stays so");
    second.replaces = Some(third.hash.clone());
    assert!(!put(&second).await, "another is named");
    second.replaces = Some(first.hash.clone());
    assert!(put(&second).await);
    assert!(!put(&first).await && !put(&third).await);
    (ports.advance)(RESET.lifetime());
    assert!(put(&third).await, "the second has expired");
}

async fn a_used_token_is_known_until_it_expires_or_a_newer_one_comes(ports: Ports) {
    let user = ann(&ports).await;
    let secret = ports.bytes();
    let used = OneTimeToken::new(RESET, user.id, secret);
    let first = used.issue(&bound(&user, RESET), ports.now());
    assert!(ports.tokens.issue(&first, ports.now()).await.unwrap());
    (ports.advance)(INSTANT);
    let is_used = async |token: &OneTimeToken| {
        let known = ports.tokens.is_used(token, ports.now()).await;
        known.unwrap()
    };
    assert!(!is_used(&used).await, "not yet");
    let change = reset(&ports, &user, &used);
    let user = ports.users.commit(&change).await.unwrap();
    assert!(is_used(&used).await);
    assert!(!is_used(&token(&ports, &user)).await, "another secret");
    let elsewhere = OneTimeToken::new(TokenPurpose::EmailVerification, user.id, secret);
    assert!(!is_used(&elsewhere).await, "another slot");
    assert!(!ports.tokens.issue(&first, ports.now()).await.unwrap());
    assert!(is_used(&used).await, "its own event came again");

    let newer = issued(&ports, &user).await;
    assert!(!is_used(&used).await && !is_used(&newer).await);
    let change = reset(&ports, &user, &newer);
    ports.users.commit(&change).await.unwrap();
    assert!(is_used(&newer).await && !is_used(&used).await);
    (ports.advance)(RESET.lifetime().saturating_sub(INSTANT * 2));
    assert!(is_used(&newer).await);
    (ports.advance)(INSTANT);
    assert!(!is_used(&newer).await, "expired");
}

async fn a_token_proves_the_address_it_was_mailed_to(ports: Ports) {
    let user = ann(&ports).await;
    let token = issued(&ports, &user).await;
    let moved = User {
        email: email("bob@example.com"),
        ..user.clone()
    };
    let elsewhere = token.spend(&bound(&moved, token.purpose), ports.now());
    assert!(!ports.tokens.is_good(&elsewhere).await.unwrap());
    let change = user.reset_password(PasswordHash::from_phc("$new"), &ports.metadata());
    assert_eq!(
        refusal(ports.users.commit(&change.spending(elsewhere)).await),
        Refusal::TokenExpired
    );
}

async fn a_token_is_good_for_its_purpose(ports: Ports) {
    let user = ann(&ports).await;
    let token = issued(&ports, &user).await;
    let mut elsewhere = token.spend(&bound(&user, token.purpose), ports.now());
    elsewhere.purpose = TokenPurpose::EmailVerification;
    let change = user.end_sessions(&ports.metadata());
    let change = change.spending(elsewhere);
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
    // At the very end, and after it.
    for _ in 0..2 {
        let late = reset(&ports, &user, &token);
        assert_eq!(
            refusal(ports.users.commit(&late).await),
            Refusal::TokenExpired
        );
        (ports.advance)(INSTANT);
    }

    let token = issued(&ports, &user).await;
    (ports.advance)(RESET.lifetime().saturating_sub(INSTANT * 2));
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
        .rename("Bea".parse().unwrap(), &ports.metadata())
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

async fn without_a_good_token_nobody_learns_who_has_an_address(ports: Ports) {
    ports.created("bob@example.com", &[]).await;
    let user = ann(&ports).await;
    let request = user
        .request_email(email("bob@example.com"), &ports.metadata())
        .unwrap();
    let user = ports.users.commit(&request).await.unwrap();
    let token = OneTimeToken::new(TokenPurpose::EmailChange, user.id, ports.bytes());
    let moves = user.confirm_email(None, &ports.metadata()).unwrap();
    let moves = moves.spending(token.spend(&bound(&user, token.purpose), ports.now()));
    assert_eq!(
        refusal(ports.users.commit(&moves).await),
        Refusal::TokenExpired
    );

    let issue = token.issue(&bound(&user, token.purpose), ports.now());
    assert!(ports.tokens.issue(&issue, ports.now()).await.unwrap());
    assert_eq!(
        refusal(ports.users.commit(&moves).await),
        Refusal::EmailTaken
    );
}
