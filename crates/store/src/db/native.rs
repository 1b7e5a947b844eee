//! One statement, two databases, and no text that is built again at each run.
//!
//! Through `MultiConnection` diesel builds the text of a statement several times an execution, and it never keeps an UPDATE
//! prepared (on PostgreSQL no INSERT either, which is then a second round trip). That is half of the database's share of a
//! request. What a request to the token, authorization or introspection endpoint runs is therefore written as
//! `natively!(db, |connection| keep!(statement).execute(connection))`: still one text in diesel's words, compiled for each
//! database, and found prepared by its place in the source.

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::pg::Pg;
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

/// A statement without parameters, such as `RELEASE job`.
pub(crate) struct Words(pub(crate) &'static str);

impl<DB: Backend> QueryFragment<DB> for Words {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(self.0);
        Ok(())
    }
}

/// `WITH taken AS (first) then`: PostgreSQL does both in one round trip, and `then` reads what `first` gave back as the
/// table [`taken`](crate::db::schema::taken).
pub(crate) struct WithTaken<First, Then> {
    pub(crate) first: First,
    pub(crate) then: Then,
}

impl<First, Then: Query> Query for WithTaken<First, Then> {
    type SqlType = Then::SqlType;
}

impl<First: QueryFragment<Pg>, Then: QueryFragment<Pg>> QueryFragment<Pg> for WithTaken<First, Then> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH taken AS (");
        self.first.walk_ast(out.reborrow())?;
        out.push_sql(") ");
        self.then.walk_ast(out)
    }
}

/// Several INSERTs in one round trip of PostgreSQL: `WITH one AS (INSERT …), two AS (INSERT …) INSERT …`.
pub(crate) struct Together<'i, const N: usize>(pub(crate) [&'i dyn QueryFragment<Pg>; N]);

impl<const N: usize> QueryFragment<Pg> for Together<'_, N> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        const NAMES: [&str; 3] = ["one", "two", "three"];
        let Some((last, others)) = self.0.split_last() else { return Ok(()) };
        for (at, (insert, name)) in others.iter().zip(NAMES).enumerate() {
            out.push_sql(if at == 0 { "WITH " } else { ", " });
            out.push_sql(name);
            out.push_sql(" AS (");
            insert.walk_ast(out.reborrow())?;
            out.push_sql(") ");
        }
        last.walk_ast(out)
    }
}
