use std::error::Error as _;
use std::io::{Error, ErrorKind, Result};

use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, StatusCode};

use super::{Https, Posting};

/// KDC proxies (MS-KKDCP) by way of reqwest, with the TLS that the application has in it: without any of its
/// TLS features reqwest reaches no proxy.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use krb_client::{ReqwestHttps, Transport};
///
/// # fn run(config: &mut krb_client::ClientConfig) -> Result<(), reqwest::Error> {
/// // Whose certificates are believed is the builder's, as are a proxy in between, and time limits.
/// let https = ReqwestHttps::new(reqwest::Client::builder())?;
/// config.transport = Arc::new(Transport::tcp().with_https(Arc::new(https)));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct ReqwestHttps(Client);

impl ReqwestHttps {
    /// A client for KDC proxies and nothing else, made of this. It speaks HTTPS alone, follows no
    /// redirection and says to nobody where it comes from, whatever the builder says.
    ///
    /// # Errors
    /// If there is no such client, such as for want of CAs.
    pub fn new(builder: ClientBuilder) -> reqwest::Result<Self> {
        let builder = builder.https_only(true).redirect(Policy::none()).referer(false);
        Ok(Self(builder.build()?))
    }

    async fn ask(
        &self,
        url: &str,
        content_type: &'static str,
        body: Vec<u8>,
        limit: usize,
    ) -> Result<Vec<u8>> {
        let request = self.0.post(url).header(CONTENT_TYPE, content_type).body(body);
        let mut answer = request.send().await.map_err(whole)?;
        if answer.status() != StatusCode::OK {
            return Err(Error::other(format!("the KDC proxy answers {}", answer.status())));
        }
        // What it says of the length need not be true.
        let mut received = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(whole)? {
            if received.len() + part.len() > limit {
                return Err(Error::other("the KDC proxy's answer is too long to be a KDC's"));
            }
            received.extend_from_slice(&part);
        }
        Ok(received)
    }
}

impl Https for ReqwestHttps {
    fn post<'a>(
        &'a self,
        url: &'a str,
        content_type: &'static str,
        body: Vec<u8>,
        limit: usize,
    ) -> Posting<'a> {
        Box::pin(self.ask(url, content_type, body, limit))
    }
}

/// Reqwest says what failed, and leaves why to those who look for it.
fn whole(error: reqwest::Error) -> Error {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text += &format!(": {source}");
        next = source.source();
    }
    // Who was not reached has read nothing.
    let kind = if error.is_connect() { ErrorKind::ConnectionRefused } else { ErrorKind::Other };
    Error::new(kind, text)
}
