//! The connections between peers. Each has two directions, which fail independently, at any
//! message.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use bytes::Bytes;
use distributed_scope_core::peer::{Arrival, Goodbye, Messages};

use crate::runtime;
use crate::world;

/// What happens to a message, and to the connection with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// It is lost, and all that comes after it in this direction, the end included.
    Silence,
    /// It is lost because it is too large for the path, and what comes after it waits for it; a
    /// reset does not.
    TooLarge,
    /// It is lost, and all that comes after it in both directions.
    SilenceBoth,
    /// It arrives this many microseconds later, and later messages do not overtake it.
    Delay(u64),
    /// It is the last one: both sides see the end of the connection.
    Fin,
    /// It is lost with all that is on its way.
    Rst,
    /// A proxy closes the connection with this code after it.
    Close(Option<u16>),
}

impl Fault {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::TooLarge => "large message",
            Self::SilenceBoth => "silence both ways",
            Self::Delay(_) => "delay",
            Self::Fin => "fin",
            Self::Rst => "rst",
            Self::Close(_) => "close frame",
        }
    }
}

/// One direction of a connection, as its receiver has it.
#[derive(Default)]
struct Way {
    /// What has arrived and was not read.
    arrived: VecDeque<Arrival>,
    reader: Option<Waker>,
    is_over: bool,
    is_silent: bool,
    /// Something was lost that has to come first.
    is_stuck: bool,
    /// Counts the resets: what was sent before one does not arrive after it.
    resets: u32,
    /// When the last message arrives, of those that were sent.
    last: u64,
    /// The receiver's own handle was asked to end the connection.
    is_cut: bool,
    cutter: Option<Waker>,
    /// When something last arrived, and whether the receiver has seen the end.
    heard: u64,
    messages: u32,
    /// When the receiver had nothing more to do with it.
    ended: Option<u64>,
}

/// One end of a connection.
pub(crate) struct End {
    pub(crate) nodes: [usize; 2],
    /// When the connection was made.
    made: u64,
    /// It sends small packets.
    is_narrow: bool,
    incoming: Rc<RefCell<Way>>,
    outgoing: Rc<RefCell<Way>>,
}

/// What is known of the acceptor's end of a connection from outside.
#[derive(Clone)]
pub(crate) struct Probe(Rc<RefCell<Way>>);

impl Probe {
    /// When something last arrived, and how many messages have, unless it had ended at this
    /// moment.
    pub(crate) fn heard(&self, moment: u64) -> Option<(u64, u32)> {
        let way = self.0.borrow();
        way.ended.is_none_or(|ended| ended > moment).then_some((way.heard, way.messages))
    }
}

/// Ends the connection at one of its ends.
#[derive(Clone)]
pub(crate) struct Cut(Rc<RefCell<Way>>);

impl Cut {
    pub(crate) fn now(&self) {
        let mut way = self.0.borrow_mut();
        way.is_cut = true;
        way.ended.get_or_insert(runtime::now());
        if let Some(waker) = way.cutter.take() {
            waker.wake();
        }
    }
}

/// The two ends of a connection that a node makes to another one.
pub(crate) fn pair(from: usize, to: usize, is_narrow: bool) -> [End; 2] {
    let heard = runtime::now();
    let way = || Rc::new(RefCell::new(Way { heard, ..Way::default() }));
    let [there, back] = [way(), way()];
    [
        End {
            nodes: [from, to],
            made: heard,
            is_narrow,
            incoming: Rc::clone(&back),
            outgoing: Rc::clone(&there),
        },
        End { nodes: [to, from], made: heard, is_narrow, incoming: there, outgoing: back },
    ]
}

impl End {
    pub(crate) fn probe(&self) -> Probe {
        Probe(Rc::clone(&self.incoming))
    }

    pub(crate) fn cut(&self) -> Cut {
        Cut(Rc::clone(&self.incoming))
    }

    /// Ends when this end is cut.
    pub(crate) fn is_cut(&self) -> impl Future<Output = ()> + use<> {
        let way = Rc::clone(&self.incoming);
        poll_fn(move |cx| {
            let mut way = way.borrow_mut();
            if way.is_cut {
                return Poll::Ready(());
            }
            way.cutter = Some(cx.waker().clone());
            Poll::Pending
        })
    }

    fn put(&self, arrival: Arrival) {
        let packet = match &arrival {
            Arrival::Message(message) if !self.is_narrow => message.len(),
            _ => 0,
        };
        let fault = world::fault(self.nodes, self.made, packet);
        let mut delay = world::latency();
        let mut then = None;
        match fault {
            None => {}
            Some(Fault::TooLarge) => self.outgoing.borrow_mut().is_stuck = true,
            Some(Fault::Silence) => self.outgoing.borrow_mut().is_silent = true,
            Some(Fault::SilenceBoth) => {
                self.outgoing.borrow_mut().is_silent = true;
                self.incoming.borrow_mut().is_silent = true;
            }
            Some(Fault::Delay(more)) => delay += more,
            Some(Fault::Rst) => {
                for way in [&self.outgoing, &self.incoming] {
                    way.borrow_mut().resets += 1;
                    // It does not wait for what is late.
                    way.borrow_mut().last = 0;
                    deliver(way, Arrival::Lost, world::latency());
                }
                return;
            }
            Some(Fault::Fin) => then = Some(Arrival::Lost),
            Some(Fault::Close(_)) => then = Some(Arrival::Closed),
        }
        deliver(&self.outgoing, arrival, delay);
        if let Some(then) = then {
            deliver(&self.outgoing, then, 0);
            deliver(&self.incoming, Arrival::Lost, world::latency());
        }
    }
}

/// In order, unless nothing arrives any more.
fn deliver(way: &Rc<RefCell<Way>>, arrival: Arrival, delay: u64) {
    let (moment, resets) = {
        let mut way = way.borrow_mut();
        if way.is_silent || way.is_stuck && !matches!(arrival, Arrival::Lost) {
            return;
        }
        way.last = way.last.max(runtime::now() + delay);
        (way.last, way.resets)
    };
    let way = Rc::clone(way);
    runtime::at(moment, move || {
        let mut way = way.borrow_mut();
        if way.is_over || way.resets != resets {
            return;
        }
        way.heard = runtime::now();
        way.messages += 1;
        way.is_over = !matches!(arrival, Arrival::Message(_));
        if way.is_over {
            way.ended.get_or_insert(runtime::now());
        }
        way.arrived.push_back(arrival);
        if let Some(reader) = way.reader.take() {
            reader.wake();
        }
    });
}

impl Messages for End {
    async fn next(&self) -> Arrival {
        poll_fn(|cx| {
            let mut way = self.incoming.borrow_mut();
            match way.arrived.pop_front() {
                Some(arrival) => Poll::Ready(arrival),
                None if way.is_over => Poll::Ready(Arrival::Lost),
                None => {
                    way.reader = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    async fn until_room(&self) {}

    fn send(&self, frame: Bytes) {
        self.put(Arrival::Message(frame));
    }

    fn close(&self, _: &Goodbye) {
        self.put(Arrival::Closed);
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.incoming.borrow_mut().ended.get_or_insert(runtime::now());
        deliver(&self.outgoing, Arrival::Lost, world::latency());
    }
}
