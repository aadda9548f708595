//! What becomes of whom when the directory changes under tickets and sessions that are warm: under the
//! realm that ships, with its SID claim, and under Keycloak's defaults, where the name in a token is
//! all there is. Files of one account each say who arrives. docs/directory-faults.md is made of this.

use std::collections::BTreeSet;
use std::iter;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use krb_tests::keycloak::{Keycloak, Login, Realm};
use krb_tests::{Lab, Server, Setup};
use serde_json::{Value, json};

use crate::lab;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    /// Somebody else has her name now.
    Renamed,
    Disabled,
    NotDelegated,
    LeftGroup,
    /// Somebody else is made after she is deleted, with her name.
    Recreated,
    /// Out of the part of the directory that Keycloak looks at.
    Moved,
}

const FAULTS: [Fault; 6] = [
    Fault::Renamed,
    Fault::Disabled,
    Fault::NotDelegated,
    Fault::LeftGroup,
    Fault::Recreated,
    Fault::Moved,
];

impl Fault {
    const fn has_successor(self) -> bool {
        matches!(self, Self::Renamed | Self::Recreated)
    }
}

/// Evidence that is another account's than a token says is not got anew before it is so old.
const ASKED_ANEW: Duration = Duration::from_secs(5);
/// A group that gives a permission in tokens, too.
const GROUP: &str = "File_Readers";

/// Users of this test's, who are gone when it is over.
struct People<'a> {
    lab: &'a Lab,
    /// Keycloak remembers whom it has imported.
    run: u64,
}

impl<'a> People<'a> {
    fn new(lab: &'a Lab) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
        let people = Self { lab, run: since.as_secs() % 1_000_000 };
        lab.samba_tool(&["ou", "create", &people.elsewhere()]);
        people
    }

    fn elsewhere(&self) -> String {
        format!("OU=fault-{}", self.run)
    }

    fn remove(&self) {
        let (run, elsewhere) = (self.run, self.elsewhere());
        self.lab.shell(&format!(
            "tool() {{ env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin samba-tool \"$@\" -s $LAB/dc/etc/smb.conf; }}
             for user in $(tool user list | grep '^fault-.-{run}'); do tool user delete \"$user\"; done
             rm -f $LAB/share/reports/fault-?-{run}-*
             tool ou delete {elsewhere}"
        ));
    }

    fn name(&self, fault: Fault) -> String {
        format!("fault-{}-{}", fault as u8, self.run)
    }

    /// Makes an account, and a file that it alone may read.
    fn create(&self, fault: Fault, generation: u8) {
        let name = self.name(fault);
        self.lab.samba_tool(&["user", "create", &name, &password(&name, generation)]);
        let shown = self.lab.samba_tool(&["user", "show", &name, "--attributes=objectSid"]);
        let mut who = format!("u:$((100000 + {})):r", rid(&shown));
        if fault == Fault::LeftGroup {
            self.lab.samba_tool(&["group", "addmembers", GROUP, &name]);
            let shown = self.lab.samba_tool(&["group", "show", GROUP, "--attributes=objectSid"]);
            who = format!("g:$((100000 + {})):r", rid(&shown));
        }
        let file = self.file(fault, generation);
        self.lab.shell(&format!(
            "cd \"$LAB/share/reports\" && echo {file} >{file} && chmod 600 {file} &&
             setfacl -m {who} {file}"
        ));
    }

    fn file(&self, fault: Fault, generation: u8) -> String {
        format!("{}-{generation}.csv", self.name(fault))
    }

    fn happens(&self, fault: Fault) {
        let name = &*self.name(fault);
        let (renamed, elsewhere) = (format!("{name}.o"), self.elsewhere());
        let (as_account, as_cn) =
            (format!("--samaccountname={renamed}"), format!("--force-new-cn={renamed}"));
        let as_upn = format!("--upn={renamed}@{}", self.lab.realm().to_lowercase());
        self.lab.samba_tool(&match fault {
            Fault::Renamed => vec!["user", "rename", name, &as_account, &as_cn, &as_upn],
            Fault::Disabled => vec!["user", "disable", name],
            Fault::NotDelegated => vec!["user", "sensitive", name, "on"],
            Fault::LeftGroup => vec!["group", "removemembers", GROUP, name],
            Fault::Recreated => vec!["user", "delete", name],
            Fault::Moved => vec!["user", "move", name, &elsewhere],
        });
        if fault.has_successor() {
            self.create(fault, 2);
        }
    }
}

impl Drop for People<'_> {
    fn drop(&mut self) {
        self.remove();
    }
}

fn rid(shown: &str) -> String {
    let sid = shown.lines().find_map(|line| line.strip_prefix("objectSid: "));
    let sid = sid.unwrap_or_else(|| panic!("{shown}")).trim();
    sid.rsplit('-').next().unwrap_or_default().to_owned()
}

fn password(name: &str, generation: u8) -> String {
    format!("Passw0rd!{name}-{generation}")
}

/// A realm, and a server that serves its users.
struct Side {
    realm: Realm,
    keycloak: Keycloak,
    server: Server,
    setup: Setup,
}

impl Side {
    async fn new(lab: &Lab, realm: Realm) -> Self {
        let keycloak = Keycloak::with(lab, realm).await;
        let mut setup = Setup::new(lab, keycloak.issuer());
        setup.change = match realm {
            Realm::Defaults => |configuration| {
                Keycloak::configure_without_the_sid(configuration);
                configuration["state"] = json!({ "directory": "state" });
            },
            _ => |configuration| {
                Keycloak::configure_for_the_directory(configuration);
                configuration["state"] = json!({ "directory": "state" });
            },
        };
        let server = Server::start(lab, &setup);
        Self { realm, keycloak, server, setup }
    }

    async fn log_in(&self, name: &str, generation: u8) -> Result<Login, String> {
        self.keycloak.try_log_in("contextflow", name, &password(name, generation)).await
    }

    fn is_shipped(&self) -> bool {
        self.realm == Realm::Directory
    }

    /// Nothing that was got before is used after this, as if it had become too old. Everybody has the
    /// access that they had, for the server sees only the last of these.
    fn end_of_evidence(&self) {
        let records = self.server.audit_records();
        let sids: BTreeSet<_> = records.iter().filter_map(|one| one["sid"].as_str()).collect();
        for sid in sids {
            for lift in [&[][..], &["--lift"]] {
                self.server.revoke(&[&[sid], lift].concat()).expect("revoked");
            }
        }
    }
}

/// What a read gives: `reads` or the failure's code.
async fn read(lab: &Lab, server: &Server, token: &str, file: &str) -> String {
    let answer = server.read(token, &lab.unc(&format!("reports/{file}"))).await;
    if answer.body["result"]["isError"] == true {
        return answer.code();
    }
    assert_eq!(answer.content().trim(), file);
    READS.into()
}

/// What is expected of one fault under one realm.
struct Expected {
    fault: Fault,
    /// Her token, while what was got with it before is used.
    warm: &'static str,
    /// Can she log in again, with the name and the password of before?
    logs_in: bool,
    /// Her token and that of the new login, once what was got before is not used any more.
    ends: &'static str,
}

const fn expected(fault: Fault, warm: &'static str, logs_in: bool, ends: &'static str) -> Expected {
    Expected { fault, warm, logs_in, ends }
}

const READS: &str = "reads";
const BY_KEYCLOAK: &str = "SUBJECT_TOKEN_REFUSED";

const SHIPPED: [Expected; 6] = [
    // Whatever she is called, she is who she was.
    expected(Fault::Renamed, READS, true, READS),
    expected(Fault::Disabled, BY_KEYCLOAK, false, BY_KEYCLOAK),
    expected(Fault::NotDelegated, READS, true, "USER_NOT_DELEGATABLE"),
    expected(Fault::LeftGroup, READS, true, "ACCESS_DENIED"),
    expected(Fault::Recreated, BY_KEYCLOAK, false, BY_KEYCLOAK),
    expected(Fault::Moved, BY_KEYCLOAK, false, BY_KEYCLOAK),
];

const DEFAULTS: [Expected; 6] = [
    // Her token has the name that is another's now, and the pin says whom it means.
    expected(Fault::Renamed, READS, true, "SID_MISMATCH"),
    expected(Fault::Disabled, READS, false, "USER_NOT_USABLE"),
    expected(Fault::NotDelegated, READS, true, "USER_NOT_DELEGATABLE"),
    expected(Fault::LeftGroup, READS, true, "ACCESS_DENIED"),
    expected(Fault::Recreated, READS, false, "SID_MISMATCH"),
    // No KDC minds where an account is; Keycloak does at the next login.
    expected(Fault::Moved, READS, false, READS),
];

/// A user in a realm, through the test.
struct Case<'a> {
    side: &'a Side,
    expected: &'static Expected,
    /// From before the fault.
    before: Login,
    again: Option<Login>,
    successor: Option<Login>,
}

impl Case<'_> {
    fn what(&self) -> String {
        format!("{:?} {:?}", self.expected.fault, self.side.realm)
    }

    /// What somebody's token reads of the file of the account before or after the fault.
    async fn read(&self, people: &People<'_>, login: &Login, generation: u8) -> String {
        let file = people.file(self.expected.fault, generation);
        read(people.lab, &self.side.server, login.access_token(), &file).await
    }

    /// Whichever token they come with.
    async fn nobody_reads_anothers(&self, people: &People<'_>) {
        if !self.expected.fault.has_successor() {
            return;
        }
        for hers in iter::once(&self.before).chain(&self.again) {
            assert_ne!(self.read(people, hers, 2).await, READS, "{}", self.what());
        }
        if let Some(successors) = &self.successor {
            assert_ne!(self.read(people, successors, 1).await, READS, "{}", self.what());
        }
    }

    async fn while_it_is_warm(&mut self, people: &People<'_>) {
        let what = self.what();
        let Expected { fault, warm, logs_in, .. } = *self.expected;
        assert_eq!(self.read(people, &self.before, 1).await, warm, "{what}");
        self.nobody_reads_anothers(people).await;
        let name = people.name(fault);
        // Wrong passwords one behind the other lock an account.
        if fault != Fault::Recreated {
            self.again = self.side.log_in(&name, 1).await.ok();
            assert_eq!(self.again.is_some(), logs_in, "{what}");
        }
        if fault.has_successor() {
            self.successor = self.side.log_in(&name, 2).await.ok();
            // Where Keycloak keeps users it goes on with the one that it has for the name.
            assert_eq!(self.successor.is_some(), self.side.is_shipped(), "{what}");
        }
        if let Some(successor) = &self.successor {
            // Although the old one's evidence is warm under that name; it is not got anew while it is
            // younger than some seconds.
            let begun = Instant::now();
            let mut read = self.read(people, successor, 2).await;
            while read == "SID_MISMATCH" && begun.elapsed() < 2 * ASKED_ANEW {
                tokio::time::sleep(Duration::from_millis(500)).await;
                read = self.read(people, successor, 2).await;
            }
            assert_eq!(read, READS, "{what}");
        }
        self.nobody_reads_anothers(people).await;
    }

    async fn at_the_end(&self, people: &People<'_>) {
        let what = self.what();
        for login in iter::once(&self.before).chain(&self.again) {
            assert_eq!(self.read(people, login, 1).await, self.expected.ends, "{what}");
        }
        if let Some(successor) = &self.successor {
            assert_eq!(self.read(people, successor, 2).await, READS, "{what}");
        }
        self.nobody_reads_anothers(people).await;
    }
}

#[tokio::test]
async fn access_ends_and_nobody_gets_anothers_whatever_becomes_of_an_account() {
    let lab = lab!();
    let people = People::new(lab);
    for fault in FAULTS {
        people.create(fault, 1);
    }
    let sides = [
        (Side::new(lab, Realm::Directory).await, &SHIPPED),
        (Side::new(lab, Realm::Defaults).await, &DEFAULTS),
    ];
    let mut cases = Vec::new();
    for (side, all) in &sides {
        for expected in *all {
            let before = side.log_in(&people.name(expected.fault), 1).await.expect("a login");
            if expected.fault == Fault::LeftGroup {
                // Samba does not know what a group grants at a user's first logon, but at the next.
                let first = Server::start(lab, &side.setup);
                let file = people.file(expected.fault, 1);
                let _ = read(lab, &first, before.access_token(), &file).await;
                let said = side.keycloak.exchange(before.access_token()).await;
                assert_eq!(said["permissions"], json!(["file:read"]), "{said}");
            }
            let case = Case { side, expected, before, again: None, successor: None };
            assert_eq!(case.read(&people, &case.before, 1).await, READS, "{}", case.what());
            cases.push(case);
        }
    }
    for fault in FAULTS {
        people.happens(fault);
    }

    for case in &mut cases {
        case.while_it_is_warm(&people).await;
        if case.expected.fault == Fault::LeftGroup {
            let said = case.side.keycloak.exchange(case.before.access_token()).await;
            let kept = if case.side.is_shipped() { Value::Null } else { json!(["file:read"]) };
            assert_eq!(said["permissions"], kept, "{said}");
        }
    }

    // A server that never saw the old one cannot tell her from the new one who has her name, where
    // only the name is said: there somebody says who is who.
    let mut approved = Setup::new(lab, sides[1].0.keycloak.issuer());
    approved.change = |configuration| {
        Keycloak::configure_without_the_sid(configuration);
        configuration["state"] = json!({ "directory": "state", "pins": "approved" });
    };
    let approved = Server::start(lab, &approved);
    for case in cases.iter().filter(|case| !case.side.is_shipped()) {
        let (token, file) = (case.before.access_token(), people.file(case.expected.fault, 2));
        let code = read(lab, &approved, token, &file).await;
        let expected = match case.expected.fault {
            Fault::Disabled => "USER_NOT_USABLE",
            _ => "SID_MISMATCH",
        };
        assert_eq!(code, expected, "{}", case.what());
    }

    for (side, _) in &sides {
        side.end_of_evidence();
    }
    // Servers that run see it within a second.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    for case in &cases {
        case.at_the_end(&people).await;
    }
}

/// A directory that fails; it comes back however the test ends.
struct Outage<'a> {
    lab: &'a Lab,
    end: &'static str,
}

/// The domain controller takes connections for LDAP and says nothing.
const SILENT: [&str; 2] = [
    "kill -STOP $(ss -Hltnp 'sport = :636' | grep -o 'pid=[0-9]*' | cut -d= -f2)",
    "kill -CONT $(ss -Hltnp 'sport = :636' | grep -o 'pid=[0-9]*' | cut -d= -f2)",
];
/// Of the domain controller there is only its KDC.
const STOPPED: [&str; 2] = ["\"$LAB_CONTROL\" stop dc", "\"$LAB_CONTROL\" start dc"];

impl<'a> Outage<'a> {
    fn begin(lab: &'a Lab, [begin, end]: [&'static str; 2]) -> Self {
        lab.shell(begin);
        Self { lab, end }
    }
}

impl Drop for Outage<'_> {
    fn drop(&mut self) {
        self.lab.shell(self.end);
    }
}

#[tokio::test]
async fn a_directory_that_fails_stops_whom_keycloak_does_not_keep_and_makes_nobody_another() {
    let lab = lab!(alone);
    let sides = [Side::new(lab, Realm::Directory).await, Side::new(lab, Realm::Defaults).await];
    let (own, anothers) = (lab.unc("reports/bob.csv"), lab.unc("reports/erin.csv"));
    let mut bobs = Vec::new();
    for side in &sides {
        let bob = side.keycloak.log_in("contextflow", "bob").await;
        assert!(side.server.read(bob.access_token(), &own).await.content().contains("bob"));
        bobs.push(bob);
    }
    for how in [SILENT, STOPPED] {
        let outage = Outage::begin(lab, how);
        for (side, bob) in sides.iter().zip(&bobs) {
            let bob = bob.access_token();
            let begun = Instant::now();
            let answer = side.server.read(bob, &own).await;
            if side.is_shipped() {
                let (code, message, remedy) = answer.error();
                assert_eq!(code, BY_KEYCLOAK, "{message}");
                assert!(remedy.contains("LDAP"), "{remedy}");
            } else {
                assert!(answer.content().contains("bob"));
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
            let code = side.server.read(bob, &anothers).await.code();
            assert_eq!(code, if side.is_shipped() { BY_KEYCLOAK } else { "ACCESS_DENIED" });
            let again = side.keycloak.try_log_in("contextflow", "bob", "Passw0rd!bob").await;
            assert!(again.is_err_and(|says| says.starts_with("500")), "{how:?}");
        }
        drop(outage);
        let back = Instant::now();
        for (side, bob) in sides.iter().zip(&bobs) {
            let bob = bob.access_token();
            while side.server.read(bob, &own).await.body["result"]["isError"] == true {
                assert!(back.elapsed() < Duration::from_secs(30), "{how:?}: not back");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}
