//! No key, password or plaintext shows in what is printed: neither in an error, whatever stands
//! where in the input, nor in the `Debug` of a value that holds one.

use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use crate::ap::{
    ApReqOptions, ApRequest, Due, RequestPolicy, Stamp, VerifiedRequest, krb_cred, krb_priv,
    krb_safe, open_krb_cred, open_krb_priv, open_krb_safe,
};
use crate::asn1::*;
use crate::crypto::Key;
use crate::der::{self, Encoded, Int, KerberosString, List, UInt32};
use crate::exchange::{AsExchange, ClientSecret, Exchange, TicketOptions, open_ticket};
use crate::formats::{CacheEntry, CredentialCache, Keytab, KeytabEntry, read_kirbi, write_kirbi};
use crate::gss::testing::{NOW, Service, TestRng, at, established};
use crate::gss::{Acceptor, AcceptorOptions, Initiator, InitiatorOptions};
use crate::iana::{ApOptions, EncType, KeyUsage, TicketFlags};
use crate::preauth::KeyHint;
use crate::{Credential, KerberosTime, Principal};

const AES: EncType = EncType::AES256_CTS_HMAC_SHA1_96;

/// Octets that are a text as well, so that they could be printed in any way.
const SECRET: &[u8; 32] = b"Tr0ub4dor&3-correct-horse-batter";

/// Is a run of five of the secret's octets in the text: as text, as numbers, in hexadecimal or in
/// base64?
fn shows(text: &str) -> bool {
    let lower = text.to_lowercase();
    let encoded = Base64::encode_string(SECRET);
    SECRET.windows(5).any(|run| {
        let decimal: Vec<String> = run.iter().map(|octet| format!("{octet}")).collect();
        let hex: Vec<String> = run.iter().map(|octet| format!("{octet:02x}")).collect();
        text.contains(core::str::from_utf8(run).unwrap())
            || lower.contains(&decimal.join(", "))
            || lower.contains(&hex.concat())
            || lower.contains(&hex.join(" "))
            || lower.contains(&hex.join(", "))
    }) || text.contains(&encoded[..8])
}

#[test]
fn what_shows_is_found() {
    let hex = SECRET.iter().map(|octet| format!("{octet:02X}")).collect::<String>();
    for text in [
        format!("{SECRET:?}"),
        format!("{SECRET:02x?}"),
        hex,
        String::from_utf8_lossy(SECRET).into_owned(),
        Base64::encode_string(SECRET),
    ] {
        assert!(shows(&text), "{text}");
    }
    assert!(!shows("the input ends too early at byte 12 in EncryptionKey.keyvalue"));
}

fn check(what: &str, text: &str) {
    assert!(!shows(text), "{what} shows the secret: {text}");
}

fn hidden<T: core::fmt::Debug>(what: &str, value: &T) {
    check(what, &format!("{value:?} {value:#?}"));
}

/// Every truncation and every changed byte of `input`.
fn broken(input: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let cut = (0..input.len()).map(|end| input[..end].to_vec());
    let changed = (0..input.len()).flat_map(move |at| {
        [0x00, 0x7f, 0xff].map(|octet| {
            let mut changed = input.to_vec();
            changed[at] = octet;
            changed
        })
    });
    cut.chain(changed)
}

/// No error of `read` over broken forms of `input` shows the secret, and there are errors.
fn errors_hide<T, E: core::fmt::Display + core::fmt::Debug>(
    what: &str,
    input: &[u8],
    read: impl Fn(&[u8]) -> Result<T, E>,
) {
    let mut errors = 0;
    for input in broken(input) {
        if let Err(error) = read(&input) {
            check(what, &format!("{error} {error:?}"));
            errors += 1;
        }
    }
    assert!(errors > 0, "{what}");
}

fn key() -> Key {
    Key::new(AES, SECRET).unwrap()
}

fn encryption_key() -> EncryptionKey<'static> {
    EncryptionKey { keytype: AES, keyvalue: SecretOctets(SECRET) }
}

/// A ticket for the service, with the secret as session key.
fn credential(service: &Service) -> Credential {
    service.credential_of(&Principal::parse("alice@EXAMPLE", None).unwrap(), &key(), |_| {})
}

/// The type that borrows from what it reads.
macro_rules! decode {
    ($type:ty) => {
        |input| der::decode::<$type>(input).map(|_| ())
    };
}

/// With the secret as session key.
fn enc_kdc_rep_part(nonce: u32, server: &Principal) -> Vec<u8> {
    let part = EncKdcRepPart {
        key: encryption_key(),
        last_req: List::of(&[]),
        nonce: UInt32::new(nonce),
        key_expiration: None,
        flags: 0.into(),
        authtime: NOW.seconds,
        starttime: None,
        endtime: NOW.seconds.plus_seconds(60),
        renew_till: None,
        srealm: KerberosString(&server.realm),
        sname: (&server.name).into(),
        caddr: None,
        encrypted_pa_data: None,
    };
    let mut writer = der::Writer::new();
    part.write(EncKdcRepPart::AS_REP, &mut writer);
    writer.into_vec()
}

fn cache_entry(credential: &Credential) -> CacheEntry {
    CacheEntry {
        client: credential.client.clone(),
        server: credential.server.clone(),
        enctype: AES,
        key_bytes: Zeroizing::new(SECRET.to_vec()),
        times: [1, 2, 3, 4],
        is_skey: false,
        flags: TicketFlags::NONE,
        addresses: vec![],
        authdata: vec![],
        ticket: credential.ticket.clone(),
        second_ticket: vec![],
    }
}

fn keytab() -> Keytab {
    Keytab {
        entries: vec![KeytabEntry {
            principal: Principal::parse("HTTP/web.example@EXAMPLE", None).unwrap(),
            timestamp: KerberosTime::from_unix(1),
            kvno: 7,
            enctype: AES,
            key_bytes: Zeroizing::new(SECRET.to_vec()),
        }],
    }
}

#[test]
fn no_error_shows_a_secret() {
    let service = Service::new(AES);
    let credential = credential(&service);

    // Keys and passwords themselves.
    for (enctype, octets) in [(19, 32), (18, 31), (23, 16), (1, 8), (99, 32)] {
        if let Err(error) = Key::new(EncType(enctype), &SECRET[..octets]) {
            check("a key", &format!("{error} {error:?}"));
        }
    }
    for params in [&[][..], &[0; 4], &[0xff; 4], SECRET] {
        if let Err(error) = Key::from_password(AES, SECRET, SECRET, Some(params)) {
            check("a password", &format!("{error} {error:?}"));
        }
    }
    let hint = KeyHint { enctype: EncType(99), salt: None, s2kparams: None };
    check("a hint", &format!("{:?}", hint.key(&credential.client, SECRET).unwrap_err()));

    // Messages that hold keys.
    let ticket: Ticket<'_> = der::decode(&credential.ticket).unwrap();
    let part = service.key.decrypt(KeyUsage::TICKET, ticket.enc_part.cipher).unwrap();
    errors_hide("EncTicketPart", &part, decode!(EncTicketPart<'_>));
    let part = enc_kdc_rep_part(1, &credential.server);
    errors_hide("EncKDCRepPart", &part, |part| EncKdcRepPart::from_der(part).map(|_| ()));
    let change = ChangePasswdData {
        newpasswd: SecretOctets(SECRET),
        targname: None,
        targrealm: Some(KerberosString(b"EXAMPLE")),
    };
    errors_hide("ChangePasswdData", &der::encode(&change), decode!(ChangePasswdData<'_>));

    // Files.
    let entry = cache_entry(&credential);
    let kirbi = write_kirbi(core::slice::from_ref(&entry)).unwrap();
    errors_hide("a kirbi file", &kirbi, read_kirbi);
    let default_principal = credential.client.clone();
    let mut cache = CredentialCache::new(default_principal);
    cache.entries.push(entry);
    errors_hide("a ccache", &cache.to_bytes(), CredentialCache::from_bytes);
    errors_hide("a keytab", &keytab().to_bytes().unwrap(), Keytab::from_bytes);
}

#[test]
fn no_error_of_an_exchange_shows_a_secret() {
    let service = Service::new(AES);
    let credential = credential(&service);
    let keys = |name: &Principal, kvno, enctype| service.find_key(name, kvno, enctype);

    // The ticket is sealed anew around each broken plaintext, so that it is read.
    let ticket: Ticket<'_> = der::decode(&credential.ticket).unwrap();
    let plaintext = service.key.decrypt(KeyUsage::TICKET, ticket.enc_part.cipher).unwrap();
    let options = ApReqOptions {
        usage: KeyUsage::AP_REQ_AUTHENTICATOR,
        ap_options: ApOptions::NONE,
        checksum: None,
        subkey: Some(&key()),
        sequence_number: None,
        authorization_data: None,
    };
    let request = ApRequest::new(&credential, &options, &mut at(NOW, &mut TestRng(3))).unwrap();
    let message: ApReq<'_> = der::decode(&request.message).unwrap();
    let resealed = |plaintext: &[u8]| {
        let cipher = service.key.encrypt(KeyUsage::TICKET, plaintext, &mut TestRng(4));
        let enc_part = EncryptedData { cipher: &cipher, ..ticket.enc_part };
        der::encode(&Ticket { enc_part, ..ticket })
    };
    errors_hide("the service's side", &plaintext, |plaintext| {
        let ticket = resealed(plaintext);
        let ticket = Encoded::from_der(&ticket).unwrap();
        let message = der::encode(&ApReq { ticket, ..message });
        VerifiedRequest::verify(&message, &RequestPolicy::new(&keys), NOW)
    });
    errors_hide("evidence", &plaintext, |plaintext| {
        let credential = Credential { ticket: resealed(plaintext), ..credential.clone() };
        open_ticket(&credential, |_, _| Some(service.key.clone()))
    });

    // KRB-SAFE, KRB-PRIV and KRB-CRED with the secret as data and as key.
    let stamp = Stamp { time: None, sequence_number: Some(1) };
    let sender = HostAddress { addr_type: 2, address: &[127, 0, 0, 1] };
    let safe = krb_safe(&key(), SECRET, stamp, sender);
    errors_hide("KRB-SAFE", &safe, |message| {
        open_krb_safe(&key(), message, Due::Number(1)).map(<[u8]>::to_vec)
    });
    let private = krb_priv(&key(), SECRET, stamp, sender, &mut TestRng(5));
    errors_hide("KRB-PRIV", &private, |message| open_krb_priv(&key(), message, Due::Number(1)));
    let mut rng = TestRng(6);
    let cred = krb_cred(&[&credential], &key(), &mut at(NOW, &mut rng)).unwrap();
    errors_hide("KRB-CRED", &cred, |message| open_krb_cred(&key(), message));

    // The AS exchange: the reply is under the secret and brings it as session key.
    let client = &credential.client;
    let krbtgt = Principal::krbtgt(&client.realm);
    let ticket = der::encode(&Ticket { sname: (&krbtgt.name).into(), ..ticket });
    let receive = |plaintext: Option<&[u8]>| {
        let secret = ClientSecret::Keys(vec![key()]);
        let mut exchange = AsExchange::new(client.clone(), secret, TicketOptions::default());
        let mut rng = TestRng(8);
        let mut cx = at(NOW, &mut rng);
        let request = exchange.request(&mut cx).unwrap();
        let request: AsReq<'_> = der::decode(&request).unwrap();
        let honest = enc_kdc_rep_part(request.req_body.nonce.get(), &krbtgt);
        let cipher = key().encrypt(KeyUsage::AS_REP, plaintext.unwrap_or(&honest), &mut TestRng(9));
        let reply = der::encode(&AsRep {
            pvno: Int,
            msg_type: Int,
            padata: None,
            crealm: KerberosString(&client.realm),
            cname: (&client.name).into(),
            ticket: Encoded::from_der(&ticket).unwrap(),
            enc_part: EncryptedData { etype: AES, kvno: None, cipher: &cipher },
        });
        exchange.receive(&cx, &reply).map(|_| honest)
    };
    let honest = receive(None).expect("an honest reply is taken");
    errors_hide("the AS exchange", &honest, |plaintext| receive(Some(plaintext)));
}

#[test]
fn no_debug_shows_a_secret() {
    let service = Service::new(AES);
    let credential = credential(&service);
    hidden("Key", &key());
    hidden("Credential", &credential);
    hidden("EncryptionKey", &encryption_key());
    hidden("KeytabEntry", &keytab());
    let entry = cache_entry(&credential);
    hidden("CacheEntry", &entry);
    let kirbi = write_kirbi(core::slice::from_ref(&entry)).unwrap();
    hidden("a kirbi file", &read_kirbi(&kirbi).unwrap());
    let infos = [KrbCredInfo {
        key: encryption_key(),
        prealm: None,
        pname: None,
        flags: None,
        authtime: None,
        starttime: None,
        endtime: None,
        renew_till: None,
        srealm: None,
        sname: None,
        caddr: None,
    }];
    let part = EncKrbCredPart {
        ticket_info: List::of(&infos),
        nonce: None,
        timestamp: None,
        usec: None,
        s_address: None,
        r_address: None,
    };
    let der = der::encode(&part);
    hidden("EncKrbCredPart", &der::decode::<EncKrbCredPart<'_>>(&der).unwrap());
    hidden(
        "EncAPRepPart",
        &EncApRepPart {
            ctime: NOW.seconds,
            cusec: der::Microseconds(1),
            subkey: Some(encryption_key()),
            seq_number: None,
        },
    );
    hidden(
        "Authenticator",
        &Authenticator {
            authenticator_vno: Int,
            crealm: KerberosString(b"EXAMPLE"),
            cname: (&credential.client.name).into(),
            cksum: None,
            cusec: der::Microseconds(1),
            ctime: NOW.seconds,
            subkey: Some(encryption_key()),
            seq_number: None,
            authorization_data: None,
        },
    );
    let keys = |name: &Principal, kvno, enctype| service.find_key(name, kvno, enctype);
    let mut rng = TestRng(3);
    let mut cx = at(NOW, &mut rng);
    let (initiator, token) =
        Initiator::new(&credential, &InitiatorOptions::default(), &mut cx).unwrap();
    hidden("Initiator", &initiator);
    let (acceptor, _) = Acceptor::accept(&token, &AcceptorOptions::new(&keys), &mut cx).unwrap();
    hidden("Acceptor", &acceptor);
    hidden("VerifiedRequest", acceptor.request());
    let (initiator, acceptor) = established(AES, &InitiatorOptions::default());
    let session_key = initiator.session_key().unwrap().as_bytes();
    let session_key = format!("{:?}", &session_key[..5]);
    let shown = format!("{initiator:?} {acceptor:?}");
    assert!(!shown.contains(session_key.trim_matches(['[', ']'])));
}
