use alloc::vec::Vec;

use super::ndr::{ReadPointer, Reader, Writer, WrittenPointer};
use super::{PacError, Sid};

/// GROUP_MEMBERSHIP (MS-PAC 2.2.2): a group of a domain that goes without saying.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GroupMembership {
    /// The group's RID in the domain.
    pub rid: u32,
    /// SE_GROUP_… bits, as of [`GroupMembership::ENABLED`].
    pub attributes: u32,
}

/// KERB_SID_AND_ATTRIBUTES (MS-PAC 2.2.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SidAndAttributes {
    /// The group's SID.
    pub sid: Sid,
    /// SE_GROUP_… bits, as of [`GroupMembership::ENABLED`].
    pub attributes: u32,
}

/// DOMAIN_GROUP_MEMBERSHIP (MS-PAC 2.2.3): groups of one domain, with the domain's SID said once.
/// This is what MS-KILE calls SID compression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DomainGroups {
    /// The domain.
    pub domain: Sid,
    /// The groups in it.
    pub groups: Vec<GroupMembership>,
}

impl GroupMembership {
    /// Mandatory, enabled by default, enabled: the attributes of an ordinary membership.
    pub const ENABLED: u32 = 7;
    /// SE_GROUP_RESOURCE: a domain-local group of the resource's domain.
    pub const RESOURCE: u32 = 0x2000_0000;

    /// An ordinary membership in the group with this RID.
    #[must_use]
    pub const fn enabled(rid: u32) -> Self {
        Self { rid, attributes: Self::ENABLED }
    }

    /// The bytes that one takes, at least.
    pub(super) const SIZE: usize = 8;

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, PacError> {
        Ok(Self { rid: reader.u32("group RID")?, attributes: reader.u32("group attributes")? })
    }

    pub(super) fn write(writer: &mut Writer, group: &Self) {
        writer.u32(group.rid);
        writer.u32(group.attributes);
    }
}

impl DomainGroups {
    /// The groups' SIDs. A domain whose SID is full has none.
    pub fn sids(&self) -> impl Iterator<Item = Sid> + '_ {
        self.groups.iter().filter_map(|group| self.domain.with_rid(group.rid))
    }
}

impl SidAndAttributes {
    /// An ordinary membership in the group with this SID.
    #[must_use]
    pub const fn enabled(sid: Sid) -> Self {
        Self { sid, attributes: GroupMembership::ENABLED }
    }

    /// Reads an array of them and what its pointers point to.
    pub(super) fn read_array(
        reader: &mut Reader<'_>,
        pointer: ReadPointer,
        count: u32,
    ) -> Result<Vec<Self>, PacError> {
        let heads = reader.array(pointer, count, 8, "ExtraSids", |reader| {
            Ok((reader.pointer("extra SID")?, reader.u32("extra SID attributes")?))
        })?;
        heads
            .into_iter()
            .map(|(pointer, attributes)| {
                Ok(Self { sid: reader.required_sid(pointer, "extra SID")?, attributes })
            })
            .collect()
    }

    /// Writes an array of them and what its pointers point to.
    pub(super) fn write_array(writer: &mut Writer, pointer: WrittenPointer, sids: &[Self]) {
        writer.target(pointer, |writer| {
            let count = writer.count(sids.len(), "ExtraSids");
            writer.u32(count);
            let pointers: Vec<_> = sids
                .iter()
                .map(|sid| {
                    let pointer = writer.pointer(true);
                    writer.u32(sid.attributes);
                    pointer
                })
                .collect();
            for (pointer, sid) in pointers.into_iter().zip(sids) {
                writer.sid(pointer, &sid.sid);
            }
        });
    }
}
