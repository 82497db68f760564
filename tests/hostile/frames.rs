//! Handshakes and frames by hand.

use bytes::Bytes;
use distributed_scope::{Identity, Limits};
use distributed_scope_core::Registry;
use distributed_scope_core::frame::{CallId, Frame, Hello, Invoke, Opened, Welcome};
use distributed_scope_core::handshake::{self, Ticket, Us};

use crate::scripts;
use crate::wire::{Said, Wire};

pub(crate) fn us(identity: impl Into<Identity>) -> Us {
    let blocks = Registry::of_process().unwrap().digest();
    Us::new(&identity.into(), &Limits::default(), blocks)
}

/// A session that was opened by hand.
pub(crate) struct Session {
    pub(crate) wire: Wire,
    pub(crate) ticket: Ticket,
}

impl Session {
    pub(crate) fn open(address: &str, us: &Us) -> Self {
        Self::over(Wire::connect(address), us)
    }

    /// The same, over a connection on which the server has said this.
    pub(crate) fn over((mut wire, invitation): (Wire, Bytes), us: &Us) -> Self {
        let (hello, introduced) = handshake::answer(us, None, invitation).unwrap().unwrap();
        wire.send_as(2, &hello);
        let Frame::Welcome(welcome) = wire.next().frame() else { panic!("no welcome") };
        let Welcome { from, opened: Opened::New { session, token }, .. } = (*welcome).clone() else {
            panic!("not new")
        };
        assert!(introduced.welcomed(us, Frame::Welcome(welcome).encode()).unwrap().is_ok());
        wire.send(&Frame::Ack(0));
        Self { wire, ticket: Ticket { session, token, received: 0, peer: from.peer } }
    }

    /// Sends these, and returns how the server closes.
    pub(crate) fn lie(mut self, frames: &[Frame]) -> String {
        frames.iter().for_each(|frame| self.wire.send(frame));
        loop {
            if let Said::Close(code, reason) = self.wire.next() {
                return scripts::close(code, &reason);
            }
        }
    }

    /// Ends it as one should.
    pub(crate) fn end(mut self) {
        self.wire.send_as(2, &handshake::end(self.ticket.session, &self.ticket.token, ""));
        assert!(matches!(self.wire.next(), Said::Close(..)));
    }

    /// The same, where unread answers may still arrive.
    pub(crate) fn end_unread(mut self) {
        self.wire.send_as(2, &handshake::end(self.ticket.session, &self.ticket.token, ""));
        while let Said::Frame(_) = self.wire.next() {}
    }
}

/// How the server answers this hello on a new connection; it closes then.
pub(crate) fn answer_to(address: &str, hello: impl FnOnce(Bytes) -> Bytes) -> String {
    let (mut wire, invitation) = Wire::connect(address);
    wire.send_as(2, &hello(invitation));
    let Frame::Reject(reject) = wire.next().frame() else { panic!("no reject") };
    assert!(matches!(wire.next(), Said::Close(1008, text) if text.starts_with(&reject.to_string()[..9])));
    scripts::reject(&reject)
}

/// How the server closes a new connection after this message.
pub(crate) fn first_message(address: &str, opcode: u8, payload: &[u8]) -> String {
    let (mut wire, _) = Wire::connect(address);
    wire.send_as(opcode, payload);
    closed(&mut wire)
}

pub(crate) fn closed(wire: &mut Wire) -> String {
    match wire.next() {
        Said::Close(code, reason) => scripts::close(code, &reason),
        Said::Frame(frame) => panic!("it answered {frame:?}"),
    }
}

pub(crate) fn hello_of(us: &Us, ticket: Option<Ticket>, invitation: Bytes) -> Bytes {
    handshake::answer(us, ticket, invitation).unwrap().unwrap().0
}

pub(crate) fn changed(hello: Bytes, change: impl FnOnce(&mut Hello)) -> Bytes {
    let Frame::Hello(mut hello) = Frame::decode(hello).unwrap() else { panic!("no hello") };
    change(&mut hello);
    Frame::Hello(hello).encode()
}

/// A call of the block of this test program whose path ends so.
pub(crate) fn invoke(call: u64, path: &str) -> Invoke {
    let blocks = Registry::of_process().unwrap().blocks();
    let block = blocks.iter().find(|block| block.path.ends_with(path)).unwrap();
    Invoke {
        call: CallId(call),
        block: block.id,
        fingerprint: block.fingerprint(),
        deadline_ms: None,
        hop: 0,
        codec: 1,
        is_detached: false,
        ends: None,
        captures: Bytes::new(),
    }
}
