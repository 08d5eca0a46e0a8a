//! A change is made of the version it was meant for, whole or not at all.

use std::time::Duration;

use shared::domain::{Change, PasswordHash, Refusal, Role, User};

use crate::{
    contract,
    ports::{Ports, email, refusal},
};

contract!(
    each_version_follows_the_one_before,
    a_change_of_an_old_version_is_refused,
    of_parallel_changes_of_one_version_one_wins,
    a_replayed_change_is_made_once,
    the_last_administrator_stays,
    of_two_administrators_one_can_leave,
    of_two_first_administrators_one_is_appointed,
    a_password_changes_with_its_version,
    an_address_moves_with_its_password,
    a_taken_address_stops_the_whole_change,
    an_erased_user_is_gone,
    an_erased_user_never_comes_back,
);

fn rename(ports: &Ports, user: &User, name: &str) -> Change {
    let name = name.parse().unwrap();
    user.rename(name, &ports.metadata()).unwrap()
}

fn hash(phc: &str) -> PasswordHash {
    PasswordHash::from_phc(phc)
}

async fn each_version_follows_the_one_before(ports: Ports) {
    let first = ports.created("ann@example.com", &[]).await;

    // No time has passed, and it moves forward all the same.
    let second = ports
        .users
        .commit(&rename(&ports, &first, "Bea"))
        .await
        .unwrap();

    assert_eq!(second.name.as_str(), "Bea");
    assert_eq!(second.version, first.version.next());
    assert_eq!(second.created_at, first.created_at);
    assert!(second.updated_at > first.updated_at);
    assert_eq!(
        ports.users.find(first.id).await.unwrap().as_ref(),
        Some(&second)
    );
    let entry = ports.users.history_entry(first.id, second.version).await;
    let entry = entry.unwrap().unwrap();
    assert!(entry.is_intact());
    assert_eq!((entry.previous, entry.hash), (first.chain, second.chain));
    assert_eq!(entry.event.time, second.updated_at);

    (ports.advance)(Duration::from_secs(1));
    let third = ports
        .users
        .commit(&rename(&ports, &second, "Cleo"))
        .await
        .unwrap();
    assert_eq!(third.updated_at, ports.now());
}

async fn a_change_of_an_old_version_is_refused(ports: Ports) {
    let first = ports.created("ann@example.com", &[]).await;
    let second = ports
        .users
        .commit(&rename(&ports, &first, "Bea"))
        .await
        .unwrap();
    let third = ports
        .users
        .commit(&rename(&ports, &second, "Cleo"))
        .await
        .unwrap();

    for old in [&first, &second] {
        let late = rename(&ports, old, "Dora");
        assert_eq!(
            refusal(ports.users.commit(&late).await),
            Refusal::VersionConflict
        );
    }
    assert_eq!(ports.users.find(first.id).await.unwrap(), Some(third));
}

async fn of_parallel_changes_of_one_version_one_wins(ports: Ports) {
    let user = ports.created("ann@example.com", &[]).await;
    let tasks: Vec<_> = (0..10)
        .map(|n| {
            let change = rename(&ports, &user, &format!("Ann {n}"));
            let users = ports.users.clone();
            tokio::spawn(async move { users.commit(&change).await })
        })
        .collect();

    let mut winners = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(user) => winners.push(user),
            lost => assert_eq!(refusal(lost), Refusal::VersionConflict),
        }
    }

    assert_eq!(winners.len(), 1);
    assert_eq!(ports.users.find(user.id).await.unwrap(), winners.pop());
}

async fn a_replayed_change_is_made_once(ports: Ports) {
    let first = ports.created("ann@example.com", &[]).await;
    let change = rename(&ports, &first, "Bea");
    let second = ports.users.commit(&change).await.unwrap();
    let third = ports
        .users
        .commit(&rename(&ports, &second, "Cleo"))
        .await
        .unwrap();
    (ports.advance)(Duration::from_secs(1));

    assert_eq!(ports.users.commit(&change).await.unwrap(), second);
    assert_eq!(ports.users.find(first.id).await.unwrap(), Some(third));
}

async fn the_last_administrator_stays(ports: Ports) {
    let ann = ports.created("ann@example.com", &[Role::admin()]).await;
    ports.created("bob@example.com", &[]).await;

    let ways = [
        ann.deactivate(&ports.metadata()).unwrap(),
        ann.assign_roles([].into(), &ports.metadata())
            .unwrap()
            .unwrap(),
        ann.erase(&ports.metadata()),
    ];
    for leave in &ways {
        assert_eq!(
            refusal(ports.users.commit(leave).await),
            Refusal::LastAdministrator
        );
    }
    assert_eq!(ports.users.find(ann.id).await.unwrap(), Some(ann));
    assert!(ports.owner("ann@example.com").await.is_some());
}

async fn of_two_administrators_one_can_leave(ports: Ports) {
    let mut tasks = Vec::new();
    for address in ["ann@example.com", "bob@example.com"] {
        let admin = ports.created(address, &[Role::admin()]).await;
        let leave = admin.deactivate(&ports.metadata()).unwrap();
        tasks.push((ports.users.clone(), leave));
    }
    let tasks: Vec<_> = tasks
        .into_iter()
        .map(|(users, leave)| tokio::spawn(async move { users.commit(&leave).await }))
        .collect();

    let mut gone = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(user) => gone.push(user),
            stays => assert_eq!(refusal(stays), Refusal::LastAdministrator),
        }
    }

    let [gone] = &*gone else {
        panic!("{} left", gone.len())
    };
    // Principal comes back makes room for the other.
    let back = gone.reactivate(&ports.metadata()).unwrap();
    let back = ports.users.commit(&back).await.unwrap();
    let leave = back.deactivate(&ports.metadata()).unwrap();
    ports.users.commit(&leave).await.unwrap();
}

async fn of_two_first_administrators_one_is_appointed(ports: Ports) {
    let mut tasks = Vec::new();
    for address in ["ann@example.com", "bob@example.com"] {
        let user = ports.created(address, &[]).await;
        let change = user.end_sessions(&ports.metadata()).granting_admin();
        tasks.push((ports.users.clone(), change));
    }
    assert!(!ports.users.has_administrator().await.unwrap());
    let tasks = tasks
        .into_iter()
        .map(|(users, change)| tokio::spawn(async move { users.commit(&change).await }));
    let mut appointed = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(user) => appointed += u32::from(user.is_active_admin()),
            late => assert_eq!(refusal(late), Refusal::VersionConflict),
        }
    }
    assert_eq!(appointed, 1);
    assert!(ports.users.has_administrator().await.unwrap());
}

async fn a_password_changes_with_its_version(ports: Ports) {
    let first = ports.created("ann@example.com", &[]).await;
    let late = first.change_password(hash("$late"), &ports.metadata());
    let change = first.change_password(hash("$new"), &ports.metadata());

    let second = ports.users.commit(&change).await.unwrap();
    assert_eq!(
        refusal(ports.users.commit(&late).await),
        Refusal::VersionConflict
    );

    assert_eq!(second.auth_epoch, first.auth_epoch + 1);
    assert_eq!(ports.password("ann@example.com").await, hash("$new"));
    assert_eq!(ports.owner("ann@example.com").await, Some(first.id));
}

async fn an_address_moves_with_its_password(ports: Ports) {
    let ann = ports.created("ann@example.com", &[]).await;
    let request = ann
        .request_email(email("ann@example.org"), &ports.metadata())
        .unwrap();
    let ann = ports.users.commit(&request).await.unwrap();
    assert_eq!(ports.owner("ann@example.org").await, None);
    assert_eq!(ports.users.find(ann.id).await.unwrap().as_ref(), Some(&ann));

    let moves = ann
        .confirm_email(Some(hash("$same")), &ports.metadata())
        .unwrap();
    let ann = ports.users.commit(&moves).await.unwrap();

    assert_eq!(ports.owner("ann@example.com").await, None);
    assert_eq!(ports.owner("ann@example.org").await, Some(ann.id));
    assert_eq!(ports.password("ann@example.org").await, hash("$same"));
    assert_eq!(ports.users.find(ann.id).await.unwrap(), Some(ann));
    ports.created("ann@example.com", &[]).await;
}

async fn a_taken_address_stops_the_whole_change(ports: Ports) {
    let ann = ports.created("ann@example.com", &[]).await;
    let request = ann
        .request_email(email("bob@example.com"), &ports.metadata())
        .unwrap();
    let ann = ports.users.commit(&request).await.unwrap();
    let bob = ports.created("bob@example.com", &[]).await;
    let moves = ann.confirm_email(None, &ports.metadata()).unwrap();

    assert_eq!(
        refusal(ports.users.commit(&moves).await),
        Refusal::EmailTaken
    );

    assert_eq!(ports.owner("ann@example.com").await, Some(ann.id));
    assert_eq!(ports.owner("bob@example.com").await, Some(bob.id));
    let entry = ports.users.history_entry(ann.id, ann.version.next()).await;
    assert_eq!(entry.unwrap(), None);
    assert_eq!(ports.users.find(ann.id).await.unwrap(), Some(ann));
}

async fn an_erased_user_is_gone(ports: Ports) {
    let ann = ports.created("ann@example.com", &[]).await;
    let erasure = ann.erase(&ports.metadata());
    for _ in 0..2 {
        ports.users.commit(&erasure).await.unwrap();
    }
    assert_eq!(ports.users.find(ann.id).await.unwrap(), None);
    assert_eq!(ports.owner("ann@example.com").await, None);
    let entry = ports.users.history_entry(ann.id, ann.version.next()).await;
    assert_eq!(entry.unwrap().unwrap().previous, ann.chain);
    ports.created("ann@example.com", &[]).await;
}

async fn an_erased_user_never_comes_back(ports: Ports) {
    let ann = ports.created("ann@example.com", &[]).await;
    let erased = ports
        .users
        .commit(&ann.erase(&ports.metadata()))
        .await
        .unwrap();
    for change in [
        rename(&ports, &erased, "Bea"),
        rename(&ports, &ann, "Bea"),
        ports.creation_of(ann.id, "bea@example.com", &[]),
    ] {
        assert_eq!(
            refusal(ports.users.commit(&change).await),
            Refusal::VersionConflict
        );
    }
    assert_eq!(ports.users.find(ann.id).await.unwrap(), None);
}
