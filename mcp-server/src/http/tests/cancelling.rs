//! Calls that are cancelled by a notification on another connection.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;

const ELSEWHERE: (&str, &str) = ("authorization", "Bearer alice-elsewhere");

struct Service {
    app: Router,
    fake: Arc<Fake>,
    started: usize,
}

impl Service {
    fn new() -> Self {
        let (app, fake, _) = app("");
        Self { app, fake, started: 0 }
    }

    /// A call that is under way once this returns.
    async fn call(&mut self, from: (&str, &str), id: Value) -> JoinHandle<Value> {
        let mut message = read(r"\\files\corp\endless");
        message["id"] = id;
        let (app, request) = (self.app.clone(), post(&[from], &message));
        let call = tokio::spawn(async move { json_body(send(&app, request).await).await });
        self.started += 1;
        timeout(Duration::from_secs(5), async {
            while self.count("started") < self.started {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .unwrap();
        call
    }

    async fn cancel(&self, from: (&str, &str), id: Value) {
        let message = json!({
            "jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": {"requestId": id, "reason": "changed my mind"}
        });
        let response = send(&self.app, post(&[from], &message)).await;
        assert_eq!(response.status(), StatusCode::ACCEPTED);
    }

    fn count(&self, event: &str) -> usize {
        self.fake.events().iter().filter(|seen| *seen == event).count()
    }
}

#[tokio::test]
async fn a_notification_cancels_the_call_of_that_id() {
    let mut service = Service::new();
    for id in [json!(1), json!("a-b-c")] {
        let call = service.call(ALICE, id.clone()).await;
        service.cancel(ALICE, id.clone()).await;
        let answer = timeout(Duration::from_secs(5), call).await.unwrap().unwrap();
        assert_eq!((&answer["id"], &answer["result"]["isError"]), (&id, &json!(true)));
        assert_eq!(answer["result"]["structuredContent"]["error"]["code"], "CANCELLED");
    }
    assert_eq!(service.count("cancelled"), 2);
}

#[tokio::test]
async fn a_notification_cancels_nothing_else() {
    let mut service = Service::new();
    let call = service.call(ALICE, json!(1)).await;
    // Another id, the same in another type, none, and the same user by another client.
    for id in [json!(2), json!("1"), json!(null), json!(1.0), json!({})] {
        service.cancel(ALICE, id).await;
    }
    service.cancel(ELSEWHERE, json!(1)).await;
    // Two sessions of one client count alike: neither is meant.
    let same = service.call(ALICE, json!(1)).await;
    service.cancel(ALICE, json!(1)).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(service.count("cancelled"), 0);
    // When one of them has ended, the other is.
    same.abort();
    service.fake.wait_for("cancelled").await;
    assert!(!call.is_finished());
    service.cancel(ALICE, json!(1)).await;
    timeout(Duration::from_secs(5), call).await.unwrap().unwrap();
    // Nothing of them is left: the next call of that id runs.
    let call = service.call(ALICE, json!(1)).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(service.count("cancelled"), 2);
    call.abort();
}
