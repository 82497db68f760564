//! Connecting to an endpoint, and staying connected to it.

pub(crate) mod connect_error;
pub(crate) mod endpoint;
pub(crate) mod reconnect;
