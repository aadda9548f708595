use krb_proto::asn1::{
    AuthPack, ContentInfo, EncryptedData, EtypeInfo2Entry, EtypeInfoEntry, KdcDhKeyInfo,
    KrbFastArmoredReq, KrbFastReq, KrbFastResponse, PaData, PaEncTsEnc, PaForUser, PaFxFastReply,
    PaFxFastRequest, PaOtpChallenge, PaOtpRequest, PaPacOptions, PaPacRequest, PaPkAsRep,
    PaPkAsReq, PaS4uX509User, PaSpake, SignedData,
};
use krb_proto::der::{self, List};
use krb_proto::iana::{FastOptions, KeyUsage, OtpFlags, PaType, PacOptions, S4uOptions};
use krb_proto::preauth::fast::ArmorTicket;

use super::decoder::{Decoder, length, name, realm, seal};
use super::gss::oid;
use super::kdc::extended;
use super::ticket::checksum;
use super::tree::{Fields, Tree};

impl Decoder {
    pub(super) fn padata(&mut self, list: &List<'_, PaData<'_>>) -> Tree {
        Tree::list(list.iter().map(|padata| {
            let kind = padata.padata_type;
            let kind = match kind.name() {
                Some(name) => format!("{} ({name})", kind.0),
                None => kind.to_string(),
            };
            let value = padata.padata_value;
            let fields = Fields::default().with("padata-type", kind);
            // An empty one says that something is understood.
            if value.is_empty() {
                return fields;
            }
            fields.with("padata-value", self.padata_value(padata.padata_type, value))
        }))
    }

    fn padata_value(&mut self, kind: PaType, value: &[u8]) -> Tree {
        match kind {
            PaType::TGS_REQ => self.ap_req(value, KeyUsage::TGS_REQ_AUTHENTICATOR),
            PaType::ENC_TIMESTAMP => self.enc_timestamp(value),
            PaType::ENCRYPTED_CHALLENGE => self.only_sealed("PA-ENCRYPTED-CHALLENGE", value),
            // In errors of AD it says more of the error.
            PaType::PW_SALT if value.len() == 12 => extended(value),
            PaType::PW_SALT => Tree::text(value),
            PaType::ETYPE_INFO => self.etype_info(value),
            PaType::ETYPE_INFO2 => self.etype_info2(value),
            PaType::PK_AS_REQ => self.pk_as_req(value),
            PaType::PK_AS_REP => self.pk_as_rep(value),
            PaType::PAC_REQUEST => self.decoded("PA-PAC-REQUEST", value, |_, pa: PaPacRequest| {
                Fields::default().with("include-pac", pa.include_pac)
            }),
            PaType::PAC_OPTIONS => {
                self.decoded("PA-PAC-OPTIONS", value, |_, pa: PaPacOptions<'_>| {
                    Fields::default().show("flags", PacOptions(pa.flags.bits()))
                })
            }
            PaType::FOR_USER => self.for_user(value),
            PaType::S4U_X509_USER => self.s4u_x509_user(value),
            PaType::FX_FAST => self.fx_fast(value),
            PaType::FX_ERROR => self.krb_error(value),
            PaType::OTP_CHALLENGE => self.otp_challenge(value),
            PaType::OTP_REQUEST => self.otp_request(value),
            PaType::SPAKE => self.spake(value),
            PaType::SUPPORTED_ENCTYPES => supported_enctypes(value),
            _ => Tree::octets(value),
        }
    }

    fn enc_timestamp(&mut self, value: &[u8]) -> Tree {
        self.decoded("PA-ENC-TIMESTAMP", value, |decoder, sealed: EncryptedData<'_>| {
            decoder.sealed(&sealed, &[KeyUsage::PA_ENC_TIMESTAMP], |decoder, plain, _| {
                decoder.decoded("PA-ENC-TS-ENC", plain, |_, time: PaEncTsEnc| {
                    Fields::default()
                        .show("patimestamp", time.patimestamp)
                        .with_some("pausec", time.pausec.map(|pausec| pausec.0))
                })
            })
        })
    }

    fn only_sealed(&mut self, kind: &'static str, value: &[u8]) -> Tree {
        self.decoded(kind, value, |_, sealed: EncryptedData<'_>| seal(&sealed))
    }

    fn etype_info(&mut self, value: &[u8]) -> Tree {
        type Entries<'a> = List<'a, EtypeInfoEntry<'a>>;
        self.decoded("ETYPE-INFO", value, |_, list: Entries<'_>| {
            let entries = list.iter().map(|entry| {
                Fields::default()
                    .show("etype", entry.etype)
                    .with_some("salt", entry.salt.map(Tree::text))
            });
            Fields::of("ETYPE-INFO").with("entries", Tree::list(entries))
        })
    }

    pub(super) fn etype_info2(&mut self, value: &[u8]) -> Tree {
        type Entries<'a> = List<'a, EtypeInfo2Entry<'a>>;
        self.decoded("ETYPE-INFO2", value, |_, list: Entries<'_>| {
            let entries = list.iter().map(|entry| {
                Fields::default()
                    .show("etype", entry.etype)
                    .with_some("salt", entry.salt.map(realm))
                    .with_some("s2kparams", entry.s2kparams.map(Tree::octets))
            });
            Fields::of("ETYPE-INFO2").with("entries", Tree::list(entries))
        })
    }

    fn for_user(&mut self, value: &[u8]) -> Tree {
        self.decoded("PA-FOR-USER", value, |_, pa: PaForUser<'_>| {
            Fields::of("PA-FOR-USER")
                .with("userName", name(pa.user_name))
                .with("userRealm", realm(pa.user_realm))
                .with("cksum", checksum(&pa.cksum))
                .with("auth-package", realm(pa.auth_package))
        })
    }

    fn s4u_x509_user(&mut self, value: &[u8]) -> Tree {
        self.decoded("PA-S4U-X509-USER", value, |_, pa: PaS4uX509User<'_>| {
            let user = &*pa.user_id;
            let options = user.options.map(|options| S4uOptions(options.bits()));
            let certificate = user.subject_certificate.map(Tree::octets);
            Fields::of("PA-S4U-X509-USER")
                .with("nonce", user.nonce.get())
                .with_some("cname", user.cname.map(name))
                .with("crealm", realm(user.crealm))
                .with_some("subject-certificate", certificate)
                .show_some("options", options)
                .with("checksum", checksum(&pa.checksum))
        })
    }

    /// PA-FX-FAST is one thing in requests and another in replies.
    fn fx_fast(&mut self, value: &[u8]) -> Tree {
        if let Ok(PaFxFastRequest::ArmoredData(request)) = der::decode(value) {
            return self.deeper("KrbFastArmoredReq", value, |decoder| {
                decoder.fast_request(&request).into()
            });
        }
        self.decoded("PA-FX-FAST", value, |decoder, reply: PaFxFastReply<'_>| match reply {
            PaFxFastReply::ArmoredData(reply) => {
                let usages = [KeyUsage::FAST_REP];
                let sealed = decoder.sealed(&reply.enc_fast_rep, &usages, |decoder, plain, _| {
                    decoder.fast_response(plain)
                });
                Fields::of("KrbFastArmoredRep").with("enc-fast-rep", sealed)
            }
        })
    }

    fn fast_request(&mut self, request: &KrbFastArmoredReq<'_>) -> Fields {
        let armor = request.armor.as_ref().map(|armor| {
            let value = match armor.armor_type {
                ArmorTicket::AP_REQUEST => {
                    self.ap_req(armor.armor_value, KeyUsage::AP_REQ_AUTHENTICATOR)
                }
                _ => Tree::octets(armor.armor_value),
            };
            Fields::default().with("armor-type", armor.armor_type).with("armor-value", value)
        });
        let sealed =
            self.sealed(&request.enc_fast_req, &[KeyUsage::FAST_ENC], |decoder, plain, _| {
                decoder.decoded("KrbFastReq", plain, |decoder, inner: KrbFastReq<'_>| {
                    Fields::of("KrbFastReq")
                        .show("fast-options", FastOptions(inner.fast_options.bits()))
                        .with("padata", decoder.padata(&inner.padata))
                        .with("req-body", decoder.kdc_req_body(&inner.req_body))
                })
            });
        Fields::of("KrbFastArmoredReq")
            .with_some("armor", armor)
            .with("req-checksum", checksum(&request.req_checksum))
            .with("enc-fast-req", sealed)
    }

    fn fast_response(&mut self, plain: &[u8]) -> Tree {
        self.decoded("KrbFastResponse", plain, |decoder, response: KrbFastResponse<'_>| {
            let padata = decoder.padata(&response.padata);
            let strengthen = response.strengthen_key;
            decoder.strengthen =
                strengthen.and_then(|key| decoder.keys.learn(&key, "strengthen-key"));
            let finished = response.finished.map(|finished| {
                Fields::default()
                    .show("timestamp", finished.timestamp)
                    .with("crealm", realm(finished.crealm))
                    .with("cname", name(finished.cname))
                    .with("ticket-checksum", checksum(&finished.ticket_checksum))
            });
            Fields::of("KrbFastResponse")
                .with("padata", padata)
                .show_some("strengthen-key", strengthen.map(|key| key.keytype))
                .with_some("finished", finished)
                .with("nonce", response.nonce.get())
        })
    }

    fn otp_challenge(&mut self, value: &[u8]) -> Tree {
        self.decoded("PA-OTP-CHALLENGE", value, |_, pa: PaOtpChallenge<'_>| {
            let tokens = pa.otp_token_info.iter().map(|token| {
                Fields::default()
                    .show("flags", OtpFlags(token.flags.bits()))
                    .with_some("otp-vendor", token.otp_vendor.map(|text| Tree::text(text.0)))
                    .with_some("otp-challenge", token.otp_challenge.map(Tree::octets))
                    .with_some("otp-length", token.otp_length)
                    .with_some("otp-format", token.otp_format)
                    .with_some("otp-tokenID", token.otp_token_id.map(Tree::octets))
                    .with_some("otp-algID", token.otp_alg_id.map(|text| Tree::text(text.0)))
            });
            Fields::of("PA-OTP-CHALLENGE")
                .with("nonce", Tree::octets(pa.nonce))
                .with_some("otp-service", pa.otp_service.map(|text| Tree::text(text.0)))
                .with("otp-tokenInfo", Tree::list(tokens))
                .with_some("salt", pa.salt.map(realm))
                .with_some("s2kparams", pa.s2kparams.map(Tree::octets))
        })
    }

    fn otp_request(&mut self, value: &[u8]) -> Tree {
        self.decoded("PA-OTP-REQUEST", value, |_, pa: PaOtpRequest<'_>| {
            // The password itself is shown to nobody.
            Fields::of("PA-OTP-REQUEST")
                .show("flags", OtpFlags(pa.flags.bits()))
                .with("enc-data", seal(&pa.enc_data))
                .with("otp-value", if pa.otp_value.is_some() { "present" } else { "absent" })
                .with_some("otp-format", pa.otp_format)
                .with_some("otp-tokenID", pa.otp_token_id.map(Tree::octets))
                .with_some("otp-vendor", pa.otp_vendor.map(|text| Tree::text(text.0)))
        })
    }

    fn spake(&mut self, value: &[u8]) -> Tree {
        self.decoded("PA-SPAKE", value, |_, pa: PaSpake<'_>| match pa {
            PaSpake::Support(support) => {
                Fields::of("SPAKESupport").with("groups", Tree::list(support.groups.iter()))
            }
            PaSpake::Challenge(challenge) => {
                let factors = challenge.factors.iter().map(|factor| {
                    Fields::default()
                        .with("type", factor.factor_type)
                        .with_some("data", factor.data.map(Tree::octets))
                });
                Fields::of("SPAKEChallenge")
                    .with("group", challenge.group)
                    .with("pubkey", Tree::octets(challenge.pubkey))
                    .with("factors", Tree::list(factors))
            }
            PaSpake::Response(response) => Fields::of("SPAKEResponse")
                .with("pubkey", Tree::octets(response.pubkey))
                .with("factor", seal(&response.factor)),
            PaSpake::EncData(data) => Fields::of("EncryptedData").and(seal(&data)),
        })
    }

    fn pk_as_req(&mut self, value: &[u8]) -> Tree {
        self.decoded("PA-PK-AS-REQ", value, |decoder, pa: PaPkAsReq<'_>| {
            let signed = decoder.signed_data(pa.signed_auth_pack, |decoder, octets| {
                decoder.decoded("AuthPack", octets, |_, pack: AuthPack<'_>| {
                    let authenticator = &pack.pk_authenticator;
                    let checksum2 = authenticator.pa_checksum2.is_some();
                    Fields::of("AuthPack")
                        .show("ctime", authenticator.ctime)
                        .with("cusec", authenticator.cusec.0)
                        .with("nonce", authenticator.nonce.get())
                        .with_some("paChecksum", authenticator.pa_checksum.map(Tree::octets))
                        .with_some(
                            "freshnessToken",
                            authenticator.freshness_token.map(Tree::octets),
                        )
                        .with("paChecksum2", if checksum2 { "present" } else { "absent" })
                        .with_some(
                            "clientPublicValue-octets",
                            pack.client_public_value.map(|value| length(value.0)),
                        )
                        .with_some("clientDHNonce", pack.client_dh_nonce.map(Tree::octets))
                })
            });
            Fields::of("PA-PK-AS-REQ").with("signedAuthPack", signed)
        })
    }

    fn pk_as_rep(&mut self, value: &[u8]) -> Tree {
        self.decoded("PA-PK-AS-REP", value, |decoder, pa: PaPkAsRep<'_>| match pa {
            PaPkAsRep::DhInfo(info) => {
                let signed = decoder.signed_data(info.dh_signed_data, |decoder, octets| {
                    decoder.decoded("KDCDHKeyInfo", octets, |_, info: KdcDhKeyInfo<'_>| {
                        Fields::of("KDCDHKeyInfo")
                            .with("subjectPublicKey", Tree::octets(info.subject_public_key.0))
                            .with("nonce", info.nonce.get())
                            .show_some("dhKeyExpiration", info.dh_key_expiration)
                    })
                });
                Fields::of("DHRepInfo")
                    .with("dhSignedData", signed)
                    .with_some("serverDHNonce", info.server_dh_nonce.map(Tree::octets))
                    .with_some("kdf", info.kdf.map(|kdf| oid(kdf.kdf_id)))
            }
            PaPkAsRep::EncKeyPack(pack) => {
                Fields::of("encKeyPack").with("EnvelopedData-octets", length(pack))
            }
        })
    }

    /// A CMS message. Whether its signatures hold is not asked.
    fn signed_data(&mut self, octets: &[u8], read: impl FnOnce(&mut Self, &[u8]) -> Tree) -> Tree {
        self.decoded("ContentInfo", octets, |decoder, info: ContentInfo<'_>| {
            let fields = Fields::of("ContentInfo").with("contentType", oid(info.content_type));
            let signed = match der::decode::<SignedData<'_>>(info.content.0) {
                Ok(signed) => signed,
                Err(error) => {
                    let content = decoder.malformed("SignedData", info.content.0, error);
                    return fields.with("content", content);
                }
            };
            let certificates = signed.certificates.map_or(0, |list| list.iter().count());
            let content = signed.encap_content_info.e_content.map(|content| read(decoder, content));
            let content_type = oid(signed.encap_content_info.e_content_type);
            let content = Fields::of("SignedData")
                .with("certificates", i64::try_from(certificates).unwrap_or(i64::MAX))
                .with(
                    "signers",
                    i64::try_from(signed.signer_infos.iter().count()).unwrap_or(i64::MAX),
                )
                .with("eContentType", content_type)
                .with_some("eContent", content);
            fields.with("content", content)
        })
    }
}

/// PA-SUPPORTED-ENCTYPES (MS-KILE 2.2.8), least significant octet first.
fn supported_enctypes(value: &[u8]) -> Tree {
    const NAMES: [(u32, &str); 9] = [
        (0x1, "des-cbc-crc"),
        (0x2, "des-cbc-md5"),
        (0x4, "arcfour-hmac"),
        (0x8, "aes128-cts-hmac-sha1-96"),
        (0x10, "aes256-cts-hmac-sha1-96"),
        (0x20, "aes256-cts-hmac-sha1-96-sk"),
        (0x1_0000, "fast-supported"),
        (0x2_0000, "compound-identity-supported"),
        (0x4_0000, "claims-supported"),
    ];
    let Some(bits) = value.first_chunk() else { return Tree::octets(value) };
    let bits = u32::from_le_bytes(*bits);
    let names = NAMES.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name);
    let names = names.collect::<Vec<_>>().join(" ");
    format!("{bits:#x} {names}").trim_end().into()
}
