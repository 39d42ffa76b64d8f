//! IP addresses and networks.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::cel::error::EvalError;
use crate::cel::eval::Outcome;
use crate::cel::functions::{Ctx, Functions};
use crate::cel::value::Value;

use super::arguments::{cel_arguments, wrong_types};

pub(super) fn register(functions: &mut Functions) {
    functions
        .global("ip", ip)
        .member("ip", address_of)
        .global("isIP", is_ip)
        .global("ip.isCanonical", is_canonical)
        .global("cidr", cidr)
        .global("isCIDR", is_cidr)
        .member("family", family)
        .member("isUnspecified", |_, r, a| is(r, a, |ip| ip.is_unspecified()))
        .member("isLoopback", |_, r, a| is(r, a, |ip| ip.is_loopback()))
        .member("isLinkLocalMulticast", |_, r, a| is(r, a, link_local_multicast))
        .member("isLinkLocalUnicast", |_, r, a| is(r, a, link_local_unicast))
        .member("isGlobalUnicast", |_, r, a| is(r, a, global_unicast))
        .member("containsIP", contains_ip)
        .member("containsCIDR", contains_cidr)
        .member("prefixLength", prefix_length)
        .member("masked", masked);
}

/// An address; no zones, and no IPv4 address in IPv6 clothes.
fn parse_ip(text: &str) -> Option<IpAddr> {
    let ip: IpAddr = text.parse().ok()?;
    match ip {
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => None,
        ip => Some(ip),
    }
}

/// A network; the prefix is written without a sign or a leading zero.
fn parse_cidr(text: &str) -> Option<IpNet> {
    let (address, prefix) = text.rsplit_once('/')?;
    let canonical =
        prefix.bytes().all(|b| b.is_ascii_digit()) && (prefix.len() == 1 || !prefix.starts_with('0'));
    if !canonical {
        return None;
    }
    IpNet::new(parse_ip(address)?, prefix.parse().ok()?).ok()
}

fn no_ip(text: &str) -> EvalError {
    EvalError::invalid(format!("`{text}` is not an IP address"))
}

fn no_cidr(text: &str) -> EvalError {
    EvalError::invalid(format!("`{text}` is not a network such as `10.0.0.0/8`"))
}

fn ip(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (None, [Value::String(text)]));
    parse_ip(text).map(Value::Ip).ok_or_else(|| no_ip(text))
}

fn is_ip(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (None, [Value::String(text)]));
    Ok(Value::Bool(parse_ip(text).is_some()))
}

fn is_canonical(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (None, [Value::String(text)]));
    let ip = parse_ip(text).ok_or_else(|| no_ip(text))?;
    Ok(Value::Bool(ip.to_string() == **text))
}

fn cidr(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (None, [Value::String(text)]));
    parse_cidr(text).map(Value::Cidr).ok_or_else(|| no_cidr(text))
}

fn is_cidr(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (None, [Value::String(text)]));
    Ok(Value::Bool(parse_cidr(text).is_some()))
}

fn address_of(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::Cidr(net)), []));
    Ok(Value::Ip(net.addr()))
}

fn family(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::Ip(ip)), []));
    Ok(Value::Int(if ip.is_ipv4() { 4 } else { 6 }))
}

fn is(receiver: Option<&Value>, arguments: &[Value], what: fn(&IpAddr) -> bool) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::Ip(ip)), []));
    Ok(Value::Bool(what(ip)))
}

fn link_local_multicast(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.octets()[..3] == [224, 0, 0],
        IpAddr::V6(v6) => v6.segments()[0] & 0xff0f == 0xff02,
    }
}

fn link_local_unicast(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

fn global_unicast(ip: &IpAddr) -> bool {
    let broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    !broadcast && !ip.is_unspecified() && !ip.is_loopback() && !ip.is_multicast() && !link_local_unicast(ip)
}

fn contains_ip(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    let (net, ip) = match (receiver, arguments) {
        (Some(Value::Cidr(net)), [Value::Ip(ip)]) => (net, *ip),
        (Some(Value::Cidr(net)), [Value::String(text)]) => (net, parse_ip(text).ok_or_else(|| no_ip(text))?),
        _ => return Err(wrong_types(receiver, arguments)),
    };
    Ok(Value::Bool(net.contains(&ip)))
}

fn contains_cidr(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    let (net, inner) = match (receiver, arguments) {
        (Some(Value::Cidr(net)), [Value::Cidr(inner)]) => (net, *inner),
        (Some(Value::Cidr(net)), [Value::String(text)]) => {
            (net, parse_cidr(text).ok_or_else(|| no_cidr(text))?)
        }
        _ => return Err(wrong_types(receiver, arguments)),
    };
    Ok(Value::Bool(net.prefix_len() <= inner.prefix_len() && net.contains(&inner.addr())))
}

fn prefix_length(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::Cidr(net)), []));
    Ok(Value::Int(i64::from(net.prefix_len())))
}

fn masked(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::Cidr(net)), []));
    Ok(Value::Cidr(net.trunc()))
}
