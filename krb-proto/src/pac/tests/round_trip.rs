//! Whatever we write we read again, for each buffer.

use std::vec::Vec;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

fn sid() -> impl Strategy<Value = Sid> {
    (0..1_u64 << 48, vec(any::<u32>(), 0..=15))
        .prop_map(|(authority, parts)| Sid::new(authority, parts).unwrap())
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-zé\u{10000}]{1,9}", any::<String>()]
}

fn groups() -> impl Strategy<Value = Vec<GroupMembership>> {
    let group = (any::<u32>(), any::<u32>());
    vec(group.prop_map(|(rid, attributes)| GroupMembership { rid, attributes }), 0..5)
}

fn extra_sids() -> impl Strategy<Value = Vec<SidAndAttributes>> {
    let extra = (sid(), any::<u32>());
    vec(extra.prop_map(|(sid, attributes)| SidAndAttributes { sid, attributes }), 0..5)
}

fn domain_groups() -> impl Strategy<Value = DomainGroups> {
    (sid(), groups()).prop_map(|(domain, groups)| DomainGroups { domain, groups })
}

fn logon_info() -> impl Strategy<Value = LogonInfo> {
    let names = [(); 8].map(|()| text());
    let times = [(); 8].map(|()| any::<u64>().prop_map(FileTime));
    let numbers = [(); 7].map(|()| any::<u32>());
    let rest = (any::<[u8; 16]>(), groups(), extra_sids(), option::of(domain_groups()));
    (names, times, numbers, (any::<u16>(), any::<u16>(), sid(), any::<u32>()), rest).prop_map(
        |(names, times, numbers, (logon_count, bad_password_count, domain, flags), rest)| {
            let (session_key, group_ids, extra_sids, resource_groups) = rest;
            let [name, full, script, profile, home, drive, server, domain_name] = names;
            LogonInfo {
                logon_time: times[0],
                logoff_time: times[1],
                kick_off_time: times[2],
                password_last_set: times[3],
                password_can_change: times[4],
                password_must_change: times[5],
                effective_name: name,
                full_name: full,
                logon_script: script,
                profile_path: profile,
                home_directory: home,
                home_directory_drive: drive,
                logon_count,
                bad_password_count,
                user_id: numbers[0],
                primary_group_id: numbers[1],
                group_ids,
                user_flags: flags | LogonInfo::EXTRA_SIDS | LogonInfo::RESOURCE_GROUPS,
                user_session_key: UserSessionKey(session_key),
                logon_server: server,
                logon_domain_name: domain_name,
                logon_domain_id: domain,
                reserved1: [numbers[2], numbers[3]],
                user_account_control: numbers[4],
                sub_auth_status: numbers[5],
                last_successful_interactive_logon: times[6],
                last_failed_interactive_logon: times[7],
                failed_interactive_logon_count: numbers[6],
                reserved3: flags.rotate_left(7),
                extra_sids,
                resource_groups,
            }
        },
    )
}

fn device_info() -> impl Strategy<Value = DeviceInfo> {
    (any::<u32>(), any::<u32>(), sid(), groups(), extra_sids(), vec(domain_groups(), 0..4))
        .prop_map(
            |(user_id, primary_group_id, domain, account_group_ids, extra_sids, domain_groups)| {
                DeviceInfo {
                    user_id,
                    primary_group_id,
                    account_domain_id: domain,
                    account_group_ids,
                    extra_sids,
                    domain_groups,
                }
            },
        )
}

fn claims() -> impl Strategy<Value = ClaimsSet> {
    let text = || text().prop_map(|text| text.replace('\0', "0"));
    let values = prop_oneof![
        vec(any::<i64>(), 0..20).prop_map(ClaimValues::Int64),
        vec(any::<u64>(), 0..20).prop_map(ClaimValues::UInt64),
        vec(text(), 0..20).prop_map(ClaimValues::String),
        vec(any::<bool>(), 0..20).prop_map(ClaimValues::Boolean),
    ];
    let claim = (text(), values).prop_map(|(id, values)| Claim { id, values });
    let array = (any::<u16>(), vec(claim, 0..6))
        .prop_map(|(source, claims)| ClaimsArray { source: ClaimsSource(source), claims });
    vec(array, 0..4).prop_map(|arrays| ClaimsSet { arrays })
}

fn upn() -> impl Strategy<Value = UpnDnsInfo> {
    let extended = (text(), sid())
        .prop_map(|(sam_account_name, sid)| UpnDnsExtended { sam_account_name, sid });
    (text(), text(), any::<bool>(), option::of(extended)).prop_map(
        |(upn, dns_domain_name, upn_is_constructed, extended)| UpnDnsInfo {
            upn,
            dns_domain_name,
            upn_is_constructed,
            extended,
        },
    )
}

fn same<B: PacBuffer + PartialEq + core::fmt::Debug>(buffer: B) {
    let bytes = buffer.to_bytes().unwrap();
    assert_eq!(B::from_bytes(&bytes), Ok(buffer));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn logon_infos(info in logon_info()) {
        same(info);
    }

    #[test]
    fn device_infos(info in device_info()) {
        same(info);
    }

    #[test]
    fn sets_of_claims(claims in claims()) {
        same(ClientClaims(claims.clone()));
        same(DeviceClaims(claims));
    }

    #[test]
    fn the_smaller_ones(
        upn in upn(),
        sid in sid(),
        (proxy_target, transited_services) in (text(), vec(text(), 0..5)),
        (time, name, flags) in (any::<u64>(), text(), any::<u32>()),
        (enctype, sealed) in (any::<i32>(), vec(any::<u8>(), 0..50)),
    ) {
        same(upn);
        same(Requestor(sid));
        same(DelegationInfo { proxy_target, transited_services });
        same(ClientInfo { client_id: FileTime(time), name });
        same(Attributes { flags });
        same(CredentialInfo { enctype: EncType(enctype), sealed });
    }

    /// The buffers' parsers meet hostile bytes only behind a forged signature, but they must not
    /// rely on that.
    #[test]
    fn hostile_buffers_never_panic(at in 0..700usize, value: u32) {
        let mut bytes = ALICE.to_vec();
        let at = at.min(bytes.len() - 4);
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        if let Ok(pac) = Pac::parse(&bytes) {
            let pac = VerifiedPac(pac);
            let _ = pac.logon_info().map(|info| (info.user_sid(), info.group_sids().count()));
            let _ = pac.get::<UpnDnsInfo>();
            let _ = pac.get::<ClientInfo>();
        }
    }
}
