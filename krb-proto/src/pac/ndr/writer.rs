use alloc::vec;
use alloc::vec::Vec;

use super::{COMMON_HEADER, HEADERS};
use crate::pac::{FileTime, PacError, PacErrorKind as Kind, Sid};

/// The referent id of the first pointer, as Windows and Samba number them; the next is 4 more.
const FIRST_REFERENT: u32 = 0x0002_0000;

/// Writes one top-level structure.
///
/// Windows gives a pointer its referent id, then at once those within its target, before the
/// structure's next pointer gets one, although the target itself is written behind the whole
/// structure. So ids are filled in at the end, from the tree of pointers.
pub(in crate::pac) struct Writer {
    bytes: Vec<u8>,
    pointers: Vec<Referent>,
    /// The pointer whose target is being written.
    within: usize,
    /// The first field that does not fit its length.
    error: Option<PacError>,
}

/// A pointer that is not null: where its id stands, and in the target of which one it stands.
struct Referent {
    position: usize,
    parent: usize,
}

/// A pointer that was written, whose target comes later, if it has one.
pub(in crate::pac) struct Pointer(Option<usize>);

/// An RPC_UNICODE_STRING whose characters come later.
pub(in crate::pac) struct StringHeader {
    pointer: Pointer,
    characters: Vec<u16>,
    maximum: usize,
}

/// What MaximumLength of an RPC_UNICODE_STRING has room for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::pac) enum Room {
    /// The characters.
    Exact,
    /// The characters and a NUL, which is not sent.
    ForNul,
}

impl Writer {
    /// The two headers and the pointer to the structure, whose members come next.
    pub(in crate::pac) fn new() -> Self {
        let mut bytes = vec![0; HEADERS];
        bytes[..4].copy_from_slice(&COMMON_HEADER);
        bytes[4..8].fill(0xcc);
        let mut writer = Self { bytes, pointers: Vec::new(), within: 0, error: None };
        writer.pointer(true);
        writer
    }

    /// The structure, padded to a multiple of 8 bytes.
    ///
    /// # Errors
    /// If a text or a list was longer than its length field can say.
    pub(in crate::pac) fn finish(mut self) -> Result<Vec<u8>, PacError> {
        self.align(8);
        let length = self.count(self.bytes.len() - HEADERS, "NDR object length");
        self.bytes[8..12].copy_from_slice(&length.to_le_bytes());
        self.number_pointers();
        self.error.map_or(Ok(self.bytes), Err)
    }

    /// Fills in the ids in depth-first order. A pointer is written after the one whose target it
    /// stands in, so one pass from the end finds how many stand within each, and one from the
    /// beginning deals out the ids.
    fn number_pointers(&mut self) {
        let mut sizes = vec![1_u32; self.pointers.len()];
        for (index, referent) in self.pointers.iter().enumerate().skip(1).rev() {
            sizes[referent.parent] += sizes[index];
        }
        let mut next = vec![0; self.pointers.len()];
        for (index, referent) in self.pointers.iter().enumerate() {
            let id = next[referent.parent];
            next[referent.parent] += sizes[index];
            next[index] = id + 1;
            let id = FIRST_REFERENT.wrapping_add(4 * id);
            self.bytes[referent.position..referent.position + 4].copy_from_slice(&id.to_le_bytes());
        }
    }

    fn align(&mut self, to: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(to), 0);
    }

    pub(in crate::pac) fn u16(&mut self, value: u16) {
        self.align(2);
        self.bytes.extend(value.to_le_bytes());
    }

    pub(in crate::pac) fn u32(&mut self, value: u32) {
        self.align(4);
        self.bytes.extend(value.to_le_bytes());
    }

    pub(in crate::pac) fn u64(&mut self, value: u64) {
        self.align(8);
        self.bytes.extend(value.to_le_bytes());
    }

    pub(in crate::pac) fn file_time(&mut self, time: FileTime) {
        self.align(4);
        self.bytes.extend(time.0.to_le_bytes());
    }

    pub(in crate::pac) fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// How many elements a list has, as 32 bits.
    pub(in crate::pac) fn count(&mut self, count: usize, field: &'static str) -> u32 {
        u32::try_from(count).unwrap_or_else(|_| {
            self.too_long(field);
            0
        })
    }

    fn too_long(&mut self, field: &'static str) {
        let error = PacError::new(Kind::TooLong, self.bytes.len(), field);
        self.error.get_or_insert(error);
    }

    pub(in crate::pac) fn pointer(&mut self, has_target: bool) -> Pointer {
        self.align(4);
        let position = self.bytes.len();
        self.bytes.extend([0; 4]);
        if !has_target {
            return Pointer(None);
        }
        self.pointers.push(Referent { position, parent: self.within });
        Pointer(Some(self.pointers.len() - 1))
    }

    /// A count of 32 bits and the pointer to that many elements, which is null if there are none.
    pub(in crate::pac) fn counted_pointer(&mut self, count: usize, field: &'static str) -> Pointer {
        let number = self.count(count, field);
        self.u32(number);
        self.pointer(count > 0)
    }

    /// The target of a pointer that was written before; nothing if it was null.
    pub(in crate::pac) fn target(&mut self, pointer: Pointer, write: impl FnOnce(&mut Self)) {
        if let Pointer(Some(index)) = pointer {
            let outer = core::mem::replace(&mut self.within, index);
            write(self);
            self.within = outer;
        }
    }

    pub(in crate::pac) fn string_header(
        &mut self,
        text: &str,
        room: Room,
        field: &'static str,
    ) -> StringHeader {
        let characters: Vec<u16> = text.encode_utf16().collect();
        let maximum = characters.len() + usize::from(room == Room::ForNul);
        self.align(4);
        match u16::try_from(2 * maximum) {
            Ok(maximum_length) => {
                self.u16(if room == Room::ForNul { maximum_length - 2 } else { maximum_length });
                self.u16(maximum_length);
            }
            Err(_) => self.too_long(field),
        }
        StringHeader { pointer: self.pointer(true), characters, maximum }
    }

    pub(in crate::pac) fn string(&mut self, header: StringHeader) {
        let StringHeader { pointer, characters, maximum } = header;
        self.target(pointer, |writer| writer.varying(maximum, &characters));
    }

    /// A `[string] wchar_t *`, with its NUL. It ends at the first one in `text`, if there is any,
    /// so such a text is refused.
    pub(in crate::pac) fn wide_string(
        &mut self,
        pointer: Pointer,
        text: &str,
        field: &'static str,
    ) {
        if text.contains('\0') {
            let error = PacError::new(Kind::BadText, self.bytes.len(), field);
            self.error.get_or_insert(error);
        }
        let characters: Vec<u16> = text.encode_utf16().chain([0]).collect();
        self.target(pointer, |writer| writer.varying(characters.len(), &characters));
    }

    /// A conformant and varying array of characters.
    fn varying(&mut self, maximum: usize, characters: &[u16]) {
        let maximum = self.count(maximum, "string");
        self.u32(maximum);
        self.u32(0);
        let actual = self.count(characters.len(), "string");
        self.u32(actual);
        for &character in characters {
            self.u16(character);
        }
    }

    /// A conformant array behind a pointer, which is null if there are no elements.
    pub(in crate::pac) fn array<T>(
        &mut self,
        pointer: Pointer,
        elements: &[T],
        mut write: impl FnMut(&mut Self, &T),
    ) {
        self.target(pointer, |writer| {
            let count = writer.count(elements.len(), "array");
            writer.u32(count);
            elements.iter().for_each(|element| write(writer, element));
        });
    }

    /// An array of bytes behind a pointer.
    pub(in crate::pac) fn octets(&mut self, pointer: Pointer, octets: &[u8]) {
        self.target(pointer, |writer| {
            let count = writer.count(octets.len(), "octets");
            writer.u32(count);
            writer.bytes(octets);
        });
    }

    /// The members that MS-ADTS 2.2.18 reserves: zeros.
    pub(in crate::pac) fn reserved(&mut self) {
        self.u16(0);
        self.u32(0);
        self.pointer(false);
    }

    /// A SID behind a pointer.
    pub(in crate::pac) fn sid(&mut self, pointer: Pointer, sid: &Sid) {
        self.target(pointer, |writer| {
            let bytes = sid.to_bytes();
            let count = bytes.get(1).copied().unwrap_or_default();
            writer.u32(count.into());
            writer.bytes(&bytes);
        });
    }
}
