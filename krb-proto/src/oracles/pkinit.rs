/// PKINIT's certificates, signed messages and lists of groups, as far as bytes come without a key
/// that somebody trusts. Without the feature `pkinit` there is nothing to hold.
pub fn pkinit(input: &[u8]) {
    #[cfg(feature = "pkinit")]
    crate::pkinit::oracle::pkinit(input);
    #[cfg(not(feature = "pkinit"))]
    let _ = input;
}
