//! Where an instance is, and which addresses Roster calls at all.
//!
//! What registers an instance chooses an address which Roster then calls, from within a network that
//! trusts it. So only addresses of the public internet are called, and private ones where the operator
//! lists their network. The check is of the address that is connected to: a name can resolve to
//! anything, and to something else the next time.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::super::error::Violation;

/// Characters of a URL.
const MAX_CHARS: usize = 500;

/// The base URL of an instance: events go to `<url>/events`, checks to `<url>/health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstanceUrl(Url);

impl From<InstanceUrl> for String {
    fn from(url: InstanceUrl) -> Self {
        url.0.into()
    }
}

/// Read leniently: a later release may accept less.
impl TryFrom<String> for InstanceUrl {
    type Error = url::ParseError;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        Url::parse(&raw).map(Self)
    }
}

impl InstanceUrl {
    /// The URL with one more segment in its path.
    pub fn join(&self, segment: &str) -> Url {
        let mut url = self.0.clone();
        let path = format!("{}/{segment}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url
    }

    /// The URL as it was given.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether a caller with these networks may use it, as far as the URL alone tells.
    ///
    /// # Errors
    /// If it is not HTTPS where it must be, or an address that is not called.
    pub fn check(&self, networks: &Networks) -> Result<(), Violation> {
        if self.0.scheme() != "https" && networks.0.is_empty() {
            return Err(Violation::new("invalid-url", "must be an https URL"));
        }
        match literal(&self.0) {
            Some(address) if !networks.permit(address, self.0.scheme()) => Err(Violation::new(
                "address-refused",
                "is an address which Roster does not call",
            )),
            _ => Ok(()),
        }
    }
}

/// The address, where a URL names one instead of a host.
pub fn literal(url: &Url) -> Option<IpAddr> {
    match url.host() {
        Some(Host::Ipv4(address)) => Some(address.into()),
        Some(Host::Ipv6(address)) => Some(address.into()),
        Some(Host::Domain(_)) | None => None,
    }
}

impl FromStr for InstanceUrl {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        let violation = |why: &str| Violation::new("invalid-url", why);
        if raw.len() > MAX_CHARS {
            return Err(Violation::new("too-long", "has more than 500 characters"));
        }
        let url = Url::parse(raw).map_err(|_| violation("is not a URL"))?;
        if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
            return Err(violation("must be an https URL"));
        }
        let is_plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !is_plain {
            return Err(violation("must have no credentials, query or fragment"));
        }
        Ok(Self(url))
    }
}

/// Networks that are not public and may be called all the same. Within them, HTTP without TLS may be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

/// Never called, whatever is listed: the metadata services of clouds hand out credentials.
const NEVER: [&str; 3] = ["169.254.0.0/16", "fe80::/10", "fd00:ec2::/32"];

/// Not reachable from everywhere: the special-purpose registries of IANA (RFC 6890), multicast, and
/// what is reserved.
const SPECIAL_V4: [&str; 17] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
];

/// The part of IPv6 that is handed out (RFC 4291, 2.4). Outside of it are loopback, private and
/// link-local addresses, and those with an IPv4 address in them: mapped, compatible, NAT64.
const GLOBAL_V6: &str = "2000::/3";

/// Special within it: protocol assignments with Teredo, documentation, 6to4, which has an IPv4 address
/// in it, and documentation again.
const SPECIAL_V6: [&str; 4] = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

impl Networks {
    /// True if there are any.
    pub fn has_any(&self) -> bool {
        !self.0.is_empty()
    }

    /// True if `address` may be called over this scheme.
    pub fn permit(&self, address: IpAddr, scheme: &str) -> bool {
        // `::ffff:10.0.0.1` is 10.0.0.1 in other clothes.
        let address = address.to_canonical();
        if is_in(&NEVER, address) {
            return false;
        }
        let is_listed = self.0.iter().any(|network| network.contains(&address));
        is_listed || (scheme == "https" && is_public(address))
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => !is_in(&SPECIAL_V4, address),
        IpAddr::V6(_) => is_in(&[GLOBAL_V6], address) && !is_in(&SPECIAL_V6, address),
    }
}

fn is_in(networks: &[&str], address: IpAddr) -> bool {
    let mut networks = networks.iter();
    // One that is none would hold everything, so that a slip is a refusal; a test reads them all.
    networks.any(|raw| {
        raw.parse::<IpNet>()
            .is_ok_and(|network| network.contains(&address))
    })
}

/// Networks with commas between them: `10.0.0.0/8,fd12:3456::/32`. Nothing is none.
impl FromStr for Networks {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        let networks = raw.split(',').map(str::trim).filter(|raw| !raw.is_empty());
        networks
            .map(|raw| raw.parse().map_err(|_| format!("`{raw}` is no network")))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for InstanceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn permits(networks: &str, address: &str, scheme: &str) -> bool {
        let networks: Networks = networks.parse().unwrap();
        networks.permit(address.parse().unwrap(), scheme)
    }

    #[test]
    fn only_public_addresses_are_called() {
        for address in [
            "1.1.1.1",
            "52.95.110.1",
            "2606:4700::1111",
            "2a00:1450:4001::1",
        ] {
            assert!(permits("", address, "https"), "{address}");
            assert!(!permits("", address, "http"), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:a00:1::1",
            "3fff::1",
        ] {
            assert!(!permits("", address, "https"), "{address}");
        }
    }

    /// However an IPv4 address is put into an IPv6 one, it opens nothing.
    #[test]
    fn an_ipv4_address_within_an_ipv6_one_is_no_way_in() {
        for address in [
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::a00:1",
            "2002:7f00:1::",
            "2001:0:7f00:1::",
        ] {
            assert!(!permits("", address, "https"), "{address}");
            assert!(!permits("10.0.0.0/8", address, "http"), "{address}");
        }
        assert!(permits("127.0.0.0/8", "::ffff:127.0.0.1", "http"));
    }

    #[test]
    fn a_listed_network_is_called_and_the_metadata_service_never() {
        assert!(permits("10.0.0.0/8, ::1/128", "10.1.2.3", "http"));
        assert!(permits("10.0.0.0/8, ::1/128", "::1", "http"));
        assert!(!permits("10.0.0.0/8", "192.168.0.1", "https"));
        for address in [
            "169.254.169.254",
            "169.254.170.2",
            "fe80::1",
            "fd00:ec2::254",
        ] {
            assert!(!permits("0.0.0.0/0,::/0", address, "https"), "{address}");
        }
        assert!("10.0.0.0/33".parse::<Networks>().is_err());
        assert!("everything".parse::<Networks>().is_err());
    }

    #[test]
    fn every_network_of_the_lists_is_one() {
        let all = NEVER
            .iter()
            .chain(&SPECIAL_V4)
            .chain(&SPECIAL_V6)
            .chain([&GLOBAL_V6]);
        for network in all {
            assert!(network.parse::<IpNet>().is_ok(), "{network}");
        }
    }

    #[test]
    fn a_url_is_a_base_without_secrets() {
        let url: InstanceUrl = "https://a.example.com/base/".parse().unwrap();
        assert_eq!(
            url.join("events").as_str(),
            "https://a.example.com/base/events"
        );
        let url: InstanceUrl = "https://a.example.com".parse().unwrap();
        assert_eq!(url.join("health").as_str(), "https://a.example.com/health");
        for raw in [
            "",
            "a.example.com",
            "ftp://a.example.com",
            "file:///etc/passwd",
            "https://",
            "https://ann:secret@a.example.com",
            "https://a.example.com/?a=b",
            "https://a.example.com/#a",
        ] {
            assert!(raw.parse::<InstanceUrl>().is_err(), "{raw}");
        }
    }

    /// Ways to write an address, all of which mean loopback or the metadata service.
    #[test]
    fn an_address_is_known_however_it_is_written() {
        for raw in [
            "https://127.0.0.1",
            "https://127.1",
            "https://2130706433",
            "https://0x7f000001",
            "https://0177.0.0.1",
            "https://[::1]",
            "https://[::ffff:7f00:1]",
            "https://169.254.169.254",
            "https://0xa9fea9fe/latest",
            "https://[fd00:ec2::254]",
        ] {
            let url: InstanceUrl = raw.parse().unwrap();
            let refused = url.check(&Networks::default()).unwrap_err();
            assert_eq!(refused.code, "address-refused", "{raw}");
        }
        let plain: InstanceUrl = "http://a.example.com".parse().unwrap();
        assert_eq!(
            plain.check(&Networks::default()).unwrap_err().code,
            "invalid-url"
        );
        let local: InstanceUrl = "http://127.0.0.1:1".parse().unwrap();
        assert!(local.check(&"127.0.0.0/8".parse().unwrap()).is_ok());
    }

    proptest! {
        /// Without a list, what is called has the first bits of a public address.
        #[test]
        fn no_private_address_is_public(bits: u32) {
            let address = std::net::Ipv4Addr::from(bits);
            let private = address.is_private() || address.is_loopback() || address.is_link_local()
                || address.is_broadcast() || address.is_documentation() || address.is_multicast()
                || address.is_unspecified();
            prop_assert!(!(private && Networks::default().permit(address.into(), "https")));
        }
    }
}
