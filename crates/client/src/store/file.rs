//! `tokens.json`: mode 0600 in a folder with mode 0700, replaced as a whole.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Account;
use crate::error::StoreError;
use crate::random::draw_random_text;
use crate::tokens::Tokens;

/// Raised when an older program could no longer read the file.
const VERSION: u32 = 1;
/// Thousands of accounts fit.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// One account; without tokens they are in the system keyring.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) issuer: String,
    pub(super) client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tokens: Option<Tokens>,
}

impl Entry {
    pub(super) fn is_for(&self, account: &Account) -> bool {
        self.issuer == account.issuer && self.client_id == account.client_id
    }
}

#[derive(Serialize, Deserialize)]
struct Body<E> {
    version: u32,
    entries: E,
}

/// The file in its folder; neither needs to exist.
pub(super) struct TokenFile<'a> {
    folder: &'a Path,
}

impl<'a> TokenFile<'a> {
    pub(super) fn in_folder(folder: &'a Path) -> Self {
        Self { folder }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.join("tokens.json")
    }

    pub(super) fn exists(&self) -> bool {
        self.path().exists()
    }

    /// Makes the folder, and closes it to others if it was open to them.
    pub(super) fn create_folder(&self) -> Result<(), StoreError> {
        let failed = |error| StoreError::File { path: self.folder.to_owned(), error };
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(self.folder).map_err(failed)?;
        let metadata = fs::metadata(self.folder).map_err(failed)?;
        close_to_others(self.folder, &metadata, 0o700).map_err(failed)
    }

    /// All entries; none if there is no file. A file that others can read is closed to them first.
    pub(super) fn read(&self) -> Result<Vec<Entry>, StoreError> {
        let path = self.path();
        let failed = |error| StoreError::File { path: path.clone(), error };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        close_to_others(&path, &file.metadata().map_err(failed)?, 0o600).map_err(failed)?;
        let mut text = Zeroizing::new(String::new());
        file.take(MAX_FILE_BYTES).read_to_string(&mut text).map_err(failed)?;
        let damaged = |reason| StoreError::Damaged { path: path.clone(), reason };
        let body: Body<Vec<Entry>> = serde_json::from_str(&text)
            // only the position: the words of the error could hold a token
            .map_err(|error| {
                damaged(format!("not the JSON that was expected (line {}, column {})", error.line(), error.column()))
            })?;
        if body.version != VERSION {
            return Err(damaged(format!("version {} is of a newer program", body.version)));
        }
        Ok(body.entries)
    }

    /// Replaces the file: a reader sees the old or the new one, never a half.
    pub(super) fn write(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let path = self.path();
        let failed = |error| StoreError::File { path: path.clone(), error };
        let text =
            serde_json::to_string_pretty(&Body { version: VERSION, entries }).map_err(|error| failed(error.into()))?;
        let text = Zeroizing::new(text);
        let suffix = draw_random_text().map_err(|error| failed(io::Error::other(error)))?;
        let temporary = self.folder.join(format!(".tokens-{}.tmp", &suffix[..12]));
        let written = write_new_file(&temporary, text.as_bytes()).and_then(|()| fs::rename(&temporary, &path));
        written.map_err(|error| {
            let _ = fs::remove_file(&temporary);
            failed(error)
        })
    }
}

fn write_new_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    // a rename that reaches the disk before the bytes would leave an empty file after a power cut
    file.sync_all()
}

#[cfg(unix)]
fn close_to_others(path: &Path, metadata: &fs::Metadata, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if metadata.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    tracing::warn!(path = %path.display(), "others could read this; closing it to them");
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn close_to_others(_path: &Path, _metadata: &fs::Metadata, _mode: u32) -> io::Result<()> {
    // elsewhere the folder of the user's profile is closed by its access list
    Ok(())
}
