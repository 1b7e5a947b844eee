//! Running the server: listen, guard every request, sweep beside, stop gracefully.

use std::net::TcpListener;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use actix_web::dev::{Server, Service, ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::web::Data;
use actix_web::{App, HttpResponse, HttpServer};
use futures_util::{FutureExt, poll};
use gatepost_engine::{signing_keys, sweeping};
use gatepost_store::sweep::Sweepable;

use crate::http::respond;
use crate::http::router::add_routes;
use crate::http::state::State;
use crate::pages::kit::errors::view::ErrorKind;
use crate::process::sealing::start_sealing;
use crate::settings::{MetricsPlace, Settings};

/// Starts answering on this listener.
pub(crate) fn start_server(state: &Data<State>, listener: TcpListener) -> std::io::Result<Server> {
    let settings = &state.settings;
    let workers = match settings.http.workers {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        workers => usize::from(workers),
    };
    let per_worker = (settings.http.max_connections as usize / workers).max(1);
    let shared = state.clone();
    let server = HttpServer::new(move || make_app(shared.clone()))
        .workers(workers)
        .max_connections(per_worker)
        .client_request_timeout(settings.http.header_timeout.as_duration())
        .keep_alive(settings.http.keep_alive.as_duration())
        .shutdown_timeout(u64::try_from(settings.server.shutdown_timeout.as_secs()).unwrap_or(30))
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}

fn make_app(
    state: Data<State>,
) -> App<
    impl actix_web::dev::ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let issuer = state.installation.engine.issuer.clone();
    let metrics = state.settings.observability.metrics == MetricsPlace::Main;
    let guarded = state.clone();
    App::new().app_data(state).configure(move |config| add_routes(config, &issuer, metrics)).wrap_fn(
        move |request, service| {
            let state = guarded.clone();
            let longest = state.settings.http.url_limit.as_bytes();
            let for_people = wants_page(&request);
            let fits = request.uri().path_and_query().is_none_or(|url| url.as_str().len() <= longest);
            // the request must not be cloned: the router needs to be its only owner
            let work = if fits { Ok(service.call(request)) } else { Err(request) };
            async move {
                let answer = match work {
                    Ok(work) => guard_request(&state, for_people, work).await,
                    Err(request) => {
                        Ok(request.into_response(HttpResponse::UriTooLong().body("The address is too long.\n")))
                    }
                };
                let status = match &answer {
                    Ok(response) => response.status(),
                    Err(error) => error.as_response_error().status_code(),
                };
                state.metrics.count_answer(status.as_u16());
                answer
            }
        },
    )
}

/// Whether somebody waits in front of a browser, who can do nothing with JSON.
fn wants_page(request: &ServiceRequest) -> bool {
    let accept = request.headers().get(actix_web::http::header::ACCEPT);
    accept.and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

/// Lets a request take only so long, and a panic cost one answer, never a worker.
async fn guard_request(
    state: &State,
    for_people: bool,
    work: impl Future<Output = Result<ServiceResponse, actix_web::Error>>,
) -> Result<ServiceResponse, actix_web::Error> {
    let http = &state.settings.http;
    let longest = http.handler_timeout.as_duration() + http.body_timeout.as_duration();
    let mut work = pin!(AssertUnwindSafe(work).catch_unwind());
    // what is answered from memory is ready at once and needs no timer
    let outcome = match poll!(&mut work) {
        Poll::Ready(outcome) => Ok(outcome),
        Poll::Pending => tokio::time::timeout(longest, work).await,
    };
    match outcome {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => {
            state.metrics.count_panic();
            let call = state.named_call();
            tracing::error!(reference = %call.origin.request_id, "a request panicked");
            Err(InternalError::from_response("panic", respond::error_page(state, &call, ErrorKind::Broken)).into())
        }
        Err(_) => {
            state.metrics.count_timeout();
            let answer = match for_people {
                true => respond::error_page(state, &state.named_call(), ErrorKind::Unavailable),
                false => respond::unavailable(5),
            };
            Err(InternalError::from_response("time-out", answer).into())
        }
    }
}

/// The listener for metrics alone, where the settings want one.
pub(crate) fn start_metrics_server(state: &Data<State>) -> std::io::Result<Option<Server>> {
    if state.settings.observability.metrics != MetricsPlace::Own {
        return Ok(None);
    }
    let shared = state.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .route("/metrics", actix_web::web::get().to(crate::operations::health::metrics))
    })
    .workers(1)
    .disable_signals()
    .bind(state.settings.observability.metrics_listen.0)?;
    Ok(Some(server.run()))
}

/// Waits for SIGTERM or Ctrl-C and then stops: readiness says no at once, the listener closes after a while, and what is
/// being answered is finished. A second signal stops at once.
pub(crate) fn stop_on_signal(state: &Data<State>, servers: Vec<actix_web::dev::ServerHandle>) {
    let state = state.clone();
    actix_web::rt::spawn(async move {
        wait_for_signal().await;
        state.ready.store(false, Ordering::Release);
        tracing::info!("stopping");
        let delay = tokio::time::sleep(state.settings.server.shutdown_delay.as_duration());
        let graceful = async {
            delay.await;
            for server in &servers {
                server.stop(true).await;
            }
        };
        tokio::select! {
            () = graceful => {}
            () = wait_for_signal() => {
                for server in &servers {
                    server.stop(false).await;
                }
            }
        }
    });
}

async fn wait_for_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    drop(tokio::signal::ctrl_c().await);
}

/// Sweeps, seals the audit log and picks up rotated keys, as long as the server runs.
pub(crate) fn start_background_work(state: &Data<State>) {
    start_sealing(state);
    let sweeping = Arc::clone(state);
    actix_web::rt::spawn(async move {
        let interval = sweeping.settings.sweep.interval.as_duration().max(Duration::from_secs(1));
        loop {
            tokio::time::sleep(interval).await;
            if let Err(error) = sweep_once(&sweeping).await {
                tracing::warn!(%error, "sweeping failed; the next round tries again");
            }
        }
    });
    let keeping = Arc::clone(state);
    actix_web::rt::spawn(async move {
        loop {
            if let Err(error) = keep_keys(&keeping).await {
                tracing::warn!(%error, "cannot look after the signing keys; the next round tries again");
            }
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    });
}

/// Makes a new signing key where one has served its time, and picks up what other nodes and commands made.
async fn keep_keys(state: &State) -> gatepost_engine::Result<()> {
    let call = state.plain_call();
    for alg in state.read(&call, signing_keys::find_due_algs).await? {
        // an RSA key takes a while to find: not in a thread that answers requests
        let making = call.clone();
        let made = tokio::task::spawn_blocking(move || signing_keys::make_key(&making, alg)).await;
        let key = made.map_err(|error| gatepost_engine::Error::Internal(error.to_string()))??;
        state.write(&call, move |call, tx| signing_keys::rotate_if_due(call, tx, &key)).await?;
    }
    state.read(&call, signing_keys::load_keys).await
}

/// One round over everything that ends, if it is this node's turn.
async fn sweep_once(state: &State) -> gatepost_engine::Result<()> {
    if !state.write(&state.plain_call(), sweeping::take_turn).await? {
        return Ok(());
    }
    for what in Sweepable::ALL {
        loop {
            state.write(&state.plain_call(), sweeping::extend_turn).await?;
            let swept = state.write(&state.plain_call(), move |call, tx| sweeping::sweep_batch(call, tx, what)).await?;
            if !swept.more {
                break;
            }
            // whoever waits to write goes first
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    state.write(&state.plain_call(), sweeping::end_turn).await
}

/// Opens the listener; the error says which port is taken.
pub(crate) fn bind_listener(settings: &Settings) -> Result<TcpListener, String> {
    let address = settings.server.listen.0;
    TcpListener::bind(address).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => format!("port {} is in use", address.port()),
        _ => format!("cannot listen on {address}: {error}"),
    })
}
