//! Certificates as files.

use std::fs;

use smalti::ErrorCode;
use smalti::signature::{CertificateDirectory, CertificateProvider};

#[test]
fn a_directory_gives_pem_before_der_and_reads_anew() {
    let root = tempfile::tempdir().expect("a directory");
    let certificates = CertificateDirectory::new(root.path());
    let read = |id: &str| certificates.certificate(id);
    let absent = read("a").expect_err("nothing is there");
    assert_eq!(absent.code(), ErrorCode::SignatureInvalid);
    assert_eq!(absent.message(), "certificate \"a\" is not there");
    fs::write(root.path().join("a.der"), b"der").expect("written");
    assert_eq!(read("a").expect("read"), b"der");
    fs::write(root.path().join("a.pem"), b"pem").expect("written");
    assert_eq!(read("a").expect("read"), b"pem");
    let id = "9F-b_1.x";
    fs::write(root.path().join(format!("{id}.pem")), vec![b'x'; 64 << 10]).expect("written");
    assert_eq!(read(id).expect("read").len(), 64 << 10);
    fs::write(
        root.path().join(format!("{id}.pem")),
        vec![b'x'; (64 << 10) + 1],
    )
    .expect("written");
    let long = read(id).expect_err("too long");
    assert_eq!(long.code(), ErrorCode::SignatureInvalid);
    assert_eq!(
        long.message(),
        "certificate \"9F-b_1.x\" is 65537 bytes, limit 65536"
    );
    fs::create_dir(root.path().join("d.pem")).expect("made");
    assert_eq!(
        read("d").expect_err("no file").code(),
        ErrorCode::StoreUnavailable
    );
}

#[test]
fn no_id_leads_out_of_the_directory() {
    let root = tempfile::tempdir().expect("a directory");
    let inner = root.path().join("inner");
    fs::create_dir_all(inner.join("sub")).expect("made");
    for path in [
        "out.pem",
        "inner/in.pem",
        "inner/sub/in.pem",
        "inner/.hidden.pem",
        "inner/.pem",
    ] {
        fs::write(root.path().join(path), b"bytes").expect("written");
    }
    let certificates = CertificateDirectory::new(&inner);
    certificates.certificate("in").expect("read");
    let absolute = root.path().join("out").to_string_lossy().into_owned();
    let long = "i".repeat(129);
    let ids = [
        "",
        ".",
        "..",
        "../out",
        "./in",
        "sub/in",
        "sub/../in",
        "/in",
        &absolute,
        ".hidden",
        "in\0",
        "in/",
        "a..b",
        "..\\out",
        "in.pem/..",
        "%2e%2e/out",
        "i n",
        "\u{e4}",
        &long,
    ];
    for id in ids {
        let error = certificates.certificate(id).expect_err(id);
        assert_eq!(error.code(), ErrorCode::SignatureInvalid, "{id:?}");
        assert!(error.message().ends_with("is no plain name"), "{error}");
        assert!(error.message().len() < 150, "{error}");
    }
    let other = certificates
        .certificate(&"i".repeat(128))
        .expect_err("absent");
    assert!(other.message().ends_with("is not there"), "{other}");
}
