//! Names that lead to this machine without saying so.

use std::net::{IpAddr, ToSocketAddrs};

/// A name other than `localhost` that leads to an address of this machine or of its network, and to IPv4: what a name of
/// the internet does that somebody has led astray.
pub fn a_name_of_this_machine() -> String {
    let own = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let names = [own.trim(), "ip4-localhost", "localhost.localdomain", "localhost4", "ip6-localhost"];
    let leads_here = |name: &&&str| {
        let found: Vec<_> = (**name, 0).to_socket_addrs().into_iter().flatten().collect();
        let here = |address: IpAddr| match address {
            IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
            IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unique_local(),
        };
        !name.is_empty() && !found.is_empty() && found.iter().all(|found| here(found.ip()))
    };
    let name = names.iter().find(leads_here);
    (*name.expect("this machine has a name of its own; give it one in /etc/hosts")).to_owned()
}
