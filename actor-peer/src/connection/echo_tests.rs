//! Echoes on the WebSockets that sessions use, for the Autobahn test suite: `cargo xtask
//! autobahn` runs these two. They test nothing by themselves.
//!
//! They use the same [`Wire`], assemble fragments in the same way, and close with the same codes
//! as a [`Reader`](super::reader::Reader). Text and large messages, which the suite sends and a
//! session rejects, are accepted here.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_codec::{AsyncRead, AsyncWrite, FramedParts};
use actix_http::body::{BodySize, MessageBody};
use actix_http::ws::{self, CloseCode, CloseReason, Frame, Item, Message as WsMessage, ProtocolError};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev, web};
use bytes::{Bytes, BytesMut};
use distributed_scope_core::PeerId;
use distributed_scope_core::peer::Goodbye;
use distributed_scope_core::session::MAX_FRAME;
use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::dial;
use super::incoming::{Assembler, goodbye};
use super::reader::close_reason;
use super::upgrade::on_connect;
use super::wire::Wire;
use crate::Peer;

/// The largest message of the suite.
const LARGEST: usize = 16 << 20;

/// Echoes its input.
struct Echo {
    assembler: Assembler,
    is_text: bool,
}

impl Echo {
    fn new() -> Self {
        Self { assembler: Assembler::new(LARGEST), is_text: false }
    }

    /// The echo, if any; `Err` is the final message, if the other side can still receive one.
    fn answer(
        &mut self,
        incoming: Result<WsMessage, ProtocolError>,
    ) -> Result<Option<WsMessage>, Option<CloseReason>> {
        let message = incoming.map_err(|error| goodbye(&error).map(close_reason))?;
        match message {
            WsMessage::Continuation(item) => self.part(item),
            WsMessage::Ping(payload) => Ok(Some(WsMessage::Pong(payload))),
            WsMessage::Pong(_) | WsMessage::Nop => Ok(None),
            // The code is echoed, as RFC 6455 recommends.
            WsMessage::Close(reason) => Err(Some(reason.unwrap_or_else(|| CloseCode::Normal.into()))),
            message @ (WsMessage::Text(_) | WsMessage::Binary(_)) => Ok(Some(message)),
        }
    }

    fn part(&mut self, item: Item) -> Result<Option<WsMessage>, Option<CloseReason>> {
        let item = match item {
            Item::FirstText(part) => {
                self.is_text = true;
                Item::FirstBinary(part)
            }
            Item::FirstBinary(part) => {
                self.is_text = false;
                Item::FirstBinary(part)
            }
            other => other,
        };
        let whole = self.assembler.add(item).map_err(|error| Some(close_reason(Goodbye::from(&error))))?;
        whole.map(|bytes| if self.is_text { text(bytes) } else { Ok(WsMessage::Binary(bytes)) }).transpose()
    }
}

fn text(bytes: Bytes) -> Result<WsMessage, Option<CloseReason>> {
    let text = bytes.try_into().map_err(|_| Some(close_reason(Goodbye::no_text("this is no text"))))?;
    Ok(WsMessage::Text(text))
}

/// Takes the input of a socket and returns its output.
struct EchoingWire {
    wire: Wire,
    echo: Echo,
    is_over: bool,
}

impl EchoingWire {
    fn new(wire: Wire) -> Self {
        Self { wire, echo: Echo::new(), is_over: false }
    }

    /// Answers the received input. Nothing is read after the final message.
    fn answer(&mut self, out: &mut BytesMut) {
        while !self.is_over {
            let answer = match self.wire.next().and_then(|frame| frame.map(message).transpose()) {
                Ok(None) => return,
                Ok(Some(message)) => self.echo.answer(Ok(message)),
                Err(error) => self.echo.answer(Err(error)),
            };
            self.is_over = answer.is_err();
            let said = answer.unwrap_or_else(|goodbye| goodbye.map(|reason| WsMessage::Close(Some(reason))));
            if let Some(said) = said {
                self.wire.encode(said, out).unwrap();
            }
        }
    }
}

/// The response body of the echo, like that of a session.
struct EchoBody {
    payload: dev::Payload,
    wire: EchoingWire,
    out: BytesMut,
}

impl MessageBody for EchoBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let Self { payload, wire, out } = &mut *self;
        loop {
            wire.answer(out);
            if !out.is_empty() {
                return Poll::Ready(Some(Ok(out.split().freeze())));
            }
            if wire.is_over {
                return Poll::Ready(None);
            }
            match ready!(payload.poll_next_unpin(cx)) {
                Some(Ok(bytes)) => wire.wire.unread().extend_from_slice(&bytes),
                Some(Err(_)) | None => wire.is_over = true,
            }
        }
    }
}

async fn by_response_body(request: HttpRequest, body: web::Payload) -> actix_web::Result<HttpResponse> {
    let (payload, wire) = (body.into_inner(), EchoingWire::new(Wire::server(LARGEST)));
    let body = EchoBody { payload, wire, out: BytesMut::new() };
    let response = ws::handshake(request.head())?.message_body(body)?;
    Ok(HttpResponse::from(response.map_into_boxed_body()))
}

#[cfg(feature = "actix-web-actors")]
mod context {
    use actix::prelude::*;
    use actix_web_actors::ws::{WebsocketContext, WsResponseBuilder};

    use super::super::guarded_payload::{guarded_payload, unwrap_oversize};
    use super::*;

    struct ContextEcho(Echo);

    impl Actor for ContextEcho {
        type Context = WebsocketContext<Self>;
    }

    impl StreamHandler<Result<WsMessage, ProtocolError>> for ContextEcho {
        fn handle(&mut self, incoming: Result<WsMessage, ProtocolError>, ctx: &mut Self::Context) {
            match self.0.answer(incoming.map_err(unwrap_oversize)) {
                Ok(None) => {}
                Ok(Some(WsMessage::Pong(payload))) => ctx.pong(&payload),
                Ok(Some(WsMessage::Text(text))) => ctx.text(text),
                Ok(Some(WsMessage::Binary(bytes))) => ctx.binary(bytes),
                Ok(Some(other)) => panic!("{other:?} is no echo"),
                Err(goodbye) => {
                    if goodbye.is_some() {
                        ctx.close(goodbye);
                    }
                    ctx.stop();
                }
            }
        }
    }

    pub(super) async fn by_actix_web_actors(
        request: HttpRequest,
        body: web::Payload,
    ) -> actix_web::Result<HttpResponse> {
        let body = guarded_payload(&request, body, LARGEST)?;
        WsResponseBuilder::new(ContextEcho(Echo::new()), &request, body).frame_size(LARGEST).start()
    }
}

#[actix_web::test]
#[ignore = "a server, which ends when its standard input does: `cargo xtask autobahn` runs it"]
#[expect(clippy::print_stdout, reason = "whoever runs it learns the port there")]
async fn echo_server() {
    let server = HttpServer::new(|| {
        let app = App::new().route("/response-body", web::get().to(by_response_body));
        #[cfg(feature = "actix-web-actors")]
        let app = app.route("/actix-web-actors", web::get().to(context::by_actix_web_actors));
        app
    });
    let server = server.on_connect(on_connect).workers(1).bind(("127.0.0.1", 0)).unwrap();
    println!("\nport {}", server.addrs()[0].port());
    let running = server.run();
    let handle = running.handle();
    actix_rt::spawn(running);
    let until_the_end = || std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    actix_rt::task::spawn_blocking(until_the_end).await.unwrap().unwrap();
    handle.stop(false).await;
}

/// Runs every case of a server of the suite, with the connection code and the limits of the
/// dialler.
#[actix_web::test]
#[ignore = "needs the server of a test suite at AUTOBAHN_URL: `cargo xtask autobahn` runs it"]
async fn echo_client() {
    let url = std::env::var("AUTOBAHN_URL").expect("AUTOBAHN_URL says where the server of the suite is");
    let peer = Peer::builder(PeerId::random()).start();
    let dial = async |path: &str| {
        let endpoint = format!("{url}/{path}").into();
        let uri = dial::parse(&endpoint).unwrap();
        let deadline = tokio::time::Instant::now() + peer.shared().limits().handshake_timeout;
        let dial::Upgraded { framed, socket: _socket } =
            dial::reach(peer.shared(), &endpoint, &uri, None, false, deadline).await.unwrap();
        let FramedParts { io, read_buf, .. } = framed.into_parts();
        (io, Wire::client(MAX_FRAME, read_buf))
    };
    let (mut socket, mut wire) = dial("getCaseCount").await;
    let count = loop {
        match wire.next().unwrap() {
            Some(Frame::Text(count)) => break count,
            Some(other) => panic!("the suite says how many cases it has, and not {other:?}"),
            None => assert_ne!(socket.read_buf(wire.unread()).await.unwrap(), 0),
        }
    };
    let count: u32 = std::str::from_utf8(&count).unwrap().parse().unwrap();
    for case in 1..=count {
        let (socket, wire) = dial(&format!("runCase?case={case}&agent=awc")).await;
        echo(socket, EchoingWire::new(wire)).await;
    }
    let (mut socket, mut wire) = dial("updateReports?agent=awc").await;
    while socket.read_buf(wire.unread()).await.is_ok_and(|count| count > 0) {
        wire.unread().clear();
    }
}

/// Runs until the connection has ended.
async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut socket: S, mut wire: EchoingWire) {
    let mut out = BytesMut::new();
    loop {
        wire.answer(&mut out);
        if socket.write_all_buf(&mut out).await.is_err() || socket.flush().await.is_err() {
            return;
        }
        if wire.is_over {
            // Input after the final message.
            let _ = socket.shutdown().await;
            while socket.read_buf(wire.wire.unread()).await.is_ok_and(|count| count > 0) {
                wire.wire.unread().clear();
            }
            return;
        }
        if !socket.read_buf(wire.wire.unread()).await.is_ok_and(|count| count > 0) {
            return;
        }
    }
}

/// The input, as the message that echoes it.
fn message(frame: Frame) -> Result<WsMessage, ProtocolError> {
    Ok(match frame {
        Frame::Text(bytes) => match bytes.try_into() {
            Ok(text) => WsMessage::Text(text),
            Err(error) => return Err(ProtocolError::Io(std::io::Error::other(error))),
        },
        Frame::Binary(bytes) => WsMessage::Binary(bytes),
        Frame::Continuation(item) => WsMessage::Continuation(item),
        Frame::Ping(payload) => WsMessage::Ping(payload),
        Frame::Pong(payload) => WsMessage::Pong(payload),
        Frame::Close(reason) => WsMessage::Close(reason),
    })
}
