//! Clients and APIs: kept in memory, authenticated, managed.

pub mod authenticate;
pub mod declared;
pub mod manage;
pub mod registry;
pub mod resource_servers;
