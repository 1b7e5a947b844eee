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

fn main() -> std::process::ExitCode {
    #[cfg(target_os = "linux")]
    refuse_huge_pages();
    // the exit code's range is ours: 0 to 5 and 130 (ux: CLI rules)
    let code = actix_web::rt::System::new().block_on(commands::run_command());
    std::process::ExitCode::from(u8::try_from(code).unwrap_or(1))
}

/// Huge pages are memory that nobody uses: 18 MB at rest, for no gain in speed. The allocator is built not to ask for them
/// (feature `no_thp`); this is for kernels that give them to everybody. `MIMALLOC_ALLOW_THP` in the environment, whatever it
/// says, leaves the choice to the allocator.
#[cfg(target_os = "linux")]
fn refuse_huge_pages() {
    if std::env::var_os("MIMALLOC_ALLOW_THP").is_none() {
        // a kernel that does not know the request gives at most more memory than is needed
        let _ = rustix::thread::disable_transparent_huge_pages(true);
    }
}
