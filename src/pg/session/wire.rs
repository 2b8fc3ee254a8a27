//! The stream under the driver. The driver gets a connection that is already encrypted (or deliberately not), so
//! that the meaning of each `sslmode` is decided in one place, [`super::dial`]; and the stream listens to the
//! first messages, because the driver keeps to itself what they tell: which password method the server asked for,
//! which pid the cancel key is for, and whether what answered speaks PostgreSQL's protocol at all.

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready as ready_or_return};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// A connected socket, encrypted or not.
pub(super) trait Link: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// What a SCRAM exchange may be bound to.
    fn binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl Link for TcpStream {}
impl Link for UnixStream {}

impl<S> Link for postgres_native_tls::TlsStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    fn binding(&self) -> ChannelBinding {
        self.channel_binding()
    }
}

/// The stream the driver reads and writes.
pub(super) struct Wire {
    link: Box<dyn Link>,
    ear: Option<Ear>,
    /// To be closed only after the other side has closed its end.
    lingers: bool,
}

impl Wire {
    /// Wraps a socket; what the server says first can be read in the second value at any time. After the good-bye it
    /// is closed only when the server has closed its end: then the backend is gone and its place is free for the next.
    pub(super) fn new(link: Box<dyn Link>) -> (Self, Arc<Mutex<Heard>>) {
        let heard = Arc::new(Mutex::new(Heard::default()));
        let ear = Ear {
            pending: Vec::new(),
            heard: Arc::clone(&heard),
        };
        let wire = Self {
            link,
            ear: Some(ear),
            lingers: true,
        };
        (wire, heard)
    }

    /// A wire for a cancel request, which the driver closes as soon as it is sent. PgBouncer forgets a request
    /// whose sender is gone, so, like libpq, it is closed only when the other side has dealt with it.
    pub(super) fn for_cancel(link: Box<dyn Link>) -> Self {
        Self {
            link,
            ear: None,
            lingers: true,
        }
    }

    /// Reads until the other side closes or breaks the connection.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [0; 64];
        loop {
            let mut buf = ReadBuf::new(&mut bytes);
            let read = ready_or_return!(Pin::new(&mut self.link).poll_read(cx, &mut buf));
            if read.is_err() || buf.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }
}

/// What the server said before it was ready for the first query.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    /// The code of the authentication request: 3 cleartext, 5 MD5, 10 SASL; others need no password.
    pub(super) auth: Option<i32>,
    /// The pid of the cancel key; a pooler makes one up.
    pub(super) key_pid: Option<i32>,
    /// What came is no message of PostgreSQL's protocol.
    pub(super) alien: bool,
    /// The text of an error in the form of protocol 2, which a postmaster that cannot fork sends.
    pub(super) old_error: Option<String>,
    /// Anything came at all.
    pub(super) anything: bool,
}

impl Heard {
    /// The server asked for a password.
    pub(super) fn wants_password(&self) -> bool {
        matches!(self.auth, Some(3 | 5 | 10))
    }
}

/// A copy of what was heard so far.
pub(super) fn heard(shared: &Mutex<Heard>) -> Heard {
    shared.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Follows the messages until the first `ReadyForQuery`.
struct Ear {
    pending: Vec<u8>,
    heard: Arc<Mutex<Heard>>,
}

/// Longest message libpq believes in here: what says it is longer is text, of an error in protocol 2 or of another
/// protocol altogether.
const LONGEST: usize = 30_000;

impl Ear {
    /// Takes in more bytes. `Ok(false)`: there is nothing more to listen to.
    fn listen(&mut self, bytes: &[u8]) -> io::Result<bool> {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.anything |= !bytes.is_empty();
        self.pending.extend_from_slice(bytes);
        while let Some((&[tag, a, b, c, d], body)) = self.pending.split_first_chunk::<5>() {
            let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
            let believable = (4..=LONGEST).contains(&length);
            if tag == b'E' && !believable {
                let text = self.pending.get(1..).unwrap_or_default();
                heard.old_error = Some(String::from_utf8_lossy(text).trim_matches(['\0', '\n', ' ']).to_owned());
                return Ok(true);
            }
            if !is_greeting(tag) || !believable {
                heard.alien = true;
                return Err(io::Error::new(io::ErrorKind::InvalidData, "not PostgreSQL's protocol"));
            }
            let Some(body) = body.get(..length - 4) else { break };
            match tag {
                b'R' => heard.auth = heard.auth.or(int(body)),
                b'K' => heard.key_pid = int(body),
                b'Z' => return Ok(false),
                _ => {}
            }
            self.pending.drain(..=length);
        }
        Ok(true)
    }
}

/// The messages a server may send before it is ready.
const fn is_greeting(tag: u8) -> bool {
    matches!(tag, b'R' | b'E' | b'N' | b'S' | b'K' | b'v' | b'Z')
}

fn int(body: &[u8]) -> Option<i32> {
    body.first_chunk::<4>().map(|bytes| i32::from_be_bytes(*bytes))
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready_or_return!(Pin::new(&mut self.link).poll_read(cx, buf))?;
        if let Some(ear) = &mut self.ear
            && !ear.listen(buf.filled().get(before..).unwrap_or_default())?
        {
            self.ear = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    /// A failed write is not reported: who hangs up on us has said why, and the reason still lies there to be read,
    /// or else the end. libpq does the same.
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready_or_return!(Pin::new(&mut self.link).poll_write(cx, bytes));
        Poll::Ready(written.or(Ok(bytes.len())))
    }

    /// As with a failed write.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready_or_return!(Pin::new(&mut self.link).poll_flush(cx));
        Poll::Ready(flushed.or(Ok(())))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingers {
            ready_or_return!(self.poll_end(cx));
            self.lingers = false;
        }
        Pin::new(&mut self.link).poll_shutdown(cx)
    }
}

impl TlsStream for Wire {
    fn channel_binding(&self) -> ChannelBinding {
        self.link.binding()
    }
}

/// Tells the driver that its TLS handshake is done: the wire comes back as it is.
pub(super) struct Handover;

impl TlsConnect<Wire> for Handover {
    type Stream = Wire;
    type Error = io::Error;
    type Future = Ready<io::Result<Wire>>;

    fn connect(self, stream: Wire) -> Self::Future {
        ready(Ok(stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ear() -> Ear {
        Ear {
            pending: Vec::new(),
            heard: Arc::default(),
        }
    }

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag];
        bytes.extend_from_slice(&u32::try_from(body.len() + 4).unwrap().to_be_bytes());
        bytes.extend_from_slice(body);
        bytes
    }

    #[test]
    fn hears_method_and_pid_whatever_the_packets_are() {
        let greeting = [
            message(b'R', &10_i32.to_be_bytes()),
            message(b'R', &0_i32.to_be_bytes()),
            message(b'S', b"server_version\x0016.4\0"),
            message(b'K', &[0, 0, 4, 210, 9, 9, 9, 9]),
            message(b'Z', b"I"),
        ]
        .concat();
        for size in 1..=greeting.len() {
            let mut ear = ear();
            let last = greeting.chunks(size).map(|bytes| ear.listen(bytes).unwrap()).last();
            let heard = heard(&ear.heard);
            assert_eq!(
                (heard.auth, heard.key_pid, heard.alien, last),
                (Some(10), Some(1234), false, Some(false))
            );
            assert!(heard.wants_password());
        }
    }

    #[test]
    fn tells_other_protocols_from_postgresql() {
        for greeting in [
            "HTTP/1.1 400 Bad Request\r\n\r\n",
            "SSH-2.0-OpenSSH_9.2p1\r\n",
            "RFB 003.008\n",
        ] {
            let mut ear = ear();
            assert!(ear.listen(greeting.as_bytes()).is_err());
            assert!(heard(&ear.heard).alien);
        }
    }

    #[test]
    fn reads_an_error_of_protocol_2() {
        let mut ear = ear();
        assert!(
            ear.listen(b"Ecould not fork new process for connection: ENOMEM\n\0")
                .unwrap()
        );
        let heard = heard(&ear.heard);
        assert_eq!(
            heard.old_error.as_deref(),
            Some("could not fork new process for connection: ENOMEM")
        );
        assert!(!heard.alien);
    }
}
