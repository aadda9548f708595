//! The buffers of real PACs, read and written again, cut off and bent.

use std::vec;
use std::vec::Vec;

use super::claims::windows;
use super::read_only_dc::heimdal;
use super::signatures::mit;
use super::*;
use crate::iana::PacBufferType;

/// The buffer as our type writes it, if we have a type for it.
pub(super) fn rewritten(kind: PacBufferType, bytes: &[u8]) -> Option<Result<Vec<u8>, PacError>> {
    fn again<B: PacBuffer>(bytes: &[u8]) -> Option<Result<Vec<u8>, PacError>> {
        Some(B::from_bytes(bytes).and_then(|buffer| buffer.to_bytes()))
    }
    match kind {
        LogonInfo::TYPE => again::<LogonInfo>(bytes),
        CredentialInfo::TYPE => again::<CredentialInfo>(bytes),
        ClientInfo::TYPE => again::<ClientInfo>(bytes),
        DelegationInfo::TYPE => again::<DelegationInfo>(bytes),
        UpnDnsInfo::TYPE => again::<UpnDnsInfo>(bytes),
        ClientClaims::TYPE => again::<ClientClaims>(bytes),
        DeviceInfo::TYPE => again::<DeviceInfo>(bytes),
        DeviceClaims::TYPE => again::<DeviceClaims>(bytes),
        Attributes::TYPE => again::<Attributes>(bytes),
        Requestor::TYPE => again::<Requestor>(bytes),
        _ => None,
    }
}

/// Windows 2003, 2008 and 2022, Samba 4.17, and another DC with an empty CLIENT_CLAIMS_INFO.
fn real_pacs() -> Vec<Vec<u8>> {
    let mit = ["saved_pac", "s4u_pac_regular", "s4u_pac_ent_xrealm"].map(mit);
    let windows = ["plain", "int64"].map(windows);
    let heimdal = ["saved_pac2", "extra_logon_info"].map(heimdal);
    mit.into_iter().chain(windows).chain(heimdal).chain([ALICE.to_vec(), HUGE.to_vec()]).collect()
}

#[test]
fn what_windows_and_samba_wrote_comes_out_byte_for_byte() {
    let mut seen = 0;
    for pac in real_pacs() {
        for (kind, buffer) in Pac::parse(&pac).unwrap().buffers() {
            let Some(again) = rewritten(kind, buffer) else { continue };
            // Samba does not align the SID in UPN_DNS_INFO, Windows does.
            if kind == UpnDnsInfo::TYPE && again.as_deref() != Ok(buffer) {
                let again = UpnDnsInfo::from_bytes(&again.unwrap());
                assert_eq!(again, UpnDnsInfo::from_bytes(buffer));
                assert!(pac == ALICE || pac == HUGE);
            } else {
                assert_eq!(again.as_deref(), Ok(buffer), "{kind}");
            }
            seen += 1;
        }
    }
    assert!(seen > 20);
}

/// MS-PAC 2.9 as Windows writes it: Length, MaximumLength with room for a NUL, and that room again
/// as the array's maximum.
#[test]
fn the_texts_of_a_delegation_have_room_for_a_nul() {
    let proxy_target = "sql/db.a.b".into();
    let info = DelegationInfo { proxy_target, transited_services: vec!["a@B".into()] };
    let bytes = info.to_bytes().unwrap();
    assert_eq!(bytes[20..24], [0x14, 0, 0x16, 0]);
    let maximum = bytes.windows(12).any(|part| part == [0x0b, 0, 0, 0, 0, 0, 0, 0, 0x0a, 0, 0, 0]);
    assert!(maximum, "{bytes:02x?}");
    assert!(bytes.windows(4).any(|part| part == [6, 0, 8, 0]), "{bytes:02x?}");
    assert_eq!(DelegationInfo::from_bytes(&bytes), Ok(info));
}

#[test]
fn a_buffer_that_ends_early_or_late_is_refused() {
    for pac in [windows("plain"), windows("compressed"), ALICE.to_vec()] {
        for (kind, buffer) in Pac::parse(&pac).unwrap().buffers() {
            if rewritten(kind, buffer).is_none() {
                continue;
            }
            // Padding at the end is not missed, nor do eight bytes less of it count.
            let padding = buffer.iter().rev().take(7).take_while(|byte| **byte == 0).count();
            for end in 1..buffer.len() - padding {
                let cut = rewritten(kind, &buffer[..end]).unwrap();
                assert!(cut.is_err(), "{kind} cut at {end} of {}", buffer.len());
            }
            if kind != UpnDnsInfo::TYPE {
                let longer = [buffer, &[0; 8]].concat();
                assert!(rewritten(kind, &longer).unwrap().is_err(), "{kind} with more behind");
            }
        }
    }
}

#[test]
fn no_word_of_a_buffer_panics_whatever_it_is() {
    // CVE-2022-42898: counts and lengths that overflow 32 bits when multiplied or added.
    let words = [0, 1, 0x7fff_ffff, 0x8000_0000, 0x1fff_ffff, 0x2000_0001, 0xffff_fff8, u32::MAX];
    for pac in [windows("plain"), ALICE.to_vec()] {
        for (kind, buffer) in Pac::parse(&pac).unwrap().buffers() {
            for at in (0..buffer.len().saturating_sub(3)).step_by(2) {
                for word in words {
                    let mut bent = buffer.to_vec();
                    bent[at..at + 4].copy_from_slice(&word.to_le_bytes());
                    // What is still accepted can be written and read again.
                    if let Some(Ok(again)) = rewritten(kind, &bent) {
                        let third = rewritten(kind, &again).unwrap();
                        assert_eq!(third.as_ref(), Ok(&again), "{kind} with {word:#x} at {at}");
                    }
                }
            }
        }
    }
}

fn logon() -> LogonInfo {
    let domain = "S-1-5-21-1-2-3".parse().unwrap();
    LogonInfo { logon_server: "DC".into(), ..LogonInfo::new("alice", "EXAMPLE", domain, 1104) }
}

#[test]
fn null_pointers_are_nothing_or_an_error() {
    let bytes = logon().to_bytes().unwrap();
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let mut refused = 0;
    for at in (20..bytes.len() - 3).step_by(4) {
        if (0x0002_0000..0x0002_0100).contains(&word(at)) {
            let mut without = bytes.clone();
            without[at..at + 4].fill(0);
            // The target is still there, so that all behind it is out of place.
            assert!(LogonInfo::from_bytes(&without).is_err(), "pointer at {at}");
            refused += 1;
        }
    }
    assert_eq!(refused, 10, "eight names, the groups, the domain");
    let mut without = bytes.clone();
    without[16..20].fill(0);
    let error = LogonInfo::from_bytes(&without).unwrap_err();
    assert_eq!(error.kind, PacErrorKind::Missing, "the structure itself");
    // CVE-2026-107708: a PAC without client information, and one with no name in it.
    let pac = PacBuilder::new().with(&logon()).unwrap();
    let key = service_key();
    let keys = PacKeys { server: &key, krbtgt: &key, rodc_identifier: None };
    let pac = pac.sign(&keys).unwrap();
    assert_eq!(verify(&pac).unwrap().get::<ClientInfo>(), Ok(None));
    assert_eq!(ClientInfo::from_bytes(&[0; 10]).unwrap().name, "");
    assert!(ClientInfo::from_bytes(&[0; 9]).is_err());
    assert!(ClientInfo::from_bytes(&[]).is_err());
}

#[test]
fn groups_that_the_flags_disown_are_refused() {
    let sid: Sid = "S-1-18-1".parse().unwrap();
    let mut info = logon();
    info.extra_sids.push(SidAndAttributes::enabled(sid.clone()));
    let flags = |bytes: &mut [u8], value: u32| {
        // Behind six times, six names, two short counters, two RIDs, and a count and a pointer.
        let at = 20 + 48 + 48 + 4 + 8 + 8;
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    };
    let mut bytes = info.to_bytes().unwrap();
    let read = LogonInfo::from_bytes(&bytes).unwrap();
    assert_eq!(read.user_flags, LogonInfo::EXTRA_SIDS);
    flags(&mut bytes, 0);
    assert_eq!(LogonInfo::from_bytes(&bytes).unwrap_err().field, "UserFlags");

    // SID compression (MS-KILE 3.3.5.7): the resource domain's SID once, then RIDs.
    let groups = [1105, 1106].map(GroupMembership::enabled).to_vec();
    info.extra_sids.clear();
    info.resource_groups = Some(DomainGroups { domain: "S-1-5-21-7-8-9".parse().unwrap(), groups });
    let mut bytes = info.to_bytes().unwrap();
    let read = LogonInfo::from_bytes(&bytes).unwrap();
    assert_eq!(read.user_flags, LogonInfo::RESOURCE_GROUPS);
    let sids: Vec<_> = read.group_sids().map(|sid| sid.to_string()).collect();
    assert_eq!(sids[1..], ["S-1-5-21-7-8-9-1105", "S-1-5-21-7-8-9-1106"]);
    flags(&mut bytes, LogonInfo::EXTRA_SIDS);
    assert_eq!(LogonInfo::from_bytes(&bytes).unwrap_err().field, "UserFlags");
}

#[test]
fn six_hundred_foreign_groups_are_built_signed_and_verified() {
    let domain: Sid = "S-1-5-21-1111111111-2222222222-3333333333".parse().unwrap();
    let foreign = (1..=600).filter_map(|rid| domain.with_rid(rid)).map(SidAndAttributes::enabled);
    let info = LogonInfo { extra_sids: foreign.collect(), ..logon() };
    let key = service_key();
    let keys = PacKeys { server: &key, krbtgt: &key, rodc_identifier: None };
    let pac = PacBuilder::new().with(&info).and_then(|builder| builder.sign(&keys)).unwrap();
    assert!((24_000..26_000).contains(&pac.len()), "{}", pac.len());
    let read = verify(&pac).unwrap().logon_info().unwrap();
    assert_eq!(read.extra_sids, info.extra_sids);
    assert_eq!(read.group_sids().count(), 601, "the primary group is among the domain's too");
}

#[test]
fn texts_are_as_long_as_their_length_fields_can_say() {
    let name = |units: usize| "a".repeat(units);
    for (units, ok) in [(32_766, true), (32_767, true), (32_768, false)] {
        let info = LogonInfo { full_name: name(units), ..logon() };
        assert_eq!(info.to_bytes().is_ok(), ok, "{units}");
        let info = ClientInfo { client_id: FileTime(1), name: name(units) };
        assert_eq!(info.to_bytes().is_ok(), ok, "{units}");
        if ok {
            let bytes = info.to_bytes().unwrap();
            assert_eq!(ClientInfo::from_bytes(&bytes), Ok(info));
        }
    }
    // With room for a NUL, one less.
    for (units, ok) in [(32_765, true), (32_766, true), (32_767, false)] {
        let info = LogonInfo { logon_server: name(units), ..logon() };
        match info.to_bytes() {
            Ok(bytes) => assert_eq!(LogonInfo::from_bytes(&bytes), Ok(info), "{units}"),
            Err(error) => assert_eq!((error.kind, ok), (PacErrorKind::TooLong, false)),
        }
    }
    let upn = |units| UpnDnsInfo {
        upn: name(units),
        dns_domain_name: "b".into(),
        upn_is_constructed: true,
        extended: None,
    };
    // The second text's offset is the bound: 16 and the first one, aligned to 8.
    for (units, ok) in [(32_756, true), (32_757, false)] {
        assert_eq!(upn(units).to_bytes().is_ok(), ok, "{units}");
    }
}

#[test]
fn a_pac_has_at_most_64_buffers() {
    let key = service_key();
    let keys = PacKeys { server: &key, krbtgt: &key, rodc_identifier: None };
    for (count, ok) in [(61, true), (62, true), (63, false)] {
        let unknown = (1000..1000 + count).map(PacBufferType);
        let builder = unknown.fold(PacBuilder::new(), |builder, kind| {
            builder.with_buffer(kind, vec![kind.0 as u8; 3])
        });
        let Ok(pac) = builder.sign(&keys) else {
            assert!(!ok, "{count}");
            continue;
        };
        assert!(ok);
        // Unknown buffers are carried untouched.
        let verified = verify(&pac).unwrap();
        let kept = verified.as_pac().buffers().filter(|(kind, _)| kind.0 >= 1000);
        assert!(kept.map(|(kind, bytes)| (kind.0 as u8, bytes)).all(|(b, x)| x == [b; 3]));
        assert_eq!(PacBuilder::from_pac(verified.as_pac()).sign(&keys), Ok(pac.clone()));
    }
}

#[test]
fn credentials_open_with_the_reply_key() {
    struct Zeros;
    impl crate::Random for Zeros {
        fn fill(&mut self, out: &mut [u8]) {
            out.fill(0);
        }
    }
    let key = service_key();
    let ntlm =
        SupplementalCredential { package_name: "NTLM".into(), credentials: vec![7; 40].into() };
    for credentials in [vec![], vec![ntlm.clone()], vec![ntlm.clone(), ntlm]] {
        let info = CredentialInfo::seal(&credentials, &key, &mut Zeros).unwrap();
        let info = CredentialInfo::from_bytes(&info.to_bytes().unwrap()).unwrap();
        assert_eq!(info.open(&key), Ok(credentials.clone()));
        let other = Key::new(EncType::AES128_CTS_HMAC_SHA1_96, &[1; 16]).unwrap();
        let error = info.open(&other).unwrap_err();
        assert_eq!(error.kind, PacErrorKind::Sealed(CryptoError::IntegrityCheckFailed));
        assert!(!std::format!("{credentials:?}").contains("7, 7"));
    }
}
