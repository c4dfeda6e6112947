//! Tests of the configuration as a whole: what is taken, and how refusals read.

mod single;

use smalti::image::DiskFormat;
use smalti::{Algorithm, Dedup};

use super::*;

fn load(text: &str, sets: &[(&str, &str)]) -> Outcome<Config> {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("smalti.toml");
    std::fs::write(&path, text).expect("written");
    let sets: Vec<_> = sets
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    let config = Config::load(Some(&path), &sets);
    let prefix = format!("{}/", dir.path().display());
    config.map_err(|fault| {
        let message = fault.to_json()["error"]["message"]
            .to_string()
            .replace(&prefix, "");
        Fault::usage(message.trim_matches('"').replace("\\\"", "\""))
    })
}

#[track_caller]
fn refused(text: &str, sets: &[(&str, &str)], message: &str) {
    let fault = load(text, sets).expect_err(message);
    assert_eq!(fault.to_string(), format!("error: {message}"));
}

#[test]
fn every_key_takes_its_default_and_nothing_changes() {
    let config = |sets: &[(&str, &str)]| load("", sets).expect("defaults");
    let unset = [
        "none",
        "all",
        "that of the directory",
        "that of the request",
    ];
    for key in keys::all() {
        if !unset.contains(&key.default) {
            let set = config(&[(key.name, key.default)]);
            assert_eq!(set, Config::default(), "{} = {}", key.name, key.default);
        }
    }
    for later in later::LATER {
        let shown = later.shown();
        let value = if shown == "none" { "" } else { &shown };
        assert_eq!(
            config(&[(later.name, value)]),
            Config::default(),
            "{}",
            later.name
        );
    }
}

#[test]
fn sizes_that_ask_for_nothing_are_taken_with_and_without_a_unit() {
    for (key, value) in [
        ("image_cache_max_size", "10GiB"),
        ("image_cache_max_size", "10737418240"),
        ("user_storage_quota", "0B"),
        ("user_storage_quota", "0"),
    ] {
        for (text, sets) in [
            (String::new(), &[(key, value)][..]),
            (format!("{key} = \"{value}\"\n"), &[]),
        ] {
            assert_eq!(load(&text, sets), Ok(Config::default()), "{key} = {value}");
        }
    }
}

#[test]
fn each_key_stands_once() {
    let later = later::LATER.iter().map(|key| key.name);
    let mut names: Vec<&str> = keys::all().map(|key| key.name).chain(later).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "{names:?}");
}

#[test]
fn a_file_and_the_command_line_set_what_they_name() {
    let text = "
        hashing_algorithm = \"sha256\"
        image_size_cap = 1_000
        disk_formats = [\"raw\", \"qcow2\"]
        image_tag_quota = -1
        delayed_delete = true
        scrub_time = 0x10
        dedup = \"engine\"
        policy_file = \"policy.yaml\"
        public_endpoint = \"https://images.example/\"
        [stores.fast]
        type = \"file\"
        description = \"d\"
    ";
    let sets = [
        ("image_size_cap", "5GiB"),
        ("default_backend", "fast"),
        ("container_formats", "bare, ova"),
    ];
    let config = load(text, &sets).expect("right");
    let settings = &config.settings;
    assert_eq!(settings.hashing_algorithm, Some(Algorithm::Sha256));
    assert_eq!(settings.image_size_cap, 5 << 30);
    assert_eq!(
        settings.limits.disk_formats,
        [DiskFormat::Raw, DiskFormat::Qcow2]
    );
    assert_eq!(settings.limits.container_formats.len(), 2);
    assert_eq!(settings.limits.tags_max, None);
    assert_eq!((settings.delayed_delete, settings.scrub_time_s), (true, 16));
    assert_eq!(settings.dedup, Dedup::Engine);
    assert_eq!(
        config.front.public_endpoint.as_deref(),
        Some("https://images.example")
    );
    let file = config.policy.policy_file.clone().expect("set").path;
    assert!(
        file.is_absolute() && file.ends_with("policy.yaml"),
        "{file:?}"
    );
    drop(opened(&config, Path::new("./images")).expect("one store of files"));
}

#[test]
fn what_is_wrong_is_named_with_key_value_bound_and_line() {
    let at = "(smalti.toml, line 2)";
    for (text, message) in [
        (
            "\nimage_size_cap = 0",
            "image_size_cap = 0 is not a number of bytes from 1 to \
            4611686018427387903, with or without a unit",
        ),
        (
            "\nlimit_param_default = 0",
            "limit_param_default = 0 is not a whole number from 1 to 1048576",
        ),
        ("\nlegacy_md5 = 1", "legacy_md5 = 1 is not true or false"),
        (
            "\nlegacy_md5 = \"true\"",
            "legacy_md5 = \"true\" is not true or false",
        ),
        (
            "\nscrub_time = 1.5",
            "scrub_time = 1.5 is not a whole number from 0 to 9223372036854775807",
        ),
        (
            "\nhashing_algorithm = \"sha9\"",
            "hashing_algorithm = \"sha9\" is wrong: hash algorithm \"sha9\" is \
            not one of sha1, sha224, sha256, sha384, sha512, sha3_224, sha3_256, sha3_384, sha3_512, blake2b, \
            blake2s, md5",
        ),
        (
            "\ndedup = \"all\"",
            "dedup = \"all\" is wrong: unknown variant `all`, expected `owner` or `engine`",
        ),
        (
            "\npublic_endpoint = \"h\"",
            "public_endpoint = \"h\" is not a url, http://HOST or https://HOST",
        ),
        ("\nimage_sizecap = 5", "there is no key \"image_sizecap\""),
        (
            "\nuser_storage_quota = \"5 GB\"",
            "user_storage_quota = \"5 GB\" \"5 GB\" is no number of bytes, with B, KB, MB, GB or TB behind \
             it if any, below 2^64",
        ),
        (
            "\ngpt_safety_checks_nonfatal = [\"mbr\", \"MBR\"]",
            "gpt_safety_checks_nonfatal = [\"mbr\", \"MBR\"] is wrong: no safety check is called \"MBR\"",
        ),
        (
            "\nimage_cache_dir = \"/x\"",
            "image_cache_dir = \"/x\" is not there yet; only none",
        ),
        (
            "\nenabled_import_methods = [\"glance-download\"]",
            "enabled_import_methods = [\"glance-download\"] names glance-download, for which \
            nothing here knows other regions",
        ),
        (
            "\nenabled_import_methods = [\"copy\"]",
            "enabled_import_methods = [\"copy\"] is wrong: unknown variant `copy`, expected one of \
            `glance-direct`, `web-download`, `glance-download`, `copy-image`",
        ),
        (
            "\nallowed_ports = [80, 65536]",
            "allowed_ports = [80, 65536] is wrong: number too large to fit in target type",
        ),
        ("\nstores = 5", "stores = 5 is not tables [stores.NAME]"),
    ] {
        refused(text, &[], &format!("{message} {at}"));
    }
    refused(
        "",
        &[("api_limit_max", "x")],
        "api_limit_max = x is not a whole number from 1 to 1048576 (--set)",
    );
    refused(
        "",
        &[("a", "1"), ("a", "2")],
        "a is set twice by --set: to 1 and to 2",
    );
    let fault = load("delayed_delete = true\ndelayed_delete = true", &[]).expect_err("twice");
    assert!(
        fault.to_string().ends_with("(smalti.toml, line 2)"),
        "{fault}"
    );
    assert!(fault.to_string().contains("duplicate key"), "{fault}");
}

/// Puts the engine of a directory together, and does not open it.
fn opened(config: &Config, data: &Path) -> Outcome<smalti::Builder> {
    config.builder(data)
}

#[test]
fn stores_are_tested_and_what_is_wrong_is_named() {
    let refused = |text: &str, message: &str| {
        let config = load(text, &[]);
        let opened = config.and_then(|config| opened(&config, Path::new("/data")));
        let fault = opened.expect_err(message);
        assert!(fault.to_string().contains(message), "{fault}");
    };
    refused(
        "[stores.os_glance_x]\ntype = \"file\"",
        "has a name that is reserved",
    );
    refused("[stores.a]\npath = \"/data\"", "has no type");
    refused(
        "[stores.a]\ntype = \"rbd\"",
        "type = \"rbd\" is not one of file, s3",
    );
    refused(
        "[stores.a]\ntype = \"file\"\nsize = 1",
        "there is no member \"size\"",
    );
    refused(
        "[stores.a]\ntype = \"file\"\nweight = \"1\"",
        "store a: weight = \"1\" is not a whole number",
    );
    refused(
        "[stores.a]\ntype = \"file\"\ndescription = 1",
        "store a: description = 1 is not a text",
    );
    refused("default_backend = \"a\"", "names no store; there are: none");
    refused(
        "default_backend = \"a\"\n[stores.a]\ntype = \"file\"\n\
         [stores.b]\ntype = \"file\"\ndefault = true",
        "default_backend = \"a\" stands against store b",
    );
    refused(
        "[stores.a]\ntype = \"file\"\ndefault = true\n\
         [stores.b]\ntype = \"file\"\npath = \"/b\"\ndefault = true",
        "is default, and so is another",
    );
}

#[test]
fn stores_stand_in_the_order_of_the_file_and_the_own_one_is_at_the_path_of_the_data() {
    let dir = tempfile::tempdir().expect("a directory");
    let (data, slow) = (dir.path().join("data"), dir.path().join("slow"));
    let text = format!(
        "[stores.slow]\ntype = \"file\"\npath = {slow:?}\nweight = -5\ndefault = true\n\
         [stores.fast]\ntype = \"file\"\npath = {data:?}\ndescription = \"d\"\n",
    );
    let config = load(&text, &[]).expect("right");
    let engine = opened(&config, &data).expect("right").open().expect("open");
    let stores = engine.stores();
    let found: Vec<_> = stores
        .iter()
        .map(|it| {
            (
                &*it.name,
                it.weight,
                it.is_default,
                it.description.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [("slow", -5, true, None), ("fast", 0, false, Some("d"))]
    );
    assert!(data.join("packs").is_dir() && slow.join("packs").is_dir());
}

#[test]
fn uris_are_allowed_as_the_keys_say() {
    let text = "
        allowed_hosts = [\"127.0.0.1\"]
        allowed_ports = [8080, 80]
        disallowed_hosts = [\"a\", \"b\"]
    ";
    let config = load(
        text,
        &[("allowed_schemes", "http"), ("disallowed_ports", "22,25")],
    );
    let uris = config.expect("right").uris;
    assert_eq!(uris.allowed_hosts, ["127.0.0.1"]);
    assert_eq!(uris.allowed_ports, [8080, 80]);
    assert_eq!(uris.allowed_schemes, ["http"]);
    assert_eq!(uris.disallowed_hosts, ["a", "b"]);
    assert_eq!(uris.disallowed_ports, [22, 25]);
    let none = load("", &[("enabled_import_methods", "")]).expect("right");
    assert!(none.settings.enabled_import_methods.is_empty());
}

#[test]
fn limits_of_projects_are_read_and_looked_up() {
    use smalti::ProjectId;
    use smalti::quota::{LimitSource, ProjectLimits};

    let text = "
        [limits.default]
        image_size_total = 100
        [limits.big]
        image_size_total = -1
        image_count_total = 5
    ";
    let limits = load(text, &[]).expect("right").limits;
    let of = |project: &str| limits.limits(Some(&ProjectId::new(project).expect("an id")));
    let default = ProjectLimits {
        image_size_total: Some(100),
        ..ProjectLimits::default()
    };
    assert_eq!((of("small"), limits.limits(None)), (default, default));
    let big = ProjectLimits {
        image_count_total: Some(5),
        ..ProjectLimits::default()
    };
    assert_eq!(of("big"), big);
    for wrong in [
        "limits = 3",
        "limits.p = 3",
        "[limits.p]\nimage_size_total = -2",
        "[limits.p]\nimage_size_total = \"1GiB\"",
        "[limits.p]\nimage_size = 2",
        "[limits.\"\"]\nimage_size_total = 2",
    ] {
        let fault = load(wrong, &[]).expect_err(wrong);
        assert!(
            ["InvalidSettings", "Usage"].contains(&fault.code()),
            "{wrong}"
        );
    }
}

#[cfg(feature = "s3")]
#[test]
fn a_store_in_a_bucket_has_all_that_it_needs() {
    let with = |members: &str| load(&format!("[stores.far]\ntype = \"s3\"\n{members}"), &[]);
    with("path = \"near\"\nbucket = \"b\"\ncache_size = \"1GiB\"").expect("right");
    let refused = |members: &str, why: &str| {
        let fault = with(members).expect_err(members).to_json().to_string();
        assert!(fault.contains(why), "{members}: {fault}");
    };
    refused("bucket = \"b\"", "has no path");
    refused("path = \"near\"", "has no bucket");
    let located = |members: &str| format!("path = \"near\"\nbucket = \"b\"\n{members}");
    refused(&located("access_key = \"k\""), "without the other");
    refused(&located("cache_size = -1"), "store far: cache_size = -1");
    refused(&located("bukket = \"b\""), "there is no member");
    let file = load("[stores.near]\ntype = \"file\"\nbucket = \"b\"", &[]);
    let fault = file.expect_err("it is in no bucket").to_json().to_string();
    assert!(fault.contains("members of an s3 store"), "{fault}");
}
