//! How often a link may be mailed to a user on somebody else's command.

use std::time::Duration;

use super::User;
use crate::{Refusal, Result, Timestamp};

/// The time between two.
const INTERVAL: Duration = Duration::from_mins(1);

/// In which they are counted.
const WINDOW: Duration = Duration::from_hours(1);

impl User {
    /// The times of the links with one more `now`, of which `most` are allowed within an hour. They are
    /// part of the user: a command that is not carried out counts for nothing.
    ///
    /// # Errors
    /// `TooManyRequests` within a minute after the last one, and after `most` within an hour.
    pub(super) fn one_more_link(&self, most: usize, now: Timestamp) -> Result<Vec<Timestamp>> {
        let sent = self.links_sent_at.iter().copied();
        let mut sent: Vec<_> = sent.filter(|time| time.plus(WINDOW) > now).collect();
        let after_the_last = sent.last().map(|time| time.plus(INTERVAL));
        let after_the_first = sent.len().checked_sub(most);
        let after_the_first = after_the_first.and_then(|over| Some(sent.get(over)?.plus(WINDOW)));
        match after_the_last.max(after_the_first) {
            Some(until) if until > now => Err(Refusal::too_many(now.until(until)).into()),
            _ => {
                sent.push(now);
                Ok(sent)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Error, EventId, Origin, Refusal, UserId,
        event::EventMetadata,
        user::{Change, Invitee, Standing},
    };

    fn at(minutes: u64) -> EventMetadata {
        let now = Timestamp::from_seconds(1).plus(Duration::from_mins(minutes));
        EventMetadata {
            event_id: EventId::new(now, [1; 10]),
            salt: "salt".to_owned(),
            now,
            origin: Origin::system("request-1"),
        }
    }

    fn written(change: &Change, metadata: &EventMetadata) -> User {
        change.stamp(metadata.now).user
    }

    /// Eve, who was invited in minute 0.
    fn eve() -> User {
        let new = Invitee {
            id: UserId::new(at(0).now, [5; 10]),
            email: "eve@example.com".parse().unwrap(),
            name: "Eve".parse().unwrap(),
        };
        written(&User::invite(new, &at(0)), &at(0))
    }

    type Command = fn(&User, &EventMetadata) -> Result<Change>;

    /// In which of these minutes the command is carried out, and the waits in the others.
    fn carried_out(user: &mut User, command: Command, minutes: &[u64]) -> Vec<Result<u64, u64>> {
        let tries = minutes.iter().map(|minute| {
            let metadata = at(*minute);
            match command(user, &metadata) {
                Ok(change) => {
                    *user = written(&change, &metadata);
                    Ok(*minute)
                }
                Err(Error::Refused(Refusal::TooManyRequests(wait))) => Err(wait.as_secs()),
                Err(error) => panic!("{error}"),
            }
        });
        tries.collect()
    }

    #[test]
    fn an_invitation_is_sent_five_times_an_hour_a_minute_apart() {
        let mut eve = eve();
        let minutes = [0, 1, 1, 2, 3, 4, 5, 59, 60, 60, 61];
        let sent = carried_out(&mut eve, User::invite_again, &minutes);
        let hour = |minute: u64| Err((60 - minute) * 60);
        let expected = [
            Err(60),
            Ok(1),
            Err(60),
            Ok(2),
            Ok(3),
            Ok(4),
            hour(5),
            hour(59),
        ];
        assert_eq!(sent[..8], expected);
        assert_eq!(
            sent[8..],
            [Ok(60), Err(60), Ok(61)],
            "one for each that is an hour old"
        );
    }

    #[test]
    fn a_user_is_recovered_three_times_an_hour_a_minute_apart() {
        let mut ann = eve();
        ann.standing = Standing::Settled;
        ann.links_sent_at.clear();
        let minutes = [10, 10, 11, 12, 13, 70, 71];
        let begun = carried_out(&mut ann, User::start_recovery, &minutes);
        let expected = [
            Ok(10),
            Err(60),
            Ok(11),
            Ok(12),
            Err(57 * 60),
            Ok(70),
            Ok(71),
        ];
        assert_eq!(begun, expected);
        assert_eq!(ann.links_sent_at.len(), 3, "no more are kept than count");
    }
}
