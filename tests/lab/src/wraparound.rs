//! A cluster near the end of its transaction or multixact ids, without using them up: what `pg_resetwal -x` and `-m`
//! do, which the builds do not have.
//!
//! The next ids stand in the last record of the WAL, the checkpoint of the shutdown, and once more in `pg_control`;
//! both carry a CRC-32C. The layout is the same from 12 to 18.

use std::fs;
use std::path::Path;

use crate::{Cluster, Error, Result, Stop};

/// The next transaction id has to begin a segment of `pg_xact`, which is created empty.
pub const XIDS_PER_SEGMENT: u32 = 1 << 20;
/// The next multixact id has to begin a segment of `pg_multixact/offsets`.
pub const MULTIXACTS_PER_SEGMENT: u32 = 1 << 16;

/// Bytes of a page, in the WAL as elsewhere, and of such a segment.
const PAGE: usize = 8192;
const SEGMENT: usize = 32 * PAGE;
/// Where `pg_control` keeps its copy of the checkpoint, and where that has the next ids.
const CHECKPOINT: usize = 40;
const NEXT_XID: usize = 24;
const NEXT_MULTIXACT: usize = 36;
/// Bytes of a checkpoint that are compared to be sure of the layout.
const COMPARED: usize = 64;
/// `DB_SHUTDOWNED` in `pg_control`.
const SHUT_DOWN: u32 = 1;
/// Bytes of a WAL record's header, of which the CRC is the last field.
const RECORD_HEADER: usize = 24;
const RECORD_CRC: usize = 20;
/// Bytes of the header of a record's only data.
const DATA_HEADER: usize = 2;

/// Stops a server, moves its next ids and starts it again: `xid` to a multiple of [`XIDS_PER_SEGMENT`], `multixact` to
/// one of [`MULTIXACTS_PER_SEGMENT`]. All databases are then that old.
///
/// Autovacuum makes a small cluster young again within a second: set `autovacuum = off` and the two
/// `autovacuum_*freeze_max_age` to 2,000,000,000, or let something hold it back.
///
/// # Errors
/// What the server or the file system said; a layout that is not the expected one.
pub async fn jump(cluster: &Cluster, xid: Option<u32>, multixact: Option<u32>) -> Result<()> {
    let Last {
        mut control,
        control_crc,
        name,
        mut wal,
        at,
        length,
    } = shut_down(cluster).await?;
    let body = at + RECORD_HEADER + DATA_HEADER;
    if wal.get(body..body + COMPARED) != control.get(CHECKPOINT..CHECKPOINT + COMPARED)
        || record_crc(&wal, at, length)? != number(&wal, at + RECORD_CRC)?
    {
        return Err(Error::new("pg_control does not match the last record of the WAL"));
    }
    for (bytes, base) in [(&mut wal, body), (&mut control, CHECKPOINT)] {
        if let Some(xid) = xid {
            put(bytes, base + NEXT_XID, &u64::from(xid).to_le_bytes())?;
        }
        if let Some(multixact) = multixact {
            put(bytes, base + NEXT_MULTIXACT, &multixact.to_le_bytes())?;
        }
    }
    let crc = record_crc(&wal, at, length)?;
    put(&mut wal, at + RECORD_CRC, &crc.to_le_bytes())?;
    let crc = crc32c(&[slice(&control, 0, control_crc)?]);
    put(&mut control, control_crc, &crc.to_le_bytes())?;
    let zeros = vec![0; SEGMENT];
    if let Some(xid) = xid {
        cluster.write(&format!("pg_xact/{:04X}", xid / XIDS_PER_SEGMENT), &zeros, 0o600)?;
    }
    if let Some(multixact) = multixact {
        let name = format!("pg_multixact/offsets/{:04X}", multixact / MULTIXACTS_PER_SEGMENT);
        cluster.write(&name, &zeros, 0o600)?;
    }
    cluster.write(&name, &wal, 0o600)?;
    cluster.write("global/pg_control", &control, 0o600)?;
    cluster.start_again().await
}

/// The last words of a server that was shut down cleanly.
struct Last {
    control: Vec<u8>,
    control_crc: usize,
    /// The file with the checkpoint's record, within the data directory, and its contents.
    name: String,
    wal: Vec<u8>,
    /// Where the record begins, and how long it is.
    at: usize,
    length: usize,
}

/// Stops a server so that its last record lies within a page: one that crosses pages has their headers in it.
async fn shut_down(cluster: &Cluster) -> Result<Last> {
    for _ in 0..3 {
        cluster.stop(Stop::Fast).await?;
        let last = last(&cluster.data_dir())?;
        if last.at % PAGE + last.length <= PAGE {
            return Ok(last);
        }
        // The next checkpoint's record comes after it.
        cluster.start_again().await?;
    }
    Err(Error::new("the last record of the WAL crosses a page three times"))
}

fn last(data: &Path) -> Result<Last> {
    let control = fs::read(data.join("global/pg_control"))?;
    if number(&control, 16)? != SHUT_DOWN {
        return Err(Error::new("the server was not shut down cleanly"));
    }
    let (name, at) = checkpoint_record(data, &control)?;
    let wal = fs::read(data.join(&name))?;
    Ok(Last {
        control_crc: control_crc_at(&control)?,
        length: usize_of(number(&wal, at)?),
        control,
        name,
        wal,
        at,
    })
}

/// Where `pg_control` has its CRC: right after the bytes it covers, which differ from version to version.
fn control_crc_at(control: &[u8]) -> Result<usize> {
    let is_crc = |at: &usize| {
        let covered = control.get(..*at).map(|covered| crc32c(&[covered]));
        covered.is_some() && covered == number(control, *at).ok()
    };
    let found = (200..600).step_by(4).find(is_crc);
    found.ok_or_else(|| Error::new("pg_control has no checksum where one was expected"))
}

/// The file of the last checkpoint's record, within the data directory, and where it begins in that file.
fn checkpoint_record(data: &Path, control: &[u8]) -> Result<(String, usize)> {
    let lsn = u64::from(number(control, 32)?) | u64::from(number(control, 36)?) << 32;
    let timeline = number(control, CHECKPOINT + 8)?;
    let mut segments = fs::read_dir(data.join("pg_wal"))?.filter_map(std::result::Result::ok);
    let any = segments.find(|entry| entry.file_name().len() == 24);
    let size = any.ok_or_else(|| Error::new("there is no WAL"))?.metadata()?.len();
    let (number, per_file) = (lsn / size, 0x1_0000_0000 / size);
    let name = format!(
        "pg_wal/{timeline:08X}{:08X}{:08X}",
        number / per_file,
        number % per_file
    );
    let at = usize::try_from(lsn % size).map_err(|error| Error::new(error.to_string()))?;
    Ok((name, at))
}

fn record_crc(wal: &[u8], at: usize, length: usize) -> Result<u32> {
    let body = slice(wal, at + RECORD_HEADER, at + length)?;
    Ok(crc32c(&[body, slice(wal, at, at + RECORD_CRC)?]))
}

fn slice(bytes: &[u8], from: usize, to: usize) -> Result<&[u8]> {
    bytes
        .get(from..to)
        .ok_or_else(|| Error::new("a file of the server is shorter than expected"))
}

fn number(bytes: &[u8], at: usize) -> Result<u32> {
    let four = slice(bytes, at, at + 4)?;
    Ok(four.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) -> Result<()> {
    let place = bytes.get_mut(at..at + value.len());
    let place = place.ok_or_else(|| Error::new("a file of the server is shorter than expected"))?;
    place.copy_from_slice(value);
    Ok(())
}

fn usize_of(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// CRC-32C (Castagnoli) of these bytes in a row, as `PostgreSQL` computes it.
fn crc32c(parts: &[&[u8]]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        let mut crc = crc ^ u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { 0x82F6_3B78 } else { 0 };
        }
        crc
    };
    !parts.iter().copied().flatten().fold(!0, step)
}

#[cfg(test)]
mod tests {
    use super::crc32c;

    #[test]
    fn the_checksum_is_castagnolis() {
        // The check value of the catalogue of CRC algorithms.
        assert_eq!(crc32c(&[b"1234", b"56789"]), 0xE306_9283);
    }
}
