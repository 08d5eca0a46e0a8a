//! Of those who meet, some win, and the back end stays one that could be.

use shared::domain::{Change, Refusal, Result, Role, TokenPurpose, User, token::OneTimeToken};

use crate::{
    contract,
    ports::{Ports, bound, email, refusal},
};

contract!(
    of_many_administrators_leaving_at_once_one_stays,
    of_two_users_proving_one_address_one_owns_it,
    a_sign_up_and_a_proof_of_one_address_leave_one_owner,
    two_different_changes_spend_a_token_once,
);

/// Commits all changes at once.
async fn at_once(ports: &Ports, changes: impl IntoIterator<Item = Change>) -> Vec<Result<User>> {
    let tasks: Vec<_> = changes
        .into_iter()
        .map(|change| {
            let users = ports.users.clone();
            tokio::spawn(async move { users.commit(&change).await })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

async fn of_many_administrators_leaving_at_once_one_stays(ports: Ports) {
    let mut admins = Vec::new();
    for number in 0..6 {
        let address = format!("admin-{number}@example.com");
        admins.push(ports.created(&address, &[Role::admin()]).await);
    }
    let leave = |(number, admin): (usize, &User)| match number % 3 {
        0 => admin.deactivate(&ports.metadata()).unwrap(),
        1 => admin
            .assign_roles([].into(), &ports.metadata())
            .unwrap()
            .unwrap(),
        _ => admin.erase(&ports.metadata()),
    };
    let changes: Vec<_> = admins.iter().enumerate().map(leave).collect();

    let mut stayed = 0;
    for outcome in at_once(&ports, changes.clone()).await {
        if outcome.is_err() {
            // Writers that meet too often may give up; they are not let through.
            let refusal = refusal(outcome);
            let given_up = matches!(refusal, Refusal::Unavailable(_));
            assert!(given_up || refusal == Refusal::LastAdministrator);
            stayed += 1;
        }
    }
    assert!(stayed >= 1);
    // And one after the other, nobody else can leave beside the last.
    let mut refused = 0;
    for change in &changes {
        refused += u32::from(ports.users.commit(change).await.is_err());
    }
    assert_eq!(refused, 1);
    let mut active = 0;
    for admin in &admins {
        let found = ports.users.find(admin.id).await.unwrap();
        active += u32::from(found.is_some_and(|user| user.is_active_admin()));
    }
    assert_eq!(active, 1);
}

/// A user who wants an address, and the proof.
async fn wanting(ports: &Ports, own: &str, wanted: &str) -> (User, Change) {
    let user = ports.created(own, &[]).await;
    let request = user.request_email(email(wanted), &ports.metadata());
    let user = ports.users.commit(&request.unwrap()).await.unwrap();
    let token = OneTimeToken::new(TokenPurpose::EmailChange, user.id, ports.bytes());
    let issue = token.issue(&bound(&user, token.purpose), ports.now());
    assert!(ports.tokens.issue(&issue, ports.now()).await.unwrap());
    let password = ports.password(own).await;
    let proof = user
        .confirm_email(Some(password), &ports.metadata())
        .unwrap();
    let spend = token.spend(&bound(&user, token.purpose), ports.now());
    (user, proof.spending(spend))
}

async fn of_two_users_proving_one_address_one_owns_it(ports: Ports) {
    let mut wanting_it = Vec::new();
    for own in ["ann@example.com", "bob@example.com"] {
        wanting_it.push(wanting(&ports, own, "both@example.com").await);
    }
    let proofs = wanting_it.iter().map(|(_, proof)| proof.clone());

    let outcomes = at_once(&ports, proofs).await;

    let owner = ports.owner("both@example.com").await.unwrap();
    for ((before, proof), outcome) in wanting_it.iter().zip(outcomes) {
        let found = ports.users.find(before.id).await.unwrap();
        let own = ports.owner(before.email.as_str()).await;
        if let Ok(after) = outcome {
            assert_eq!((owner, own), (after.id, None));
            assert_eq!(found, Some(after));
        } else {
            assert_eq!(refusal(outcome), Refusal::EmailTaken);
            assert_eq!(found.as_ref(), Some(before));
            assert_eq!(own, Some(before.id));
            // The token is still there: what failed used nothing up.
            let again = ports.users.commit(proof).await;
            assert_eq!(refusal(again), Refusal::EmailTaken);
        }
    }
}

async fn a_sign_up_and_a_proof_of_one_address_leave_one_owner(ports: Ports) {
    let (ann, proof) = wanting(&ports, "ann@example.com", "both@example.com").await;
    let creation = ports.creation("both@example.com");
    let newcomer = creation.after.id;

    let outcomes = at_once(&ports, [proof, creation]).await;

    let winners: Vec<_> = outcomes.iter().flatten().map(|user| user.id).collect();
    let [winner] = &*winners else {
        panic!("{} winners", winners.len())
    };
    assert_eq!(ports.owner("both@example.com").await, Some(*winner));
    let created = ports.users.find(newcomer).await.unwrap().is_some();
    assert_eq!(created, *winner == newcomer);
    let kept = ports.owner("ann@example.com").await == Some(ann.id);
    assert_eq!(kept, *winner == newcomer);
}

/// Two changes of two users, so that no version stands between them: the token alone decides.
async fn two_different_changes_spend_a_token_once(ports: Ports) {
    let ann = ports.created("ann@example.com", &[]).await;
    let bob = ports.created("bob@example.com", &[]).await;
    let token = OneTimeToken::new(TokenPurpose::EmailVerification, ann.id, ports.bytes());
    let issue = token.issue(&bound(&ann, token.purpose), ports.now());
    assert!(ports.tokens.issue(&issue, ports.now()).await.unwrap());
    let changes = [&ann, &bob].map(|user| {
        let change = user.end_sessions(&ports.metadata());
        change.spending(token.spend(&bound(&ann, token.purpose), ports.now()))
    });

    let mut spent = 0;
    for outcome in at_once(&ports, changes).await {
        if outcome.is_ok() {
            spent += 1;
        } else {
            assert_eq!(refusal(outcome), Refusal::TokenExpired);
        }
    }
    assert_eq!(spent, 1);
}
