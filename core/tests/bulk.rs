//! Bytes in bulk: an item of `Bytes` is allocated and copied as a whole, once by each end.

use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use distributed_scope_core::{Bytes, Receiver, channel};
use futures_core::Stream;
use std::pin::Pin;

fn next(receiver: &mut Receiver<Bytes>) -> Bytes {
    match Pin::new(receiver).poll_next(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Some(Ok(item))) => item,
        other => panic!("{other:?}"),
    }
}

#[test]
fn item_of_bytes_is_copied_once_by_each_end() {
    const SIZE: usize = 60 << 10;
    let (sender, mut receiver) = channel(4);
    let bytes = Bytes::from(vec![7; SIZE]);
    // What is looked at once in each process.
    sender.try_send(bytes.clone()).expect("it has room");
    drop(next(&mut receiver));

    let sent = measure(|| sender.try_send(bytes.clone()).expect("it has room"));
    assert!(sent.bytes_total < SIZE as u64 + 1000, "{sent:?}");
    assert!(sent.count_total <= 4, "{sent:?}");
    let mut item = Bytes::new();
    let received = measure(|| item = next(&mut receiver));
    assert!(received.bytes_total < SIZE as u64 + 1000, "{received:?}");
    assert!(received.count_total <= 4, "{received:?}");
    assert_eq!(item, bytes);
}
