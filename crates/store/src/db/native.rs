//! One statement, two databases, and no text that is built again at each run.
//!
//! Through `MultiConnection` diesel builds the text of a statement several times an execution, and it never keeps an UPDATE
//! prepared (on PostgreSQL no INSERT either, which is then a second round trip). That is half of the database's share of a
//! request. What a request to the token, authorization or introspection endpoint runs is therefore written as
//! `natively!(db, |connection| keep!(statement).execute(connection))`: still one text in diesel's words, compiled for each
//! database, and found prepared by its place in the source.

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};

/// Runs an expression on the connection that a [`Db`](crate::Db) holds, whichever it is.
macro_rules! natively {
    ($db:expr, |$connection:ident| $run:expr) => {
        match &mut *$db {
            $crate::db::connection::Db::Sqlite($connection) => $run,
            $crate::db::connection::Db::Postgres($connection) => $run,
        }
    };
}

/// Says of the statement written here that its text is the same at each run, so that it is kept prepared.
///
/// Only for texts that cannot change: no list of values (`eq_any`), nothing boxed, no `AsChangeset` with an `Option`, no
/// `Insertable` that leaves out what is `None` (it needs `treat_none_as_default_value = false`).
macro_rules! keep {
    ($statement:expr) => {{
        /// This place in the source: the name under which the statement is kept.
        struct Place;
        $crate::db::native::Kept::<_, Place>::new($statement)
    }};
}

pub(crate) use {keep, natively};

/// A statement with a name of its own, see [`keep!`].
pub(crate) struct Kept<S, Name> {
    statement: S,
    name: PhantomData<Name>,
}

impl<S, Name> Kept<S, Name> {
    pub(crate) fn new(statement: S) -> Self {
        Self { statement, name: PhantomData }
    }
}

impl<S, Name: 'static> QueryId for Kept<S, Name> {
    type QueryId = Name;
}

impl<S: Query, Name> Query for Kept<S, Name> {
    type SqlType = S::SqlType;
}

impl<S, Name, DB: Backend> QueryFragment<DB> for Kept<S, Name>
where
    S: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.statement.walk_ast(out)
    }

    /// diesel says no to every UPDATE, because one made of an `AsChangeset` may have any columns; ours has those that stand there.
    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<S, Name, C> RunQueryDsl<C> for Kept<S, Name> {}

