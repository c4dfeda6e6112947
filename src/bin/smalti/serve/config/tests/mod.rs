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
    let unset = ["none", "all", "that one store", "that of the request"];
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
    assert!(load("", &[("image_cache_max_size", "10GB")]).is_err());
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
    let file = config.policy.policy_file.expect("set").path;
    assert!(
        file.is_absolute() && file.ends_with("policy.yaml"),
        "{file:?}"
    );
    config
        .stores
        .expect_only(Path::new("./images"))
        .expect("one store of files");
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
            "\nuser_storage_quota = \"5GB\"",
            "user_storage_quota = \"5GB\" is not there yet; only 0",
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
            "\nenabled_import_methods = [\"glance-direct\"]",
            "enabled_import_methods = [\"glance-direct\"] is not there yet; only none",
        ),
        (
            "\nenabled_import_methods = [\"glance-direct\", \"web-download\", \"copy-image\"]",
            "enabled_import_methods = [\"glance-direct\", \"web-download\", \"copy-image\"] is \
            not there yet; only none",
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

#[test]
fn stores_are_tested_and_only_that_of_the_engine_is_there() {
    let refused = |text: &str, message: &str| {
        let config = load(text, &[]);
        let fault = config
            .and_then(|config| config.stores.expect_only(Path::new("/data")))
            .unwrap_err();
        assert!(fault.to_string().contains(message), "{fault}");
    };
    refused(
        "[stores.os_glance_x]\ntype = \"file\"",
        "has a name that is reserved",
    );
    refused("[stores.a]\npath = \"/data\"", "has no type");
    refused(
        "[stores.a]\ntype = \"s3\"",
        "type = \"s3\" is not one of file",
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
    refused(
        "[stores.a]\ntype = \"file\"\npath = \"/other\"",
        "a path other than that of --data",
    );
    refused("[stores.a]\ntype = \"file\"\nread_only = true", "read only");
    refused(
        "[stores.a]\ntype = \"file\"\n[stores.b]\ntype = \"file\"",
        "more than one store",
    );
    refused("default_backend = \"a\"", "names no store; there are: none");
    let config = load("[stores.a]\ntype = \"file\"\npath = \"/data\"", &[]).expect("right");
    config
        .stores
        .expect_only(Path::new("/data"))
        .expect("that of the engine");
}
