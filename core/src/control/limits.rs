//! How often somebody may sign in and mint: what is guessed, or goes wrong over and over, is slowed down.

use std::net::{IpAddr, Ipv6Addr};

use super::{Authority, Control};
use crate::ports::{Hot, Unavailable, within};

/// Over how many seconds is counted.
pub(crate) const WINDOW: u32 = 60;

/// Leading bits of an IPv6 address that one customer has (RFC 6177): who has one of these addresses has all of them.
const IPV6_PREFIX: u32 = 64;

/// That it was too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooOften {
    /// Seconds until it may be tried again.
    pub retry_after: u32,
}

impl<A: Authority> Control<A> {
    /// Counts one more of what is limited; says if that is too often.
    pub(super) async fn limit(&self, name: &str, most: u32) -> Result<Option<TooOften>, Unavailable> {
        let limited = limited(self.hot(), name, most, self.now());
        within(self.clock(), self.deadline(), "the hot state", limited).await
    }
}

/// Counts one more of what is limited to `most` in a minute, none if it is not; says if that is too often.
pub(crate) async fn limited(
    hot: &impl Hot,
    name: &str,
    most: u32,
    now: crate::time::Timestamp,
) -> Result<Option<TooOften>, Unavailable> {
    if most == 0 {
        return Ok(None);
    }
    let (count, left) = hot.count(name, WINDOW, now).await?;
    Ok((count > u64::from(most)).then_some(TooOften { retry_after: left }))
}

/// Returns whom an address stands for where it is counted: one machine, or all that one customer has.
#[must_use]
pub(crate) fn neighbourhood(address: &str) -> String {
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) if address.to_ipv4_mapped().is_none() => {
            let bits = address.to_bits() >> (128 - IPV6_PREFIX) << (128 - IPV6_PREFIX);
            format!("{}/{IPV6_PREFIX}", Ipv6Addr::from_bits(bits))
        }
        Ok(address) => address.to_canonical().to_string(),
        // A host that does not know: all are one.
        Err(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_all_addresses_of_one_customer_together() {
        for (address, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::", "2001:db8:1:2::/64"),
            ("", "unknown"),
        ] {
            assert_eq!(neighbourhood(address), expected);
        }
    }
}
