//! Mails that strangers have sent, and mails that warn.

use local::journal::Mail;
use serde_json::{Value, json};

use crate::support::{
    PASSWORD, Roster, on_own_stack, on_shared_stack, sign_up_body, token_in, unique_email,
};

/// As deployed, but for the wait: a test must not sleep.
const LIMITS: [(&str, &str); 2] = [("MailsPerAddress", "3"), ("MailIntervalSeconds", "0")];

const WISH: &str = "PUT /users/me/email";

async fn wish(roster: &Roster, token: &str, email: &str) -> u16 {
    let body = json!({"email": email, "currentPassword": PASSWORD});
    roster.call(WISH, token, &body).await.status.as_u16()
}

#[test]
fn sixty_requests_for_a_strangers_address_send_three_mails() {
    on_own_stack(&LIMITS, async |roster| {
        let (eve, target) = (roster.proven("eve").await, unique_email("target"));
        let mut statuses = Vec::new();
        for _ in 0..60 {
            statuses.push(wish(roster, &eve.token, &target).await);
            roster.settle().await;
        }
        let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
        assert_eq!((count(202), count(429)), (10, 50), "{statuses:?}");
        assert_eq!(roster.mails_to(&target), 3);

        // Nor does she learn of more than ten addresses whether they are taken.
        let (mallory, bob) = (roster.proven("mallory").await, unique_email("bob"));
        roster.sign_up(&bob).await;
        let mut statuses = Vec::new();
        for _ in 0..12 {
            statuses.push(wish(roster, &mallory.token, &bob).await);
        }
        assert_eq!(statuses[..10], [409; 10]);
        assert_eq!(statuses[10..], [429; 2]);
    });
}

#[test]
fn signing_up_and_erasing_in_turns_sends_three_mails() {
    on_own_stack(&LIMITS, async |roster| {
        let target = unique_email("target");
        for _ in 0..6 {
            assert_eq!(roster.sign_up(&target).await.status, 201);
            roster.settle().await;
            let token = roster.token(&target, PASSWORD).await;
            let erased = roster.call("DELETE /users/me", &token, &Value::Null).await;
            assert_eq!(erased.status, 204);
        }
        assert_eq!(roster.mails_to(&target), 3);
    });
}

/// The attack: sign up with somebody's address, ask for every mail, erase the account, and again. As
/// deployed: a new link waits for nothing.
#[test]
fn one_stranger_does_not_keep_an_owners_mails_away() {
    let deployed = [("MailsPerAddress", "3"), ("MailIntervalSeconds", "60")];
    on_own_stack(&deployed, async |roster| {
        let email = unique_email("owner");
        let claim = json!({"email": email});
        for _ in 0..4 {
            assert_eq!(roster.sign_up(&email).await.status, 201);
            roster.settle().await;
            let token = roster.token(&email, PASSWORD).await;
            for path in ["/email-verifications", "/password-resets"] {
                assert_eq!(roster.post(path, &claim).await.status, 202);
            }
            roster.settle().await;
            roster.call("DELETE /users/me", &token, &Value::Null).await;
        }
        let mails = roster.mails(&email);
        let with_link = |mail: &&Mail| mail.text.as_ref().unwrap().contains("#token=");
        let links = mails.iter().filter(with_link).count();
        assert_eq!(links, 3 * 3, "three of each kind");

        let body = sign_up_body(&email);
        let begun = roster.post_from_elsewhere("/users", &body).await;
        assert_eq!(begun.status, 201);
        roster.settle().await;
        let link = token_in(&roster.mails(&email).pop().unwrap(), "verify");
        let body = json!({"token": link, "password": PASSWORD});
        assert_eq!(roster.put("/email-verifications", &body).await.status, 204);
        roster.post_from_elsewhere("/password-resets", &claim).await;
        roster.settle().await;
        let link = token_in(&roster.mails(&email).pop().unwrap(), "reset");
        let body = json!({"token": link, "newPassword": "seven purple kites aloft"});
        assert_eq!(roster.put("/password-resets", &body).await.status, 200);
    });
}

#[test]
fn five_verifications_asked_by_a_stranger_do_not_block_a_reset() {
    on_own_stack(&LIMITS, async |roster| {
        let ann = roster.newcomer("owner").await;
        let body = json!({"email": ann.email});
        for path in ["/email-verifications", "/password-resets"] {
            for _ in 0..5 {
                assert_eq!(roster.post(path, &body).await.status, 202);
            }
        }
        assert_eq!(roster.post("/password-resets", &body).await.status, 202);
        roster.settle().await;
        let mails = roster.mails(&ann.email);
        let resets = mails
            .iter()
            .filter(|mail| mail.subject.starts_with("Choose"));
        let links: Vec<_> = resets.map(|mail| token_in(mail, "reset")).collect();
        assert_eq!(links, [links[0].as_str(); 3], "the same link each time");
        let body = json!({"token": links[0], "newPassword": "seven purple kites aloft"});
        assert_eq!(roster.put("/password-resets", &body).await.status, 200);
    });
}

#[test]
fn the_old_address_is_warned_and_the_owner_takes_the_request_back() {
    on_shared_stack(async |roster| {
        let (ann, new) = (roster.proven("warned").await, unique_email("stranger"));
        assert_eq!(wish(roster, &ann.token, &new).await, 202);
        let warning = roster
            .mail_about(&ann.email, "Another address for your account at Roster")
            .await;
        let text = warning.text.unwrap();
        assert!(!text.contains(&new) && !text.contains("token="), "{text}");
        let link = token_in(&roster.mail_to(&new).await, "verify");

        let me = roster.call("GET /users/me", &ann.token, &Value::Null).await;
        assert_eq!(me.body["pendingEmail"], json!(new));
        let seen = roster.get_as_admin(&format!("/users/{}", ann.id)).await;
        assert_eq!(seen.body["pendingEmail"], json!(new));
        let listed = roster
            .get_as_admin(&format!("/users?search={}", ann.email))
            .await;
        assert_eq!(listed.body["data"][0]["email"], json!(ann.email));
        assert!(listed.body["data"][0].get("pendingEmail").is_none());

        let own = ann.email.to_uppercase();
        assert_eq!(wish(roster, &ann.token, &own).await, 202);
        let me = roster.call("GET /users/me", &ann.token, &Value::Null).await;
        assert!(me.body.get("pendingEmail").is_none());
        let body = json!({"token": link, "password": PASSWORD});
        let refused = roster.put("/email-verifications", &body).await;
        assert_eq!(refused.problem(), (410, "token-expired"));
    });
}
