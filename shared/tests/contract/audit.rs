//! The trail takes each line once, and shows what is asked for, newest first, page by page.

use std::time::Duration;

use shared::domain::{
    Actor, EventId, EventKind, Timestamp, UserId,
    audit::{AuditEntry, AuditPage, AuditQuery},
    history::Digest,
};

use crate::{
    contract,
    ports::{INSTANT, Ports},
};

contract!(
    a_line_may_come_twice,
    lines_are_listed_newest_first,
    lines_are_found_by_user_type_and_time,
    a_range_has_a_beginning_and_an_end,
    what_comes_meanwhile_moves_no_page,
    a_long_silence_is_read_through,
    an_empty_range_is_empty,
);

/// Every line there is.
fn all(limit: usize) -> AuditQuery {
    AuditQuery {
        user_id: None,
        kind: None,
        from: Timestamp::from_seconds(1_780_000_000),
        to: Timestamp::from_seconds(1_797_000_000),
        before: None,
        limit,
    }
}

fn line(ports: &Ports, time: Timestamp, user_id: Option<UserId>, kind: EventKind) -> AuditEntry {
    AuditEntry {
        roles: None,
        session_id: None,
        api_key_id: None,
        service: None,
        event_id: EventId::new(time, ports.bytes()),
        kind,
        time,
        user_id,
        version: user_id.map(|_| 7.into()),
        actor: Actor::System,
        hash: user_id.map(|_| Digest::NONE),
    }
}

/// Records lines of three subjects and two types over some four days: some at the same time, some at
/// the ends of a day. Gives them newest first.
async fn recorded(ports: &Ports, users: &[UserId; 2]) -> Vec<AuditEntry> {
    let midnight = Timestamp::from_seconds(1_795_478_400);
    let hours = |hours| midnight.minus(Duration::from_hours(hours));
    let mut times: Vec<_> = (0..16).map(|number| hours(number * 5)).collect();
    times.extend([midnight, midnight, midnight.minus(INSTANT), hours(24)]);
    let mut lines = Vec::new();
    for (number, time) in times.into_iter().enumerate() {
        let user = users.get(number % 3).copied();
        let kind = if number % 4 < 2 {
            EventKind::UserUpdated
        } else {
            EventKind::SessionStarted
        };
        lines.push(line(ports, time, user, kind));
    }
    for line in &lines {
        ports.audit.record(line).await.unwrap();
    }
    lines.sort_by_key(|line| std::cmp::Reverse((line.time, line.event_id)));
    lines
}

async fn list(ports: &Ports, query: AuditQuery) -> AuditPage {
    ports.audit.list(&query).await.unwrap()
}

/// All pages, and how many they are.
async fn pages(ports: &Ports, mut query: AuditQuery) -> (Vec<AuditEntry>, usize) {
    let mut lines = Vec::new();
    for number in 1.. {
        let page = ports.audit.list(&query).await.unwrap();
        assert!(page.entries.len() <= query.limit);
        lines.extend(page.entries);
        let Some(next) = page.next else {
            return (lines, number);
        };
        assert!(query.before.is_none_or(|before| next < before), "no way on");
        query.before = Some(next);
    }
    unreachable!("the loop ends with the last page")
}

async fn a_line_may_come_twice(ports: Ports) {
    let user = ports.created("ann@example.com", &[]).await;
    let entry = ports.users.history_entry(user.id, user.version).await;
    let entry = entry.unwrap().unwrap();
    let line = AuditEntry::of_version(&entry.event, entry.hash);
    assert_eq!(line.kind, EventKind::UserCreated);
    for _ in 0..2 {
        ports.audit.record(&line).await.unwrap();
    }
    let query = AuditQuery {
        to: line.time.plus(INSTANT),
        ..all(10)
    };
    let page = list(
        &ports,
        AuditQuery {
            from: line.time,
            ..query
        },
    )
    .await;
    assert_eq!(page.entries, [line]);
}

async fn lines_are_listed_newest_first(ports: Ports) {
    let users = [ports.user_id(), ports.user_id()];
    let lines = recorded(&ports, &users).await;

    let page = list(
        &ports,
        AuditQuery {
            from: lines[9].time,
            ..all(5)
        },
    )
    .await;
    assert_eq!(page.entries, lines[..5]);
    assert_eq!(page.next, Some((lines[4].time, lines[4].event_id)));

    // A page that is full with the last line has no next.
    let page = list(
        &ports,
        AuditQuery {
            from: lines[4].time,
            ..all(5)
        },
    )
    .await;
    assert_eq!((&*page.entries, page.next), (&lines[..5], None));
}

async fn lines_are_found_by_user_type_and_time(ports: Ports) {
    let users = [ports.user_id(), ports.user_id()];
    let lines = recorded(&ports, &users).await;
    let subjects = [None, Some(users[0]), Some(users[1]), Some(ports.user_id())];
    let kinds = [
        None,
        Some(EventKind::UserUpdated),
        Some(EventKind::SessionEnded),
    ];
    let (oldest, newest) = (lines[15].time, lines[3].time);
    for user_id in subjects {
        for kind in kinds {
            for (from, to) in [(all(1).from, all(1).to), (oldest, newest)] {
                for limit in [1, 3, 100] {
                    let query = AuditQuery {
                        user_id,
                        kind,
                        from,
                        to,
                        ..all(limit)
                    };
                    let expected = lines.iter().filter(|line| query.matches(line));
                    let expected: Vec<_> = expected.cloned().collect();
                    // An open range has 197 days.
                    let narrow = AuditQuery {
                        from: from.max(lines[19].time.minus(INSTANT)),
                        ..query.clone()
                    };
                    let (found, _) = pages(&ports, narrow).await;
                    assert_eq!(found, expected, "{query:?}");
                }
            }
        }
    }
}

async fn a_range_has_a_beginning_and_an_end(ports: Ports) {
    let users = [ports.user_id(), ports.user_id()];
    let lines = recorded(&ports, &users).await;
    // The first time of a day, and the last of one.
    for time in [lines[0].time, lines[3].time, lines[19].time] {
        for user_id in [None, Some(users[0]), Some(users[1])] {
            let at = AuditQuery {
                user_id,
                from: time,
                to: time.plus(INSTANT),
                ..all(100)
            };
            let expected = lines.iter().filter(|line| at.matches(line));
            let expected: Vec<_> = expected.cloned().collect();
            assert_eq!(pages(&ports, at.clone()).await.0, expected);
            let before = AuditQuery {
                from: time.minus(INSTANT),
                to: time,
                ..at
            };
            let expected = lines.iter().filter(|line| before.matches(line));
            let expected: Vec<_> = expected.cloned().collect();
            assert_eq!(pages(&ports, before).await.0, expected);
        }
    }
}

async fn what_comes_meanwhile_moves_no_page(ports: Ports) {
    let users = [ports.user_id(), ports.user_id()];
    let lines = recorded(&ports, &users).await;
    let query = AuditQuery {
        from: lines[9].time,
        ..all(4)
    };
    let first = ports.audit.list(&query).await.unwrap();
    let newest = all(1).to.minus(INSTANT);
    let late = line(&ports, newest, Some(users[0]), EventKind::UserUpdated);
    ports.audit.record(&late).await.unwrap();
    let second = list(
        &ports,
        AuditQuery {
            before: first.next,
            ..query
        },
    )
    .await;
    assert_eq!(second.entries, lines[4..8]);
}

async fn a_long_silence_is_read_through(ports: Ports) {
    let query = all(10);
    let (first, last) = (query.from, query.to.minus(INSTANT));
    let ann = ports.user_id();
    let mut lines = Vec::new();
    for time in [last, first] {
        lines.push(line(&ports, time, Some(ann), EventKind::UserUpdated));
        ports.audit.record(&lines[lines.len() - 1]).await.unwrap();
    }
    assert_eq!(pages(&ports, query.clone()).await.0, lines);
    // Of one user there is one partition, whatever the time.
    let query = AuditQuery {
        user_id: Some(ann),
        ..query
    };
    assert_eq!(pages(&ports, query).await, (lines, 1));
}

async fn an_empty_range_is_empty(ports: Ports) {
    recorded(&ports, &[ports.user_id(), ports.user_id()]).await;
    for (from, to) in [(9, 9), (10, 9), (0, 0)] {
        let query = AuditQuery {
            from: Timestamp::from_seconds(from),
            to: Timestamp::from_seconds(to),
            ..all(10)
        };
        let page = ports.audit.list(&query).await.unwrap();
        assert_eq!((page.entries.len(), page.next), (0, None));
    }
}
