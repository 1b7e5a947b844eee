//! Where tokens are kept: the system keyring if there is one, else a file that only its owner can read.
//!
//! The file is always there and lists the accounts. An entry without tokens says that they are in the keyring, so a keyring that does not
//! open today is reported as that, never as "not signed in", and a machine without keyring never asks for one.

mod file;
#[cfg(feature = "keyring")]
mod keyring;

use std::collections::HashMap;
use std::env;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::error::StoreError;
use crate::lock::lock_file;
use crate::random::digest_as_hex;
use crate::tokens::Tokens;
use file::{Entry, TokenFile};

/// Whose tokens: one entry for each server and client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account {
    /// The server.
    pub issuer: String,
    /// The program.
    pub client_id: String,
}

/// Where the tokens went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// GNOME Keyring, KWallet, macOS Keychain or the Windows Credential Manager.
    SystemKeyring,
    /// A file with mode 0600.
    File(PathBuf),
    /// This process only.
    Memory,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SystemKeyring => f.write_str("the system keyring"),
            Self::File(path) => match env::home_dir().and_then(|home| path.strip_prefix(home).ok().map(Path::to_owned))
            {
                Some(below_home) => write!(f, "~/{}", below_home.display()),
                None => write!(f, "{}", path.display()),
            },
            Self::Memory => f.write_str("memory"),
        }
    }
}

/// Keeps tokens. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct TokenStore(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Folder(Arc<Folder>),
    Memory(Arc<Memory>),
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    app: String,
    keyring: bool,
}

#[derive(Debug, Default)]
struct Memory {
    tokens: std::sync::Mutex<HashMap<Account, Tokens>>,
    turn: Arc<Mutex<()>>,
}

/// Held while one account's tokens are renewed; no other process renews them meanwhile.
pub(crate) enum AccountLock {
    File { _held: File },
    Memory { _held: OwnedMutexGuard<()> },
}

impl TokenStore {
    /// The usual: the system keyring, or `tokens.json` in the folder of this name in `$XDG_CONFIG_HOME`, `~/.config` or `%APPDATA%`.
    ///
    /// # Errors
    /// [`StoreError::NoHome`] when there is no such folder.
    pub fn for_app(app: &str) -> Result<Self, StoreError> {
        let path = find_config_folder()?.join(app);
        Ok(Self(Kind::Folder(Arc::new(Folder { path, app: app.to_owned(), keyring: cfg!(feature = "keyring") }))))
    }

    /// A file `tokens.json` in this folder, never the keyring.
    #[must_use]
    pub fn in_folder(path: impl Into<PathBuf>) -> Self {
        Self(Kind::Folder(Arc::new(Folder { path: path.into(), app: String::new(), keyring: false })))
    }

    /// Until the process ends: for web apps, which keep tokens in their own sessions.
    #[must_use]
    pub fn in_memory() -> Self {
        Self(Kind::Memory(Arc::default()))
    }

    /// The same place, but new sign-ins stay out of the keyring.
    #[must_use]
    pub fn without_keyring(self) -> Self {
        match self.0 {
            Kind::Folder(folder) => Self(Kind::Folder(Arc::new(Folder {
                path: folder.path.clone(),
                app: folder.app.clone(),
                keyring: false,
            }))),
            memory @ Kind::Memory(_) => Self(memory),
        }
    }

    /// The accounts that are signed in here.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read.
    pub fn list_accounts(&self) -> Result<Vec<Account>, StoreError> {
        match &self.0 {
            Kind::Folder(folder) => {
                let entries = folder.file().read()?;
                Ok(entries
                    .into_iter()
                    .map(|entry| Account { issuer: entry.issuer, client_id: entry.client_id })
                    .collect())
            }
            Kind::Memory(memory) => Ok(memory.lock().keys().cloned().collect()),
        }
    }

    /// The tokens of an account, if it is signed in.
    ///
    /// # Errors
    /// [`StoreError::Keyring`] when they are in the keyring and it does not open.
    pub async fn load(&self, account: &Account) -> Result<Option<Tokens>, StoreError> {
        let folder = match &self.0 {
            Kind::Memory(memory) => return Ok(memory.lock().get(account).cloned()),
            Kind::Folder(folder) => folder,
        };
        let entry = folder.file().read()?.into_iter().find(|entry| entry.is_for(account));
        match entry {
            None => Ok(None),
            Some(Entry { tokens: Some(tokens), .. }) => Ok(Some(tokens)),
            Some(_) => folder.load_from_keyring(account).await,
        }
    }

    /// Keeps the tokens of a new sign-in, in place of earlier ones.
    ///
    /// # Errors
    /// [`StoreError::File`] when the file cannot be written. A keyring that does not open is none: the file takes the tokens.
    pub async fn save(&self, account: &Account, tokens: &Tokens) -> Result<Place, StoreError> {
        match &self.0 {
            Kind::Memory(memory) => {
                memory.lock().insert(account.clone(), tokens.clone());
                Ok(Place::Memory)
            }
            Kind::Folder(folder) => folder.save(account, tokens, folder.keyring).await,
        }
    }

    /// Keeps renewed tokens where the account's tokens were.
    pub(crate) async fn update(&self, account: &Account, tokens: &Tokens) -> Result<(), StoreError> {
        match &self.0 {
            Kind::Memory(memory) => {
                memory.lock().insert(account.clone(), tokens.clone());
            }
            Kind::Folder(folder) => {
                let in_keyring =
                    folder.file().read()?.iter().any(|entry| entry.is_for(account) && entry.tokens.is_none());
                folder.save(account, tokens, in_keyring).await?;
            }
        }
        Ok(())
    }

    /// Forgets an account; nothing happens if it is not there.
    ///
    /// # Errors
    /// [`StoreError::File`] when the file cannot be written.
    pub async fn delete(&self, account: &Account) -> Result<(), StoreError> {
        let folder = match &self.0 {
            Kind::Memory(memory) => {
                memory.lock().remove(account);
                return Ok(());
            }
            Kind::Folder(folder) => folder,
        };
        let file = folder.file();
        if !file.exists() {
            return Ok(());
        }
        let _lock = lock_file(&folder.path.join("tokens.lock")).await?;
        let mut entries = file.read()?;
        let in_keyring = entries.iter().any(|entry| entry.is_for(account) && entry.tokens.is_none());
        entries.retain(|entry| !entry.is_for(account));
        file.write(&entries)?;
        if in_keyring {
            folder.delete_from_keyring(account).await;
        }
        Ok(())
    }

    /// Waits until no other process renews this account's tokens.
    pub(crate) async fn lock_account(&self, account: &Account) -> Result<AccountLock, StoreError> {
        match &self.0 {
            Kind::Memory(memory) => Ok(AccountLock::Memory { _held: Arc::clone(&memory.turn).lock_owned().await }),
            Kind::Folder(folder) => {
                folder.file().create_folder()?;
                let digest = digest_as_hex(&format!("{}\n{}", account.issuer, account.client_id));
                let path = folder.path.join(format!("renew-{}.lock", &digest[..16]));
                Ok(AccountLock::File { _held: lock_file(&path).await? })
            }
        }
    }
}

impl Memory {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Account, Tokens>> {
        self.tokens.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Folder {
    fn file(&self) -> TokenFile<'_> {
        TokenFile::in_folder(&self.path)
    }

    async fn save(&self, account: &Account, tokens: &Tokens, to_keyring: bool) -> Result<Place, StoreError> {
        let file = self.file();
        file.create_folder()?;
        let _lock = lock_file(&self.path.join("tokens.lock")).await?;
        let mut entries = file.read()?;
        let was_in_keyring = entries.iter().any(|entry| entry.is_for(account) && entry.tokens.is_none());
        let in_keyring = to_keyring && self.save_to_keyring(account, tokens).await;
        entries.retain(|entry| !entry.is_for(account));
        entries.push(Entry {
            issuer: account.issuer.clone(),
            client_id: account.client_id.clone(),
            tokens: (!in_keyring).then(|| tokens.clone()),
        });
        file.write(&entries)?;
        if was_in_keyring && !in_keyring {
            self.delete_from_keyring(account).await;
        }
        Ok(if in_keyring { Place::SystemKeyring } else { Place::File(file.path()) })
    }
}

#[cfg(feature = "keyring")]
impl Folder {
    async fn load_from_keyring(&self, account: &Account) -> Result<Option<Tokens>, StoreError> {
        let Some(text) = keyring::load(&self.app, account).await.map_err(StoreError::Keyring)? else { return Ok(None) };
        serde_json::from_str(text.expose())
            .map(Some)
            .map_err(|_| StoreError::Keyring("the entry is not one of ours".to_owned()))
    }

    /// False when there is no keyring that takes them.
    async fn save_to_keyring(&self, account: &Account, tokens: &Tokens) -> bool {
        let Ok(text) = serde_json::to_string(tokens) else { return false };
        match keyring::save(&self.app, account, text.into()).await {
            Ok(()) => true,
            Err(reason) => {
                tracing::debug!(%reason, "no keyring, so the tokens go into a file");
                false
            }
        }
    }

    async fn delete_from_keyring(&self, account: &Account) {
        if let Err(reason) = keyring::delete(&self.app, account).await {
            tracing::warn!(%reason, "an entry stays in the system keyring");
        }
    }
}

#[cfg(not(feature = "keyring"))]
impl Folder {
    async fn load_from_keyring(&self, _account: &Account) -> Result<Option<Tokens>, StoreError> {
        Err(StoreError::Keyring("this program was built without the feature keyring".to_owned()))
    }

    async fn save_to_keyring(&self, _account: &Account, _tokens: &Tokens) -> bool {
        false
    }

    async fn delete_from_keyring(&self, _account: &Account) {}
}

/// `$XDG_CONFIG_HOME` everywhere, then `%APPDATA%` on Windows, then `~/.config`.
fn find_config_folder() -> Result<PathBuf, StoreError> {
    // the base directory specification: a relative path is to be ignored
    let from_variable = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    from_variable("XDG_CONFIG_HOME")
        .or_else(|| if cfg!(windows) { from_variable("APPDATA") } else { None })
        .or_else(|| env::home_dir().filter(|home| home.is_absolute()).map(|home| home.join(".config")))
        .ok_or(StoreError::NoHome)
}
