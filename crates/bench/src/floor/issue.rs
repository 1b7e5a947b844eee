//! How a floor stores a token that it issues.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use actix_web::error::ErrorInternalServerError;
use actix_web::web;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::prelude::*;
use ring::rand::SecureRandom;
use tokio::sync::oneshot;

use super::{CLIENT_ID, Failure, Mode, State, hash, read_clock, run_on_pool, tokens};

const INSERT: &str = "INSERT INTO tokens (hash, client_id, sub, scope, iat, exp, revoked) \
                      VALUES (?1, 'bench-cc', 'bench-cc', 'api', ?2, ?3, 0)";
const MOST_IN_A_BATCH: usize = 256;

/// One insert and whom to tell after the commit.
struct Job {
    hash: [u8; 32],
    iat: i64,
    done: oneshot::Sender<()>,
}

/// The only thread that writes: what waits goes into one transaction, so that its fsync is shared.
pub(super) struct Writer {
    jobs: Sender<Job>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    pub(super) fn start(connection: rusqlite::Connection) -> Self {
        let (jobs, waiting) = channel();
        let commits = Arc::new(AtomicU64::new(0));
        let counter = commits.clone();
        std::thread::spawn(move || {
            if let Err(error) = write_batches(connection, &waiting, &counter) {
                eprintln!("floor: the writer ended: {error}");
            }
        });
        Self { jobs, commits }
    }

    pub(super) fn count_commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

fn write_batches(
    mut connection: rusqlite::Connection,
    waiting: &Receiver<Job>,
    commits: &AtomicU64,
) -> rusqlite::Result<()> {
    while let Ok(first) = waiting.recv() {
        let mut done = Vec::new();
        let transaction = connection.transaction()?;
        {
            let mut statement = transaction.prepare_cached(INSERT)?;
            let mut next = Some(first);
            while let Some(job) = next {
                statement.execute((&job.hash[..], job.iat, job.iat + 3600))?;
                done.push(job.done);
                next = if done.len() < MOST_IN_A_BATCH { waiting.try_recv().ok() } else { None };
            }
        }
        transaction.commit()?;
        commits.fetch_add(1, Ordering::Relaxed);
        for done in done {
            // a request that has gone away needs no answer
            let _ = done.send(());
        }
    }
    Ok(())
}

/// Draws a token, stores its hash and answers after the commit.
pub(super) async fn issue(state: &web::Data<State>) -> Result<String, Failure> {
    let mut raw = [0_u8; 32];
    state.random.fill(&mut raw).map_err(|_| ErrorInternalServerError("no randomness"))?;
    let token = URL_SAFE_NO_PAD.encode(raw);
    let (hash, iat) = (hash(token.as_bytes()), read_clock());
    match state.mode {
        Mode::Bare | Mode::Hash => {}
        Mode::DieselSqlite | Mode::RusqliteBatchFull => {
            let writer = state.writer.as_ref().ok_or_else(|| ErrorInternalServerError("no writer"))?;
            let (done, committed) = oneshot::channel();
            writer.jobs.send(Job { hash, iat, done }).map_err(|_| ErrorInternalServerError("the writer ended"))?;
            committed.await.map_err(ErrorInternalServerError)?;
        }
        Mode::DieselPgPool => {
            let insert = move |connection: &mut PgConnection| {
                let values = (
                    tokens::hash.eq(&hash[..]),
                    tokens::client_id.eq(CLIENT_ID),
                    tokens::sub.eq(CLIENT_ID),
                    tokens::scope.eq("api"),
                    tokens::iat.eq(iat),
                    tokens::exp.eq(iat + 3600),
                    tokens::revoked.eq(false),
                );
                diesel::insert_into(tokens::table).values(values).execute(connection)
            };
            run_on_pool(state, insert).await?;
        }
    }
    Ok(token)
}
