//! Tricks that lead a download where it must not go: one named row for each.

use std::io;
use std::net::IpAddr;
use std::sync::Mutex;

use crate::error::ErrorCode;

use super::*;

/// The names that the tables resolve.
#[derive(Debug)]
pub(super) struct Names;

impl Resolve for Names {
    fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let addresses: &[&str] = match host {
            "example.org" | "xn--bcher-kva.example" | "under_score.example" | "1.2.3.4.example" => {
                &["93.184.216.34", "2606:2800:220:1::1"]
            }
            "localhost" | "a.localhost" => &["127.0.0.1", "::1"],
            "metadata.google.internal" => &["169.254.169.254"],
            "loop.example" => &["127.0.0.1"],
            "loop6.example" => &["::1"],
            "private.example" => &["10.1.2.3", "192.168.0.1", "fd00::1"],
            "zero.example" => &["0.0.0.0", "::"],
            "mapped.example" => &["::ffff:169.254.169.254"],
            "nat64.example" => &["64:ff9b::10.0.0.1"],
            "nat64-global.example" => &["64:ff9b::93.184.216.34"],
            "mixed.example" => &["127.0.0.1", "93.184.216.34", "::1", "93.184.216.34"],
            "empty.example" => &[],
            _ => return Err(io::Error::other("no such name")),
        };
        Ok(addresses.iter().map(|text| text.parse().unwrap()).collect())
    }
}

/// What must be refused by the default rules: the trick, and the uri.
const REFUSED: &[(&str, &str)] = &[
    ("empty", ""),
    ("no scheme", "example.org/a"),
    ("scheme without slashes", "http:example.org/a"),
    ("scheme with one slash", "http:/example.org/a"),
    ("no scheme but slashes", "//example.org/a"),
    ("empty scheme", "://example.org/a"),
    ("file", "file:///etc/passwd"),
    ("file with host", "file://localhost/etc/passwd"),
    ("filesystem", "filesystem:///var/lib/glance/a"),
    ("ftp", "ftp://example.org/a"),
    ("gopher", "gopher://example.org:6379/_INFO"),
    ("dict", "dict://example.org:11211/stat"),
    ("data", "data:text/plain,a"),
    ("ldap", "ldap://example.org/a"),
    ("jar", "jar:http://example.org/a!/b"),
    ("scheme with percent", "ht%74p://example.org/a"),
    ("scheme with digit first", "1http://example.org/a"),
    ("blank before", " http://example.org/a"),
    ("blank after", "http://example.org/a "),
    ("blank in host", "http://exa mple.org/a"),
    ("blank in path", "http://example.org/a b"),
    ("tab in scheme", "ht\ttp://example.org/a"),
    ("tab in host", "http://exam\tple.org/a"),
    ("line feed in path", "http://example.org/a\nHost: b"),
    (
        "carriage return and line feed",
        "http://example.org/a\r\nX: y",
    ),
    ("encoded line feed in host", "http://example.org%0d%0a/a"),
    ("null byte", "http://example.org\0.evil.example/a"),
    ("delete byte", "http://example.org/\u{7f}"),
    ("backslash for slash", "http:\\\\example.org\\a"),
    ("backslash before at", "http://example.org\\@127.0.0.1/a"),
    ("backslash in path", "http://example.org/a\\b"),
    ("user", "http://user@example.org/a"),
    ("user and password", "http://user:secret@example.org/a"),
    ("empty credentials", "http://@example.org/a"),
    ("allowed host as user", "http://example.org@127.0.0.1/a"),
    ("two at signs", "http://a@b@example.org/a"),
    (
        "at sign encoded in host",
        "http://example.org%40127.0.0.1/a",
    ),
    ("encoded dots", "http://127%2e0%2e0%2e1/a"),
    ("encoded letters", "http://%6cocalhost/a"),
    ("encoded twice", "http://%256cocalhost/a"),
    ("percent without digits", "http://example.org/%zz"),
    ("percent at the end", "http://example.org/a%2"),
    ("no host", "http:///a"),
    ("no host but port", "http://:80/a"),
    ("no host but query", "http://?a"),
    ("fragment for host", "http://#example.org/"),
    ("fragment before at", "http://127.0.0.1#@example.org/"),
    ("query before at", "http://127.0.0.1?@example.org/"),
    ("two fragments", "http://example.org/#a#b"),
    ("port 0", "http://example.org:0/a"),
    ("empty port", "http://example.org:/a"),
    ("port too large", "http://example.org:65536/a"),
    ("port wraps to 80", "http://example.org:65616/a"),
    ("port with sign", "http://example.org:+80/a"),
    ("negative port", "http://example.org:-80/a"),
    ("port with zeros", "http://example.org:0080/a"),
    ("port with letters", "http://example.org:80x/a"),
    ("hexadecimal port", "http://example.org:0x50/a"),
    ("two ports", "http://example.org:80:22/a"),
    ("other port", "http://example.org:8080/a"),
    ("port of ssh", "http://example.org:22/"),
    ("port of redis", "https://example.org:6379/"),
    ("fullwidth letters", "http://\u{ff45}xample.org/a"),
    ("fullwidth dots", "http://127\u{3002}0\u{3002}0\u{3002}1/a"),
    ("circled digits", "http://\u{2460}\u{2461}\u{2466}.0.0.1/a"),
    ("unicode host", "http://b\u{fc}cher.example/a"),
    ("unicode in path", "http://example.org/\u{fc}"),
    ("soft hyphen", "http://local\u{ad}host/a"),
    ("trailing dot", "http://localhost./a"),
    ("trailing dot of an address", "http://127.0.0.1./a"),
    ("leading dot", "http://.example.org/a"),
    ("empty label", "http://example..org/a"),
    ("dot alone", "http://./a"),
    ("hyphen first", "http://-example.org/a"),
    ("hyphen last", "http://example-.org/a"),
    ("comma in host", "http://example.org,127.0.0.1/a"),
    ("semicolon in host", "http://example.org;127.0.0.1/a"),
    ("star as host", "http://*/a"),
    ("name not known", "http://nowhere.example/a"),
    ("name without address", "http://empty.example/a"),
    ("localhost", "http://localhost/a"),
    ("localhost in capitals", "http://LOCALHOST/a"),
    ("subdomain of localhost", "http://a.localhost/a"),
    ("metadata by name", "http://metadata.google.internal/a"),
    ("loopback by name", "http://loop.example/a"),
    ("loopback of IPv6 by name", "http://loop6.example/a"),
    ("private by name", "https://private.example/a"),
    ("unspecified by name", "http://zero.example/a"),
    ("mapped by name", "http://mapped.example/a"),
    ("translated private by name", "http://nat64.example/a"),
    ("loopback", "http://127.0.0.1/a"),
    ("loopback with https", "https://127.0.0.1/a"),
    ("loopback with port", "http://127.0.0.1:80/a"),
    ("other loopback", "http://127.255.255.254/a"),
    ("unspecified", "http://0.0.0.0/a"),
    ("this network", "http://0.1.2.3/a"),
    ("metadata", "http://169.254.169.254/latest/meta-data/"),
    (
        "metadata of a carrier's range",
        "http://100.100.100.200/latest/",
    ),
    (
        "metadata in protocol assignments",
        "http://192.0.0.192/opc/v2/",
    ),
    ("link-local", "http://169.254.0.1/a"),
    ("private 10", "http://10.0.0.1/a"),
    ("private 172.16", "http://172.16.0.1/a"),
    ("private 172.31", "http://172.31.255.255/a"),
    ("private 192.168", "http://192.168.1.1/a"),
    ("carrier's NAT", "http://100.64.0.1/a"),
    ("documentation", "http://192.0.2.1/a"),
    ("benchmarks", "http://198.18.0.1/a"),
    ("multicast", "http://224.0.0.1/a"),
    ("reserved", "http://240.0.0.1/a"),
    ("broadcast", "http://255.255.255.255/a"),
    ("decimal", "http://2130706433/a"),
    ("decimal with overflow", "http://4294967296/a"),
    ("hexadecimal", "http://0x7f000001/a"),
    ("hexadecimal in capitals", "http://0X7F000001/a"),
    ("hexadecimal parts", "http://0x7f.0x0.0x0.0x1/a"),
    ("hexadecimal last part", "http://127.0.0.0x1/a"),
    ("hexadecimal without digits", "http://127.0.0.0x/a"),
    ("octal", "http://017700000001/a"),
    ("octal parts", "http://0177.0.0.1/a"),
    ("octal parts with zeros", "http://0000177.0000.0000.0001/a"),
    ("leading zero", "http://127.0.0.01/a"),
    ("one part", "http://0/a"),
    ("two parts", "http://127.1/a"),
    ("three parts", "http://127.0.1/a"),
    ("five parts", "http://127.0.0.1.1/a"),
    ("part too large", "http://256.0.0.1/a"),
    ("name that ends in a number", "http://example.1/a"),
    ("name that ends in hexadecimal", "http://example.0x7f/a"),
    ("loopback of IPv6", "http://[::1]/a"),
    ("loopback of IPv6 written out", "http://[0:0:0:0:0:0:0:1]/a"),
    ("loopback of IPv6 with quad", "http://[::0.0.0.1]/a"),
    ("loopback of IPv6 without brackets", "http://::1/a"),
    ("unspecified of IPv6", "http://[::]/a"),
    ("mapped loopback", "http://[::ffff:127.0.0.1]/a"),
    ("mapped loopback in hexadecimal", "http://[::ffff:7f00:1]/a"),
    ("mapped global", "http://[::ffff:93.184.216.34]/a"),
    ("compatible loopback", "http://[::127.0.0.1]/a"),
    ("translated loopback", "http://[64:ff9b::127.0.0.1]/a"),
    ("translated metadata", "http://[64:ff9b::a9fe:a9fe]/a"),
    (
        "translator of a site",
        "http://[64:ff9b:1::93.184.216.34]/a",
    ),
    ("6to4 loopback", "http://[2002:7f00:1::]/a"),
    ("6to4 global", "http://[2002:5db8:d822::]/a"),
    ("Teredo", "http://[2001:0:5db8:d822::1]/a"),
    ("ISATAP loopback", "http://[2606::5efe:127.0.0.1]/a"),
    ("ULA", "http://[fd00:ec2::254]/latest/"),
    ("link-local of IPv6", "http://[fe80::1]/a"),
    ("zone", "http://[fe80::1%25eth0]/a"),
    ("zone of a global address", "http://[2606::1%251]/a"),
    ("site-local", "http://[fec0::1]/a"),
    ("multicast of IPv6", "http://[ff02::1]/a"),
    ("documentation of IPv6", "http://[2001:db8::1]/a"),
    ("discard-only", "http://[100::1]/a"),
    ("ORCHID", "http://[2001:20::1]/a"),
    ("brackets around a quad", "http://[127.0.0.1]/a"),
    ("brackets around a name", "http://[localhost]/a"),
    ("future address", "http://[v1.a]/a"),
    ("bracket not closed", "http://[::1/a"),
    ("bracket not opened", "http://::1]/a"),
    ("text behind bracket", "http://[2606::1]x/a"),
    ("text before bracket", "http://x[2606::1]/a"),
    ("bracket in path", "http://example.org/[a"),
];

/// What must pass: the uri, its normal form, and the addresses.
const PASSED: &[(&str, &str, &[&str])] = &[
    (
        "http://example.org",
        "http://example.org/",
        &["93.184.216.34:80", "[2606:2800:220:1::1]:80"],
    ),
    (
        "HTTPS://Example.ORG:443/A.img?B=c/?#d",
        "https://example.org:443/A.img?B=c/?",
        &["93.184.216.34:443", "[2606:2800:220:1::1]:443"],
    ),
    (
        "http://example.org:443?q",
        "http://example.org:443/?q",
        &["93.184.216.34:443", "[2606:2800:220:1::1]:443"],
    ),
    (
        "http://xn--bcher-kva.example/%C3%BC/./a/%2E%2e/b@c:d",
        "http://xn--bcher-kva.example/%C3%BC/b@c:d",
        &["93.184.216.34:80", "[2606:2800:220:1::1]:80"],
    ),
    (
        "http://mixed.example/",
        "http://mixed.example/",
        &["93.184.216.34:80"],
    ),
    ("https://1.1.1.1/a/..", "https://1.1.1.1/", &["1.1.1.1:443"]),
    (
        "http://[2606::0001]/a",
        "http://[2606::1]/a",
        &["[2606::1]:80"],
    ),
    (
        "http://[2606::1]:443/",
        "http://[2606::1]:443/",
        &["[2606::1]:443"],
    ),
    (
        "http://nat64-global.example/../..//a/",
        "http://nat64-global.example//a/",
        &["[64:ff9b::5db8:d822]:80"],
    ),
];

#[test]
fn every_trick_is_refused() {
    let rules = UriRules::default();
    for (name, uri) in REFUSED {
        match rules.check(uri, &Names) {
            Ok(passed) => panic!("{name}: {uri} passes as {passed:?}"),
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::UriNotAllowed, "{name}");
                assert_eq!(error.http_status(), 400, "{name}");
                assert!(!error.message().contains("secret"), "{name}: {error}");
                println!("{name}: {error}");
            }
        }
    }
    let mut names: Vec<_> = REFUSED.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), REFUSED.len(), "a name stands there twice");
    assert!(names.len() >= 60, "the table has lost rows");
    println!(
        "{} tricks refused, {} uris passed",
        REFUSED.len(),
        PASSED.len()
    );
}

#[test]
fn sound_uris_pass_with_the_addresses_that_were_checked() {
    for (uri, normal, addresses) in PASSED {
        let checked = UriRules::default().check(uri, &Names).unwrap();
        assert_eq!(checked.to_uri(), *normal);
        let found: Vec<_> = checked
            .addresses()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, *addresses, "{uri}");
        let again = UriRules::default().check(normal, &Names).unwrap();
        assert_eq!(again, checked, "{uri}");
    }
}

#[test]
fn long_uris_are_refused_with_the_bound() {
    let of_len = |len: usize| format!("http://1.1.1.1/{}", "a".repeat(len - 15));
    assert!(UriRules::default().check(&of_len(8_000), &Names).is_ok());
    let error = UriRules::default()
        .check(&of_len(8_001), &Names)
        .unwrap_err();
    assert_eq!(error.message(), "the uri is 8001 bytes, limit 8000");
    for (label, name, passes) in [(63, 250, true), (64, 250, false), (63, 254, false)] {
        let labels = [".", &"a".repeat(label)].concat().repeat(4);
        let host = &labels[1..=name];
        let rules = UriRules {
            allowed_hosts: vec![host.to_owned()],
            ..UriRules::default()
        };
        let found = rules.check(&format!("http://{host}/"), &Loopback);
        assert_eq!(found.is_ok(), passes, "{} {found:?}", host.len());
    }
}

#[derive(Debug)]
struct Loopback;

impl Resolve for Loopback {
    fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec!["127.0.0.1".parse().unwrap()])
    }
}

/// A uri, rules made from the default ones, and whether it passes.
type Row = (&'static str, fn(&mut UriRules), bool);

fn list(entries: &[&str]) -> Vec<String> {
    entries.iter().map(|&entry| entry.to_owned()).collect()
}

#[test]
fn lists_of_operators_hold_as_the_specification_says() {
    let rows: &[Row] = &[
        (
            "http://example.org/",
            |r| r.allowed_schemes = list(&["HTTPS"]),
            false,
        ),
        (
            "https://example.org/",
            |r| r.allowed_schemes = list(&["HTTPS"]),
            true,
        ),
        (
            "ftp://example.org/",
            |r| r.allowed_schemes = list(&["ftp"]),
            false,
        ),
        (
            "http://example.org/",
            |r| {
                r.allowed_schemes = Vec::new();
                r.disallowed_schemes = list(&["http"]);
            },
            false,
        ),
        (
            "http://example.org/",
            |r| r.disallowed_schemes = list(&["http"]),
            true,
        ),
        (
            "http://example.org/",
            |r| r.allowed_hosts = list(&["Example.org"]),
            true,
        ),
        (
            "http://mixed.example/",
            |r| r.allowed_hosts = list(&["example.org"]),
            false,
        ),
        (
            "http://private.example/",
            |r| r.allowed_hosts = list(&["private.example"]),
            true,
        ),
        (
            "http://10.1.2.3/",
            |r| r.allowed_hosts = list(&["private.example"]),
            false,
        ),
        (
            "http://127.0.0.1/",
            |r| r.allowed_hosts = list(&["127.0.0.1"]),
            true,
        ),
        (
            "http://localhost/",
            |r| r.allowed_hosts = list(&["127.0.0.1"]),
            false,
        ),
        ("http://[::1]/", |r| r.allowed_hosts = list(&["0::1"]), true),
        (
            "http://[::1]/",
            |r| r.allowed_hosts = list(&["[::1]"]),
            true,
        ),
        (
            "http://127.1/",
            |r| r.allowed_hosts = list(&["127.1"]),
            false,
        ),
        (
            "http://example.org/",
            |r| r.disallowed_hosts = list(&["EXAMPLE.org"]),
            false,
        ),
        (
            "http://1.1.1.1/",
            |r| r.disallowed_hosts = list(&["1.1.1.1"]),
            false,
        ),
        (
            "http://nat64-global.example/",
            |r| {
                r.disallowed_hosts = list(&["93.184.216.34"]);
            },
            false,
        ),
        (
            "http://example.org/",
            |r| {
                r.disallowed_hosts = list(&["93.184.216.34", "2606:2800:220:1::1"]);
            },
            false,
        ),
        (
            "http://example.org/",
            |r| r.disallowed_hosts = list(&["93.184.216.34"]),
            true,
        ),
        (
            "http://example.org/",
            |r| {
                r.allowed_hosts = list(&["example.org"]);
                r.disallowed_hosts = list(&["example.org", "93.184.216.34"]);
            },
            true,
        ),
        (
            "http://example.org:8080/",
            |r| r.allowed_ports = vec![8080],
            true,
        ),
        (
            "http://example.org/",
            |r| r.allowed_ports = vec![8080],
            true,
        ),
        (
            "http://example.org:80/",
            |r| r.allowed_ports = vec![8080],
            false,
        ),
        (
            "http://example.org:22/",
            |r| {
                r.allowed_ports = Vec::new();
                r.disallowed_ports = vec![22];
            },
            false,
        ),
        (
            "http://example.org:23/",
            |r| {
                r.allowed_ports = Vec::new();
                r.disallowed_ports = vec![22];
            },
            true,
        ),
        (
            "http://example.org:80/",
            |r| r.disallowed_ports = vec![80],
            true,
        ),
    ];
    for (at, (uri, change, passes)) in rows.iter().enumerate() {
        let mut rules = UriRules::default();
        change(&mut rules);
        let found = rules.check(uri, &Names);
        assert_eq!(found.is_ok(), *passes, "row {at}: {uri} {found:?}");
    }
}

#[test]
fn a_name_is_looked_up_once_and_an_address_never() {
    #[derive(Debug, Default)]
    struct Counted(Mutex<Vec<String>>);
    impl Resolve for Counted {
        fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
            self.0.lock().unwrap().push(host.to_owned());
            Names.resolve(host)
        }
    }
    let names = Counted::default();
    let check = |uri| UriRules::default().check(uri, &names);
    check("http://Example.org/").unwrap();
    check("http://1.1.1.1/").unwrap();
    check("http://0x7f000001/").unwrap_err();
    check("ftp://localhost/").unwrap_err();
    check("http://localhost:22/").unwrap_err();
    assert_eq!(*names.0.lock().unwrap(), ["example.org"]);
}

#[test]
fn what_is_debugged_has_no_path_or_query() {
    let checked = UriRules::default().check("http://1.1.1.1/secret?secret#secret", &Names);
    let checked = checked.unwrap();
    let shown = format!("{checked:?} {checked}");
    assert!(
        shown.contains("http://1.1.1.1") && !shown.contains("secret"),
        "{shown}"
    );
}

#[test]
fn redirects_resolve_as_the_rfc_says() {
    let base = UriRules::default()
        .check("https://1.1.1.1/b/c/d;p?q", &Names)
        .unwrap();
    // RFC 3986, section 5.4, with a host that is an address.
    for (location, expected) in [
        ("g", "/b/c/g"),
        ("./g", "/b/c/g"),
        ("g/", "/b/c/g/"),
        ("/g", "/g"),
        ("?y", "/b/c/d;p?y"),
        ("g?y", "/b/c/g?y"),
        ("#s", "/b/c/d;p?q"),
        ("g#s", "/b/c/g"),
        (";x", "/b/c/;x"),
        ("", "/b/c/d;p?q"),
        (".", "/b/c/"),
        ("..", "/b/"),
        ("../g", "/b/g"),
        ("../..", "/"),
        ("../../../g", "/g"),
        ("/./g", "/g"),
        ("g.", "/b/c/g."),
        ("..g", "/b/c/..g"),
        ("./g/.", "/b/c/g/"),
        ("g/../h", "/b/c/h"),
        ("g;x=1/../y", "/b/c/y"),
        ("g?y/../x", "/b/c/g?y/../x"),
        ("//1.1.1.1/x", "/x"),
        ("https://1.1.1.1", "/"),
    ] {
        let joined = UriRules::default().check(&base.join(location), &Names);
        assert_eq!(joined.unwrap().target(), expected, "{location}");
    }
}
