//! Plays calls on an engine and on the reference, and compares what they answer.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use smalti::clock::{Clock, Timestamp};
use smalti::disk::MemoryDisk;
use smalti::engine::Builder;
use smalti::query::{ListQuery, PageLimits};
use smalti::{Algorithm, Engine, Images, Limits, Settings, Status, Upload};

use super::asking::query;
use super::calls::{
    Actor, Ask, CALLERS, Call, Filter, Role, SLOTS, Sort, Step, Walk, Which, Who, content,
};
use super::listing::{BEGIN_S, SECOND};
use super::outcome::Outcome;
use super::pairs::{create, known, read, share};
use super::reference::{IMAGES_MAX, MEMBERS_MAX, PAGE, PAGE_MAX, PROPERTIES_MAX, TAGS_MAX, World};
use super::request;
use super::tally::Tally;
use crate::support::stage::{Dice, settings};

/// A clock that is set by hand.
#[derive(Debug, Clone)]
struct Hands(Arc<AtomicI64>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// Where engine and reference part.
#[derive(Debug)]
pub(super) struct Parting {
    pub(super) step: usize,
    pub(super) what: String,
}

/// Plays a sequence to its end, or to the first difference.
pub(super) fn play(seed: u64, steps: &[Step]) -> Result<Tally, Parting> {
    let mut player = Player::new(seed);
    for (step, it) in steps.iter().enumerate() {
        let compared = player.step(it);
        compared.map_err(|what| Parting { step, what })?;
    }
    Ok(player.tally)
}

struct Player {
    disk: Arc<MemoryDisk>,
    hands: Hands,
    dice: Dice,
    settings: Settings,
    engine: Option<Engine>,
    uploads: [Option<Upload>; SLOTS],
    world: World,
    tally: Tally,
}

impl Player {
    fn new(seed: u64) -> Self {
        let begin = BEGIN_S * SECOND;
        let delayed_delete = seed.is_multiple_of(2);
        let scrub_time_s = seed / 2 % 3 * 4;
        let world = World {
            now: begin,
            delayed_delete,
            scrub_wait: scrub_time_s as i64 * SECOND,
            ..World::default()
        };
        let mut player = Self {
            disk: Arc::new(MemoryDisk::new()),
            hands: Hands(Arc::new(AtomicI64::new(begin))),
            dice: Dice::new(seed),
            settings: small(delayed_delete, scrub_time_s),
            engine: None,
            uploads: Default::default(),
            world,
            tally: Tally::default(),
        };
        player.open();
        player
    }

    fn open(&mut self) {
        let disk = Arc::clone(&self.disk);
        let builder = Builder::on_disk(disk).settings(self.settings.clone());
        let builder = builder.clock(self.hands.clone()).random(self.dice.clone());
        self.engine = Some(builder.lanes_in_line().open().expect("an engine"));
    }

    fn engine(&self) -> &Engine {
        self.engine.as_ref().expect("open between calls")
    }

    fn images(&self, who: &Who) -> Images {
        self.engine().images(&who.caller())
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        self.world.now += step.passes;
        self.hands.0.store(self.world.now, Ordering::Relaxed);
        let who = self.actor(step);
        let name = step.call.name();
        match &step.call {
            Call::List(ask, Walk::ToTheEnd) => self.walk(who, ask)?,
            Call::Inspect => self.inspect()?,
            call => {
                let (found, wanted) = self.call(who, call);
                self.tally.count(name, &found);
                return same(found, wanted);
            }
        }
        self.tally.count(name, &Outcome::Done);
        Ok(())
    }

    /// Returns who makes a call.
    fn actor(&self, step: &Step) -> &'static Who {
        let number = match step.who {
            Actor::Fixed(number) => return &CALLERS[number],
            Actor::Suited => step.call.which().map(|which| self.world.id(which)),
        };
        let record = number.and_then(|id| self.world.images.get(id.as_bytes()));
        let member;
        let project = match &step.call {
            Call::SetMember(which, party, _) => {
                member = self.world.project(&self.world.id(*which), party);
                Some(member.as_str())
            }
            Call::Create(new) => match &new.owner {
                Some(owner) => Some(owner.as_str()),
                None => ["a", "b", "c"].get(new.tags.len()).copied(),
            },
            _ => record.and_then(|record| record.shown.owner.as_deref()),
        };
        let writer = CALLERS.iter().find(|who| {
            let writes = who.role == Role::Member && who.project.is_some();
            writes && who.project == project
        });
        writer.unwrap_or(&CALLERS[1])
    }

    /// Makes one call of both, and returns what the engine and what the reference answers.
    fn call(&mut self, who: &Who, call: &Call) -> (Outcome, Outcome) {
        let images = self.images(who);
        let world = &mut self.world;
        let at = |world: &World, which: &Which| world.id(*which);
        match call {
            Call::Create(new) => create(&images, world, who, new),
            Call::Show(it) => {
                let id = at(world, it);
                (images.show(&id).into(), world.show(who, &id).into())
            }
            Call::Update(it, dialect, route, ops, guard) => {
                let id = at(world, it);
                let revision = known(world, &id, *guard);
                let limits = &self.settings.limits;
                let patch = request::patch(*dialect, *route, ops, limits);
                let found = patch.and_then(|patch| match revision {
                    None => images.update(&id, &patch),
                    Some(known) => images.update_if(&id, known, &patch),
                });
                let wanted = world.update(who, &id, (*dialect, ops), revision);
                (found.into(), wanted.into())
            }
            Call::Delete(it) => {
                let id = at(world, it);
                (images.delete(&id).into(), world.delete(who, &id).into())
            }
            Call::Deactivate(it) => {
                let id = at(world, it);
                let wanted = world.switch(who, &id, Status::Deactivated);
                (images.deactivate(&id).into(), wanted.into())
            }
            Call::Reactivate(it) => {
                let id = at(world, it);
                let wanted = world.switch(who, &id, Status::Active);
                (images.reactivate(&id).into(), wanted.into())
            }
            Call::AddTag(it, tag) => {
                let id = at(world, it);
                let found = images.tags(&id).add(tag);
                (found.into(), world.add_tag(who, &id, tag).into())
            }
            Call::RemoveTag(it, tag) => {
                let id = at(world, it);
                let found = images.tags(&id).remove(tag);
                (found.into(), world.remove_tag(who, &id, tag).into())
            }
            Call::Open(it) => {
                let id = at(world, it);
                (read(&images, &id).into(), world.open(who, &id).into())
            }
            Call::List(ask, _) => self.page(who, ask),
            Call::AddMember(it, _)
            | Call::ListMembers(it)
            | Call::ShowMember(it, _)
            | Call::SetMember(it, ..)
            | Call::RemoveMember(it, _) => {
                let id = at(world, it);
                share(&images, world, who, &id, call)
            }
            Call::Upload(..) | Call::Finish(..) | Call::Abort(_) => self.bring(who, call),
            _ => {
                // A handle of the engine that nothing may hold when it is opened again.
                drop(images);
                self.maintain(call)
            }
        }
    }

    /// Calls around uploads, which last from call to call.
    fn bring(&mut self, who: &Who, call: &Call) -> (Outcome, Outcome) {
        match *call {
            Call::Upload(slot, which) => {
                self.abort(slot);
                let id = self.world.id(which);
                let found = self.images(who).upload(&id);
                let found = found.map(|upload| self.uploads[slot] = Some(upload));
                (found.into(), self.world.upload(who, &id, slot).into())
            }
            Call::Finish(slot, number) => {
                let wanted = self.world.finish(slot, number);
                let wanted = wanted.map(|shown| shown.map_or(Outcome::Done, Outcome::from));
                let found = self.uploads[slot]
                    .take()
                    .map_or(Ok(Outcome::Done), |mut upload| {
                        upload.write_all(&content(number)).expect("memory takes it");
                        upload.finish().map(Outcome::from)
                    });
                (found.into(), wanted.into())
            }
            Call::Abort(slot) => {
                self.abort(slot);
                (Outcome::Done, Outcome::Done)
            }
            _ => unreachable!("only uploads come here"),
        }
    }

    fn abort(&mut self, slot: usize) {
        self.uploads[slot] = None;
        self.world.abort(slot);
    }

    /// Calls of the operator.
    fn maintain(&mut self, call: &Call) -> (Outcome, Outcome) {
        match call {
            Call::Restore(which) => {
                let id = self.world.id(*which);
                (
                    self.engine().restore(&id).into(),
                    self.world.restore(&id).into(),
                )
            }
            Call::Scrub => {
                let found = self.engine().scrub();
                (found.into(), self.world.scrub().into())
            }
            Call::Collect => (self.engine().collect().map(drop).into(), Outcome::Done),
            Call::Reopen | Call::Leave => {
                (0..SLOTS).for_each(|slot| self.abort(slot));
                let engine = self.engine.take().expect("open between calls");
                let closed = match call {
                    Call::Reopen => engine.close(Duration::ZERO),
                    _ => Ok(()),
                };
                drop(engine);
                self.open();
                (closed.into(), Outcome::Done)
            }
            other => unreachable!("{other:?} is no call of the operator"),
        }
    }

    /// Compares one page; its question is read as a request has it.
    fn page(&mut self, who: &Who, ask: &Ask) -> (Outcome, Outcome) {
        let text = query(&self.world, ask);
        let images = self.images(who);
        let found = text.parse::<ListQuery>().and_then(|it| images.list(&it));
        self.tally.page(&found);
        let wanted = self.world.list(who, ask);
        (found.into(), wanted.unwrap_or_else(Outcome::from))
    }

    /// Reads a list to its end by the queries that its pages give.
    fn walk(&mut self, who: &Who, ask: &Ask) -> Result<(), String> {
        let text = query(&self.world, ask);
        let Ok(mut query) = text.parse::<ListQuery>() else {
            return Ok(());
        };
        let (mut ask, images) = (ask.clone(), self.images(who));
        loop {
            let page = images.list(&query);
            self.tally.page(&page);
            let next = page.as_ref().ok().and_then(|page| page.next_query());
            let marker = page
                .as_ref()
                .ok()
                .and_then(|page| page.next_marker().copied());
            same(
                page.into(),
                self.world.list(who, &ask).unwrap_or_else(Outcome::from),
            )?;
            let (Some(next), Some(marker)) = (next, marker) else {
                return Ok(());
            };
            query = next;
            ask.marker = Some(self.world.which(&marker));
        }
    }

    /// Compares all that everybody sees, and has the engine verify itself.
    fn inspect(&mut self) -> Result<(), String> {
        for who in &CALLERS {
            for hidden in [false, true] {
                let ask = everything(hidden);
                let (found, wanted) = self.page(who, &ask);
                same(found, wanted).map_err(|what| format!("{who:?}, {ask:?}: {what}"))?;
            }
        }
        for id in self.world.ids() {
            for who in &CALLERS[..3] {
                let images = self.images(who);
                same(images.show(&id).into(), self.world.show(who, &id).into())?;
                let found = images.members(&id).list();
                same(found.into(), self.world.list_members(who, &id).into())?;
            }
        }
        let report = self
            .engine()
            .verify(|_| {})
            .map_err(|e| format!("verify: {e:?}"))?;
        match report.is_clean() {
            true => Ok(()),
            false => Err(format!("verify found {:?}", report.damage)),
        }
    }
}

fn small(delayed_delete: bool, scrub_time_s: u64) -> Settings {
    let most = |count: usize| Some(u32::try_from(count).expect("small"));
    Settings {
        hashing_algorithm: Some(Algorithm::Sha256),
        legacy_md5: true,
        delayed_delete,
        scrub_time_s,
        limits: Limits {
            tags_max: most(TAGS_MAX),
            properties_max: most(PROPERTIES_MAX),
            members_max: most(MEMBERS_MAX),
            images_max: most(IMAGES_MAX),
            ..Limits::default()
        },
        page: PageLimits {
            default: PAGE,
            max: PAGE_MAX,
        },
        ..settings()
    }
}

/// Asks for all that there is of one kind.
fn everything(hidden: bool) -> Ask {
    Ask {
        filters: vec![
            Filter::Visibility(None),
            Filter::MemberStatus(None),
            Filter::Hidden(hidden),
        ],
        sort: Sort::New(vec![("updated_at", Some("desc"))]),
        limit: Some(PAGE_MAX),
        marker: None,
    }
}

fn same(found: Outcome, wanted: Outcome) -> Result<(), String> {
    match found == wanted {
        true => Ok(()),
        false => Err(format!(
            "the engine answers\n  {found:?}\nand the reference\n  {wanted:?}"
        )),
    }
}
