//! What the Worker serves.

use gateway_tests::assert_alive;
use gateway_tests::edge::EdgeWorker;

#[tokio::test]
async fn says_that_it_lives() {
    let worker = EdgeWorker::start().await.unwrap();
    assert_alive(worker.url()).await;
}
