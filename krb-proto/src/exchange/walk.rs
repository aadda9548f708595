//! The TGS exchange over realms (RFC 6806 section 8, MS-SFU 3.1.5 and 4.2).

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::tgs::Following;
use super::{
    Exchange, ExchangeError, Mismatch, ReferralError, Step, TgsArmor, TgsExchange, TgsGoal,
    TicketOptions,
};
use crate::iana::{NameType, TicketFlags};
use crate::preauth::S4uReplyError;
use crate::{Context, Credential, Name, Principal};

/// Realms on one way, beside the one that it begins in. MIT's KRB5_REFERRAL_MAXHOPS.
const MAX_HOPS: usize = 10;
/// Replies in all. The longest walk has several ways: there and back, or one beside the other.
const MAX_REPLIES: usize = 24;

/// The TGS exchange over realms: where a KDC answers with a ticket-granting ticket for another realm
/// (a referral), a KDC of that one is asked with it.
///
/// - A service, or user-to-user, in whatever realm the referrals lead to.
/// - S4U2Self for a user of another realm (MS-SFU 4.2): first to that realm, with a plain
///   ticket-granting ticket; asked there for ourselves, by our enterprise name; then by referrals
///   back, with the user named anew to each KDC, to our own, which makes the ticket.
/// - S4U2Proxy to a service of another realm, which only resource-based delegation allows (MS-SFU
///   3.1.5.2.2): a referral in the user's name is the evidence in the next realm, where we come with
///   a plain ticket-granting ticket of our own.
///
/// Everything else is asked of the one realm. No way visits a realm twice, or goes through more than
/// ten; nothing is asked again in another manner because it was refused. `ok-as-delegate` holds only
/// where each cross-realm ticket on the way had it.
#[derive(Clone)]
pub struct TgsWalk {
    /// Our own realm.
    own_realm: Arc<[u8]>,
    /// What it is all for; its evidence is that of the realm that is asked.
    goal: Arc<TgsGoal>,
    options: Arc<TicketOptions>,
    leg: Leg,
    /// The goal's way.
    way: Way,
    /// The request that is due.
    exchange: TgsExchange,
    replies: usize,
    /// Had each cross-realm ticket so far `ok-as-delegate`?
    delegates: bool,
}

/// What the next request is for.
#[derive(Clone)]
enum Leg {
    /// Plain ticket-granting tickets of ours for these realms, one after the other, to ask for the
    /// goal in the last one.
    Towards(Vec<Vec<u8>>, Way),
    /// The goal.
    Goal,
}

/// The realms that were gone through.
#[derive(Clone)]
struct Way(Arc<Vec<Vec<u8>>>);

impl Way {
    fn from(realm: &[u8]) -> Self {
        Self(Arc::new(Vec::from([realm.to_vec()])))
    }

    fn pass(&mut self, realm: &[u8]) -> Result<(), ReferralError> {
        if self.0.iter().any(|passed| *passed == *realm) {
            return Err(ReferralError::Loop(realm.to_vec()));
        }
        if self.0.len() > MAX_HOPS {
            return Err(ReferralError::TooLong);
        }
        Arc::make_mut(&mut self.0).push(realm.to_vec());
        Ok(())
    }
}

impl TgsWalk {
    /// Asks with `tgt`, our own realm's, for a ticket.
    #[must_use]
    pub fn new(
        tgt: Arc<Credential>,
        goal: impl Into<Arc<TgsGoal>>,
        options: impl Into<Arc<TicketOptions>>,
    ) -> Self {
        let (goal, options) = (goal.into(), options.into());
        let own_realm: Arc<[u8]> = tgt.target_realm().unwrap_or_default().into();
        let mut walk = Self {
            way: Way::from(&own_realm),
            exchange: TgsExchange::new(tgt.clone(), goal.clone(), options.clone()),
            own_realm,
            goal,
            options,
            leg: Leg::Goal,
            replies: 0,
            delegates: true,
        };
        match &*walk.goal {
            TgsGoal::S4uSelf { user: Principal { realm, .. }, .. }
            | TgsGoal::S4uSelfByCertificate { realm, .. }
                if **realm != *walk.own_realm =>
            {
                let realm = realm.clone();
                walk.turn_towards(tgt, Vec::from([realm]));
            }
            _ => walk.ask_for_goal(tgt),
        }
        walk
    }

    /// Goes through these realms in their order, to the one that the goal is in or, in S4U2Self, that
    /// the user is of: what is known of the way (`[capaths]`, `[domain_realm]`) in place of what the
    /// KDCs would say. It changes nothing where the goal is our own realm's alone, or S4U2Proxy, or
    /// something was asked already.
    #[must_use]
    pub fn by_way_of(mut self, realms: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut realms: Vec<_> = realms.into_iter().collect();
        if let Some(here) = realms.iter().position(|realm| **realm == *self.own_realm) {
            realms.drain(..=here);
        }
        let leads = match &*self.goal {
            TgsGoal::Service(_) | TgsGoal::UserToUser { .. } => true,
            TgsGoal::S4uSelf { user: Principal { realm, .. }, .. }
            | TgsGoal::S4uSelfByCertificate { realm, .. } => realms.last() == Some(realm),
            _ => false,
        };
        if leads && self.replies == 0 && !realms.is_empty() {
            self.turn_towards(self.exchange.tgt().clone(), realms);
        }
        self
    }

    fn ask(&mut self, tgt: Arc<Credential>, goal: impl Into<Arc<TgsGoal>>, following: Following) {
        let mut options = self.options.clone();
        // What armors requests in one realm is nothing to another, whose ticket armors as well.
        if let TgsArmor::Explicit(armor) = &options.fast
            && armor.target_realm() != tgt.target_realm()
        {
            Arc::make_mut(&mut options).fast = TgsArmor::Implicit;
        }
        self.exchange = TgsExchange::new(tgt, goal, options).following(following);
    }

    /// Asks with that ticket of ours for those to other realms.
    fn turn_towards(&mut self, tgt: Arc<Credential>, realms: Vec<Vec<u8>>) {
        let way = Way::from(tgt.target_realm().unwrap_or_default());
        let next = TgsGoal::Service(Name::krbtgt(realms.first().map_or(&[][..], |next| next)));
        self.leg = Leg::Towards(realms, way);
        self.ask(tgt, next, Following::Referrals);
    }

    /// Asks with that ticket of ours for the goal.
    fn ask_for_goal(&mut self, tgt: Arc<Credential>) {
        let at_home = tgt.target_realm() == Some(&self.own_realm[..]);
        let (mut goal, mut following) = (self.goal.clone(), Following::Referrals);
        match &*self.goal {
            // Our own KDC makes the ticket, or nobody does.
            TgsGoal::S4uSelf { .. } | TgsGoal::S4uSelfByCertificate { .. } if at_home => {
                following = Following::No;
            }
            TgsGoal::S4uSelf { service, .. } | TgsGoal::S4uSelfByCertificate { service, .. } => {
                let enterprise = self.enterprise(service);
                if let TgsGoal::S4uSelf { service, .. }
                | TgsGoal::S4uSelfByCertificate { service, .. } = Arc::make_mut(&mut goal)
                {
                    *service = enterprise;
                }
            }
            TgsGoal::Service(_) | TgsGoal::UserToUser { .. } | TgsGoal::S4uProxy { .. } => {}
            TgsGoal::Renew | TgsGoal::Validate | TgsGoal::Forward | TgsGoal::Proxy(_) => {
                following = Following::No;
            }
        }
        self.leg = Leg::Goal;
        self.ask(tgt, goal, following);
    }

    /// What we are called in other realms, whose KDCs find the way to ours by it.
    fn enterprise(&self, service: &Name) -> Name {
        let name = [&service.components.join(&b'/'), &b"@"[..], &self.own_realm].concat();
        Name::new(NameType::ENTERPRISE, [name])
    }

    /// Is it a step, and not what was asked for in the end?
    fn is_on_the_way(&self, ticket: &Credential) -> bool {
        match self.leg {
            Leg::Towards(..) => true,
            Leg::Goal => !ticket.server.name.same_components(self.exchange.asked_for()),
        }
    }

    /// Evidence is a ticket to ourselves, whom other realms do not know.
    fn is_for_us(&self, ticket: &Credential) -> Result<(), Mismatch> {
        match &*self.goal {
            TgsGoal::S4uSelf { service, .. } | TgsGoal::S4uSelfByCertificate { service, .. }
                if *ticket.server.realm != *self.own_realm =>
            {
                let expected = Principal::new(service.clone(), &self.own_realm);
                Err(Mismatch::Server { expected, found: ticket.server.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Goes on with a ticket-granting ticket for that realm.
    pub(super) fn referred(
        &mut self,
        ticket: Credential,
        realm: &[u8],
    ) -> Result<(), ExchangeError> {
        self.delegates &= ticket.flags.contains(TicketFlags::OK_AS_DELEGATE);
        let ticket = Arc::new(ticket);
        match (&mut self.leg, Arc::make_mut(&mut self.goal)) {
            (Leg::Towards(wanted, way), _) => {
                way.pass(realm)?;
                if wanted.first().is_some_and(|next| next == realm) {
                    wanted.remove(0);
                }
                match wanted.first() {
                    Some(next) => {
                        let next = TgsGoal::Service(Name::krbtgt(next));
                        self.ask(ticket, next, Following::Referrals);
                    }
                    None => {
                        // S4U2Self begins its way back here; S4U2Proxy has come this way before.
                        if self.goal.is_s4u_self() {
                            self.way = Way::from(realm);
                        }
                        self.ask_for_goal(ticket);
                    }
                }
            }
            (Leg::Goal, TgsGoal::S4uProxy { evidence, .. }) => {
                self.way.pass(realm)?;
                // Whatever name is on it, it is for the user that the first evidence named.
                let client = evidence.client.clone();
                *evidence = Arc::new(Credential { client, ..Credential::clone(&ticket) });
                self.turn_towards(self.exchange.tgt().clone(), Vec::from([realm.to_vec()]));
            }
            (Leg::Goal, goal) => {
                // Whose a certificate is says the user's own KDC; to all others it is a name.
                if let TgsGoal::S4uSelfByCertificate { service, .. } = goal {
                    let user = self.exchange.certified().cloned();
                    let user = user.ok_or(Mismatch::S4uUser(S4uReplyError::Missing))?;
                    *goal = TgsGoal::S4uSelf { user, service: service.clone() };
                }
                self.way.pass(realm)?;
                self.ask_for_goal(ticket);
            }
        }
        Ok(())
    }
}

impl Exchange for TgsWalk {
    type Output = Credential;

    fn realm(&self) -> Result<&[u8], ExchangeError> {
        self.exchange.realm()
    }

    fn request(&mut self, cx: &mut Context<'_>) -> Result<Vec<u8>, ExchangeError> {
        self.exchange.request(cx)
    }

    fn receive(
        &mut self,
        cx: &Context<'_>,
        reply: &[u8],
    ) -> Result<Step<Credential>, ExchangeError> {
        let Step::Done(mut ticket) = self.exchange.receive(cx, reply)? else {
            return Ok(Step::Continue);
        };
        let realm = ticket.target_realm().map(<[u8]>::to_vec);
        match realm.filter(|_| self.is_on_the_way(&ticket)) {
            Some(realm) => {
                self.replies += 1;
                if self.replies == MAX_REPLIES {
                    return Err(ReferralError::TooLong.into());
                }
                self.referred(ticket, &realm)?;
                Ok(Step::Continue)
            }
            None => {
                self.is_for_us(&ticket)?;
                if !self.delegates {
                    ticket.flags = ticket.flags.without(TicketFlags::OK_AS_DELEGATE);
                }
                Ok(Step::Done(ticket))
            }
        }
    }
}
