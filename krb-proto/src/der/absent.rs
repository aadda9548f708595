//! Messages with a member left out, for the tests of those who read them.

use std::vec::Vec;

use super::{Reader, Writer};

const CONSTRUCTED: u8 = 0x20;
const CONTEXT: u8 = 0x80;

fn value(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.prepend(contents);
    writer.close(tag, 0);
    writer.into_vec()
}

/// The value `der` once without each member that has a context tag, at whatever depth. With the
/// path of tags to what was left out.
pub(crate) fn without_each_member(der: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    let mut reader = Reader::new(der);
    let Some(tag) = reader.peek_tag() else { return found };
    let contents = reader.enter(tag).unwrap().rest();
    if tag & CONSTRUCTED == 0 {
        return found;
    }
    let mut members = Reader::new(contents);
    while let Some(member) = members.peek_tag() {
        let start = members;
        members.enter(member).unwrap();
        let here = members.since(&start);
        let before = &contents[..contents.len() - start.rest().len()];
        let around = |inner: &[u8]| value(tag, &[before, inner, members.rest()].concat());
        if member & 0xc0 == CONTEXT {
            found.push(([tag, member].to_vec(), around(&[])));
        }
        for (path, inner) in without_each_member(here) {
            found.push(([&[tag][..], &path].concat(), around(&inner)));
        }
    }
    found
}
