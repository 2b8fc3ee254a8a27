//! A TCP port for a server that may stop and come back: nobody else is given it meanwhile.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};

use crate::{Error, Result};

/// Below the ports that systems hand out to whoever asks for any.
const RANGE: std::ops::Range<u16> = 20_000..30_000;

/// A port of 127.0.0.1 that is kept for its owner until it is dropped, whether something listens there or not.
///
/// The same port of UDP, which PostgreSQL has no use for, is the sign that it is taken: it is seen by every process, and
/// gone with the process that holds it.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _sign: UdpSocket,
}

impl Port {
    /// A free one.
    ///
    /// # Errors
    /// All of the range are taken.
    pub fn reserve() -> Result<Self> {
        let size = RANGE.end - RANGE.start;
        let first = u16::try_from(RandomState::new().hash_one(0) % u64::from(size)).unwrap_or_default();
        (0..size)
            .map(|nth| RANGE.start + (first + nth) % size)
            .find_map(|number| {
                let sign = UdpSocket::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
                TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
                Some(Self { number, _sign: sign })
            })
            .ok_or_else(|| Error::new(format!("no port from {} to {} is free", RANGE.start, RANGE.end)))
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }
}
