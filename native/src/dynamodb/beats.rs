//! How often the hot state's beats were counted.

use gateway_core::ports::{Beats, Unavailable};

use super::DynamoRecords;
use super::call::Change;
use super::item::{number, number_of};
use super::key::Key;

fn key() -> Key {
    Key::new("BEATS", "BEATS")
}

impl Beats for DynamoRecords {
    async fn beats(&self) -> Result<u64, Unavailable> {
        let noted = self.read(&key()).await?;
        let noted = noted.map(|item| number_of(&item, "beats")).transpose()?;
        Ok(noted.unwrap_or(0).cast_unsigned())
    }

    async fn note_beats(&self, count: u64) -> Result<(), Unavailable> {
        let noted = self.change(Change {
            key: key(),
            update: "SET beats = :beats",
            condition: Some("attribute_not_exists(beats) OR beats < :beats"),
            values: vec![(":beats", number(count))],
            added: Vec::new(),
        });
        noted.await.map(drop)
    }
}
