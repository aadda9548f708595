use alloc::vec::Vec;

use super::world::{NOW, NULL, REALM, null_key, with_context};
use crate::asn1::{AsRep, HostAddress, KrbError, TgsRep};
use crate::der;
use crate::exchange::TicketOptions;
use crate::kdc::{Account, Outcome, Realm, Trust, Trustee, change_password, handle};

/// The other realm.
const PARTNER: &str = "PARTNER.COM";

/// Where changes of passwords are asked for.
const HERE: HostAddress<'_> = HostAddress { addr_type: 2, address: &[127, 0, 0, 1] };

/// A request to the KDC: it is answered with a message of the protocol, or not at all; no ticket is
/// good for longer than the realm's are; what was refused says so.
///
/// Nothing is encrypted, so that whoever asks can say anything in anybody's name: that is what the
/// KDC has to read without harm.
pub fn kdc(input: &[u8]) {
    let Some(mut realm) = realm() else { return };
    if !matches!(input.first(), Some(0x6a | 0x6c)) {
        return password(&mut realm, input);
    }
    let reply = with_context(|cx| handle(cx, &realm, input));
    let message = &reply.message;
    match reply.event.outcome {
        Outcome::Ignored => assert!(message.is_empty(), "an answer that nobody gave"),
        Outcome::Granted { endtime, .. } => {
            let last = NOW.seconds.plus_seconds(realm.policy.lifetimes.ticket);
            assert!(endtime <= last, "a ticket for longer than any");
            let is_as = der::decode::<AsRep<'_>>(message).is_ok();
            assert!(is_as || der::decode::<TgsRep<'_>>(message).is_ok(), "no reply");
        }
        Outcome::Refused(refusal) => {
            let code = der::decode::<KrbError<'_>>(message).map(|error| error.error_code);
            assert_eq!(code, Ok(refusal.code), "another refusal");
        }
        Outcome::Done => {}
    }
}

/// A request for another password: one account at most has new keys then, and says so. What begins
/// as an answer does, in a frame or without one, may be left without one.
fn password(realm: &mut Realm, input: &[u8]) {
    let versions = |realm: &Realm| -> Vec<Option<u32>> {
        realm.accounts().map(|account| account.long_term_keys().current_kvno()).collect()
    };
    let before = versions(realm);
    let reply = with_context(|cx| change_password(cx, realm, input, HERE));
    let after = versions(realm);
    let changed = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    let done = reply.event.outcome == Outcome::Done;
    assert_eq!(changed, usize::from(done), "a change that was not said, or was none");
    let like_an_answer = input.first() == Some(&0x7e) || matches!(input.get(6), Some(0x6f | 0x7e));
    assert!(!reply.message.is_empty() || like_an_answer, "not answered");
}

/// What is asked for.
pub(super) fn options() -> TicketOptions {
    TicketOptions {
        enctypes: Vec::from([NULL]),
        renewable: Some(72_000),
        proxiable: true,
        ..TicketOptions::default()
    }
}

/// A realm of null keys.
pub(super) fn realm() -> Option<Realm> {
    let key = null_key()?;
    let with_key = |account: Account| account.keys(1, [key.clone()]);
    let trust = Trust::new(PARTNER)
        .outgoing_key(1, key.clone())
        .incoming_key(1, key.clone())
        .set(|trust| trust.enctypes = Vec::from([NULL]));
    let mut realm = with_context(|cx| Realm::new(REALM, cx.rng));
    with_context(|cx| realm.roll_krbtgt(NULL, cx.rng)).ok()?;
    realm.policy.enctypes = Vec::from([NULL]);
    let service = Account::service("service").spn("HTTP/service").set(|account| {
        account.trusted_to_auth_for_delegation = true;
        account.allowed_to_delegate_to = Vec::from(["cifs/target".into()]);
    });
    let resource = Account::service("resource").spn("cifs/resource").set(|account| {
        account.allowed_to_act = Vec::from([Trustee::Account("service".into())]);
    });
    Some(
        realm
            .with(with_key(Account::user("alice").certificate(b"certificate")))
            .with(with_key(service))
            .with(with_key(resource))
            .with(with_key(Account::service("target").spn("cifs/target")))
            .with(trust),
    )
}

#[cfg(test)]
mod tests {
    use alloc::sync::Arc;

    use super::*;
    use crate::exchange::{
        AsExchange, ClientSecret, Exchange, Step, TgsArmor, TgsExchange, TgsGoal,
    };
    use crate::iana::NameType;
    use crate::oracles::tests::assert_seed;
    use crate::oracles::world::principal;
    use crate::{Credential, Name};

    /// What an honest client asks, which is granted.
    fn seed<E: Exchange<Output = Credential>>(name: &str, mut exchange: E) -> Arc<Credential> {
        let request = with_context(|cx| exchange.request(cx)).unwrap();
        assert_seed("kdc", name, &request);
        kdc(&request);
        let realm = realm().unwrap();
        let reply = with_context(|cx| handle(cx, &realm, &request));
        match with_context(|cx| exchange.receive(cx, &reply.message)) {
            Ok(Step::Done(credential)) => Arc::new(credential),
            other => panic!("{name}: {:?} {}", other.err(), reply.event),
        }
    }

    #[test]
    fn what_honest_clients_ask() {
        let secret = ClientSecret::Keys(Vec::from([null_key().unwrap()]));
        let service = principal("service");
        let tgt = seed("login", AsExchange::new(service.clone(), secret, options()));
        let goal = |name: &str, goal| seed(name, TgsExchange::new(tgt.clone(), goal, options()));
        let spn = |host: &str| Name::new(NameType::SRV_INST, ["cifs", host]);
        let user = principal("alice");
        let evidence = goal("s4u-self", TgsGoal::S4uSelf { user, service: service.name.clone() });
        let target = spn("target");
        goal("s4u-proxy", TgsGoal::S4uProxy { evidence: evidence.clone(), target });
        let target = spn("resource");
        goal("s4u-proxy-resource-based", TgsGoal::S4uProxy { evidence, target });
        goal("service", TgsGoal::Service(spn("target")));
        goal("referral", TgsGoal::Service(Name::krbtgt(PARTNER.as_bytes())));
        let service_tgt = tgt.ticket.clone();
        goal("user-to-user", TgsGoal::UserToUser { service: service.name, service_tgt });
        goal("renew", TgsGoal::Renew);
        goal("forward", TgsGoal::Forward);
        goal("proxy", TgsGoal::Proxy(spn("target")));
    }

    #[test]
    fn what_they_ask_inside_of_fast_and_of_kpasswd() {
        use crate::kpasswd::PasswordChange;

        let secret = || ClientSecret::Keys(Vec::from([null_key().unwrap()]));
        let service = principal("service");
        let tgt = AsExchange::new(service, secret(), options());
        let tgt = seed("login", tgt);
        let alice = principal("alice");
        let login = AsExchange::new(alice.clone(), secret(), options());
        seed("fast-login", login.clone().armored(tgt.clone()));
        seed("fast-login-hidden", login.armored_hiding_client(tgt.clone()));
        for (name, fast) in [
            ("fast-service", TgsArmor::Implicit),
            ("fast-service-explicit", TgsArmor::Explicit(tgt.clone())),
        ] {
            let target = Name::new(NameType::SRV_INST, ["cifs", "target"]);
            let options = TicketOptions { fast, ..options() };
            seed(name, TgsExchange::new(tgt.clone(), TgsGoal::Service(target), options));
        }
        let login = AsExchange::new(alice.clone(), secret(), options());
        let ticket = seed("login-kpasswd", login.to_server(PasswordChange::service()));
        let (change, message) =
            with_context(|cx| PasswordChange::change(&ticket, "n3w secret", HERE, cx)).unwrap();
        assert_seed("kdc", "kpasswd-change", &message);
        kdc(&message);
        let mut realm = realm().unwrap();
        let reply = with_context(|cx| change_password(cx, &mut realm, &message, HERE));
        change.receive(&reply.message).unwrap();
        let (_, message) =
            with_context(|cx| PasswordChange::set(&ticket, &alice, "n3w secret", HERE, cx))
                .unwrap();
        assert_seed("kdc", "kpasswd-set", &message);
        kdc(&message);
    }
}
