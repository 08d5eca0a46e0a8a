//! `POST /users` where sign-up is concealed.

use serde_json::json;

use crate::support::{on_own_stack, unique_email};

#[test]
fn nobody_learns_whether_an_address_is_taken() {
    on_own_stack(&[("SignUpPolicy", "concealed")], async |roster| {
        let email = unique_email("hidden");
        let first = roster.sign_up(&email).await;
        assert_eq!(
            (first.status.as_u16(), &first.body),
            (202, &json!({"status": "accepted"}))
        );
        assert_eq!(roster.mail_to(&email).await.subject, "Welcome to Roster");
        assert_eq!(roster.sign_in(&email).await.status, 201);

        let second = roster.sign_up(&email.to_uppercase()).await;
        assert_eq!((second.status, &second.body), (first.status, &first.body));
        let names = |answer: &crate::support::Answer| {
            answer
                .headers
                .keys()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&second), names(&first));
        roster.settle().await;
        assert_eq!(
            roster.mails_to(&email),
            2,
            "a welcome, and a word to the owner"
        );

        let body = json!({"email": email, "name": "Ann Example"});
        let told = roster.call_as_admin("POST /users", &body).await;
        assert_eq!(
            told.problem(),
            (409, "email-taken"),
            "administrators are told"
        );
    });
}
