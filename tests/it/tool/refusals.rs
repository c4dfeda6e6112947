//! What the tool refuses, and what it teaches.

use std::process::Command;

use super::Tool;

#[test]
fn a_place_without_images_says_what_to_do() {
    let tool = Tool::on_directory();
    for args in [
        &["ls"][..],
        &["show", "x"],
        &["get", "x", "y"],
        &["gc"],
        &["verify"],
        &["stats"],
        &["put", "/dev/null", "--image", "x"],
        &["bench"],
    ] {
        tool.refused(args, 3, "there are no images");
    }
    assert_eq!(tool.files(), [""; 0]);
    assert!(!tool.path("images").exists(), "reading makes nothing");
    let tool = tool.at("ftp://host");
    tool.refused(&["ls"], 2, "scheme \"ftp\"");
    tool.refused(&["ls", "--at", "https://host"], 2, "TLS");
    tool.refused(&["ls", "--at", ""], 2, "the place is empty");
    tool.refused(&["ls", "--at", "/dev/null"], 2, "   do: name a directory");
}

#[test]
fn a_directory_of_other_files_is_left_alone() {
    let tool = Tool::on_directory();
    std::fs::create_dir(tool.path("images")).expect("made");
    std::fs::write(tool.path("images/letter.txt"), "dear").expect("written");
    tool.file("a.raw", b"x");
    for args in [&["ls"][..], &["put", "a.raw"]] {
        let ran = tool.run(args);
        assert_eq!(ran.code, Some(2), "{}", ran.stderr);
        assert!(ran.stderr.contains("images"), "{}", ran.stderr);
    }
    let left = std::fs::read_dir(tool.path("images"))
        .expect("there")
        .count();
    assert_eq!(left, 1);
}

#[test]
fn files_that_cannot_be_read_make_no_image() {
    let tool = Tool::on_directory();
    tool.refused(&["put", "nothing.raw"], 3, "nothing.raw");
    tool.refused(&["put", "."], 2, "is a directory");
    assert!(!tool.path("images").exists(), "nothing was made");
}

#[test]
fn upkeep_of_a_server_is_done_where_the_data_is() {
    let tool = Tool::on_directory().at("http://127.0.0.1:1");
    for command in ["gc", "verify", "stats"] {
        tool.refused(&[command], 2, "where the data is");
    }
    tool.refused(&["ls"], 7, "cannot reach http://127.0.0.1:1");
    tool.refused(&["ls", "--header", "nonsense"], 2, "NAME:VALUE");
}

#[test]
fn wrong_words_are_refused_before_anything_happens() {
    let tool = Tool::on_directory();
    tool.file("a.raw", b"x");
    for args in [
        &["put", "a.raw", "--disk-format", "floppy"][..],
        &["put", "a.raw", "--visibility", "secret"],
        &["put", "a.raw", "--id", "1"],
        &["put", "a.raw", "--property", "=x"],
        &["put", "a.raw", "--image", "x", "--name", "y"],
        &["put", "a.raw", "--property", "disk_format=iso"],
        &["put", "a.raw", "--property", "visibility=public"],
        &["get", "a", "b", "--range", "1-2,3-4"],
        &["get", "a", "b", "--range", "1-2", "--offset", "5"],
        &["set", "a", "--protect", "--unprotect"],
        &["bench", "--size", "much"],
        &["nonsense"],
        &["share"],
    ] {
        let ran = tool.run(args);
        assert_eq!(ran.code, Some(2), "{args:?}: {}", ran.stderr);
        assert!(!ran.stderr.is_empty(), "{args:?}");
    }
    let ran = tool.run(&["nonsense", "--json"]);
    let error: serde_json::Value = serde_json::from_str(&ran.stderr).expect("a document");
    assert_eq!(
        (ran.code, &error["error"]["code"]),
        (Some(2), &"Usage".into())
    );
}

#[test]
fn a_caller_sees_and_changes_what_its_project_may() {
    let tool = Tool::on_directory();
    tool.file("a.raw", b"x");
    tool.json(&["put", "a.raw", "--project", "a"]);
    assert_eq!(
        tool.json(&["show", "a.raw"])["owner"],
        "a",
        "an administrator sees all"
    );
    tool.refused(&["show", "a.raw", "--project", "b"], 3, "a.raw");
    tool.json(&["show", "a.raw", "--project", "a", "--role", "reader"]);
    let reader = ["set", "a.raw", "k=v", "--project", "a", "--role", "reader"];
    tool.refused(&reader, 4, "--role admin");
    tool.refused(&["ls", "--project", ""], 2, "project");
}

#[test]
fn completions_are_scripts_of_their_shells() {
    let tool = Tool::on_directory();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = tool.text(&["completions", shell]);
        assert!(
            script.contains("smalti") && script.contains("unshare"),
            "{shell}"
        );
    }
    let script = tool.file(
        "smalti.bash",
        tool.text(&["completions", "bash"]).as_bytes(),
    );
    let checked = Command::new("bash")
        .arg("-n")
        .arg(script)
        .status()
        .expect("bash runs");
    assert!(checked.success());
    tool.refused(&["completions", "sh"], 2, "possible values");
}

#[test]
fn help_names_exit_codes_and_examples() {
    let tool = Tool::on_directory();
    let help = tool.text(&["--help"]);
    for word in ["Exit codes", "smalti put debian.qcow2", "SMALTI_AT"] {
        assert!(help.contains(word), "{word}: {help}");
    }
    assert!(tool.text(&["--version"]).starts_with("smalti "));
}
