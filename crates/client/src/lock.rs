//! A lock between processes: an empty file that the operating system locks, and frees when its holder dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::StoreError;

/// Longer than a request to the server may take.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// Waits for the lock; it is held until the file is dropped. The file stays: removing it would let two processes hold "the" lock.
///
/// # Errors
/// [`StoreError::Locked`] after 60 seconds.
pub(crate) async fn lock_file(path: &Path) -> Result<File, StoreError> {
    let failed = |error| StoreError::File { path: path.to_owned(), error };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(failed)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            // asked again and again instead of blocking: a dropped future then leaves no thread that still waits
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(POLL).await,
            Err(TryLockError::WouldBlock) => return Err(StoreError::Locked(path.to_owned())),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                tracing::warn!(path = %path.display(), "this file system has no locks: do not run two programs at once");
                return Ok(file);
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
    }
}
