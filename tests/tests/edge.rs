//! What the Worker serves.

use gateway_tests::{Deployment, assert_alive};

#[tokio::test]
async fn says_that_it_lives() {
    let deployment = Deployment::edge("").await;
    assert_alive(deployment.origin()).await;
}
