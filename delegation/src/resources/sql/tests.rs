use std::time::Duration;

use futures_util::future::BoxFuture;
use krb_client::{OsRandom, SystemClock};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::Code;
use crate::credential::standing;
use crate::resources::kept::Keep;
use crate::state::State;
use crate::targets::Targets;
use session::Life;
use work::Work;

/// A target, with these members beside those that every one has. Its engine is not asked.
fn endpoint(engine: &str, more: &Value) -> Result<Endpoint, Wrong> {
    let mut config = json!({
        "name": "payroll", "engine": engine, "host": "db.example.com", "databases": ["Hr", "app"],
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        config[name] = value.clone();
    }
    let config: Config = serde_json::from_value(config).unwrap();
    config.check(&mut Names::default())
}

fn statement(sql: &str, params: Params) -> Statement {
    Statement { text: Text::Written(sql.into()), params }
}

fn list(values: &[Value]) -> Params {
    Params::List(values.to_vec())
}

fn named(values: Value) -> Params {
    match values {
        Value::Object(map) => Params::Named(map),
        _ => Params::List(Vec::new()),
    }
}

fn find(
    endpoint: &Endpoint,
    database: Option<&str>,
    verb: Verb,
    page: Page,
) -> Result<Found<Task>, Failure> {
    let operation = Operation::new(None, database.map(Into::into), verb, page);
    let asked = Asked::read(&operation)?;
    let found = asked.find(&Arc::new(endpoint.clone()), &Names::default())?;
    found.ok_or_else(|| Failure::new(Code::UnknownTarget, "", ""))
}

fn query(endpoint: &Endpoint, sql: &str, params: Params) -> Result<Found<Task>, Failure> {
    find(endpoint, None, Verb::Query(statement(sql, params)), Page::default())
}

#[test]
fn what_is_asked_for_is_what_policy_is_asked_about() {
    let postgres = endpoint(
        "postgresql",
        &json!({"statements": {"raise": {"sql": "UPDATE s SET p = $1 WHERE i = $2", "params": ["p", "i"]}}}),
    );
    let postgres = postgres.unwrap();
    let stored =
        |name: &str, params| Verb::Execute(Statement { text: Text::Stored(name.into()), params });
    let procedure = |schema: Option<&str>| Verb::Procedure {
        schema: schema.map(Into::into),
        name: "Close_Year".into(),
        params: list(&[json!(1)]),
    };
    for (database, verb, action, path) in [
        (None, Verb::Query(statement("SELECT 1", list(&[]))), "sql:read", "/hr/"),
        (Some("APP"), Verb::Query(statement("SELECT 1", list(&[]))), "sql:read", "/app/"),
        (None, Verb::Execute(statement("DELETE FROM t", list(&[]))), "sql:write", "/hr/"),
        (None, Verb::Execute(statement("DROP TABLE t", list(&[]))), "sql:admin", "/hr/"),
        (None, Verb::Execute(statement("SELECT own()", list(&[]))), "sql:admin", "/hr/"),
        (None, stored("raise", list(&[json!(1), json!(2)])), "sql:write", "/hr/statements/raise"),
        (None, procedure(None), "sql:procedure", "/hr/procedures/public/close_year"),
        (None, procedure(Some("Fin")), "sql:procedure", "/hr/procedures/fin/close_year"),
        (None, Verb::Schema { schema: None }, "sql:read", "/hr/catalog/"),
        (None, Verb::Schema { schema: Some("A".into()) }, "sql:read", "/hr/catalog/a/"),
        (
            None,
            Verb::Table { schema: None, table: "Staff".into() },
            "sql:read",
            "/hr/catalog/public/staff",
        ),
    ] {
        let found = find(&postgres, database, verb, Page::default()).unwrap();
        assert_eq!((&*found.action, &*found.policy_path), (action, path));
    }
    let unknown = find(&postgres, Some("other"), Verb::Schema { schema: None }, Page::default());
    assert_eq!(unknown.unwrap_err().code, Code::UnknownTarget);
    // Not by the other's verb.
    let reads_as_change = Verb::Execute(statement("SELECT 1", list(&[])));
    for (refused, instead) in [
        (query(&postgres, "DELETE FROM t", list(&[])), "execute"),
        (query(&postgres, "SELECT own()", list(&[])), "execute"),
        (find(&postgres, None, reads_as_change, Page::default()), "query"),
        (query(&postgres, "CALL p()", list(&[])), "procedure"),
    ] {
        let failure = refused.unwrap_err();
        assert_eq!(failure.code, Code::InvalidArgument);
        let told = format!("{} {}", failure.message, failure.remedy);
        assert!(told.contains(instead), "{told}");
    }
}

#[test]
fn what_runs_any_text_is_no_procedure_like_others() {
    let (postgres, sql_server) =
        (endpoint("postgresql", &json!({})), endpoint("sqlserver", &json!({})));
    let (postgres, sql_server) = (postgres.unwrap(), sql_server.unwrap());
    let call = |endpoint: &Endpoint, schema: Option<&str>, name: &str| {
        let params = list(&[json!("DROP TABLE t")]);
        let verb = Verb::Procedure { schema: schema.map(Into::into), name: name.into(), params };
        find(endpoint, None, verb, Page::default()).map(|found| found.action)
    };
    for (schema, name, action) in [
        (None, "close_year", "sql:procedure"),
        (Some("fin"), "spend", "sql:procedure"),
        (None, "sp_executesql", "sql:admin"),
        (Some("fin"), "SP_ExecuteSQL", "sql:admin"),
        (Some("dbo"), "xp_cmdshell", "sql:admin"),
        (Some("SYS"), "anything", "sql:admin"),
    ] {
        assert_eq!(call(&sql_server, schema, name).unwrap(), action, "{schema:?} {name}");
        assert_eq!(call(&postgres, schema, name).unwrap(), "sql:procedure");
    }
    // To SQL Server they are the same as without, or as narrow ones.
    for (schema, name) in [
        (None, "close_year "),
        (Some("fin "), "x"),
        (None, " close_year"),
        (None, "\u{ff53}\u{ff50}_executesql"),
        (Some("\u{ff46}in"), "x"),
    ] {
        let refused = call(&sql_server, schema, name).unwrap_err();
        assert_eq!(refused.code, Code::InvalidArgument, "{schema:?} {name}");
    }
}

#[test]
fn values_come_in_their_places_and_nowhere_else() {
    let postgres = endpoint("postgresql", &json!({})).unwrap();
    let sql_server = endpoint("sqlserver", &json!({})).unwrap();
    let values = |found: Result<Found<Task>, Failure>| -> Vec<(String, Value)> {
        let params = found.unwrap().task.work.params;
        params.into_iter().map(|param| (param.name, param.value)).collect()
    };
    let both = [("1".to_owned(), json!("x' OR 1=1 --")), ("2".to_owned(), json!(null))];
    let sql = "SELECT * FROM t WHERE a = $1 OR b = $2";
    let given = [json!("x' OR 1=1 --"), json!(null)];
    assert_eq!(values(query(&postgres, sql, list(&given))), both);
    let by_number = json!({"$2": null, "1": "x' OR 1=1 --"});
    assert_eq!(values(query(&postgres, sql, named(by_number))), both);
    let sql = "SELECT * FROM t WHERE a = @a OR b = @B OR c = @A";
    let both = [("a".to_owned(), json!(1)), ("B".to_owned(), json!([1]))];
    assert_eq!(values(query(&sql_server, sql, list(&[json!(1), json!([1])]))), both);
    assert_eq!(values(query(&sql_server, sql, named(json!({"@A": 1, "b": [1]})))), both);
    for (sql, params) in [
        ("SELECT $1", list(&[])),
        ("SELECT $1", list(&[json!(1), json!(2)])),
        ("SELECT $2", list(&[json!(1), json!(2)])),
        ("SELECT 1", list(&[json!(1)])),
        ("SELECT $1", named(json!({"2": 1}))),
        ("SELECT $1", named(json!({"1": 1, "$1": 2}))),
        ("SELECT $1", list(&[json!({"a": 1})])),
        ("SELECT $1", list(&[json!([[1]])])),
        ("SELECT $1", list(&[json!("a\0b")])),
    ] {
        assert_eq!(query(&postgres, sql, params).unwrap_err().code, Code::InvalidArgument, "{sql}");
    }
}

#[test]
fn names_are_quoted_as_the_engine_quotes_them() {
    for (engine, name, text) in [
        ("postgresql", r#"a"b"#, r#"CALL "public"."a""b"($1)"#),
        ("sqlserver", "a]b; DROP TABLE x", "EXECUTE [dbo].[a]]b; DROP TABLE x] @p1"),
    ] {
        let verb = Verb::Procedure { schema: None, name: name.into(), params: list(&[json!("x")]) };
        let endpoint = endpoint(engine, &json!({})).unwrap();
        assert_eq!(find(&endpoint, None, verb, Page::default()).unwrap().task.work.text, text);
        let keyed = |key: &str| Verb::Procedure {
            schema: None,
            name: "p".into(),
            params: named(json!({key: 1})),
        };
        assert!(find(&endpoint, None, keyed("year"), Page::default()).is_ok());
        assert!(find(&endpoint, None, keyed("a = 1; --"), Page::default()).is_err());
        for wrong in ["", "a/b", "a\0", ".."] {
            let verb = Verb::Table { schema: None, table: wrong.into() };
            assert!(find(&endpoint, None, verb, Page::default()).is_err(), "{wrong:?}");
        }
    }
}

#[test]
fn a_login_that_users_could_take_back_runs_the_operators_statements_alone() {
    let role = json!({
        "login": {"mode": "role", "username": "svc", "password": "x"},
        "statements": {"mine": {"sql": "SELECT * FROM t WHERE o = $1", "params": ["who"]}},
    });
    let role = endpoint("postgresql", &role).unwrap();
    for verb in [
        Verb::Query(statement("SELECT 1", list(&[]))),
        Verb::Execute(statement("DELETE FROM t", list(&[]))),
        Verb::Procedure { schema: None, name: "p".into(), params: list(&[]) },
    ] {
        let failure = find(&role, None, verb, Page::default()).unwrap_err();
        assert!(failure.remedy.contains("mine"), "{}", failure.remedy);
    }
    let text = Text::Stored("mine".into());
    let verb = Verb::Query(Statement { text, params: named(json!({"who": "alice"})) });
    assert!(find(&role, None, verb, Page::default()).is_ok());
    assert_eq!(role.impersonator(), Some(Impersonator::Named("svc".into())));
    let kerberos = endpoint("postgresql", &json!({})).unwrap();
    assert_eq!(kerberos.impersonator(), None);
    let mapped = endpoint("postgresql", &json!({"login": {"mode": "mapped"}})).unwrap();
    assert_eq!(mapped.impersonator(), Some(Impersonator::ServiceAccount));
}

#[test]
fn what_cannot_be_meant_is_no_target() {
    for (engine, more, setting) in [
        ("postgresql", json!({"databases": []}), "databases"),
        ("postgresql", json!({"databases": ["a", "A"]}), "databases"),
        ("postgresql", json!({"databases": ["a/b"]}), "databases"),
        ("postgresql", json!({"host": "a b"}), "host"),
        ("postgresql", json!({"port": 0}), "port"),
        ("postgresql", json!({"roleTemplate": "app"}), "roleTemplate"),
        ("postgresql", json!({"login": {"mode": "impersonate"}}), "login.mode"),
        ("sqlserver", json!({"login": {"mode": "role"}}), "login.mode"),
        ("sqlserver", json!({"login": {"mode": "mapped"}}), "login.mode"),
        ("postgresql", json!({"login": {"username": "x", "password": "y"}}), "login"),
        (
            "postgresql",
            json!({"login": {"mode": "mapped", "username": "x", "password": "y"}}),
            "login.password",
        ),
        ("sqlserver", json!({"login": {"mode": "impersonate", "username": "x"}}), "login"),
        (
            "sqlserver",
            json!({"login": {"mode": "impersonate", "username": "x", "password": ""}}),
            "login.password",
        ),
        ("sqlserver", json!({"encryption": "gss"}), "encryption"),
        ("postgresql", json!({"encryption": "strict"}), "encryption"),
        (
            "postgresql",
            json!({"login": {"mode": "role", "username": "x", "password": "y"}}),
            "statements",
        ),
        ("postgresql", json!({"statements": {"A": {"sql": "SELECT 1"}}}), "statements"),
        ("postgresql", json!({"statements": {"a": {"sql": "SELECT 1; SELECT 2"}}}), "statements"),
        ("postgresql", json!({"statements": {"a": {"sql": "SELECT own()"}}}), "statements"),
        (
            "postgresql",
            json!({"statements": {"a": {"sql": "DELETE FROM t", "access": "read"}}}),
            "statements",
        ),
        (
            "postgresql",
            json!({"statements": {"a": {"sql": "SELECT $1", "params": ["a", "b"]}}}),
            "statements",
        ),
        (
            "postgresql",
            json!({"statements": {"a": {"sql": "SELECT $1, $2", "params": ["a", "A"]}}}),
            "statements",
        ),
        ("postgresql", json!({"limits": {"rows": 0}}), "limits.rows"),
        ("postgresql", json!({"limits": {"seconds": 601}}), "limits.seconds"),
    ] {
        let (field, problem) = endpoint(engine, &more).unwrap_err();
        assert_eq!(field, setting, "{more}: {problem}");
    }
    let known = json!({"statements": {"a": {"sql": "SELECT own()", "access": "read"}}});
    assert!(endpoint("postgresql", &known).is_ok(), "the operator knows what it does");
}

#[test]
fn a_cursor_is_of_one_call() {
    let postgres = endpoint("postgresql", &json!({"limits": {"rows": 10}})).unwrap();
    let page = |cursor: &str| Page { rows: Some(99), cursor: Some(cursor.into()) };
    let verb = |sql: &str, value: i32| Verb::Query(statement(sql, list(&[json!(value)])));
    let sql = "SELECT * FROM t WHERE a = $1";
    let first = find(&postgres, None, verb(sql, 1), Page::default()).unwrap().task;
    assert_eq!((first.skip, first.rows), (0, 10));
    let cursor = first.cursor(10).unwrap();
    let second = find(&postgres, None, verb(sql, 1), page(&cursor)).unwrap().task;
    assert_eq!((second.skip, second.rows), (10, 10));
    assert_ne!(second.cursor(5), first.cursor(5));
    for other in [
        find(&postgres, None, verb(sql, 2), page(&cursor)),
        find(&postgres, None, verb("SELECT * FROM u WHERE a = $1", 1), page(&cursor)),
        find(&postgres, Some("app"), verb(sql, 1), page(&cursor)),
        find(&postgres, None, verb(sql, 1), page("MTAuYQ")),
        find(&postgres, None, Verb::Execute(statement("DELETE FROM t", list(&[]))), page(&cursor)),
    ] {
        assert_eq!(other.unwrap_err().code, Code::InvalidArgument);
    }
}

#[test]
fn a_call_without_a_target_means_the_only_one() {
    let target = |name: &str| {
        json!({
            "kind": "sql", "name": name, "engine": "postgresql", "host": format!("{name}.example.com"),
            "databases": ["app"],
        })
    };
    let operation = |target: Option<&str>| {
        let verb = Verb::Schema { schema: None };
        Operation::new(target.map(Into::into), None, verb, Page::default()).into()
    };
    let targets = |names: &[&str]| {
        let configs = names.iter().map(|name| serde_json::from_value(target(name)).unwrap());
        Targets::new(configs.collect())
    };
    let one = targets(&["a"]).unwrap();
    assert_eq!(one.resolve(&operation(None)).unwrap().target().name(), "a");
    assert_eq!(one.resolve(&operation(Some("A"))).unwrap().target().name(), "a");
    let two = targets(&["a", "b"]).unwrap();
    assert_eq!(two.resolve(&operation(Some("b"))).unwrap().target().name(), "b");
    let failure = two.resolve(&operation(None)).unwrap_err().explain(&["a/app/", "b/app/"]);
    assert!(failure.remedy.contains("a/app/, b/app/"), "{}", failure.remedy);
    assert_eq!(
        two.resolve(&operation(Some("c"))).unwrap_err().explain(&[]).code,
        Code::UnknownTarget
    );
}

#[test]
fn functions_are_compared_as_the_engine_folds_them() {
    for (engine, given, sql, reads) in [
        ("postgresql", "hr.Bonus", "SELECT hr.bonus(1) AS b", true),
        ("postgresql", "hr.Bonus", "SELECT HR.BONUS(1) AS b", true),
        ("postgresql", "hr.Bonus", "SELECT \"hr\".\"bonus\"(1) AS b", true),
        ("postgresql", "hr.Bonus", "SELECT hr.\"Bonus\"(1) AS b", false),
        ("postgresql", "hr.\"Bonus\"", "SELECT hr.\"Bonus\"(1) AS b", true),
        ("postgresql", "hr.\"Bonus\"", "SELECT hr.bonus(1) AS b", false),
        // A dot in a name makes no schema of it.
        ("postgresql", "hr.bonus", "SELECT \"hr.bonus\"(1) AS b", false),
        ("postgresql", "\"hr.bonus\"", "SELECT \"hr.bonus\"(1) AS b", true),
        ("postgresql", "\"hr.bonus\"", "SELECT hr.bonus(1) AS b", false),
        ("postgresql", "a.b", "SELECT x.a.b(1) AS b", false),
        // A letter whose small one is another's.
        ("postgresql", "\"\u{212a}ind\"", "SELECT kind(1) AS b", false),
        ("sqlserver", "dbo.Bonus", "SELECT DBO.bonus(1) AS b", true),
        ("sqlserver", "dbo.[Bonus]", "SELECT [dbo].[BONUS](1) AS b", true),
        ("sqlserver", "[dbo.bonus]", "SELECT dbo.bonus(1) AS b", false),
    ] {
        let endpoint = endpoint(engine, &json!({ "readFunctions": [given] })).unwrap();
        let found = query(&endpoint, sql, list(&[]));
        assert_eq!(found.is_ok(), reads, "{given}: {sql}");
    }
    for given in ["", "a.b.c", "a b", "\u{212a}ind", "\"a", "\"\"", "a.", ".a", "a;b", "\"a\"b"] {
        let wrong = endpoint("postgresql", &json!({ "readFunctions": [given] })).unwrap_err();
        assert_eq!(wrong.0, "readFunctions", "{given}");
    }
}

/// A session in which all is done at once, and that nobody hears of being as new.
#[derive(Default)]
struct Stuck(Life);

impl Keep for Stuck {
    fn is_lost(&self) -> bool {
        self.0.is_over()
    }

    fn end(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}

impl Session for Stuck {
    async fn log_in(
        _: &Network,
        _: &CallContext,
        _: Option<&ServiceCredential<'_>>,
        _: &Place<'_>,
    ) -> Result<Self, Failure> {
        Ok(Self::default())
    }

    fn database(&self) -> &str {
        "app"
    }

    fn life(&self) -> &Life {
        &self.0
    }

    fn life_mut(&mut self) -> &mut Life {
        &mut self.0
    }

    async fn look(&mut self, _: &Place<'_>, _: &Work) -> Result<(), NotDone> {
        Ok(())
    }

    async fn act(
        &mut self,
        _: &Place<'_>,
        _: &Work,
        _: &mut Rows,
        doubt: &Doubt,
    ) -> Result<Done, NotDone> {
        doubt.begin();
        Ok(Done { changed: Some(3) })
    }

    async fn tell_clean(&mut self) -> bool {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_done_is_told_and_not_lost_while_its_session_is_cleaned() {
    let config = json!({
        "kind": "sql", "engine": "sqlserver", "name": "db", "host": "db.example.com", "databases": ["app"]
    });
    let targets = Targets::new(vec![serde_json::from_value(config).unwrap()]).unwrap();
    let target = targets.iter().next().unwrap();
    let endpoint = endpoint("sqlserver", &json!({})).unwrap();
    let verb = Verb::Execute(statement("UPDATE t SET a = 1", list(&[])));
    let task = find(&endpoint, Some("app"), verb, Page::default()).unwrap().task;
    let place = Place { target, endpoint: &endpoint, database: "app", identity: "alice".into() };
    let begun = Instant::now();
    let deadline = begun + Duration::from_secs(2);
    let cx = CallContext { deadline, clock: Arc::new(SystemClock), random: Arc::new(OsRandom) };
    let (kept, doubt) = (Kept::new(1024, State::in_memory()), Doubt::of(Client::effect(&task)));
    let on = standing("alice", "db", 1104, 1);
    let ran = run(&kept, Stuck::default(), &cx, &place, &task, Some(&on), &doubt);
    let Ok(Run::Answered(Ok(outcome))) = timeout_at(deadline, ran).await else {
        panic!("what was done is not told");
    };
    assert_eq!(outcome.beside.rows_affected, Some(3));
    assert_eq!(begun.elapsed(), Duration::ZERO, "nobody waited");
    // Given up now by whoever asked, it is no failure to be repeated.
    assert!(!doubt.explain(Failure::new(Code::Cancelled, "", "")).retryable);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(kept.take(&on, &SystemClock, |_: &Stuck| true).is_none(), "and it is not kept");
}
