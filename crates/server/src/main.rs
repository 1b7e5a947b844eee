//! Gatepost: an OAuth 2.1 authorization server in one binary.

mod api;
mod clock;
mod commands;
mod dev;
mod endpoints;
mod extract;
mod hashing;
mod limits;
mod metrics;
mod pages;
mod random;
mod respond;
mod router;
mod samples;
mod serve;
mod settings;
mod startup;
mod state;
mod telemetry;

#[actix_web::main]
async fn main() -> std::process::ExitCode {
    // the exit code's range is ours: 0 to 5 and 130 (ux: CLI rules)
    let code = commands::run_command().await;
    std::process::ExitCode::from(u8::try_from(code).unwrap_or(1))
}
