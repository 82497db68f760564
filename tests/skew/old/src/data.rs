//! Data that changes, in the old version.

use distributed_scope::{PeerId, RemoteError, distributed, remote};
use serde::{Deserialize, Serialize};

use crate::note;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Point {
    pub x: u32,
}

#[distributed]
pub async fn field_name(on: PeerId) -> Result<u32, RemoteError> {
    let point = Point { x: 1 };
    remote!(on, [point], {
        note("field name");
        point.x
    })
    .await
}

/// What grows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Parcel {
    pub weight: u32,
    pub items: Vec<Item>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Item {
    pub name: String,
}

impl Parcel {
    #[must_use]
    pub fn sample() -> Self {
        Self { weight: 7, items: vec![Item { name: "book".to_owned() }] }
    }
}

/// Its data grows, in a capture before another one and in its result.
#[distributed]
pub async fn grown(on: PeerId) -> Result<Parcel, RemoteError> {
    let (parcel, extra) = (Parcel::sample(), 1_u32);
    remote!(
        on,
        [parcel, extra],
        #[block(name = "grown", evolving)]
        {
            note("grown");
            let mut parcel = parcel;
            parcel.weight += extra;
            parcel
        }
    )
    .await
}

/// The same without the mark.
#[distributed]
pub async fn grown_unmarked(on: PeerId) -> Result<Parcel, RemoteError> {
    let (parcel, extra) = (Parcel::sample(), 1_u32);
    remote!(
        on,
        [parcel, extra],
        #[block(name = "grown, unmarked")]
        {
            note("grown unmarked");
            let mut parcel = parcel;
            parcel.weight += extra;
            parcel
        }
    )
    .await
}

/// Its data changes to what is no growth.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reading {
    pub value: u32,
}

#[distributed]
pub async fn evolved_type(on: PeerId) -> Result<u32, RemoteError> {
    let reading = Reading { value: 1 };
    remote!(
        on,
        [reading],
        #[block(name = "evolved type", evolving)]
        {
            note("evolved type");
            reading.value
        }
    )
    .await
}
