//! How long a ticket is good (RFC 4120 sections 3.1.3 and 3.3.3).

use super::account::Account;
use super::policy::{Lifetimes, Policy};
use super::refusal::Refusal;
use crate::KerberosTime;
use crate::asn1::KdcReqBody;
use crate::credential::TicketTimes;
use crate::iana::{ErrorCode, KdcOptions, TicketFlags};

/// The times that a request asks for; a time of 1970 is none at all.
pub(super) struct Wanted {
    options: KdcOptions,
    /// When a postdated ticket is to begin.
    start: Option<KerberosTime>,
    till: KerberosTime,
    rtime: KerberosTime,
}

const FOREVER: KerberosTime = KerberosTime::from_unix(i64::MAX);

fn or_forever(time: KerberosTime) -> KerberosTime {
    if time.unix() == 0 { FOREVER } else { time }
}

impl Wanted {
    /// What a request asks for. What is to begin later has to be asked for as a postdated ticket.
    pub(super) fn new(
        body: &KdcReqBody<'_>,
        now: KerberosTime,
        policy: &Policy,
    ) -> Result<Self, Refusal> {
        let skew = policy.skew;
        let options = KdcOptions(body.kdc_options.bits());
        let from = body.from.filter(|from| from.unix() != 0);
        let is_postdated = options.contains(KdcOptions::POSTDATED);
        if !is_postdated && from.is_some_and(|from| from > now.plus_seconds(skew)) {
            let text = "a ticket that begins later is a postdated one, which was not asked for";
            return Err(Refusal::new(ErrorCode::CANNOT_POSTDATE, text));
        }
        let start = is_postdated.then(|| from.unwrap_or(now));
        if start.is_some_and(|start| start < now.plus_seconds(-skew)) {
            let text = "a postdated ticket does not begin in the past";
            return Err(Refusal::new(ErrorCode::CANNOT_POSTDATE, text));
        }
        if start.is_some_and(|start| start > now.plus_seconds(policy.lifetimes.renewable)) {
            let text = "a postdated ticket does not begin later than renewals end";
            return Err(Refusal::new(ErrorCode::CANNOT_POSTDATE, text));
        }
        let rtime = or_forever(body.rtime.unwrap_or_default());
        Ok(Self { options, start, till: or_forever(body.till), rtime })
    }

    /// A ticket that ends, renewals included, at the latest at `ticket` and `renewable`. `renewable`
    /// is `None` where nothing may be renewed.
    fn within(
        &self,
        authtime: KerberosTime,
        now: KerberosTime,
        ticket: KerberosTime,
        renewable: Option<KerberosTime>,
    ) -> Result<TicketTimes, Refusal> {
        let (endtime, starttime) = (self.till.min(ticket), self.start.unwrap_or(now));
        if endtime <= starttime.max(now) {
            let text = "the ticket would end before it begins";
            return Err(Refusal::new(ErrorCode::NEVER_VALID, text));
        }
        let wanted = if self.options.contains(KdcOptions::RENEWABLE) {
            Some(self.rtime)
        } else if self.options.contains(KdcOptions::RENEWABLE_OK) && self.till > endtime {
            Some(self.till)
        } else {
            None
        };
        // Not earlier than the ticket's end: some clients ask for that.
        let till = wanted.zip(renewable).map(|(wanted, last)| wanted.min(last).max(endtime));
        Ok(TicketTimes { authtime, starttime, endtime, renew_till: till })
    }

    /// Of an account that logs in.
    pub(super) fn initial(
        &self,
        now: KerberosTime,
        lifetimes: &Lifetimes,
        account: &Account,
    ) -> Result<TicketTimes, Refusal> {
        let protected = account.is_protected().then_some(lifetimes.protected_users);
        if protected.is_some() && self.start.is_some() {
            let text = "Protected Users have their tickets from when they log in";
            return Err(Refusal::new(ErrorCode::CANNOT_POSTDATE, text));
        }
        let start = self.start.unwrap_or(now);
        let cap = |life: i64| life.min(protected.unwrap_or(i64::MAX));
        let ticket = cap(lifetimes.ticket).min(account.max_life.unwrap_or(i64::MAX));
        let renewable = start.plus_seconds(cap(lifetimes.renewable));
        self.within(now, now, start.plus_seconds(ticket), Some(renewable))
    }

    /// Of a ticket that comes from another one, by whose flags it may begin later or not.
    pub(super) fn derived(
        &self,
        now: KerberosTime,
        lifetimes: &Lifetimes,
        from: &TicketTimes,
        may_postdate: bool,
    ) -> Result<TicketTimes, Refusal> {
        if self.start.is_some() && !may_postdate {
            let text = "what is asked for may not be postdated";
            return Err(Refusal::new(ErrorCode::BADOPTION, text));
        }
        let start = self.start.unwrap_or(now);
        let end = from.endtime.min(start.plus_seconds(lifetimes.ticket));
        self.within(from.authtime, now, end, from.renew_till)
    }
}

/// What a ticket is that was asked for as a postdated one: good for nothing before it is validated.
pub(super) fn postdated(options: KdcOptions) -> TicketFlags {
    match options.contains(KdcOptions::POSTDATED) {
        true => TicketFlags::POSTDATED | TicketFlags::INVALID,
        false => TicketFlags::NONE,
    }
}

/// Of a ticket that is renewed: it lives as long again, if the realm's tickets do, up to its last day.
pub(super) fn renewed(
    times: &TicketTimes,
    now: KerberosTime,
    lifetimes: &Lifetimes,
) -> Result<TicketTimes, Refusal> {
    let last = times
        .renew_till
        .ok_or(Refusal::new(ErrorCode::BADOPTION, "the ticket may not be renewed"))?;
    let life = times.endtime.unix().saturating_sub(times.starttime.unix()).min(lifetimes.ticket);
    let endtime = now.plus_seconds(life).min(last);
    if endtime <= now {
        let text = "the ticket may not be renewed any more";
        return Err(Refusal::new(ErrorCode::TKT_EXPIRED, text));
    }
    Ok(TicketTimes { starttime: now, endtime, ..*times })
}
