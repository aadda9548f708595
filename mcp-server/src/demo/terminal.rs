//! The story for people: as wide as the terminal, in colour where there is one.

use std::env;
use std::io::{self, IsTerminal as _, Write};

use serde_json::Value;

use super::addresses::Addresses;
use super::kdc_log::Asking;
use super::step::Step;
use super::webapp::Visit;
use super::world::World;

/// Labels stand in a column of their own.
const LABEL: usize = 11;
const NARROW: usize = 50;
const WIDE: usize = 110;
/// Where there is no terminal.
const USUAL: usize = 100;

/// What the story is told in, for who does not know Kerberos.
const WORDS: &str = "the KDC issues tickets, which prove to a service who comes. S4U2Self: a ticket \
    in a user's name, without their password, to oneself. S4U2Proxy: with that, one to another service";

/// How text is to look.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Plain,
    Title,
    Label,
    Good,
    Bad,
    Refused,
}

impl Look {
    /// Select Graphic Rendition (ECMA-48 section 8.3.117).
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Title => "1",
            Self::Label => "2",
            Self::Good => "32",
            Self::Bad => "1;31",
            Self::Refused => "33",
        }
    }
}

/// Writes the story.
pub(super) struct Terminal<W> {
    out: W,
    width: usize,
    colour: bool,
}

impl Terminal<io::Stdout> {
    /// The process's own.
    pub(super) fn own() -> Self {
        let out = io::stdout();
        let is_terminal = out.is_terminal();
        let asked_not_to = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        let width = terminal_size::terminal_size().filter(|_| is_terminal);
        let width = width.map_or(USUAL, |(width, _)| width.0.into());
        Self::new(out, width, is_terminal && !asked_not_to && !dumb)
    }
}

impl<W: Write> Terminal<W> {
    pub(super) fn new(out: W, width: usize, colour: bool) -> Self {
        Self { out, width: width.clamp(NARROW, WIDE), colour }
    }

    /// What runs where.
    pub(super) fn beginning(&mut self, addresses: &Addresses) -> io::Result<()> {
        self.line(
            "",
            Look::Title,
            "krb-mcp demo: everything in this one process, on the loopback",
        )?;
        let Addresses { realm, kdc, identity_provider, web_application, mcp, page, .. } = addresses;
        self.row("realm", Look::Plain, &format!("{realm}, its KDC at {kdc}"))?;
        self.row("issuer", Look::Plain, &format!("identity provider at {identity_provider}"))?;
        self.row("web app", Look::Plain, &format!("{web_application}, behind Negotiate"))?;
        self.row("server", Look::Plain, &format!("krb-mcp at {mcp}"))?;
        self.row("watch", Look::Plain, &format!("{page} shows the same in a browser"))?;
        self.row("words", Look::Plain, WORDS)?;
        self.out.flush()
    }

    /// One call.
    pub(super) fn step(&mut self, step: &Step) -> io::Result<()> {
        writeln!(self.out)?;
        self.title(step)?;
        if let Some(tool) = step.call["tool"].as_str() {
            let url = step.call["arguments"]["url"].as_str().unwrap_or_default();
            self.row("agent", Look::Plain, &format!("{tool} {url}"))?;
        }
        if !step.token.is_null() {
            self.row("JWT", Look::Plain, &token(&step.token))?;
        }
        if let Some(account) = step.audit.iter().find_map(|record| record["legacyName"].as_str()) {
            let text = format!("the identity provider names the account {account} (RFC 8693)");
            self.row("exchange", Look::Plain, &text)?;
        }
        for asking in step.kdc.iter().filter(|asking| !asking.is_first_leg()) {
            let look = if asking.granted { Look::Plain } else { Look::Refused };
            self.row(asking.asked, look, &kdc(asking))?;
        }
        for visit in &step.resource {
            let look = if visit.status < 400 { Look::Plain } else { Look::Refused };
            self.row("web app", look, &resource(visit))?;
        }
        if !step.answer.is_null() {
            self.row("answer", Look::Plain, &answer(&step.answer))?;
        }
        if let Some(record) = step.audit.last() {
            self.row("audit", Look::Plain, &audit(record))?;
        }
        for check in step.checks.iter().filter(|check| !check.holds) {
            self.row("✗ not so:", Look::Bad, &check.what)?;
        }
        self.out.flush()
    }

    /// How it all ended.
    pub(super) fn ending(&mut self, right: usize, of: usize, seconds: f64) -> io::Result<()> {
        writeln!(self.out)?;
        if right == of {
            let text =
                format!("✓ all {of} calls ended as they should, {seconds:.2} s after launch");
            self.line("", Look::Good, &text)
        } else {
            let text = format!("✗ {} of {of} calls did not end as they should", of - right);
            self.line("", Look::Bad, &text)
        }?;
        self.out.flush()
    }

    /// What to try.
    pub(super) fn invitation(&mut self, world: &World) -> io::Result<()> {
        writeln!(self.out)?;
        self.line("", Look::Title, "It stays up until Ctrl-C. Try:")?;
        for (what, command) in super::invitation::commands(world) {
            writeln!(self.out)?;
            self.line("  ", Look::Label, &format!("# {what}"))?;
            // Not broken: a line is to be copied.
            for line in command.lines() {
                writeln!(self.out, "  {line}")?;
            }
        }
        writeln!(self.out)?;
        self.out.flush()
    }

    fn title(&mut self, step: &Step) -> io::Result<()> {
        let (mark, look) = match (step.scripted, step.ok) {
            (false, _) => ("·", Look::Label),
            (true, true) => ("✓", Look::Good),
            (true, false) => ("✗", Look::Bad),
        };
        let time = if step.milliseconds > 0 {
            format!(" {} ms", step.milliseconds)
        } else {
            String::new()
        };
        let head = format!("{} {} ", step.number, step.title);
        let used = 2 + head.chars().count() + time.chars().count();
        let rule = "─".repeat(self.width.saturating_sub(used).max(2));
        let [mark, head, rest] = [
            self.paint(look, mark),
            self.paint(Look::Title, &head),
            self.paint(Look::Label, &format!("{rule}{time}")),
        ];
        writeln!(self.out, "{mark} {head}{rest}")
    }

    /// A label and what it stands for.
    fn row(&mut self, label: &str, look: Look, text: &str) -> io::Result<()> {
        let label_look = if look == Look::Bad { Look::Bad } else { Look::Label };
        let indent = 2 + LABEL;
        let lines = wrap(text, self.width - indent);
        for (index, line) in lines.iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            let label = self.paint(label_look, &format!("{label:<LABEL$}"));
            let line = self.paint(look, line);
            writeln!(self.out, "  {label}{line}")?;
        }
        Ok(())
    }

    fn line(&mut self, indent: &str, look: Look, text: &str) -> io::Result<()> {
        for line in wrap(text, self.width - indent.len()) {
            let line = self.paint(look, &line);
            writeln!(self.out, "{indent}{line}")?;
        }
        Ok(())
    }

    fn paint(&self, look: Look, text: &str) -> String {
        let text: String =
            text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        if self.colour && look != Look::Plain && !text.trim().is_empty() {
            format!("\u{1b}[{}m{text}\u{1b}[0m", look.code())
        } else {
            text
        }
    }
}

/// Breaks text at spaces into lines of at most so many characters; what is longer than a line is
/// left whole, so that it can be copied.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += length;
        }
    }
    lines
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn token(token: &Value) -> String {
    let subject = text(&token["subject"]);
    let issuer = text(&token["issuer"]);
    match (text(&token["algorithm"]), token["forged"] == true) {
        ("", _) => format!("subject {subject}, of {issuer}"),
        (algorithm, true) => format!(
            "subject {subject}, signed with {algorithm} by somebody who says to be {issuer}"
        ),
        (algorithm, false) => {
            let audience = match &token["audience"] {
                Value::Array(all) => all.iter().map(text).collect::<Vec<_>>().join(" and "),
                one => text(one).to_owned(),
            };
            format!("subject {subject}, for {audience}, signed with {algorithm} by {issuer}")
        }
    }
}

fn kdc(asking: &Asking) -> String {
    let by = without_realm(asking.by.as_deref().unwrap_or_default());
    let service = asking.service.as_deref().unwrap_or_default();
    let what = match (asking.asked, asking.account()) {
        ("login", _) => format!("{by} logs in"),
        ("S4U2Self", Some(user)) if user == by => format!("{by} asks who it is itself"),
        ("S4U2Self", Some(user)) => format!("{by} gets a ticket to itself in the name of {user}"),
        ("S4U2Proxy", Some(user)) => format!("{by} asks for {service} in the name of {user}"),
        _ => format!("{by} asks for {service}"),
    };
    let says = &asking.says;
    match (asking.granted, asking.asked) {
        (false, _) => format!("{what}: refused, {says}"),
        (true, "S4U2Self") if !says.contains("forwardable") => {
            format!("{what}: granted, not forwardable")
        }
        (true, _) => format!("{what}: granted"),
    }
}

fn without_realm(principal: &str) -> &str {
    principal.split('@').next().unwrap_or(principal)
}

fn resource(visit: &Visit) -> String {
    let who = match &visit.visitor {
        None => "nobody that it knows".to_owned(),
        Some(visitor) => {
            let groups: Vec<_> = visitor.groups.iter().map(|sid| group(sid)).collect();
            let by = match visitor.delegated_by.as_slice() {
                [] => "in person".to_owned(),
                by => format!("through {}", by.join(", ")),
            };
            format!(
                "{} (SID {}, groups {}) {by}",
                visitor.principal,
                visitor.sid,
                groups.join(", ")
            )
        }
    };
    let why = visit.refusal.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    format!("saw {who}, and answered {}{why}", visit.status)
}

/// A group's name, where the demonstration knows it.
fn group(sid: &str) -> &str {
    match (sid, sid.rsplit('-').next()) {
        // MS-DTYP 2.4.2.4: the user has logged in, or a service said who it is.
        ("S-1-18-1", _) => "\"Authentication authority asserted identity\"",
        ("S-1-18-2", _) => "\"Service asserted identity\"",
        (_, Some("513")) => "\"Domain Users\"",
        (_, Some("1600")) => "staff",
        _ => sid,
    }
}

fn answer(answer: &Value) -> String {
    if let Some(code) = answer["code"].as_str() {
        return format!("{code}: {}", text(&answer["message"]));
    }
    if let Some(document) = answer["body"]["document"].as_str() {
        return format!("{}, “{document}”", answer["status"]);
    }
    match answer["message"].as_str() {
        Some(message) => format!("{}: {message}", answer["status"]),
        None => answer["status"].to_string(),
    }
}

/// The record without what stood in the rows before.
fn audit(record: &Value) -> String {
    let mut said = text(&record["outcome"]).to_owned();
    for (field, name) in
        [("subject", "subject"), ("account", "account"), ("spn", "to"), ("policies", "policy")]
    {
        let value = match &record[field] {
            Value::Null => continue,
            Value::Array(all) => all.iter().map(text).collect::<Vec<_>>().join(" "),
            one => text(one).to_owned(),
        };
        said += &format!(", {name} {value}");
    }
    format!("{said} (record {})", text(&record["eventId"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_wide_as_the_terminal() {
        assert_eq!(wrap("a bb ccc dddd", 6), ["a bb", "ccc", "dddd"]);
        assert_eq!(wrap("", 6), [""]);
        assert_eq!(
            wrap("x http://a.very/long/address y", 10),
            ["x", "http://a.very/long/address", "y"]
        );
        assert_eq!(wrap("ééé ééé", 7), ["ééé ééé"], "characters, not bytes");
    }

    #[test]
    fn colours_are_for_terminals_and_nothing_moves_the_cursor() {
        let row = |colour| {
            let mut out = Vec::new();
            let mut terminal = Terminal::new(&mut out, 80, colour);
            terminal.row("answer", Look::Refused, "a\u{1b}[2Jb").unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(row(false), "  answer     a\u{fffd}[2Jb\n");
        let coloured = row(true);
        assert_eq!(coloured.matches('\u{1b}').count(), 4, "{coloured:?}");
        assert!(coloured.contains("\u{1b}[33ma\u{fffd}[2Jb\u{1b}[0m"), "{coloured:?}");
    }
}
