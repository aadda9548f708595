use krb_proto::asn1::{
    ApRep, ApReq, Authenticator, Checksum, EncApRepPart, EncKdcRepPart, EncKrbCredPart,
    EncKrbPrivPart, EncTicketPart, KrbCred, KrbCredInfo, KrbPriv, KrbSafe, Ticket,
};
use krb_proto::iana::{ApOptions, ChecksumType, EncType, KeyUsage, TicketFlags};
use krb_proto::preauth::fast::armor_key;

use super::decoder::{Decoder, address, addresses, length, name, realm, seal};
use super::gss;
use super::keys::Named;
use super::tree::{Fields, Tree};

/// What is encrypted in "no enctype" is not encrypted.
const NULL: EncType = EncType(0);

impl Decoder {
    pub(super) fn ticket(&mut self, octets: &[u8]) -> Tree {
        self.decoded("Ticket", octets, |decoder, ticket: Ticket<'_>| {
            let sealed =
                decoder.sealed(&ticket.enc_part, &[KeyUsage::TICKET], |decoder, plain, key| {
                    decoder.enc_ticket_part(plain, Some(key))
                });
            Fields::of("Ticket")
                .with("realm", realm(ticket.realm))
                .with("sname", name(ticket.sname))
                .with("enc-part", sealed)
        })
    }

    /// The inside of a ticket, which was opened with this key.
    pub(super) fn enc_ticket_part(&mut self, octets: &[u8], key: Option<&Named>) -> Tree {
        self.decoded("EncTicketPart", octets, |decoder, part: EncTicketPart<'_>| {
            let client = part.cname.in_realm(part.crealm);
            decoder.keys.learn(&part.key, format!("session key in {client}'s ticket"));
            let authorization = part
                .authorization_data
                .map(|data| decoder.authorization_data(&data, Some(&part), key));
            Fields::of("EncTicketPart")
                .show("flags", TicketFlags(part.flags.bits()))
                .show("key", part.key.keytype)
                .with("crealm", realm(part.crealm))
                .with("cname", name(part.cname))
                .with_some("transited", transited(part.transited.contents))
                .show("authtime", part.authtime)
                .show_some("starttime", part.starttime)
                .show("endtime", part.endtime)
                .show_some("renew-till", part.renew_till)
                .with_some("caddr", part.caddr.as_ref().map(addresses))
                .with_some("authorization-data", authorization)
        })
    }

    pub(super) fn ap_req(&mut self, octets: &[u8], usage: KeyUsage) -> Tree {
        self.decoded("AP-REQ", octets, |decoder, request: ApReq<'_>| {
            let ticket = decoder.ticket(request.ticket.der());
            let usages = [usage];
            let authenticator =
                decoder.sealed(&request.authenticator, &usages, |decoder, plain, session| {
                    decoder.authenticator(plain, Some(session))
                });
            Fields::of("AP-REQ")
                .show("ap-options", ApOptions(request.ap_options.bits()))
                .with("ticket", ticket)
                .with("authenticator", authenticator)
        })
    }

    pub(super) fn authenticator(&mut self, octets: &[u8], session: Option<&Named>) -> Tree {
        self.decoded("Authenticator", octets, |decoder, authenticator: Authenticator<'_>| {
            let client = authenticator.cname.in_realm(authenticator.crealm);
            let subkey = authenticator.subkey;
            let learnt = subkey.and_then(|subkey| {
                decoder.keys.learn(&subkey, format!("subkey in {client}'s authenticator"))
            });
            // What FAST is armored with, if it is.
            if let (Some(session), Some(subkey)) = (session, learnt)
                && let Ok(armor) = armor_key(&subkey, &session.key)
            {
                decoder.keys.learn_key(armor, format!("armor key of {client}'s authenticator"));
            }
            let checksum = authenticator.cksum.map(|checksum| decoder.ap_checksum(&checksum));
            let authorization = authenticator
                .authorization_data
                .map(|data| decoder.authorization_data(&data, None, None));
            Fields::of("Authenticator")
                .with("crealm", realm(authenticator.crealm))
                .with("cname", name(authenticator.cname))
                .with_some("cksum", checksum)
                .with("cusec", authenticator.cusec.0)
                .show("ctime", authenticator.ctime)
                .show_some("subkey", subkey.map(|subkey| subkey.keytype))
                .with_some("seq-number", authenticator.seq_number.map(|number| number.get()))
                .with_some("authorization-data", authorization)
        })
    }

    /// An authenticator's checksum, which in GSS-API is none (RFC 4121 section 4.1.1).
    fn ap_checksum(&mut self, checksum: &Checksum<'_>) -> Tree {
        if checksum.cksumtype == ChecksumType::GSSAPI
            && let Some(fields) = self.gss_checksum(checksum.checksum)
        {
            return fields.into();
        }
        self::checksum(checksum).into()
    }

    fn gss_checksum(&mut self, octets: &[u8]) -> Option<Fields> {
        let rest = octets.strip_prefix(&[16, 0, 0, 0])?;
        let (bindings, rest) = rest.split_first_chunk::<16>()?;
        let (flags, rest) = rest.split_first_chunk()?;
        let is_unbound = bindings.iter().all(|&octet| octet == 0);
        let bindings = if is_unbound { Tree::from("none") } else { Tree::octets(bindings) };
        let mut fields = Fields::of("gssapi")
            .with("channel-bindings", bindings)
            .with("flags", gss::flags(u32::from_le_bytes(*flags)));
        if let [1, 0, low, high, rest @ ..] = rest {
            let length = usize::from(u16::from_le_bytes([*low, *high]));
            let delegated = rest.get(..length)?;
            fields = fields.with("delegated", self.krb_cred(delegated));
        }
        Some(fields)
    }

    pub(super) fn ap_rep(&mut self, octets: &[u8]) -> Tree {
        self.decoded("AP-REP", octets, |decoder, reply: ApRep<'_>| {
            let sealed =
                decoder.sealed(&reply.enc_part, &[KeyUsage::AP_REP], |decoder, plain, _| {
                    decoder.enc_ap_rep_part(plain)
                });
            Fields::of("AP-REP").with("enc-part", sealed)
        })
    }

    pub(super) fn enc_ap_rep_part(&mut self, octets: &[u8]) -> Tree {
        self.decoded("EncAPRepPart", octets, |decoder, part: EncApRepPart<'_>| {
            if let Some(subkey) = &part.subkey {
                decoder.keys.learn(subkey, "subkey in an AP-REP");
            }
            Fields::of("EncAPRepPart")
                .show("ctime", part.ctime)
                .with("cusec", part.cusec.0)
                .show_some("subkey", part.subkey.map(|subkey| subkey.keytype))
                .with_some("seq-number", part.seq_number.map(|number| number.get()))
        })
    }

    /// The sealed part of an AS-REP or a TGS-REP.
    pub(super) fn enc_kdc_rep_part(&mut self, octets: &[u8]) -> Tree {
        const KIND: &str = "EncKDCRepPart";
        let part = match EncKdcRepPart::from_der(octets) {
            Ok(part) => part,
            Err(error) => return self.malformed(KIND, octets, error),
        };
        self.deeper(KIND, octets, |decoder| {
            let server = part.sname.in_realm(part.srealm);
            decoder.keys.learn(&part.key, format!("session key for {server}"));
            let padata = part.encrypted_pa_data.map(|padata| decoder.padata(&padata));
            let kind = match octets.first() {
                Some(&EncKdcRepPart::AS_REP) => "EncASRepPart",
                _ => "EncTGSRepPart",
            };
            let last_req = part.last_req.iter().map(|entry| {
                Fields::default().with("lr-type", entry.lr_type).show("lr-value", entry.lr_value)
            });
            Fields::of(kind)
                .show("key", part.key.keytype)
                .with("last-req", Tree::list(last_req))
                .with("nonce", part.nonce.get())
                .show_some("key-expiration", part.key_expiration)
                .show("flags", TicketFlags(part.flags.bits()))
                .show("authtime", part.authtime)
                .show_some("starttime", part.starttime)
                .show("endtime", part.endtime)
                .show_some("renew-till", part.renew_till)
                .with("srealm", realm(part.srealm))
                .with("sname", name(part.sname))
                .with_some("caddr", part.caddr.as_ref().map(addresses))
                .with_some("encrypted-pa-data", padata)
                .into()
        })
    }

    pub(super) fn krb_safe(&mut self, octets: &[u8]) -> Tree {
        self.decoded("KRB-SAFE", octets, |_, message: KrbSafe<'_>| {
            let body = message.safe_body;
            Fields::of("KRB-SAFE")
                .with("user-data", Tree::octets(body.user_data))
                .show_some("timestamp", body.timestamp)
                .with_some("seq-number", body.seq_number.map(|number| number.get()))
                .with("s-address", address(&body.s_address))
                .with_some("r-address", body.r_address.as_ref().map(address))
                .with("cksum", checksum(&message.cksum))
        })
    }

    /// What it holds is told by whoever knows what it is for.
    pub(super) fn krb_priv(
        &mut self,
        octets: &[u8],
        user_data: fn(&mut Self, &[u8]) -> Tree,
    ) -> Tree {
        self.decoded("KRB-PRIV", octets, |decoder, message: KrbPriv<'_>| {
            let sealed =
                decoder.sealed(&message.enc_part, &[KeyUsage::KRB_PRIV], |decoder, plain, _| {
                    decoder.enc_krb_priv_part(plain, user_data)
                });
            Fields::of("KRB-PRIV").with("enc-part", sealed)
        })
    }

    pub(super) fn enc_krb_priv_part(
        &mut self,
        octets: &[u8],
        user_data: fn(&mut Self, &[u8]) -> Tree,
    ) -> Tree {
        self.decoded("EncKrbPrivPart", octets, |decoder, part: EncKrbPrivPart<'_>| {
            Fields::of("EncKrbPrivPart")
                .with("user-data", user_data(decoder, part.user_data))
                .show_some("timestamp", part.timestamp)
                .with_some("seq-number", part.seq_number.map(|number| number.get()))
                .with("s-address", address(&part.s_address))
                .with_some("r-address", part.r_address.as_ref().map(address))
        })
    }

    pub(super) fn krb_cred(&mut self, octets: &[u8]) -> Tree {
        self.decoded("KRB-CRED", octets, |decoder, message: KrbCred<'_>| {
            let tickets: Vec<Tree> =
                message.tickets.iter().map(|ticket| decoder.ticket(ticket.der())).collect();
            let part = if message.enc_part.etype == NULL {
                let inside = decoder.enc_krb_cred_part(message.enc_part.cipher);
                seal(&message.enc_part).with("plaintext", inside)
            } else {
                let usages = [KeyUsage::KRB_CRED];
                decoder.sealed(&message.enc_part, &usages, |decoder, plain, _| {
                    decoder.enc_krb_cred_part(plain)
                })
            };
            Fields::of("KRB-CRED").with("tickets", tickets).with("enc-part", part)
        })
    }

    pub(super) fn enc_krb_cred_part(&mut self, octets: &[u8]) -> Tree {
        self.decoded("EncKrbCredPart", octets, |decoder, part: EncKrbCredPart<'_>| {
            let infos: Vec<Tree> =
                part.ticket_info.iter().map(|info| decoder.cred_info(&info).into()).collect();
            Fields::of("EncKrbCredPart")
                .with("ticket-info", infos)
                .with_some("nonce", part.nonce.map(|nonce| nonce.get()))
                .show_some("timestamp", part.timestamp)
                .with_some("s-address", part.s_address.as_ref().map(address))
                .with_some("r-address", part.r_address.as_ref().map(address))
        })
    }

    fn cred_info(&mut self, info: &KrbCredInfo<'_>) -> Fields {
        self.keys.learn(&info.key, "session key in a KRB-CRED");
        Fields::default()
            .show("key", info.key.keytype)
            .with_some("prealm", info.prealm.map(realm))
            .with_some("pname", info.pname.map(name))
            .show_some("flags", info.flags.map(|flags| TicketFlags(flags.bits())))
            .show_some("authtime", info.authtime)
            .show_some("starttime", info.starttime)
            .show_some("endtime", info.endtime)
            .show_some("renew-till", info.renew_till)
            .with_some("srealm", info.srealm.map(realm))
            .with_some("sname", info.sname.map(name))
            .with_some("caddr", info.caddr.as_ref().map(addresses))
    }
}

pub(super) fn checksum(checksum: &Checksum<'_>) -> Fields {
    Fields::default()
        .show("cksumtype", checksum.cksumtype)
        .with("checksum-octets", length(checksum.checksum))
}

/// The realms between, of which there are none in most tickets.
fn transited(contents: &[u8]) -> Option<Tree> {
    (!contents.is_empty()).then(|| Tree::text(contents))
}
