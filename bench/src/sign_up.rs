//! Sign-up: what the costliest refused one takes, beside an ordinary one.

use std::sync::Arc;

use adapters::{argon2::Argon2, system::System};
use anyhow::ensure;
use clap::Args;
use create_user::{create_user::CreateUser, handler};
use serde_json::json;
use shared::{
    application::sign_up_limiter::SignUpLimiter,
    domain::{PasswordPolicy, attempt::Limit, sign_up::SignUpPolicy},
    lambda::http::{Authenticator, answer},
};
use testing::{FakeBackend, TestRequest};

use crate::{cpu, timing::Timings};

/// What to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// Runs of each request
    #[arg(long, value_name = "N", default_value_t = 60)]
    runs: usize,
}

/// A refused sign-up may take so much more than an ordinary one.
const GOAL: f64 = 2.0;

/// Stands for an address that nobody has yet.
const NEW: &str = "new";

/// The address of the first ordinary sign-up.
const TAKEN: &str = "ann0@example.com";

/// A sign-up to measure.
struct Case {
    about: &'static str,
    email: &'static str,
    name: String,
    password: String,
    status: u16,
    timings: Timings,
}

/// Measures and prints.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let service = Arc::new(service()?);
    let mut cases = cases();
    for number in 0..options.runs {
        for case in &mut cases {
            let before = cpu::of("self")?;
            let status = sign_up(&service, case, number).await?;
            case.timings.add(cpu::of("self")?.saturating_sub(before));
            ensure!(
                status == case.status,
                "{} was answered {status}",
                case.about
            );
        }
    }
    println!("| sign-up, warm, in process | status | p50 ms | to an ordinary one |");
    println!("|---|--:|--:|--:|");
    let ordinary = cases
        .first()
        .map_or(1.0, |case| case.timings.percentile(50));
    for case in &cases {
        let p50 = case.timings.percentile(50);
        let ratio = p50 / ordinary;
        println!(
            "| {} | {} | {p50:.2} | {ratio:.2} |",
            case.about, case.status
        );
        ensure!(
            ratio <= GOAL,
            "{} takes {ratio:.2} times as much",
            case.about
        );
    }
    Ok(())
}

/// The function with Roster's hasher, and without limits.
fn service() -> anyhow::Result<CreateUser> {
    let backend = FakeBackend::new();
    Ok(CreateUser {
        policy: SignUpPolicy::Open,
        passwords: PasswordPolicy::default(),
        users: backend.clone(),
        requests: backend.clone(),
        hasher: Arc::new(Argon2::new(Arc::new(System))?),
        sign_ups: SignUpLimiter {
            per_client_ip: Limit::hourly(u32::MAX),
            ..backend.sign_up_limiter()
        },
        idempotency: backend.idempotency(),
        env: backend.env(),
    })
}

/// An ordinary sign-up, and those by which a stranger might buy the most time.
fn cases() -> Vec<Case> {
    let case = |about, email, name: &str, password: String, status| Case {
        about,
        email,
        name: name.to_owned(),
        password,
        status,
        timings: Timings::default(),
    };
    let many_words = "ab ".repeat(33);
    let cycle = |text: &str| text.chars().cycle().take(128).collect::<String>();
    let ordinary = "correct horse battery staple".to_owned();
    vec![
        case("ordinary", NEW, "Ann Example", ordinary, 201),
        case(
            "taken, all symbols that look like letters",
            TAKEN,
            &many_words,
            cycle("4@8({[<3691!|7+$5%20"),
            409,
        ),
        case(
            "taken, words with as many readings as are read",
            TAKEN,
            &many_words,
            cycle("p4ssw0rd1736985%2"),
            409,
        ),
        case("weak, one letter", TAKEN, &many_words, cycle("a"), 422),
        case(
            "weak, a word again and again",
            TAKEN,
            &many_words,
            cycle("password"),
            422,
        ),
        case(
            "a wrong address",
            "ann@",
            "Ann",
            cycle("4@8({[<3691!|7+$5%20"),
            422,
        ),
    ]
}

/// The status of a sign-up.
async fn sign_up(service: &Arc<CreateUser>, case: &Case, number: usize) -> anyhow::Result<u16> {
    let email = match case.email {
        NEW => format!("ann{number}@example.com"),
        email => email.to_owned(),
    };
    let body = json!({"email": email, "name": case.name, "password": case.password});
    let request = TestRequest::new("POST", "/users").json(&body).into_raw();
    let authenticator = Authenticator::open("");
    let answer = answer(
        handler::ACCESS,
        &authenticator,
        service.clone(),
        &handler::handle,
        request,
    );
    Ok(answer.await.status().as_u16())
}
