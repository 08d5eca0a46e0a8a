//! Whoever comes first makes the key or the secret; all others use it.

use secrecy::ExposeSecret;
use shared::{
    application::ports::SecretPurpose,
    domain::{
        DeploymentEpoch, Timestamp,
        keys::{KeyPair, KeyRing, PUBLISH_AHEAD, PublicKey},
        secrets::SecretRing,
    },
};

use crate::{contract, ports::Ports};

contract!(
    there_is_no_ring_before_the_first_key,
    the_first_key_is_published_and_kept,
    of_parallel_first_keys_one_is_published,
    a_rotation_is_all_or_nothing,
    of_parallel_rotations_one_is_written,
    the_first_secret_stays,
    of_parallel_secrets_one_is_kept,
    purposes_have_secrets_of_their_own,
    secrets_change_with_the_ring_or_not_at_all,
    an_epoch_is_kept_with_the_ring,
);

fn pair(ports: &Ports, kid: &str) -> KeyPair {
    KeyPair {
        public: PublicKey {
            kid: kid.to_owned(),
            n: "modulus".to_owned(),
            e: "AQAB".to_owned(),
            activates_at: ports.now(),
        },
        private: kid.as_bytes().to_vec().into(),
    }
}

fn secret(n: u8) -> SecretRing {
    SecretRing::first([n; 32], Timestamp::from_seconds(1_000_000))
}

/// The versions of a secret, by their first bytes.
fn versions(secret: &SecretRing) -> Vec<u8> {
    let versions = secret.versions().iter();
    versions
        .map(|version| version.secret.expose_secret()[0])
        .collect()
}

async fn there_is_no_ring_before_the_first_key(ports: Ports) {
    assert_eq!(ports.keys.ring().await.unwrap(), None);
    assert!(ports.keys.private("first").await.unwrap().is_none());
}

async fn the_first_key_is_published_and_kept(ports: Ports) {
    let first = pair(&ports, "first");
    let ring = ports.keys.bootstrap(&first).await.unwrap();

    assert_eq!(ring, KeyRing::first(first.public.clone()));
    assert_eq!(ports.keys.ring().await.unwrap(), Some(ring.clone()));
    let private = ports.keys.private("first").await.unwrap().unwrap();
    assert_eq!(private.expose_secret(), first.private.expose_secret());

    assert_eq!(
        ports.keys.bootstrap(&pair(&ports, "second")).await.unwrap(),
        ring
    );
    assert!(ports.keys.private("second").await.unwrap().is_none());
}

async fn of_parallel_first_keys_one_is_published(ports: Ports) {
    let kids: Vec<_> = (0..20).map(|n| format!("key-{n}")).collect();
    let tasks: Vec<_> = kids
        .iter()
        .map(|kid| {
            let (keys, first) = (ports.keys.clone(), pair(&ports, kid));
            tokio::spawn(async move { keys.bootstrap(&first).await.unwrap() })
        })
        .collect();
    let mut rings = Vec::new();
    for task in tasks {
        rings.push(task.await.unwrap());
    }

    let ring = ports.keys.ring().await.unwrap().unwrap();
    assert!(rings.iter().all(|other| *other == ring));
    let [key] = &*ring.keys else {
        panic!("{ring:?}")
    };
    for kid in &kids {
        let private = ports.keys.private(kid).await.unwrap();
        assert_eq!(private.is_some(), *kid == key.kid, "{kid}");
    }
}

async fn a_rotation_is_all_or_nothing(ports: Ports) {
    let first = ports.keys.bootstrap(&pair(&ports, "first")).await.unwrap();
    let second = pair(&ports, "second");
    let rotation = first.rotation(ports.now(), Some(second), vec![]).unwrap();
    for _ in 0..2 {
        assert!(ports.keys.rotate(&rotation).await.unwrap());
        assert_eq!(ports.keys.ring().await.unwrap().unwrap(), rotation.ring);
        assert!(ports.keys.private("first").await.unwrap().is_some());
        assert!(ports.keys.private("second").await.unwrap().is_some());
    }
    let late = first
        .rotation(ports.now(), Some(pair(&ports, "late")), vec![])
        .unwrap();
    assert!(!ports.keys.rotate(&late).await.unwrap());
    assert!(ports.keys.private("late").await.unwrap().is_none());

    let fresh = rotation.ring.replacement(pair(&ports, "fresh"));
    assert!(ports.keys.rotate(&fresh).await.unwrap());
    for (kid, there) in [("first", false), ("second", false), ("fresh", true)] {
        let private = ports.keys.private(kid).await.unwrap();
        assert_eq!(private.is_some(), there, "{kid}");
    }
}

async fn of_parallel_rotations_one_is_written(ports: Ports) {
    let first = ports.keys.bootstrap(&pair(&ports, "first")).await.unwrap();
    let rotations: Vec<_> = (0..20)
        .map(|n| first.rotation(ports.now(), Some(pair(&ports, &format!("key-{n}"))), vec![]))
        .collect();
    let tasks = rotations.into_iter().map(|rotation| {
        let (keys, rotation) = (ports.keys.clone(), rotation.unwrap());
        tokio::spawn(async move { keys.rotate(&rotation).await.unwrap() })
    });
    let written = futures::future::join_all(tasks).await.into_iter();
    assert_eq!(written.filter(|won| *won.as_ref().unwrap()).count(), 1);
    assert_eq!(ports.keys.ring().await.unwrap().unwrap().keys.len(), 2);
}

async fn the_first_secret_stays(ports: Ports) {
    for candidate in [1, 2] {
        let kept = ports
            .secrets
            .get_or_put(SecretPurpose::Refresh, secret(candidate))
            .await;
        assert_eq!(versions(&kept.unwrap()), [1]);
    }
}

async fn of_parallel_secrets_one_is_kept(ports: Ports) {
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let secrets = ports.secrets.clone();
            tokio::spawn(async move {
                secrets
                    .get_or_put(SecretPurpose::Refresh, secret(n))
                    .await
                    .unwrap()
            })
        })
        .collect();
    let kept = ports
        .secrets
        .get_or_put(SecretPurpose::Refresh, secret(99))
        .await
        .unwrap();
    for task in tasks {
        assert_eq!(versions(&task.await.unwrap()), versions(&kept));
    }
}

async fn purposes_have_secrets_of_their_own(ports: Ports) {
    for (purpose, n) in [(SecretPurpose::Refresh, 1), (SecretPurpose::Idempotency, 2)] {
        let kept = ports.secrets.get_or_put(purpose, secret(n)).await.unwrap();
        assert_eq!(versions(&kept), [n]);
    }
}

async fn secrets_change_with_the_ring_or_not_at_all(ports: Ports) {
    let purpose = SecretPurpose::Refresh;
    assert!(ports.secrets.secret(purpose).await.unwrap().is_none());
    let first = ports.secrets.get_or_put(purpose, secret(1)).await.unwrap();
    let ring = ports.keys.bootstrap(&pair(&ports, "first")).await.unwrap();
    let month = std::time::Duration::from_hours(30 * 24);
    let now = Timestamp::from_seconds(1_000_000).plus(month);
    let rotated = |n| {
        let random = || Ok::<_, std::convert::Infallible>([n; 32]);
        let Ok(rotated) = first.rotated(purpose, now, month, random);
        vec![(purpose, rotated.unwrap())]
    };
    let rotation = ring.rotation(now, None, rotated(2)).unwrap();
    for _ in 0..2 {
        assert!(ports.keys.rotate(&rotation).await.unwrap());
        let kept = ports.secrets.secret(purpose).await.unwrap().unwrap();
        assert_eq!(versions(&kept), [1, 2]);
        let activates_at = kept.versions().last().unwrap().activates_at;
        assert_eq!(activates_at, now.plus(PUBLISH_AHEAD));
    }
    let late = ring.rotation(now, None, rotated(3)).unwrap();
    // Its ring is the one that is there: what was due is done, by whoever came first.
    assert!(ports.keys.rotate(&late).await.unwrap());
    let kept = ports.secrets.get_or_put(purpose, secret(4)).await.unwrap();
    assert_eq!(versions(&kept), [1, 2]);
}

async fn an_epoch_is_kept_with_the_ring(ports: Ports) {
    let ring = ports.keys.bootstrap(&pair(&ports, "first")).await.unwrap();
    assert_eq!(ring.epoch, DeploymentEpoch::FIRST);
    let epoch = DeploymentEpoch::beginning(ports.now());
    let rotation = ring.new_epoch(epoch, pair(&ports, "fresh"), vec![]);
    assert!(ports.keys.rotate(&rotation).await.unwrap());
    assert_eq!(ports.keys.ring().await.unwrap().unwrap().epoch, epoch);
}
