//! A database that does not answer.

use std::{
    future::pending,
    net::{Ipv4Addr, SocketAddr},
    process::Stdio,
    time::Duration,
};

use futures::{StreamExt as _, stream};
use local::{
    Hosts,
    dynamodb::Dynamo,
    lambda::runtime_api::{self, Call, Delivery},
};
use serde_json::Value;
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    sync::mpsc,
    task::JoinSet,
};

use crate::support::{PATIENCE, Roster, executable, on_shared_stack, patiently};

/// A sign-in of nobody. It looks at the tables each time.
const EVENT: &str = include_str!("../../events/authenticate.json");

/// A process of `authenticate`, and its Runtime API.
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
        let function = &roster.stack.model.functions["Authenticate"];
        let child = Command::new(executable(function.binary()))
            .env_clear()
            .envs(&function.environment.variables)
            .env("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{database}"))
            .env("AWS_ACCESS_KEY_ID", "Authenticate")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "Authenticate")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
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

    /// Status and code of its answer, for which it has so much time.
    async fn ask(&mut self, timeout: Duration) -> (u64, String) {
        let Some(Call::Next(next)) = patiently("a process", self.calls.recv()).await else {
            panic!("the process does not start");
        };
        let delivery = Delivery {
            request_id: "1".to_owned(),
            arn: "arn:aws:lambda:us-east-1:000000000000:function:Authenticate".to_owned(),
            timeout,
            payload: EVENT.into(),
        };
        assert!(next.send(delivery).is_ok());
        let Some(Call::Done(Ok(answer))) = patiently("an answer", self.calls.recv()).await else {
            panic!("the process does not answer");
        };
        let problem: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert!(problem["requestId"].is_string(), "{problem}");
        let code = problem["code"].as_str().unwrap().to_owned();
        (answer["statusCode"].as_u64().unwrap(), code)
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

/// Hands connections to `address` on to `database`; without one, they are taken and nobody answers. All of them
/// end with it.
async fn line(address: SocketAddr, database: Option<SocketAddr>) -> JoinSet<()> {
    let listener = TcpListener::bind(address).await.unwrap();
    let connections = stream::unfold(listener, async |listener| {
        let (connection, _) = listener.accept().await.unwrap();
        Some((connection, listener))
    });
    let carry = move |mut client: TcpStream| async move {
        let Some(database) = database else {
            return pending().await;
        };
        let mut server = TcpStream::connect(database).await.unwrap();
        // Either side may hang up.
        _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    };
    let mut task = JoinSet::new();
    task.spawn(connections.for_each_concurrent(None, carry));
    task
}

#[test]
fn who_asks_while_the_tables_do_not_answer_is_told_so() {
    on_shared_stack(async |roster| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let database = listener.local_addr().unwrap();
        let _tables = Dynamo::start(&roster.stack.model, None, listener, &Hosts::default())
            .await
            .unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let unavailable = (503, "unavailable".to_owned());

        // From the start.
        let mut process = Process::start(roster, address).await;
        assert_eq!(process.ask(PATIENCE).await, unavailable);
        let mut there = line(address, Some(database)).await;
        let answer = process.ask(PATIENCE).await;
        assert_eq!(answer, (401, "invalid-credentials".to_owned()));

        // Later, by silence: Lambda would end the worker without an answer.
        there.shutdown().await;
        let _silence = line(address, None).await;
        assert_eq!(process.ask(Duration::from_secs(3)).await, unavailable);

        let log = process.end().await;
        for line in log.lines() {
            let line: Result<Value, _> = serde_json::from_str(line);
            assert!(line.is_ok_and(|line| line["level"].is_string()), "{log}");
        }
        for message in ["DynamoDB does not answer", "no answer before the deadline"] {
            assert!(log.contains(message), "{log}");
        }
    });
}
