//! Tests of single keys: what they take, and where their bounds are.

use super::*;

#[test]
fn the_limits_of_the_front_end_are_set_within_their_bounds() {
    let seconds = |config: &Config| {
        let (server, front) = (&config.server, &config.front);
        [
            server.header_timeout,
            server.write_timeout,
            server.linger,
            server.shutdown_grace,
            front.body_idle,
            front.document_time,
        ]
        .map(|time| time.as_secs())
    };
    let text = "
        header_timeout = 1
        write_timeout = 2
        linger = 3
        shutdown_grace = 4
        body_idle = 5
        document_time = 6
        max_connections = 7
        head_max_bytes = \"8KiB\"
        document_memory_bytes = \"17MiB\"
        document_cache_bytes = 0
    ";
    let config = load(text, &[]).expect("right");
    assert_eq!(seconds(&config), [1, 2, 3, 4, 5, 6]);
    assert_eq!(config.server.max_connections, 7);
    assert_eq!(config.server.head_max_bytes, 8 << 10);
    assert_eq!(config.front.document_memory_bytes, 17 << 20);
    assert_eq!(config.front.document_cache_bytes, 0);
    for (key, below, above) in [
        ("header_timeout", "0", "86401"),
        ("write_timeout", "0", "86401"),
        ("linger", "-1", "86401"),
        ("shutdown_grace", "-1", "86401"),
        ("body_idle", "0", "86401"),
        ("document_time", "0", "86401"),
        ("max_connections", "0", "1048577"),
        ("head_max_bytes", "8191", "16777217"),
        ("document_memory_bytes", "16777215", "1025GiB"),
        ("document_cache_bytes", "-1", "1025GiB"),
    ] {
        for value in [below, above] {
            let fault = load("", &[(key, value)]).expect_err(key).to_string();
            assert!(
                fault.contains(&format!("{key} = {value} is not")),
                "{fault}"
            );
        }
    }
}

#[test]
fn the_base_of_links_is_a_url_and_no_more() {
    let not = "is not a url, http://HOST or https://HOST";
    let v2 = "ends in /v2, which links have behind it";
    for (value, what) in [
        ("h", not),
        ("ftp://a", not),
        ("https://", not),
        ("https:///a", not),
        ("https://a b", not),
        ("https://a\u{7}", not),
        ("https://a?x=1#f", "has a '?': links are made of it"),
        ("https://a/#f", "has a '#': links are made of it"),
        ("https://a/v2", v2),
        ("https://a/image/v2//", v2),
    ] {
        let fault = load("", &[("public_endpoint", value)]).expect_err(value);
        assert!(fault.to_string().contains(what), "{value}: {fault}");
    }
    for (value, base) in [
        ("https://a/", "https://a"),
        ("http://[::1]:9292", "http://[::1]:9292"),
        ("https://a/image/", "https://a/image"),
        ("https://v2", "https://v2"),
    ] {
        let config = load("", &[("public_endpoint", value)]);
        let found = config.map(|config| config.front.public_endpoint);
        assert_eq!(found, Ok(Some(base.to_owned())), "{value}");
    }
}

#[test]
fn a_list_of_formats_names_one() {
    for key in ["disk_formats", "container_formats"] {
        for (text, sets) in [
            (format!("{key} = []"), &[][..]),
            (String::new(), &[(key, "")]),
            (String::new(), &[(key, "[]")]),
        ] {
            let fault = load(&text, sets).expect_err(key);
            assert!(fault.to_string().contains("names no format"), "{fault}");
        }
    }
}

#[test]
fn formats_of_an_operators_own_are_refused() {
    for key in ["disk_formats", "container_formats"] {
        let known = load("", &[(key, "docker")]).is_ok();
        assert_eq!(known, key == "container_formats");
        let fault = load(&format!("{key} = [\"mine\"]"), &[]).expect_err(key);
        assert!(fault.to_string().contains("\"mine\""), "{fault}");
    }
}

#[test]
fn no_methods_of_import_are_taken_in_each_form() {
    let none = Config {
        settings: Settings {
            enabled_import_methods: Vec::new(),
            ..Settings::default()
        },
        ..Config::default()
    };
    for value in ["", "[]"] {
        let config = load("", &[("enabled_import_methods", value)]);
        assert_eq!(config.as_ref(), Ok(&none), "{value:?}");
    }
    let config = load("enabled_import_methods = []", &[]);
    assert_eq!(config, Ok(none));
}
