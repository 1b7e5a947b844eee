//! What every connection promises before its first use, asked through the two doors.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use gatepost_store::{DatabaseUrl, Db, Outcome, Role, Store, StoreConfig, StoreError, Tx};

#[derive(QueryableByName)]
struct Value {
    #[diesel(sql_type = Text)]
    value: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

fn ask(db: &mut Db, query: &str) -> Result<String, StoreError> {
    Ok(diesel::sql_query(query).get_result::<Value>(db)?.value)
}

/// The values of these settings on a writing and on a reading connection.
async fn ask_both(store: &Store, queries: Vec<String>) -> [Vec<String>; 2] {
    let again = queries.clone();
    let written = store
        .write(move |tx: &mut Tx<'_>| {
            let values: Result<Vec<_>, _> = queries.iter().map(|query| ask(tx, query)).collect();
            Ok::<_, StoreError>(Outcome::Rollback(values?))
        })
        .await
        .expect("a write");
    let read = store.read(move |db| again.iter().map(|query| ask(db, query)).collect()).await.expect("a read");
    [written, read]
}

fn open(url: &str) -> Store {
    let url = DatabaseUrl::parse(url).expect("a URL");
    Store::open(StoreConfig::new(url, Role::Command)).expect("a database")
}

#[tokio::test]
async fn r_50_sqlite_is_durable_on_every_connection() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&format!("sqlite:{}/gatepost.db", folder.path().display()));
    let pragmas = [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1")];
    let queries = pragmas.map(|(name, _)| format!("SELECT CAST({name} AS TEXT) AS value FROM pragma_{name}")).to_vec();
    for values in ask_both(&store, queries).await {
        assert_eq!(values, pragmas.map(|(_, value)| value));
    }
}

#[tokio::test]
async fn r_50_sqlite_refuses_a_row_without_its_parent() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&format!("sqlite:{}/gatepost.db", folder.path().display()));
    let statement =
        "INSERT INTO scopes (name, resource_server_id, description, sensitive) VALUES ('a', 'nobody', '', 0)";
    let refused = store
        .write(move |tx: &mut Tx<'_>| {
            diesel::sql_query(statement).execute(&mut **tx)?;
            Ok::<_, StoreError>(Outcome::Commit(()))
        })
        .await;
    assert!(refused.expect_err("refused").to_string().contains("FOREIGN KEY"));
}

#[cfg(unix)]
#[tokio::test]
async fn the_folder_of_a_new_database_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("made");
    drop(open(&format!("sqlite:{}/gatepost.db", data.display())));
    assert_eq!(std::fs::metadata(data).expect("the folder").permissions().mode() & 0o777, 0o700);
}

/// Needs GATEPOST_TEST_POSTGRES, which `tests/run` sets.
fn postgres_url() -> String {
    std::env::var("GATEPOST_TEST_POSTGRES").expect("GATEPOST_TEST_POSTGRES: run the tests with tests/run")
}

#[tokio::test]
async fn r_45_postgres_has_time_outs_and_is_durable_on_every_connection() {
    let store = open(&postgres_url());
    let expected = [
        ("statement_timeout", "5s"),
        ("lock_timeout", "2s"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("synchronous_commit", "on"),
    ];
    let queries = expected.map(|(name, _)| format!("SELECT current_setting('{name}') AS value")).to_vec();
    for values in ask_both(&store, queries).await {
        assert_eq!(values, expected.map(|(_, value)| value));
    }
}

/// An operator who set `synchronous_commit = off` for the whole role is overruled; `remote_apply` is stronger and stays.
#[tokio::test]
async fn r_50_a_weaker_synchronous_commit_is_overruled_and_a_stronger_one_kept() {
    let base = postgres_url();
    let separator = if base.contains('?') { '&' } else { '?' };
    for (set, kept) in [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")] {
        let store = open(&format!("{base}{separator}options=-csynchronous_commit%3D{set}"));
        let query = vec!["SELECT current_setting('synchronous_commit') AS value".to_owned()];
        for values in ask_both(&store, query).await {
            assert_eq!(values, [kept], "set to {set}");
        }
    }
}

#[tokio::test]
async fn r_51_a_new_sqlite_database_is_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&format!("sqlite:{}/gatepost.db", folder.path().display()));
    let query = "SELECT count(*) AS number FROM pragma_foreign_key_check";
    let broken = store
        .read(move |db: &mut Db| Ok::<_, StoreError>(diesel::sql_query(query).get_result::<Number>(db)?.number))
        .await
        .expect("a read");
    assert_eq!(broken, 0);
}
