use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use zeroize::Zeroize;

use super::as_armor::AsArmor;
use super::asked::Asked;
use super::client_key::{ClientKey, ClientSecret, KnownKey};
use super::mechanism::{self, Mechanism, Offer, ReplyFacts, RequestFacts};
use super::reply::{VerifiedPart, is_error};
use super::{
    Exchange, ExchangeError, KdcRefusal, Mismatch, OwnTicketError, ReferralError, Step,
    TicketOptions, nonce,
};
use crate::asn1::{AsRep, AsReq, Checksum, EncKdcRepPart, KdcReqBody, KrbError, PaData};
use crate::crypto::Key;
use crate::der::{self, Encoded, Int, KerberosString, List, UInt32};
use crate::iana::{ErrorCode, FastOptions, KdcOptions, KeyUsage, PaType, TicketFlags};
use crate::preauth::fast::{ResponsePlaintext, strengthened, verify_finished};
use crate::preauth::{KeyHint, borrow_padata, find_padata};
use crate::principal::ANONYMOUS_REALM;
use crate::{Context, Credential, Name, Principal};

/// The exchange ends with a realm's error of this number. No mechanism needs so many.
const MAX_ROUNDS: usize = 8;
/// Realms beside the first. MIT's KRB5_REFERRAL_MAXHOPS.
const MAX_HOPS: usize = 10;

/// The AS exchange (RFC 4120 section 3.1, RFC 6113): a ticket-granting ticket.
///
/// Where the KDC's name for the client is taken ([`TicketOptions::canonicalize`]), so is its word that
/// another realm knows the client (KDC_ERR_WRONG_REALM, RFC 6806 section 7), which is asked then.
/// Nobody vouches for that word: it says whom to ask, and nothing that the client knows is sent before
/// that realm's KDC has asked for it.
#[derive(Clone)]
pub struct AsExchange {
    client: Principal,
    /// The realms that were asked before the client's.
    passed: Vec<Vec<u8>>,
    server: Principal,
    options: TicketOptions,
    key: ClientKey,
    /// How the client is pre-authenticated; `None` until the KDC has asked for it.
    mechanism: Option<Box<dyn Mechanism>>,
    /// Mechanisms that the KDC has turned down.
    turned_down: Vec<PaType>,
    /// May an encrypted timestamp be sent outside of FAST?
    timestamps: bool,
    /// PA-FX-COOKIE (RFC 6113 section 5.2), which the KDC keeps its state in.
    cookie: Option<Vec<u8>>,
    armor: Option<AsArmor>,
    fast_available: bool,
    key_version: Option<u32>,
    rounds: usize,
    pending: Option<Pending>,
}

#[derive(Clone)]
struct Pending {
    nonce: u32,
    asked: Asked,
    message: Vec<u8>,
}

/// What a reply says, where FAST has it in its armor, from there.
struct Said<'a> {
    padata: List<'a, PaData<'a>>,
    client: Principal,
    strengthen_key: Option<Key>,
}

impl AsExchange {
    /// Starts an exchange for `client`.
    #[must_use]
    pub fn new(client: Principal, secret: ClientSecret, options: TicketOptions) -> Self {
        let key = ClientKey::new(secret);
        let server = Principal::krbtgt(&client.realm);
        Self {
            client,
            passed: Vec::new(),
            server,
            options,
            mechanism: mechanism::unasked(&key, None),
            key,
            turned_down: Vec::new(),
            timestamps: true,
            cookie: None,
            armor: None,
            fast_available: false,
            key_version: None,
            rounds: 0,
            pending: None,
        }
    }

    /// Asks for a ticket to another server of the realm, such as `kadmin/changepw`, which takes none
    /// that was got with a ticket-granting ticket, and is to be had where a password has expired.
    #[must_use]
    pub fn to_server(mut self, server: Name) -> Self {
        self.server = Principal::new(server, &self.client.realm);
        self
    }

    /// With the key that an earlier login has shown the KDC to make of the password: one round trip
    /// instead of two. Where it makes another one of it by now, the password is tried once more, as it
    /// says then. A key of another realm, which the first one has named, changes nothing: the first
    /// one's KDC gets nothing that it could guess the password at.
    #[must_use]
    pub fn with_known_key(mut self, known: KnownKey) -> Self {
        if known.realm == self.client.realm {
            self.key.know(known);
            self.mechanism = mechanism::unasked(&self.key, None);
        }
        self
    }

    /// Without the encrypted timestamp (RFC 4120 section 5.2.7.2), at which whoever sees it, or stands in
    /// for the KDC, may guess passwords: a KDC that takes nothing else is sent nothing. What comes after
    /// it goes by that too: the last word about an exchange before it begins.
    #[must_use]
    pub fn without_timestamp(mut self) -> Self {
        self.timestamps = false;
        self.mechanism = self.mechanism.filter(|known| known.pa_type() != PaType::ENC_TIMESTAMP);
        self
    }

    /// The key that the KDC makes of the password, where the login has proved it by that key alone: it
    /// is not said of a login by SPAKE, which shows nobody what a password could be guessed at with.
    #[must_use]
    pub fn known_key(&self) -> Option<KnownKey> {
        let by_key = [PaType::ENC_TIMESTAMP, PaType::ENCRYPTED_CHALLENGE];
        let proved = self.mechanism.as_ref().is_some_and(|m| by_key.contains(&m.pa_type()));
        proved.then(|| self.key.known(&self.client.realm)).flatten()
    }

    /// The version of the client's key by which the KDC sealed its reply, if it said which. Nothing
    /// protects it.
    #[must_use]
    pub const fn key_version(&self) -> Option<u32> {
        self.key_version
    }

    /// With FAST (RFC 6113 section 5.4), armored by `ticket`, a ticket-granting ticket of the
    /// client's realm: a host's, say, or any account's. What the KDC says outside of the armor is
    /// then not believed.
    #[must_use]
    pub fn armored(self, ticket: Arc<Credential>) -> Self {
        self.in_armor(AsArmor::new(ticket, FastOptions::NONE))
    }

    /// As [`armored`](Self::armored), and nobody else shall see who asks: outside of the armor the
    /// client is WELLKNOWN/ANONYMOUS, in the request and in the reply.
    #[must_use]
    pub fn armored_hiding_client(self, ticket: Arc<Credential>) -> Self {
        self.in_armor(AsArmor::new(ticket, FastOptions::HIDE_CLIENT_NAMES))
    }

    fn in_armor(mut self, armor: AsArmor) -> Self {
        self.armor = Some(armor);
        // What goes into the first request depends on the armor key, which is made with it.
        self.mechanism = None;
        self
    }

    /// Has the KDC said, where nobody could change it, that it has FAST (RFC 6806 section 11)? Known
    /// when the exchange is done. The ticket may then armor later exchanges without being asked.
    #[must_use]
    pub fn fast_available(&self) -> bool {
        self.fast_available
    }

    /// How the KDC makes the client's key, once it has said so.
    pub(super) fn key_hint(&self) -> Option<&KeyHint> {
        self.key.hint()
    }

    /// Takes a KRB-ERROR with its METHOD-DATA: either there is something else to say, or it stands.
    fn refused(
        &mut self,
        error: &KrbError<'_>,
        hints: List<'_, PaData<'_>>,
    ) -> Result<Step<Credential>, ExchangeError> {
        self.rounds += 1;
        if self.rounds == MAX_ROUNDS {
            return Err(ExchangeError::TooManyRounds);
        }
        self.cookie = find_padata(hints, PaType::FX_COOKIE).map(<[u8]>::to_vec);
        let goes_on = match error.error_code {
            ErrorCode::MORE_PREAUTH_DATA_REQUIRED => match &mut self.mechanism {
                Some(mechanism) => mechanism.challenge(hints)?,
                None => false,
            },
            ErrorCode::WRONG_REALM if self.options.canonicalize => self.go_to_realm_of(error)?,
            ErrorCode::PREAUTH_REQUIRED => {
                self.turned_down.extend(self.mechanism.as_ref().map(|m| m.pa_type()));
                self.choose(hints)?
            }
            // A wrong key counts towards a lock-out, so another is tried only if the KDC names an
            // enctype that was not tried yet.
            ErrorCode::PREAUTH_FAILED | ErrorCode::ETYPE_NOSUPP
                if find_padata(hints, PaType::ETYPE_INFO2).is_some() =>
            {
                self.key.refuse() && self.choose(hints)?
            }
            _ => match &mut self.mechanism {
                Some(mechanism) => mechanism.refusal(error, hints)?,
                None => false,
            },
        };
        if goes_on { Ok(Step::Continue) } else { Err(KdcRefusal::new(error, hints).into()) }
    }

    /// Turns to the realm that the KDC names. `false` if it names none.
    fn go_to_realm_of(&mut self, error: &KrbError<'_>) -> Result<bool, ExchangeError> {
        let Some(KerberosString(realm)) = error.crealm else { return Ok(false) };
        if self.armor.is_some() {
            return Err(OwnTicketError::NotOfTheRealm.into());
        }
        let before = core::mem::replace(&mut self.client.realm, realm.to_vec());
        self.passed.push(before);
        if self.passed.iter().any(|passed| passed == realm) {
            return Err(ReferralError::Loop(realm.to_vec()).into());
        }
        if self.passed.len() > MAX_HOPS {
            return Err(ReferralError::TooLong.into());
        }
        self.server = match self.server.name.is_krbtgt() {
            true => Principal::krbtgt(realm),
            false => Principal::new(self.server.name.clone(), realm),
        };
        (self.mechanism, self.cookie, self.rounds) = (None, None, 0);
        self.turned_down.clear();
        self.key.is_for_another_realm();
        Ok(true)
    }

    fn choose(&mut self, hints: List<'_, PaData<'_>>) -> Result<bool, ExchangeError> {
        let offer = Offer {
            hints,
            client: &self.client,
            enctypes: &self.options.enctypes,
            armor_key: self.armor.as_ref().and_then(AsArmor::key),
            turned_down: &self.turned_down,
            timestamps: self.timestamps,
        };
        let chosen = mechanism::choose(&mut self.key, &offer)?;
        if let (Some(before), Some(chosen)) = (&self.mechanism, &chosen)
            && before.pa_type() != chosen.pa_type()
        {
            before.replaced()?;
        }
        self.mechanism = chosen;
        Ok(self.mechanism.is_some())
    }

    fn reply_key(&mut self, reply: &ReplyFacts<'_>) -> Result<Key, ExchangeError> {
        if let Some(mechanism) = &mut self.mechanism {
            return mechanism.reply_key(reply);
        }
        // A KDC that wants no pre-authentication answers at once, with the hint in the reply.
        let key = self.key.choose(reply.padata, &self.client, &self.options.enctypes)?;
        key.ok_or(ExchangeError::NoCommonEnctype)
    }

    /// Whose ticket it is, of whom the reply says so. `proven`: nobody can have written another name
    /// into it.
    fn named(&self, found: &Principal, proven: bool) -> Result<Principal, Mismatch> {
        if found.is_same(&self.client) {
            return Ok(self.client.clone());
        }
        let nobodys = Principal::anonymous(ANONYMOUS_REALM);
        if self.client.is_anonymous() && found.is_same(&nobodys) {
            return Ok(nobodys);
        }
        if self.options.canonicalize && proven && found.realm == self.client.realm {
            return Ok(found.clone());
        }
        Err(Mismatch::Client { expected: self.client.clone(), found: found.clone() })
    }

    /// What the ticket is for. AD has a name of its own for a service that an SPN was given of (RFC 6806
    /// section 6); a ticket-granting ticket is for what was asked, or of another realm.
    fn served(&self, part: &EncKdcRepPart<'_>, proven: bool) -> Principal {
        let found = part.sname.in_realm(part.srealm);
        let renamed = self.options.canonicalize
            && proven
            && found.realm == self.server.realm
            && !self.server.name.is_krbtgt()
            && !found.name.is_krbtgt()
            && !found.is_same(&self.server);
        if renamed { found } else { self.server.clone() }
    }

    fn take_error(&mut self, reply: &[u8]) -> Result<Step<Credential>, ExchangeError> {
        let error: KrbError<'_> = der::decode(reply).map_err(ExchangeError::Malformed)?;
        let hints = error.method_data();
        let Some(armor_key) = self.armor.as_ref().and_then(AsArmor::key) else {
            return self.refused(&error, hints);
        };
        let nonce = self.pending.as_ref().ok_or(ExchangeError::NoReplyDue)?.nonce;
        // Without armor an error may end the exchange (so it comes from a KDC that has no FAST, or
        // could not read the armor), but it does not steer it.
        if find_padata(hints, PaType::FX_FAST).is_none() {
            return Err(KdcRefusal::new(&error, hints).into());
        }
        let opened = ResponsePlaintext::open(armor_key, hints)?;
        let (error, hints) = opened.error(nonce)?;
        self.refused(&error, hints)
    }

    fn take_reply(&mut self, cx: &Context<'_>, reply: &[u8]) -> Result<Credential, ExchangeError> {
        let reply: AsRep<'_> = der::decode(reply).map_err(ExchangeError::Malformed)?;
        let pending = self.pending.take().ok_or(ExchangeError::NoReplyDue)?;
        let outer_padata = reply.padata.unwrap_or(List::of(&[]));
        let outer_client = reply.cname.in_realm(reply.crealm);
        let Some(armor) = &self.armor else {
            let said = Said { padata: outer_padata, client: outer_client, strengthen_key: None };
            return self.verify(cx, &reply, &pending, &said);
        };
        let armor_key = armor.key().ok_or(ExchangeError::NoReplyDue)?;
        let opened = ResponsePlaintext::open(armor_key, outer_padata)?;
        let response = opened.response(pending.nonce)?;
        let finished = verify_finished(armor_key, &response, reply.ticket.der())?;
        let client = finished.cname.in_realm(finished.crealm);
        if !armor.hides_client() && !outer_client.is_same(&client) {
            return Err(Mismatch::Client { expected: client, found: outer_client }.into());
        }
        let strengthen_key = response
            .strengthen_key
            .map(|key| Key::new(key.keytype, key.keyvalue.0))
            .transpose()
            .map_err(ExchangeError::Crypto)?;
        let said = Said { padata: response.padata, client, strengthen_key };
        self.verify(cx, &reply, &pending, &said)
    }

    fn verify(
        &mut self,
        cx: &Context<'_>,
        reply: &AsRep<'_>,
        pending: &Pending,
        said: &Said<'_>,
    ) -> Result<Credential, ExchangeError> {
        let enctype = reply.enc_part.etype;
        let request = &pending.message;
        let reply_key = self.reply_key(&ReplyFacts {
            request,
            server: &self.server.clone(),
            padata: said.padata,
            enctype,
        })?;
        let key = match &said.strengthen_key {
            Some(key) => strengthened(&reply_key, key).map_err(ExchangeError::Crypto)?,
            None => reply_key.clone(),
        };
        if enctype != key.enctype() {
            return Err(Mismatch::EncType(enctype).into());
        }
        let plaintext =
            key.decrypt(KeyUsage::AS_REP, reply.enc_part.cipher).map_err(ExchangeError::Crypto)?;
        let part = EncKdcRepPart::from_der(&plaintext).map_err(ExchangeError::Malformed)?;
        let mut proven = self.armor.is_some();
        if TicketFlags(part.flags.bits()).contains(TicketFlags::ENC_PA_REP) {
            let padata = part.encrypted_pa_data.unwrap_or(List::of(&[]));
            verify_request_checksum(padata, &key, request)?;
            self.fast_available = find_padata(padata, PaType::FX_FAST).is_some();
            proven = true;
        }
        let server = self.served(&part, proven);
        let verified = VerifiedPart::new(
            &part,
            &reply.ticket,
            pending.nonce,
            &server,
            &pending.asked,
            &self.options.enctypes,
            cx,
        )?;
        if let Some(mechanism) = &self.mechanism {
            mechanism.session_key(said.padata, &reply_key, verified.session_key())?;
        }
        let client = self.named(&said.client, proven)?;
        self.key_version = reply.enc_part.kvno.map(UInt32::get);
        Ok(verified.into_credential(client, server, reply.ticket.der()))
    }
}

/// RFC 6806 section 11: the KDC repeats a checksum over our AS-REQ, so that nobody changed it.
fn verify_request_checksum(
    padata: List<'_, PaData<'_>>,
    key: &Key,
    request: &[u8],
) -> Result<(), ExchangeError> {
    let value = find_padata(padata, PaType::REQ_ENC_PA_REP).ok_or(Mismatch::RequestChecksum)?;
    let Checksum { cksumtype, checksum } = der::decode(value).map_err(ExchangeError::Malformed)?;
    key.verify_checksum(KeyUsage::AS_REQ_CHECKSUM, cksumtype, request, checksum)
        .map_err(|_| Mismatch::RequestChecksum.into())
}

impl Exchange for AsExchange {
    type Output = Credential;

    fn realm(&self) -> Result<&[u8], ExchangeError> {
        Ok(&self.client.realm)
    }

    fn request(&mut self, cx: &mut Context<'_>) -> Result<Vec<u8>, ExchangeError> {
        let options = &self.options;
        let nonce = nonce(cx);
        let mut asked = Asked::new(options, cx.peer_time().seconds);
        if self.client.is_anonymous() {
            asked.kdc_options |= KdcOptions::REQUEST_ANONYMOUS;
        }
        let addresses = options.host_addresses();
        let enctypes = self.key.in_order(&options.enctypes);
        if let Some(armor) = &mut self.armor
            && armor.begin(&self.client.realm, cx)?
        {
            self.mechanism = mechanism::unasked(&self.key, armor.key());
        }
        let body = |client: &Name| {
            der::encode(&KdcReqBody {
                kdc_options: asked.kdc_options.0.into(),
                cname: Some(client.into()),
                realm: KerberosString(&self.client.realm),
                sname: Some((&self.server.name).into()),
                from: asked.from,
                till: asked.till,
                rtime: asked.rtime,
                nonce: UInt32::new(nonce),
                etype: List::of(&enctypes),
                addresses: (!addresses.is_empty()).then(|| List::of(&addresses)),
                enc_authorization_data: None,
                additional_tickets: None,
            })
        };
        let outer_body = self.armor.as_ref().map(|armor| match armor.hides_client() {
            true => body(&Principal::anonymous(&[]).name),
            false => body(&self.client.name),
        });
        let mut body = body(&self.client.name);
        let mut padata = Vec::new();
        padata.extend(self.cookie.iter().map(|cookie| (PaType::FX_COOKIE, cookie.clone())));
        if let Some(mechanism) = &mut self.mechanism {
            let facts = RequestFacts { body: &body, nonce };
            padata.extend(mechanism.padata(&facts, cx)?);
        } else {
            padata.extend(self.key.asks_for().map(|padata_type| (padata_type, Vec::new())));
        }
        // Empty: asks for the checksum over this request.
        padata.push((PaType::REQ_ENC_PA_REP, Vec::new()));
        if let (Some(armor), Some(outer_body)) = (&mut self.armor, outer_body) {
            let sealed = armor.seal(&self.client.realm, &padata, &body, &outer_body, cx)?;
            // A one-time password and its PIN are in the clear in there.
            padata.iter_mut().for_each(|(_, value)| value.zeroize());
            (padata, body) = (sealed, outer_body);
        }
        let message = der::encode(&AsReq {
            pvno: Int,
            msg_type: Int,
            padata: Some(List::of(&borrow_padata(&padata))),
            req_body: Encoded::from_der(&body).map_err(ExchangeError::OwnRequest)?,
        });
        self.pending = Some(Pending { nonce, asked, message: message.clone() });
        Ok(message)
    }

    fn receive(
        &mut self,
        cx: &Context<'_>,
        reply: &[u8],
    ) -> Result<Step<Credential>, ExchangeError> {
        if is_error(reply) {
            return self.take_error(reply);
        }
        self.take_reply(cx, reply).map(Step::Done)
    }
}
