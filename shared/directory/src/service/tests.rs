//! What happens around a newer snapshot; the rest is tested over the fakes and `DynamoDB`.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::id::SHARDS;
use futures::future;

use super::*;
use crate::{
    ports::{FeedPage, FeedPosition},
    query::filter::Specification,
    snapshot::{FORMAT, Manifest, SegmentName, SegmentRef},
};

/// A feed without rows; snapshots of which the second one never loads.
#[derive(Default)]
struct Stub {
    generation: AtomicU64,
    segments_asked: AtomicU64,
    now: AtomicU64,
}

impl Clock for Stub {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(0).plus(Duration::from_secs(self.now.load(Ordering::SeqCst)))
    }
}

#[async_trait]
impl UserFeed for Stub {
    async fn page(
        &self,
        _: usize,
        _: &FeedPosition,
        _: Option<&Specification>,
    ) -> Result<FeedPage> {
        Ok(FeedPage {
            rows: Vec::new(),
            next: None,
        })
    }
}

#[async_trait]
impl Snapshots for Stub {
    async fn newest(&self) -> Result<Option<Newest>> {
        let generation = self.generation.load(Ordering::SeqCst);
        let written_at = self.now();
        let name = SegmentName::of(generation, b"");
        let segments = vec![SegmentRef { name, written_at }];
        Ok(Some(Newest::Readable(Manifest {
            generation,
            format: FORMAT,
            written_at,
            read_to: [written_at; SHARDS],
            users: 0,
            segments: if generation > 1 { segments } else { Vec::new() },
            retired: Vec::new(),
        })))
    }

    async fn segment(&self, _: &SegmentName) -> Result<Option<Vec<u8>>> {
        self.segments_asked.fetch_add(1, Ordering::SeqCst);
        future::pending().await
    }

    async fn put_segment(&self, _: &SegmentName, _: Vec<u8>) -> Result<()> {
        Ok(())
    }

    async fn swap(&self, _: Option<u64>, _: &Manifest) -> Result<bool> {
        Ok(false)
    }

    async fn remove_segment(&self, _: &SegmentName) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_newer_snapshot_that_takes_too_long_is_given_up_and_not_paid_for_again() {
    let stub = Arc::new(Stub::default());
    let directory = Directory {
        patience: Duration::ZERO,
        ..Directory::new(stub.clone(), stub.clone(), Duration::ZERO, stub.clone())
    };
    let asks = async || {
        let page = directory.list(&UserQuery::default()).await.unwrap();
        assert_eq!(page.total, 0);
        stub.segments_asked.load(Ordering::SeqCst)
    };
    stub.generation.store(1, Ordering::SeqCst);
    assert_eq!(asks().await, 0);
    stub.generation.store(2, Ordering::SeqCst);
    assert_eq!(asks().await, 0, "it is not time to look again");
    for (minute, expected) in [(1, 1), (2, 1), (3, 1)] {
        stub.now.store(minute * 60, Ordering::SeqCst);
        assert_eq!(asks().await, expected, "minute {minute}");
    }
    stub.generation.store(3, Ordering::SeqCst);
    stub.now.store(240, Ordering::SeqCst);
    assert_eq!(asks().await, 2, "the next one is tried");
}
