//! How much an archive may open to.

use std::io::{self, Read};

/// Entries of one archive.
pub const MAX_ENTRIES: usize = 100_000;
/// Bytes of a member's name.
pub const MAX_NAME: u64 = 4096;
/// Bytes that an archive may open to, whatever its own size.
const SLACK: u64 = 64 << 20;
/// Times its own size that it may open to beyond that. Submissions are
/// compressed already, so that honest archives open to little more than
/// themselves.
const RATIO: u64 = 100;

/// Bytes that an archive of this size may open to.
pub const fn opened(bytes: u64) -> u64 {
    bytes.saturating_mul(RATIO).saturating_add(SLACK)
}

/// What is said of an archive that opens to more.
pub fn too_large(limit: u64) -> String {
    format!("opens to more than {} MiB, far beyond its size; it was not read", limit >> 20)
}

/// What is said of an archive that has more.
pub fn too_many() -> String {
    format!("has more than {MAX_ENTRIES} entries; it was not read")
}

/// An error of a decompressor or of the file system, in words that can be sent
/// to whoever handed it in.
pub fn told(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "is an archive that is cut off; copy it again".to_owned(),
        io::ErrorKind::FileTooLarge => error.to_string(),
        _ => format!("is an archive that cannot be opened: {}", error.to_string().escape_debug()),
    }
}

/// A reader that gives no more than an archive may open to.
pub struct Metered<R> {
    inner: R,
    limit: u64,
    left: u64,
    /// Whether the inner reader came to its end.
    pub ended: bool,
}

impl<R> Metered<R> {
    /// Reads no more than this many bytes.
    pub const fn new(inner: R, limit: u64) -> Self {
        Self { inner, limit, left: limit, ended: false }
    }

    /// What was read from.
    pub fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.ended |= read == 0 && !into.is_empty();
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::new(io::ErrorKind::FileTooLarge, too_large(self.limit)))?;
        Ok(read)
    }
}

/// All of a reader that has at most `limit` bytes.
///
/// # Errors
/// More than that, or fewer than `size`, which is what it was said to have.
pub fn whole(reader: impl Read, size: u64, limit: u64) -> Result<Vec<u8>, String> {
    let too_large = || format!("is larger than {} MiB", limit >> 20);
    if size > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    reader.take(limit + 1).read_to_end(&mut bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::FileTooLarge => told(&error),
        _ => format!("cannot be read: {}", error.to_string().escape_debug()),
    })?;
    match bytes.len() as u64 {
        read if read > limit => Err(too_large()),
        read if read != size => Err(format!("has {read} bytes, expected {size} as its archive says")),
        _ => Ok(bytes),
    }
}
