//! Echoes on the WebSockets that sessions use, for the Autobahn test suite: `cargo xtask autobahn` runs these two, which test
//! nothing by themselves.
//!
//! They read through the same guard and the same codecs, put parts together in the same way and close with the same codes
//! as a [`Reader`](super::reader::Reader). What a session would take for a mistake and the suite sends, text
//! and large messages, is let pass here.

use actix_http::ws::{CloseCode, CloseReason, Frame, Item, Message as WsMessage, ProtocolError};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
use distributed_scope_core::PeerId;
use distributed_scope_core::peer::Goodbye;
use futures_util::{Sink, SinkExt, Stream, StreamExt};

use super::dial;
use super::frame_guard::{self, payload::guarded_payload};
use super::incoming::{Assembler, goodbye};
use super::reader::close_reason;
use super::upgrade::on_connect;
use crate::Peer;

/// The largest message of the suite.
const LARGEST: usize = 16 << 20;

/// Says the same back.
struct Echo {
    assembler: Assembler,
    is_text: bool,
}

impl Echo {
    fn new() -> Self {
        Self { assembler: Assembler::new(LARGEST), is_text: false }
    }

    /// What is said back, if anything; `Err` is the last that is said, if anybody is there to hear it.
    fn answer(
        &mut self,
        incoming: Result<WsMessage, ProtocolError>,
    ) -> Result<Option<WsMessage>, Option<CloseReason>> {
        let message = incoming.map_err(|error| goodbye(&error).map(close_reason))?;
        match message {
            WsMessage::Continuation(item) => self.part(item),
            WsMessage::Ping(payload) => Ok(Some(WsMessage::Pong(payload))),
            WsMessage::Pong(_) | WsMessage::Nop => Ok(None),
            // The code is said back, as RFC 6455 recommends.
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

async fn echo<M, S>(mut stream: M, mut sink: S)
where
    M: Stream<Item = Result<WsMessage, ProtocolError>> + Unpin,
    S: Sink<WsMessage> + Unpin,
{
    let mut echo = Echo::new();
    while let Some(incoming) = stream.next().await {
        let (answer, goes_on) = match echo.answer(incoming) {
            Ok(answer) => (answer, true),
            Err(goodbye) => (goodbye.map(|reason| WsMessage::Close(Some(reason))), false),
        };
        if let Some(answer) = answer
            && sink.send(answer).await.is_err()
        {
            return;
        }
        if !goes_on {
            break;
        }
    }
    let _ = sink.close().await;
}

#[cfg(feature = "actix-ws")]
async fn by_actix_ws(request: HttpRequest, body: web::Payload) -> actix_web::Result<HttpResponse> {
    let body = guarded_payload(&request, body, frame_guard::limit(LARGEST))?;
    let (response, sink, stream) = actix_ws::handle(&request, body)?;
    let stream = stream.max_frame_size(LARGEST).map(|item| item.map_err(frame_guard::unwrap_oversize));
    actix_rt::spawn(echo(stream, sink));
    Ok(response)
}

#[cfg(feature = "actix-web-actors")]
mod context {
    use actix::prelude::*;
    use actix_web_actors::ws::{WebsocketContext, WsResponseBuilder};

    use super::*;

    struct ContextEcho(Echo);

    impl Actor for ContextEcho {
        type Context = WebsocketContext<Self>;
    }

    impl StreamHandler<Result<WsMessage, ProtocolError>> for ContextEcho {
        fn handle(&mut self, incoming: Result<WsMessage, ProtocolError>, ctx: &mut Self::Context) {
            match self.0.answer(incoming.map_err(frame_guard::unwrap_oversize)) {
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
        let body = guarded_payload(&request, body, frame_guard::limit(LARGEST))?;
        WsResponseBuilder::new(ContextEcho(Echo::new()), &request, body).frame_size(LARGEST).start()
    }
}

#[actix_web::test]
#[ignore = "a server, which ends when its standard input does: `cargo xtask autobahn` runs it"]
#[expect(clippy::print_stdout, reason = "whoever runs it learns the port there")]
async fn echo_server() {
    let server = HttpServer::new(|| {
        let app = App::new();
        #[cfg(feature = "actix-ws")]
        let app = app.route("/actix-ws", web::get().to(by_actix_ws));
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

/// Takes every case of a server of the suite, as the dialler dials, with the dialler's own limits.
#[actix_web::test]
#[ignore = "needs the server of a test suite at AUTOBAHN_URL: `cargo xtask autobahn` runs it"]
async fn echo_client() {
    let url = std::env::var("AUTOBAHN_URL").expect("AUTOBAHN_URL says where the server of the suite is");
    let peer = Peer::builder(PeerId::random()).start();
    let dial = async |path: &str| {
        let endpoint = format!("{url}/{path}").into();
        let uri = dial::parse(&endpoint).unwrap();
        let (framed, _socket) = dial::connect(peer.shared(), &endpoint, &uri, None).await.unwrap();
        framed
    };
    let mut count = dial("getCaseCount").await;
    let Some(Ok(Frame::Text(count))) = count.next().await else {
        panic!("the suite says how many cases it has")
    };
    let count: u32 = std::str::from_utf8(&count).unwrap().parse().unwrap();
    for case in 1..=count {
        let (sink, stream) = dial(&format!("runCase?case={case}&agent=awc")).await.split();
        let stream = stream.map(|item| item.map_err(frame_guard::unwrap_oversize).and_then(message));
        echo(stream, sink).await;
    }
    let mut reports = dial("updateReports?agent=awc").await;
    while reports.next().await.is_some() {}
}

/// What came in on the client's side, which has types of its own.
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
