//! Whether the rows of the lists are those of the records, no more and no less.

use std::collections::BTreeMap;

use super::posting;
use super::rows::{self, Entry, Part, Rows};
use crate::error::{Error, Result};
use crate::image::Image;
use crate::index::owners::{self, OwnerRow, Use};
use crate::index::{Get, Table, images, members, places};

/// How many rows there are, or ought to be.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    views: u64,
    orders: u64,
    postings: u64,
    shares: u64,
    scrubs: u64,
    /// Sum of all numbers; a stray one shows in it.
    facts: u64,
    /// What is counted of each owner and of what is public, its next slot aside.
    owners: BTreeMap<u32, OwnerRow>,
}

/// Compares the lists with the records they are made of; `wrong` hears what differs.
pub(crate) fn check(get: &dyn Get, wrong: &mut dyn FnMut(String)) -> Result<()> {
    let mut expected = Counts::default();
    places::collect(get, Table::Images, usize::MAX, &mut |_, value| {
        let (slot, image) = images::decode(value)?;
        expect(get, Entry::new(&image, slot, value), &mut expected, wrong)
    })?;
    let found = found(get)?;
    if found != expected {
        wrong(format!(
            "index lists hold {found:?}, the records make {expected:?}"
        ));
    }
    Ok(())
}

/// Tests that all rows of an image are there.
fn expect(
    get: &dyn Get,
    entry: Entry<'_>,
    counts: &mut Counts,
    wrong: &mut dyn FnMut(String),
) -> Result<()> {
    let Entry { image, slot, .. } = entry;
    count_owner(get, image, slot, counts, wrong)?;
    counts.scrubs += u64::from(image.status() == crate::image::Status::PendingDelete);
    shares(get, image, slot, counts, wrong)?;
    if !rows::is_listed(image.status()) {
        return Ok(());
    }
    let rows = Rows::of(&entry);
    let mut expect = |table: Table, key: &[u8], value: &[u8]| -> Result<()> {
        let mut same = false;
        get.get(table, key, &mut |found| same = found == value)?;
        if !same {
            let (table, id) = (table.name(), image.id());
            wrong(format!("table {table}: no such row for image {id}"));
        }
        Ok(())
    };
    counts.views += 1;
    expect(Table::Views, &rows.view, entry.value)?;
    for key in &rows.orders {
        counts.orders += 1;
        expect(Table::Orders, key, &slot.to_be_bytes())?;
    }
    for posting in &rows.postings {
        counts.postings += 1;
        if !posting.holds(get, slot)? {
            wrong(format!("table postings: image {} is missing", image.id()));
        }
    }
    for (fact, expected) in super::facts::Fact::ALL.into_iter().zip(rows.facts) {
        counts.facts = counts.facts.wrapping_add(expected);
        let found = super::facts::get(get, fact, slot)?;
        if found != expected {
            let id = image.id();
            wrong(format!(
                "table facts: {fact:?} of image {id} is {found}, not {expected}"
            ));
        }
    }
    Ok(())
}

/// Counts an image for its owner and for the scope of its slot, which must not be given out again.
fn count_owner(
    get: &dyn Get,
    image: &Image,
    slot: u64,
    counts: &mut Counts,
    wrong: &mut dyn FnMut(String),
) -> Result<()> {
    let (scope, owner) = (rows::scope_of(slot), owners::number(get, image.owner())?);
    let id = image.id();
    let own = match Part::of(image).is_public() {
        true => Some(rows::PUBLIC_SCOPE),
        false => owner,
    };
    let next = u64::from(owners::row(get, scope)?.next);
    if own != Some(scope) || slot & u64::from(u32::MAX) >= next {
        wrong(format!(
            "image {id} has slot {slot:#x}, {own:?} is its scope and {next} its next slot"
        ));
    }
    counts.owners.entry(scope).or_default().records += 1;
    if let Some(owner) = owner {
        let row = counts.owners.entry(owner).or_default();
        row.uses = row.uses.plus(Use::of(image));
    }
    Ok(())
}

fn shares(
    get: &dyn Get,
    image: &Image,
    slot: u64,
    counts: &mut Counts,
    wrong: &mut dyn FnMut(String),
) -> Result<()> {
    for member in members::all(get, image.id())? {
        let number = owners::number(get, Some(&member.project))?.unwrap_or_default();
        let status = members::number_of(member.status);
        let Some(key) = rows::share_key(image, number, status) else {
            continue;
        };
        counts.shares += 1;
        let mut same = false;
        get.get(Table::Shares, &key, &mut |found| {
            same = found == slot.to_be_bytes();
        })?;
        if !same {
            wrong(format!("table shares: image {} is missing", image.id()));
        }
    }
    Ok(())
}

/// Counts what there is.
fn found(get: &dyn Get) -> Result<Counts> {
    let mut counts = Counts {
        views: sum(get, Table::Views, &mut |_| Ok(1))?,
        orders: sum(get, Table::Orders, &mut |_| Ok(1))?,
        postings: sum(get, Table::Postings, &mut posting::count)?,
        shares: sum(get, Table::Shares, &mut |_| Ok(1))?,
        scrubs: sum(get, Table::Scrubs, &mut |_| Ok(1))?,
        facts: sum(get, Table::Facts, &mut super::facts::sum)?,
        ..Counts::default()
    };
    places::collect(get, Table::Owners, usize::MAX, &mut |key, bytes| {
        let number = key.try_into().map(u32::from_be_bytes);
        let number = number.map_err(|_| Error::corrupt("table owners: a key is not 4 bytes"))?;
        let row = OwnerRow::decode(bytes)?;
        counts.owners.insert(number, OwnerRow { next: 0, ..row });
        Ok(())
    })?;
    Ok(counts)
}

fn sum(get: &dyn Get, table: Table, value: &mut dyn FnMut(&[u8]) -> Result<u64>) -> Result<u64> {
    let mut total = 0_u64;
    places::collect(get, table, usize::MAX, &mut |_, bytes| {
        total = total.wrapping_add(value(bytes)?);
        Ok(())
    })?;
    Ok(total)
}
