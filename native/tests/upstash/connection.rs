//! A bridge that counts, and servers that answer anything.

use std::time::Duration;

use gateway_core::admission::Verdict;
use gateway_core::conformance::fixture::{START, admit, settlement};
use gateway_core::conformance::hot::install_all;
use gateway_core::ports::{Admission as _, Hot};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::{Recording, block_on, server, store_on};
use crate::way::{start, way};

/// A token that nobody looks at.
const TOKEN: &str = "obviously-a-fake-token";

/// How long a test waits for what must come at once, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long commands may take where they are not answered.
const SHORT: Duration = Duration::from_millis(200);

async fn unavailable(hot: &impl Hot) -> String {
    let answer = tokio::time::timeout(PATIENCE, hot.admit(&admit(1, 1, START, 60, &[]))).await;
    let error = answer.expect("it gives up by itself").expect_err("nobody answers");
    assert_eq!(error.to_string(), "redis is unavailable");
    format!("{error:?}")
}

#[test]
fn sends_one_request_for_each_admit_and_settle() {
    block_on(async {
        let (transport, server) = server().await;
        let hot = store_on(&transport, "main");
        install_all(&hot, 2).await;
        for lease in 1..=2 {
            let before = server.bridge().requests();
            assert!(matches!(hot.admit(&admit(1, lease, START, 60, &[])).await.unwrap(), Verdict::Admitted(_)));
            assert_eq!(server.bridge().requests(), before + 1);
            hot.settle(&settlement(lease, START, 25)).await.unwrap();
            if lease > 1 {
                assert_eq!(server.bridge().requests(), before + 2);
            }
        }
    });
}

#[test]
fn gives_up_on_a_server_that_stalls() {
    block_on(async {
        let (transport, server) = start(SHORT).await;
        let hot = store_on(&transport, "main");
        server.relay().delay(Duration::from_hours(1));
        unavailable(&hot).await;
    });
}

#[test]
fn is_unavailable_until_the_server_is_back() {
    block_on(async {
        let (transport, mut server) = server().await;
        let hot = store_on(&transport, "main");
        install_all(&hot, 2).await;
        server.redis().stop();
        unavailable(&hot).await;
        server.redis().start_again().await;
        let verdict = hot.admit(&admit(1, 1, START, 60, &[])).await.unwrap();
        assert!(matches!(verdict, Verdict::Unknown(_)), "an empty server knows nobody");
    });
}

#[test]
fn tells_that_its_token_is_not_taken_without_telling_it() {
    block_on(async {
        let (_, server) = server().await;
        let wrong = Recording::of(way(server.bridge().url(), "not-this-token", PATIENCE));
        let error = unavailable(&store_on(&wrong, "main")).await;
        assert!(error.contains("Token") && !error.contains("not-this-token"), "{error}");
    });
}

/// Answers every request with these bytes, and then nothing.
async fn answering(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it listens"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 64 * 1024];
            // Whether all of it was read does not matter: nobody looks at it.
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(&bytes).await;
        }
    });
    url
}

/// What a database answers that admits a call.
const ADMITTED: &str = "{\"result\":[\"admitted\",\"user1@example.com\"]}";

fn answer(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[test]
fn believes_no_odd_answer() {
    block_on(async {
        let honest = answering(answer("200 OK", ADMITTED)).await;
        let transport = Recording::of(way(&honest, TOKEN, PATIENCE));
        let verdict = store_on(&transport, "main").admit(&admit(1, 1, START, 60, &[])).await;
        assert!(matches!(verdict, Ok(Verdict::Admitted(_))), "{verdict:?}");

        let huge = ADMITTED.to_owned() + &" ".repeat(17 * 1024 * 1024);
        let cut = &answer("200 OK", ADMITTED)[..80];
        for bytes in [
            Vec::new(),
            b"not http at all\r\n\r\n".to_vec(),
            answer("200 OK", "{}"),
            answer("200 OK", "{\"result\":\"done\"}"),
            answer(&format!("307 Temporary Redirect\r\nlocation: {honest}"), ADMITTED),
            answer("500 Oops", ADMITTED),
            answer("200 OK", &huge),
            cut.to_vec(),
        ] {
            let transport = Recording::of(way(&answering(bytes).await, TOKEN, PATIENCE));
            unavailable(&store_on(&transport, "main")).await;
        }
    });
}

#[test]
fn is_unavailable_where_nobody_listens() {
    block_on(async {
        let nowhere = format!("http://127.0.0.1:{}", gateway_tests::free_port().unwrap());
        let transport = Recording::of(way(&nowhere, TOKEN, PATIENCE));
        unavailable(&store_on(&transport, "main")).await;
    });
}
