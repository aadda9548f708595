use alloc::boxed::Box;
use alloc::vec::Vec;

use super::world::{NOW, NULL, REALM, credential, frames, null_key, principal, with_context};
use crate::ap::open_krb_cred;
use crate::asn1::HostAddress;
use crate::exchange::{AsExchange, ClientSecret, Login, TicketOptions};
use crate::gss::{
    Acceptor, AcceptorOptions, IakerbAcceptor, IakerbDialect, IakerbInitiator, IakerbStep,
    Initiator, InitiatorOptions, SecurityContext, TgtRequest, ticket_of_tgt_reply,
};
use crate::iana::EncType;
use crate::kkdcp::Proxied;
use crate::kpasswd::PasswordChange;
use crate::spnego::{SpnegoAcceptor, SpnegoInitiator};
use crate::{Credential, Principal};

const SENDER: HostAddress<'_> = HostAddress { addr_type: 2, address: &[127, 0, 0, 1] };
/// More tokens than any conversation takes.
const MAX_TOKENS: usize = 64;

/// What a peer of a login, or of what follows it, may send. The first octet chooses the side that
/// reads, [`frames`] follow: tokens of the login, and then messages.
pub fn tokens(input: &[u8]) {
    let _ = run(input);
}

/// `Some` if a conversation comes to its good end.
fn run(input: &[u8]) -> Option<()> {
    let (choice, rest) = input.split_first()?;
    let mut tokens = frames(rest).take(MAX_TOKENS);
    let key = null_key()?;
    let keys = |_: &Principal, _: Option<u32>, enctype: EncType| {
        null_key().into_iter().filter(|_| enctype == NULL).collect()
    };
    let mut acceptor_options = AcceptorOptions::new(&keys);
    acceptor_options.take_delegated = true;
    acceptor_options.request.user_to_user = core::slice::from_ref(&key);
    let options = InitiatorOptions::default();
    match choice {
        0 => {
            let token = tokens.next()?;
            let accepted = with_context(|cx| Acceptor::accept(token, &acceptor_options, cx));
            let (mut acceptor, _) = accepted.ok()?;
            messages(acceptor.context_mut(), tokens);
        }
        1 => {
            let start = with_context(|cx| Initiator::new(&login()?, &options, cx).ok());
            let (mut initiator, _) = start?;
            assert!(initiator.context().is_none(), "nobody has answered yet");
            initiator.step(tokens.next()?).ok()?;
            assert!(initiator.is_complete());
            messages(initiator.context_mut()?, tokens);
        }
        2 => {
            let mut acceptor = SpnegoAcceptor::new();
            while !acceptor.is_complete() {
                let token = tokens.next()?;
                with_context(|cx| acceptor.step(token, &acceptor_options, cx)).ok()?;
                assert_eq!(acceptor.is_complete(), acceptor.acceptor().is_some());
            }
            messages(acceptor.acceptor_mut()?.context_mut(), tokens);
        }
        3 => {
            let start = with_context(|cx| SpnegoInitiator::new(&login()?, &options, cx).ok());
            let (mut initiator, _) = start?;
            while !initiator.is_complete() {
                assert!(initiator.context().is_none(), "the negotiation is not done");
                initiator.step(tokens.next()?).ok()?;
            }
            messages(initiator.context_mut()?, tokens);
        }
        4 => {
            let mut acceptor = IakerbAcceptor::default();
            loop {
                let token = tokens.next()?;
                match with_context(|cx| acceptor.step(token, &acceptor_options, cx)).ok()? {
                    IakerbStep::Ask { .. } => acceptor.relay(tokens.next(), NOW).ok()?,
                    IakerbStep::AskedForRealm => acceptor.name_realm(tokens.next(), NOW).ok()?,
                    IakerbStep::Done(mut acceptor, _) => {
                        messages(acceptor.context_mut(), tokens);
                        return Some(());
                    }
                };
            }
        }
        5 => {
            let start = with_context(|cx| {
                let secret = ClientSecret::Keys(Vec::from([null_key()?]));
                let only_null =
                    TicketOptions { enctypes: Vec::from([NULL]), ..TicketOptions::default() };
                let tgt = AsExchange::new(principal("alice"), secret, only_null.clone());
                let login = Login::new(tgt, principal("service").name, only_null);
                IakerbInitiator::new(Box::new(login), IakerbDialect::default(), cx).ok()
            });
            let (mut initiator, _) = start?;
            while !initiator.is_complete() {
                let token = tokens.next()?;
                with_context(|cx| initiator.step(token, &options, cx)).ok()?;
            }
            messages(initiator.login_mut()?.context_mut()?, tokens);
        }
        6 => {
            let change =
                with_context(|cx| PasswordChange::change(&login()?, "new", SENDER, cx).ok());
            change?.0.receive(rest).ok()?;
        }
        7 => {
            let proxied = Proxied::unwrap(rest).ok()?;
            let again = proxied.wrap().ok()?;
            assert_eq!(Proxied::unwrap(&again), Ok(proxied));
        }
        8 => {
            let credentials = open_krb_cred(&key, rest).ok()?;
            let octets: usize = credentials.iter().map(|credential| credential.ticket.len()).sum();
            assert!(octets <= rest.len(), "tickets out of nothing");
        }
        9 => {
            if let Ok(request) = TgtRequest::from_token(rest) {
                assert_eq!(TgtRequest::from_token(&request.to_token()), Ok(request));
            } else {
                ticket_of_tgt_reply(rest).ok()?;
            }
        }
        _ => return None,
    }
    Some(())
}

fn login() -> Option<Credential> {
    credential(principal("alice"), Principal::new(principal("service").name, REALM))
}

/// Each token in turn as either kind.
fn messages<'a>(context: &mut SecurityContext, tokens: impl Iterator<Item = &'a [u8]>) {
    for token in tokens {
        if let Ok((message, _)) = context.unwrap(token) {
            assert!(message.len() < token.len(), "a message out of nothing");
        }
        let _ = context.verify_mic(b"message", token);
    }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::super::tests::assert_seed;
    use super::super::world::framed;
    use super::*;
    use crate::ap::krb_cred;
    use crate::asn1::{ApRep, EncApRepPart, EncryptedData};
    use crate::der::{self, Encoded, Int, List, Microseconds, UInt32};
    use crate::gss::testing::{Service, TestRng, at, initiate};
    use crate::gss::{Oid, Protection, frame, tgt_reply};
    use crate::spnego::{NegState, NegTokenInit, NegTokenResp};

    fn assert_good(choice: u8, name: &str, rest: &[u8]) {
        let seed = [&[choice], rest].concat();
        assert!(run(&seed).is_some(), "{name}");
        assert_seed("tokens", name, &seed);
    }

    fn ap_rep() -> Vec<u8> {
        let part = der::encode(&EncApRepPart {
            ctime: NOW.seconds,
            cusec: Microseconds(NOW.microseconds),
            subkey: None,
            seq_number: Some(UInt32::new(7)),
        });
        let enc_part = EncryptedData { etype: NULL, kvno: None, cipher: &part };
        let message = der::encode(&ApRep { pvno: Int, msg_type: Int, enc_part });
        frame(Oid::KRB5, |writer| {
            writer.prepend(&message);
            writer.prepend(&[2, 0]);
        })
    }

    #[test]
    fn an_honest_client_and_its_messages() {
        let service = Service::new(NULL);
        let credential = service.credential();
        for (name, mutual, user_to_user) in
            [("acceptor", false, false), ("acceptor-mutual", true, true)]
        {
            let options = InitiatorOptions {
                mutual,
                user_to_user,
                delegate: Some(&credential),
                ..Default::default()
            };
            let (mut initiator, token) = initiate(&credential, &options);
            let mut tokens = vec![token];
            if let Some(context) = initiator.context_mut() {
                tokens.push(context.wrap(b"a", Protection::Confidentiality, &mut TestRng(1)));
                tokens.push(context.wrap(b"b", Protection::Integrity, &mut TestRng(1)));
                tokens.push(context.get_mic(b"message"));
            }
            let tokens: Vec<&[u8]> = tokens.iter().map(Vec::as_slice).collect();
            assert_good(0, name, &framed(&tokens));
        }
        let options = InitiatorOptions { mutual: false, ..Default::default() };
        let (_, token) = initiate(&credential, &options);
        let offer = der::encode(&List::of(&[Oid::MS_KRB5, Oid::KRB5]));
        let init = NegTokenInit {
            mech_types: Encoded::from_der(&offer).unwrap(),
            req_flags: None,
            mech_token: Some(&token),
            mech_list_mic: None,
        };
        assert_good(2, "spnego-acceptor", &framed(&[&init.to_token()]));
    }

    #[test]
    fn an_honest_service() {
        assert_good(1, "initiator", &framed(&[&ap_rep()]));
        let resp = NegTokenResp {
            neg_state: Some(NegState::ACCEPT_COMPLETED),
            supported_mech: Some(Oid::KRB5),
            response_token: Some(&ap_rep()),
            mech_list_mic: None,
        };
        assert_good(3, "spnego-initiator", &framed(&[&resp.to_token()]));
    }

    #[test]
    fn everything_else_that_is_honest() {
        let service = Service::new(NULL);
        let credential = service.credential();
        let proxied = Proxied { message: b"\x7e\x00", realm: Some(REALM.as_bytes()) };
        assert_good(7, "kkdcp", &proxied.wrap().unwrap());
        let cred = krb_cred(&[&credential], &credential.session_key, &mut at(NOW, &mut TestRng(1)));
        assert_good(8, "cred", &cred.unwrap());
        assert_good(9, "tgt-request", &TgtRequest::default().to_token());
        assert_good(9, "tgt-reply", &tgt_reply(&credential).unwrap());
        let message = with_context(|cx| {
            let secret = ClientSecret::Keys(vec![null_key().unwrap()]);
            let tgt = AsExchange::new(principal("alice"), secret, TicketOptions::default());
            let login = Login::new(tgt, principal("service").name, TicketOptions::default());
            IakerbInitiator::new(Box::new(login), IakerbDialect::default(), cx).unwrap().1
        });
        let seed = [&[4], &framed(&[&message, b"\x7e\x00"])[..]].concat();
        assert!(run(&seed).is_none(), "the login is still to come");
        assert_seed("tokens", "iakerb-acceptor", &seed);
        let discovery = b"\x60\x10\x06\x06\x2b\x06\x01\x05\x02\x05\x05\x01\x30\x04\xa1\x02\x0c\x00";
        let seed = [&[4], &framed(&[discovery, REALM.as_bytes(), &message])[..]].concat();
        assert!(run(&seed).is_none(), "the login is still to come");
        assert_seed("tokens", "iakerb-realm", &seed);
        let answer = [&b"\x05\x01\x30\x0f\xa1\x0d\x0c\x0bEXAMPLE.COM"[..], b"\x7e\x00"].concat();
        let seed = [&[5], &framed(&[&answer])[..]].concat();
        assert!(run(&seed).is_none(), "no KRB-ERROR");
        assert_seed("tokens", "iakerb-initiator", &seed);
    }

    #[test]
    fn an_honest_password_server() {
        let change = with_context(|cx| PasswordChange::change(&login()?, "new", SENDER, cx).ok());
        let (_, request) = change.unwrap();
        assert!(!request.is_empty());
        let part = der::encode(&EncApRepPart {
            ctime: NOW.seconds,
            cusec: Microseconds(NOW.microseconds),
            subkey: None,
            seq_number: Some(UInt32::new(7)),
        });
        let enc_part = EncryptedData { etype: NULL, kvno: None, cipher: &part };
        let ap_rep = der::encode(&ApRep { pvno: Int, msg_type: Int, enc_part });
        let stamp = crate::ap::Stamp { time: None, sequence_number: Some(7) };
        let key = null_key().unwrap();
        let private = crate::ap::krb_priv(&key, b"\0\0", stamp, SENDER, &mut TestRng(1));
        let length = u16::try_from(6 + ap_rep.len() + private.len()).unwrap().to_be_bytes();
        let ap_length = u16::try_from(ap_rep.len()).unwrap().to_be_bytes();
        assert_good(6, "kpasswd", &[&length, &[0, 1], &ap_length, &ap_rep[..], &private].concat());
    }
}
