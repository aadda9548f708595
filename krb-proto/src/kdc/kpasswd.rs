//! Changing passwords (RFC 3244) where the KDC's accounts are: who may change whose, and to what.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::Reply;
use super::account::Account;
use super::event::{Asked, Event, Outcome};
use super::realm::Realm;
use super::refusal::Refusal;
use super::state::{self, Use};
use crate::ap::RequestPolicy;
use crate::asn1::{AuthorizationData, HostAddress};
use crate::authorization::find_pac;
use crate::crypto::Key;
use crate::der;
use crate::iana::{EncType, ErrorCode, KpasswdResult};
use crate::kpasswd::{
    ChangeRequest, ChangeRequestError, ChangeResult, PasswordChange, PasswordPolicy, Target,
    unverified_answer,
};
use crate::pac::{LogonInfo, Pac, Requestor};
use crate::{Context, Principal};

/// Why a password stays what it is.
enum Kept {
    Because(KpasswdResult, &'static str),
    /// The new one is not good enough.
    Policy,
}

const fn because(result: KpasswdResult, text: &'static str) -> Kept {
    Kept::Because(result, text)
}

/// Answers a request to change or set a password, and changes it: the account's keys get a new
/// version, and tickets under the old ones stay good. `server` is the address that the request came
/// to, which MIT's client wants to see in the answer.
pub fn change_password(
    cx: &mut Context<'_>,
    realm: &mut Realm,
    request: &[u8],
    server: HostAddress<'_>,
) -> Reply {
    let mut event = Event { asked: Asked::PasswordChange, ..Event::default() };
    let service = Principal::new(PasswordChange::service(), realm.name());
    event.server = Some(service.name.clone());
    let verified = verify(realm, request, cx);
    let request = match verified {
        Ok(request) => request,
        // Two servers that answer each other's answers never end (CVE-2002-2443).
        Err(error) if is_answer(request) => {
            let refusal = Refusal::new(error.code(), "an answer, and no request (kpasswd)");
            event.outcome = Outcome::Refused(refusal);
            return Reply { message: Vec::new(), event };
        }
        Err(error) => {
            let text = error.to_string();
            let result = ChangeResult::Text(error.result(), &text);
            let message = match &error {
                ChangeRequestError::Content(client, _) => client.answer(&result, server, cx.rng),
                _ => unverified_answer(error.code(), &result, &service, cx),
            };
            let refusal = Refusal::new(error.code(), "the request is not good (kpasswd)");
            event.outcome = Outcome::Refused(refusal);
            return Reply { message, event };
        }
    };
    event.client = Some(request.client().clone());
    if let Target::Of(target) = &request.target {
        event.user = Some(target.clone());
    }
    let outcome = remember(realm, &request, cx).and_then(|()| change(realm, &request, cx));
    let rules = realm.policy.passwords;
    let result = match &outcome {
        Ok(()) => ChangeResult::Text(KpasswdResult::SUCCESS, ""),
        Err(Kept::Because(result, text)) => ChangeResult::Text(*result, text),
        Err(Kept::Policy) => ChangeResult::Policy(&rules),
    };
    event.outcome = match &outcome {
        Ok(()) => Outcome::Done,
        Err(Kept::Because(_, text)) => Outcome::Refused(Refusal::new(ErrorCode::POLICY, text)),
        Err(Kept::Policy) => {
            let text = "the new password is not good enough";
            Outcome::Refused(Refusal::new(ErrorCode::POLICY, text))
        }
    };
    let message = if outcome.is_ok() && realm.policy.compat.answers_change_with_error() {
        unverified_answer(ErrorCode::GENERIC, &result, &service, cx)
    } else {
        request.answerable.answer(&result, server, cx.rng)
    };
    Reply { message, event }
}

/// Is it what a server of this protocol says, by a frame or without one?
fn is_answer(message: &[u8]) -> bool {
    const AP_REP: u8 = 0x6f;
    const KRB_ERROR: u8 = 0x7e;
    let in_frame = match message.get(4..) {
        Some([0, 0, first, ..]) => *first == KRB_ERROR,
        Some([_, _, first, ..]) => *first == AP_REP,
        _ => false,
    };
    in_frame || message.first() == Some(&KRB_ERROR)
}

/// Only tickets for `kadmin/changepw` are taken, which like AD's are sealed with krbtgt's key.
fn verify(
    realm: &Realm,
    request: &[u8],
    cx: &Context<'_>,
) -> Result<ChangeRequest, ChangeRequestError> {
    let service = PasswordChange::service();
    let keys = |name: &Principal, kvno: Option<u32>, enctype: EncType| -> Vec<Key> {
        let ours = realm.is_named(&name.realm) && name.name.same_components(&service);
        let candidates = ours.then(|| realm.krbtgt_keys().candidates(enctype, kvno));
        candidates.into_iter().flatten().collect()
    };
    let skew = u32::try_from(realm.policy.skew).unwrap_or_default();
    let danger_allow_rc4 = realm.policy.compat.rc4_logins();
    let policy = RequestPolicy { skew, danger_allow_rc4, ..RequestPolicy::new(&keys) };
    ChangeRequest::verify(request, &policy, cx.now)
}

/// Who repeats a request would bring an older password back.
fn remember(realm: &mut Realm, request: &ChangeRequest, cx: &Context<'_>) -> Result<(), Kept> {
    realm
        .password_requests
        .record(request.request(), cx.now)
        .map_err(|_| because(KpasswdResult::AUTH_ERROR, "the request came before"))
}

fn change(realm: &mut Realm, request: &ChangeRequest, cx: &Context<'_>) -> Result<(), Kept> {
    let name = whose(realm, request, cx)?;
    let Ok(password) = core::str::from_utf8(&request.password) else {
        return Err(because(KpasswdResult::MALFORMED, "the new password is not UTF-8"));
    };
    let unknown = because(KpasswdResult::HARD_ERROR, "no such account");
    let Some(account) = realm.account(&name) else { return Err(unknown) };
    if !is_good(&realm.policy.passwords, account, password) {
        return Err(Kept::Policy);
    }
    realm.set_password(&name, password).map(drop).ok_or(unknown)
}

/// The account whose password may be changed by this request: one's own, with a ticket that the
/// password was asked for; another's, with the right to.
fn whose(realm: &Realm, request: &ChangeRequest, cx: &Context<'_>) -> Result<String, Kept> {
    let denied = because(KpasswdResult::ACCESS_DENIED, "the client may not change this password");
    let find = |principal: &Principal| {
        realm.is_named(&principal.realm).then(|| realm.client(&principal.name)).flatten()
    };
    let Some(client) = find(request.client()) else { return Err(denied) };
    if state::check(client, Use::Ticket, cx.now.seconds).is_err() {
        return Err(denied);
    }
    check_ticket(realm, request, client)?;
    let target = match &request.target {
        Target::Own => client,
        Target::Of(target) => match find(target) {
            Some(account) if account.relative_id() == client.relative_id() => account,
            _ if !client.may_reset_passwords => return Err(denied),
            Some(account) => return Ok(account.name().to_string()),
            None => return Err(because(KpasswdResult::HARD_ERROR, "no such account")),
        },
    };
    if !request.is_initial() {
        let text = "the ticket must come of a login and not of another ticket";
        return Err(because(KpasswdResult::INITIAL_FLAG_NEEDED, text));
    }
    Ok(target.name().to_string())
}

/// A ticket-granting ticket has the same key, and the name of the service stands outside of what that
/// seals: only the PAC tells them apart (CVE-2022-2031). It also tells whose ticket it is, whatever
/// account has the name by now (CVE-2021-42287).
fn check_ticket(realm: &Realm, request: &ChangeRequest, client: &Account) -> Result<(), Kept> {
    let not_theirs = || because(KpasswdResult::AUTH_ERROR, "the ticket is another account's");
    let data = request.request().authorization_data.as_deref().ok_or_else(not_theirs)?;
    let data: AuthorizationData<'_> = der::decode(data).map_err(|_| not_theirs())?;
    let bytes = find_pac(&data).ok().flatten().ok_or_else(not_theirs)?;
    let mut keys = realm.krbtgt_keys().every();
    let pac = keys.find_map(|key| Pac::parse(bytes).ok()?.verify_server_signature(key).ok());
    let pac = pac.ok_or_else(not_theirs)?;
    let requestor: Option<Requestor> = pac.get().map_err(|_| not_theirs())?;
    if requestor.is_some() {
        let text = "a ticket-granting ticket changes no passwords";
        return Err(because(KpasswdResult::AUTH_ERROR, text));
    }
    let info: Option<LogonInfo> = pac.get().map_err(|_| not_theirs())?;
    let sid = info.and_then(|info| info.user_sid().ok());
    if sid.is_none() || sid != realm.sid(client) {
        return Err(not_theirs());
    }
    Ok(())
}

/// MS-SAMR 3.1.1.7: length, history, kinds of characters.
fn is_good(rules: &PasswordPolicy, account: &Account, password: &str) -> bool {
    let long_enough = password.chars().count() >= rules.min_length as usize;
    let history = usize::try_from(rules.history).unwrap_or(usize::MAX);
    let kinds: [fn(char) -> bool; 4] =
        [char::is_uppercase, char::is_lowercase, char::is_numeric, |c| !c.is_alphanumeric()];
    let is_complex = || {
        let of = kinds.iter().filter(|kind| password.chars().any(**kind)).count();
        let name = account.name().to_lowercase();
        of >= 3 && !password.to_lowercase().contains(&name)
    };
    long_enough
        && !account.long_term_keys().was_password(password, history)
        && (!rules.is_complex() || is_complex())
}
