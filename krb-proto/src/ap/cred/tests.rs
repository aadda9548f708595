//! KRB-CRED: what is handed on arrives whole, and nothing else is taken.

use std::vec;

use super::*;
use crate::gss::testing::{NOW, Service, TestRng, at, bit_flips, enctypes};

const AES: EncType = EncType::AES256_CTS_HMAC_SHA1_96;

fn key(enctype: EncType) -> Key {
    Key::generate(enctype, &mut TestRng(20)).unwrap()
}

fn two_tickets() -> [Credential; 2] {
    let mut first = Service::new(AES).credential();
    first.times.renew_till = Some(first.times.endtime.plus_seconds(3600));
    first.flags = TicketFlags::FORWARDABLE | TicketFlags::FORWARDED;
    [first, Service::new(EncType::AES128_CTS_HMAC_SHA256_128).credential()]
}

fn sealed(key: &Key) -> Vec<u8> {
    let credentials = two_tickets();
    let credentials: Vec<&Credential> = credentials.iter().collect();
    krb_cred(&credentials, key, &mut at(NOW, &mut TestRng(21))).unwrap()
}

/// A KRB-CRED whose encrypted part is not the one that [`krb_cred`] writes.
fn unusual(tickets: usize, infos: usize, edit: impl Fn(&mut KrbCredInfo<'_>)) -> Vec<u8> {
    let [credential, _] = two_tickets();
    let tickets = vec![Encoded::from_der(&credential.ticket).unwrap(); tickets];
    let mut described = info(&credential);
    edit(&mut described);
    let part = der::encode(&EncKrbCredPart {
        ticket_info: List::of(&vec![described; infos]),
        nonce: None,
        timestamp: None,
        usec: None,
        s_address: None,
        r_address: None,
    });
    let cipher = key(AES).encrypt(KeyUsage::KRB_CRED, &part, &mut TestRng(21));
    der::encode(&KrbCred {
        pvno: Int,
        msg_type: Int,
        tickets: List::of(&tickets),
        enc_part: EncryptedData { etype: AES, kvno: None, cipher: &cipher },
    })
}

fn open_unusual(
    tickets: usize,
    infos: usize,
    edit: impl Fn(&mut KrbCredInfo<'_>),
) -> Result<Vec<Credential>, KrbCredError> {
    open_krb_cred(&key(AES), &unusual(tickets, infos, edit))
}

#[test]
fn what_is_handed_on_arrives() {
    for enctype in enctypes() {
        let opened = open_krb_cred(&key(enctype), &sealed(&key(enctype))).unwrap();
        assert_eq!(opened.len(), 2);
        for (opened, sent) in opened.iter().zip(two_tickets()) {
            assert_eq!((&opened.client, &opened.server), (&sent.client, &sent.server));
            assert_eq!((opened.times, opened.flags), (sent.times, sent.flags));
            assert_eq!((&opened.session_key, &opened.ticket), (&sent.session_key, &sent.ticket));
        }
    }
    let none = krb_cred(&[], &key(AES), &mut at(NOW, &mut TestRng(21))).unwrap();
    assert_eq!(open_krb_cred(&key(AES), &none).map(|opened| opened.len()), Ok(0));
}

/// The tickets stand outside of the encryption: the KDC's own MAC protects their contents, so that
/// a changed one is of no use, but not their names, key versions and enctypes.
#[test]
fn every_flipped_bit_and_every_truncation_is_refused() {
    let message = sealed(&key(AES));
    let decoded: KrbCred<'_> = der::decode(&message).unwrap();
    let tickets: Vec<_> = decoded.tickets.iter().collect();
    let first = tickets[0].der().as_ptr() as usize - message.as_ptr() as usize;
    let last = tickets[1].der().as_ptr() as usize - message.as_ptr() as usize;
    let within_tickets = first..last + tickets[1].der().len();
    for (at, flipped) in bit_flips(&message) {
        if let Ok(opened) = open_krb_cred(&key(AES), &flipped) {
            assert!(within_tickets.contains(&at), "byte {at}");
            assert_ne!(
                [&opened[0].ticket, &opened[1].ticket],
                [tickets[0].der(), tickets[1].der()]
            );
        }
    }
    for end in 0..message.len() {
        assert!(open_krb_cred(&key(AES), &message[..end]).is_err(), "length {end}");
    }
    assert!(open_krb_cred(&key(AES), &[&message[..], b"\0"].concat()).is_err());
    let other = Key::generate(AES, &mut TestRng(22)).unwrap();
    let error = KrbCredError::Crypto(CryptoError::IntegrityCheckFailed);
    assert_eq!(open_krb_cred(&other, &message).err(), Some(error));
}

/// CVE-2026-107778: one count taken for the other.
#[test]
fn tickets_and_descriptions_must_be_as_many() {
    for (tickets, infos) in [(0, 1), (1, 0), (1, 2), (2, 1), (0, 1024), (1024, 1)] {
        assert_eq!(open_unusual(tickets, infos, |_| ()).err(), Some(KrbCredError::Count));
    }
    for count in [0, 1, 3] {
        assert_eq!(open_unusual(count, count, |_| ()).map(|opened| opened.len()), Ok(count));
    }
    let too_many = open_unusual(1, der::MAX_ELEMENTS + 1, |_| ()).err();
    assert!(matches!(too_many, Some(KrbCredError::Malformed(_))), "{too_many:?}");
}

#[test]
fn what_may_be_absent_may_be_absent() {
    let opened = open_unusual(1, 1, |info| {
        (info.flags, info.authtime, info.renew_till, info.caddr) = (None, None, None, None);
    });
    let [opened] = &opened.unwrap()[..] else { panic!("one ticket") };
    assert_eq!(opened.times.authtime, opened.times.starttime);
    assert_eq!((opened.flags, opened.times.renew_till), (TicketFlags::NONE, None));
    let opened = open_unusual(1, 1, |info| info.starttime = None).unwrap();
    assert_eq!(opened[0].times.starttime, opened[0].times.authtime);
    let opened = open_unusual(1, 1, |info| (info.authtime, info.starttime) = (None, None)).unwrap();
    assert_eq!(opened[0].times.starttime.unix(), 0);

    let absent: [fn(&mut KrbCredInfo<'_>); 5] = [
        |info| info.prealm = None,
        |info| info.pname = None,
        |info| info.srealm = None,
        |info| info.sname = None,
        |info| info.endtime = None,
    ];
    for absent in absent {
        assert_eq!(open_unusual(1, 1, absent).err(), Some(KrbCredError::Incomplete));
    }
}

#[test]
fn what_is_not_encrypted_is_refused() {
    let message = sealed(&key(AES));
    let decoded: KrbCred<'_> = der::decode(&message).unwrap();
    let plaintext = key(AES).decrypt(KeyUsage::KRB_CRED, decoded.enc_part.cipher).unwrap();
    for etype in [EncType(0), EncType::AES128_CTS_HMAC_SHA1_96, EncType::RC4_HMAC] {
        let enc_part = EncryptedData { etype, kvno: None, cipher: &plaintext };
        let bare = der::encode(&KrbCred { enc_part, ..decoded });
        assert_eq!(open_krb_cred(&key(AES), &bare).err(), Some(KrbCredError::WrongEnctype));
    }
}

#[test]
fn a_session_key_that_is_not_used_here_is_refused() {
    for (enctype, error) in [
        (EncType::RC4_HMAC, CryptoError::DangerousEncType(EncType::RC4_HMAC)),
        (EncType(3), CryptoError::UnsupportedEncType(EncType(3))),
        (EncType::AES128_CTS_HMAC_SHA1_96, CryptoError::KeyLength),
    ] {
        let opened = open_unusual(1, 1, |info| info.key.keytype = enctype);
        assert_eq!(opened.err(), Some(KrbCredError::Crypto(error)));
    }
}

#[test]
fn under_an_rc4_key_rc4_is_taken() {
    let credential = Service::new(EncType::RC4_HMAC).credential();
    let rc4 = Key::danger_new_rc4(&[7; 16]).unwrap();
    let message = |key| krb_cred(&[&credential], key, &mut at(NOW, &mut TestRng(21))).unwrap();
    assert_eq!(open_krb_cred(&rc4, &message(&rc4)).map(|opened| opened.len()), Ok(1));
    let dangerous = KrbCredError::Crypto(CryptoError::DangerousEncType(EncType::RC4_HMAC));
    assert_eq!(open_krb_cred(&key(AES), &message(&key(AES))).err(), Some(dangerous));
}

#[test]
fn a_ticket_that_is_none_is_not_sent() {
    let [mut credential, _] = two_tickets();
    credential.ticket.pop();
    assert!(krb_cred(&[&credential], &key(AES), &mut at(NOW, &mut TestRng(21))).is_err());
}
