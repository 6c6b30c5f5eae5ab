//! Workers in a ring, and whose turn it is.

use policy_planning::{Choose, Room, Settings, Task, Why, Worker};

/// The first byte of our state; what follows is the index of the worker that
/// had the last turn, as four bytes, and its id.
const STATE_VERSION: u8 = 1;

pub(crate) struct Ring<'batch> {
    workers: &'batch [Worker],
    room: Room<'batch>,
    /// Indices of the workers that have room, in the order offered.
    open: Vec<usize>,
    /// Position in `open` of the next turn.
    next: usize,
    last: Option<usize>,
    state: Vec<u8>,
}

impl<'batch> Ring<'batch> {
    pub(crate) fn new(workers: &'batch [Worker], settings: Settings, state: &[u8]) -> Self {
        let room = Room::new(workers, settings);
        let open: Vec<usize> = (0..workers.len())
            .filter(|&index| room.slots(index) > 0)
            .collect();
        let turn = turn_after(workers, state);
        // The first open worker from the turn on; past the end, the first of all.
        let next = open.partition_point(|&index| index < turn) % open.len().max(1);
        Self {
            workers,
            room,
            open,
            next,
            last: None,
            state: state.to_vec(),
        }
    }

    /// Names the worker that had the last turn.
    pub(crate) fn into_state(self) -> Vec<u8> {
        let Some(last) = self.last else {
            return self.state;
        };
        let mut state = vec![STATE_VERSION];
        state.extend(u32::try_from(last).unwrap_or(u32::MAX).to_le_bytes());
        // An id is short; one that is not must not push the state past its bound.
        state.extend(self.workers[last].session_id.bytes().take(1_024));
        state
    }
}

impl Choose for Ring<'_> {
    fn choose(&mut self, task: &Task) -> Result<usize, Why> {
        if self.workers.is_empty() {
            return Err(Why::NoWorkers);
        }
        if self.open.is_empty() {
            return Err(Why::AllFull);
        }
        let count = self.open.len();
        let position = (0..count)
            .map(|step| (self.next + step) % count)
            .find(|&position| self.room.suits(self.open[position], task))
            .ok_or(Why::NoneWithTags)?;
        let index = self.open[position];
        self.last = Some(index);
        if self.room.take(index) == 0 {
            self.open.remove(position);
            self.next = position;
        } else {
            self.next = position + 1;
        }
        if self.next >= self.open.len() {
            self.next = 0;
        }
        Ok(index)
    }
}

/// The index of the worker after the one that the state names; if that one is
/// gone, of the one that moved into its place.
fn turn_after(workers: &[Worker], state: &[u8]) -> usize {
    let Some((&STATE_VERSION, rest)) = state.split_first() else {
        return 0;
    };
    let Some((index, id)) = rest.split_first_chunk::<4>() else {
        return 0;
    };
    let index = usize::try_from(u32::from_le_bytes(*index)).unwrap_or(0);
    let named = |worker: &Worker| worker.session_id.bytes().take(1_024).eq(id.iter().copied());
    let turn = match workers.iter().position(named) {
        Some(position) => position + 1,
        None => index,
    };
    if turn < workers.len() { turn } else { 0 }
}
