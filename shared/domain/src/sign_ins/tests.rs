use super::*;
use crate::{
    Actor, Origin, PasswordHash, User, UserId,
    attempt::sign_in_locked,
    event::{EndReason, EventMetadata},
    user::NewUser,
};

const START: i64 = 1_000_000;

fn metadata(seconds: i64) -> EventMetadata {
    let now = Timestamp::from_seconds(START + seconds);
    EventMetadata {
        event_id: EventId::new(now, [1; 10]),
        salt: "salt".to_owned(),
        now,
        origin: Origin {
            client_ip: Some("192.0.2.1".parse().unwrap()),
            user_agent: Some("browser".to_owned()),
            ..Origin::system("request-1")
        },
    }
}

fn ann() -> User {
    let new = NewUser {
        id: UserId::new(Timestamp::from_seconds(1), [1; 10]),
        email: "ann@example.com".parse().unwrap(),
        name: "Ann".parse().unwrap(),
        password: PasswordHash::from_phc("$hash"),
        roles: crate::Roles::new(),
    };
    let now = Timestamp::from_seconds(START);
    User::create(new, &metadata(0)).stamp(now).user
}

/// One session that lasts, one that was ended, and a lock; all of them in the trail.
#[derive(Clone)]
struct World {
    lines: Vec<AuditEntry>,
    sessions: Vec<Session>,
    locks: Vec<DomainEvent>,
    since: Timestamp,
    erased: bool,
    now: Timestamp,
}

impl World {
    fn new() -> Self {
        let user = ann();
        let session = |seconds| {
            let metadata = metadata(seconds);
            let id = SessionId::new(metadata.now, [2; 10]);
            Session::start(id, "nonce".to_owned(), &user, "pwd", false, &metadata)
        };
        let (lasting, first) = session(0);
        let (mut ended, second) = session(100);
        let reason = EndReason::SignedOut;
        let end = Session::ended(user.id, ended.id, reason, &metadata(200));
        ended.ended_at = Some(end.time);
        ended.end_line = Some(AuditEntry::of_event(&end).digest());
        let lock = sign_in_locked(Some(user.id), &metadata(300));
        let events = [&first, &second, &end, &lock];
        Self {
            lines: events.map(AuditEntry::of_event).into(),
            sessions: vec![lasting, ended],
            locks: vec![lock],
            since: Timestamp::from_micros(0),
            erased: false,
            now: Timestamp::from_seconds(START + 10_000),
        }
    }

    fn verdict(&self) -> SignInVerdict {
        SignIns {
            lines: &self.lines,
            since: self.since,
            sessions: &self.sessions,
            locks: &self.locks,
            erased: self.erased,
            now: self.now,
        }
        .verify()
    }

    fn status_after(mut self, change: impl FnOnce(&mut Self)) -> ChainStatus {
        change(&mut self);
        self.verdict().status
    }
}

#[test]
fn what_was_written_is_whole() {
    let world = World::new();
    assert_eq!(world.verdict(), SignInVerdict::new(ChainStatus::Ok));
    let status = world.status_after(|world| world.lines.reverse());
    assert_eq!(status, ChainStatus::Ok);
}

#[test]
fn each_removed_line_shows_once_it_cannot_be_late() {
    for number in 0..4 {
        let mut world = World::new();
        let line = world.lines.remove(number);
        assert_eq!(world.verdict().status, ChainStatus::Broken, "line {number}");
        assert!(world.verdict().session_id == line.session_id);
        world.now = line.time.plus(LAG).minus(Duration::from_micros(1));
        assert_eq!(world.verdict().status, ChainStatus::Ok, "line {number}");
    }
}

/// The line of what happened at that very moment is among those that were read.
#[test]
fn a_line_of_the_first_moment_that_was_read_is_not_excused() {
    let mut world = World::new();
    world.since = world.sessions[0].created_at;
    assert_eq!(world.verdict().status, ChainStatus::Ok, "nothing is older");
    world.lines.remove(0);
    assert_eq!(world.verdict().status, ChainStatus::Broken);
    world.since = world.since.plus(Duration::from_micros(1));
    assert_eq!(world.verdict().status, ChainStatus::Partial);
}

#[test]
fn each_removed_session_and_lock_shows_while_it_would_be_kept() {
    for number in 0..2 {
        let mut world = World::new();
        let removed = world.sessions.remove(number);
        let verdict = world.verdict();
        assert_eq!(verdict.status, ChainStatus::Broken);
        assert_eq!(verdict.session_id, Some(removed.id));
        let erased = world.clone().status_after(|world| world.erased = true);
        assert_eq!(erased, ChainStatus::Ok);
    }
    let mut world = World::new();
    let removed = world.locks.remove(0);
    assert_eq!(world.verdict().status, ChainStatus::Broken);
    assert_eq!(world.verdict().event_id, Some(removed.id));
    let erased = world.clone().status_after(|world| world.erased = true);
    assert_eq!(erased, ChainStatus::Ok);
    // What has expired is gone.
    world.sessions.clear();
    world.now = removed.time.plus(LOCK_KEPT);
    assert_eq!(world.verdict().status, ChainStatus::Ok);
}

#[test]
fn each_changed_field_of_a_line_shows() {
    let other = UserId::new(Timestamp::from_seconds(1), [9; 10]);
    let changes: [fn(&mut AuditEntry, UserId); 8] = [
        |line, _| line.event_id = EventId::new(line.time, [9; 10]),
        |line, _| line.kind = EventKind::UserUpdated,
        |line, _| line.time = line.time.plus(Duration::from_secs(1)),
        |line, other| line.user_id = Some(other),
        |line, other| line.api_key_id = Some(other.as_uuid().into()),
        |line, other| line.actor = Actor::User(other),
        |line, _| line.session_id = None,
        |line, _| {
            line.roles = Some(crate::event::RolesChange {
                before: crate::Roles::new(),
                after: crate::Roles::new(),
            });
        },
    ];
    for number in 0..4 {
        for (change, tamper) in changes.iter().enumerate() {
            let mut world = World::new();
            let before = world.lines[number].clone();
            tamper(&mut world.lines[number], other);
            let expected = if world.lines[number] == before {
                ChainStatus::Ok
            } else {
                ChainStatus::Broken
            };
            let status = world.verdict().status;
            assert_eq!(status, expected, "line {number}, change {change}");
        }
    }
}

#[test]
fn each_covered_attribute_of_a_session_shows() {
    let changes: [fn(&mut Session); 10] = [
        |session| session.id = SessionId::new(session.created_at, [9; 10]),
        |session| session.user_id = UserId::new(session.created_at, [9; 10]),
        |session| session.nonce = "other".to_owned(),
        |session| session.created_at = session.created_at.plus(Duration::from_secs(1)),
        |session| session.methods = vec!["fed".to_owned()],
        |session| session.source_address = None,
        |session| session.request_id = None,
        |session| session.user_agent = Some("another".to_owned()),
        |session| session.start_line = Some(Digest::NONE),
        |session| session.end_line = Some(Digest::NONE),
    ];
    for number in 0..2 {
        for (change, tamper) in changes.iter().enumerate() {
            let status = World::new().status_after(|world| tamper(&mut world.sessions[number]));
            assert_eq!(
                status,
                ChainStatus::Broken,
                "session {number}, change {change}"
            );
        }
    }
}

#[test]
fn a_session_that_was_ended_cannot_be_revived_nor_moved() {
    let revived = World::new().status_after(|world| {
        world.sessions[1].ended_at = None;
        world.sessions[1].end_line = None;
    });
    let moved = World::new().status_after(|world| {
        let later = world.sessions[1]
            .ended_at
            .map(|time| time.plus(Duration::from_secs(1)));
        world.sessions[1].ended_at = later;
    });
    let ended_by_nobody = World::new().status_after(|world| {
        world.sessions[0].ended_at = Some(world.now);
        world.sessions[0].end_line = world.sessions[1].end_line;
    });
    let hidden = World::new().status_after(|world| world.sessions[1].start_line = None);
    assert_eq!([revived, moved], [ChainStatus::Broken; 2]);
    // Its line may be late.
    assert_eq!(ended_by_nobody, ChainStatus::Ok);
    assert_eq!(hidden, ChainStatus::Broken);
}

#[test]
fn each_changed_lock_and_each_second_line_shows() {
    let changed = World::new().status_after(|world| world.locks[0].actor = Actor::Anonymous);
    assert_eq!(changed, ChainStatus::Broken);
    for number in 0..3 {
        let twice = World::new().status_after(|world| {
            let mut line = world.lines[number].clone();
            line.event_id = EventId::new(line.time, [9; 10]);
            world.lines.push(line);
        });
        assert_eq!(twice, ChainStatus::Broken, "line {number}");
    }
}

#[test]
fn what_changes_without_an_event_is_no_alarm() {
    let status = World::new().status_after(|world| {
        let session = &mut world.sessions[0];
        *session = session.proven("fed", world.now);
        session.generation = 7;
        session.last_used_at = world.now;
        session.auth_epoch = 3;
    });
    assert_eq!(status, ChainStatus::Ok);
}

#[test]
fn sessions_and_lines_of_before_are_taken_as_they_are() {
    let status = World::new().status_after(|world| {
        for session in &mut world.sessions {
            (session.start_line, session.end_line) = (None, None);
        }
        for line in &mut world.lines {
            line.hash = None;
        }
        world.locks.clear();
    });
    assert_eq!(status, ChainStatus::Ok);
}

#[test]
fn what_is_older_than_the_lines_read_is_not_judged() {
    let status = World::new().status_after(|world| {
        world.lines.clear();
        world.since = world.now;
    });
    assert_eq!(status, ChainStatus::Partial);
}
