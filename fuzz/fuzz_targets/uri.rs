//! Uris of downloads: nothing panics, what passes leads to global addresses only, and means the
//! same when it is read again.
#![no_main]

use std::io;
use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use smalti::fetch::{Resolve, UriRules};

/// Gives each name addresses that its bytes choose, so that the filter sees all kinds.
#[derive(Debug)]
struct Any;

impl Resolve for Any {
    fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        assert!(host.is_ascii() && host.parse::<IpAddr>().is_err(), "{host}");
        let mut bits = [0; 16];
        for (at, byte) in host.bytes().enumerate() {
            bits[at % 16] ^= byte.rotate_left(at as u32);
        }
        let [a, b, c, d, ..] = bits;
        Ok(vec![IpAddr::from([a, b, c, d]), IpAddr::from(bits)])
    }
}

/// What the standard library knows of addresses that are not global.
fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_unspecified()
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_multicast()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || v6.to_ipv4().is_some()
        }
    }
}

fuzz_target!(|input: (String, String)| {
    let (uri, location) = input;
    let rules = UriRules::default();
    for uri in [uri.clone(), format!("http://{uri}")] {
        let checked = match rules.check(&uri, &Any) {
            Ok(checked) => checked,
            Err(error) => {
                assert_eq!(error.http_status(), 400, "{error}");
                continue;
            }
        };
        assert!(!checked.addresses().is_empty());
        for address in checked.addresses() {
            assert!(!is_local(address.ip()), "{uri:?} leads to {address}");
            assert_eq!(address.port(), checked.port());
        }
        let normal = checked.to_uri();
        assert_eq!(
            rules.check(&normal, &Any).as_ref().ok(),
            Some(&checked),
            "{normal}"
        );
        assert!(
            normal.bytes().all(|byte| byte.is_ascii_graphic()),
            "{normal}"
        );
        assert!(
            !normal.contains(['#', '\\']) && !checked.origin().contains('@'),
            "{normal}"
        );
        drop(rules.check(&checked.join(&location), &Any));
    }
});
