//! TLS in front of what the local stack serves without it.

use std::{fs, net::Ipv4Addr, path::PathBuf, sync::Arc};

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_RSA_SHA256,
    RsaKeySize,
};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

/// The root certificates of Debian, as many as Amazon Linux has.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// An authority and a certificate of it for `localhost`, with RSA keys of 2048 bits as those of AWS have.
pub(super) struct Tls {
    acceptor: TlsAcceptor,
    /// Root certificates: those of the system, and the authority.
    pub(super) roots: PathBuf,
    tasks: JoinSet<()>,
}

impl Tls {
    pub(super) fn new() -> anyhow::Result<Self> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, key()?)?;
        let key = key()?;
        let leaf = CertificateParams::new(vec!["localhost".to_owned()])?;
        let leaf = leaf.signed_by(&key, &authority)?;
        let private = PrivateKeyDer::try_from(key.serialize_der());
        let private = private.map_err(|error| anyhow::anyhow!(error))?;
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], private)?;
        let system = fs::read_to_string(SYSTEM_ROOTS);
        let system = system.with_context(|| format!("{SYSTEM_ROOTS}: package ca-certificates"))?;
        let roots = std::env::temp_dir().join(format!("roster-bench-{}.pem", std::process::id()));
        fs::write(&roots, system + &authority.pem())?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            roots,
            tasks: JoinSet::new(),
        })
    }

    /// An address with TLS for `port` of this machine.
    pub(super) async fn before(&mut self, port: u16) -> anyhow::Result<String> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = format!("https://localhost:{}", listener.local_addr()?.port());
        let acceptor = self.acceptor.clone();
        self.tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut outside = acceptor.accept(stream).await?;
                    let mut inside = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
                    copy_bidirectional(&mut outside, &mut inside).await
                });
            }
        });
        Ok(address)
    }
}

fn key() -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
}

impl Drop for Tls {
    fn drop(&mut self) {
        // It is in the folder of temporary files, which is emptied some time.
        let _ = fs::remove_file(&self.roots);
    }
}
