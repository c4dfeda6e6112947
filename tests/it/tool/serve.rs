//! The configuration of `smalti serve`, as far as it is read before anything is served.

use super::Tool;

#[test]
fn a_server_must_know_who_callers_are() {
    let tool = Tool::on_directory();
    tool.refused(&["serve"], 2, "--single-user makes everybody");
    tool.refused(
        &["serve", "--single-user", "--behind-proxy"],
        2,
        "cannot be used with",
    );
    let anonymous = [
        "serve",
        "--single-user",
        "--set",
        "allow_anonymous_access=true",
    ];
    tool.refused(&anonymous, 2, "says nothing with --single-user");
}

#[test]
fn a_wrong_configuration_is_named_and_nothing_is_made() {
    let tool = Tool::on_directory();
    tool.file(
        "smalti.toml",
        b"image_size_cap = 5\n\nimage_tag_quota = \"many\"\n",
    );
    tool.file("broken.toml", b"a = [1,\n");
    tool.file("policy.yaml", b"get_image: \"role:\n");
    let serve = |more: &[&str], code: i32, message: &str| {
        let args = [
            "serve",
            "--single-user",
            "--listen",
            "127.0.0.1:0",
            "--data",
            "images",
        ];
        tool.refused(&[&args, more].concat(), code, message);
    };
    serve(
        &["--config", "smalti.toml"],
        2,
        "image_tag_quota = \"many\"",
    );
    serve(&["--config", "smalti.toml"], 2, "smalti.toml, line 3");
    serve(&["--config", "broken.toml"], 2, "broken.toml, line");
    serve(&["--config", "none.toml"], 2, "none.toml");
    serve(&["--set", "no_such_key=1"], 2, "no_such_key");
    serve(
        &["--set", "linger=x"],
        2,
        "   do: `smalti serve --list-keys`",
    );
    serve(&["--set", "IMAGE_SIZE_CAP=1"], 2, "write image_size_cap");
    serve(
        &["--set", "max_parallel_stores=2"],
        2,
        "is not there yet; only 1",
    );
    serve(&["--set", "policy_file=no.yaml"], 2, "no.yaml");
    serve(
        &["--set", "policy_file=policy.yaml"],
        2,
        "policy_file = policy.yaml (--set): policy.yaml: ",
    );
    tool.file("rights.conf", b"[x]\ncreate = admin\n");
    tool.file("right.yaml", b"get_image: \"role:reader\"\n");
    tool.file(
        "rights.toml",
        b"policy_file = \"right.yaml\"\nproperty_protection_file = \"rights.conf\"\n",
    );
    serve(
        &["--config", "rights.toml"],
        2,
        "property_protection_file = \"rights.conf\" (rights.toml, line 2): property protections: ",
    );
    serve(
        &["--set", "property_protection_file=no.conf"],
        2,
        "property_protection_file = no.conf (--set): read no.conf",
    );
    serve(&["--log", "=="], 2, "log level");
    serve(&["--log", "bogus"], 2, "there is no level \"bogus\"");
    serve(&["--config", "none.toml"], 2, "   do: name a file");
    let on_a_file = ["serve", "--single-user", "--data", "policy.yaml"];
    let args = [&on_a_file[..], &["--listen", "127.0.0.1:0"]].concat();
    tool.refused(&args, 2, "   do: name a directory");
    assert!(!tool.path("images").exists(), "nothing was made");
}

#[test]
fn an_address_that_is_none_is_named() {
    let tool = Tool::on_directory();
    let args = [
        "serve",
        "--single-user",
        "--listen",
        "nowhere",
        "--data",
        "images",
    ];
    tool.refused(&args, 2, "listen on nowhere");
    assert!(!tool.path("images").exists(), "nothing was made");
}

#[test]
fn all_keys_are_listed() {
    let tool = Tool::on_directory();
    let keys = tool.json(&["serve", "--list-keys"]);
    let keys = keys["keys"].as_array().expect("keys");
    let names: Vec<_> = keys.iter().filter_map(|key| key["key"].as_str()).collect();
    // Of `spec/README.md`, section "Configuration".
    for name in [
        "disk_formats",
        "container_formats",
        "require_image_format_match",
        "gpt_safety_checks_nonfatal",
        "vmdk_allowed_types",
        "hashing_algorithm",
        "image_size_cap",
        "user_storage_quota",
        "use_limits",
        "use_keystone_limits",
        "image_member_quota",
        "image_property_quota",
        "image_tag_quota",
        "image_location_quota",
        "limit_param_default",
        "api_limit_max",
        "show_image_direct_url",
        "show_multiple_locations",
        "do_secure_hash",
        "http_retries",
        "enabled_import_methods",
        "allowed_schemes",
        "disallowed_schemes",
        "allowed_hosts",
        "disallowed_hosts",
        "allowed_ports",
        "disallowed_ports",
        "max_parallel_stores",
        "enabled_backends",
        "default_backend",
        "weight",
        "store_description",
        "task_time_to_live",
        "delayed_delete",
        "scrub_time",
        "image_cache_dir",
        "image_cache_max_size",
        "image_cache_stall_time",
        "allow_anonymous_access",
        "max_request_id_length",
        "property_protection_file",
        "property_protection_rule_format",
        "policy_file",
        "reject_4byte_unicode",
    ] {
        assert!(names.contains(&name), "{name}");
    }
}
