#!/bin/bash
# smb2 0.39.0 (Rust): SESSION_SETUP writes the length of the security token as its lower 16 bits.
#
# Kerberos tickets of users in very many groups exceed 65,535 bytes. MS-SMB2 2.2.5 has 16 bits for
# SecurityBufferLength, so such a token cannot be sent; one expects an error. `Pack` has no way to
# return one, and writes the length modulo 65,536 with the whole token behind it: the server sees a
# token of one byte. Ends with 1 if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
cat >"$work/Cargo.toml" <<'X'
[package]
name = "finding"
version = "0.0.0"
edition = "2024"
[dependencies]
smb2 = { version = "=0.39.0", default-features = false, features = ["tokio"] }
[workspace]
X
cat >"$work/src/main.rs" <<'X'
use smb2::msg::session_setup::{SessionSetupRequest, SessionSetupRequestFlags};
use smb2::pack::{Pack, WriteCursor};
use smb2::types::flags::{Capabilities, SecurityMode};

fn main() {
    for length in [65_535usize, 65_536, 65_537] {
        let request = SessionSetupRequest {
            flags: SessionSetupRequestFlags(0),
            security_mode: SecurityMode::new(SecurityMode::SIGNING_REQUIRED),
            capabilities: Capabilities::default(),
            channel: 0,
            previous_session_id: 0,
            security_buffer: vec![0x60; length],
        };
        let mut cursor = WriteCursor::new();
        request.pack(&mut cursor);
        let message = cursor.into_inner();
        // SecurityBufferLength stands behind StructureSize, Flags, SecurityMode, Capabilities,
        // Channel and SecurityBufferOffset.
        let written = u16::from_le_bytes([message[14], message[15]]);
        println!("token {length}: SecurityBufferLength {written}, message {}", message.len());
        assert_eq!(usize::from(written), length % 65_536, "the behaviour has changed");
    }
}
X
cd "$work"
cargo run -q
cargo tree -q --depth 0 -p smb2
