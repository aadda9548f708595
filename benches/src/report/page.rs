//! The page as a whole.

use std::fmt::Write;

use super::target::Target;
use super::{
    Figures, client, codec, crypto, kdcs, mac, memory, parts, server, sql, target, tickets,
};

const INTRODUCTION: &str = "\
# Benchmarks

The codec, the crypto, the KDC, the client, the MCP server and its databases beside their peers. This page is written by the command

```sh
benches/run
```

and by nothing else; what was measured again by itself (`--only`) is named below. Absolute figures belong to the machine; what counts are the ratios, in brackets:
how many times the time of ours somebody takes.
";

const METHOD: &str = "\
## Method

Everybody gets the same octets (`krb-benches cases` writes them). Crates are measured in one process
through criterion (ten samples); MIT krb5, Heimdal, OpenSSL and gokrb5 are small programs
(`benches/peers/`) that time 15 batches and take the median. Rounds alternate: in each one everybody
is measured once, pinned to the same core, and a figure is the median of the rounds. Times are the
processor time of the thread; for gokrb5, whose garbage collector has threads of its own, that of the
process. Allocations are counted apart from that, by an allocator. Whatever is returned is released within the time.
Rust is compiled with the release profile (thin LTO, no flags for the processor), C with `-O2` against
Debian's libraries.

- Decoding is that of the outermost message: PA-DATA, e-data and authorization data stay octets.
  Encoders must give back the octets that were decoded, or the run fails.
- *krb-proto, owned* decodes and copies what the message is read for: principals, the ticket, the key,
  times, the encrypted part. The peers' messages are owned throughout.
- krb-proto keeps a received ticket and a received KDC-REQ-BODY as they came, because they are signed
  or sent on, and encodes them by copying; peers write them anew from their members.
- *floor: TLV walk* reads every tag and length, enters what is constructed and passes over the rest,
  without any comparison: less than a decoder can do.
- All who encrypt draw their confounder from their own generator, except *OpenSSL primitives*: CBC
  (without ciphertext stealing) and HMAC, CMAC or RC4 with contexts made beforehand and a constant
  confounder, the least that an enctype could cost with OpenSSL.
- *keys cached*: the keys of the usage are derived before. krb-proto then encrypts into a reused
  buffer and decrypts in place, with the copy that this needs. Everybody else derives them in every
  call; *krb-proto* there makes a new `Key` each time, since one that is used again keeps them, and
  returns vectors.

What peers leave out:

- kerbcore reads KRB-ERROR without the client's name, EncTicketPart without transited realms and
  addresses, EncTGSRepPart without flags and times but the end: rows of their own, which count for no
  target. It encodes none of these nor AP-REQ, and has no Camellia.
- gokrb5 does not encode EncTicketPart and writes EncTGSRepPart with the tag of EncASRepPart, so both
  are left out. go-krb5, its successor, is not to be had from the module proxy.
- picky-krb has enctypes 17 and 18, kerberos_crypto 17, 18 and 23; Heimdal and gokrb5 have no Camellia.
- OpenSSL has no PBKDF2 with CMAC, which the string-to-key of Camellia needs.

KDCs are asked on the machine's own loopback, for their part, by eight clients that each wait for an
answer before they ask again, for a second; in each round everybody is asked once, after one that
does not count. Requests are made beforehand, each one of its own; by TCP each has a connection of
its own. Processor time is that of the KDC's processes, in the kernel too. All write a line of log for
each request, MIT's database is told not to note logins, and ours and MIT's tickets have a PAC. The
names are short: ours has AD's limit of a datagram, and with longer ones a reply with a PAC of AD's
size is left to TCP.
*From nothing* begins with no process and no file: MIT and Heimdal create a database, add two
accounts, start the KDC and ask it with MIT's `kinit` and `kvno`; Kerby and ours do all of it in one
process, whose start is in the figure.

The MCP server is called in the lab (docs/lab.md), by 16 clients that keep their connections and each
wait for an answer before they call again, for two seconds after half a second that does not count;
200 users take turns, whose tokens are good for minutes. *user-info* answers what the token and policy
say; the *denied call* is refused by policy. Exchanged tokens are kept
(`delegation.tokenExchange.cache`). Peers answer both alike: they have no policy. smbclient's
time is that of many files in one session less that of one.

A client's tickets are put into its store by a stand-in for another process that has them all, so that no
KDC is in the figures. Memory is what the process has more of (its resident set), for two tickets of each of 50,000
users, in bytes for each byte of a ticket.

The client is asked for the same thing again and again, each time as if for the first: for another user,
or with caches that were emptied. What it ends with is the first token to the target. Everybody is one
process with one thread for what it asks (`benches/peers/client`), for six tenths of a second after
half as long that does not count; a JVM has five times as long. Ours also opens the evidence and verifies its
PAC, which no peer does. *The KDC alone* is asked over one connection, where it keeps it, with messages
that were made beforehand, by a thread that does nothing else. MIT's library is told to use TCP at
once, and impacket's steps are those of its getST.py, without the files that it writes.
`kinit` is a process that a shell starts and waits for, in batches of twenty: ours linked statically, as it is
released, by the release profile; MIT's as Debian has it.

Sessions are made in one process: tokens by an identity provider in memory, tickets by the stand-in.
Memory is what the process has more of. What is counted as kept are the caller's tokens that are not verified
anew when they come again (their number has a bound), the tokens that were given in exchange for them,
and the tickets.

Queries are asked in the lab, over TLS but where it says otherwise, by processes with two threads: for so long one
after another, *at once* or two milliseconds after the answer to the one before, or by sixteen at once, each
with a connection and a user of its own, after a quarter of that time that does not count. The table has
a thousand rows of a number and two short texts, and no row-level security. tokio-postgres is given
the statement's text each time, for which it asks twice; *prepared*, once. A first query is that of a user of whom there is
nothing, at Samba's KDC: S4U2Self, S4U2Proxy, the connection, TLS, the login, the query; that of the bare clients, a
connection, TLS, a login by password and the query.
";

const KDC: &str = "\
The embedded KDC (`krb kdc`) beside MIT's, Heimdal's and Apache Kerby's, with the same accounts, all
keys aes256-cts-hmac-sha1-96.
";

const SERVER: &str = "\
`krb-mcp` by the release profile and without the demo, with JWT, policy and durable audit, beside rmcp and fastmcp that check one
signature for each call and answer it at once; and files through it beside smbclient, which keeps its
session as `krb-mcp` does.
";

const CLIENT: &str = "\
`krb-client` in one process beside MIT's GSSAPI, the JDK's, impacket and gokrb5 (which knows no S4U), and
`krb kinit` beside MIT's.
";

const MEMORY: &str = "\
What sessions of `krb-mcp` take: the caller's token, the one it was exchanged for, evidence and a ticket to one
target.
";

const TICKETS: &str = "\
What a client keeps: evidence for so many users, each a ticket of 1.8 KB, asked for by name through the
public interface, with the tasks that fetch what is new; processor time of the thread that asks.
";

const PARTS: &str = "\
What a call is made of, in one process without any network: one thread's time from one to the next, the
log's thread included where there is a record. *Without network* the record is left to the system; in
the last table it is on the disk before the answer.
";

const SQL: &str = "\
Queries as the user through what a call goes through below HTTP and policy (the user's credential, kept
sessions, rows as JSON, and each session made as new behind its query), beside tokio-postgres and tiberius with
a login of their own, in one connection each that is kept. *A role* runs statements of the operator's, by
a service login. PostgreSQL is the real one; **SQL Server is a server of the tests' own** (`tests/harness/tds`),
whose figures say what the two clients do and nothing of SQL Server.
";

/// Writes the page.
#[must_use]
pub fn page(figures: &Figures) -> String {
    let mut page = String::from(INTRODUCTION);
    if figures.fact("mode") == "quick" {
        page += "\n**From a quick run** (`benches/run --quick`): few and short rounds, to look at \
                 rather than to quote.\n";
    }
    let (middle, most) = figures.spread();
    page += "\n## Run\n\n";
    for (name, text) in figures.facts().filter(|(name, _)| *name != "mode") {
        writeln!(page, "- {name}: {text}").expect("a string takes all");
    }
    writeln!(
        page,
        "- spread: the middle half of the rounds lies within {:.1} % of the median for half of the \
         figures, within {:.1} % for 95 of 100; differences of less than 10 % mean nothing",
        middle * 100.0,
        most * 100.0
    )
    .expect("a string takes all");
    let mut targets = codec::targets(figures);
    targets.extend(crypto::targets(figures));
    targets.push(mac::target(figures));
    targets.extend(kdcs::targets(figures));
    targets.extend(of_the_client(figures));
    targets.extend(server::targets(figures));
    targets.extend(parts::targets(figures));
    targets.extend(sql::targets(figures));
    let reached = targets.iter().filter(|target| target.reached).count();
    write!(
        page,
        "\n## Targets\n\n{reached} of {} reached. The measured range is that of all cases, each \
         given with its name.\n\n{}\n\n## Codec\n\n{}\n## Crypto\n{}\n### MAC comparison\n\nA \
         comparison that stops at the first difference stands beside ours, to show that a trend \
         would be seen.\n\n{}\n## KDC\n\n{KDC}\n{}\n{}\n## MCP server\n\n{SERVER}\n{}\n{PARTS}\n{}\n## Databases\n\n{SQL}\n{}\n{METHOD}",
        targets.len(),
        target::table(&targets),
        codec::tables(figures),
        crypto::tables(figures),
        mac::table(figures),
        kdcs::tables(figures),
        client_sections(figures),
        server::tables(figures),
        parts::tables(figures),
        sql::tables(figures),
    )
    .expect("a string takes all");
    page
}

fn of_the_client(figures: &Figures) -> Vec<Target> {
    let mut targets = client::targets(figures);
    targets.extend(tickets::targets(figures));
    targets.extend(memory::targets(figures));
    targets
}

fn client_sections(figures: &Figures) -> String {
    format!(
        "## Client\n\n{CLIENT}\n{}\n## Tickets of a client\n\n{TICKETS}\n{}\n## Memory of sessions\n\n{MEMORY}\n{}",
        client::tables(figures),
        tickets::table(figures),
        memory::table(figures),
    )
}

/// What the page has of a part that is measured by itself, `client` or `sql`; `None` if there is no such.
#[must_use]
pub fn part(figures: &Figures, name: &str) -> Option<String> {
    let (targets, sections) = match name {
        "client" => (of_the_client(figures), client_sections(figures)),
        "sql" => {
            (sql::targets(figures), format!("## Databases\n\n{SQL}\n{}", sql::tables(figures)))
        }
        _ => return None,
    };
    let facts: String = figures.facts().map(|(name, text)| format!("- {name}: {text}\n")).collect();
    Some(format!("{facts}\n{}\n\n{sections}", target::table(&targets)))
}
