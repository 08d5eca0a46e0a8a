//! A database that does not answer.

use std::{
    net::{Ipv4Addr, SocketAddr},
    process::Stdio,
};

use local::{
    dynamodb::Dynamo,
    lambda::runtime_api::{self, Call, Delivery},
};
use serde_json::Value;
use tokio::{
    io::AsyncReadExt as _,
    net::TcpListener,
    process::{Child, Command},
    sync::mpsc,
    task::JoinSet,
};

use crate::support::{PATIENCE, Roster, executable, on_shared_stack, patiently};

/// A request with a token that nobody accepts.
const EVENT: &str = include_str!("../../events/get-user.json");

/// A process of `get-user`, and its Runtime API.
struct Process {
    child: Child,
    calls: mpsc::Receiver<Call>,
    _api: JoinSet<()>,
}

impl Process {
    /// Starts the process, which finds its tables at `database`.
    async fn start(roster: &Roster, database: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, calls) = mpsc::channel(1);
        let mut api = JoinSet::new();
        api.spawn(async move {
            axum::serve(listener, runtime_api::router(sender))
                .await
                .unwrap();
        });
        let function = &roster.stack.model.functions["GetUser"];
        let child = Command::new(executable(function.binary()))
            .env_clear()
            .envs(&function.environment.variables)
            .env("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{database}"))
            .env("AWS_ACCESS_KEY_ID", "GetUser")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "GetUser")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self {
            child,
            calls,
            _api: api,
        }
    }

    /// Status and body of its answer.
    async fn ask(&mut self) -> (u64, Value) {
        let Some(Call::Next(next)) = patiently("a process", self.calls.recv()).await else {
            panic!("the process does not start");
        };
        let delivery = Delivery {
            request_id: "1".to_owned(),
            arn: "arn:aws:lambda:us-east-1:000000000000:function:GetUser".to_owned(),
            timeout: PATIENCE,
            payload: EVENT.into(),
        };
        assert!(next.send(delivery).is_ok());
        let Some(Call::Done(Ok(answer))) = patiently("an answer", self.calls.recv()).await else {
            panic!("the process does not answer");
        };
        let body = answer["body"].as_str().unwrap();
        let status = answer["statusCode"].as_u64().unwrap();
        (status, serde_json::from_str(body).unwrap())
    }

    /// Ends it. Gives what it wrote.
    async fn end(mut self) -> String {
        self.child.start_kill().unwrap();
        let mut text = String::new();
        let (mut out, mut err) = (
            self.child.stdout.take().unwrap(),
            self.child.stderr.take().unwrap(),
        );
        out.read_to_string(&mut text).await.unwrap();
        err.read_to_string(&mut text).await.unwrap();
        text
    }
}

#[test]
fn a_process_whose_tables_do_not_answer_says_so_until_they_do() {
    on_shared_stack(async |roster| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let database = listener.local_addr().unwrap();
        drop(listener);
        let mut process = Process::start(roster, database).await;
        let (status, problem) = process.ask().await;
        assert_eq!(
            (status, problem["code"].as_str()),
            (503, Some("unavailable"))
        );
        assert!(problem["requestId"].is_string());

        let listener = TcpListener::bind(database).await.unwrap();
        let _tables = Dynamo::start(&roster.stack.model, None, listener)
            .await
            .unwrap();
        let (status, problem) = process.ask().await;
        let found = (status, problem["code"].as_str());
        assert_eq!(found, (401, Some("unauthenticated")));

        let log = process.end().await;
        for line in log.lines() {
            let line: Result<Value, _> = serde_json::from_str(line);
            assert!(line.is_ok_and(|line| line["level"].is_string()), "{log}");
        }
        assert!(log.contains("DynamoDB does not answer"), "{log}");
    });
}
