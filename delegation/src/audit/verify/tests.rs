use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use krb_client::OsRandom;
use serde_json::Value;

use super::super::head::Head;
use super::super::{Audit, AuditConfig};
use super::*;
use crate::call::testing::{caller, permit};
use crate::call::{Announced, Attempt};
use crate::event::Metrics;
use crate::testing::TestClock;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210";

/// A log in a folder of its own, under a clock that the test moves.
struct Log {
    folder: PathBuf,
    config: AuditConfig,
    clock: Arc<TestClock>,
}

impl Log {
    /// With what more the configuration has.
    fn new(name: &str, more: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("verify-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut config: AuditConfig =
            serde_json::from_str(&format!(r#"{{"sync": false {more}}}"#)).unwrap();
        config.resolve_paths(&folder);
        let clock = Arc::new(TestClock::at(1_700_000_040));
        Self { folder, config, clock }
    }

    fn keyed(name: &str) -> Self {
        Self::new(name, &format!(r#", "key": "{KEY}""#))
    }

    fn file(&self) -> PathBuf {
        self.folder.join("audit.jsonl")
    }

    fn open(&self) -> Result<Audit, ConfigError> {
        Audit::open(&self.config, self.clock.clone(), &OsRandom)
    }

    /// A run that does so many calls, each an intent and an outcome.
    async fn run(&self, calls: usize) {
        let audit = self.open().unwrap();
        for _ in 0..calls {
            intend(&audit).await.close(Ok(())).await.unwrap();
        }
        audit.flush().await.unwrap();
        drop(audit);
        // Its thread looks at the file once more, and lets go of it as the last thing.
        let (file, begun) = (fs::File::open(self.file()).unwrap(), Instant::now());
        while file.try_lock().is_err() {
            assert!(begun.elapsed() < Duration::from_secs(10), "the log is not closed");
            tokio::task::yield_now().await;
        }
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.file()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn write(&self, lines: &[String]) {
        fs::write(self.file(), lines.join("\n") + "\n").unwrap();
    }

    fn verify(&self) -> Verification {
        Material::of(&self.config).unwrap().verify().unwrap()
    }

    /// As somebody does who has the log and the key, and nothing that was kept of it.
    fn verify_alone(&self) -> Verification {
        let mut material = Material::default();
        material.add_file(self.file());
        material.add_key(KEY).unwrap();
        material.verify().unwrap()
    }

    #[track_caller]
    fn assert_whole(&self) -> Verification {
        let found = self.verify();
        assert!(found.is_whole, "{:#?}", found.problems);
        found
    }

    #[track_caller]
    fn assert_fault(&self, fault: Fault) {
        let found = self.verify();
        let has = found.problems.iter().any(|problem| problem.fault == fault);
        assert!(!found.is_whole && has, "{fault:?}: {:#?}", found.problems);
        let is_well_written = |text: &str| !text.contains("  ");
        assert!(found.problems.iter().all(|problem| is_well_written(&problem.text)));
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).ok();
    }
}

async fn intend(audit: &Audit) -> Announced {
    intend_as(audit, "r-1").await
}

async fn intend_as(audit: &Audit, request_id: &str) -> Announced {
    let mut attempt = Attempt::begin(audit, &Metrics::of(audit), &caller(), request_id, "a-tool");
    attempt.asks("file:read", r"\\files\corp\data.csv");
    attempt.intent(permit()).await.unwrap()
}

#[tokio::test]
async fn a_log_over_several_runs_is_whole() {
    let log = Log::keyed("whole");
    for run in 1..=3 {
        log.run(2).await;
        let found = log.assert_whole();
        assert_eq!(
            (found.records, found.first_seq, found.last_seq),
            (4 * run, Some(1), Some(4 * run))
        );
        assert_eq!(found.open_intent_count, 0);
        assert_eq!(found.key_ids, [ChainKey::new(KEY).unwrap().id()]);
        assert!(found.checkpoints > 0, "its own head is compared");
    }
}

#[tokio::test]
async fn whatever_is_changed_is_found() {
    let log = Log::keyed("changed");
    log.run(3).await;
    let lines = log.lines();
    assert!(log.verify_alone().is_whole);
    let changed = |what: &str, change: &dyn Fn(&mut Vec<String>)| {
        let mut new = lines.clone();
        change(&mut new);
        log.write(&new);
        let found = log.verify_alone();
        assert!(!found.is_whole, "{what}");
        found.problems[0].clone()
    };
    let problem = changed("an edit", &|lines| lines[2] = lines[2].replace("r-1", "r-2"));
    assert_eq!((problem.fault, problem.line, problem.seq), (Fault::Changed, 3, Some(3)));
    let problem = changed("a gap", &|lines| drop(lines.remove(2)));
    assert_eq!((problem.fault, problem.seq), (Fault::Missing, Some(4)));
    assert_eq!(problem.text, "records 3 to 3 are missing");
    assert_eq!(changed("the first", &|lines| drop(lines.remove(0))).fault, Fault::Missing);
    assert_eq!(changed("an order", &|lines| lines.swap(2, 3)).fault, Fault::Missing);
    let twice = |lines: &mut Vec<String>| lines.insert(3, lines[2].clone());
    assert_eq!(changed("a line twice", &twice).fault, Fault::Order);
    for foreign in ["", "x", "{}", r#"{"phase":"intent"}"#] {
        let insert = |lines: &mut Vec<String>| lines.insert(3, foreign.to_owned());
        assert_eq!(changed("a foreign line", &insert).fault, Fault::Foreign);
        let append = |lines: &mut Vec<String>| lines.push(foreign.to_owned());
        assert_eq!(changed("a foreign end", &append).fault, Fault::Foreign);
    }
    // Any byte, whatever it stands for.
    let text = lines.join("\n") + "\n";
    for at in (0..text.len()).step_by(5) {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        fs::write(log.file(), bytes).unwrap();
        assert!(!log.verify_alone().is_whole, "byte {at}");
    }
}

/// Who has no key makes the whole log anew: it shows, and with another key, too.
#[tokio::test]
async fn a_log_that_was_made_anew_is_found() {
    let log = Log::keyed("anew");
    log.run(3).await;
    let lines = log.lines();
    let rehash = |key: &ChainKey, with_id: bool| {
        let (mut before, mut new) = (Link::GENESIS, Vec::new());
        for line in &lines {
            let stamp = Stamp::of(line.as_bytes()).unwrap();
            let mut text = line[..stamp.signed].replace("OK", "NO");
            if with_id {
                text = text.replace(ChainKey::new(KEY).unwrap().id(), key.id());
            }
            let mut text = text.into_bytes();
            before = key.link(&before, &text);
            Stamp::end(&mut text, &before);
            new.push(String::from_utf8(text).unwrap().trim_end().to_owned());
        }
        new
    };
    for (key, with_id, fault) in [
        (ChainKey::none(), false, Fault::Changed),
        (ChainKey::none(), true, Fault::Key),
        (ChainKey::new(OTHER).unwrap(), false, Fault::Changed),
        (ChainKey::new(OTHER).unwrap(), true, Fault::Key),
    ] {
        log.write(&rehash(&key, with_id));
        let found = log.verify_alone();
        assert_eq!(found.problems.first().map(|problem| problem.fault), Some(fault));
    }
    // Without a key anybody can; what was kept elsewhere shows it.
    let mut alone = Material::default();
    alone.add_file(log.file());
    log.write(&rehash(&ChainKey::none(), true));
    let found = alone.verify().unwrap();
    assert!(found.is_whole && found.key_ids == ["none"]);
    alone.add_checkpoints(log.folder.join("audit.jsonl.head"));
    alone.add_key(KEY).unwrap();
    assert!(!alone.verify().unwrap().is_whole);
}

/// P5: a chain cannot show by itself that its end is missing.
#[tokio::test]
async fn a_log_that_was_cut_off_is_found_by_what_was_kept_elsewhere() {
    let log = Log::new(
        "cut",
        &format!(r#", "key": "{KEY}", "checkpoints": {{"file": "audit.jsonl.heads"}}"#),
    );
    let begun = Instant::now();
    log.run(3).await;
    let (lines, elsewhere) = (log.lines(), log.folder.join("audit.jsonl.heads"));
    // One at the end, and after a second one before it.
    let heads = fs::read_to_string(&elsewhere).unwrap();
    let most = 1 + usize::from(begun.elapsed() >= Duration::from_secs(1));
    assert!((1..=most).contains(&heads.lines().count()), "{heads}");
    fs::write(&elsewhere, format!("{}\n", heads.lines().last().unwrap())).unwrap();
    fs::remove_file(log.folder.join("audit.jsonl.head")).unwrap();
    log.assert_whole();
    for k in 1..=lines.len() {
        log.write(&lines[..lines.len() - k]);
        log.assert_fault(if k < lines.len() { Fault::Truncated } else { Fault::Missing });
        assert_eq!(log.verify_alone().is_whole, k < lines.len(), "nothing else shows it");
    }
    // A new run begins where the end was, so that the gap stays.
    log.write(&lines[..4]);
    log.run(1).await;
    log.assert_fault(Fault::Missing);
    fs::remove_file(log.folder.join("audit.jsonl.head")).unwrap();
    // A head that nobody signed is none.
    log.write(&lines);
    let head = fs::read_to_string(&elsewhere).unwrap();
    let forged = head.lines().next().unwrap().replace("\"seq\":6", "\"seq\":5");
    fs::write(&elsewhere, forged).unwrap();
    log.assert_fault(Fault::Checkpoint);
    // A copy of records is as good, behind whatever a daemon puts before them.
    let copy: String =
        lines.iter().map(|line| format!("<109>1 - host krb-mcp: {line}\n")).collect();
    fs::write(&elsewhere, copy).unwrap();
    log.assert_whole();
    log.write(&lines[..5]);
    log.assert_fault(Fault::Truncated);
}

/// Who can cut the log off may also take away what would show it, or look on while it is not mounted.
#[tokio::test]
async fn a_log_is_not_called_whole_where_heads_should_be_and_are_none() {
    let log =
        Log::new("no-heads", &format!(r#", "key": "{KEY}", "checkpoints": {{"file": "heads"}}"#));
    log.run(3).await;
    let (lines, elsewhere) = (log.lines(), log.folder.join("heads"));
    let heads = fs::read_to_string(&elsewhere).unwrap();
    log.assert_whole();
    // Beside the log there may be nothing: elsewhere there is.
    fs::remove_file(log.folder.join("audit.jsonl.head")).unwrap();
    log.assert_whole();
    let says = |found: &Verification, file: &Path, text: &str| {
        let [problem] = &*found.problems else { panic!("{text}: {:#?}", found.problems) };
        assert!(!found.is_whole && problem.text.contains(text), "{}", problem.text);
        assert_eq!((problem.fault, &*problem.file, problem.line), (Fault::Checkpoint, file, 0));
    };
    for left in [lines.len(), 1] {
        log.write(&lines[..left]);
        for (content, text) in [("", "it holds no head"), ("a-host\n", "it holds no head")] {
            fs::write(&elsewhere, content).unwrap();
            says(&log.verify(), &elsewhere, text);
        }
        fs::remove_file(&elsewhere).unwrap();
        says(&log.verify(), &elsewhere, "it is not there");
    }
    // What is named is as what is configured, and one does not stand in for another.
    fs::write(&elsewhere, &heads).unwrap();
    log.write(&lines);
    for (name, text) in [("audit.jsonl.none", "it is not there"), ("other", "it holds no head")] {
        let mut material = Material::of(&log.config).unwrap();
        let named = log.folder.join(name);
        if name == "other" {
            fs::write(&named, "a-host\n").unwrap();
        }
        material.add_checkpoints(named.clone());
        says(&material.verify().unwrap(), &named, text);
    }
    // Heads of what is no longer here show nothing of what is.
    log.run(1).await;
    fs::write(&elsewhere, &heads).unwrap();
    fs::remove_file(log.folder.join("audit.jsonl.head")).unwrap();
    log.write(&log.lines()[lines.len()..]);
    let mut material = Material::of(&log.config).unwrap();
    material.begins_at(lines.len() as u64 + 1);
    says(&material.verify().unwrap(), Path::new(""), "ends with record 6, before the first");
}

/// P4: whatever moved the file, and even if the server died right then, the chain goes on.
#[tokio::test]
async fn a_run_after_a_rotation_goes_on_with_the_chain() {
    for (name, aside) in [("old", "audit.jsonl.1"), ("dated", "audit.jsonl-20231114")] {
        let log = Log::keyed(name);
        log.run(2).await;
        fs::rename(log.file(), log.folder.join(aside)).unwrap();
        // The head beside the log is not needed for it.
        fs::remove_file(log.folder.join("audit.jsonl.head")).unwrap();
        log.run(2).await;
        let found = log.assert_whole();
        assert_eq!((found.records, found.segments.len()), (8, 2), "{name}");
        // As `create` of logrotate leaves it.
        fs::rename(log.file(), log.folder.join("audit.jsonl.0")).unwrap();
        fs::write(log.file(), "").unwrap();
        log.run(1).await;
        assert_eq!(log.assert_whole().records, 10, "{name}");
    }
}

#[tokio::test]
async fn an_end_that_cannot_be_read_keeps_the_server_from_starting() {
    let log = Log::keyed("unreadable");
    log.run(1).await;
    let lines = log.lines();
    let refused = || {
        let checked = super::super::check(&log.config, None).unwrap_err();
        let refused = log.open().err().unwrap();
        assert_eq!(checked, refused, "`check` finds it, too");
        refused.to_string()
    };
    for garbage in ["garbage\n".to_owned(), lines[1].replace("chain\":\"", "chain\":\"é") + "\n"] {
        fs::write(log.file(), garbage).unwrap();
        assert!(refused().contains("its end is no record"), "{}", refused());
    }
    // Compressed, and nothing says where it ends.
    fs::remove_file(log.file()).unwrap();
    fs::write(log.folder.join("audit.jsonl.1.gz"), [0x1f, 0x8b, 8, 0, 1]).unwrap();
    let head = log.folder.join("audit.jsonl.head");
    let noted = fs::read(&head).unwrap();
    fs::remove_file(&head).unwrap();
    assert!(refused().contains("decompress"), "{}", refused());
    // The head beside it does.
    fs::write(&head, noted).unwrap();
    log.run(1).await;
    fs::write(log.folder.join("audit.jsonl.1"), lines.join("\n") + "\n").unwrap();
    fs::remove_file(log.folder.join("audit.jsonl.1.gz")).unwrap();
    assert_eq!(log.assert_whole().records, 4);
    // Two processes would tear the chain apart.
    let _running = log.open().unwrap();
    let refused = log.open().err().unwrap().to_string();
    assert!(refused.contains("another process writes to it"), "{refused}");
}

#[tokio::test]
async fn what_a_power_cut_leaves_behind_is_told_of() {
    let log = Log::keyed("torn");
    log.run(1).await;
    for torn in ["{\"timestamp\":\"2023-", "\0\0\0\0", "{\"half\n", "\n\n{"] {
        let mut text = fs::read(log.file()).unwrap();
        text.extend(torn.as_bytes());
        fs::write(log.file(), text).unwrap();
        log.run(1).await;
        log.assert_whole();
    }
    // What nobody tells of is foreign.
    let text = fs::read_to_string(log.file()).unwrap().replacen("\0\0\0\0", "\0\0\0", 1);
    fs::write(log.file(), text).unwrap();
    log.assert_fault(Fault::Foreign);
}

#[tokio::test]
async fn lines_of_before_there_was_a_chain_are_counted() {
    let log = Log::keyed("before");
    fs::write(log.file(), "{\"time\":\"x\"}\n{\"time\":\"y\"}\n{\"ti").unwrap();
    log.run(1).await;
    let found = log.assert_whole();
    assert_eq!((found.unchained, found.records), (3, 2));
}

#[tokio::test]
async fn keys_are_changed_by_naming_the_old_one_and_given_up_by_nobody() {
    let mut log = Log::new("keys", "");
    log.run(1).await;
    assert_eq!(log.assert_whole().key_ids, ["none"]);
    let set = |log: &mut Log, more: String| {
        let config = format!(r#"{{"sync": false {more}}}"#);
        log.config = serde_json::from_str(&config).unwrap();
        log.config.resolve_paths(&log.folder);
    };
    set(&mut log, format!(r#", "key": "{KEY}""#));
    log.run(1).await;
    log.assert_whole();
    set(&mut log, format!(r#", "key": "{OTHER}", "previousKeys": ["{KEY}"]"#));
    log.run(1).await;
    assert_eq!(log.assert_whole().key_ids.len(), 3);
    set(&mut log, format!(r#", "key": "{OTHER}""#));
    log.assert_fault(Fault::Key);
    // Who takes the key out of the configuration cannot hide that there was one.
    set(&mut log, String::new());
    log.run(1).await;
    set(&mut log, format!(r#", "key": "{OTHER}", "previousKeys": ["{KEY}"]"#));
    log.assert_fault(Fault::Key);
}

#[tokio::test]
async fn files_are_put_aside_by_length_and_age_and_removed_only_if_that_is_said() {
    let log =
        Log::new("length", &format!(r#", "key": "{KEY}", "rotation": {{"maxBytes": 65536}}"#));
    log.run(200).await;
    let found = log.assert_whole();
    assert_eq!(found.records, 400);
    assert!(found.segments.len() > 3, "{}", found.segments.len());
    for segment in &found.segments {
        assert!(segment.file.metadata().unwrap().len() < 65536 + 4096);
    }

    let more = format!(r#", "key": "{KEY}", "rotation": {{"maxAgeSeconds": 3600, "keep": 2}}"#);
    let log = Log::new("age", &more);
    for _ in 0..5 {
        log.run(1).await;
        log.clock.pass(1800);
        log.run(1).await;
        log.clock.pass(1800);
    }
    let found = log.assert_whole();
    assert_eq!(found.segments.len(), 3, "{:#?}", found.segments);
    assert!(found.first_seq > Some(1));
    let text = fs::read_to_string(log.file()).unwrap();
    let removed = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let removed = removed.filter(|record| record["phase"] == "removed").count();
    assert_eq!(removed, 1, "a record says so");
    // One that somebody else removes is missed.
    fs::remove_file(&found.segments[0].file).unwrap();
    log.assert_fault(Fault::Missing);
    // Unless it is said to be kept elsewhere.
    let mut material = Material::of(&log.config).unwrap();
    material.begins_at(found.segments[1].first_seq.unwrap());
    assert!(material.verify().unwrap().is_whole);
}

/// Records that went with a file which was taken away right after they were written are written
/// again, and what they announced is not taken for two things.
#[test]
fn what_is_said_again_is_no_open_intent() {
    let record = |text: &str| serde_json::from_str::<serde_json::Map<_, _>>(text).unwrap();
    let (mut intents, mut report) = (Intents::default(), Verification::default());
    for (seq, text) in [
        (1, r#"{"eventId":"a-1","phase":"intent"}"#),
        (2, r#"{"eventId":"a-2","phase":"intent"}"#),
        (3, r#"{"eventId":"a-3","phase":"reopened","again":1}"#),
        (4, r#"{"eventId":"a-4","phase":"intent"}"#),
        (5, r#"{"eventId":"a-5","phase":"closing","intentId":"a-4"}"#),
    ] {
        intents.note(seq, &record(text), &mut report);
    }
    intents.end(&mut report);
    let open: Vec<_> = report.open_intents.iter().map(|intent| &*intent.event_id).collect();
    assert_eq!(open, ["a-1"]);
}

/// What a process of its own does when it is told where: one open intent, and calls without end.
#[tokio::test(flavor = "multi_thread")]
async fn process() {
    let Some(folder) = std::env::var_os("AUDIT_TEST_PROCESS") else { return };
    let config = format!(r#"{{"sync": false, "key": "{KEY}", "rotation": {{"maxBytes": 65536}}}}"#);
    let mut config: AuditConfig = serde_json::from_str(&config).unwrap();
    config.resolve_paths(Path::new(&folder));
    let clock = Arc::new(TestClock::at(1_700_000_040));
    let audit = Audit::open(&config, clock, &OsRandom).unwrap();
    let open = intend(&audit).await;
    for _ in 0..8 {
        let audit = audit.clone();
        tokio::spawn(async move {
            loop {
                // Long records fill a file soon.
                intend_as(&audit, &"r".repeat(4000)).await.close(Ok(())).await.unwrap();
            }
        });
    }
    fs::write(Path::new(&folder).join("begun"), "").unwrap();
    tokio::time::sleep(Duration::from_secs(90)).await;
    drop(open);
}

#[tokio::test]
async fn a_process_that_is_killed_leaves_a_whole_log_and_its_intents() {
    let log =
        Log::new("killed", &format!(r#", "key": "{KEY}", "rotation": {{"maxBytes": 65536}}"#));
    let begun = log.folder.join("begun");
    for round in 0..6 {
        let name = "audit::verify::tests::process";
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env("AUDIT_TEST_PROCESS", &log.folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // In the first round, until it was rotated.
        let is_ready = || {
            begun.exists()
                && (round > 0 || segments::put_aside(&log.file()).is_ok_and(|all| !all.is_empty()))
        };
        let mut waited = 0;
        while !is_ready() {
            std::thread::sleep(Duration::from_millis(10));
            waited += 1;
            assert!(waited < 6000, "it does not begin");
        }
        std::thread::sleep(Duration::from_millis(20 + 37 * round));
        process.kill().unwrap();
        process.wait().unwrap();
        fs::remove_file(&begun).unwrap();
        let found = log.assert_whole();
        let of_it = found.open_intents.iter().filter(|intent| intent.may_be_running).count();
        assert!((1..=9).contains(&of_it), "the one and those under way: {of_it}");
        let first = found.open_intents.iter().find(|intent| intent.may_be_running).unwrap();
        assert_eq!((&*first.action, &*first.subject), ("file:read", "42"));
        assert_eq!((&*first.target, &*first.path), ("fileserver", r"corp\data.csv"));
        // The next run goes on, and nothing of the one before can be running any more.
        log.run(1).await;
        let found = log.assert_whole();
        assert!(found.open_intents.iter().all(|intent| !intent.may_be_running));
        assert!(found.open_intent_count > round);
    }
    assert!(log.assert_whole().segments.len() > 1, "it was rotated meanwhile");
}

#[tokio::test]
async fn heads_are_signed_by_the_key() {
    let log = Log::keyed("head");
    log.run(1).await;
    let text = fs::read_to_string(log.folder.join("audit.jsonl.head")).unwrap();
    let head = Head::of(text.trim_end()).unwrap();
    assert!(head.is_by(&ChainKey::new(KEY).unwrap()));
    assert_eq!(head.end.seq, 2);
}

/// Whoever can write the log can write any number there.
#[tokio::test]
async fn numbers_that_no_record_has_are_found_and_end_nothing() {
    let log = Log::keyed("numbers");
    log.run(2).await;
    let whole = log.lines();
    let most = u64::MAX;
    for (member, end) in [("seq", true), ("torn", true), ("untilSeq", false)] {
        let mut lines = whole.clone();
        let last = lines.len() - 1;
        let line = &lines[last];
        lines[last] = match member {
            "seq" => {
                let at = line.find("\"seq\":").unwrap() + 6;
                let rest = line[at..].trim_start_matches(|c: char| c.is_ascii_digit());
                format!("{}{most}{rest}", &line[..at])
            }
            "torn" => line.replacen('{', &format!("{{\"torn\":{most},"), 1),
            _ => {
                let phase = line.replacen("\"phase\":\"closing\"", "\"phase\":\"removed\"", 1);
                phase.replacen('{', &format!("{{\"untilSeq\":{most},"), 1)
            }
        };
        assert_ne!(lines[last], whole[last], "{member}");
        // Behind it, and in front of it with the log's beginning cut off.
        for cut in [0, last - 1] {
            log.write(&[&lines[cut..], &whole[last..]].concat());
            let found = log.verify();
            assert!(!found.is_whole, "{member} {cut}");
        }
        log.write(&lines);
        assert!(!log.verify().is_whole, "{member}");
        // A run that finds it does not go on from there.
        if end && member == "seq" {
            assert!(log.open().is_err(), "{member}");
        }
    }
}
