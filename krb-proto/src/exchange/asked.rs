//! What a request asks of a ticket, and what a reply may say of it (RFC 4120 sections 3.1.3 to 3.1.5,
//! 3.3.3 and 3.3.4).

use alloc::vec::Vec;

use super::options::{TicketAddress, TicketOptions};
use super::{Mismatch, TgsGoal};
use crate::asn1::EncKdcRepPart;
use crate::credential::TicketTimes;
use crate::iana::{KdcOptions, TicketFlags};
use crate::{Context, Credential, KerberosTime};

/// How far a KDC's clock may be from ours when it dates a ticket's start (RFC 4120 section 5.6).
const CLOCK_SKEW: i64 = 300;

/// What makes a ticket of more use than another, with the options that ask for it. An invalid one is
/// of none, so it is not taken unasked either.
const GOVERNED: [(TicketFlags, KdcOptions); 6] = [
    (TicketFlags::FORWARDABLE, KdcOptions::FORWARDABLE),
    (TicketFlags::PROXIABLE, KdcOptions::PROXIABLE),
    (TicketFlags::MAY_POSTDATE, KdcOptions::ALLOW_POSTDATE),
    (TicketFlags::INVALID, KdcOptions::POSTDATED),
    (TicketFlags::RENEWABLE, KdcOptions::RENEWABLE),
    (TicketFlags::RENEWABLE, KdcOptions::RENEWABLE_OK),
];

/// The options by which a renewed or validated ticket stays what it was; each has its flag's bit.
const KEPT: u32 = KdcOptions::FORWARDABLE.0
    | KdcOptions::PROXIABLE.0
    | KdcOptions::ALLOW_POSTDATE.0
    | KdcOptions::RENEWABLE.0;

/// What one request asked.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) kdc_options: KdcOptions,
    pub(super) from: Option<KerberosTime>,
    pub(super) till: KerberosTime,
    pub(super) rtime: Option<KerberosTime>,
    /// Until when a renewable ticket may be so.
    latest_renewal: Option<KerberosTime>,
    addresses: Vec<TicketAddress>,
}

impl Asked {
    /// In the first place.
    pub(super) fn new(options: &TicketOptions, now: KerberosTime) -> Self {
        Self::until(options, KdcOptions::NONE, now, None)
    }

    /// With a ticket-granting ticket, which nothing outlives.
    pub(super) fn with(
        tgt: &Credential,
        goal: &TgsGoal,
        options: &TicketOptions,
        now: KerberosTime,
    ) -> Self {
        let wanted = goal.kdc_options();
        let till = match goal {
            TgsGoal::Renew => tgt.times.renew_till.unwrap_or(tgt.times.endtime),
            TgsGoal::Validate => tgt.times.endtime,
            _ => return Self::until(options, wanted, now, Some(&tgt.times)),
        };
        let kdc_options = wanted | KdcOptions(tgt.flags.0 & KEPT);
        let latest_renewal = tgt.times.renew_till;
        let addresses = Vec::new();
        Self { kdc_options, from: None, till, rtime: latest_renewal, latest_renewal, addresses }
    }

    fn until(
        options: &TicketOptions,
        wanted: KdcOptions,
        now: KerberosTime,
        tgt: Option<&TicketTimes>,
    ) -> Self {
        let start = options.start.unwrap_or(now);
        let within = |time: KerberosTime| tgt.map_or(time, |tgt| time.min(tgt.endtime));
        let till = within(start.plus_seconds(options.lifetime));
        let rtime = options.renewable.map(|seconds| start.plus_seconds(seconds).max(till));
        Self {
            kdc_options: options.kdc_options() | wanted,
            from: options.start,
            till,
            rtime,
            latest_renewal: rtime.or(options.renewable_ok.then_some(till)),
            addresses: options.addresses.clone(),
        }
    }

    /// The ticket's times, if it is what was asked and no more.
    pub(super) fn hold(
        &self,
        part: &EncKdcRepPart<'_>,
        cx: &Context<'_>,
    ) -> Result<TicketTimes, Mismatch> {
        let flags = TicketFlags(part.flags.bits());
        let allowed = GOVERNED.into_iter().filter(|(_, by)| self.kdc_options.contains(*by));
        let governed = GOVERNED.into_iter().fold(TicketFlags::NONE, |all, (flag, _)| all | flag);
        let beyond =
            allowed.fold(TicketFlags(flags.0 & governed.0), |left, (flag, _)| left.without(flag));
        if beyond != TicketFlags::NONE {
            return Err(Mismatch::Flags(beyond));
        }
        let times = TicketTimes {
            authtime: part.authtime,
            starttime: part.starttime.unwrap_or(part.authtime),
            endtime: part.endtime,
            renew_till: part.renew_till,
        };
        // Expiry goes by our own clock alone: the correction comes from an unauthenticated error
        // and must not make an old ticket good. A start ahead of us is what the correction is for.
        let latest_start = cx.now.max(cx.peer_time()).seconds.plus_seconds(CLOCK_SKEW);
        let starts = match self.from {
            Some(from) => times.starttime == from,
            None => times.starttime <= latest_start,
        };
        let renewable = match (flags.contains(TicketFlags::RENEWABLE), times.renew_till) {
            (true, till) => till.is_some() && till <= self.latest_renewal,
            (false, _) => true,
        };
        if times.endtime <= cx.now.seconds || times.endtime > self.till || !starts || !renewable {
            return Err(Mismatch::Times);
        }
        if !self.addresses.is_empty() {
            let among = |found: (i32, &[u8])| {
                self.addresses.iter().any(|asked| (asked.kind, &asked.octets[..]) == found)
            };
            let found = part.caddr.map(|list| list.iter().all(|a| among((a.addr_type, a.address))));
            if found != Some(true) {
                return Err(Mismatch::Addresses);
            }
        }
        Ok(times)
    }
}
