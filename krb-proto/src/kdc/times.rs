//! How long a ticket is good (RFC 4120 sections 3.1.3 and 3.3.3).

use super::account::Account;
use super::policy::Lifetimes;
use super::refusal::Refusal;
use crate::KerberosTime;
use crate::asn1::KdcReqBody;
use crate::credential::TicketTimes;
use crate::iana::{ErrorCode, KdcOptions};

/// The times that a request asks for; a time of 1970 is none at all.
pub(super) struct Wanted {
    options: KdcOptions,
    till: KerberosTime,
    rtime: KerberosTime,
}

const FOREVER: KerberosTime = KerberosTime::from_unix(i64::MAX);

fn or_forever(time: KerberosTime) -> KerberosTime {
    if time.unix() == 0 { FOREVER } else { time }
}

impl Wanted {
    /// What a request asks for that begins now. What is to begin later is refused.
    pub(super) fn new(
        body: &KdcReqBody<'_>,
        now: KerberosTime,
        skew: i64,
    ) -> Result<Self, Refusal> {
        let options = KdcOptions(body.kdc_options.bits());
        let postdated = KdcOptions::POSTDATED | KdcOptions::ALLOW_POSTDATE;
        let later = body.from.is_some_and(|from| from > now.plus_seconds(skew));
        if options.0 & postdated.0 != 0 || later {
            let text = "postdated tickets are not issued here";
            return Err(Refusal::new(ErrorCode::CANNOT_POSTDATE, text));
        }
        let rtime = body.rtime.unwrap_or_default();
        Ok(Self { options, till: or_forever(body.till), rtime: or_forever(rtime) })
    }

    /// A ticket that begins now and ends, renewals included, at the latest at `ticket` and
    /// `renewable`. `renewable` is `None` where nothing may be renewed.
    fn within(
        &self,
        authtime: KerberosTime,
        now: KerberosTime,
        ticket: KerberosTime,
        renewable: Option<KerberosTime>,
    ) -> Result<TicketTimes, Refusal> {
        let endtime = self.till.min(ticket);
        if endtime <= now {
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
        Ok(TicketTimes { authtime, starttime: now, endtime, renew_till: till })
    }

    /// Of an account that logs in.
    pub(super) fn initial(
        &self,
        now: KerberosTime,
        lifetimes: &Lifetimes,
        account: &Account,
    ) -> Result<TicketTimes, Refusal> {
        let protected = account.is_protected().then_some(lifetimes.protected_users);
        let cap = |life: i64| life.min(protected.unwrap_or(i64::MAX));
        let ticket = cap(lifetimes.ticket).min(account.max_life.unwrap_or(i64::MAX));
        let renewable = now.plus_seconds(cap(lifetimes.renewable));
        self.within(now, now, now.plus_seconds(ticket), Some(renewable))
    }

    /// Of a ticket that comes from another one.
    pub(super) fn derived(
        &self,
        now: KerberosTime,
        lifetimes: &Lifetimes,
        from: &TicketTimes,
    ) -> Result<TicketTimes, Refusal> {
        let end = from.endtime.min(now.plus_seconds(lifetimes.ticket));
        self.within(from.authtime, now, end, from.renew_till)
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
