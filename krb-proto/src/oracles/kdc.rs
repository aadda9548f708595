use alloc::vec::Vec;

use super::world::{NOW, NULL, REALM, null_key, with_context};
use crate::asn1::{AsRep, KrbError, TgsRep};
use crate::der;
use crate::kdc::{Account, Outcome, Realm, Trust, Trustee, handle};

/// The other realm.
const PARTNER: &str = "PARTNER.COM";

/// A request to the KDC: it is answered with a message of the protocol, or not at all; no ticket is
/// good for longer than the realm's are; what was refused says so.
///
/// Nothing is encrypted, so that whoever asks can say anything in anybody's name: that is what the
/// KDC has to read without harm.
pub fn kdc(input: &[u8]) {
    let Some(realm) = realm() else { return };
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

/// A realm of null keys.
fn realm() -> Option<Realm> {
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
        AsExchange, ClientSecret, Exchange, Step, TgsExchange, TgsGoal, TicketOptions,
    };
    use crate::iana::NameType;
    use crate::oracles::tests::assert_seed;
    use crate::oracles::world::principal;
    use crate::{Credential, Name};

    fn options() -> TicketOptions {
        TicketOptions {
            enctypes: Vec::from([NULL]),
            renewable: Some(72_000),
            proxiable: true,
            ..TicketOptions::default()
        }
    }

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
}
