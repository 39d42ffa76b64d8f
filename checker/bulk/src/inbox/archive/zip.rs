//! Members of zip archives, as the central directory lists them. Each local
//! header must agree with it.

use std::{fs::File, io::BufReader, ops::ControlFlow};

use zip::{
    ZipReadOptions,
    read::{Config, ZipFileEntry},
    result::ZipError,
    unstable::read::ZipIterable,
};

use super::{
    Member, Visit,
    limits::{self, MAX_ENTRIES, MAX_NAME},
};
use lab_bundle::submission::MAX_BYTES;

/// Bytes of a local header, at least.
const HEADER: u64 = 30;
/// The bits of a mode that say what kind of file it is, and the plain kinds.
const KIND: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
/// Bytes that are read of a local file at once.
const BUFFER: usize = 4096;

pub fn walk(file: &File, visit: &mut Visit<'_>) -> Result<(), String> {
    let cannot = |error: std::io::Error| limits::told(&error);
    let length = file.metadata().map_err(cannot)?.len();
    // Both share one position; each seeks before it reads.
    let listed = BufReader::with_capacity(BUFFER, file.try_clone().map_err(cannot)?);
    let mut content = BufReader::new(file.try_clone().map_err(cannot)?);
    let archive = ZipIterable::try_new(listed, Config::default()).map_err(|error| told(&error))?;
    if archive.len() > MAX_ENTRIES {
        return Err(limits::too_many());
    }
    let mut archive = archive.enforce_header_consistency(true);
    let (mut opened, mut packed) = (0_u64, 0_u64);
    for entry in archive.files().map_err(|error| told(&error))? {
        let entry = entry.map_err(|error| told(&error))?;
        // Of a larger one no more is read.
        opened = opened.saturating_add(entry.size().min(MAX_BYTES));
        if opened > limits::opened(length) {
            return Err(limits::too_large(limits::opened(length)));
        }
        let least = HEADER + entry.name_raw().len() as u64;
        packed = packed.saturating_add(entry.compressed_size()).saturating_add(least);
        if packed > length {
            return Err("is an archive whose members overlap; it was not read".to_owned());
        }
        if entry.is_dir() && entry.size() == 0 {
            continue;
        }
        let fault = fault(&entry).map(str::to_owned);
        let name = match entry.name() {
            Ok(name) => name.into_owned(),
            Err(_) => String::from_utf8_lossy(entry.name_raw()).into_owned(),
        };
        let size = entry.size();
        let mut entry = Some(entry);
        let mut read = |limit| {
            let entry = entry.take().ok_or_else(|| "was read already".to_owned())?;
            if size > limit {
                return Err(format!("is larger than {} MiB", limit >> 20));
            }
            let file = entry.with_reader(&mut content, ZipReadOptions::new());
            limits::whole(file.map_err(|error| told(&error))?, size, limit)
        };
        if let ControlFlow::Break(()) = visit(Member { name, fault, read: &mut read }) {
            return Ok(());
        }
    }
    Ok(())
}

/// Why a member is not read.
fn fault(entry: &ZipFileEntry<'_>) -> Option<&'static str> {
    if entry.encrypted() {
        return Some("is encrypted; hand it in without a password");
    }
    if entry.name().is_err() {
        return Some("has a name that cannot be read");
    }
    if entry.name_raw().len() as u64 > MAX_NAME {
        return Some("has a name that is too long");
    }
    if entry.is_dir() {
        return Some("is a directory with content");
    }
    let mode = entry.unix_mode().unwrap_or(REGULAR);
    match mode & KIND {
        0 | REGULAR => (mode & 0o7000 != 0).then_some("asks for special rights"),
        _ if entry.is_symlink() => Some("is a link, expected a file"),
        _ => Some("is no regular file"),
    }
}

fn told(error: &ZipError) -> String {
    match error {
        ZipError::Io(error) => limits::told(error),
        error => format!("is a zip archive that cannot be opened: {}", error.to_string().escape_debug()),
    }
}
