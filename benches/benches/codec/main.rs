//! Decoding and encoding of whole messages. What a message carries as octets (PA-DATA, e-data,
//! authorization data) stays octets, for everybody.
#![allow(missing_docs)] // criterion's macros make functions without

mod measured;
mod owned;

use criterion::{Criterion, criterion_group, criterion_main};
use kerbcore::acceptor::{parse_ap_req, parse_enc_ticket_part};
use kerbcore::client::parse_enc_kdc_rep_part;
use kerbcore::messages::{KdcRep, KdcReq, KrbError as KerbcoreError};
use krb_benches::harness::{ThreadTime, criterion};
use krb_benches::messages::Message;
use krb_benches::names;
use krb_proto::asn1::{ApReq, AsRep, EncKdcRepPart, EncTicketPart, KrbError, TgsRep, TgsReq};
use krb_proto::der::{Encode, Writer, decode, encode};
use measured::Measured;
use picky_krb::data_types as picky_data;
use picky_krb::messages as picky;

fn codec(criterion: &mut Criterion<ThreadTime>) {
    for message in Message::ALL {
        let der = message.der();
        let mut all = Measured::new(criterion, message);
        all.floors();
        match message {
            Message::AsRep => {
                all.ours(&der, decode::<AsRep<'_>>, Encode::encode, encode);
                all.ours_owned(&der, decode::<AsRep<'_>>);
                all.peers::<rasn_kerberos::AsRep, picky::AsRep, kerberos_asn1::AsRep>();
                all.kerbcore(KdcRep::decode, KdcRep::encode);
            }
            Message::TgsRep1500 | Message::TgsRep12000 => {
                all.ours(&der, decode::<TgsRep<'_>>, Encode::encode, encode);
                all.ours_owned(&der, decode::<TgsRep<'_>>);
                all.peers::<rasn_kerberos::TgsRep, picky::TgsRep, kerberos_asn1::TgsRep>();
                all.kerbcore(KdcRep::decode, KdcRep::encode);
            }
            Message::TgsReq => {
                all.ours(&der, decode::<TgsReq<'_>>, Encode::encode, encode);
                all.peers::<rasn_kerberos::TgsReq, picky::TgsReq, kerberos_asn1::TgsReq>();
                all.kerbcore(KdcReq::decode, KdcReq::encode);
            }
            Message::KrbError => {
                all.ours(&der, decode::<KrbError<'_>>, Encode::encode, encode);
                all.ours_owned(&der, decode::<KrbError<'_>>);
                all.peers::<rasn_kerberos::KrbError, picky::KrbError, kerberos_asn1::KrbError>();
                all.kerbcore_decodes(names::KERBCORE_PART, KerbcoreError::decode);
            }
            Message::EncTicketPart => {
                all.ours(&der, decode::<EncTicketPart<'_>>, Encode::encode, encode);
                all.ours_owned(&der, decode::<EncTicketPart<'_>>);
                all.peers::<
                    rasn_kerberos::EncTicketPart,
                    picky_data::EncTicketPart,
                    kerberos_asn1::EncTicketPart,
                >();
                all.kerbcore_decodes(names::KERBCORE_PART, parse_enc_ticket_part);
            }
            Message::ApReq => {
                all.ours(&der, decode::<ApReq<'_>>, Encode::encode, encode);
                all.ours_owned(&der, decode::<ApReq<'_>>);
                all.peers::<rasn_kerberos::ApReq, picky::ApReq, kerberos_asn1::ApReq>();
                all.kerbcore_decodes(names::KERBCORE, parse_ap_req);
            }
            Message::EncTgsRepPart => {
                let write = |part: &EncKdcRepPart<'_>, writer: &mut Writer| {
                    part.write(EncKdcRepPart::TGS_REP, writer);
                };
                all.ours(&der, EncKdcRepPart::from_der, write, |part| {
                    let mut writer = Writer::new();
                    write(part, &mut writer);
                    writer.into_vec()
                });
                all.ours_owned(&der, EncKdcRepPart::from_der);
                all.peers::<
                    rasn_kerberos::EncTgsRepPart,
                    picky::EncTgsRepPart,
                    kerberos_asn1::EncTgsRepPart,
                >();
                all.kerbcore_decodes(names::KERBCORE_PART, parse_enc_kdc_rep_part);
            }
        }
    }
}

criterion_group! { name = benches; config = criterion(); targets = codec }
criterion_main!(benches);
