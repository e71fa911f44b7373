//! What the Lambda function serves.

use gateway_tests::assert_alive;
use gateway_tests::lambda::LambdaFunction;

#[tokio::test]
async fn says_that_it_lives() {
    let function = LambdaFunction::start().await.unwrap();
    assert_alive(function.url()).await;
}
