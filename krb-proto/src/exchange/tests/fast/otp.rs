use super::*;
use crate::asn1::{OtpTokenInfo, PaOtpChallenge, PaOtpEncRequest, PaOtpRequest};
use crate::der::Utf8String;
use crate::iana::OtpFlags;
use crate::preauth::OneTimePassword;

fn secret(pin: Option<&[u8]>) -> ClientSecret {
    ClientSecret::OneTimePassword(OneTimePassword {
        value: zeroize::Zeroizing::new(b"123456".to_vec()),
        pin: pin.map(|pin| zeroize::Zeroizing::new(pin.to_vec())),
    })
}

fn token(flags: OtpFlags) -> OtpTokenInfo<'static> {
    OtpTokenInfo {
        flags: flags.0.into(),
        otp_vendor: Some(Utf8String(b"vendor")),
        otp_challenge: None,
        otp_length: Some(6),
        otp_format: Some(0),
        otp_token_id: Some(b"id"),
        otp_alg_id: None,
        supported_hash_alg: None,
        iteration_count: None,
    }
}

fn offer(tokens: &[OtpTokenInfo<'_>]) -> Padata {
    let challenge = der::encode(&PaOtpChallenge {
        nonce: b"nonce",
        otp_service: None,
        otp_token_info: List::of(tokens),
        salt: None,
        s2kparams: None,
    });
    vec![(PaType::OTP_CHALLENGE, challenge), (PaType::FX_COOKIE, b"state".to_vec())]
}

fn begin(secret: ClientSecret, tokens: &[OtpTokenInfo<'_>]) -> (AsExchange, Counter, ExchangeStep) {
    let mut rng = Counter(1);
    let mut exchange = AsExchange::new(service(), secret, TicketOptions::default())
        .armored(armor_ticket(EncType::AES256_CTS_HMAC_SHA1_96));
    let message = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let code = ErrorCode::PREAUTH_REQUIRED;
    let reply = armored_error(&open_as(&message), code, code, offer(tokens));
    let step = with_context(&mut rng, |cx| exchange.receive(cx, &reply));
    (exchange, rng, step)
}

type ExchangeStep = Result<Step<Credential>, ExchangeError>;

#[test]
fn the_value_is_sent_and_the_reply_comes_in_the_armor_key() {
    let (mut exchange, mut rng, step) = begin(secret(None), &[token(OtpFlags::NONE)]);
    assert!(matches!(step, Ok(Step::Continue)));
    let message = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let opened = open_as(&message);
    let sent = opened.padata.iter().find(|pa| pa.0 == PaType::OTP_REQUEST).unwrap();
    let sent: PaOtpRequest<'_> = der::decode(&sent.1).unwrap();
    assert_eq!(sent.otp_value, Some(SecretOctets(b"123456")));
    assert_eq!((sent.otp_pin, sent.otp_token_id), (None, Some(&b"id"[..])));
    let nonce =
        opened.fast.armor_key().decrypt(KeyUsage::PA_OTP_REQUEST, sent.enc_data.cipher).unwrap();
    assert_eq!(der::decode(&nonce), Ok(PaOtpEncRequest { nonce: b"nonce" }));

    let strengthen_key =
        Key::generate(opened.fast.armor_key().enctype(), &mut Counter(50)).unwrap();
    let reply_key = strengthened(opened.fast.armor_key(), &strengthen_key).unwrap();
    let mut answer = as_answer(&message, reply_key);
    let body: KdcReqBody<'_> = der::decode(&opened.body).unwrap();
    answer.nonce = body.nonce.get();
    let mut sealed = Sealed::new(opened.fast.armor_key().clone(), &answer);
    sealed.strengthen_key = Some(strengthen_key);
    answer.padata = vec![(PaType::FX_FAST, sealed.fx_fast())];
    let step = with_context(&mut rng, |cx| exchange.receive(cx, &answer.as_rep()));
    assert!(matches!(step, Ok(Step::Done(_))), "{step:?}");
}

#[test]
fn a_pin_goes_where_the_token_wants_it() {
    let sent = |flags| {
        let (mut exchange, mut rng, _) = begin(secret(Some(b"0000")), &[token(flags)]);
        let message = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
        let padata = open_as(&message).padata;
        let sent = padata.iter().find(|pa| pa.0 == PaType::OTP_REQUEST).unwrap();
        let sent: PaOtpRequest<'_> = der::decode(&sent.1).unwrap();
        let owned = |octets: SecretOctets<'_>| octets.0.to_vec();
        (sent.otp_value.map(owned).unwrap(), sent.otp_pin.map(owned))
    };
    let collect = OtpFlags::COLLECT_PIN;
    assert_eq!(sent(OtpFlags::NONE), (b"123456".to_vec(), None));
    assert_eq!(sent(collect), (b"0000123456".to_vec(), None));
    let separate = collect | OtpFlags::SEPARATE_PIN_REQUIRED;
    assert_eq!(sent(separate), (b"123456".to_vec(), Some(b"0000".to_vec())));
}

#[test]
fn a_token_that_this_is_not_the_value_of_is_passed_over() {
    let (usable, pin) = (token(OtpFlags::NONE), token(OtpFlags::COLLECT_PIN));
    let unusable = [
        token(OtpFlags::NEXT_OTP),
        token(OtpFlags::COMBINE),
        token(OtpFlags::COLLECT_PIN | OtpFlags::NEXT_OTP),
        OtpTokenInfo { otp_length: Some(5), ..usable },
        OtpTokenInfo { otp_length: Some(7), ..usable },
        OtpTokenInfo { otp_format: Some(4), ..usable },
        OtpTokenInfo { iteration_count: Some(1), ..usable },
    ];
    for token in unusable {
        let request = |tokens: &[OtpTokenInfo<'_>]| {
            let (mut exchange, mut rng, _) = begin(secret(None), tokens);
            with_context(&mut rng, |cx| exchange.request(cx)).map(|_| ())
        };
        assert_eq!(request(&[token]), Err(ExchangeError::NoCommonMechanism));
        assert_eq!(request(&[token, usable]), Ok(()));
        assert_eq!(request(&[token, pin]), Err(ExchangeError::PinWanted));
        assert_eq!(request(&[pin, usable]), Ok(()));
    }
}

#[test]
fn without_armor_no_value_is_sent() {
    let mut rng = Counter(1);
    let mut exchange = AsExchange::new(service(), secret(None), TicketOptions::default());
    with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let data = der::encode(&List::of(&padata(&offer(&[token(OtpFlags::NONE)]))));
    let reply = error(ErrorCode::PREAUTH_REQUIRED, Some(&data));
    let refused = with_context(&mut rng, |cx| exchange.receive(cx, &reply)).unwrap_err();
    assert_eq!(refused, ExchangeError::NoCommonMechanism);
}

#[test]
fn a_value_that_was_refused_is_not_sent_again() {
    let (mut exchange, mut rng, _) = begin(secret(None), &[token(OtpFlags::NONE)]);
    for code in [ErrorCode::PREAUTH_FAILED, ErrorCode::PREAUTH_REQUIRED] {
        let message = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
        let offer = offer(&[token(OtpFlags::NONE)]);
        let reply = armored_error(&open_as(&message), code, code, offer);
        let refused = with_context(&mut rng, |cx| exchange.receive(cx, &reply)).unwrap_err();
        assert!(matches!(refused, ExchangeError::Refused(_)), "{refused}");
    }
}
