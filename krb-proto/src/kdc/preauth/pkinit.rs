//! PA-PK-AS-REQ (RFC 4556): the client has a certificate, and the account must be the one that the
//! certificate is for. Or it is nobody and signs nothing (RFC 8062), and only the KDC proves who it is.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Facts, Mechanism, Proof, Verified, no_key};
use crate::asn1::PrincipalName;
use crate::iana::{EncType, ErrorCode, PaType};
use crate::kdc::refusal::{Padata, Refusal};
use crate::pkinit::{ClientProof, KeyOffer, MappingError, Owner, RequestError, dh_parameters};
use crate::principal::ANONYMOUS_REALM;
use crate::{Context, Principal};

pub(super) struct Pkinit;

impl Mechanism for Pkinit {
    fn padata_type(&self) -> PaType {
        PaType::PK_AS_REQ
    }

    fn fits(&self, facts: &Facts<'_>) -> bool {
        facts.request.realm.pkinit.is_some()
    }

    fn offer(&self, _: &Facts<'_>, _: &mut Context<'_>) -> Option<Vec<u8>> {
        Some(Vec::new())
    }

    fn verify(
        &self,
        facts: &Facts<'_>,
        value: &[u8],
        cx: &mut Context<'_>,
    ) -> Result<Verified, Refusal> {
        let request = facts.request;
        let realm = request.realm;
        let Some(config) = &realm.pkinit else {
            let text = "there is no PKINIT here";
            return Err(Refusal::new(ErrorCode::PADATA_TYPE_NOSUPP, text));
        };
        let compat = realm.policy.compat;
        let rules = compat.pkinit_rules(realm.policy.skew);
        let refused = |error: RequestError| match error {
            RequestError::Group => {
                let groups = dh_parameters(&config.groups);
                let padata = Padata::from([(PaType::TD_DH_PARAMETERS, groups)]);
                Refusal::new(error.code(), text(&error)).with_padata(padata)
            }
            _ => Refusal::new(error.code(), text(&error)),
        };
        let (client, server) = names(facts)?;
        let reply = |offer: &KeyOffer,
                     client: &Principal,
                     cx: &mut Context<'_>|
         -> Result<Verified, Refusal> {
            let strong = |enctype: &&EncType| **enctype != EncType::RC4_HMAC;
            let enctype = facts.enctypes.iter().find(strong).ok_or_else(no_key)?;
            let answer = offer.answer(config, client, &server, *enctype, request.message, cx.rng);
            let (pk_as_rep, reply_key) = answer.map_err(refused)?;
            let padata = Padata::from([(PaType::PK_AS_REP, pk_as_rep)]);
            Ok(Verified { reply_key, padata, proof: Proof::Certificate })
        };
        if request.is_anonymous() {
            let offer = KeyOffer::unsigned(config, &rules, value, request.body_der, cx.now);
            return reply(&offer.map_err(refused)?, &Principal::anonymous(ANONYMOUS_REALM), cx);
        }
        let proof = ClientProof::verify(config, &rules, value, request.body_der, cx.now)
            .map_err(refused)?;
        let sid = realm.sid(facts.account);
        let upns = upns(facts);
        let owner = Owner {
            principal: &client,
            upns: &upns,
            sid: sid.as_ref(),
            mappings: &facts.account.certificate_mappings,
        };
        proof
            .is_of(&owner, compat.mapping_rules(), config)
            .map_err(|error| Refusal::new(error.code(), mapping_text(error)))?;

        reply(proof.offer(), &client, cx)
    }
}

/// Client and service as they stand in the request (RFC 8636 section 6).
fn names(facts: &Facts<'_>) -> Result<(Principal, Principal), Refusal> {
    let body = &facts.request.body;
    let client = body.cname.as_ref().map(PrincipalName::to_name).unwrap_or_else(|| {
        // A request without a client has no account, and comes not so far.
        crate::Name::user(facts.account.name())
    });
    let server = facts.request.service()?;
    Ok((Principal::new(client, body.realm.0), Principal::new(server, body.realm.0)))
}

/// The user principal names of the account: the one that it has, and the one that every account has.
fn upns(facts: &Facts<'_>) -> Vec<String> {
    let (account, realm) = (facts.account, facts.request.realm);
    let implicit = [account.name(), "@", realm.domain()].concat();
    account.user_principal_name().map(String::from).into_iter().chain([implicit]).collect()
}

const fn text(error: &RequestError) -> &'static str {
    match error {
        RequestError::Malformed(_) => "the request cannot be read (PKINIT)",
        RequestError::SignedData(_) => "what the client signed is not to be believed (PKINIT)",
        RequestError::KeyPurpose => "the certificate is not for logging in (PKINIT)",
        RequestError::Skew => "the client's clock is too far from the KDC's (PKINIT)",
        RequestError::KeyTransport => "RSA key transport is not done here (PKINIT)",
        RequestError::Group => "the Diffie-Hellman group is not taken (PKINIT)",
        RequestError::NoChecksum => "a checksum over the request is missing (PKINIT)",
        RequestError::Checksum => "the proof was made for another request (PKINIT)",
        RequestError::ChecksumAlgorithm => "the second checksum's hash is not taken (PKINIT)",
        RequestError::Kdf => "no key derivation function in common (PKINIT)",
        RequestError::PublicValue(_) => "the client's public value is none of its group (PKINIT)",
        RequestError::Signing(_) => "the KDC's own key does not sign (PKINIT)",
        RequestError::Crypto(_) => "no reply key of that enctype (PKINIT)",
    }
}

const fn mapping_text(error: MappingError) -> &'static str {
    match error {
        MappingError::Nobody => "the certificate is not for this account",
        MappingError::OtherSid => "the certificate has the SID of another account",
        MappingError::Weak => "the certificate is mapped to the account by a name alone",
        MappingError::NotInNtAuth => {
            "the certificate is mapped by its key identifier, and its CA is not in NTAuth"
        }
    }
}
