//! What the service's own HTTP server is told: where it listens, who it's called by, who stands between, and how much it
//! bears.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::{SettingsError, span};

/// The server's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    pub listen: String,
    /// Names by which it's called, beside this machine's own and those of public_url and media_url.
    pub allowed_hosts: Vec<String>,
    /// Whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<Network>,
    /// Its certificate with those above it, and its key, as PEM; empty for none.
    pub tls_cert: PathBuf,
    pub tls_key: PathBuf,
    /// How many may be connected at once.
    pub connections: usize,
    /// A request's head, all of it; a connection without a request; a whole request with its answer.
    #[serde(deserialize_with = "span")]
    pub header_time: Duration,
    #[serde(deserialize_with = "span")]
    pub idle_time: Duration,
    #[serde(deserialize_with = "span")]
    pub request_time: Duration,
    pub header_kib: usize,
}

/// The smallest head that hyper reads into.
const LEAST_HEADER_KIB: usize = 8;

impl Http {
    /// Whether it speaks TLS itself.
    pub fn is_tls(&self) -> bool {
        !self.tls_cert.as_os_str().is_empty()
    }

    /// Where a command on this machine reaches it.
    pub fn own_address(&self) -> String {
        let scheme = if self.is_tls() { "https" } else { "http" };
        let at = match self.listen.parse::<SocketAddr>() {
            Ok(mut at) if at.ip().is_unspecified() => {
                let own: IpAddr = match at.ip() {
                    IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                    IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
                };
                at.set_ip(own);
                at.to_string()
            }
            _ => self.listen.clone(),
        };
        format!("{scheme}://{at}")
    }

    /// Where people find it: at its public address, where one is set.
    pub fn address(&self, public_url: &str) -> String {
        match public_url.trim_end_matches('/') {
            "" => self.own_address(),
            public => public.to_owned(),
        }
    }

    /// What the types can't say.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let wrong = |text: &str| Err(SettingsError::Wrong(text.to_owned()));
        if self.tls_cert.as_os_str().is_empty() != self.tls_key.as_os_str().is_empty() {
            return wrong("http.tls_cert 和 http.tls_key 要一起写，或者都不写");
        }
        if self.connections == 0 {
            return wrong("http.connections 至少为 1");
        }
        if self.header_kib < LEAST_HEADER_KIB {
            return wrong("http.header_kib 至少为 8");
        }
        if [self.header_time, self.idle_time, self.request_time].contains(&Duration::ZERO) {
            return wrong("http.header_time、http.idle_time、http.request_time 都要大于 0");
        }
        let odd = |host: &&String| {
            let is_address = host.parse::<IpAddr>().is_ok();
            host.is_empty() || !is_address && host.contains(['/', '*', ' ', ':'])
        };
        match self.allowed_hosts.iter().find(odd) {
            Some(host) => Err(SettingsError::Wrong(format!(
                "http.allowed_hosts：不能写「{host}」，只写名字，如 zoufang.example.cn，不带 http://、端口和星号"
            ))),
            None => Ok(()),
        }
    }
}

/// An address, or all that begin alike: 10.0.0.7, 10.0.0.0/8, fd00::/8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Whether this address is in it.
    pub fn has(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                alike(own.to_bits().into(), other.to_bits().into(), self.bits, 32)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                alike(own.to_bits(), other.to_bits(), self.bits, 128)
            }
            _ => false,
        }
    }
}

/// Whether two addresses of `all` bits begin with the same `bits`.
fn alike(one: u128, two: u128, bits: u32, all: u32) -> bool {
    (one ^ two).checked_shr(all - bits).unwrap_or(0) == 0
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Network, String> {
        let wrong = || format!("「{text}」不是地址，应写成 10.0.0.7 或 10.0.0.0/8");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| wrong()))?;
        if bits > most {
            return Err(wrong());
        }
        Ok(Network { address, bits })
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Network, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_network_has_those_that_begin_alike() {
        for (network, address, has) in [
            ("10.0.0.7", "10.0.0.7", true),
            ("10.0.0.7", "10.0.0.8", false),
            ("10.0.0.0/8", "10.255.3.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "fe80::1", false),
            ("::/0", "10.0.0.1", false),
        ] {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.has(address.parse().unwrap()), has, "{network:?} {address}");
        }
        for wrong in ["proxy", "10.0.0.0/33", "10.0.0.0/x", ""] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
