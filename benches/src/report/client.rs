//! The client: what it takes beside its peers, and beside the KDC alone.

use super::Figures;
use super::table::{emphasised, head, row, times};
use super::target::Target;
use crate::names::{ALONE, CLIENT, MIT};

const KDCS: [(&str, &str); 2] = [("embedded", "krb kdc"), ("samba", "Samba's KDC")];
const CASES: [(&str, &str); 3] = [
    ("s4u", "S4U2Self and S4U2Proxy"),
    ("cold", "login, S4U2Self and S4U2Proxy"),
    ("login", "login and a ticket"),
];
const RATES: [(&str, &str); 3] =
    [("login", "1 client"), ("login-16", "16 clients"), ("login-128", "128 clients")];
const KINIT: [(&str, &str); 2] = [("keytab", "with a keytab"), ("password", "with a password")];

fn columns(of: &str, cases: &[(&str, &str)], what: &str) -> Vec<(String, String)> {
    let column =
        |(case, title): &(&str, &str)| (format!("client/{of}/{case}/{what}"), (*title).to_owned());
    cases.iter().map(column).collect()
}

/// The same at every KDC.
fn everywhere(case: &str, what: &str) -> Vec<String> {
    KDCS.iter().map(|(kdc, _)| format!("client/{kdc}/{case}/{what}")).collect()
}

pub(super) fn targets(figures: &Figures) -> Vec<Target> {
    let cases = |columns: Vec<(String, String)>| -> Vec<String> {
        columns.into_iter().map(|(case, _)| case).collect()
    };
    let beside_the_kdc = |what, times, case| {
        let (ours, cases) = ((CLIENT, ALONE), everywhere(case, "time"));
        Target::at_most(
            what,
            times,
            figures,
            &cases,
            ours,
            "The embedded KDC answers in some hundredths of a millisecond, most of which is the kernel's; \
             a client that makes its request, verifies the answer, and is woken by an event loop, \
             takes as long again. Samba's takes milliseconds.",
        )
    };
    let kinit = cases([columns("kinit", &KINIT, "time"), columns("kinit", &KINIT, "cpu")].concat());
    vec![
        Target::at_least(
            "S4U2Self and S4U2Proxy, processor time of the client",
            5.0,
            figures,
            &everywhere("s4u", "cpu"),
            (CLIENT, &[MIT]),
            "The kernel's part, to send and to receive, is the same for everybody; what is kept open \
             spares connections.",
        ),
        beside_the_kdc("S4U2Self and S4U2Proxy, time", 1.1, "s4u"),
        beside_the_kdc("a login, S4U2Self and S4U2Proxy, time", 1.15, "cold"),
        Target::at_most(
            "krb kinit, the process, time and processor time",
            0.5,
            figures,
            &kinit,
            (CLIENT, MIT),
            "To start a process, and to end it, takes its time whatever it does.",
        ),
    ]
}

pub(super) fn tables(figures: &Figures) -> String {
    let mut text = String::new();
    for (kdc, name) in KDCS {
        let table = |title: &str, what| {
            times(figures, &format!("{title}, at {name}"), &columns(kdc, &CASES, what), CLIENT)
        };
        text += &format!("{}\n", table("time", "time"));
        text += &format!("{}\n", table("processor time of the client", "cpu"));
        text += &format!("{}\n", rates(figures, name, &columns(kdc, &RATES, "time")));
        let clients = format!("processor time of the client, logins and a ticket, at {name}");
        text += &format!("{}\n", times(figures, &clients, &columns(kdc, &RATES, "cpu"), CLIENT));
    }
    text +=
        &format!("{}\n", times(figures, "kinit, time", &columns("kinit", &KINIT, "time"), CLIENT));
    let cpu = columns("kinit", &KINIT, "cpu");
    text + &times(figures, "kinit, processor time", &cpu, CLIENT)
}

/// Logins with a ticket each, per second.
fn rates(figures: &Figures, name: &str, columns: &[(String, String)]) -> String {
    let cases: Vec<String> = columns.iter().map(|(case, _)| case.clone()).collect();
    let titles = columns.iter().map(|(_, title)| title.as_str());
    let mut table = head(&format!("logins and a ticket per second, at {name}"), titles);
    let mut everybody = figures.everybody(&cases);
    let many = &cases[cases.len() - 1];
    everybody.sort_by_key(|who| figures.median(many, who).map_or(u64::MAX, |time| time as u64));
    for who in everybody {
        let rate = |case: &String| {
            figures.median(case, who).map_or("–".to_owned(), |time| format!("{:.0}", 1e9 / time))
        };
        row(&mut table, &emphasised(who), cases.iter().map(rate));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kdc_counts_and_rates_are_by_the_time() {
        let figures = Figures::of(&[
            ("client/embedded/s4u/cpu", CLIENT, 100.0),
            ("client/embedded/s4u/cpu", MIT, 500.0),
            ("client/samba/s4u/cpu", CLIENT, 100.0),
            ("client/samba/s4u/cpu", MIT, 499.0),
            ("client/embedded/s4u/time", CLIENT, 110.0),
            ("client/embedded/s4u/time", ALONE, 100.0),
            ("client/embedded/login-16/time", CLIENT, 100_000.0),
            ("client/kinit/keytab/time", CLIENT, 1.0),
            ("client/kinit/keytab/time", MIT, 2.0),
        ]);
        let reached: Vec<bool> = targets(&figures).iter().map(|target| target.reached).collect();
        assert_eq!(reached, [false, true, false, true]);
        let tables = tables(&figures);
        assert!(tables.contains("| **krb-client** | – | 10000 | – |"), "{tables}");
    }
}
