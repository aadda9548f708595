//! Order of received messages (RFC 2743 section 1.2.3).

use core::fmt;

use super::GssFlags;
use crate::Random;

/// Messages older than this many behind the newest cannot be told from replays.
const WINDOW: u64 = 64;

/// A message that is authentic, and does not belong where it came. The receiver's state did not
/// change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SequenceError {
    /// It came before.
    Replayed,
    /// It is too old to tell whether it came before.
    TooOld,
    /// Messages before it are missing (only where order is kept).
    Gap,
}

impl fmt::Display for SequenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Replayed => "a message came twice",
            Self::TooOld => "a message came too late to be told from a replay",
            Self::Gap => "messages are missing before this one",
        })
    }
}

/// Which sequence numbers have been seen.
#[derive(Clone, Debug)]
pub(super) struct SequenceWindow {
    /// One behind the newest number seen.
    next: u64,
    /// Bit n: number `next - 1 - n` has been seen. Numbers before the first count as seen.
    seen: u64,
    detection: Detection,
}

#[derive(Clone, Copy, Debug)]
enum Detection {
    InOrder,
    Replay,
    None,
}

impl SequenceWindow {
    pub(super) fn new(first: u32, flags: GssFlags) -> Self {
        let detection = if flags.contains(GssFlags::SEQUENCE) {
            Detection::InOrder
        } else if flags.contains(GssFlags::REPLAY) {
            Detection::Replay
        } else {
            Detection::None
        };
        Self { next: first.into(), seen: u64::MAX, detection }
    }

    /// Records an authentic message's number.
    pub(super) fn accept(&mut self, number: u64) -> Result<(), SequenceError> {
        match self.detection {
            Detection::None => Ok(()),
            Detection::InOrder => self.accept_in_order(number),
            Detection::Replay => self.accept_once(number),
        }
    }

    /// Records an authentic message's number, of which the token holds the lower 32 bits: of the
    /// numbers with these, the one nearest to what is due.
    pub(super) fn accept_low_bits(&mut self, number: u32) -> Result<(), SequenceError> {
        let ahead = number.wrapping_sub(self.next as u32) as i32;
        match self.next.checked_add_signed(ahead.into()) {
            Some(number) => self.accept(number),
            // Before number 0 there was none.
            None => match self.detection {
                Detection::None => Ok(()),
                Detection::InOrder | Detection::Replay => Err(SequenceError::TooOld),
            },
        }
    }

    fn accept_in_order(&mut self, number: u64) -> Result<(), SequenceError> {
        match number {
            _ if number == self.next => {
                self.next = self.next.wrapping_add(1);
                Ok(())
            }
            _ if number > self.next => Err(SequenceError::Gap),
            _ => Err(SequenceError::Replayed),
        }
    }

    fn accept_once(&mut self, number: u64) -> Result<(), SequenceError> {
        if let Some(ahead) = number.checked_sub(self.next) {
            // `ahead + 1` numbers up to this one move into the window; it is the newest of them.
            let shifted = if ahead < WINDOW - 1 { self.seen << (ahead + 1) } else { 0 };
            self.seen = shifted | 1;
            self.next = number.wrapping_add(1);
            return Ok(());
        }
        let behind = self.next - 1 - number;
        if behind >= WINDOW {
            return Err(SequenceError::TooOld);
        }
        let bit = 1 << behind;
        if self.seen & bit != 0 {
            return Err(SequenceError::Replayed);
        }
        self.seen |= bit;
        Ok(())
    }
}

/// A random first number of a direction, below 2^30: old peers take the number for a signed one
/// (RFC 4120 section 5.5.1).
pub(crate) fn first_number(rng: &mut dyn Random) -> u32 {
    let mut octets = [0; 4];
    rng.fill(&mut octets);
    u32::from_be_bytes(octets) & 0x3fff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(flags: GssFlags) -> SequenceWindow {
        SequenceWindow::new(1000, flags)
    }

    #[test]
    fn in_order_means_each_once_and_none_missing() {
        let mut window = window(GssFlags::SEQUENCE | GssFlags::REPLAY);
        assert_eq!(window.accept(1001), Err(SequenceError::Gap));
        assert_eq!(window.accept(999), Err(SequenceError::Replayed));
        assert_eq!(window.accept(1000), Ok(()));
        assert_eq!(window.accept(1000), Err(SequenceError::Replayed));
        assert_eq!(window.accept(1001), Ok(()));
    }

    #[test]
    fn replay_detection_takes_any_order_within_the_window() {
        let mut window = window(GssFlags::REPLAY);
        assert_eq!(window.accept(999), Err(SequenceError::Replayed), "before the first");
        assert_eq!(window.accept(1070), Ok(()));
        assert_eq!(window.accept(1070 - WINDOW + 1), Ok(()), "the oldest in the window");
        assert_eq!(window.accept(1070 - WINDOW + 1), Err(SequenceError::Replayed));
        assert_eq!(window.accept(1070 - WINDOW), Err(SequenceError::TooOld));
        assert_eq!(window.accept(1050), Ok(()));
        assert_eq!(window.accept(1050), Err(SequenceError::Replayed));
        assert_eq!(window.accept(1070), Err(SequenceError::Replayed));
        assert_eq!(window.accept(1071), Ok(()));
        assert_eq!(window.accept(1070), Err(SequenceError::Replayed), "the window moved");
        assert_eq!(window.accept(u64::MAX), Ok(()));
    }

    #[test]
    fn without_detection_all_is_taken() {
        let mut window = window(GssFlags::default());
        assert_eq!(window.accept(5), Ok(()));
        assert_eq!(window.accept(5), Ok(()));
    }

    #[test]
    fn of_a_number_the_lower_half_is_enough() {
        let mut window = SequenceWindow::new(u32::MAX - 1, GssFlags::SEQUENCE);
        for number in [u32::MAX - 1, u32::MAX, 0, 1] {
            assert_eq!(window.accept_low_bits(number), Ok(()));
        }
        assert_eq!(window.accept_low_bits(u32::MAX), Err(SequenceError::Replayed));
        assert_eq!(window.accept_low_bits(3), Err(SequenceError::Gap));

        let mut window = SequenceWindow::new(u32::MAX, GssFlags::REPLAY);
        for (number, expected) in [
            (1, Ok(())),
            (u32::MAX, Ok(())),
            (0, Ok(())),
            (u32::MAX, Err(SequenceError::Replayed)),
            (0x7fff_ffff, Ok(())),
            (1, Err(SequenceError::TooOld)),
        ] {
            assert_eq!(window.accept_low_bits(number), expected, "{number}");
        }

        let mut window = SequenceWindow::new(5, GssFlags::REPLAY);
        assert_eq!(window.accept_low_bits(u32::MAX), Err(SequenceError::TooOld));
        assert_eq!(window.accept_low_bits(5), Ok(()));
        let mut window = SequenceWindow::new(5, GssFlags::default());
        assert_eq!(window.accept_low_bits(u32::MAX), Ok(()));
    }

    proptest::proptest! {
        #[test]
        fn the_window_agrees_with_a_set(offsets in proptest::collection::vec(0u64..200, 0..100)) {
            let mut window = window(GssFlags::REPLAY);
            let mut seen = std::collections::BTreeSet::new();
            for offset in offsets {
                let newest = seen.last().copied();
                let expected = match newest {
                    Some(newest) if offset + WINDOW <= newest => Err(SequenceError::TooOld),
                    _ if !seen.insert(offset) => Err(SequenceError::Replayed),
                    _ => Ok(()),
                };
                proptest::prop_assert_eq!(window.accept(1000 + offset), expected);
            }
        }
    }
}
