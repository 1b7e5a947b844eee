//! Sealing the audit log, beside everything else and in small steps (AD9).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;
use gatepost_engine::Result;
use gatepost_engine::audit::chain;
use gatepost_store::Outcome;

use crate::http::state::State;

/// How often it is looked for something to seal.
const INTERVAL: Duration = Duration::from_secs(10);
/// Between two steps: whoever waits to write goes first.
const PAUSE: Duration = Duration::from_millis(20);
/// Events that cannot be sealed are named once in the log, and no more of them than this.
const NAMED: usize = 1000;

/// Seals what is settled, as long as the server runs.
pub(crate) fn start_sealing(state: &Data<State>) {
    let state = Arc::clone(state);
    actix_web::rt::spawn(async move {
        let mut named = BTreeSet::new();
        loop {
            if let Err(error) = seal_all(&state, &mut named).await {
                tracing::warn!(%error, "sealing the audit log failed; the next round tries again");
            }
            tokio::time::sleep(INTERVAL).await;
        }
    });
}

/// One round: all that is settled.
async fn seal_all(state: &State, named: &mut BTreeSet<String>) -> Result<()> {
    if state.read(&state.plain_call(), chain::is_unsealed).await? {
        adopt_all(state).await?;
    }
    loop {
        let harvest = state.read(&state.plain_call(), chain::find_batch).await?;
        for place in harvest.refused {
            if named.len() < NAMED && named.insert(place.id.clone()) {
                tracing::error!(event = ?place.id, at = place.at, "an event of the audit log was changed or put there, and is not sealed");
            }
        }
        let Some((seal, ids)) = harvest.batch else { return Ok(()) };
        let full = seal.events == chain::BATCH;
        let made = state.write(&state.plain_call(), move |_, tx| chain::seal_batch(tx, &seal, &ids)).await?;
        // where another node was first there is nothing left to do here
        if !full || !made {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What an older version wrote gets its marks, once.
async fn adopt_all(state: &State) -> Result<()> {
    let mut after = None;
    loop {
        let from = after.take();
        let adopt = move |call: &gatepost_engine::Call, tx: &mut gatepost_store::Tx<'_>| -> Result<Outcome<_>> {
            chain::adopt_events(call, tx, from.as_ref())
        };
        after = state.write(&state.plain_call(), adopt).await?;
        if after.is_none() {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}
