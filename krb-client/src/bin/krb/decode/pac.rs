use krb_proto::asn1::EncTicketPart;
use krb_proto::iana::PacBufferType;
use krb_proto::pac::{
    Attributes, ClaimValues, ClaimsSet, ClientClaims, ClientInfo, CredentialInfo, DelegationInfo,
    DeviceClaims, DeviceInfo, DomainGroups, GroupMembership, LogonInfo, Pac, PacBuffer, PacError,
    PacErrorKind, PacSignature, Requestor, Sid, SidAndAttributes, UpnDnsInfo, VerifiedPac,
};

use super::decoder::{Decoder, length};
use super::keys::Named;
use super::tree::{Fields, Tree};

impl Decoder {
    /// A PAC: what it says, and which of its signatures hold under the keys there are. `key` opened
    /// the ticket that it stands in.
    pub(super) fn pac(
        &mut self,
        octets: &[u8],
        ticket: Option<&EncTicketPart<'_>>,
        key: Option<&Named>,
    ) -> Tree {
        let pac = match Pac::parse(octets) {
            Ok(pac) => pac,
            Err(error) => return self.malformed("PAC", octets, error),
        };
        let buffers: Vec<Tree> = pac
            .buffers()
            .map(|(kind, buffer)| {
                let value = match signature(&pac, kind) {
                    Some(signature) => signature,
                    None => self.pac_buffer(kind, buffer),
                };
                let kind = match kind.name() {
                    Some(name) => format!("{} ({name})", kind.0),
                    None => kind.to_string(),
                };
                Fields::default().with("buffer", kind).with("content", value).into()
            })
            .collect();
        let signatures = self.pac_signatures(octets, ticket, key);
        Fields::of("PAC").with("signatures", signatures).with("buffers", buffers).into()
    }

    fn pac_buffer(&mut self, kind: PacBufferType, buffer: &[u8]) -> Tree {
        match kind {
            PacBufferType::LOGON_INFO => self.buffer(buffer, logon_info),
            PacBufferType::CLIENT_INFO => self.buffer(buffer, |info: &ClientInfo| {
                Fields::default().show("client-id", info.client_id).with("name", info.name.as_str())
            }),
            PacBufferType::UPN_DNS_INFO => self.buffer(buffer, upn_dns_info),
            PacBufferType::DELEGATION_INFO => self.buffer(buffer, |info: &DelegationInfo| {
                let services = info.transited_services.iter().map(String::as_str);
                Fields::default()
                    .with("proxy-target", info.proxy_target.as_str())
                    .with("transited-services", Tree::list(services))
            }),
            PacBufferType::ATTRIBUTES => self.buffer(buffer, |info: &Attributes| {
                let named = [
                    (Attributes::PAC_WAS_REQUESTED, "pac-was-requested"),
                    (Attributes::PAC_WAS_GIVEN_IMPLICITLY, "pac-was-given-implicitly"),
                ];
                let names = named.iter().filter(|(bit, _)| info.flags & bit != 0);
                Fields::default().with("flags", Tree::list(names.map(|(_, name)| *name)))
            }),
            PacBufferType::REQUESTOR => self.buffer(buffer, |requestor: &Requestor| {
                Fields::default().show("sid", &requestor.0)
            }),
            PacBufferType::CLIENT_CLAIMS => {
                self.buffer(buffer, |ClientClaims(set): &ClientClaims| claims(set))
            }
            PacBufferType::DEVICE_CLAIMS => {
                self.buffer(buffer, |DeviceClaims(set): &DeviceClaims| claims(set))
            }
            PacBufferType::DEVICE_INFO => self.buffer(buffer, device_info),
            PacBufferType::CREDENTIAL_INFO => self.buffer(buffer, |info: &CredentialInfo| {
                Fields::default()
                    .show("enctype", info.enctype)
                    .with("sealed-octets", length(&info.sealed))
            }),
            _ => Tree::octets(buffer),
        }
    }

    fn buffer<B: PacBuffer>(&mut self, buffer: &[u8], read: impl FnOnce(&B) -> Fields) -> Tree {
        match B::from_bytes(buffer) {
            Ok(value) => read(&value).into(),
            Err(error) => self.malformed(B::TYPE.name().unwrap_or("PAC buffer"), buffer, error),
        }
    }

    /// Which signatures hold. The service's key is the one that opened the ticket, or one that was
    /// given; krbtgt's one that was given.
    fn pac_signatures(
        &mut self,
        octets: &[u8],
        ticket: Option<&EncTicketPart<'_>>,
        key: Option<&Named>,
    ) -> Fields {
        let given = self.keys.given().to_vec();
        let candidates: Vec<&Named> = key.into_iter().chain(&given).collect();
        let server = candidates.iter().find_map(|named| {
            let verified = Pac::parse(octets).ok()?.verify_server_signature(&named.key).ok()?;
            Some((*named, verified))
        });
        let Some((named, pac)) = server else {
            // A key that opens the ticket and does not fit the signature proves it wrong.
            let verdict = match key {
                Some(key) => {
                    match Pac::parse(octets).map(|pac| pac.verify_server_signature(&key.key)) {
                        Ok(Err(error)) => self.wrong(&error),
                        _ => NOT_CHECKED.to_owned(),
                    }
                }
                None => NOT_CHECKED.to_owned(),
            };
            return Fields::default().with("server", verdict);
        };
        let mut fields = Fields::default().with("server", good(named));
        let kinds = [
            ("kdc", PacBufferType::KDC_SIGNATURE),
            ("ticket", PacBufferType::TICKET_SIGNATURE),
            ("extended-kdc", PacBufferType::EXTENDED_KDC_SIGNATURE),
        ];
        for (name, kind) in kinds {
            if pac.as_pac().signature(kind).is_ok_and(|signature| signature.is_some()) {
                fields = fields.with(name, self.kdc_signature(&pac, kind, ticket, &candidates));
            }
        }
        fields
    }

    fn kdc_signature(
        &mut self,
        pac: &VerifiedPac<'_>,
        kind: PacBufferType,
        ticket: Option<&EncTicketPart<'_>>,
        candidates: &[&Named],
    ) -> String {
        let verify = |named: &Named| match (kind, ticket) {
            (PacBufferType::KDC_SIGNATURE, _) => Some(pac.verify_kdc_signature(&named.key)),
            (PacBufferType::EXTENDED_KDC_SIGNATURE, _) => {
                Some(pac.verify_extended_kdc_signature(&named.key))
            }
            (_, Some(ticket)) => Some(pac.verify_ticket_signature(&named.key, ticket)),
            (_, None) => None,
        };
        let is_good = |named: &&&Named| verify(named).is_some_and(|outcome| outcome.is_ok());
        if let Some(named) = candidates.iter().find(is_good) {
            return good(named);
        }
        // Only krbtgt's own key of the right kind can say that it is wrong.
        let krbtgt = candidates.iter().filter(|named| named.is_krbtgt);
        let wrong = krbtgt.filter_map(|named| verify(named)?.err()).find(|error| {
            !matches!(
                error.kind,
                PacErrorKind::Signature(krb_proto::crypto::CryptoError::ChecksumTypeNotAllowed(_))
            )
        });
        match wrong {
            Some(error) => self.wrong(&error),
            None => NOT_CHECKED.to_owned(),
        }
    }

    fn wrong(&mut self, error: &PacError) -> String {
        self.problems += 1;
        format!("WRONG: {error}")
    }
}

const NOT_CHECKED: &str = "not checked: no key was given that could";

fn good(named: &Named) -> String {
    format!("good, by {}", named.name)
}

fn signature(pac: &Pac<'_>, kind: PacBufferType) -> Option<Tree> {
    const SIGNATURES: [PacBufferType; 4] = [
        PacBufferType::SERVER_SIGNATURE,
        PacBufferType::KDC_SIGNATURE,
        PacBufferType::TICKET_SIGNATURE,
        PacBufferType::EXTENDED_KDC_SIGNATURE,
    ];
    if !SIGNATURES.contains(&kind) {
        return None;
    }
    let PacSignature { checksum_type, signature, rodc_identifier } = pac.signature(kind).ok()??;
    let fields = Fields::default()
        .show("checksum-type", checksum_type)
        .with("signature", Tree::octets(signature))
        .with_some("rodc-identifier", rodc_identifier);
    Some(fields.into())
}

fn logon_info(info: &LogonInfo) -> Fields {
    let text = |text: &str| (!text.is_empty()).then(|| Tree::from(text));
    let sid = info.user_sid().ok();
    Fields::default()
        .with("effective-name", info.effective_name.as_str())
        .with_some("full-name", text(&info.full_name))
        .show_some("sid", sid)
        .with("logon-domain-name", info.logon_domain_name.as_str())
        .show("logon-domain-id", &info.logon_domain_id)
        .with("logon-server", info.logon_server.as_str())
        .with("user-id", info.user_id)
        .with("primary-group-id", info.primary_group_id)
        .with("groups", groups(&info.logon_domain_id, &info.group_ids))
        .with("extra-sids", sids(&info.extra_sids))
        .with_some("resource-groups", info.resource_groups.as_ref().map(domain_groups))
        .show("user-account-control", format_args!("{:#x}", info.user_account_control))
        .show("user-flags", format_args!("{:#x}", info.user_flags))
        .show("logon-time", info.logon_time)
        .show("logoff-time", info.logoff_time)
        .show("kick-off-time", info.kick_off_time)
        .show("password-last-set", info.password_last_set)
        .show("password-can-change", info.password_can_change)
        .show("password-must-change", info.password_must_change)
        .with("logon-count", info.logon_count)
        .with("bad-password-count", info.bad_password_count)
}

fn groups(domain: &Sid, groups: &[GroupMembership]) -> Tree {
    Tree::list(groups.iter().map(|group| match domain.with_rid(group.rid) {
        Some(sid) => sid.to_string(),
        None => group.rid.to_string(),
    }))
}

fn sids(sids: &[SidAndAttributes]) -> Tree {
    Tree::list(sids.iter().map(|sid| sid.sid.to_string()))
}

fn domain_groups(groups: &DomainGroups) -> Tree {
    self::groups(&groups.domain, &groups.groups)
}

fn upn_dns_info(info: &UpnDnsInfo) -> Fields {
    let extended = info.extended.as_ref();
    Fields::default()
        .with("upn", info.upn.as_str())
        .with("upn-is-constructed", info.upn_is_constructed)
        .with("dns-domain-name", info.dns_domain_name.as_str())
        .with_some("sam-account-name", extended.map(|it| it.sam_account_name.as_str()))
        .show_some("sid", extended.map(|it| &it.sid))
}

fn device_info(info: &DeviceInfo) -> Fields {
    Fields::default()
        .with("user-id", info.user_id)
        .with("primary-group-id", info.primary_group_id)
        .show("account-domain-id", &info.account_domain_id)
        .with("account-groups", groups(&info.account_domain_id, &info.account_group_ids))
        .with("extra-sids", sids(&info.extra_sids))
        .with("domain-groups", Tree::list(info.domain_groups.iter().map(domain_groups)))
}

fn claims(set: &ClaimsSet) -> Fields {
    let claims = set.iter().map(|claim| {
        let values = match &claim.values {
            ClaimValues::Int64(values) => Tree::list(values.iter().copied()),
            ClaimValues::UInt64(values) => Tree::list(values.iter().map(u64::to_string)),
            ClaimValues::String(values) => Tree::list(values.iter().map(String::as_str)),
            ClaimValues::Boolean(values) => Tree::list(values.iter().copied()),
            _ => Tree::from("of a type of its own"),
        };
        Fields::default().with("id", claim.id.as_str()).with("values", values)
    });
    Fields::default().with("claims", Tree::list(claims))
}
