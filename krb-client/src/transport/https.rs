use std::future::Future;
use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;

use krb_proto::kkdcp::Proxied;

use crate::kdc::KdcProxy;

/// A body on its way to a web server, and the one that came back.
pub type Posting<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>>> + Send + 'a>>;

/// What speaks HTTPS to KDC proxies. This crate brings no TLS: which one, and whose certificates
/// are believed, is the application's to choose. `ReqwestHttps` (feature `reqwest`) is one.
pub trait Https: Send + Sync {
    /// POSTs a body to this URL, with this `Content-Type`, and gives the body of the answer: only
    /// of one with status 200, and no more than `limit` bytes of it. It follows no redirection.
    /// Dropped, it leaves nothing behind. If the server cannot have read anything of it, as where it
    /// takes no connection or its certificate is not believed, and only then, the error is a
    /// [`ConnectionRefused`](ErrorKind::ConnectionRefused), as [`Carry`](super::Carry) has it.
    fn post<'a>(
        &'a self,
        url: &'a str,
        content_type: &'static str,
        body: Vec<u8>,
        limit: usize,
    ) -> Posting<'a>;
}

const CONTENT_TYPE: &str = "application/kerberos";
/// What is around a message in a body.
const AROUND: usize = 1024;

pub(super) async fn ask(
    https: Option<&dyn Https>,
    proxy: &KdcProxy,
    message: &[u8],
) -> Result<Vec<u8>> {
    let Some(https) = https else {
        let text = "it is a KDC proxy, and this program speaks no HTTPS to them";
        return Err(Error::new(ErrorKind::Unsupported, text));
    };
    let realm = Some(proxy.realm.as_bytes());
    let body = Proxied { message, realm }.wrap().map_err(Error::other)?;
    let limit = super::MAX_REPLY as usize + AROUND;
    let answer = https.post(&proxy.url(), CONTENT_TYPE, body, limit).await?;
    let answer = Proxied::unwrap(&answer).map_err(Error::other)?;
    Ok(answer.message.to_vec())
}
