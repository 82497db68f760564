//! TCP with a length before each message: the fastest possible contender.

use anyhow::{Result, bail};
use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;

use super::floor::{self, HEAD, Message, Wire};
use super::{as_task, on_tokio};
use crate::contender::{Contender, Serve};

/// A payload of this size is not worth a copy.
const LARGE: usize = 16 << 10;

struct Raw {
    stream: TcpStream,
    input: BytesMut,
    output: BytesMut,
}

impl Raw {
    fn new(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, input: BytesMut::with_capacity(LARGE), output: BytesMut::with_capacity(LARGE) })
    }

    /// The length of the message that has begun to arrive.
    fn announced(&self) -> Option<usize> {
        let length = self.input.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))?;
        usize::try_from(length).ok()
    }
}

impl Wire for Raw {
    async fn connect(port: u16) -> Result<Self> {
        Self::new(TcpStream::connect(("127.0.0.1", port)).await?)
    }

    async fn receive(&mut self) -> Result<Message> {
        loop {
            if let Some(message) = self.try_receive()? {
                return Ok(message);
            }
            let missing = self.announced().map_or(0, |length| (4 + length).saturating_sub(self.input.len()));
            self.input.reserve(missing.max(4 << 10));
            if self.stream.read_buf(&mut self.input).await? == 0 {
                bail!("the other side is gone");
            }
        }
    }

    fn try_receive(&mut self) -> Result<Option<Message>> {
        let Some(length) = self.announced().filter(|length| self.input.len() >= 4 + length) else {
            return Ok(None);
        };
        self.input.advance(4);
        Message::read(self.input.split_to(length).freeze()).map(Some)
    }

    async fn feed(&mut self, message: Message) -> Result<()> {
        self.output.put_u32_le(u32::try_from(HEAD + message.payload.len())?);
        message.put_head(&mut self.output);
        if message.payload.len() < LARGE {
            self.output.put_slice(&message.payload);
            return Ok(());
        }
        let mut both = self.output.split().chain(message.payload);
        Ok(self.stream.write_all_buf(&mut both).await?)
    }

    async fn flush(&mut self) -> Result<()> {
        let mut output = self.output.split();
        Ok(self.stream.write_all_buf(&mut output).await?)
    }
}

/// Answers everything that is here, then flushes once.
async fn answer(mut wire: Raw) -> Result<()> {
    loop {
        let mut next = Some(wire.receive().await?);
        while let Some(message) = next {
            wire.feed(message.answer()?).await?;
            next = wire.try_receive()?;
        }
        wire.flush().await?;
    }
}

fn serve(serve: &Serve) -> Result<()> {
    on_tokio(async {
        let listener = TcpListener::bind(("127.0.0.1", serve.port)).await?;
        serve.ready();
        loop {
            let wire = Raw::new(listener.accept().await?.0)?;
            // It ends when the client goes.
            spawn_local(answer(wire));
        }
    })
}

pub fn contender() -> Contender {
    Contender {
        name: "raw TCP",
        about: "a length and a message over TCP; no codec, no table of calls",
        workloads: floor::WORKLOADS,
        serve,
        drive: |run| {
            let run = *run;
            on_tokio(as_task(async move { floor::drive::<Raw>(&run).await }))
        },
    }
}
