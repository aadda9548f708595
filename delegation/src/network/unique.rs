//! `tls-unique` (RFC 5929 section 3) of a connection by TLS 1.2: the client's Finished message, which the
//! TLS library does not give out. It asks the cipher suite's own function (RFC 5246 section 7.4.9) for
//! it, synchronously, while the handshake is polled; that function is wrapped here.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, LazyLock};

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::crypto::tls12::Prf;
use rustls::crypto::{ActiveKeyExchange, CryptoProvider};
use rustls::{CipherSuiteCommon, SupportedCipherSuite, Tls12CipherSuite};

/// `verify_data` of every suite there is.
pub(crate) type Finished = [u8; 12];

thread_local! {
    /// Of the handshake that is being polled on this thread.
    static FINISHED: Cell<Option<Finished>> = const { Cell::new(None) };
}

struct Overheard(&'static dyn Prf);

impl Prf for Overheard {
    fn for_key_exchange(
        &self,
        output: &mut [u8; 48],
        kx: Box<dyn ActiveKeyExchange>,
        peer_pub_key: &[u8],
        label: &[u8],
        seed: &[u8],
    ) -> Result<(), rustls::Error> {
        self.0.for_key_exchange(output, kx, peer_pub_key, label, seed)
    }

    fn for_secret(&self, output: &mut [u8], secret: &[u8], label: &[u8], seed: &[u8]) {
        self.0.for_secret(output, secret, label, seed);
        if label == b"client finished" {
            FINISHED.set(Finished::try_from(&*output).ok());
        }
    }

    fn fips(&self) -> bool {
        self.0.fips()
    }
}

/// The suites of TLS 1.2, made once: the library wants them for ever.
static SUITES: LazyLock<Vec<SupportedCipherSuite>> = LazyLock::new(|| {
    let overheard = |suite: SupportedCipherSuite| match suite {
        SupportedCipherSuite::Tls12(suite) => {
            let prf: &'static Overheard = Box::leak(Box::new(Overheard(suite.prf_provider)));
            let suite = Tls12CipherSuite {
                common: CipherSuiteCommon {
                    suite: suite.common.suite,
                    hash_provider: suite.common.hash_provider,
                    confidentiality_limit: suite.common.confidentiality_limit,
                },
                prf_provider: prf,
                kx: suite.kx,
                sign: suite.sign,
                aead_alg: suite.aead_alg,
            };
            SupportedCipherSuite::Tls12(Box::leak(Box::new(suite)))
        }
        other => other,
    };
    default_provider().cipher_suites.into_iter().map(overheard).collect()
});

/// The same cryptography, overheard.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider { cipher_suites: SUITES.clone(), ..default_provider() })
}

/// A handshake, and its Finished; `None` if it was no TLS 1.2.
pub(super) async fn overhear<T>(handshake: impl Future<Output = T>) -> (T, Option<Finished>) {
    let mut handshake = pin!(handshake);
    let mut finished = None;
    let done = poll_fn(|cx| {
        FINISHED.set(None);
        let polled = handshake.as_mut().poll(cx);
        finished = FINISHED.take().or(finished);
        polled
    });
    (done.await, finished)
}
