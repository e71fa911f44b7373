//! The suite on a database that somebody has, for `scripts/smoke-upstash`.

use std::time::Duration;

use gateway_core::ports::Unavailable;
use gateway_core::redis::{Reply, Transport as _};
use gateway_tests::place;

use crate::support::{Recording, Store, block_on, store_on};
use crate::way::way;

/// How long a command may take: the database may be on another continent.
const DEADLINE: Duration = Duration::from_secs(10);

/// Removes what a test has left when it is dropped.
struct Cleaner {
    transport: Recording,
    name: String,
}

impl Drop for Cleaner {
    fn drop(&mut self) {
        // A database that does not answer any more has failed the test already.
        let _ = block_on(self.clean());
    }
}

impl Cleaner {
    async fn clean(&self) -> Result<(), Unavailable> {
        let mut cursor = "0".to_owned();
        loop {
            let pattern = format!("gw:{{{}}}:*", self.name);
            let found = self.send(&["SCAN", &cursor, "MATCH", &pattern, "COUNT", "1000"]).await?;
            let Reply::List(parts) = found else { return Ok(()) };
            let [Reply::Text(next), Reply::List(keys)] = &parts[..] else { return Ok(()) };
            for key in keys {
                if let Reply::Text(key) = key {
                    self.send(&["DEL", key]).await?;
                }
            }
            cursor.clone_from(next);
            if cursor == "0" {
                return Ok(());
            }
        }
    }

    async fn send(&self, command: &[&str]) -> Result<Reply, Unavailable> {
        self.transport.send(&command.iter().map(|&part| part.to_owned()).collect::<Vec<_>>()).await
    }
}

/// Makes a store with a name that nobody has used.
fn store() -> (Store, Cleaner) {
    let told = |name| place(name).expect("scripts/smoke-upstash says which database").to_string_lossy().into_owned();
    let (url, token) = (told("LLM_GATEWAY_UPSTASH_URL"), told("LLM_GATEWAY_UPSTASH_TOKEN"));
    let transport = Recording::of(way(&url, &token, DEADLINE));
    let mut random = [0; 8];
    #[expect(clippy::disallowed_methods, reason = "a name that nobody has used")]
    getrandom::fill(&mut random).expect("the operating system has randomness");
    let name = format!("smoke-{:016x}", u64::from_be_bytes(random));
    (store_on(&transport, &name), Cleaner { transport, name })
}

gateway_core::hot_conformance!(ignored "it needs a database: scripts/smoke-upstash", block_on, store());
