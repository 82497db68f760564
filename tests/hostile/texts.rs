//! Peers whose errors are too long, or contain control sequences for a terminal.

use distributed_scope::{PeerId, RemoteError, distributed, remote};

use crate::support::pair;

#[distributed]
async fn raises(on: PeerId, text: String, times: u32) -> Result<(), RemoteError> {
    remote!(on, [text, times], { Err(text.repeat(usize::try_from(times)?))? }).await
}

/// Calls itself this often, and raises an error at last.
#[distributed]
async fn nested(on: PeerId, times: u8) -> Result<(), RemoteError> {
    remote!(on, [on, times], {
        if times == 0 {
            Err("the first cause")?;
        }
        nested(on, times - 1).await?;
    })
    .await
}

/// A text of 15 MB with escapes in it becomes one line of a few KiB, from another peer and from
/// this one.
#[actix_web::test]
async fn endless_text_is_one_short_line() {
    let (server, client) = pair().await;
    for on in [server.peer.id(), client.id()] {
        let error = client.run(raises(on, "\u{1b}]0;title\u{7}\r\n".repeat(100), 10_000)).await.unwrap_err();
        for text in [format!("{error:#}"), format!("{error:?}")] {
            assert!(text.len() < 20_000 && text.contains(" bytes left out] "), "{}", text.len());
            assert!(!text.chars().any(char::is_control), "{text}");
        }
    }
}

/// The error of a chain with the maximum number of hops names what failed first.
#[actix_web::test]
async fn long_chain_names_its_first_cause() {
    let (server, client) = pair().await;
    for on in [server.peer.id(), client.id()] {
        let error = client.run(nested(on, 60)).await.unwrap_err();
        let text = format!("{error:#}");
        assert!(text.ends_with("raised an error: the first cause"), "{text}");
    }
}
