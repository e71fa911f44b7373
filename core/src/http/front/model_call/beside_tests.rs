//! Calls that go to their provider beside the question whether they may.

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use super::tests::{JSON, Scene, message};
use crate::admission::ErrorType;
use crate::conformance::faulty::Fault;
use crate::http::front::testing::Reply;
use crate::ports::{HttpError, Usage as _};

const FRESH: &str = "[admission]\nfreshness = \"5s\"\n";

impl Scene {
    /// Starts a gateway that remembers verdicts for five seconds, and makes a first call.
    async fn fresh(more: &str) -> Self {
        let scene = Self::with(&format!("{FRESH}{more}")).await;
        scene.answer();
        assert_eq!(scene.ask("/v1/messages", &message(false)).await.0, StatusCode::OK);
        scene.settlement().await;
        scene.world.provider.sent();
        scene
    }

    fn answer(&self) {
        let answer = json!({"model": "claude-2026", "usage": {"input_tokens": 20, "output_tokens": 7}}).to_string();
        self.world.provider.will_answer(200, JSON, vec![Ok(Bytes::from(answer))]);
    }

    /// Calls while the hot state never answers, and returns how often the provider was asked.
    async fn asked_without_a_verdict(&self) -> usize {
        self.world.hot_faults.fail_next(Fault::Stalled);
        self.answer();
        let answer = self.ask("/v1/messages", &message(false)).await;
        assert_eq!(answer.0, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.2);
        self.world.settled().await;
        self.world.provider.sent().len()
    }

    async fn costs_nothing(&self) {
        self.world.settled().await;
        let (events, _) = self.world.hot.pending_usage(10).await.unwrap();
        assert!(events.is_empty(), "{events:?}");
        assert_eq!(self.control.sweep().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn asks_the_provider_before_the_verdict_comes_and_tells_nothing_without_it() {
    let scene = Scene::fresh("").await;
    assert_eq!(scene.asked_without_a_verdict().await, 1);
    scene.costs_nothing().await;
}

#[tokio::test]
async fn waits_for_the_verdict_where_none_is_fresh() {
    let strict = Scene::with("").await;
    strict.answer();
    strict.ask("/v1/messages", &message(false)).await;
    strict.world.provider.sent();
    assert_eq!(strict.asked_without_a_verdict().await, 0, "by default every call waits");

    let scene = Scene::fresh("").await;
    scene.world.clock.advance(std::time::Duration::from_secs(5));
    assert_eq!(scene.asked_without_a_verdict().await, 0, "five seconds later");
}

#[tokio::test]
async fn waits_for_the_verdict_after_one_that_failed() {
    let scene = Scene::fresh("").await;
    assert_eq!(scene.asked_without_a_verdict().await, 1);
    assert_eq!(scene.asked_without_a_verdict().await, 0);
}

#[tokio::test]
async fn waits_for_the_verdict_where_a_budget_has_little_room() {
    // 107 tokens at a dollar and 100 at five are well below a thousandth of a dollar, and twenty times that above a hundredth.
    let budget = |amount: &str| format!("[[budgets]]\nscope = \"org\"\nwindow = \"total\"\namount = \"{amount}\"\n");
    let roomy = Scene::fresh(&budget("1.00")).await;
    assert_eq!(roomy.asked_without_a_verdict().await, 1);
    let tight = Scene::fresh(&budget("0.01")).await;
    assert_eq!(tight.asked_without_a_verdict().await, 0);
}

#[tokio::test]
async fn answers_with_the_refusal_and_not_with_the_provider() {
    let scene = Scene::fresh("").await;
    assert_eq!(scene.world.revoke(&scene.ann).await.0, StatusCode::OK);
    scene.answer();
    let (status, _, body) = scene.ask("/v1/messages", &message(false)).await;
    assert_eq!((status, body["error"]["message"].as_str()), (StatusCode::UNAUTHORIZED, Some("token revoked")));
    scene.costs_nothing().await;
}

#[tokio::test]
async fn charges_a_call_that_was_sent_beside_its_verdict_once() {
    let scene = Scene::fresh("").await;
    scene.answer();
    assert_eq!(scene.ask("/v1/messages", &message(false)).await.0, StatusCode::OK);
    // 20 tokens at a dollar per million, 7 at five.
    assert_eq!(scene.settlement().await.cost.0, 20_000 + 35_000);

    scene.world.provider.will(Reply::Error(HttpError::Timeout));
    assert_eq!(scene.ask("/v1/messages", &message(false)).await.0, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(scene.settlement().await.cost.0, 0, "a provider that fails costs nothing");
}

#[tokio::test]
async fn charges_the_input_if_the_client_leaves_before_the_verdict() {
    let scene = Scene::fresh("").await;
    let leave = async || {
        scene.world.hot_faults.fail_next(Fault::Stalled);
        let body = message(false);
        let mut call = Box::pin(scene.ask("/v1/messages", &body));
        while scene.world.provider.sent().is_empty() {
            assert!(futures_util::poll!(&mut call).is_pending());
        }
    };
    leave().await;
    let settlement = scene.settlement().await;
    assert_eq!((settlement.error, settlement.estimated), (Some(ErrorType::ClientGone), true));
    assert!(settlement.usage.input > 0 && settlement.usage.output == 0, "{:?}", settlement.usage);

    assert_eq!(scene.world.revoke(&scene.ann).await.0, StatusCode::OK);
    leave().await;
    scene.costs_nothing().await;
}

#[tokio::test]
async fn waits_for_the_verdict_before_going_on_from_an_earlier_answer() {
    let scene = Scene::fresh("").await;
    let body = json!({"model": "gpt", "input": "ping", "previous_response_id": "resp_1"});
    scene.answer();
    let (status, ..) = scene.ask("/v1/responses", &body).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(scene.world.provider.sent().is_empty());
}
