//! Black-box tests: each starts the real binary on a database of its own and talks HTTP with it.
//!
//! `endpoints` is laid out like the URLs and shows the wire. `spec` has one file for each subject of the specifications; the name of a
//! test begins with the item of `spec/items.toml` that it proves, and `spec_map` keeps `docs/spec-map.md` from that. `pages` is what
//! people see. The rest is about the database, crashes, outages, several nodes and malformed input.
//! `for_each_database!` makes two tests of one: on SQLite and on PostgreSQL.

#[macro_use]
mod support;

mod crash;
mod endpoints;
mod interop_rust;
mod malformed;
mod nodes;
mod outage;
mod pages;
mod races;
mod races_ways_in;
mod spec;
mod spec_map;
mod storage;
mod sweep;
mod upstream;
