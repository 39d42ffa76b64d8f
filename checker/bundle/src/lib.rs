//! Sole reader and writer of evidence bundles, with limits and the redaction
//! record.
//!
//! A bundle is evidence written down: one zstd frame around two lines of JSON,
//! the manifest and the [`Evidence`]. The same evidence gives the same bytes,
//! and `zstd -dc x.labcheck` shows them. A bundle may come from anywhere, so
//! reading one trusts nothing: sizes, depth and node counts are bounded before
//! anything is built from it, nothing in it is executed or unpacked.

mod error;
mod manifest;
mod shape;
pub mod submission;
mod times;

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    path::Path,
};

use lab_spec::{Evidence, FORMAT, Observation};
use tempfile::NamedTempFile;
use zstd::stream::{read::Decoder, write::Encoder};

pub use error::{BundleError, Fault};
pub use manifest::{Digest, Manifest, Redaction, hex};
pub use submission::Submission;
pub use times::check_times;

/// Bytes of a bundle file.
pub const MAX_COMPRESSED: u64 = 32 << 20;
/// Bytes of the evidence in it.
pub const MAX_EVIDENCE: u64 = 256 << 20;
/// Bytes of the manifest.
const MAX_MANIFEST: u64 = 64 << 10;
/// Power of two of the memory decompression may ask for; what we write needs
/// less.
const WINDOW_LOG: u32 = 23;
const LEVEL: i32 = 3;
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Writes evidence to a file. The file is there whole or not at all: on an
/// error, one that was there before is untouched.
///
/// # Errors
///
/// If the evidence is beyond what [`read`] accepts, holds an unredacted
/// Secret, or the file cannot be written.
pub fn write(path: &Path, evidence: &Evidence) -> Result<(), BundleError> {
    let place = |fault| BundleError { bundle: path.display().to_string(), fault };
    let bytes = encode(evidence).map_err(place)?;
    let store = || {
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = NamedTempFile::new_in(dir)?;
        file.write_all(&bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    store().map_err(|error| place(Fault::Write(error)))
}

/// Writes evidence to a stream called `name` in errors.
///
/// # Errors
///
/// As [`write`].
pub fn write_to(mut writer: impl Write, name: &str, evidence: &Evidence) -> Result<(), BundleError> {
    let place = |fault| BundleError { bundle: name.to_owned(), fault };
    let bytes = encode(evidence).map_err(place)?;
    writer.write_all(&bytes).map_err(|error| place(Fault::Write(error)))
}

/// Reads a bundle file.
///
/// # Errors
///
/// If it cannot be read, is no bundle, of another format, damaged, or beyond
/// the limits.
pub fn read(path: &Path) -> Result<Evidence, BundleError> {
    let place = |fault| BundleError { bundle: path.display().to_string(), fault };
    // Asked before opening: opening a named pipe waits for a writer.
    let meta = fs::metadata(path).map_err(|error| place(Fault::Read(error)))?;
    if !meta.is_file() {
        return Err(place(Fault::NotAFile));
    }
    let file = File::open(path).map_err(|error| place(Fault::Read(error)))?;
    decode(file).map_err(place)
}

/// Reads a bundle from a stream called `name` in errors.
///
/// # Errors
///
/// As [`read`].
pub fn read_from(reader: impl Read, name: &str) -> Result<Evidence, BundleError> {
    decode(reader).map_err(|fault| BundleError { bundle: name.to_owned(), fault })
}

fn encode(evidence: &Evidence) -> Result<Vec<u8>, Fault> {
    if evidence.format != FORMAT {
        return Err(Fault::Format { found: evidence.format });
    }
    let text = serde_json::to_vec(evidence).map_err(Fault::Serialize)?;
    if text.len() as u64 > MAX_EVIDENCE {
        return Err(Fault::TooLarge { what: "evidence", limit: MAX_EVIDENCE });
    }
    shape::check(&text, shape::OWN)?;
    let redaction = Redaction::of(evidence)?;
    let manifest = serde_json::to_vec(&Manifest::of(&text, redaction)).map_err(Fault::Serialize)?;

    let mut bytes = Vec::new();
    let compress = |bytes: &mut Vec<u8>| {
        let mut encoder = Encoder::new(bytes, LEVEL)?;
        encoder.include_checksum(true)?;
        for part in [&manifest[..], b"\n", &text, b"\n"] {
            encoder.write_all(part)?;
        }
        encoder.finish().map(|_| ())
    };
    compress(&mut bytes).map_err(Fault::Write)?;
    if bytes.len() as u64 > MAX_COMPRESSED {
        return Err(Fault::TooLarge { what: "file", limit: MAX_COMPRESSED });
    }
    Ok(bytes)
}

fn decode(reader: impl Read) -> Result<Evidence, Fault> {
    let mut source = BufReader::new(reader.take(MAX_COMPRESSED + 1));
    let mut magic = [0; ZSTD_MAGIC.len()];
    source.read_exact(&mut magic).map_err(Fault::damaged_by)?;
    if magic != ZSTD_MAGIC {
        return Err(Fault::NotABundle);
    }
    let whole = BufReader::new(magic.chain(source));
    let mut decoder = Decoder::with_buffer(whole).map_err(Fault::Read)?.single_frame();
    decoder.window_log_max(WINDOW_LOG).map_err(Fault::Read)?;
    let mut text = BufReader::new(decoder);

    let mut line = Vec::new();
    (&mut text).take(MAX_MANIFEST).read_until(b'\n', &mut line).map_err(Fault::damaged_by)?;
    if line.last() != Some(&b'\n') {
        return Err(Fault::NotABundle);
    }
    let manifest = Manifest::read(&line)?;
    if manifest.evidence.bytes > MAX_EVIDENCE {
        return Err(Fault::TooLarge { what: "evidence", limit: MAX_EVIDENCE });
    }

    let mut body = Vec::new();
    (&mut text).take(manifest.evidence.bytes + 1).read_to_end(&mut body).map_err(Fault::damaged_by)?;
    if body.pop() != Some(b'\n') || body.len() as u64 != manifest.evidence.bytes {
        return Err(Fault::Damaged("its evidence does not have the length its manifest says".to_owned()));
    }
    nothing_follows(text)?;

    if Digest::of(&body) != manifest.evidence {
        return Err(Fault::Damaged("its evidence does not have the SHA-256 its manifest says".to_owned()));
    }
    shape::check(&body, shape::OWN)?;
    let evidence: Evidence = serde_json::from_slice(&body).map_err(Fault::Json)?;
    if evidence.format != FORMAT {
        return Err(Fault::Format { found: evidence.format });
    }
    if Redaction::of(&evidence)? != manifest.redaction {
        return Err(Fault::Damaged("its redaction record does not match its evidence".to_owned()));
    }
    check_times(&evidence)?;
    Ok(evidence)
}

/// Every answer there is, with its key: those of looks, then those of experiments.
pub fn observations(evidence: &Evidence) -> impl Iterator<Item = (&String, &Observation)> {
    let looks = evidence.looks.iter().map(|look| &look.observations);
    let steps = evidence.experiments.values().flat_map(|record| record.looks.values());
    looks.chain(steps).flatten()
}

/// The frame ends here, and the file with it.
fn nothing_follows<R: BufRead>(mut text: BufReader<Decoder<'_, R>>) -> Result<(), Fault> {
    let trailing = || Fault::Damaged("something follows its evidence".to_owned());
    if !text.fill_buf().map_err(Fault::damaged_by)?.is_empty() {
        return Err(trailing());
    }
    let mut rest = text.into_inner().finish();
    if !rest.fill_buf().map_err(Fault::Read)?.is_empty() {
        return Err(trailing());
    }
    Ok(())
}
