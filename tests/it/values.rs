//! What a block may capture and return: the original's own list, and what serde users expect.

use std::collections::{BTreeMap, HashMap};

use distributed_scope::{PeerId, RemoteError, distributed, remote};
use serde::{Deserialize, Serialize};

use crate::log::{SENTINEL, SENTINEL_NUMBER};
use crate::support::pair;

#[actix_web::test]
async fn a_block_may_return_nothing() {
    #[distributed]
    async fn nothing(on: PeerId) -> Result<(), RemoteError> {
        remote!(on, [], {}).await
    }
    let (server, client) = pair().await;
    client.run(nothing(server.peer.id())).await.unwrap();
}

#[actix_web::test]
async fn a_block_may_return_none() {
    #[distributed]
    async fn none(on: PeerId) -> Result<Option<u8>, RemoteError> {
        remote!(on, [], { None }).await
    }
    let (server, client) = pair().await;
    assert_eq!(client.run(none(server.peer.id())).await.unwrap(), None);
}

#[actix_web::test]
async fn a_nested_block_may_return_none() {
    #[distributed]
    async fn nested_none(outer: PeerId, inner: PeerId) -> Result<Option<String>, RemoteError> {
        remote!(outer, [inner], { remote!(inner, [], { None }).await? }).await
    }
    let (server, client) = pair().await;
    assert_eq!(client.run(nested_none(server.peer.id(), client.id())).await.unwrap(), None);
}

#[actix_web::test]
async fn a_condition_in_a_block_may_give_some_or_none() {
    #[distributed]
    async fn even_half(on: PeerId, n: u32) -> Result<Option<u32>, RemoteError> {
        remote!(on, [n], { if n % 2 == 0 { Some(n / 2) } else { None } }).await
    }
    let (server, client) = pair().await;
    assert_eq!(client.run(even_half(server.peer.id(), 8)).await.unwrap(), Some(4));
    let half = client.run(even_half(server.peer.id(), 2 * SENTINEL_NUMBER)).await.unwrap();
    assert_eq!(half, Some(SENTINEL_NUMBER));
    assert_eq!(client.run(even_half(server.peer.id(), 7)).await.unwrap(), None);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Point,
    Circle { radius: f64 },
    Polygon(Vec<(i32, i32)>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Drawing {
    title: String,
    shapes: BTreeMap<String, Shape>,
    owner: Option<PeerId>,
}

#[actix_web::test]
async fn maps_structs_and_enums_travel_both_ways() {
    #[distributed]
    async fn add_point(on: PeerId, drawing: Drawing) -> Result<Drawing, RemoteError> {
        remote!(on, [mut_drawing = drawing], {
            let mut drawing = mut_drawing;
            drawing.shapes.insert("origin".to_owned(), Shape::Point);
            drawing
        })
        .await
    }
    let (server, client) = pair().await;
    let shapes = BTreeMap::from([
        ("moon".to_owned(), Shape::Circle { radius: 0.5 }),
        ("hill".to_owned(), Shape::Polygon(vec![(0, 0), (1, 2), (-3, i32::MAX)])),
    ]);
    let mut drawing = Drawing { title: SENTINEL.to_owned(), shapes, owner: Some(client.id()) };
    let back = client.run(add_point(server.peer.id(), drawing.clone())).await.unwrap();
    drawing.shapes.insert("origin".to_owned(), Shape::Point);
    assert_eq!(back, drawing);
}

#[actix_web::test]
async fn a_map_made_in_a_block_needs_no_written_type() {
    #[distributed]
    async fn lengths(on: PeerId, words: Vec<String>) -> Result<HashMap<String, usize>, RemoteError> {
        remote!(on, [words], {
            let mut lengths = HashMap::new();
            for word in words {
                let length = word.chars().count();
                lengths.insert(word, length);
            }
            lengths
        })
        .await
    }
    let (server, client) = pair().await;
    let words = vec![SENTINEL.to_owned(), "größe".to_owned()];
    let lengths = client.run(lengths(server.peer.id(), words)).await.unwrap();
    assert_eq!(lengths, HashMap::from([(SENTINEL.to_owned(), 8), ("größe".to_owned(), 5)]));
}

#[actix_web::test]
async fn a_result_may_be_the_value_of_a_block() {
    #[distributed]
    async fn divide(on: PeerId, a: i32, b: i32) -> Result<Result<i32, String>, RemoteError> {
        remote!(on, [a, b], { a.checked_div(b).ok_or_else(|| format!("{a} / {b} has no value, {SENTINEL}")) })
            .await
    }
    let (server, client) = pair().await;
    assert_eq!(client.run(divide(server.peer.id(), 6, 3)).await.unwrap(), Ok(2));
    let error = client.run(divide(server.peer.id(), 6, 0)).await.unwrap();
    assert_eq!(error, Err(format!("6 / 0 has no value, {SENTINEL}")));
}

#[actix_web::test]
async fn a_variable_stays_usable_after_it_travelled() {
    #[distributed]
    async fn twice(on: PeerId, text: String) -> Result<(usize, String), RemoteError> {
        let length = remote!(on, [text], { text.len() }).await?;
        Ok((length, text))
    }
    let (server, client) = pair().await;
    let result = client.run(twice(server.peer.id(), SENTINEL.to_owned())).await.unwrap();
    assert_eq!(result, (8, SENTINEL.to_owned()));
}

#[actix_web::test]
async fn captures_may_be_expressions_and_may_have_written_types() {
    #[distributed]
    async fn sum(on: PeerId, text: &str) -> Result<u64, RemoteError> {
        let point = (3u8, 4u16);
        remote!(on, [length = text.len() as u64, x = point.0, y: u16 = point.1] -> u64, {
            length + u64::from(x) + u64::from(y)
        })
        .await
    }
    let (server, client) = pair().await;
    assert_eq!(client.run(sum(server.peer.id(), "abc")).await.unwrap(), 10);
}

#[actix_web::test]
async fn a_mebibyte_travels_both_ways() {
    #[distributed]
    async fn invert(on: PeerId, bytes: Vec<u8>) -> Result<Vec<u8>, RemoteError> {
        remote!(on, [bytes], { bytes.into_iter().map(|byte| !byte).collect::<Vec<u8>>() }).await
    }
    let (server, client) = pair().await;
    let bytes: Vec<u8> = SENTINEL.bytes().chain((0..1 << 20).map(|n: u32| n.to_le_bytes()[1])).collect();
    let back = client.run(invert(server.peer.id(), bytes.clone())).await.unwrap();
    assert!(back.iter().zip(&bytes).all(|(a, b)| *a == !*b) && back.len() == bytes.len());
}
