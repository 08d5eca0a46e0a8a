//! Snapshots of the directory.

use shared::directory::{
    Manifest, SHARDS, SegmentName, SegmentRef, ports::Newest, snapshot::FORMAT,
};

use crate::{
    contract,
    ports::{INSTANT, Ports},
};

fn manifest(ports: &Ports, generation: u64, segments: u8) -> Manifest {
    let segment = |number| SegmentRef {
        name: SegmentName::of(generation, &[number]),
        written_at: ports.now(),
    };
    Manifest {
        generation,
        format: FORMAT,
        written_at: ports.now(),
        read_to: [ports.now(); SHARDS],
        users: 7,
        segments: (0..segments).map(segment).collect(),
        retired: vec![segment(99)],
    }
}

async fn newest(ports: &Ports) -> Option<Manifest> {
    match ports.snapshots.newest().await.unwrap() {
        Some(Newest::Readable(manifest)) => Some(manifest),
        Some(unreadable) => panic!("{unreadable:?}"),
        None => None,
    }
}

async fn a_segment_comes_back_as_it_was_put(ports: Ports) {
    // As large as they get; DynamoDB takes items of 400 KB.
    let bytes: Vec<u8> = (0..350_000_u32).map(|at| at.to_be_bytes()[3]).collect();
    let name = SegmentName::of(3, &bytes);
    let other = SegmentName::of(4, &bytes);
    assert_eq!(ports.snapshots.segment(&name).await.unwrap(), None);
    for _ in 0..2 {
        ports
            .snapshots
            .put_segment(&name, bytes.clone())
            .await
            .unwrap();
        let kept = ports.snapshots.segment(&name).await.unwrap();
        assert!(kept.is_some_and(|kept| kept == bytes));
    }
    assert_eq!(ports.snapshots.segment(&other).await.unwrap(), None);
    for _ in 0..2 {
        ports.snapshots.remove_segment(&name).await.unwrap();
        assert_eq!(ports.snapshots.segment(&name).await.unwrap(), None);
    }
}

async fn a_manifest_replaces_the_one_it_was_made_from_and_no_other(ports: Ports) {
    assert_eq!(newest(&ports).await, None);
    let first = manifest(&ports, 1, 3);
    assert!(!ports.snapshots.swap(Some(0), &first).await.unwrap());
    assert_eq!(newest(&ports).await, None);
    assert!(ports.snapshots.swap(None, &first).await.unwrap());
    assert_eq!(newest(&ports).await, Some(first.clone()));
    // The reply may have been lost.
    assert!(ports.snapshots.swap(None, &first).await.unwrap());

    (ports.advance)(INSTANT);
    let second = manifest(&ports, 2, 0);
    assert!(!ports.snapshots.swap(None, &second).await.unwrap());
    assert!(ports.snapshots.swap(Some(1), &second).await.unwrap());
    assert!(ports.snapshots.swap(Some(1), &second).await.unwrap());
    (ports.advance)(INSTANT);
    let late = manifest(&ports, 2, 1);
    assert!(!ports.snapshots.swap(Some(1), &late).await.unwrap());
    assert_eq!(newest(&ports).await, Some(second));
}

async fn of_many_at_once_one_manifest_wins(ports: Ports) {
    let first = manifest(&ports, 1, 0);
    assert!(ports.snapshots.swap(None, &first).await.unwrap());
    let manifests: Vec<_> = (0..8).map(|number| manifest(&ports, 2, number)).collect();
    let swaps = manifests
        .iter()
        .map(|manifest| ports.snapshots.swap(Some(1), manifest));
    let swapped = futures::future::join_all(swaps).await;
    let winners: Vec<_> = swapped
        .into_iter()
        .zip(&manifests)
        .filter_map(|(swapped, manifest)| swapped.unwrap().then_some(manifest))
        .collect();
    let [winner] = winners.as_slice() else {
        panic!("{winners:?}")
    };
    assert_eq!(newest(&ports).await.as_ref(), Some(*winner));
}

contract!(
    a_segment_comes_back_as_it_was_put,
    a_manifest_replaces_the_one_it_was_made_from_and_no_other,
    of_many_at_once_one_manifest_wins,
);
