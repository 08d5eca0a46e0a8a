//! The ports at which a stack listens.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A port which is bound: at 127.0.0.1, and at one more address if that is wanted.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) listener: TcpListener,
    pub(crate) number: u16,
    outside: Option<TcpListener>,
}

impl Port {
    /// Binds the port with this number, which `flag` chooses, also at the address `bind`. 0 is for any
    /// free one.
    pub(crate) async fn bind(number: u16, flag: &str, bind: IpAddr) -> anyhow::Result<Self> {
        let listen = async |address: IpAddr, number: u16| {
            let listener = TcpListener::bind((address, number)).await;
            listener.with_context(|| {
                format!("cannot listen at port {number} of {address}; choose another with {flag}")
            })
        };
        // An address that means all of them has 127.0.0.1 in it.
        let inside = if bind.is_unspecified() {
            bind
        } else {
            LOOPBACK
        };
        let listener = listen(inside, number).await?;
        let address = listener.local_addr().context("a socket has no address")?;
        let number = address.port();
        let outside = match bind {
            bind if bind == inside => None,
            bind => Some(listen(bind, number).await?),
        };
        Ok(Self {
            listener,
            number,
            outside,
        })
    }

    /// For the SDKs, which need no name to be resolved.
    pub(crate) fn url(&self) -> String {
        format!("http://{LOOPBACK}:{}", self.number)
    }

    /// For people, browsers and issuers: everything of a stack has one host name.
    pub(crate) fn named_url(&self) -> String {
        named_url(self.number)
    }

    /// Lets in what comes to the other address, as long as `tasks` live.
    pub(crate) fn let_in(&mut self, tasks: &mut JoinSet<()>) {
        if let Some(outside) = self.outside.take() {
            tasks.spawn(forward(outside, SocketAddr::new(LOOPBACK, self.number)));
        }
    }
}

pub(crate) fn named_url(port: u16) -> String {
    format!("http://localhost:{port}")
}

/// Hands each connection on to `inside`.
async fn forward(outside: TcpListener, inside: SocketAddr) {
    let mut connections = JoinSet::new();
    while let Ok((mut from, _)) = outside.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(async move {
            let mut to = TcpStream::connect(inside).await?;
            copy_bidirectional(&mut from, &mut to).await
        });
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, routing::get};

    use super::*;
    use crate::testing::send;

    async fn answer(host: &str, number: u16) -> bool {
        let url = format!("http://{host}:{number}/");
        let request = http::Request::get(url).body(Body::empty()).unwrap();
        send(request).await.0.is_success()
    }

    #[tokio::test]
    async fn a_port_is_served_at_loopback_and_at_one_more_address() {
        // All of 127.0.0.0/8 is this machine.
        for bind in ["127.0.0.1", "127.0.0.2", "0.0.0.0"] {
            let bind: IpAddr = bind.parse().unwrap();
            let mut port = Port::bind(0, "--port", bind).await.unwrap();
            let (number, mut tasks) = (port.number, JoinSet::new());
            port.let_in(&mut tasks);
            let router = Router::new().route("/", get(|| async {}));
            tasks.spawn(async { axum::serve(port.listener, router).await.unwrap() });
            assert!(answer("127.0.0.1", number).await, "{bind}");
            if bind != LOOPBACK {
                assert!(answer("127.0.0.2", number).await, "{bind}");
            }
        }
    }

    #[tokio::test]
    async fn a_port_is_served_nowhere_else() {
        let mut port = Port::bind(0, "--port", LOOPBACK).await.unwrap();
        port.let_in(&mut JoinSet::new());
        let other = TcpStream::connect(("127.0.0.2", port.number)).await;
        assert!(other.is_err());
    }
}
