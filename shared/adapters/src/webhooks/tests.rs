//! Calls of receivers that answer as nobody should.

use std::time::Duration;

use domain::{Actor, DomainEvent, EventId, EventKind, event::EventData, service::SecretSalt};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::*;

fn event() -> DomainEvent {
    let now = Timestamp::from_seconds(1);
    DomainEvent {
        id: EventId::new(now, [1; 10]),
        kind: EventKind::UserCreated,
        time: now,
        user_id: None,
        version: None,
        actor: Actor::System,
        traceparent: None,
        data: EventData::default(),
    }
}

fn secret(number: u8) -> SigningSecret {
    let service = "profiles".parse().unwrap();
    SigningSecret::derive(
        &b"deployment".to_vec().into(),
        &service,
        &SecretSalt::new([number; 16]),
    )
}

/// Calls of loopback addresses, which give up after half a second.
fn webhooks(networks: &str) -> Webhooks {
    Webhooks {
        timeout: Duration::from_millis(500),
        ..Webhooks::new(networks.parse().unwrap())
    }
}

/// A server that reads one request and does something with the connection. Gives its port, and the request
/// that came.
async fn server<F>(then: impl FnOnce(TcpStream) -> F + Send + 'static) -> (u16, JoinHandle<String>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        // A body ends with the brace of its object; a GET has none.
        while !(request.ends_with(b"}")
            || request.ends_with(b"\r\n\r\n") && request.starts_with(b"GET"))
        {
            let read = stream.read(&mut buffer).await.unwrap();
            request.extend_from_slice(&buffer[..read]);
            if read == 0 {
                break;
            }
        }
        then(stream).await;
        String::from_utf8(request).unwrap()
    });
    (port, served)
}

async fn answering(text: &'static str) -> (u16, JoinHandle<String>) {
    server(move |mut stream| async move {
        stream.write_all(text.as_bytes()).await.unwrap();
    })
    .await
}

async fn send(webhooks: &Webhooks, url: &str) -> Called {
    let url: InstanceUrl = url.parse().unwrap();
    let secrets = [secret(1), secret(2)];
    let now = Timestamp::from_seconds(1_780_479_494);
    webhooks.send(&url, &event(), &secrets, now).await.unwrap()
}

async fn outcome_at(port: u16) -> Outcome {
    let url = format!("http://127.0.0.1:{port}");
    send(&webhooks("127.0.0.0/8"), &url).await.outcome
}

#[tokio::test]
async fn an_event_is_posted_with_a_signature_for_each_secret() {
    let (port, served) = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let url = format!("http://127.0.0.1:{port}/base/");
    let called = send(&webhooks("127.0.0.0/8"), &url).await;
    assert_eq!(called.outcome, Outcome::Answered(204));
    let request = served.await.unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /base/events HTTP/1.1"), "{head}");
    assert_eq!(body, event().to_cloud_event().to_string());
    let header = |name: &str| {
        let mut lines = head.lines();
        let line = lines
            .find(|line| line.to_lowercase().starts_with(name))
            .unwrap();
        line.split_once(": ").unwrap().1.to_owned()
    };
    assert_eq!(header("webhook-id"), event().id.to_string());
    assert_eq!(header("webhook-timestamp"), "1780479494");
    let signatures = header("webhook-signature");
    for (number, signature) in signatures.split(' ').enumerate() {
        let number = u8::try_from(number).unwrap() + 1;
        let webhook = Webhook::new(secret(number).expose()).unwrap();
        let id = event().id.to_string();
        let expected = webhook.sign(&id, 1_780_479_494, body.as_bytes()).unwrap();
        assert_eq!(signature, expected);
    }
    assert_eq!(signatures.split(' ').count(), 2);
}

/// A receiver that answers 500, hangs, redirects, closes, or lies costs one bounded call.
#[tokio::test]
async fn whatever_a_receiver_does_the_call_ends() {
    for (answer, expected) in [
        (
            "HTTP/1.1 500 Oh no\r\ncontent-length: 0\r\n\r\n",
            Outcome::Answered(500),
        ),
        (
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\r\n",
            Outcome::Answered(302),
        ),
        (
            "HTTP/1.1 307 Go\r\nlocation: http://169.254.169.254/\r\n\r\n",
            Outcome::Answered(307),
        ),
        // It lies about the length of a body that nobody reads.
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
            Outcome::Answered(200),
        ),
        ("SSH-2.0-OpenSSH_9.9\r\n", Outcome::Broken),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: no\r\n\r\n",
            Outcome::Broken,
        ),
        ("", Outcome::Broken),
    ] {
        let (port, _served) = answering(answer).await;
        assert_eq!(outcome_at(port).await, expected, "{answer:?}");
    }
    let (port, _served) = server(|stream| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    assert_eq!(outcome_at(port).await, Outcome::TimedOut);
    // A body without an end is not waited for.
    let (port, _served) = server(|mut stream| async move {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        while stream.write_all(b"1\r\na\r\n").await.is_ok() {}
    })
    .await;
    assert_eq!(outcome_at(port).await, Outcome::Answered(200));
    // A head without an end is.
    let (port, _served) = server(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
        while stream.write_all(b"a: b\r\n").await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!outcome_at(port).await.is_success());
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    assert_eq!(outcome_at(port).await, Outcome::Unreachable);
}

/// Neither an address nor a name that means one leads inwards, and nothing is connected to.
#[tokio::test]
async fn an_address_that_is_not_public_is_not_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for (networks, host) in [
        ("", "127.0.0.1"),
        ("", "[::ffff:127.0.0.1]"),
        ("", "localhost"),
        ("10.0.0.0/8", "127.0.0.1"),
        ("10.0.0.0/8", "localhost"),
        ("0.0.0.0/0", "169.254.169.254"),
    ] {
        for scheme in ["https", "http"] {
            let url = format!("{scheme}://{host}:{port}");
            let called = send(&webhooks(networks), &url).await;
            assert_eq!(
                called.outcome,
                Outcome::AddressRefused,
                "{url} with {networks:?}"
            );
        }
    }
    let accepted = tokio::time::timeout(Duration::from_millis(10), listener.accept()).await;
    assert!(accepted.is_err(), "somebody connected");
}

#[tokio::test]
async fn a_check_asks_for_the_health() {
    let (port, served) = answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let url: InstanceUrl = format!("http://127.0.0.1:{port}").parse().unwrap();
    let called = webhooks("127.0.0.0/8").check(&url).await.unwrap();
    assert_eq!(called.outcome, Outcome::Answered(200));
    assert!(served.await.unwrap().starts_with("GET /health HTTP/1.1"));
}
