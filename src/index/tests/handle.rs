//! What a handle does that was opened for reading, or that is closed.

use super::{T, code, copy, create, files, memory, open, value};
use crate::error::ErrorCode;
use crate::index::contract::put;
use crate::index::{Kv, KvAccess};

#[test]
fn a_read_only_open_writes_nothing_and_wants_a_clean_close() {
    let disk = memory();
    let kv = create(&disk);
    put(&kv, T, b"a", b"1").unwrap();
    let unclean = copy(&disk);
    kv.close().unwrap();
    let before = files(&unclean);
    assert_eq!(
        code(open(&unclean, KvAccess::Read)),
        ErrorCode::NeedsRecovery
    );
    assert!(before == files(&unclean));

    let before = files(&disk);
    let reader = open(&disk, KvAccess::Read).unwrap();
    assert_eq!(value(&reader, b"a").unwrap(), b"1");
    assert_eq!(code(put(&reader, T, b"a", b"2")), ErrorCode::ReadOnlyEngine);
    assert_eq!(code(reader.checkpoint()), ErrorCode::ReadOnlyEngine);
    assert!(reader.stats().unwrap().index_bytes > 0);
    reader.close().unwrap();
    assert!(before == files(&disk));
}

#[test]
fn a_closed_map_says_so() {
    let disk = memory();
    let kv = create(&disk);
    put(&kv, T, b"a", b"1").unwrap();
    kv.close().unwrap();
    kv.close().unwrap();
    assert_eq!(code(put(&kv, T, b"a", b"2")), ErrorCode::Closed);
    assert_eq!(code(kv.read(|_| Ok(()))), ErrorCode::Closed);
    assert_eq!(code(kv.checkpoint()), ErrorCode::Closed);
    assert!(disk.list("log").unwrap().is_empty());
}
