//! The system keyring: Secret Service (GNOME Keyring, KWallet), macOS Keychain, Windows Credential Manager.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::Account;
use crate::error::clean_text;
use crate::tokens::SecretText;

/// Time for a person to answer the keyring's own "unlock" window.
const PATIENCE: Duration = Duration::from_secs(60);

/// What an entry is found by, and what people see of it in their keyring's own program.
struct Label {
    service: String,
    user: String,
}

pub(super) async fn load(app: &str, account: &Account) -> Result<Option<SecretText>, String> {
    run(app, account, native::load).await
}

/// Reads the entry back: some keyrings of a session without a desktop take everything and keep nothing.
pub(super) async fn save(app: &str, account: &Account, text: SecretText) -> Result<(), String> {
    run(app, account, move |label| {
        native::save(label, &text)?;
        match native::load(label)? {
            Some(kept) if kept == text => Ok(()),
            _ => Err("it did not keep what it was given".to_owned()),
        }
    })
    .await
}

pub(super) async fn delete(app: &str, account: &Account) -> Result<(), String> {
    run(app, account, native::delete).await
}

/// Keyrings block, some while they ask the person: a thread of its own, which also does not hold up the end of the process.
async fn run<T: Send + 'static>(
    app: &str,
    account: &Account,
    work: impl FnOnce(&Label) -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let label = Label { service: app.to_owned(), user: format!("{} at {}", account.client_id, account.issuer) };
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = tell.send(work(&label).map_err(|reason| clean_text(&reason)));
    });
    match timeout(PATIENCE, told).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err("it broke off".to_owned()),
        Err(_) => Err("no answer within a minute".to_owned()),
    }
}

#[cfg(all(unix, not(any(target_os = "macos", target_os = "ios", target_os = "android"))))]
mod native {
    use std::collections::HashMap;
    use std::env;
    use std::path::Path;

    use dbus_secret_service::{EncryptionType, Item, SecretService};

    use super::{Label, PATIENCE, SecretText};

    pub(super) fn load(label: &Label) -> Result<Option<SecretText>, String> {
        let service = connect()?;
        let Some(item) = find_item(&service, label)? else { return Ok(None) };
        item.ensure_unlocked().map_err(describe)?;
        let bytes = item.get_secret().map_err(describe)?;
        String::from_utf8(bytes).map(|text| Some(text.into())).map_err(|_| "the entry is not a text".to_owned())
    }

    pub(super) fn save(label: &Label, text: &SecretText) -> Result<(), String> {
        let service = connect()?;
        let collection = service.get_default_collection().map_err(describe)?;
        collection.ensure_unlocked().map_err(describe)?;
        let title = format!("{}: {}", label.service, label.user);
        let created =
            collection.create_item(&title, list_attributes(label), text.expose().as_bytes(), true, "text/plain");
        created.map(drop).map_err(describe)
    }

    pub(super) fn delete(label: &Label) -> Result<(), String> {
        let service = connect()?;
        match find_item(&service, label)? {
            Some(item) => item.delete().map_err(describe),
            None => Ok(()),
        }
    }

    /// The secret crosses the user's own session bus in the clear: whoever may read there may also ask the keyring for it.
    fn connect() -> Result<SecretService, String> {
        // without a session bus the service cannot be there, and looking for it could start one
        let has_bus = env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some_and(|address| !address.is_empty())
            || env::var_os("XDG_RUNTIME_DIR").is_some_and(|folder| Path::new(&folder).join("bus").exists());
        if !has_bus {
            return Err("no session bus".to_owned());
        }
        SecretService::connect_with_max_prompt_timeout(EncryptionType::Plain, PATIENCE.as_secs()).map_err(describe)
    }

    fn find_item<'a>(service: &'a SecretService, label: &Label) -> Result<Option<Item<'a>>, String> {
        let found = service.search_items(list_attributes(label)).map_err(describe)?;
        Ok(found.unlocked.into_iter().chain(found.locked).next())
    }

    fn list_attributes(label: &Label) -> HashMap<&str, &str> {
        HashMap::from([("service", label.service.as_str()), ("username", label.user.as_str())])
    }

    fn describe(error: dbus_secret_service::Error) -> String {
        error.to_string()
    }
}

#[cfg(any(target_os = "macos", windows))]
mod native {
    use keyring_core::api::CredentialStoreApi as _;
    use keyring_core::{Entry, Error};

    use super::{Label, SecretText};

    pub(super) fn load(label: &Label) -> Result<Option<SecretText>, String> {
        match open_entry(label)?.get_password() {
            Ok(text) => Ok(Some(text.into())),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    pub(super) fn save(label: &Label, text: &SecretText) -> Result<(), String> {
        open_entry(label)?.set_password(text.expose()).map_err(|error| error.to_string())
    }

    pub(super) fn delete(label: &Label) -> Result<(), String> {
        match open_entry(label)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn open_entry(label: &Label) -> Result<Entry, String> {
        #[cfg(target_os = "macos")]
        let store = apple_native_keyring_store::keychain::Store::new();
        #[cfg(windows)]
        let store = windows_native_keyring_store::Store::new();
        store.and_then(|store| store.build(&label.service, &label.user, None)).map_err(|error| error.to_string())
    }
}

#[cfg(not(any(windows, target_os = "macos", all(unix, not(any(target_os = "ios", target_os = "android"))))))]
mod native {
    use super::{Label, SecretText};

    pub(super) fn load(_label: &Label) -> Result<Option<SecretText>, String> {
        Err("no keyring on this system".to_owned())
    }

    pub(super) fn save(_label: &Label, _text: &SecretText) -> Result<(), String> {
        Err("no keyring on this system".to_owned())
    }

    pub(super) fn delete(_label: &Label) -> Result<(), String> {
        Ok(())
    }
}
