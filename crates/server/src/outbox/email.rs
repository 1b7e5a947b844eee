//! Sending letters, beside everything else: whoever asks for one never waits for a mail server.

mod render;
mod send;

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::web::Data;
use futures_util::FutureExt;
use futures_util::future::join_all;
use gatepost_engine::Call;
use gatepost_engine::outbox::{TakenLetter, finish_letter, has_due_letters, postpone_letter, take_due_letters};
use gatepost_protocol::issuer::Issuer;
use tokio::sync::{Mutex, Notify};

use crate::http::state::State;
use crate::settings::Settings;
use crate::settings::mail::MailServer;

pub(crate) use render::{Rendered, Writer};
#[cfg(test)]
pub(crate) use send::Letterhead;
pub(crate) use send::{Failure, Sender, Trouble};

/// Letters that other nodes or commands wrote down, and those that wait for another try, are looked for this often.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Letters that are on their way at the same time.
const AT_ONCE: i64 = 8;

/// How the rest of the server reaches the sending of letters.
#[derive(Default)]
pub(crate) struct MailRoom {
    waiting: Notify,
    closed: AtomicBool,
    /// held while letters are on their way
    busy: Mutex<()>,
}

impl MailRoom {
    /// There is something to send.
    pub(crate) fn wake(&self) {
        self.waiting.notify_one();
    }

    /// Waits until nothing is on its way; nothing is taken after that.
    pub(crate) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        drop(self.busy.lock().await);
    }
}

/// What writes letters out and gives them away.
pub(crate) struct Mailer {
    writer: Writer,
    /// `None`: to the terminal
    sender: Option<Sender>,
}

impl Mailer {
    /// The one of these settings; `None` where mail is not set, and a sentence where it cannot work.
    pub(crate) fn new(settings: &Settings, issuer: &Issuer) -> Result<Option<Self>, String> {
        let sender = match &settings.mail.smtp_url {
            None => return Ok(None),
            Some(MailServer::Print) => None,
            Some(MailServer::Smtp(address)) => Some(Sender::new(settings, address, issuer)?),
        };
        Ok(Some(Self { writer: Writer::new(&settings.brand, issuer)?, sender }))
    }
}

/// Sends letters as long as the server runs.
pub(crate) fn start_sending(state: &Data<State>, mailer: Mailer) {
    let state = state.clone();
    actix_web::rt::spawn(async move {
        loop {
            let busy = state.mail.busy.lock().await;
            if state.mail.closed.load(Ordering::Acquire) {
                return;
            }
            // a panic costs one round, never all letters after it
            let sent = AssertUnwindSafe(send_due_letters(&state, &mailer)).catch_unwind().await;
            drop(busy);
            match sent {
                // there may be more
                Ok(Ok(count)) if count > 0 => continue,
                Ok(Ok(_)) => {}
                Err(_) => tracing::error!("sending letters panicked"),
                Ok(Err(error)) => tracing::warn!(%error, "cannot look for letters; the next round tries again"),
            }
            drop(tokio::time::timeout(LOOK_EVERY, state.mail.waiting.notified()).await);
        }
    });
}

/// Takes some letters and sends them at the same time, so that all are done before others may take them; how many.
async fn send_due_letters(state: &State, mailer: &Mailer) -> gatepost_engine::Result<usize> {
    let call = state.plain_call();
    if !state.read(&call, has_due_letters).await? {
        return Ok(0);
    }
    let taken = state.write(&call, |call, tx| take_due_letters(call, tx, AT_ONCE)).await?;
    if taken.unreadable > 0 {
        tracing::warn!(letters = taken.unreadable, "letters dropped: their seal does not open with this master key");
    }
    let count = taken.letters.len();
    join_all(taken.letters.into_iter().map(|letter| send_letter(state, mailer, letter))).await;
    Ok(count + taken.unreadable)
}

/// Sends one letter, and writes down what became of it. Logs never name the person, and never what the letter says.
async fn send_letter(state: &State, mailer: &Mailer, letter: TakenLetter) {
    let call = state.plain_call();
    let domain = letter.envelope.to.rsplit('@').next().unwrap_or_default().to_owned();
    let sent = match mailer.writer.write(&state.pages, &letter.envelope, (call.now, letter.expires_at)) {
        Err(fault) => Err(Failure::Refused(format!("it cannot be written: {fault}"))),
        Ok(rendered) => match &mailer.sender {
            Some(sender) => sender.send(&letter.envelope.to, &letter.id, &rendered, call.now).await,
            None => {
                print_letter(&letter.envelope.to, &rendered);
                Ok(())
            }
        },
    };
    // the clock again: a mail server may have taken its time
    let call = state.plain_call();
    let (id, attempts) = (letter.id.clone(), letter.attempts);
    let noted = match sent {
        Ok(()) => {
            tracing::debug!(letter = %id, "letter sent");
            forget(state, &call, id).await
        }
        Err(Failure::Refused(why)) => {
            tracing::info!(letter = %id, %domain, %why, "letter refused for good");
            forget(state, &call, id).await
        }
        Err(Failure::Later(why)) => {
            match state.write(&call, move |call, tx| postpone_letter(call, tx, &letter)).await {
                Ok(true) => {
                    tracing::warn!(letter = %id, attempts, %why, "letter not sent; it will be tried again");
                    Ok(())
                }
                Ok(false) => {
                    tracing::warn!(letter = %id, %domain, attempts, %why, "letter given up: nobody needs it any more");
                    Ok(())
                }
                Err(error) => Err(error),
            }
        }
    };
    if let Err(error) = noted {
        tracing::warn!(%error, "cannot note what became of a letter; it may be sent again");
    }
}

async fn forget(state: &State, call: &Call, id: String) -> gatepost_engine::Result<()> {
    state.write(call, move |_, tx| finish_letter(tx, &id)).await
}

/// For development: the person at the terminal is the one who gets it.
fn print_letter(to: &str, rendered: &Rendered) {
    let to = crate::pages::kit::names::clean_text(to, 254);
    eprintln!("\n--- mail to {to}\nSubject: {}\n\n{}---\n", rendered.subject, rendered.text);
}
