//! Which addresses a student's kubeconfig may lead to.
//!
//! A kubeconfig makes whoever uses it send requests to a place its writer
//! chose. From an instructor's desk that place must not be the instructor's own
//! network. The name is resolved once, and the address that was judged is the
//! one that is used.

use std::{
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Networks that are nobody's public address.
const REFUSED_V4: [(&str, &str); 13] = [
    ("0.0.0.0/8", "this host"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared by a carrier"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "special"),
    ("192.0.2.0/24", "for documentation"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "for benchmarks"),
    ("198.51.100.0/24", "for documentation"),
    ("203.0.113.0/24", "for documentation"),
    ("224.0.0.0/3", "multicast or reserved"),
];
const REFUSED_V6: [(&str, &str); 8] = [
    ("::/128", "this host"),
    ("::1/128", "loopback"),
    ("64:ff9b::/96", "translated to IPv4"),
    ("64:ff9b:1::/48", "translated to IPv4"),
    ("2002::/16", "translated to IPv4"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("ff00::/8", "multicast"),
];

/// The address behind `host`, if requests may be sent there.
///
/// # Errors
/// A name that does not resolve, or one with an address that is refused.
pub fn allowed(host: &str, port: u16, allow: &[IpNet]) -> Result<SocketAddr, String> {
    resolved(host, port, allow, |name| Ok((name, port).to_socket_addrs()?.collect()))
}

/// The same with a look-up that can be made once only: a name that leads
/// elsewhere the next time gains nothing.
fn resolved(
    host: &str,
    port: u16,
    allow: &[IpNet],
    look_up: impl FnOnce(&str) -> io::Result<Vec<SocketAddr>>,
) -> Result<SocketAddr, String> {
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    let found = look_up(plain)
        .map_err(|error| format!("its server `{}` has no address: {error}", plain.escape_debug()))?;
    // All of them: which one is asked must not be a matter of luck.
    for address in &found {
        let ip = address.ip().to_canonical();
        if let Some(why) = refused(ip).filter(|_| !allow.iter().any(|net| net.contains(&ip))) {
            return Err(format!("its server leads to `{ip}`, which is {why}; `--allow-cidr` allows it"));
        }
    }
    let first =
        found.first().ok_or_else(|| format!("its server `{}` has no address", plain.escape_debug()))?;
    Ok(SocketAddr::new(first.ip().to_canonical(), port))
}

/// What is wrong with an address.
fn refused(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => REFUSED_V4
            .iter()
            .find(|(net, _)| net.parse::<Ipv4Net>().is_ok_and(|net| net.contains(&ip)))
            .map(|(_, why)| *why),
        IpAddr::V6(ip) => REFUSED_V6
            .iter()
            .find(|(net, _)| net.parse::<Ipv6Net>().is_ok_and(|net| net.contains(&ip)))
            .map(|(_, why)| *why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_of_the_list_is_one() {
        assert!(REFUSED_V4.iter().all(|(net, _)| net.parse::<Ipv4Net>().is_ok()));
        assert!(REFUSED_V6.iter().all(|(net, _)| net.parse::<Ipv6Net>().is_ok()));
    }

    #[test]
    fn addresses_of_ones_own_are_refused_however_they_are_written() {
        for host in [
            "127.0.0.1",
            "127.1.2.3",
            "10.0.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "[::1]",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "224.0.0.1",
            "255.255.255.255",
            "localhost",
        ] {
            let error = allowed(host, 6443, &[]).unwrap_err();
            assert!(error.contains("; `--allow-cidr` allows it"), "{host}: {error}");
        }
        for host in ["8.8.8.8", "172.32.0.1", "2606:4700::1", "169.253.1.1"] {
            assert!(allowed(host, 6443, &[]).is_ok(), "{host}");
        }
    }

    #[test]
    fn a_name_is_judged_by_all_its_addresses() {
        let leads_to = |addresses: &[&str]| {
            let found = addresses.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 1)).collect();
            resolved("grading.example", 6443, &[], |name| {
                assert_eq!(name, "grading.example");
                Ok(found)
            })
        };
        assert_eq!(leads_to(&["8.8.8.8", "1.1.1.1"]).unwrap().to_string(), "8.8.8.8:6443");
        for private in ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:192.168.0.1"] {
            for addresses in [&[private][..], &["8.8.8.8", private], &[private, "2606:4700::1"]] {
                let error = leads_to(addresses).unwrap_err();
                assert!(error.ends_with("; `--allow-cidr` allows it"), "{addresses:?}: {error}");
            }
        }
        assert_eq!(leads_to(&[]).unwrap_err(), "its server `grading.example` has no address");
    }

    #[test]
    fn what_is_allowed_is_allowed_alone() {
        let allow = ["10.1.0.0/16".parse().unwrap()];
        assert!(allowed("10.1.2.3", 6443, &allow).is_ok());
        assert!(allowed("::ffff:10.1.2.3", 6443, &allow).is_ok());
        assert!(allowed("10.2.2.3", 6443, &allow).is_err());
    }
}
