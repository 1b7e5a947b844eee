//! Gatepost: an OAuth 2.1 authorization server in one binary.

mod api;
mod commands;
mod fetch;
mod http;
mod oauth;
mod operations;
mod outbox;
mod pages;
mod process;
mod providers;
mod samples;
mod settings;

/// glibc keeps the memory of slow hashes in the arenas of threads that are gone: 200 MB after a few sign-ins. This allocator gives
/// it back, and is a little faster besides.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[actix_web::main]
async fn main() -> std::process::ExitCode {
    // the exit code's range is ours: 0 to 5 and 130 (ux: CLI rules)
    let code = commands::run_command().await;
    std::process::ExitCode::from(u8::try_from(code).unwrap_or(1))
}
