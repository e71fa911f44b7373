//! What this process does from time to time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gateway_core::Chain;
use gateway_core::control::{Authority, Chore, Control};

use gateway_native::http_client::HttpClient;

use crate::key_source::KeySource;

/// How long one process has the duty of all this, in seconds, unless it keeps it. Another one takes over then.
const ON_DUTY: u32 = 15;

/// Between two claims of the duty.
const CLAIM: Duration = Duration::from_secs(5);

/// Between two looks at the signing keys.
const KEYS: Duration = Duration::from_mins(1);

/// Starts all of it. It ends with the runtime: nothing here has to finish.
///
/// Where several processes share the hot state, the one on duty does it; doing it twice would be no harm but twice the work, and an alert that comes
/// twice.
pub(crate) fn start<A: Authority>(control: &Control<A>, client: &HttpClient, keys: KeySource) {
    let duty = Duty::claimed_by(control, client);
    for chore in Chore::ALL {
        duty.attend_to(chore);
    }
    follow_keys(control.clone(), keys);
}

/// The duty of doing what has to be done, whoever has it.
struct Duty<A: Authority> {
    control: Control<A>,
    client: HttpClient,
    is_ours: Arc<AtomicBool>,
}

impl<A: Authority> Duty<A> {
    /// Claims the duty from now on.
    fn claimed_by(control: &Control<A>, client: &HttpClient) -> Self {
        let duty = Self { control: control.clone(), client: client.clone(), is_ours: Arc::default() };
        let (control, is_ours) = (duty.control.clone(), Arc::clone(&duty.is_ours));
        tokio::spawn(async move {
            loop {
                match control.is_on_duty(ON_DUTY).await {
                    Ok(claimed) => {
                        if !is_ours.swap(claimed, Ordering::Relaxed) && claimed {
                            tracing::info!("this process does the upkeep from now on");
                        }
                    }
                    Err(error) => tracing::warn!(error = %Chain(&error), "the upkeep's duty cannot be claimed"),
                }
                tokio::time::sleep(CLAIM).await;
            }
        });
        duty
    }

    /// Does a chore after each of its periods, while on duty.
    fn attend_to(&self, chore: Chore) {
        let (control, client, is_ours) = (self.control.clone(), self.client.clone(), Arc::clone(&self.is_ours));
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(chore.period()).await;
                if is_ours.load(Ordering::Relaxed) {
                    control.attend_to(chore, &client).await;
                }
            }
        });
    }
}

/// Takes over the keys that `llm-gateway keys rotate` has written.
fn follow_keys<A: Authority>(control: Control<A>, source: KeySource) {
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(KEYS).await;
            match source.read().await {
                Ok(Some(keys)) => control.replace_keys(keys),
                Ok(None) => return,
                Err(error) => tracing::error!(error = %Chain(&*error), "the signing keys stay as they were"),
            }
        }
    });
}
