//! The input of a connection, independent of the library that reads the socket.

#[cfg(feature = "actix-web-actors")]
use actix_http::ws::Message;
use actix_http::ws::{CloseReason, Frame, Item, ProtocolError};
use bytes::{Bytes, BytesMut};
use distributed_scope_core::peer::Goodbye;

/// One message of the other side.
pub(crate) enum Incoming {
    Binary(Bytes),
    Part(Item),
    Ping(Bytes),
    Pong,
    Text,
    Close(Option<CloseReason>),
}

impl Incoming {
    /// The number of bytes of its payload.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Binary(bytes)
            | Self::Ping(bytes)
            | Self::Part(
                Item::FirstText(bytes) | Item::FirstBinary(bytes) | Item::Continue(bytes) | Item::Last(bytes),
            ) => bytes.len(),
            Self::Pong | Self::Text | Self::Close(_) => 0,
        }
    }
}

#[cfg(feature = "actix-web-actors")]
impl From<Message> for Incoming {
    fn from(message: Message) -> Self {
        match message {
            Message::Binary(bytes) => Self::Binary(bytes),
            Message::Continuation(item) => Self::Part(item),
            Message::Ping(bytes) => Self::Ping(bytes),
            Message::Pong(_) | Message::Nop => Self::Pong,
            Message::Text(_) => Self::Text,
            Message::Close(reason) => Self::Close(reason),
        }
    }
}

impl From<Frame> for Incoming {
    fn from(frame: Frame) -> Self {
        match frame {
            Frame::Binary(bytes) => Self::Binary(bytes),
            Frame::Continuation(item) => Self::Part(item),
            Frame::Ping(bytes) => Self::Ping(bytes),
            Frame::Pong(_) => Self::Pong,
            Frame::Text(_) => Self::Text,
            Frame::Close(reason) => Self::Close(reason),
        }
    }
}

/// The close frame after an error of the codec; `None` if the connection is lost and no close
/// frame can be sent.
pub(crate) fn goodbye(error: &ProtocolError) -> Option<Goodbye> {
    let goodbye = match error {
        ProtocolError::Overflow => Goodbye::too_large,
        // A text message that is not valid UTF-8. Neither library has an own error for it, and
        // one keeps only the text.
        ProtocolError::Io(io) if io.get_ref().is_some_and(|inner| inner.to_string().contains("utf-8")) => {
            Goodbye::no_text
        }
        // Nor does one for this, yet.
        ProtocolError::Io(io)
            if io.get_ref().is_some_and(|inner| inner.to_string().contains("reserved bits")) =>
        {
            Goodbye::protocol
        }
        ProtocolError::Io(_) => return None,
        _ => Goodbye::protocol,
    };
    Some(goodbye(&error.to_string()))
}

/// Assembles a fragmented message. We never fragment; a proxy or a browser may.
#[derive(Debug)]
pub(crate) struct Assembler {
    parts: Option<BytesMut>,
    limit: usize,
}

/// Why fragments cannot be assembled to a message.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PartsError {
    #[error("it sent a text message")]
    Text,
    #[error("it sent the parts of a message out of order")]
    Order,
    #[error("it sent a message in parts of more than {0} bytes")]
    TooLarge(usize),
}

impl From<&PartsError> for Goodbye {
    fn from(error: &PartsError) -> Self {
        let goodbye = match error {
            PartsError::Text => Self::unsupported,
            PartsError::Order => Self::protocol,
            PartsError::TooLarge(_) => Self::too_large,
        };
        goodbye(&error.to_string())
    }
}

impl Assembler {
    pub(crate) fn new(limit: usize) -> Self {
        Self { parts: None, limit }
    }

    /// Adds one fragment; returns the message after the last one.
    pub(crate) fn add(&mut self, item: Item) -> Result<Option<Bytes>, PartsError> {
        let (part, is_last) = match item {
            Item::FirstText(_) => return Err(PartsError::Text),
            Item::FirstBinary(part) if self.parts.is_none() => {
                self.parts = Some(BytesMut::new());
                (part, false)
            }
            Item::FirstBinary(_) => return Err(PartsError::Order),
            Item::Continue(part) => (part, false),
            Item::Last(part) => (part, true),
        };
        let parts = self.parts.as_mut().ok_or(PartsError::Order)?;
        if parts.len() + part.len() > self.limit {
            return Err(PartsError::TooLarge(self.limit));
        }
        parts.extend_from_slice(&part);
        Ok(if is_last { self.parts.take().map(BytesMut::freeze) } else { None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn parts_become_one_message() {
        let mut assembler = Assembler::new(6);
        assert_eq!(assembler.add(Item::FirstBinary(bytes("ab"))), Ok(None));
        assert_eq!(assembler.add(Item::Continue(bytes("cd"))), Ok(None));
        assert_eq!(assembler.add(Item::Last(bytes("ef"))), Ok(Some(bytes("abcdef"))));
        assert_eq!(assembler.add(Item::FirstBinary(bytes("x"))), Ok(None), "and the next message begins");
    }

    #[test]
    fn parts_that_are_together_too_large_are_an_error_before_they_are_kept() {
        let mut assembler = Assembler::new(5);
        assert_eq!(assembler.add(Item::FirstBinary(bytes("abc"))), Ok(None));
        assert_eq!(assembler.add(Item::Last(bytes("def"))), Err(PartsError::TooLarge(5)));
    }

    #[test]
    fn parts_out_of_order_are_an_error() {
        assert_eq!(Assembler::new(9).add(Item::Last(bytes("x"))), Err(PartsError::Order));
        let mut assembler = Assembler::new(9);
        assert_eq!(assembler.add(Item::FirstBinary(bytes("a"))), Ok(None));
        assert_eq!(assembler.add(Item::FirstBinary(bytes("a"))), Err(PartsError::Order));
    }
    #[test]
    fn each_mistake_has_a_close_code_of_its_own_and_a_lost_connection_has_none() {
        let code = |item| Goodbye::from(&Assembler::new(1).add(item).unwrap_err()).code;
        assert_eq!(code(Item::FirstText(bytes("x"))), 1003);
        assert_eq!(code(Item::Continue(bytes("x"))), 1002);
        let mut assembler = Assembler::new(1);
        assembler.add(Item::FirstBinary(bytes("x"))).unwrap();
        assert_eq!(Goodbye::from(&assembler.add(Item::Last(bytes("x"))).unwrap_err()).code, 1009);

        let code = |error| goodbye(&error).map(|goodbye| goodbye.code);
        assert_eq!(code(ProtocolError::Overflow), Some(1009));
        assert_eq!(code(ProtocolError::BadOpCode), Some(1002));
        let no_text = String::from_utf8(vec![0xFF]).unwrap_err().utf8_error();
        for io in [std::io::Error::other(no_text), std::io::Error::other(no_text.to_string())] {
            assert_eq!(code(ProtocolError::Io(io)), Some(1007));
        }
        let lost = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert_eq!(code(ProtocolError::Io(lost)), None);
    }
}
