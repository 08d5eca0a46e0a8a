//! The list of open invitations.

use std::time::Duration;

use shared::domain::{TokenPurpose, user::Invitation};

use crate::{
    contract,
    ports::{INSTANT, Ports},
};

contract!(
    what_was_noted_is_listed_newest_first,
    a_page_ends_and_the_next_goes_on,
    an_invitation_sent_again_has_the_later_time,
    what_expired_is_not_listed,
);

async fn noted(ports: &Ports) -> Invitation {
    (ports.advance)(INSTANT);
    let invitation = Invitation::new(ports.user_id(), ports.now());
    ports.invitations.note(&invitation).await.unwrap();
    invitation
}

async fn what_was_noted_is_listed_newest_first(ports: Ports) {
    let older = noted(&ports).await;
    (ports.advance)(Duration::from_secs(1));
    let newer = noted(&ports).await;
    ports.invitations.note(&newer).await.unwrap();
    let page = ports.invitations.list(None, 10).await.unwrap();
    assert_eq!(page.invitations, [newer, older]);
    assert_eq!(page.next, None);
}

async fn a_page_ends_and_the_next_goes_on(ports: Ports) {
    let mut all = Vec::new();
    for _ in 0..5 {
        (ports.advance)(Duration::from_secs(1));
        all.insert(0, noted(&ports).await);
    }
    let (mut listed, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = ports.invitations.list(after, 2).await.unwrap();
        assert!(page.invitations.len() <= 2);
        listed.extend(page.invitations);
        (after, pages) = (page.next, pages + 1);
        if after.is_none() {
            break;
        }
    }
    assert_eq!((listed, pages), (all, 3));
}

async fn an_invitation_sent_again_has_the_later_time(ports: Ports) {
    let first = noted(&ports).await;
    (ports.advance)(Duration::from_mins(2));
    let again = Invitation::new(first.user_id, ports.now());
    // The later event may be observed first.
    for invitation in [&again, &first] {
        ports.invitations.note(invitation).await.unwrap();
    }
    let page = ports.invitations.list(None, 10).await.unwrap();
    assert_eq!(page.invitations, [again]);
}

async fn what_expired_is_not_listed(ports: Ports) {
    noted(&ports).await;
    (ports.advance)(TokenPurpose::Invitation.lifetime());
    let page = ports.invitations.list(None, 10).await.unwrap();
    assert_eq!(page.invitations, []);
}
