//! The address guard: private networks, link-local and metadata services are not reached by accident or by DNS.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use keyway_component::is_loopback_host;
use url::{Host, Url};

/// Decides which addresses a connection may really use. Loopback only where the URL names it, private networks only
/// for hosts that the operator named.
#[derive(Debug, Clone, Default)]
pub struct AddressGuard {
    private_hosts: BTreeSet<String>,
}

/// An address that must not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{host}` is at {address}, which is not a public address; if that is meant, allow it with --allow-private-network {host}"
)]
pub struct AddressRefused {
    /// The host as the URL names it.
    pub host: String,
    /// The address that was found.
    pub address: IpAddr,
}

// === impl AddressGuard ===

impl AddressGuard {
    /// A guard that lets these hosts be on private networks.
    pub fn allowing(hosts: impl IntoIterator<Item = String>) -> Self {
        Self { private_hosts: hosts.into_iter().map(|host| host.to_ascii_lowercase()).collect() }
    }

    /// This guard, with these hosts let be on private networks as well.
    #[must_use]
    pub fn and_allowing(mut self, hosts: impl IntoIterator<Item = String>) -> Self {
        self.private_hosts.extend(hosts.into_iter().map(|host| host.to_ascii_lowercase()));
        self
    }

    /// Checks a URL whose host is an address: a resolver never sees those.
    ///
    /// # Errors
    /// The address, if it may not be used.
    pub fn check_literal(&self, url: &Url) -> Result<(), AddressRefused> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            _ => return Ok(()),
        };
        // An address names itself.
        self.decide(url.host_str().unwrap_or_default(), address, |_| true)
    }

    /// Checks an address that a host's name led to.
    ///
    /// # Errors
    /// The address, if it may not be used.
    pub fn check(&self, host: &str, address: IpAddr) -> Result<(), AddressRefused> {
        self.decide(host, address, is_loopback_host)
    }

    fn decide(
        &self,
        host: &str,
        address: IpAddr,
        names_loopback: impl FnOnce(&str) -> bool,
    ) -> Result<(), AddressRefused> {
        let is_allowed = is_public(address)
            || (address.is_loopback() && names_loopback(host))
            || self.private_hosts.contains(&host.to_ascii_lowercase());
        if is_allowed { Ok(()) } else { Err(AddressRefused { host: host.to_owned(), address }) }
    }
}

/// Whether an address is one of the public internet (IANA special-purpose registries, RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local() // 169.254.169.254 is where clouds keep their secrets
        || address.is_broadcast()
        || address.is_multicast()
        || address.is_documentation()
        || (a == 100 && (64..128).contains(&b)) // RFC 6598, carrier NAT; a cloud's metadata lives there too
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b)) // RFC 2544
        || a >= 240)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // Addresses that carry an IPv4 one inside are judged by it, and the mapped form is never needed.
    let nat64 = segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
    let inner = Ipv4Addr::from((u32::from(segments[6]) << 16) | u32::from(segments[7]));
    if nat64 {
        return is_public_v4(inner);
    }
    // 2000::/3 is all that is global unicast; 6to4, Teredo and documentation lie in it and are no destinations.
    (segments[0] & 0xe000) == 0x2000
        && segments[0] != 0x2002
        && !(segments[0] == 0x2001 && (segments[1] == 0 || segments[1] == 0xdb8))
        && segments[0] != 0x3fff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_public_is_refused() {
        let guard = AddressGuard::default();
        let refused = [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001:db8::1",
            "ff02::1",
        ];
        for address in refused {
            assert!(guard.check("api.example.com", address.parse().unwrap()).is_err(), "{address}");
        }
        for address in ["8.8.8.8", "172.32.0.1", "2606:4700::1111", "64:ff9b::808:808"] {
            assert!(guard.check("api.example.com", address.parse().unwrap()).is_ok(), "{address}");
        }
    }

    #[test]
    fn loopback_only_by_its_own_name_and_private_only_by_permission() {
        let guard = AddressGuard::allowing(["Intranet.example".to_owned()]);
        let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
        assert!(guard.check("localhost", local).is_ok());
        assert!(guard.check("127.0.0.1", local).is_ok());
        assert!(guard.check("localhost", "10.0.0.1".parse().unwrap()).is_err());
        assert!(guard.check("intranet.example", "10.0.0.1".parse().unwrap()).is_ok());
        assert!(guard.check("other.example", "10.0.0.1".parse().unwrap()).is_err());
    }

    #[test]
    fn literals_are_seen_in_every_spelling() {
        let guard = AddressGuard::default();
        for url in ["http://10.0.0.1/", "http://0x0a000001/", "http://167772161/", "http://[::ffff:10.0.0.1]/"] {
            assert!(guard.check_literal(&Url::parse(url).unwrap()).is_err(), "{url}");
        }
        for url in ["http://127.0.0.1:8080/", "http://[::1]/", "https://api.example.com/"] {
            assert!(guard.check_literal(&Url::parse(url).unwrap()).is_ok(), "{url}");
        }
    }
}
