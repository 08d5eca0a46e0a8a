//! Resolves names to addresses that may be called: what this returns is what is connected to, so a name
//! that means another address the next moment wins nothing (DNS rebinding).

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use domain::service::Networks;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Looks a name up.
type Lookup = Arc<dyn Fn(String) -> std::io::Result<Vec<IpAddr>> + Send + Sync>;

pub(super) struct Resolver {
    networks: Arc<Networks>,
    /// The scheme of the URLs which the names are from.
    scheme: &'static str,
    lookup: Lookup,
}

/// A name has no address that may be called.
#[derive(Debug)]
pub(super) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no address of the name may be called")
    }
}

impl std::error::Error for Refused {}

impl Resolver {
    /// Asks the machine's resolver.
    pub(super) fn new(networks: Arc<Networks>, scheme: &'static str) -> Self {
        Self::by(networks, scheme, Arc::new(ask_machine))
    }

    pub(super) fn by(networks: Arc<Networks>, scheme: &'static str, lookup: Lookup) -> Self {
        Self {
            networks,
            scheme,
            lookup,
        }
    }
}

fn ask_machine(name: String) -> std::io::Result<Vec<IpAddr>> {
    use std::net::ToSocketAddrs as _;

    let addresses = (name, 0).to_socket_addrs()?;
    Ok(addresses.map(|address| address.ip()).collect())
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, networks) = (self.lookup.clone(), self.networks.clone());
        let scheme = self.scheme;
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let found = tokio::task::spawn_blocking(move || lookup(name)).await??;
            let is_any = !found.is_empty();
            let permitted: Vec<_> = found
                .into_iter()
                .filter(|address| networks.permit(*address, scheme))
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            if permitted.is_empty() && is_any {
                return Err(Refused.into());
            }
            let addresses: Addrs = Box::new(permitted.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// What a name resolves to, if the machine's resolver says so.
    async fn resolved(
        networks: &str,
        scheme: &'static str,
        found: &'static [&'static str],
    ) -> Result<Vec<String>, bool> {
        let lookup = move |_| Ok(found.iter().map(|raw| raw.parse().unwrap()).collect());
        let networks = Arc::new(networks.parse().unwrap());
        let resolver = Resolver::by(networks, scheme, Arc::new(lookup));
        let addresses = resolver.resolve("a.example.com".parse().unwrap()).await;
        match addresses {
            Ok(addresses) => Ok(addresses.map(|address| address.ip().to_string()).collect()),
            Err(error) => Err(error.is::<Refused>()),
        }
    }

    #[tokio::test]
    async fn a_name_means_its_public_addresses_alone() {
        let public = resolved("", "https", &["1.1.1.1", "10.0.0.1", "::1"]).await;
        assert_eq!(public, Ok(vec!["1.1.1.1".to_owned()]));
        for private in [
            "127.0.0.1",
            "169.254.169.254",
            "10.0.0.1",
            "::ffff:10.0.0.1",
        ] {
            let found: &'static [&'static str] = Box::leak(Box::new([private]));
            assert_eq!(resolved("", "https", found).await, Err(true), "{private}");
        }
        let listed = resolved("10.0.0.0/8", "http", &["1.1.1.1", "10.0.0.1"]).await;
        assert_eq!(
            listed,
            Ok(vec!["10.0.0.1".to_owned()]),
            "without TLS, public ones neither"
        );
    }

    /// DNS rebinding: a name that was harmless when it was registered, and is not any more.
    #[tokio::test]
    async fn a_name_that_means_something_else_the_next_time_is_refused() {
        let asked = AtomicUsize::new(0);
        let lookup = move |_| {
            let address = match asked.fetch_add(1, Ordering::SeqCst) {
                0 => "1.1.1.1",
                _ => "169.254.169.254",
            };
            Ok(vec![address.parse().unwrap()])
        };
        let resolver = Resolver::by(Arc::default(), "https", Arc::new(lookup));
        let name = || "a.example.com".parse().unwrap();
        assert!(resolver.resolve(name()).await.is_ok());
        assert!(resolver.resolve(name()).await.is_err());
    }
}
