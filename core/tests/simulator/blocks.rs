//! What the two peers do with their sessions: they make calls, cancel them, and run blocks for
//! each other.

use bytes::Bytes;
use distributed_scope_core::__private::Source;
use distributed_scope_core::frame::{CallId, HEAD, Invoke};
use distributed_scope_core::pending::Payload;
use distributed_scope_core::session::Effect;
use distributed_scope_core::{Block, Codec, Deadline, PeerId, Request};

use crate::model::{self, Nonce};
use crate::plan::CallPlan;
use crate::world::{Event, Running, World, moment};

static BLOCK: Block = Block::new("simulator::block#0", "simulator", "simulator.rs", 1, &[], Source::exact(7));

impl World {
    pub(crate) fn make_call(&mut self, side: usize) {
        let plan = CallPlan::new(&mut self.random, self.plan.gentle, 0);
        self.call(side, plan, Deadline::never(), 0);
    }

    /// Makes a call if there is an open session; the call has at most the time of `parent`.
    fn call(&mut self, side: usize, plan: CallPlan, parent: Deadline, hop: u8) -> Option<Nonce> {
        self.sides[side].session.as_ref().filter(|session| session.is_open())?;
        let deadline = match plan.deadline {
            Some(after) => Deadline::at(moment(self.now + after)).earlier(parent),
            None => parent,
        };
        let micros = deadline.moment().map(|moment| moment.since_origin().as_micros() as u64);
        let call = self.model.begin(plan, micros);
        let mut request = Request {
            to: PeerId::named("other"),
            block: &BLOCK,
            frame: model::bytes(call, plan.size).into(),
            handles: distributed_scope_core::Handles::default(),
            codec: Codec::default(),
            deadline,
            hop,
            is_detached: false,
            fails_fast: false,
            is_bound: false,
        };
        let session = self.sides[side].session.as_mut()?;
        match session.call(moment(self.now), &mut request, call) {
            Ok(id) => {
                self.sides[side].open.insert(call, id);
                if let Some(after) = plan.cancelled_after {
                    self.after(after, Event::Cancel(side, call));
                }
                Some(call)
            }
            Err(error) => {
                self.model.ends(call, Err(error), self.now, self.plan.gentle);
                None
            }
        }
    }

    pub(crate) fn cancel(&mut self, side: usize, call: Nonce) {
        let Some(id) = self.sides[side].open.remove(&call) else { return };
        let session = self.sides[side].session.as_mut().expect("an open call has a session");
        assert_eq!(session.cancel(id), Some(call), "the wrong call was cancelled");
        self.model.given_up(call);
        self.child_ended(side, call);
    }

    pub(crate) fn apply(&mut self, side: usize, effects: Vec<Effect<Nonce>>) {
        for effect in effects {
            match effect {
                Effect::Run(invoke, deadline) => self.run_block(side, &invoke, deadline),
                Effect::Abort(id) => {
                    let running = self.sides[side].running.remove(&id).expect("only what runs is aborted");
                    self.drop_child(side, &running);
                }
                Effect::Complete(call, ending) => {
                    self.sides[side].open.remove(&call).expect("only an open call ends");
                    self.model.ends(call, ending, self.now, self.plan.gentle);
                    self.child_ended(side, call);
                }
                Effect::DropConnection(dead) => self.found_dead(side, dead),
                Effect::Expired => self.close_session(side),
                // Both sides have the same blocks here, so neither logs a difference.
                Effect::Catalogue(_) => {}
                Effect::Channel(event) => event.perform(),
                Effect::TheyEnd(_) => panic!("nobody ends a session that way here"),
                Effect::TheyLeave => assert!(self.sides[1 - side].leaves, "nobody said that it leaves"),
            }
        }
    }

    fn run_block(&mut self, side: usize, invoke: &Invoke, deadline: Deadline) {
        // What is under way finishes with all its hops.
        assert!(!self.sides[side].leaves || invoke.hop > 0, "a new call runs on a peer that leaves");
        let call = self.model.runs(&invoke.captures);
        let plan = self.model.plan(call);
        let replaced = self.sides[side].running.insert(invoke.call, Running { call, child: None });
        assert!(replaced.is_none(), "two calls with one number run");
        if plan.nested > 0 {
            let child = CallPlan::new(&mut self.random, self.plan.gentle, plan.nested);
            let child = self.call(side, child, deadline, invoke.hop + 1);
            if let Some(child) = child {
                self.sides[side].parents.insert(child, invoke.call);
                if let Some(running) = self.sides[side].running.get_mut(&invoke.call) {
                    running.child = Some(child);
                }
                return;
            }
        }
        self.block_works(side, invoke.call, plan);
    }

    fn block_works(&mut self, side: usize, id: CallId, plan: CallPlan) {
        if plan.runs_for < u64::MAX {
            let epoch = self.sides[side].epoch;
            self.after(plan.runs_for, Event::Done(side, epoch, id));
        }
    }

    /// The nested call of a block has ended, so the block continues.
    fn child_ended(&mut self, side: usize, child: Nonce) {
        let Some(id) = self.sides[side].parents.remove(&child) else { return };
        if let Some(running) = self.sides[side].running.get_mut(&id) {
            running.child = None;
            let plan = self.model.plan(running.call);
            self.block_works(side, id, plan);
        }
    }

    fn drop_child(&mut self, side: usize, running: &Running) {
        if let Some(child) = running.child {
            self.sides[side].parents.remove(&child);
            // When the whole session ends, the child may have ended before its parent.
            if self.sides[side].session.as_ref().is_some_and(|session| session.is_alive()) {
                self.cancel(side, child);
            }
        }
    }

    pub(crate) fn block_ends(&mut self, side: usize, epoch: u64, id: CallId) {
        if self.sides[side].epoch != epoch {
            return;
        }
        let Some(running) = self.sides[side].running.remove(&id) else { return };
        let plan = self.model.plan(running.call);
        let ending = if plan.raises {
            Err(model::raised(running.call))
        } else {
            let bytes: Bytes = model::bytes(running.call, plan.result_size);
            debug_assert_eq!(bytes.len(), HEAD + plan.result_size);
            Ok(Payload {
                codec: Codec::default(),
                bytes: bytes.into(),
                handles: distributed_scope_core::Handles::default(),
            })
        };
        let session = self.sides[side].session.as_mut().expect("a running block has a session");
        session.reply(id, ending);
    }

    /// The session of a side is over; its calls and blocks end with it.
    pub(crate) fn close_session(&mut self, side: usize) {
        if let Some(mut session) = self.sides[side].session.take() {
            let effects = session.close();
            self.apply(side, effects);
            assert_eq!((session.calls(), session.running(), session.queued()), (0, 0, 0));
        }
        self.sides[side].ticket = None;
        self.sides[side].epoch += 1;
        assert!(
            self.sides[side].open.is_empty() && self.sides[side].running.is_empty(),
            "a call outlives its session"
        );
    }

    /// The program of a side ends and is started again.
    pub(crate) fn restart(&mut self, side: usize) {
        let open = std::mem::take(&mut self.sides[side].open);
        open.into_keys().for_each(|call| self.model.given_up(call));
        self.sides[side].running.clear();
        self.sides[side].parents.clear();
        self.sides[side].session = None;
        self.sides[side].ticket = None;
        self.sides[side].epoch += 1;
        self.hang_up(side);
    }

    pub(crate) fn leave(&mut self, side: usize) {
        if let Some(session) = &mut self.sides[side].session {
            session.go_away();
            self.sides[side].leaves = true;
        }
    }
}
