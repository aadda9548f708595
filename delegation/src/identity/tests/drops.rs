//! Whoever gives up at any await changes nothing for others.

use std::pin::pin;
use std::task::{Context, Waker};

use super::*;

/// Polls a future so many times, a moment apart, and drops it; `true` if it came to its end.
async fn give_up_after(polls: usize, future: impl Future) -> bool {
    let mut future = pin!(future);
    for _ in 0..polls {
        if future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    false
}

const MOST_AWAITS: usize = 500;

#[tokio::test]
async fn giving_up_while_a_token_is_verified_changes_nothing_for_others() {
    for polls in 0..MOST_AWAITS {
        let idp = idp().await;
        idp.served().delay = Duration::from_millis(20);
        let verifier = idp.verifier();
        let ended = give_up_after(polls, verifier.verify(idp.token())).await;
        let other = verifier.verify(idp.token()).await;
        assert_eq!(other.map(|caller| caller.subject().to_owned()), Ok("a1b2".into()), "{polls}");
        assert_eq!(idp.served().key_requests, 1, "{polls}");
        if ended {
            assert!(polls > 1, "{polls}");
            return;
        }
    }
    panic!("it never ended");
}

#[tokio::test]
async fn giving_up_while_a_token_is_exchanged_changes_nothing_for_others() {
    let idp = idp().await;
    let verifier = idp.verifier();
    // One exchanger, and so one pool of connections, for all of them.
    let exchanger = idp.exchanger(&verifier);
    let caller = async |name: &str| {
        let claims = with(&idp.claims(), "sub", json!(name));
        verifier.verify(BearerToken::new(idp.sign(&claims))).await.unwrap()
    };
    let (one, other) = (caller("one").await, caller("other").await);
    for polls in 0..MOST_AWAITS {
        let ended = give_up_after(polls, exchanger.exchange(&one, None, 0, None)).await;
        let subject = exchanger.exchange(&other, None, 0, None).await.unwrap();
        assert_eq!(subject.subject(), "other", "{polls}");
        if ended {
            assert!(polls > 1, "{polls}");
            return;
        }
    }
    panic!("it never ended");
}
