//! What is done when the server has lost its memory, or is an older copy of itself.

use super::script::{self, Answer, unexpected};
use super::windows::window_kept;
use super::{RedisHot, Transport};
use crate::accounts::Spent;
use crate::admission::Cancel;
use crate::money::WindowId;
use crate::ports::{Admission as _, Clock, Continuity, Duties, Loss, Random, Recovery, Unavailable};
use crate::version::Generation;

/// What the script is told if another generation begins with it.
const BEGINS: &str = "1";

/// What it is told otherwise.
const GOES_ON: &str = "0";

/// How many sums a script is told at once: some hundred kilobytes.
const AT_ONCE: usize = 4000;

/// For how many seconds what was put beside is kept, if it never counts.
const STAGED: i64 = 600;

impl<T: Transport, C: Clock, R: Random> RedisHot<T, C, R> {
    /// Runs an operation that believes what the server knows; `keys` follow the generation's. A server that does not know
    /// the script may be another than before, or an older copy: another generation begins in the same step.
    pub(super) async fn believe(
        &self,
        operation: &str,
        keys: Vec<String>,
        arguments: Vec<String>,
    ) -> Result<Answer, Unavailable> {
        let keys: Vec<String> = std::iter::once(self.keys.generation()).chain(keys).collect();
        let mut all = Vec::with_capacity(3 + arguments.len());
        all.extend([GOES_ON.to_owned(), operation.to_owned(), self.fresh_generation()]);
        all.extend(arguments);
        let first_argument = 3 + keys.len();
        let mut command = self.believing.command(keys, all);
        let mut reply = self.transport.send(&command).await?;
        if script::is_missing(&reply) {
            tracing::info!("redis has no script of this store; another generation of the hot state begins");
            self.believing.spell_out(&mut command);
            BEGINS.clone_into(&mut command[first_argument]);
            reply = self.transport.send(&command).await?;
        }
        Answer::of(script::accepted(reply)?)
    }

    /// Puts what was spent in a window beside what the server believes, some of it at a time.
    async fn stage(&self, recovery: &Recovery, window: &WindowId, staged: &str) -> Result<(), Unavailable> {
        let spent: Vec<&Spent> = recovery.spent.iter().filter(|spent| spent.key.window == *window).collect();
        for part in spent.chunks(AT_ONCE) {
            let sums = part.iter().flat_map(|spent| [spent.key.counter.to_string(), spent.amount.0.to_string()]);
            let arguments = std::iter::once(STAGED.to_string()).chain(sums).collect();
            script::run(&self.transport, &script::STAGE, vec![staged.to_owned()], arguments).await?;
        }
        Ok(())
    }
}

impl<T: Transport, C: Clock, R: Random> Continuity for RedisHot<T, C, R> {
    async fn begin_generation(&self) -> Result<Generation, Unavailable> {
        let keys = vec![self.keys.generation()];
        let arguments = vec![BEGINS.to_owned(), "begin".to_owned(), self.fresh_generation()];
        let reply = script::run(&self.transport, &self.believing, keys, arguments).await?;
        Answer::of(reply)?.read().map(Generation)
    }

    async fn beat(&self, seen: u64) -> Result<u64, Unavailable> {
        self.believe("beat", vec![self.keys.beats()], vec![seen.to_string()]).await?.read()
    }

    async fn loss(&self) -> Result<Option<Loss>, Unavailable> {
        let keys = vec![self.keys.recovered(), self.keys.usage(), self.keys.places(), self.keys.leases()];
        let mut answer = self.believe("loss", keys, Vec::new()).await?;
        if answer.text()? == "none" {
            return Ok(None);
        }
        let (generation, through) = (Generation(answer.read()?), answer.read()?);
        let has_pending = answer.text()? == "waiting";
        let mut open = Vec::new();
        while !answer.is_empty() {
            open.push(answer.read()?);
        }
        Ok(Some(Loss { generation, through, has_pending, open }))
    }

    async fn recover(&self, recovery: &Recovery) -> Result<bool, Unavailable> {
        // The log has them: whatever becomes of this recovery, they are closed.
        for lease in &recovery.closed {
            self.cancel(Cancel { lease: *lease, now: recovery.now }).await?;
        }
        // Two recoveries at once do not get into each other's way: each has its own, and one of them counts.
        let name = self.fresh_generation();
        let mut keys = vec![self.keys.recovered(), self.keys.usage(), self.keys.places(), self.keys.beats()];
        let mut arguments =
            vec![recovery.generation.0.to_string(), recovery.through.to_string(), recovery.beats.to_string()];
        for window in &recovery.windows {
            let staged = self.keys.staged(&window.id, &name);
            self.stage(recovery, &window.id, &staged).await?;
            keys.extend([staged, self.keys.spent(&window.id)]);
            arguments.push(window_kept(window, recovery.now));
        }
        match self.believe("recover", keys, arguments).await?.text()?.as_str() {
            "done" => Ok(true),
            "overtaken" => Ok(false),
            _ => Err(unexpected()),
        }
    }
}

impl<T: Transport, C: Clock, R: Random> Duties for RedisHot<T, C, R> {
    async fn claim(&self, duty: &str, holder: &str, seconds: u32) -> Result<bool, Unavailable> {
        let arguments = vec![holder.to_owned(), seconds.to_string()];
        let reply = script::run(&self.transport, &script::CLAIM, vec![self.keys.duty(duty)], arguments).await?;
        Ok(Answer::of(reply)?.text()? == "yours")
    }
}
