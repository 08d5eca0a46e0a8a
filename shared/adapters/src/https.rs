//! HTTP/1.1 over TLS.
//!
//! The client that the SDKs bring speaks HTTP/2 too and knows proxies. No service that is called here needs either, and
//! each function would carry them: docs/decisions/0024-what-a-function-carries.md.

use std::{error::Error, io, time::Duration};

use aws_sdk_dynamodb::config::{
    HttpClient, RuntimeComponents, SharedHttpClient, http::HttpRequest, http::HttpResponse,
};
use aws_smithy_runtime_api::{
    client::{
        connection::{CaptureSmithyConnection, ConnectionMetadata},
        http::{HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
        result::ConnectorError,
    },
    shared::IntoShared as _,
};
use aws_smithy_types::body::SdkBody;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{CaptureConnection, HttpConnector as TcpConnector, capture_connection},
    },
    rt::{TokioExecutor, TokioTimer},
};
use reqwest::redirect;
use rustls::ClientConfig;

use crate::tls;

/// Time for TCP to connect within a region, which the addresses of a host share. The time of an attempt is around that
/// and around all that comes after it.
pub(crate) const CONNECT: Duration = Duration::from_secs(1);

/// Bytes of an answer that is read whole: metadata and keys of the large providers have some thousand, ten secrets
/// have 80 KB, and what is cached must fit into an item of DynamoDB (400 KB).
const LONGEST: usize = 256 * 1024;

/// A client, whose clones share connections.
#[derive(Debug, Clone)]
pub(crate) struct Https(Client<HttpsConnector<TcpConnector>, SdkBody>);

/// A client for the SDKs.
pub fn client() -> SharedHttpClient {
    Https::new(CONNECT).into_shared()
}

/// The beginning of a client of `reqwest`, which has a resolver of its own.
pub(crate) fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls::config())
        // It would resolve names itself, and see what is asked.
        .no_proxy()
        // It would take a secret or a signature to another host.
        .redirect(redirect::Policy::none())
}

impl Https {
    /// A client that has so much time to connect.
    pub(crate) fn new(connect: Duration) -> Self {
        over(tls::config(), connect)
    }

    /// Sends a request and reads its answer, within so much time. A redirection is an answer: to follow it would take
    /// a secret or a signature to another host.
    ///
    /// # Errors
    /// If there is no answer, or too long a one.
    pub(crate) async fn send(
        &self,
        request: Request<String>,
        time: Duration,
    ) -> Result<Response<Vec<u8>>, Box<dyn Error + Send + Sync>> {
        let answer = async {
            let (answer, body) = self
                .0
                .request(request.map(SdkBody::from))
                .await?
                .into_parts();
            let body = Limited::new(body, LONGEST).collect().await?.to_bytes();
            Ok(Response::from_parts(answer, body.into()))
        };
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
        tokio::time::timeout(time, answer).await.map_err(late)?
    }
}

fn over(tls: ClientConfig, connect: Duration) -> Https {
    let mut tcp = TcpConnector::new();
    // The connector above it decides on the scheme.
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(connect));
    // A stack on this machine listens without TLS.
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .build(connector);
    Https(client)
}

impl HttpClient for Https {
    /// The SDKs' own timeouts, of an attempt and of an operation, are around each call.
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Https {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
            }
        };
        let connection = capture_connection(&mut request);
        if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
            capture.set_connection_retriever(move || Some(metadata(connection.clone())));
        }
        let answer = self.0.request(request);
        HttpConnectorFuture::new(async move {
            // Whatever failed, another connection may succeed: the SDKs try again.
            let answer = answer
                .await
                .map_err(|error| ConnectorError::io(error.into()))?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// What the SDKs know of a connection: how it is not used again, after an error of the service.
fn metadata(connection: CaptureConnection) -> ConnectionMetadata {
    ConnectionMetadata::builder()
        .proxied(false)
        .poison_fn(move || {
            if let Some(connected) = connection.connection_metadata().as_ref() {
                connected.poison();
            }
        })
        .build()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aws_smithy_types::byte_stream::ByteStream;
    use rcgen::CertifiedKey;
    use rustls::{RootCertStore, ServerConfig, pki_types::PrivateKeyDer};
    use tokio::{
        io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
    };
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A service behind TLS whose answers are the numbers of their connections. Gives its address and its
    /// certificate.
    async fn service() -> (String, RootCertStore) {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        let private = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let mut config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], private)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            for number in 0..10 {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(answer(acceptor.clone(), stream, number));
            }
        });
        (format!("https://localhost:{port}/"), roots)
    }

    async fn answer(acceptor: TlsAcceptor, stream: TcpStream, number: u8) -> std::io::Result<()> {
        let mut stream = acceptor.accept(stream).await?;
        loop {
            read_head(&mut stream).await?;
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{number}");
            stream.write_all(answer.as_bytes()).await?;
        }
    }

    /// Reads a request without a body.
    async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        Ok(())
    }

    /// The number of the connection which a request to `address` took; and the connection.
    async fn ask(https: &Https, address: &str) -> (String, ConnectionMetadata) {
        let capture = CaptureSmithyConnection::new();
        let mut request = HttpRequest::get(address).unwrap();
        request.add_extension(capture.clone());
        let answer = https.call(request).await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        let body = ByteStream::new(answer.into_body()).collect().await.unwrap();
        (
            String::from_utf8(body.to_vec()).unwrap(),
            capture.get().unwrap(),
        )
    }

    #[tokio::test]
    async fn a_service_with_a_trusted_certificate_is_called_over_http_1() {
        let (address, roots) = service().await;
        let https = over(tls::trusting(roots), CONNECT);
        assert_eq!(ask(&https, &address).await.0, "0");
    }

    #[tokio::test]
    async fn a_connection_is_kept_unless_the_sdk_gives_it_up() {
        let (address, roots) = service().await;
        let https = over(tls::trusting(roots), CONNECT);
        ask(&https, &address).await;
        let (number, connection) = ask(&https, &address).await;
        assert_eq!(number, "0");
        connection.poison();
        assert_eq!(ask(&https, &address).await.0, "1");
    }

    #[tokio::test]
    async fn a_service_with_another_certificate_is_refused() {
        let (address, _) = service().await;
        let (_, others) = service().await;
        let request = HttpRequest::get(address).unwrap();
        let error = over(tls::trusting(others), CONNECT)
            .call(request)
            .await
            .unwrap_err();
        assert!(error.is_io(), "{error:?}");
    }

    /// A service without TLS, which answers the first request with this, and then stays silent. Gives its address.
    async fn saying(answer: String) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_head(&mut stream).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        });
        format!("http://{address}/")
    }

    /// Status, or why there is none.
    async fn status_of(address: &str, time: Duration) -> Result<u16, String> {
        let request = Request::get(address).body(String::new()).unwrap();
        let answer = Https::new(CONNECT).send(request, time).await;
        answer
            .map(|answer| answer.status().as_u16())
            .map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn an_answer_is_bounded_in_time_and_size() {
        let of = |length: usize| {
            let body = "a".repeat(length);
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}")
        };
        let longest = saying(of(LONGEST)).await;
        assert_eq!(status_of(&longest, CONNECT).await, Ok(200));
        let longer = saying(of(LONGEST + 1)).await;
        let error = status_of(&longer, CONNECT).await.unwrap_err();
        assert!(error.contains("length limit"), "{error}");
        for silent in [String::new(), of(1).replace("\r\na", "\r\n")] {
            let silent = saying(silent).await;
            let error = status_of(&silent, Duration::from_millis(50)).await;
            assert_eq!(error, Err("no answer in time".to_owned()));
        }
    }

    #[tokio::test]
    async fn a_redirection_is_an_answer() {
        let elsewhere = saying("HTTP/1.1 307 Temporary Redirect\r\nlocation: http://localhost:1/\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
        assert_eq!(status_of(&elsewhere, CONNECT).await, Ok(307));
    }

    #[tokio::test]
    async fn other_clients_refuse_it_too() {
        let (address, _) = service().await;
        let client = builder().build().unwrap();
        let error = client.get(address).send().await.unwrap_err();
        assert!(error.is_connect(), "{error:?}");
    }
}
