//! CLAIMS_SET in NDR.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Claim, ClaimValues, ClaimsArray, ClaimsSet, ClaimsSource};
use crate::pac::ndr::{ReadPointer, Reader, Writer, WrittenPointer};
use crate::pac::{PacError, PacErrorKind as Kind};

const INT64: u16 = 1;
const UINT64: u16 = 2;
const STRING: u16 = 3;
const BOOLEAN: u16 = 6;

/// The bytes of a CLAIMS_ARRAY and of a CLAIM_ENTRY without what they point to.
const ARRAY: usize = 12;
const ENTRY: usize = 16;

impl ClaimsSet {
    pub(super) fn from_ndr(bytes: &[u8]) -> Result<Self, PacError> {
        let mut ndr = Reader::open(bytes)?;
        let count = ndr.u32("ulClaimsArrayCount")?;
        let arrays = ndr.pointer("ClaimsArrays")?;
        ndr.reserved()?;
        let heads = ndr.array(arrays, count, ARRAY, "ClaimsArrays", |ndr| {
            let source = ClaimsSource(ndr.u16("usClaimsSourceType")?);
            Ok((source, ndr.u32("ulClaimsCount")?, ndr.pointer("ClaimEntries")?))
        })?;
        let arrays = heads
            .into_iter()
            .map(|(source, count, entries)| {
                let heads = ndr.array(entries, count, ENTRY, "ClaimEntries", EntryHead::read)?;
                let claims = heads.into_iter().map(|head| head.read_targets(&mut ndr));
                Ok(ClaimsArray { source, claims: claims.collect::<Result<_, _>>()? })
            })
            .collect::<Result<_, PacError>>()?;
        ndr.finish("CLAIMS_SET")?;
        Ok(Self { arrays })
    }

    pub(super) fn to_ndr(&self) -> Result<Vec<u8>, PacError> {
        let mut ndr = Writer::new();
        let arrays = ndr.counted_pointer(self.arrays.len(), "ulClaimsArrayCount");
        ndr.reserved();
        ndr.target(arrays, |ndr| {
            let count = ndr.count(self.arrays.len(), "ClaimsArrays");
            ndr.u32(count);
            let write_head = |array: &ClaimsArray| {
                ndr.u16(array.source.0);
                ndr.counted_pointer(array.claims.len(), "ulClaimsCount")
            };
            let entries: Vec<_> = self.arrays.iter().map(write_head).collect();
            for (entries, array) in entries.into_iter().zip(&self.arrays) {
                ndr.target(entries, |ndr| write_entries(ndr, &array.claims));
            }
        });
        ndr.finish()
    }
}

/// A CLAIM_ENTRY whose pointers' targets come later. The union's discriminant stands there a
/// second time.
struct EntryHead {
    id: ReadPointer,
    claim_type: u16,
    count: u32,
    values: ReadPointer,
}

impl EntryHead {
    fn read(ndr: &mut Reader<'_>) -> Result<Self, PacError> {
        let id = ndr.pointer("Id")?;
        let claim_type = ndr.u16("Type")?;
        if ndr.u16("Values")? != claim_type {
            return Err(ndr.error(Kind::BadValue, "Values"));
        }
        let (count, values) = (ndr.u32("ValueCount")?, ndr.pointer("Values")?);
        Ok(Self { id, claim_type, count, values })
    }

    fn read_targets(self, ndr: &mut Reader<'_>) -> Result<Claim, PacError> {
        let id = ndr.wide_string(self.id, "Id")?;
        let (pointer, count) = (self.values, self.count);
        let values = match self.claim_type {
            INT64 => {
                let read = |ndr: &mut Reader<'_>| ndr.u64("Int64Values").map(u64::cast_signed);
                ClaimValues::Int64(ndr.array(pointer, count, 8, "Int64Values", read)?)
            }
            UINT64 => {
                let read = |ndr: &mut Reader<'_>| ndr.u64("Uint64Values");
                ClaimValues::UInt64(ndr.array(pointer, count, 8, "Uint64Values", read)?)
            }
            STRING => ClaimValues::String(read_strings(ndr, pointer, count)?),
            BOOLEAN => {
                let read = |ndr: &mut Reader<'_>| match ndr.u64("BooleanValues")? {
                    0 => Ok(false),
                    1 => Ok(true),
                    _ => Err(ndr.error(Kind::BadValue, "BooleanValues")),
                };
                ClaimValues::Boolean(ndr.array(pointer, count, 8, "BooleanValues", read)?)
            }
            _ => return Err(ndr.error(Kind::BadValue, "Type")),
        };
        Ok(Claim { id, values })
    }
}

fn read_strings(
    ndr: &mut Reader<'_>,
    pointer: ReadPointer,
    count: u32,
) -> Result<Vec<String>, PacError> {
    const VALUES: &str = "StringValues";
    let pointers = ndr.array(pointer, count, 4, VALUES, |ndr| ndr.pointer(VALUES))?;
    pointers.into_iter().map(|pointer| ndr.wide_string(pointer, VALUES)).collect()
}

impl ClaimValues {
    const fn claim_type(&self) -> u16 {
        match self {
            Self::Int64(_) => INT64,
            Self::UInt64(_) => UINT64,
            Self::String(_) => STRING,
            Self::Boolean(_) => BOOLEAN,
        }
    }

    const fn len(&self) -> usize {
        match self {
            Self::Int64(values) => values.len(),
            Self::UInt64(values) => values.len(),
            Self::String(values) => values.len(),
            Self::Boolean(values) => values.len(),
        }
    }

    fn write(&self, ndr: &mut Writer, pointer: WrittenPointer) {
        match self {
            Self::Int64(values) => {
                ndr.array(pointer, values, |ndr, value| ndr.u64(value.cast_unsigned()));
            }
            Self::UInt64(values) => ndr.array(pointer, values, |ndr, value| ndr.u64(*value)),
            Self::Boolean(values) => {
                ndr.array(pointer, values, |ndr, value| ndr.u64((*value).into()));
            }
            Self::String(values) => ndr.target(pointer, |ndr| {
                let count = ndr.count(values.len(), "StringValues");
                ndr.u32(count);
                let pointers: Vec<_> = values.iter().map(|_| ndr.pointer(true)).collect();
                for (pointer, value) in pointers.into_iter().zip(values) {
                    ndr.wide_string(pointer, value, "StringValues");
                }
            }),
        }
    }
}

fn write_entries(ndr: &mut Writer, claims: &[Claim]) {
    let count = ndr.count(claims.len(), "ClaimEntries");
    ndr.u32(count);
    let write_head = |claim: &Claim| {
        let id = ndr.pointer(true);
        ndr.u16(claim.values.claim_type());
        ndr.u16(claim.values.claim_type());
        (id, ndr.counted_pointer(claim.values.len(), "ValueCount"))
    };
    let pointers: Vec<_> = claims.iter().map(write_head).collect();
    for ((id, values), claim) in pointers.into_iter().zip(claims) {
        ndr.wide_string(id, &claim.id, "Id");
        claim.values.write(ndr, values);
    }
}
