//! The demonstration's calls: one that succeeds, and one refusal by each who may refuse.

use std::io;

use serde_json::json;
use tokio::time::Instant;

use super::agent::{self, Answer};
use super::audit::AuditLog;
use super::kdc_log::Asking;
use super::step::{Check, Step, milliseconds, opened};
use super::webapp::Visit;
use super::world::World;

const TOOL: &str = "kerberos-http-request";

/// One call, and how it should end.
struct Scene {
    title: &'static str,
    user: &'static str,
    /// The token is signed by somebody else than the identity provider.
    forged: bool,
    host: &'static str,
    document: &'static str,
    checks: fn(&World, &Seen) -> Vec<Check>,
}

/// What came of a call.
struct Seen {
    answer: Answer,
    kdc: Vec<Asking>,
    visits: Vec<Visit>,
    audit: Vec<serde_json::Value>,
}

const SCENES: [Scene; 5] = [
    Scene {
        title: "alice's agent reads alice's document",
        user: "alice",
        forged: false,
        host: "web.demo.test",
        document: "alice",
        checks: |world, seen| {
            vec![
                seen.s4u("ALICE_ADMIN"),
                seen.visitor(world, "ALICE_ADMIN", 200),
                Check::new(
                    "the agent has the document",
                    seen.answer.short()["body"]["document"]
                        .as_str()
                        .is_some_and(|text| text.starts_with("Only alice")),
                ),
                seen.recorded("OK"),
            ]
        },
    },
    Scene {
        title: "bob's agent asks for alice's document: the application refuses",
        user: "bob",
        forged: false,
        host: "web.demo.test",
        document: "alice",
        checks: |world, seen| {
            vec![
                seen.s4u("bob"),
                seen.visitor(world, "bob", 403),
                seen.told("ACCESS_DENIED"),
                seen.recorded("ACCESS_DENIED"),
            ]
        },
    },
    Scene {
        title: "somebody signs a token of alice's: the server refuses",
        user: "alice",
        forged: true,
        host: "web.demo.test",
        document: "alice",
        checks: |_, seen| {
            vec![
                Check::new("the server answered 401", seen.answer.status == 401),
                seen.nothing_was_asked(),
                seen.nobody_came(),
                seen.recorded("UNAUTHORIZED"),
            ]
        },
    },
    Scene {
        title: "carol cannot be delegated: the KDC refuses",
        user: "carol",
        forged: false,
        host: "web.demo.test",
        document: "carol",
        checks: |_, seen| {
            let refused = |asking: &Asking| asking.is("S4U2Proxy", "carol") && !asking.granted;
            vec![
                Check::new("the KDC refused S4U2Proxy for carol", seen.kdc.iter().any(refused)),
                seen.nobody_came(),
                seen.told("USER_NOT_DELEGATABLE"),
                seen.recorded("USER_NOT_DELEGATABLE"),
            ]
        },
    },
    Scene {
        title: "alice's agent asks for payroll: policy refuses",
        user: "alice",
        forged: false,
        host: "payroll.demo.test",
        document: "alice",
        checks: |_, seen| {
            vec![
                seen.told("POLICY_DENIED"),
                seen.nothing_was_asked(),
                seen.nobody_came(),
                seen.recorded("POLICY_DENIED"),
            ]
        },
    },
];

impl Seen {
    fn s4u(&self, account: &str) -> Check {
        let granted =
            |asked| self.kdc.iter().any(|asking| asking.is(asked, account) && asking.granted);
        Check::new(
            format!("the KDC granted S4U2Self and S4U2Proxy in the name of {account}"),
            granted("S4U2Self") && granted("S4U2Proxy"),
        )
    }

    /// The resource itself says who came.
    fn visitor(&self, world: &World, account: &str, status: u16) -> Check {
        let holds = match self.visits.as_slice() {
            [visit] => {
                let visitor = visit.visitor.as_ref();
                visit.status == status
                    && visitor.is_some_and(|visitor| {
                        visitor.account == account && visitor.sid == world.sid(account)
                    })
            }
            _ => false,
        };
        Check::new(format!("the web application saw {account} and answered {status}"), holds)
    }

    fn told(&self, code: &str) -> Check {
        Check::new(format!("the agent was told {code}"), self.answer.code() == code)
    }

    fn nothing_was_asked(&self) -> Check {
        Check::new("the KDC was not asked", self.kdc.is_empty())
    }

    fn nobody_came(&self) -> Check {
        Check::new("nobody came to the web application", self.visits.is_empty())
    }

    fn recorded(&self, outcome: &str) -> Check {
        let last = self.audit.last();
        Check::new(
            format!("the audit log says {outcome}"),
            last.is_some_and(|record| record["outcome"] == outcome),
        )
    }
}

/// How many calls there are.
pub(super) const LENGTH: usize = SCENES.len();

/// Makes the calls, one after another, and hands each on as it has ended.
pub(super) async fn play(
    world: &World,
    audit: &mut AuditLog,
    mut tell: impl FnMut(Step) -> io::Result<()>,
) -> io::Result<()> {
    for (number, scene) in (1..).zip(&SCENES) {
        tell(make(world, audit, number, scene).await?)?;
    }
    Ok(())
}

async fn make(world: &World, audit: &mut AuditLog, number: u64, scene: &Scene) -> io::Result<Step> {
    let port = world.addresses.web_port;
    let url = format!("http://{}:{port}/documents/{}", scene.host, scene.document);
    let arguments = json!({ "url": url });
    let token = match scene.forged {
        true => world.issuer.forgery(scene.user),
        false => world.issuer.token(scene.user),
    };
    let (begun, visits) = (Instant::now(), world.web.visits());
    let answer = agent::call(world.addresses.mcp_address, &token, TOOL, &arguments).await?;
    let took = begun.elapsed();
    let seen = Seen {
        audit: audit.of_one_call().await?,
        kdc: world.kdc_log.take(),
        visits: world.web.visits_from(visits),
        answer,
    };
    let checks = (scene.checks)(world, &seen);
    Ok(Step {
        number,
        title: scene.title.into(),
        scripted: true,
        call: json!({ "tool": TOOL, "arguments": arguments }),
        token: opened(&token, scene.forged),
        answer: seen.answer.short(),
        kdc: seen.kdc,
        resource: seen.visits,
        audit: seen.audit,
        ok: checks.iter().all(|check| check.holds),
        checks,
        milliseconds: milliseconds(took),
    })
}
