//! Which mails are sent, and which are beyond a limit.

use std::{net::IpAddr, sync::Arc, time::Duration};

use application::{
    mail::{Letter, MailService, MailTemplate, Recipient},
    ports::{Clock as _, OneTimeTokens, SecureRandom},
};
use domain::{
    Actor, DeploymentEpoch, DomainEvent, Email, EventId, SecretPurpose, User, UserId,
    attempt::Limit, mail::MailGuarantee, token::TokenBinding, turns::PUBLISH_AHEAD,
};
use secrecy::ExposeSecret as _;
use testing::{FakeBackend, Fault};

const REMAINING: Duration = Duration::from_secs(10);
const MINUTE: Duration = Duration::from_mins(1);

/// A deployment in which Ann has an account.
struct Stand {
    backend: Arc<FakeBackend>,
    service: MailService,
    ann: User,
}

/// What a letter has that is not the same in all of them.
struct Sent<'a> {
    template: MailTemplate,
    to: &'a str,
    actor: Actor,
    client_ip: Option<IpAddr>,
}

impl Default for Sent<'_> {
    fn default() -> Self {
        Self {
            template: MailTemplate::PasswordReset,
            to: "ann@example.com",
            actor: Actor::Anonymous,
            client_ip: None,
        }
    }
}

impl Stand {
    async fn new() -> Self {
        let backend = FakeBackend::new();
        let mut ann = backend.add_user("ann@example.com").await;
        ann.email_verified = true;
        Self {
            service: backend.mail_service(MailGuarantee::NeverLost),
            backend,
            ann,
        }
    }

    /// A letter to Ann about `event`.
    fn letter<'a>(&'a self, template: MailTemplate, event: &'a DomainEvent) -> Letter<'a> {
        Letter {
            template,
            recipient: Recipient::User(&self.ann),
            address: &self.ann.email,
            event,
            client_ip: None,
        }
    }

    /// An event by `actor` that happened now.
    fn event(&self, actor: Actor) -> DomainEvent {
        let random: Arc<dyn SecureRandom> = self.backend.clone();
        DomainEvent {
            id: EventId::new(self.backend.now(), random.bytes().unwrap()),
            time: self.backend.now(),
            actor,
            ..self.backend.outbox()[0].clone()
        }
    }

    /// Sends a letter about Ann because of a new event. True if it left.
    async fn sends(&self, sent: Sent<'_>) -> bool {
        let event = self.event(sent.actor);
        let address: Email = sent.to.parse().unwrap();
        let letter = Letter {
            address: &address,
            client_ip: sent.client_ip,
            ..self.letter(sent.template, &event)
        };
        let before = self.backend.inbox().len();
        self.service.send(letter, REMAINING).await.unwrap();
        self.backend.inbox().len() > before
    }

    /// How many of `letters` leave.
    async fn count(&self, letters: impl Iterator<Item = Sent<'_>>) -> usize {
        let mut count = 0;
        for letter in letters {
            count += usize::from(self.sends(letter).await);
        }
        count
    }
}

#[tokio::test]
async fn one_asker_has_three_mails_of_a_kind_sent_an_hour_and_no_link_twice_a_minute() {
    let stand = Stand::new().await;
    for expected in [true, false] {
        assert_eq!(stand.sends(Sent::default()).await, expected);
    }
    for expected in [true, true, false, false] {
        stand.backend.advance(MINUTE);
        assert_eq!(stand.sends(Sent::default()).await, expected);
    }
    let other_kind = Sent {
        template: MailTemplate::AlreadyRegistered,
        ..Sent::default()
    };
    let other_address = Sent {
        template: MailTemplate::AlreadyRegistered,
        to: "bob@example.com",
        ..Sent::default()
    };
    assert!(stand.sends(other_kind).await && stand.sends(other_address).await);
    stand.backend.advance(Duration::from_hours(1));
    assert!(stand.sends(Sent::default()).await);
}

/// Counted twice, the mail would come within a minute of itself, and be dropped.
#[tokio::test]
async fn a_repetition_of_an_event_does_not_count_twice() {
    let tried = FakeBackend::try_every_fault(async |fault: Fault| {
        let stand = Stand::new().await;
        let event = stand.event(Actor::Anonymous);
        let letter = Letter {
            client_ip: Some([192, 0, 2, 7].into()),
            ..stand.letter(MailTemplate::AlreadyRegistered, &event)
        };
        let send = stand.service.send(letter, REMAINING);
        let (_, fired) = stand.backend.with_fault(fault, send).await;
        stand.backend.advance(REMAINING * 2);
        stand.service.send(letter, REMAINING).await.unwrap();
        assert!(!stand.backend.inbox().is_empty(), "{fault:?}");
        fired
    })
    .await;
    assert_eq!(tried, 4 * 9, "nine calls, five of which count");
}

#[tokio::test]
async fn a_mail_beyond_a_limit_is_done_with() {
    let stand = Stand::new().await;
    assert!(stand.sends(Sent::default()).await);
    let event = stand.event(Actor::Anonymous);
    let letter = stand.letter(MailTemplate::PasswordReset, &event);
    stand.service.send(letter, REMAINING).await.unwrap();
    stand.backend.advance(Duration::from_mins(10));
    stand.backend.clear_trace();
    stand.service.send(letter, REMAINING).await.unwrap();
    assert_eq!(stand.backend.trace(), ["leases.claim"]);
    assert_eq!(stand.backend.inbox().len(), 1);
}

/// The first may still send it.
#[tokio::test]
async fn nobody_takes_a_mail_from_a_worker_that_may_still_run() {
    let stand = Stand::new().await;
    let event = stand.event(Actor::Anonymous);
    let letter = stand.letter(MailTemplate::AlreadyRegistered, &event);
    let send = async || stand.service.send(letter, REMAINING).await;
    let stop = Fault::StopAfter(0);
    let (stopped, _) = stand.backend.with_fault(stop, send()).await;
    assert!(stopped.is_none());
    // A second more, for clocks that differ.
    let instant = Duration::from_micros(1);
    let end = REMAINING + Duration::from_secs(1);
    stand.backend.advance(end.saturating_sub(instant));
    assert!(send().await.is_err());
    stand.backend.advance(instant);
    send().await.unwrap();
    assert_eq!(stand.backend.inbox().len(), 1);
}

/// An event may be replayed for so long.
#[tokio::test]
async fn a_mail_is_remembered_for_thirty_days() {
    let stand = Stand::new().await;
    let event = stand.event(Actor::Anonymous);
    let letter = stand.letter(MailTemplate::AlreadyRegistered, &event);
    stand.service.send(letter, REMAINING).await.unwrap();
    let month = Duration::from_hours(30 * 24);
    stand
        .backend
        .advance(month.saturating_sub(Duration::from_micros(1)));
    stand.service.send(letter, REMAINING).await.unwrap();
    assert_eq!(stand.backend.inbox().len(), 1);
}

fn place(number: u8) -> IpAddr {
    [192, 0, 2, number].into()
}

/// The attack: a stranger asks for mails until the owner gets none.
#[tokio::test]
async fn one_stranger_does_not_use_up_the_mails_of_an_owner() {
    let mut stand = Stand::new().await;
    stand.service.limiter.limits.interval = Duration::ZERO;
    for (actor, kind) in [
        (Actor::Anonymous, MailTemplate::PasswordReset),
        (Actor::User(stand.ann.id), MailTemplate::AddressInUse),
    ] {
        let by = |number| {
            (0..4).map(move |_| Sent {
                template: kind,
                actor,
                client_ip: Some(place(number)),
                ..Sent::default()
            })
        };
        assert_eq!(stand.count(by(1)).await, 3, "a stranger");
        assert_eq!(stand.count(by(2)).await, 3, "the owner");
        assert_eq!(stand.count(by(3)).await, 3, "somebody else");
        assert_eq!(stand.count(by(4)).await, 0, "nine in all: nobody is bombed");
        stand.backend.advance(Duration::from_hours(1));
        assert_eq!(stand.count(by(4)).await, 3);
    }
}

/// Where the mail names no client, the user who asked is the asker.
#[tokio::test]
async fn users_who_ask_are_counted_apart() {
    let mut stand = Stand::new().await;
    stand.service.limiter.limits.interval = Duration::ZERO;
    for seed in [1, 2] {
        let actor = Actor::User(UserId::new(stand.backend.now(), [seed; 10]));
        let by_user = (0..4).map(|_| Sent {
            template: MailTemplate::EmailChange,
            to: "new@example.com",
            actor,
            client_ip: None,
        });
        stand.ann.pending_email = Some("new@example.com".parse().unwrap());
        assert_eq!(stand.count(by_user).await, 3);
    }
}

/// The one before was voided, by a stranger perhaps.
#[tokio::test]
async fn only_the_same_link_waits_a_minute() {
    let mut stand = Stand::new().await;
    stand.ann.email_verified = false;
    assert!(stand.sends(Sent::default()).await);
    assert!(!stand.sends(Sent::default()).await);
    let before = stand.backend.mailed_token().unwrap();
    stand.ann.recovery_epoch += 1;
    stand.backend.advance(Duration::from_secs(1));
    assert!(stand.sends(Sent::default()).await);
    let after = stand.backend.mailed_token().unwrap();
    assert_ne!(
        before.encode().expose_secret(),
        after.encode().expose_secret()
    );
    assert!(!stand.sends(Sent::default()).await);
}

/// Who is in the account could have three links mailed, and void them by another password.
#[tokio::test]
async fn a_reset_is_mailed_again_when_the_links_before_are_void() {
    let mut stand = Stand::new().await;
    for expected in [true, true, true, false] {
        assert_eq!(stand.sends(Sent::default()).await, expected);
        stand.backend.advance(MINUTE);
    }
    stand.ann.recovery_epoch += 1;
    assert!(stand.sends(Sent::default()).await);
    let token = stand.backend.mailed_token().unwrap();
    let binding = TokenBinding::of(&stand.ann, token.purpose).unwrap();
    let spend = token.spend(&binding, stand.backend.now());
    let tokens: &dyn OneTimeTokens = stand.backend.as_ref();
    assert!(tokens.is_good(&spend).await.unwrap());
}

/// Each recovery voids the link of the one before, whether or not the address is proven.
#[tokio::test]
async fn a_recovery_is_mailed_again_when_the_links_before_are_void() {
    let mut stand = Stand::new().await;
    stand.ann.email_verified = false;
    let recovery = || Sent {
        template: MailTemplate::Recovery,
        actor: Actor::System,
        ..Sent::default()
    };
    for expected in [true, true, true, false] {
        assert_eq!(stand.sends(recovery()).await, expected);
        stand.backend.advance(MINUTE);
    }
    stand.ann.recovery_epoch += 1;
    assert!(stand.sends(recovery()).await);
}

/// Who signs up with an address of others could move its epoch by another password.
#[tokio::test]
async fn nobody_has_more_mails_sent_to_an_unproven_address_by_changing_a_password() {
    let mut stand = Stand::new().await;
    stand.ann.email_verified = false;
    for template in [MailTemplate::EmailVerification, MailTemplate::PasswordReset] {
        let letter = || Sent {
            template,
            ..Sent::default()
        };
        for expected in [true, true, true, false] {
            stand.ann.recovery_epoch += 1;
            stand.backend.advance(MINUTE);
            assert_eq!(stand.sends(letter()).await, expected);
        }
    }
}

#[tokio::test]
async fn who_asks_again_gets_the_same_link_while_it_is_good() {
    let mut stand = Stand::new().await;
    stand.service.limiter.limits.per_address = 100;
    let mut links = Vec::new();
    for wait in [0, 1, 58, 1] {
        stand.backend.advance(MINUTE * wait);
        assert!(stand.sends(Sent::default()).await);
        let token = stand.backend.mailed_token().unwrap();
        links.push(token.encode().expose_secret().to_owned());
    }
    assert_eq!(links[..3], [links[0].as_str(); 3]);
    assert_ne!(links[3], links[0], "an hour later it is no longer good");
}

/// The secret of links takes turns: the link that was mailed stays good, and is the one mailed again.
#[tokio::test]
async fn who_asks_again_after_a_rotation_gets_the_same_link() {
    let mut stand = Stand::new().await;
    stand.service.limiter.limits.per_address = 100;
    assert!(stand.sends(Sent::default()).await);
    stand
        .backend
        .advance(SecretPurpose::OneTimeToken.retention());
    stand.backend.rotate_secret(SecretPurpose::OneTimeToken);
    stand.backend.advance(PUBLISH_AHEAD.saturating_sub(MINUTE));
    let mut links = Vec::new();
    for _ in 0..2 {
        assert!(stand.sends(Sent::default()).await);
        let token = stand.backend.mailed_token().unwrap();
        links.push(token.encode().expose_secret().to_owned());
        stand.backend.advance(MINUTE);
    }
    assert_eq!(links[0], links[1]);
}

/// Its owner gets another at once, however many were mailed before. What was asked for before the epoch
/// began gets none: it would be void.
#[tokio::test]
async fn a_link_of_before_the_epoch_is_not_mailed_again() {
    let stand = Stand::new().await;
    for _ in 0..3 {
        assert!(stand.sends(Sent::default()).await);
        stand.backend.advance(MINUTE);
    }
    let before = stand.backend.mailed_token().unwrap();
    let epoch = stand.backend.now().plus(MINUTE);
    stand.backend.begin_epoch(epoch);
    stand.backend.replace_secret(SecretPurpose::OneTimeToken);
    stand.backend.advance(MINUTE / 2);
    assert!(!stand.sends(Sent::default()).await);
    stand.backend.advance(MINUTE / 2);
    assert!(stand.sends(Sent::default()).await);
    let after = stand.backend.mailed_token().unwrap();
    assert_ne!(before.receipt(), after.receipt());
    let binding = TokenBinding::of(&stand.ann, after.purpose).unwrap();
    let tokens: &dyn OneTimeTokens = stand.backend.as_ref();
    let spend = after.spend(&binding, stand.backend.now());
    let spend = spend.within(DeploymentEpoch::beginning(epoch));
    assert!(tokens.is_good(&spend).await.unwrap());
}

/// A link that is voided for one that is never mailed would shut the owner out.
#[tokio::test]
async fn a_mail_that_is_dropped_leaves_the_link_before_it_good() {
    let stand = Stand::new().await;
    assert!(stand.sends(Sent::default()).await);
    stand.backend.clear_trace();
    assert!(!stand.sends(Sent::default()).await);
    assert!(!stand.backend.trace().contains(&"tokens.issue"));
}

#[tokio::test]
async fn the_brake_stops_mails_to_unproven_addresses_first_and_keeps_resets_for_last() {
    let mut stand = Stand::new().await;
    stand.service.limiter.limits.per_hour = 10;
    let strangers: Vec<_> = (0..10)
        .map(|n| format!("stranger{n}@example.com"))
        .collect();
    let to_strangers = strangers.iter().map(|to| Sent {
        template: MailTemplate::AddressInUse,
        to,
        ..Sent::default()
    });
    assert_eq!(stand.count(to_strangers).await, 5);
    let to_ann = |template| Sent {
        template,
        ..Sent::default()
    };
    let others = [
        MailTemplate::AlreadyRegistered,
        MailTemplate::AddressInUse,
        MailTemplate::EmailChangeRequested,
        MailTemplate::Welcome,
    ];
    assert_eq!(stand.count(others.map(to_ann).into_iter()).await, 3);
    let mut resets = Vec::new();
    stand.service.limiter.limits.interval = Duration::ZERO;
    for _ in 0..3 {
        resets.push(stand.sends(Sent::default()).await);
    }
    assert_eq!(resets, [true, true, false]);
    stand.backend.advance(Duration::from_hours(1));
    assert!(stand.sends(to_ann(MailTemplate::AddressInUse)).await);
}

/// An invitation that its sender sends has more of the deployment's mails than one which a sign-up with
/// the address brings about once more.
#[tokio::test]
async fn what_a_stranger_asks_for_has_a_strangers_share() {
    for (template, actor, share) in [
        (MailTemplate::Invitation, Actor::System, 8),
        (MailTemplate::Invitation, Actor::Anonymous, 5),
        (MailTemplate::AddressInUse, Actor::System, 5),
    ] {
        let mut stand = Stand::new().await;
        stand.service.limiter.limits.per_hour = 10;
        stand.service.limiter.limits.per_address = 100;
        stand.service.limiter.limits.interval = Duration::ZERO;
        stand.ann.email_verified = false;
        let letters = (0..10).map(|_| Sent {
            template,
            actor,
            ..Sent::default()
        });
        assert_eq!(stand.count(letters).await, share, "{template:?} {actor}");
    }
}

/// Otherwise no mail would have gone to the address, and none would for the rest of the hour.
#[tokio::test]
async fn what_the_brake_stops_does_not_count_for_the_address() {
    let mut stand = Stand::new().await;
    stand.service.limiter.limits.per_hour = 1;
    let unproven = |to| Sent {
        to,
        template: MailTemplate::AddressInUse,
        ..Sent::default()
    };
    assert!(stand.sends(unproven("one@example.com")).await);
    for _ in 0..5 {
        assert!(!stand.sends(unproven("two@example.com")).await);
    }
    stand.service.limiter.limits.per_hour = 100;
    assert!(stand.sends(unproven("two@example.com")).await);
}

#[tokio::test]
async fn who_has_mails_sent_is_counted_whatever_the_addresses() {
    let mut stand = Stand::new().await;
    stand.service.limiter.limits.per_asker = Limit::hourly(3);
    let strangers: Vec<_> = (0..6).map(|n| format!("stranger{n}@example.com")).collect();
    let admin = Actor::User(UserId::new(stand.backend.now(), [9; 10]));
    let place = Some(IpAddr::from([192, 0, 2, 7]));
    for (actor, client_ip, expected) in [
        (Actor::Anonymous, place, 3),
        (Actor::System, place, 0),
        (Actor::Anonymous, Some([192, 0, 2, 8].into()), 3),
        (Actor::User(stand.ann.id), None, 3),
        (admin, None, 6),
    ] {
        stand.backend.advance(MINUTE);
        let letters = strangers.iter().map(|to| Sent {
            template: MailTemplate::AddressInUse,
            to,
            actor,
            client_ip,
        });
        assert_eq!(
            stand.count(letters).await,
            expected,
            "{actor} {client_ip:?}"
        );
        stand.service.limiter.limits.per_address = 100;
        stand.service.limiter.limits.interval = Duration::ZERO;
    }
}

/// The thief of a session could use up what its owner may have sent, and go on unseen.
#[tokio::test]
async fn a_warning_is_sent_whatever_was_sent_before() {
    let mut stand = Stand::new().await;
    stand.service.limiter.limits.per_asker = Limit::hourly(1);
    let thief = |template, to| Sent {
        template,
        to,
        actor: Actor::User(stand.ann.id),
        client_ip: None,
    };
    let other = MailTemplate::AddressInUse;
    assert!(stand.sends(thief(other, "one@example.com")).await);
    assert!(!stand.sends(thief(other, "two@example.com")).await);
    for warning in [
        MailTemplate::EmailChangeRequested,
        MailTemplate::EmailChanged,
    ] {
        for _ in 0..10 {
            assert!(stand.sends(thief(warning, "ann@example.com")).await);
        }
    }
}

#[tokio::test]
async fn an_address_that_is_not_proven_reads_no_name() {
    let mut stand = Stand::new().await;
    let templates = [
        MailTemplate::Welcome,
        MailTemplate::AlreadyRegistered,
        MailTemplate::PasswordReset,
        MailTemplate::EmailVerification,
        MailTemplate::EmailChange,
        MailTemplate::EmailChangeRequested,
        MailTemplate::AddressInUse,
        MailTemplate::EmailChanged,
        MailTemplate::PasswordChanged,
        MailTemplate::IdentityLinked,
        MailTemplate::IdentityUnlinked,
        MailTemplate::NewDevice,
        MailTemplate::Recovery,
    ];
    stand.ann.pending_email = Some("stranger@example.com".parse().unwrap());
    let mut count = 0;
    for (verified, to, may_read) in [
        (true, "ann@example.com", true),
        (false, "ann@example.com", false),
        (true, "stranger@example.com", false),
    ] {
        stand.ann.email_verified = verified;
        stand.backend.advance(Duration::from_hours(24));
        for template in templates {
            stand.backend.advance(MINUTE);
            let letter = Sent {
                template,
                to,
                ..Sent::default()
            };
            // A link is mailed to the address it proves alone.
            if !stand.sends(letter).await {
                continue;
            }
            count += 1;
            let mail = stand.backend.inbox().pop().unwrap();
            let whole = format!("{} {} {}", mail.subject, mail.text, mail.html);
            assert!(may_read || !whole.contains("Ann Example"), "{template:?}");
        }
    }
    assert_eq!(count, 12 + 12 + 10);
}
