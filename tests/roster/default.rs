//! `$default`: what no route answers.

use reqwest::Method;

use crate::support::on_shared_stack;

#[test]
fn an_unknown_path_is_a_problem() {
    on_shared_stack(async |roster| {
        let answer = roster.get("/no/such/path").await;
        assert_eq!(answer.problem(), (404, "not-found"));
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
    });
}

#[test]
fn a_wrong_method_says_which_are_right() {
    on_shared_stack(async |roster| {
        let answer = roster.send(roster.request(Method::PUT, "/users")).await;
        assert_eq!(answer.problem(), (405, "method-not-allowed"));
        assert_eq!(answer.header("allow"), Some("GET, HEAD, POST"));
    });
}
