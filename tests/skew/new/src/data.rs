//! Data that changes, in the new version.

use distributed_scope::{PeerId, RemoteError, distributed, remote};
use serde::{Deserialize, Serialize};

use crate::note;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Point {
    pub left: u32,
}

#[distributed]
pub async fn field_name(on: PeerId) -> Result<u32, RemoteError> {
    let point = Point { left: 1 };
    remote!(on, [point], {
        note("field name");
        point.left
    })
    .await
}

/// What grows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Parcel {
    pub weight: u32,
    /// New, and in the middle.
    #[serde(default)]
    pub note: String,
    pub items: Vec<Item>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Item {
    pub name: String,
    #[serde(default)]
    pub tags: Vec<String>,
}

impl Parcel {
    #[must_use]
    pub fn sample() -> Self {
        let item = Item { name: "book".to_owned(), tags: vec!["heavy".to_owned()] };
        Self { weight: 7, note: "ring twice".to_owned(), items: vec![item] }
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
    pub value: String,
}

#[distributed]
pub async fn evolved_type(on: PeerId) -> Result<u32, RemoteError> {
    let reading = Reading { value: "1".to_owned() };
    remote!(
        on,
        [reading],
        #[block(name = "evolved type", evolving)]
        {
            note("evolved type");
            reading.value.len() as u32
        }
    )
    .await
}
