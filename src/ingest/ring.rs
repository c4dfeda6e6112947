//! The buffers of one upload: few, filled once, read by many, used again.
//!
//! The ring keeps a reference to each buffer it has given out; a buffer is free when that is the
//! only one. So bytes are never copied from lane to lane, and nothing is allocated once the ring
//! has made its buffers.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::limits::BUFFER_LEN_BYTES;

/// At most so many buffers of [`BUFFER_LEN_BYTES`], made when first needed.
#[derive(Debug, Clone)]
pub(crate) struct Ring(Arc<Shared>);

struct Shared {
    slots: Mutex<Slots>,
    freed: Condvar,
}

struct Slots {
    /// Frozen buffers, whether free by now or still read.
    held: Vec<Arc<Slot>>,
    made: usize,
    max: usize,
}

struct Slot {
    bytes: Box<[u8]>,
    len: usize,
}

impl Ring {
    /// Makes a ring of at most `max` buffers, and at least one.
    pub(crate) fn new(max: usize) -> Self {
        let max = max.max(1);
        let slots = Slots {
            held: Vec::with_capacity(max),
            made: 0,
            max,
        };
        Self(Arc::new(Shared {
            slots: Mutex::new(slots),
            freed: Condvar::new(),
        }))
    }

    /// Returns an empty buffer; waits until one is free.
    ///
    /// The caller must hold no buffer or slice that others wait for.
    pub(crate) fn take(&self) -> Buffer {
        let mut slots = self.0.lock();
        loop {
            if let Some(slot) = slots.take() {
                let ring = self.0.clone();
                return Buffer {
                    slot: Some(slot),
                    ring,
                };
            }
            slots = (self.0.freed.wait(slots)).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Returns the memory of all buffers made so far, in bytes.
    #[cfg(test)]
    pub(crate) fn memory_bytes(&self) -> usize {
        self.0.lock().made * BUFFER_LEN_BYTES
    }
}

impl Slots {
    fn take(&mut self) -> Option<Arc<Slot>> {
        let free = (self.held.iter_mut()).position(|slot| Arc::get_mut(slot).is_some());
        if let Some(at) = free {
            let mut slot = self.held.swap_remove(at);
            if let Some(slot) = Arc::get_mut(&mut slot) {
                slot.len = 0;
            }
            return Some(slot);
        }
        if self.made == self.max {
            return None;
        }
        self.made += 1;
        let bytes = vec![0; BUFFER_LEN_BYTES].into_boxed_slice();
        Some(Arc::new(Slot { bytes, len: 0 }))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a slot into the ring; it is free when no other reference is left.
    fn hold(&self, slot: Arc<Slot>) {
        self.lock().held.push(slot);
    }

    /// Wakes whoever waits, after a reference was dropped. A waiter looks at the references while
    /// it holds the lock, so that passing through the lock makes this wake-up meet it.
    fn wake(&self) {
        drop(self.lock());
        self.freed.notify_all();
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ring of {} buffers", self.lock().max)
    }
}

/// A buffer with one owner, who fills it.
pub(crate) struct Buffer {
    /// There until the buffer is frozen or dropped, and the only reference.
    slot: Option<Arc<Slot>>,
    ring: Arc<Shared>,
}

impl Buffer {
    /// Copies as much of `bytes` as there is room for; returns how much that was.
    pub(crate) fn fill(&mut self, bytes: &[u8]) -> usize {
        let spare = self.spare_mut();
        let len = bytes.len().min(spare.len());
        spare[..len].copy_from_slice(&bytes[..len]);
        self.advance(len);
        len
    }

    /// Returns the room that is left, with whatever bytes it had before.
    pub(crate) fn spare_mut(&mut self) -> &mut [u8] {
        self.slot_mut()
            .map_or(&mut [], |slot| &mut slot.bytes[slot.len..])
    }

    /// Counts `len` bytes at the front of the room as filled.
    pub(crate) fn advance(&mut self, len: usize) {
        if let Some(slot) = self.slot_mut() {
            slot.len = slot.bytes.len().min(slot.len + len);
        }
    }

    /// Returns how many bytes are filled.
    pub(crate) fn len(&self) -> usize {
        self.slot.as_ref().map_or(0, |slot| slot.len)
    }

    /// Tells whether no room is left.
    pub(crate) fn is_full(&self) -> bool {
        self.len() == BUFFER_LEN_BYTES
    }

    /// Ends the filling: from here on many may read.
    pub(crate) fn freeze(mut self) -> Frozen {
        let slot = self.slot.take();
        if let Some(slot) = &slot {
            self.ring.hold(slot.clone());
        }
        let ring = self.ring.clone();
        Frozen(Arc::new(Hold { slot, ring }))
    }

    fn slot_mut(&mut self) -> Option<&mut Slot> {
        self.slot.as_mut().and_then(Arc::get_mut)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            self.ring.hold(slot);
            self.ring.wake();
        }
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.len())
    }
}

/// A filled buffer, read by any number of lanes; free again when the last reference drops.
#[derive(Clone)]
pub(crate) struct Frozen(Arc<Hold>);

/// What all references to a filled buffer share, so that only the last one wakes who waits.
struct Hold {
    /// There until the drop.
    slot: Option<Arc<Slot>>,
    ring: Arc<Shared>,
}

impl AsRef<[u8]> for Frozen {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Deref for Frozen {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let slot = self.0.slot.as_ref();
        slot.map_or(&[], |slot| &slot.bytes[..slot.len])
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        drop(self.slot.take());
        self.ring.wake();
    }
}

impl fmt::Debug for Frozen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frozen({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_when_its_last_reference_drops() {
        let ring = Ring::new(2);
        assert_eq!(ring.memory_bytes(), 0);
        let mut buffer = ring.take();
        assert_eq!(buffer.fill(b"abcdef"), 6);
        let address = buffer.spare_mut().as_ptr();
        let frozen = buffer.freeze();
        let slice = bytes::Bytes::from_owner(frozen.clone()).slice(2..4);
        drop(ring.take());
        assert_eq!(ring.memory_bytes(), 2 * BUFFER_LEN_BYTES);
        drop(frozen);
        assert_eq!(&slice[..], b"cd");
        let other = ring.take().freeze();
        assert_eq!(other.len(), 0);
        drop(slice);
        let mut again = ring.take();
        assert_eq!(again.len(), 0);
        assert_eq!(again.spare_mut()[6..].as_ptr(), address);
        assert_eq!(ring.memory_bytes(), 2 * BUFFER_LEN_BYTES);
    }

    #[test]
    fn take_waits_for_a_drop_on_another_thread() {
        let ring = Ring::new(1);
        for round in 0..2000u32 {
            let mut buffer = ring.take();
            buffer.fill(&round.to_le_bytes());
            let (one, two) = {
                let frozen = buffer.freeze();
                (bytes::Bytes::from_owner(frozen.clone()).slice(0..4), frozen)
            };
            let first = std::thread::spawn(move || assert_eq!(&one[..], round.to_le_bytes()));
            let second = std::thread::spawn(move || drop(two));
            drop(ring.take());
            first.join().expect("right bytes");
            second.join().expect("dropped");
        }
        assert_eq!(ring.memory_bytes(), BUFFER_LEN_BYTES);
    }

    #[test]
    fn a_full_buffer_takes_no_more() {
        let ring = Ring::new(1);
        let mut buffer = ring.take();
        let bytes = vec![7; BUFFER_LEN_BYTES + 5];
        assert_eq!(buffer.fill(&bytes), BUFFER_LEN_BYTES);
        assert!(buffer.is_full());
        assert_eq!(buffer.fill(&bytes), 0);
        let frozen = buffer.freeze();
        assert_eq!(frozen[..], bytes[5..]);
        assert_eq!(frozen.len(), BUFFER_LEN_BYTES);
    }
}
