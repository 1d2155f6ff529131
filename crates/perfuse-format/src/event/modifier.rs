//! The letters after an event's colon: who is counted, how exact, and how it is scheduled.

use super::EventSpec;
use super::error::Problem;
use crate::perfdata::attr::flag;

/// Letters that perf takes.
pub const LETTERS: &str = "ukhGHpPSDIWeb";

/// The bits that a modifier decides anew.
const DECIDED: u64 = flag::EXCLUDE_USER
    | flag::EXCLUDE_KERNEL
    | flag::EXCLUDE_HV
    | flag::EXCLUDE_HOST
    | flag::EXCLUDE_GUEST
    | flag::EXCLUDE_IDLE
    | 3 << flag::PRECISE_IP_SHIFT;

/// What the letters add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each stands for one letter")]
struct State {
    /// Bits of [`DECIDED`] without the precision, and pinned and exclusive.
    flags: u64,
    /// `precise_ip`.
    precise: u64,
    precise_max: bool,
    sample_read: bool,
    weak: bool,
    bpf: bool,
    /// Host and guest were chosen by a letter.
    guest_chosen: bool,
}

/// Whether the letters are well formed: no other letter, no letter twice but `p`, at most three of those. The error
/// gives the place of the letter.
pub fn check(letters: &str) -> Result<(), (usize, Problem)> {
    let mut precise = 0;
    for (at, letter) in letters.char_indices() {
        if !LETTERS.contains(letter) {
            return Err((at, Problem::UnknownModifier { letter }));
        }
        if letter == 'p' {
            precise += 1;
            if precise > 3 {
                return Err((at, Problem::TooPrecise));
            }
        } else if letters[..at].contains(letter) {
            return Err((at, Problem::RepeatedModifier { letter }));
        }
    }
    Ok(())
}

/// Applies letters that belong to one event: what was there before is forgotten, except the precision that the letters
/// do not mention, which is forgotten too. So `cs:k` loses the default that leaves guests out, as in perf.
pub(super) fn apply(event: &mut EventSpec, letters: &str, leader: bool) -> Result<(), Problem> {
    let state = read(State::default(), letters)?;
    store(event, state, leader);
    Ok(())
}

/// Applies letters of a group: they add to what the event has.
pub(super) fn add(event: &mut EventSpec, letters: &str, leader: bool) -> Result<(), Problem> {
    let before = State {
        flags: event.attr.flags & (DECIDED & !(3 << flag::PRECISE_IP_SHIFT) | flag::PINNED | flag::EXCLUSIVE),
        precise: u64::from(event.attr.precise_ip()),
        precise_max: false,
        sample_read: false,
        weak: false,
        bpf: false,
        guest_chosen: event.exclude_gh,
    };
    let state = read(before, letters)?;
    store(event, state, leader);
    Ok(())
}

/// Reads the letters from a state on. The first of `u`, `k`, `h` leaves all three out before it takes its own in; the
/// same goes for `G` and `H`. Precision leaves guests out, since a guest's instruction pointer says nothing here.
fn read(mut state: State, letters: &str) -> Result<State, Problem> {
    const RINGS: u64 = flag::EXCLUDE_USER | flag::EXCLUDE_KERNEL | flag::EXCLUDE_HV;
    let mut rings_chosen = state.flags & RINGS != 0;
    for letter in letters.chars() {
        match letter {
            'u' | 'k' | 'h' => {
                if !rings_chosen {
                    rings_chosen = true;
                    state.flags |= RINGS;
                }
                if letter == 'u' && !state.guest_chosen {
                    state.flags |= flag::EXCLUDE_GUEST;
                }
                state.flags &= !match letter {
                    'u' => flag::EXCLUDE_USER,
                    'k' => flag::EXCLUDE_KERNEL,
                    _ => flag::EXCLUDE_HV,
                };
            }
            'G' | 'H' => {
                if !state.guest_chosen {
                    state.guest_chosen = true;
                    state.flags |= flag::EXCLUDE_GUEST | flag::EXCLUDE_HOST;
                }
                state.flags &= !if letter == 'G' { flag::EXCLUDE_GUEST } else { flag::EXCLUDE_HOST };
            }
            'I' => state.flags |= flag::EXCLUDE_IDLE,
            'p' => {
                state.precise += 1;
                if !state.guest_chosen {
                    state.flags |= flag::EXCLUDE_GUEST;
                }
            }
            'P' => state.precise_max = true,
            'S' => state.sample_read = true,
            'D' => state.flags |= flag::PINNED,
            'e' => state.flags |= flag::EXCLUSIVE,
            'W' => state.weak = true,
            'b' => state.bpf = true,
            letter => return Err(Problem::UnknownModifier { letter }),
        }
    }
    if state.precise > 3 { Err(Problem::TooPrecise) } else { Ok(state) }
}

/// Writes the state into the event. Pinned and exclusive are properties of a group, so that only its leader has them.
fn store(event: &mut EventSpec, state: State, leader: bool) {
    event.attr.flags &= !DECIDED;
    event.attr.flags |= state.flags & DECIDED | state.precise << flag::PRECISE_IP_SHIFT;
    if leader {
        const OF_LEADERS: u64 = flag::PINNED | flag::EXCLUSIVE;
        event.attr.flags = event.attr.flags & !OF_LEADERS | state.flags & OF_LEADERS;
    }
    event.precise_max = state.precise_max;
    event.sample_read = state.sample_read;
    event.weak = state.weak;
    event.bpf_counter = state.bpf;
    event.exclude_gh = state.guest_chosen;
}
