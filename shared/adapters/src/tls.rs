//! Whom connections trust: the root certificates of the system.

use std::{env, ffi::OsString, fs, path::PathBuf, sync::LazyLock};

use memchr::memmem;
use rustls::{ClientConfig, RootCertStore, pki_types::CertificateDer};

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

/// Of all clients of a function: to read the certificates costs as much as some calls.
static CONFIG: LazyLock<ClientConfig> = LazyLock::new(|| trusting(roots()));

/// The TLS of a client that trusts what the system trusts.
pub(crate) fn config() -> ClientConfig {
    CONFIG.clone()
}

pub(crate) fn trusting(roots: RootCertStore) -> ClientConfig {
    ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    if let Some(Ok(bundle)) = file(|name| env::var_os(name)).map(fs::read) {
        roots.add_parsable_certificates(certificates(&bundle));
    }
    if roots.is_empty() {
        // Systems that keep them elsewhere, and variables which name a folder, or what is not there.
        let found = rustls_native_certs::load_native_certs();
        for error in found.errors {
            tracing::warn!(%error, "root certificates");
        }
        roots.add_parsable_certificates(found.certs);
    }
    if roots.is_empty() {
        tracing::error!("there are no root certificates: nobody is trusted");
    }
    roots
}

/// The file with the certificates: what the variables say, however wrong, and then what the system has.
fn file(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    match (variable("SSL_CERT_FILE"), variable("SSL_CERT_DIR")) {
        (Some(file), _) => Some(file.into()),
        (None, Some(_)) => None,
        (None, None) => openssl_probe::probe().cert_file,
    }
}

/// The certificates in a file of PEM. What is broken is left out.
///
/// Not by the parser of `rustls`: it takes the same time for each character, since it reads private keys too, and
/// for a hundred and forty certificates that was half of what a function did until its first answer.
fn certificates(pem: &[u8]) -> impl Iterator<Item = CertificateDer<'static>> {
    memmem::find_iter(pem, BEGIN).filter_map(|start| {
        let block = pem.get(start + BEGIN.len()..)?;
        let lines = str::from_utf8(block.get(..memmem::find(block, END)?)?).ok()?;
        let base64: String = lines.lines().collect();
        Some(base64_simd::STANDARD.decode_to_vec(base64).ok()?.into())
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use rustls::pki_types::pem::PemObject as _;

    use super::*;

    fn pem(name: &str) -> String {
        let CertifiedKey { cert, .. } = generate_simple_self_signed([name.to_owned()]).unwrap();
        cert.pem()
    }

    #[test]
    fn a_bundle_gives_what_the_parser_of_rustls_finds_in_it() {
        let (unix, windows) = (pem("a.example"), pem("b.example").replace('\n', "\r\n"));
        let bundle = format!("# Some Root CA\n\n{unix}\n# Ünother\n{windows}{}", pem("c"));
        let expected: Vec<_> = CertificateDer::pem_slice_iter(bundle.as_bytes())
            .map(Result::unwrap)
            .collect();
        assert_eq!(expected.len(), 3);
        assert_eq!(
            certificates(bundle.as_bytes()).collect::<Vec<_>>(),
            expected
        );
    }

    #[test]
    fn what_is_broken_is_left_out() {
        let broken = pem("broken.example").replace("\nM", "\n*");
        let open = "-----BEGIN CERTIFICATE-----\nMIIB";
        let bundle = format!("{broken}{}{open}", pem("whole.example"));
        assert_eq!(certificates(bundle.as_bytes()).count(), 1);
        assert_eq!(certificates(b"").count(), 0);
    }

    #[test]
    fn who_names_certificates_trusts_no_others() {
        let of = |wanted: &'static str| {
            file(move |name| (name == wanted).then(|| OsString::from("/nowhere")))
        };
        assert_eq!(of("SSL_CERT_FILE"), Some(PathBuf::from("/nowhere")));
        assert_eq!(of("SSL_CERT_DIR"), None);
        assert_eq!(of("neither"), openssl_probe::probe().cert_file);
    }

    #[test]
    fn the_system_has_roots() {
        assert!(!roots().is_empty());
    }
}
