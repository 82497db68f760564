//! The types that the build script made.

#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    unused_variables,
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::restriction,
    reason = "nobody writes these types"
)]

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use distributed_scope::{PeerId, RemoteError, distributed, remote};
use serde::{Deserialize, Serialize};

use crate::sending::{Case, made_here, received};
use crate::values::{
    Random, Values, fifty_seven, flat_map, is_57, is_default, is_list_of_three, is_text_of_three, random,
    seven, zero,
};
use crate::with;

include!(concat!(env!("OUT_DIR"), "/generated.rs"));
