//! Whoever comes first makes the key or the secret; all others use it.

use secrecy::{ExposeSecret, SecretSlice};
use shared::{
    application::ports::SecretPurpose,
    domain::keys::{KeyPair, KeyRing, PublicKey},
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

fn secret(n: u8) -> SecretSlice<u8> {
    vec![n; 32].into()
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
    let rotation = first.rotation(ports.now(), Some(second)).unwrap();
    for _ in 0..2 {
        assert!(ports.keys.rotate(&rotation).await.unwrap());
        assert_eq!(ports.keys.ring().await.unwrap().unwrap(), rotation.ring);
        assert!(ports.keys.private("first").await.unwrap().is_some());
        assert!(ports.keys.private("second").await.unwrap().is_some());
    }
    let late = first
        .rotation(ports.now(), Some(pair(&ports, "late")))
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
        .map(|n| first.rotation(ports.now(), Some(pair(&ports, &format!("key-{n}")))))
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
        assert_eq!(kept.unwrap().expose_secret(), secret(1).expose_secret());
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
        assert_eq!(task.await.unwrap().expose_secret(), kept.expose_secret());
    }
}

async fn purposes_have_secrets_of_their_own(ports: Ports) {
    for (purpose, n) in [(SecretPurpose::Refresh, 1), (SecretPurpose::Idempotency, 2)] {
        let kept = ports.secrets.get_or_put(purpose, secret(n)).await.unwrap();
        assert_eq!(kept.expose_secret(), secret(n).expose_secret());
    }
}
