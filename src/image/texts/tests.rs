//! Random changes of a map and a set beside those of the standard library, and packing.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Op {
    Insert(String, String),
    Remove(String),
    /// Keeps keys of at most this length.
    Retain(usize),
    Extend(Vec<(String, String)>),
    Clone,
}

/// Few different texts, some with more bytes than characters, some the start of others.
fn text() -> impl Strategy<Value = String> {
    let letter = prop::sample::select(vec!['a', 'b', '\u{e9}', '\u{20ac}', '\u{1f4bf}', '\0']);
    vec(letter, 0..4).prop_map(|letters| letters.into_iter().collect())
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (text(), text()).prop_map(|(key, value)| Op::Insert(key, value)),
        4 => text().prop_map(Op::Remove),
        1 => (0..8usize).prop_map(Op::Retain),
        1 => vec((text(), text()), 0..6).prop_map(Op::Extend),
        2 => Just(Op::Clone),
    ]
}

fn hash(value: &impl Hash) -> u64 {
    let mut state = DefaultHasher::new();
    value.hash(&mut state);
    state.finish()
}

/// Runs a change on both; what is answered is the same.
fn run(map: &mut TextMap, model: &mut BTreeMap<String, String>, op: Op) {
    match op {
        Op::Insert(key, value) => {
            let is_new = model.insert(key.clone(), value.clone()).is_none();
            assert_eq!(map.insert(key, value), is_new);
        }
        Op::Remove(key) => assert_eq!(map.remove(&key), model.remove(&key).is_some()),
        Op::Retain(len) => {
            map.retain(|key| key.len() <= len);
            model.retain(|key, _| key.len() <= len);
        }
        Op::Extend(pairs) => {
            map.extend(pairs.clone());
            model.extend(pairs);
        }
        Op::Clone => *map = map.clone(),
    }
}

/// Compares all that can be seen.
fn compare(map: &TextMap, model: &BTreeMap<String, String>) {
    let pairs = || model.iter().map(|(key, value)| (&**key, &**value));
    assert!(map.iter().eq(pairs()) && map.iter().rev().eq(pairs().rev()));
    assert!(map.keys().eq(model.keys()) && map.values().eq(model.values()));
    assert_eq!((map.len(), map.iter().len()), (model.len(), model.len()));
    assert_eq!(map.is_empty(), model.is_empty());
    for key in model
        .keys()
        .map(String::as_str)
        .chain(["", "a", "ab", "zz"])
    {
        assert_eq!(map.get(key), model.get(key).map(String::as_str));
        assert_eq!(map.contains_key(key), model.contains_key(key));
    }
    assert_eq!(format!("{map:?}"), format!("{model:?}"));
    assert_eq!(
        serde_json::to_string(map).unwrap(),
        serde_json::to_string(model).unwrap()
    );
}

/// A packed map and one that has become a tree are told apart by nothing.
fn compare_forms(map: &TextMap) {
    let (packed, tree): (TextMap, TextMap) = (map.clone(), map.iter().collect());
    assert_eq!(packed, tree);
    assert_eq!(packed.cmp(&tree), std::cmp::Ordering::Equal);
    assert_eq!(hash(&packed), hash(&tree));
}

/// The lengths of all entries say what a look at each would say.
fn compare_lens(map: &TextMap) {
    for (key_max, value_max) in [(0, 0), (2, 3), (4, 4), (8, 8), (16, 16)] {
        let mut all = map.iter().map(|(key, value)| (key.len(), value.len()));
        let fits = all.all(|(key, value)| key > 0 && key <= key_max && value <= value_max);
        assert_eq!(map.fits(key_max, value_max), fits, "{map:?}");
        assert_eq!(map.clone().fits(key_max, value_max), fits, "{map:?}");
    }
}

fn pack(pairs: &[(&[u8], &[u8])]) -> Result<TextMap, Unpackable> {
    let len = pairs.iter().map(|(key, value)| key.len() + value.len());
    let mut packer = Packer::with_capacity(pairs.len(), len.sum());
    pairs
        .iter()
        .try_for_each(|(key, value)| packer.push(key, value))?;
    TextMap::unpack(packer)
}

proptest! {
    #[test]
    fn a_map_does_what_a_tree_of_strings_does(ops in vec(op(), 0..40)) {
        let (mut map, mut model) = (TextMap::default(), BTreeMap::new());
        for op in ops {
            run(&mut map, &mut model, op);
            compare(&map, &model);
        }
        compare_forms(&map);
        compare_lens(&map);
    }

    #[test]
    fn a_set_does_what_a_tree_of_strings_does(ops in vec(op(), 0..40)) {
        let (mut set, mut model) = (TextSet::default(), BTreeSet::new());
        for op in ops {
            match op {
                Op::Insert(text, _) => {
                    assert_eq!(set.insert(text.clone()), model.insert(text));
                }
                Op::Remove(text) => assert_eq!(set.remove(&text), model.remove(&text)),
                Op::Extend(pairs) => {
                    set.extend(pairs.iter().map(|(text, _)| text));
                    model.extend(pairs.into_iter().map(|(text, _)| text));
                }
                Op::Retain(_) | Op::Clone => set = set.clone(),
            }
            assert!(set.iter().eq(&model) && set.iter().rev().eq(model.iter().rev()));
            assert_eq!((set.len(), set.is_empty()), (model.len(), model.is_empty()));
            assert!(["", "a", "b", "ab"].iter().all(|it| set.contains(it) == model.contains(*it)));
            assert_eq!(format!("{set:?}"), format!("{model:?}"));
            let shown = [serde_json::to_string(&set), serde_json::to_string(&model)];
            assert_eq!(shown[0].as_ref().unwrap(), shown[1].as_ref().unwrap());
        }
    }

    #[test]
    fn maps_are_ordered_as_trees_are(
        a in vec((text(), text()), 0..5),
        b in vec((text(), text()), 0..5),
    ) {
        let trees: [BTreeMap<_, _>; 2] = [a.iter().cloned().collect(), b.iter().cloned().collect()];
        let maps: [TextMap; 2] = [a.into_iter().collect(), b.into_iter().collect()];
        prop_assert_eq!(maps[0].cmp(&maps[1]), trees[0].cmp(&trees[1]));
        prop_assert_eq!(maps[0] == maps[1].clone(), trees[0] == trees[1]);
    }

    #[test]
    fn pairs_are_packed_exactly_where_each_is_text_and_in_order(
        pairs in vec((vec(prop::sample::select(b"a\xc3\xa9\xf0\x80".to_vec()), 0..3),
                      vec(prop::sample::select(b"b\xe2\x82\xac".to_vec()), 0..4)), 0..4),
        sorts in any::<bool>(),
    ) {
        let mut pairs = pairs;
        if sorts {
            pairs.sort();
        }
        let lent: Vec<(&[u8], &[u8])> = pairs.iter().map(|(k, v)| (&**k, &**v)).collect();
        let texts: Result<Vec<_>, _> = lent
            .iter()
            .map(|(k, v)| Ok::<_, std::str::Utf8Error>((std::str::from_utf8(k)?, std::str::from_utf8(v)?)))
            .collect();
        let in_order = pairs.is_sorted_by(|a, b| a.0 < b.0);
        match pack(&lent) {
            Ok(map) => prop_assert!(in_order && map.iter().eq(texts.unwrap())),
            Err(Unpackable::OutOfOrder) => prop_assert!(!in_order),
            Err(Unpackable::NotUtf8) => prop_assert!(in_order && texts.is_err()),
        }
    }
}

#[test]
fn a_character_that_two_texts_share_is_refused() {
    assert!(pack(&[("\u{e9}".as_bytes(), b"")]).is_ok());
    assert_eq!(pack(&[(b"\xc3", b"\xa9")]), Err(Unpackable::NotUtf8));
    assert_eq!(
        pack(&[(b"a", b"\xc3"), (b"\xa9", b"")]),
        Err(Unpackable::NotUtf8)
    );
    assert_eq!(
        pack(&[(b"a", b""), (b"a", b"")]),
        Err(Unpackable::OutOfOrder)
    );
}

#[test]
fn few_and_many_long_and_short_texts_are_packed() {
    let long = "x".repeat(40_000);
    for count in [0, 1, 7, 8, 9, 10, 300] {
        for value in ["", "v", &long] {
            let tree = (0..count)
                .map(|i| (format!("{i:03}"), value))
                .collect::<TextMap>();
            let packed = tree.clone();
            assert_eq!(packed, tree);
            assert_eq!(packed.clone(), tree);
            assert!(tree.keys().all(|key| packed.get(key) == Some(value)));
            assert_eq!((packed.get("zzz"), packed.get("")), (None, None));
            // What is announced is only a hint.
            let mut packer = Packer::with_capacity(0, 0);
            tree.iter()
                .for_each(|(k, v)| packer.push(k.as_bytes(), v.as_bytes()).unwrap());
            assert_eq!(TextMap::unpack(packer).unwrap(), tree);
        }
    }
}

#[test]
fn many_changes_in_any_order_stay_cheap() {
    let mut map = TextMap::default();
    let names: Vec<String> = (0..20_000).rev().map(|i| format!("{i:05}")).collect();
    for _ in 0..3 {
        names.iter().for_each(|name| {
            map.insert(name.as_str(), "v");
        });
    }
    assert_eq!(map.len(), names.len());
    assert!(names.iter().all(|name| map.remove(name)));
    assert!(map.is_empty());
}
