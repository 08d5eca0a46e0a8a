//! Proxies that say for whom they ask: an application's back end, or CloudFront.
//!
//! A proxy is known by a secret in a header. Each secret is for one kind of proxy, and each kind names the
//! client in one header: a back end that hands on whatever headers came cannot be made to name another
//! client by CloudFront's header, nor CloudFront by the back end's.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use domain::history::Digest;
use lambda_http::http::HeaderMap;
use sha2::{Digest as _, Sha256};

use super::TransportError;
use crate::config::{Environment, Settings};

/// The header with the secret.
const SECRET: &str = "roster-proxy-secret";

/// The header in which a back end names the client.
const CLIENT_ADDRESS: &str = "roster-client-address";

/// The header in which CloudFront names the client.
const VIEWER_ADDRESS: &str = "cloudfront-viewer-address";

/// How many secrets each kind of proxy may have: the one in use, and the next.
const MAX_SECRETS: usize = 2;

/// The proxies which a deployment trusts: `<digest>` for a back end, `cloudfront:<digest>` for CloudFront,
/// separated by commas. A digest is the SHA-256 of a secret, in hexadecimal.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<Proxy>);

#[derive(Debug, Clone)]
struct Proxy {
    kind: Kind,
    digest: Digest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    BackEnd,
    CloudFront,
}

impl FromStr for TrustedProxies {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        let entries = raw.split(',').map(str::trim);
        let proxies = entries
            .filter(|entry| !entry.is_empty())
            .map(str::parse)
            .collect::<Result<Vec<Proxy>, String>>()?;
        for kind in [Kind::BackEnd, Kind::CloudFront] {
            if proxies.iter().filter(|proxy| proxy.kind == kind).count() > MAX_SECRETS {
                return Err("has more than two digests of one kind".to_owned());
            }
        }
        Ok(Self(proxies))
    }
}

impl FromStr for Proxy {
    type Err = String;

    /// Errors do not repeat the entry: it may be a secret, given for its digest.
    fn from_str(raw: &str) -> Result<Self, String> {
        let (kind, hex) = match raw.strip_prefix("cloudfront:") {
            Some(hex) => (Kind::CloudFront, hex),
            None => (Kind::BackEnd, raw),
        };
        let problem = "has an entry that is no SHA-256 digest of 64 hexadecimal digits";
        let digest = hex.parse().map_err(|_| problem)?;
        Ok(Self { kind, digest })
    }
}

impl Settings for TrustedProxies {
    fn read(environment: &mut Environment<'_>) -> Option<Self> {
        environment.get("TRUSTED_PROXIES")
    }
}

impl TrustedProxies {
    /// The address of the client on whose behalf a request with these headers came; nothing if the sender
    /// of the request is the client. A header that names a client counts under a secret alone.
    ///
    /// # Errors
    /// `Malformed` if the secret is none of this deployment, or the address is not one address. Neither is
    /// ignored: all people behind that proxy would be counted as one, and nobody would see why.
    pub(super) fn client(&self, headers: &HeaderMap) -> Result<Option<IpAddr>, TransportError> {
        let Some(secret) = headers.get(SECRET) else {
            return Ok(None);
        };
        let digest = digest(secret.as_bytes());
        let mut proxies = self.0.iter();
        let proxy = proxies.find(|proxy| proxy.digest == digest);
        let proxy = proxy.ok_or_else(|| malformed("the proxy's secret is not known"))?;
        let named = |name| match headers.get(name) {
            Some(value) => value.to_str().map(Some),
            None => Ok(None),
        };
        match proxy.kind {
            Kind::BackEnd => match named(CLIENT_ADDRESS) {
                // It asks on its own behalf.
                Ok(None) => Ok(None),
                Ok(Some(raw)) => raw.parse().map(Some).map_err(|_| not_one(CLIENT_ADDRESS)),
                Err(_) => Err(not_one(CLIENT_ADDRESS)),
            },
            Kind::CloudFront => match named(VIEWER_ADDRESS) {
                Ok(Some(raw)) => viewer(raw).map(Some).ok_or_else(|| not_one(VIEWER_ADDRESS)),
                _ => Err(not_one(VIEWER_ADDRESS)),
            },
        }
        .map(|address| address.map(|address: IpAddr| address.to_canonical()))
    }
}

fn digest(secret: &[u8]) -> Digest {
    <[u8; 32]>::from(Sha256::digest(secret)).into()
}

/// An address with a port. CloudFront writes IPv6 without brackets.
fn viewer(raw: &str) -> Option<IpAddr> {
    if let Ok(socket) = raw.parse::<SocketAddr>() {
        return Some(socket.ip());
    }
    let (address, port) = raw.rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    address.parse().ok()
}

fn not_one(name: &str) -> TransportError {
    malformed(format!("{name} is not the address of one client"))
}

fn malformed(detail: impl Into<String>) -> TransportError {
    TransportError::Malformed(detail.into())
}

#[cfg(test)]
mod tests {
    use lambda_http::http::HeaderValue;

    use super::*;

    fn digest(secret: &str) -> String {
        super::digest(secret.as_bytes()).to_string()
    }

    /// Whose request it is, by headers `name: value`.
    fn client(headers: &[(&'static str, &str)]) -> Result<Option<String>, String> {
        let proxies = format!("{}, cloudfront:{}", digest("back end"), digest("cdn"));
        let proxies: TrustedProxies = proxies.parse().unwrap();
        let headers = headers.iter();
        let headers = headers.map(|(name, value)| {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            (name.parse().unwrap(), value)
        });
        match proxies.client(&headers.collect()) {
            Ok(address) => Ok(address.map(|address| address.to_string())),
            Err(TransportError::Malformed(detail)) => Err(detail),
            Err(error) => panic!("{error:?}"),
        }
    }

    #[test]
    fn a_back_end_names_the_client_in_its_own_header_alone() {
        let secret = (SECRET, "back end");
        for (sent, expected) in [
            ("198.51.100.7", "198.51.100.7"),
            ("2001:db8::1", "2001:db8::1"),
            ("::ffff:198.51.100.7", "198.51.100.7"),
        ] {
            assert_eq!(
                client(&[secret, (CLIENT_ADDRESS, sent)]),
                Ok(Some(expected.to_owned()))
            );
        }
        for wrong in [
            "",
            "ann",
            "198.51.100.7:80",
            "198.51.100.7,198.51.100.8",
            "é",
            "10.0.0.0/8",
        ] {
            let refused = client(&[secret, (CLIENT_ADDRESS, wrong)]);
            assert!(refused.unwrap_err().contains(CLIENT_ADDRESS), "{wrong}");
        }
        assert_eq!(client(&[secret]), Ok(None), "it asks for itself");
        let viewer = (VIEWER_ADDRESS, "198.51.100.8:80");
        assert_eq!(client(&[secret, viewer]), Ok(None));
        let both = client(&[secret, viewer, (CLIENT_ADDRESS, "198.51.100.7")]);
        assert_eq!(both, Ok(Some("198.51.100.7".to_owned())));
    }

    #[test]
    fn cloudfront_names_the_client_in_its_own_header_alone() {
        let secret = (SECRET, "cdn");
        for (sent, expected) in [
            ("198.51.100.7:46532", "198.51.100.7"),
            ("2001:db8::1:46532", "2001:db8::1"),
            ("[2001:db8::1]:46532", "2001:db8::1"),
        ] {
            let forged = (CLIENT_ADDRESS, "203.0.113.9");
            let seen = client(&[secret, forged, (VIEWER_ADDRESS, sent)]);
            assert_eq!(seen, Ok(Some(expected.to_owned())));
        }
        for wrong in ["", "198.51.100.7", "198.51.100.7:x", "ann:80"] {
            assert!(
                client(&[secret, (VIEWER_ADDRESS, wrong)]).is_err(),
                "{wrong}"
            );
        }
        let forged = client(&[secret, (CLIENT_ADDRESS, "203.0.113.9")]);
        assert!(forged.is_err(), "the distribution does not send its header");
    }

    #[test]
    fn nobody_names_a_client_without_a_secret_and_a_wrong_one_is_told() {
        let names = [
            (CLIENT_ADDRESS, "198.51.100.7"),
            (VIEWER_ADDRESS, "198.51.100.7:80"),
        ];
        assert_eq!(client(&names), Ok(None));
        for wrong in ["wrong", "", "back end,back end", &digest("back end")] {
            let refused = client(&[(SECRET, wrong), names[0]]);
            assert!(refused.unwrap_err().contains("secret"), "{wrong}");
        }
    }

    #[test]
    fn the_environment_says_which_proxies_are_trusted() {
        let variable = |name: &str| (name == "TRUSTED_PROXIES").then(|| digest("back end"));
        let proxies = crate::config::read::<TrustedProxies>(&variable);
        assert_eq!(proxies.ok().map(|proxies| proxies.0.len()), Some(1));
    }

    #[test]
    fn a_deployment_knows_two_digests_of_a_kind_and_no_secret() {
        let (one, two) = (digest("one"), digest("two"));
        for good in [
            "",
            " ",
            &one,
            &one.to_uppercase(),
            &format!("{one},{two},cloudfront:{one}"),
        ] {
            assert!(good.parse::<TrustedProxies>().is_ok(), "{good}");
        }
        for bad in [
            "s3cret",
            &one[1..],
            &format!("{one},{one},{two}"),
            &format!("cdn:{one}"),
        ] {
            let error = bad.parse::<TrustedProxies>().unwrap_err();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
