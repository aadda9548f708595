use krb_mcp::demo::Issuer;

/// An identity provider of the test's own.
///
/// # Panics
/// If it cannot listen on loopback.
pub async fn issuer() -> Issuer {
    let loopback = ([127, 0, 0, 1], 0).into();
    Issuer::start(loopback).await.expect("an issuer on loopback")
}
