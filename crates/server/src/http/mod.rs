//! What every request passes, whatever it is about: the routes, reading, answering, limits.

pub(crate) mod extract;
pub(crate) mod limits;
pub(crate) mod policy;
pub(crate) mod respond;
pub(crate) mod router;
pub(crate) mod routes;
pub(crate) mod state;
