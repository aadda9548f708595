//! Who acts for the user (RFC 8693 sections 4.1 and 4.4). Only the outermost actor counts; what is
//! nested in it is history, which may say anything.

use serde_json::{Map, Value};

use super::config::TokenExchangeConfig;
use crate::identity::{Caller, Claims};

/// How many actors deep a token may be.
const DEEPEST: usize = 5;

/// Why a token does not let this server act.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NoActor {
    /// `act` is malformed or nested too deep.
    Malformed,
    /// Somebody else acts.
    Another,
    /// Nobody does, and that is required.
    Nobody,
    /// The caller's token lets somebody else act, and not this server.
    NotAllowed,
}

/// Looks at who acts by an exchanged token.
pub(super) fn check(
    exchanged: &Claims,
    caller: &Caller,
    config: &TokenExchangeConfig,
) -> Result<(), NoActor> {
    let act = match exchanged.get("act") {
        None => None,
        Some(Value::Object(act)) if depth(act) <= DEEPEST => Some(act),
        Some(_) => return Err(NoActor::Malformed),
    };
    // Some providers write the user herself: she is no actor.
    let actor = act.filter(|act| !is_the_user(act, caller));
    match actor {
        Some(actor) if is_us(actor, config) => Ok(()),
        Some(_) => Err(NoActor::Another),
        None if config.require_actor => Err(NoActor::Nobody),
        None => Ok(()),
    }
}

/// Looks at whom the caller's own token lets act.
pub(super) fn check_may_act(caller: &Caller, config: &TokenExchangeConfig) -> Result<(), NoActor> {
    match caller.may_act() {
        None => Ok(()),
        Some(Value::Object(may_act)) if is_us(may_act, config) => Ok(()),
        Some(_) => Err(NoActor::NotAllowed),
    }
}

fn is_the_user(act: &Map<String, Value>, caller: &Caller) -> bool {
    let is = |name, value: &str| act.get(name).and_then(Value::as_str) == Some(value);
    is("sub", caller.subject()) && (!act.contains_key("iss") || is("iss", caller.issuer()))
}

/// This server by its client id, or one that is configured to stand for it. All that is said must fit.
fn is_us(act: &Map<String, Value>, config: &TokenExchangeConfig) -> bool {
    let named: Vec<_> =
        ["sub", "client_id", "azp"].iter().filter_map(|name| act.get(*name)).collect();
    let is_one = |value: &&Value| {
        value.as_str().is_some_and(|name| {
            name == config.client_id || config.actors.iter().any(|actor| actor == name)
        })
    };
    !named.is_empty() && named.iter().all(is_one)
}

fn depth(act: &Map<String, Value>) -> usize {
    let (mut depth, mut inner) = (1, act.get("act"));
    while let Some(next) = inner {
        depth += 1;
        inner = next.get("act");
    }
    depth
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(change: &Value) -> TokenExchangeConfig {
        let mut config = json!({
            "tokenEndpoint": "https://idp.example/token", "clientId": "us", "clientSecret": "s",
            "audience": "a"
        });
        config.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        serde_json::from_value(config).unwrap()
    }

    fn claims(claims: &Value) -> Claims {
        Claims::from_json(claims.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn only_the_outermost_actor_counts_and_the_user_is_none() {
        let caller = Caller::unverified("https://idp.example", "alice", None);
        let check = |change: Value, act: Value| {
            check(&claims(&json!({ "sub": "alice", "act": act })), &caller, &config(&change))
        };
        let none = || json!({});
        // As the seeds print it.
        let herself = json!({ "sub": "alice", "iss": "https://idp.example" });
        assert_eq!(check(none(), herself.clone()), Ok(()));
        assert_eq!(check(json!({ "requireActor": true }), herself), Err(NoActor::Nobody));
        // Another issuer's alice is somebody else.
        let other = json!({ "sub": "alice", "iss": "https://evil.example" });
        assert_eq!(check(none(), other), Err(NoActor::Another));
        let us = json!({ "sub": "us" });
        for requires in [false, true] {
            assert_eq!(check(json!({ "requireActor": requires }), us.clone()), Ok(()));
        }
        assert_eq!(check(none(), json!({ "client_id": "us" })), Ok(()));
        assert_eq!(
            check(none(), json!({ "sub": "8fa7", "client_id": "us" })),
            Err(NoActor::Another)
        );
        let uuid = json!({ "actors": ["8fa7"] });
        assert_eq!(check(uuid, json!({ "sub": "8fa7", "client_id": "us" })), Ok(()));
        // What is nested says nothing.
        assert_eq!(check(none(), json!({ "sub": "us", "act": { "sub": "agent" } })), Ok(()));
        let outermost = json!({ "sub": "agent", "act": { "sub": "us" } });
        assert_eq!(check(none(), outermost), Err(NoActor::Another));
        for act in [json!("us"), json!([]), json!(7), Value::Null] {
            assert_eq!(check(none(), act), Err(NoActor::Malformed));
        }
        assert_eq!(check(none(), json!({})), Err(NoActor::Another));
    }

    #[test]
    fn actors_are_five_deep_at_most() {
        let caller = Caller::unverified("https://idp.example", "alice", None);
        let nested = |levels: usize| {
            (1..levels)
                .fold(json!({ "sub": "us" }), |inner, _| json!({ "sub": "us", "act": inner }))
        };
        for (levels, expected) in
            [(5, Ok(())), (6, Err(NoActor::Malformed)), (100, Err(NoActor::Malformed))]
        {
            let claims = claims(&json!({ "sub": "alice", "act": nested(levels) }));
            assert_eq!(check(&claims, &caller, &config(&json!({}))), expected, "{levels}");
        }
    }

    #[test]
    fn a_token_that_names_who_may_act_lets_nobody_else() {
        let caller = || Caller::unverified("https://idp.example", "alice", None);
        assert_eq!(check_may_act(&caller(), &config(&json!({}))), Ok(()));
        let check = |may_act| check_may_act(&caller().with_may_act(may_act), &config(&json!({})));
        assert_eq!(check(json!({ "sub": "us" })), Ok(()));
        assert_eq!(check(json!({ "client_id": "us" })), Ok(()));
        for other in [json!({ "sub": "agent" }), json!({}), json!("us"), json!({ "sub": ["us"] })] {
            assert_eq!(check(other), Err(NoActor::NotAllowed));
        }
    }
}
