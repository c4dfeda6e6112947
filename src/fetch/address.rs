//! Which addresses are global unicast, by the registries of IANA; and addresses inside addresses.
//!
//! It refuses every block that a registry does not call globally reachable, and of those that it
//! does the ones for protocols in which no server of files is (2001::/23, 192.0.0.0/24).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Blocks of IPv4 that are refused: IANA IPv4 Special-Purpose Address Registry, multicast, and
/// what is reserved, with the broadcast address.
const REFUSED_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),       // "this network", RFC 791
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private use, RFC 1918
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // shared with a carrier's NAT, RFC 6598
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback, RFC 1122
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local, RFC 3927
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private use
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocol assignments, RFC 6890
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation, RFC 5737
    (Ipv4Addr::new(192, 31, 196, 0), 24), // AS112, RFC 7535
    (Ipv4Addr::new(192, 52, 193, 0), 24), // AMT, RFC 7450
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // relays of 6to4, RFC 7526
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private use
    (Ipv4Addr::new(192, 175, 48, 0), 24), // AS112, RFC 7534
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarks, RFC 2544
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast, RFC 5771
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved, and 255.255.255.255
];

/// All unicast addresses of IPv6 that were ever given out, RFC 4291, section 2.4. Outside of it
/// are `::`, `::1`, compatible and mapped addresses, discard-only, SRv6, ULA, link-local,
/// site-local and multicast.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What is refused inside [`GLOBAL_V6`]: IANA IPv6 Special-Purpose Address Registry.
const REFUSED_V6: &[(Ipv6Addr, u32)] = &[
    // Protocol assignments: Teredo, benchmarks, AMT, AS112, ORCHID, ORCHIDv2, DRIP.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation, RFC 3849
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),     // 6to4, RFC 7526
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48), // AS112, RFC 7534
    (Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16),     // 6bone, given back by RFC 3701
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),     // documentation, RFC 9637
];

/// The prefix of translators that all networks share, RFC 6052: the last 32 bits are IPv4.
const NAT64: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// Tells whether `address` is one that anybody on the internet may have.
///
/// An address of a translator (NAT64) is what the IPv4 address in it is, because hosts with IPv6
/// alone reach those of IPv4 by no other; an interface of ISATAP must name a global one, too.
pub(super) fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !REFUSED_V4.iter().any(|&block| is_in_v4(v4, block)),
        IpAddr::V6(v6) if is_in_v6(v6, NAT64) => is_global(IpAddr::V4(last_32(v6))),
        IpAddr::V6(v6) => {
            let inner = isatap(v6).map(IpAddr::V4);
            is_in_v6(v6, GLOBAL_V6)
                && !REFUSED_V6.iter().any(|&block| is_in_v6(v6, block))
                && inner.is_none_or(is_global)
        }
    }
}

/// Tells whether `address` is `listed`, or carries it inside.
pub(super) fn is_or_carries(address: IpAddr, listed: IpAddr) -> bool {
    let IpAddr::V6(v6) = address else {
        return address == listed;
    };
    let inner = match is_in_v6(v6, NAT64) {
        true => Some(last_32(v6)),
        false => v6.to_ipv4().or_else(|| isatap(v6)),
    };
    address == listed || inner.map(IpAddr::V4) == Some(listed)
}

/// Returns the IPv4 address in an interface identifier of ISATAP, RFC 5214, section 6.1.
fn isatap(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., flags, mark, _, _] = v6.segments();
    (matches!(flags, 0 | 0x200) && mark == 0x5efe).then(|| last_32(v6))
}

fn last_32(v6: Ipv6Addr) -> Ipv4Addr {
    let [.., a, b, c, d] = v6.octets();
    Ipv4Addr::new(a, b, c, d)
}

fn is_in_v4(address: Ipv4Addr, (net, len_bits): (Ipv4Addr, u32)) -> bool {
    (address.to_bits() ^ net.to_bits()).leading_zeros() >= len_bits
}

fn is_in_v6(address: Ipv6Addr, (net, len_bits): (Ipv6Addr, u32)) -> bool {
    (address.to_bits() ^ net.to_bits()).leading_zeros() >= len_bits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each block, its last address, and those around it.
    #[test]
    fn blocks_are_refused_from_their_first_address_to_their_last() {
        for &(net, len_bits) in REFUSED_V4 {
            let last = net.to_bits() | (u32::MAX >> len_bits);
            for bits in [net.to_bits(), last] {
                assert!(
                    !is_global(Ipv4Addr::from_bits(bits).into()),
                    "{net} {bits:x}"
                );
            }
        }
        for &(net, len_bits) in REFUSED_V6 {
            let last = net.to_bits() | (u128::MAX >> len_bits);
            for bits in [net.to_bits(), last] {
                assert!(
                    !is_global(Ipv6Addr::from_bits(bits).into()),
                    "{net} {bits:x}"
                );
            }
        }
    }

    #[track_caller]
    fn check(text: &str, expected: bool) {
        assert_eq!(is_global(text.parse().unwrap()), expected, "{text}");
    }

    #[test]
    fn neighbours_of_blocks_are_global() {
        let global = [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "198.51.101.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "2000::",
            "2001:200::",
            "2001:db7:ffff::",
            "2001:db9::",
            "2001:ffff::",
            "2003::",
            "2606:4700::1111",
            "3ffd:ffff::",
            "3fff:1000::",
            "64:ff9b::1.1.1.1",
            "2606::5efe:1.1.1.1",
        ];
        global.iter().for_each(|text| check(text, true));
    }

    #[test]
    fn what_is_outside_of_global_unicast_is_refused() {
        let refused = [
            "::",
            "::1",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:8.8.8.8",
            "64:ff9b::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::8.8.8.8",
            "64:ff9b::1:0:808:808",
            "100::",
            "100:0:0:1::",
            "1fff:ffff::",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2002:808:808::",
            "4000::",
            "5f00::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "2606::5efe:127.0.0.1",
            "2606::200:5efe:10.0.0.1",
        ];
        refused.iter().for_each(|text| check(text, false));
    }

    #[test]
    fn a_listed_address_is_found_inside_others() {
        let listed = "8.8.8.8".parse().unwrap();
        for text in [
            "8.8.8.8",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2606::5efe:8.8.8.8",
        ] {
            assert!(is_or_carries(text.parse().unwrap(), listed), "{text}");
        }
        assert!(!is_or_carries("2606::8.8.8.8".parse().unwrap(), listed));
    }
}
