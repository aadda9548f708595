//! Links krb-proto where there is no std: what must be supplied is an allocator and a panic handler.
#![no_std]
#![forbid(unsafe_code)]

use core::panic::PanicInfo;

/// This is linked, not run.
#[global_allocator]
static ALLOCATOR: emballoc::Allocator<64> = emballoc::Allocator::new();

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// Something of every part, so that all of it is linked.
pub fn parts(bytes: &[u8]) -> bool {
    use krb_proto::{asn1, crypto, der, formats, iana, pac, pkinit, preauth};
    let key = crypto::Key::new(iana::EncType::AES256_CTS_HMAC_SHA1_96, bytes);
    der::decode::<asn1::TgsRep<'_>>(bytes).is_ok()
        || key.is_ok_and(|key| key.decrypt(iana::KeyUsage::TICKET, bytes).is_ok())
        || formats::CredentialCache::from_bytes(bytes).is_ok()
        || pac::Pac::parse(bytes).is_ok()
        || pkinit::TrustAnchors::from_der([bytes]).is_ok()
        || pkinit::SoftwareSigner::from_pkcs8(Default::default(), bytes).is_ok()
        || preauth::spake::Transcript::new(preauth::spake::SpakeGroup::P521, None, bytes)
            .with_response(bytes)
            .eq(&preauth::spake::Transcript::new(preauth::spake::SpakeGroup::P256, None, bytes))
}
