//! A service account that comes itself, in the place of users: only where it is configured so, only
//! where policy names paths, and with everybody told.

use krb_proto::kdc::Asked;
use krb_tests::world::directory::{
    INTRANET, SERVICE, SERVICE_AS_ITSELF, STAFF, WEBAPP, directory, sid,
};
use krb_tests::world::{Seeded, Setup, World, count, further_account};
use serde_json::{Value, json};

/// The intranet is reached by an account that comes itself. The block is the one of the seeds.
fn change(configuration: &mut Value) {
    let account = further_account(configuration, "reports", SERVICE_AS_ITSELF);
    account["delegation"] =
        json!({ "mode": "service-account", "warnOnAccess": true, "auditUserContext": true });
    configuration["targets"][1]["account"] = json!("reports");
}

const POLICY: &str = r#"
    @id("webapp") permit (principal, action, resource == Target::"webapp");
    @id("reports") permit (principal, action == Action::"http:get", resource == Target::"intranet")
        when { ["/whoami", "/documents/report"].contains(context.path) };
"#;

const WARNING: &str = "Resource accessed as service account, not user";

async fn world() -> World {
    World::with(Setup { change, policy: POLICY.into(), ..Setup::default() }).await
}

fn url(path: &str) -> String {
    format!("http://{INTRANET}{path}")
}

#[tokio::test(start_paused = true)]
async fn the_resource_sees_the_service_and_record_and_answer_name_both() {
    let world = world().await;
    let token = world.idp.issuer.token_for("bob");
    // bob is not of the staff, who may read it.
    assert_eq!(world.get_as("bob", "/documents/report").await.code(), "ACCESS_DENIED");
    let answer = world.get(&token, &url("/documents/report")).await;
    let read: Value = serde_json::from_str(answer.content()).unwrap();
    assert_eq!(read["readBy"]["account"], SERVICE_AS_ITSELF);
    let actual = format!("{SERVICE_AS_ITSELF}@EXAMPLE.TEST");
    let data = answer.data();
    assert_eq!(data["delegationMode"], "service-account");
    assert_eq!((&data["actualIdentity"], &data["warning"]), (&json!(actual), &json!(WARNING)));

    let records = world.audit_records().await;
    let own: Vec<_> = records.iter().filter(|one| one["target"] == "intranet").collect();
    assert_eq!(own.iter().map(|one| &one["phase"]).collect::<Vec<_>>(), ["intent", "closing"]);
    for record in own {
        assert_eq!(record["delegationMode"], "service-account");
        assert_eq!(record["actualIdentity"], actual);
        assert_eq!(record["requestedIdentity"], "bob");
        assert_eq!(record["warning"], WARNING);
        assert_eq!(record["legacyName"], "bob");
    }
    let closing = records.iter().rfind(|one| one["phase"] == "closing").unwrap();
    assert_eq!(closing["account"], SERVICE_AS_ITSELF, "{closing:#}");
    let service = sid(&world.kdcs.realm(), SERVICE_AS_ITSELF).to_string();
    assert_eq!(closing["sid"], service);
    let users = records.iter().filter(|one| one["target"] == "webapp");
    assert!(users.clone().all(|one| one["delegationMode"] == "protocol-transition"));
    assert!(users.clone().all(|one| one.get("warning").is_none()) && users.count() == 2);
}

#[tokio::test(start_paused = true)]
async fn groups_permit_nothing_where_no_kdc_says_who_the_user_is() {
    let of_staff = directory(&Seeded::new(0)).domain_sid().with_rid(STAFF).unwrap();
    let policy = format!(
        "@id(\"webapp\") permit (principal, action, resource == Target::\"webapp\")
         when {{ principal.groups.contains(\"{of_staff}\") }};
         @id(\"reports\") permit (principal, action == Action::\"http:get\",
                               resource == Target::\"intranet\")
         when {{ context.path == \"/whoami\" && principal.groups.contains(\"{of_staff}\") }};"
    );
    let world = World::with(Setup { change, policy, ..Setup::default() }).await;
    assert!(world.get_as("erin", "/whoami").await.content().contains("erin@EXAMPLE.TEST"));
    world.kdcs.take_seen();
    let token = world.idp.issuer.token_for("erin");
    assert_eq!(world.get(&token, &url("/whoami")).await.code(), "POLICY_DENIED");
    assert_eq!(world.kdcs.take_seen().len(), 0, "nobody is asked");
    assert_eq!(world.visits(INTRANET), []);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_impersonated_by_it_and_nobody_ends_in_it() {
    let world = world().await;
    for user in ["dave", "eve", "nobody-at-all", SERVICE] {
        // Whatever it is refused with: no ticket of an account's own is asked for.
        assert!(world.get_as(user, "/whoami").await.body["result"]["isError"] == true, "{user}");
    }
    assert_eq!(count(&world.kdcs.take_seen(), Asked::Service), 0);
    assert_eq!(world.visits(WEBAPP), []);
    let token = world.idp.issuer.token_for("bob");
    assert!(world.get(&token, &url("/whoami")).await.content().contains(SERVICE_AS_ITSELF));
    let seen = world.kdcs.take_seen();
    assert_eq!((count(&seen, Asked::Service), count(&seen, Asked::S4uProxy)), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn only_the_paths_of_the_policy_are_reached() {
    let world = world().await;
    let token = world.idp.issuer.token_for("bob");
    for path in ["/documents/bob", "/", "/whoami/", "/documents/report/x"] {
        assert_eq!(world.get(&token, &url(path)).await.code(), "POLICY_DENIED", "{path}");
    }
    assert_eq!(world.visits(INTRANET), []);
    // What it may not see, nobody sees by it; and the failure says who was there.
    let policy = POLICY.replace("/documents/report", "/documents/bob");
    let world = World::with(Setup { change, policy, ..Setup::default() }).await;
    let (code, message, _) = world.get(&token_of(&world), &url("/documents/bob")).await.error();
    assert_eq!(code, "ACCESS_DENIED", "{message}");
    assert!(message.contains(SERVICE_AS_ITSELF), "{message}");
}

fn token_of(world: &World) -> String {
    world.idp.issuer.token_for("bob")
}

/// An account that administrates the domain is not lent to anybody.
#[tokio::test(start_paused = true)]
async fn an_administrator_does_not_come_in_the_place_of_users() {
    let realm = |realm: &mut krb_proto::kdc::Realm| {
        let account = realm.remove(SERVICE_AS_ITSELF).unwrap();
        realm.insert(account.groups([512]));
    };
    let setup = Setup { change, realm, policy: POLICY.into(), ..Setup::default() };
    let world = World::with(setup).await;
    let (code, message, _) = world.get(&token_of(&world), &url("/whoami")).await.error();
    assert_eq!(code, "NEVER_IMPERSONATED", "{message}");
    assert!(message.contains("Domain Admins"), "{message}");
    assert_eq!(world.visits(INTRANET), []);
}

/// No evidence says who it is, so that it is gone by what the token says.
#[tokio::test(start_paused = true)]
async fn whom_the_operator_listed_is_not_served_by_it() {
    let change = |configuration: &mut Value| {
        change(configuration);
        configuration["auth"]["trustedIDPs"][0]["claimMappings"] = json!({ "sid": "object_sid" });
        configuration["kerberos"]["neverImpersonate"] =
            json!({ "accounts": ["BOB"], "sids": ["S-1-5-21-1-2-3-4000"] });
    };
    let world = World::with(Setup { change, policy: POLICY.into(), ..Setup::default() }).await;
    let get = async |user: &str, sid: &str| {
        world.idp.issuer.claim_in_exchanges("object_sid", sid);
        world.get(&world.idp.issuer.token_for(user), &url("/whoami")).await
    };
    assert_eq!(get("bob", "S-1-5-21-1-2-3-4001").await.code(), "NEVER_IMPERSONATED");
    assert_eq!(get("erin", "S-1-5-21-1-2-3-4000").await.code(), "NEVER_IMPERSONATED");
    assert_eq!(world.visits(INTRANET), []);
    assert!(get("erin", "S-1-5-21-1-2-3-4001").await.content().contains(SERVICE_AS_ITSELF));
}
