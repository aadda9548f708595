//! The KDC stops, freezes, and comes back.

use std::time::{Duration, Instant};

use krb_tests::{Lab, Server, Setup, issuer};

use crate::lab;

/// The KDC comes back however the test ends.
struct Outage<'a> {
    lab: &'a Lab,
    end: &'static str,
}

impl<'a> Outage<'a> {
    fn begin(lab: &'a Lab, begin: &str, end: &'static str) -> Self {
        lab.shell(&format!("\"$LAB_CONTROL\" {begin}"));
        Self { lab, end }
    }
}

impl Drop for Outage<'_> {
    fn drop(&mut self) {
        self.lab.shell(&format!("\"$LAB_CONTROL\" {}", self.end));
    }
}

async fn outage(lab: &Lab, begin: &str, end: &'static str) {
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let (alice, bob) = (issuer.token("alice"), issuer.token("bob"));
    let path = lab.unc("reports/data.csv");
    assert!(server.read(&alice, &path).await.content().contains("1,42"));

    let outage = Outage::begin(lab, begin, end);
    let started = Instant::now();
    let (code, message, remedy) = server.read(&bob, &path).await.error();
    assert!(started.elapsed() < Duration::from_secs(15), "within the deadline");
    assert_eq!(code, "KDC_UNREACHABLE", "{message}");
    assert!(message.contains(&lab.var("DC_IP")), "names the KDC: {message}");
    assert!(remedy.contains("port 88"), "{remedy}");
    assert!(server.read(&alice, &path).await.content().contains("1,42"), "cached");
    drop(outage);

    assert_eq!(server.read(&bob, &path).await.code(), "ACCESS_DENIED", "by the file server");
}

#[tokio::test]
async fn a_stopped_kdc_stops_only_those_who_need_it() {
    let lab = lab!(alone);
    outage(lab, "stop kdc", "start kdc").await;
}

#[tokio::test]
async fn a_frozen_kdc_stops_only_those_who_need_it() {
    let lab = lab!(alone);
    outage(lab, "kdc freeze", "kdc thaw").await;
}
