//! Reading a submission from somebody who may want to break the reader.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, BufReader, Cursor, Read},
};

use lab_spec::{Evidence, FORMAT};
use serde::Deserialize;
use tar::EntryType;
use unicode_normalization::UnicodeNormalization as _;
use zstd::stream::read::Decoder;

use super::{
    BOUNDS, Card, EVIDENCE, MANIFEST, MAX_BYTES, MAX_EVIDENCE, MAX_MEMBERS, PublicKey, SIGNATURE, Submission,
    lists,
};
use crate::{Digest, Fault, Redaction, WINDOW_LOG, ZSTD_MAGIC, check_times, shape};

/// Bytes of the manifest, and of the signature.
const MAX_SMALL: u64 = 64 << 10;
/// Bytes of the whole archive, opened; what else is in it is not read, but it
/// must be passed over.
const MAX_OPENED: u64 = MAX_EVIDENCE + (1 << 20);

/// Reads a submission.
///
/// # Errors
/// Bytes that are no submission, of another format, damaged, beyond the limits,
/// with members that no submission has business with (links, devices, paths
/// that lead elsewhere), with a signature that does not hold, with a Secret's
/// values in it, or with lists that no API server answers with.
pub fn read(bytes: &[u8]) -> Result<Submission, Fault> {
    let too_large = Fault::TooLarge { what: "archive", limit: MAX_EVIDENCE };
    read_up_to(bytes, u64::MAX)?.ok_or(too_large)
}

/// The same, unless there is more evidence than this: `None`, before any of it
/// is opened.
///
/// # Errors
/// As [`read`].
pub fn read_up_to(bytes: &[u8], most: u64) -> Result<Option<Submission>, Fault> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Fault::TooLarge { what: "file", limit: MAX_BYTES });
    }
    if !bytes.starts_with(&ZSTD_MAGIC) {
        return Err(Fault::NotASubmission(looks_like(bytes)));
    }
    let Some((mut members, extra)) = members(bytes, most)? else { return Ok(None) };
    let mut take =
        |name: &str| members.remove(name).ok_or_else(|| Fault::Damaged(format!("it has no `{name}`")));
    let (manifest, text, signature) = (take(MANIFEST)?, take(EVIDENCE)?, take(SIGNATURE)?);

    let card = card(&manifest)?;
    let signer = PublicKey::check(&manifest, &signature)?;
    if Digest::of(&text) != card.evidence {
        return Err(Fault::Damaged(format!("`{EVIDENCE}` does not have the SHA-256 that `{MANIFEST}` says")));
    }
    shape::check(&text, BOUNDS)?;
    let evidence: Evidence = serde_json::from_slice(&text).map_err(Fault::Json)?;
    if evidence.format != FORMAT {
        return Err(Fault::Format { found: evidence.format });
    }
    if Redaction::of(&evidence)? != card.redaction {
        return Err(Fault::Damaged("its redaction record does not match its evidence".to_owned()));
    }
    if evidence.lab != card.lab || evidence.params.nonce != card.nonce {
        return Err(Fault::Damaged(format!("`{EVIDENCE}` is of another lab or attempt than `{MANIFEST}`")));
    }
    lists::check(&evidence)?;
    check_times(&evidence)?;
    Ok(Some(Submission { card, evidence, signer, extra }))
}

fn card(manifest: &[u8]) -> Result<Card, Fault> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    shape::check(manifest, BOUNDS)?;
    let unreadable = |error| Fault::Damaged(format!("`{MANIFEST}` cannot be read: {error}"));
    // Another format may have other fields: its number comes first.
    let Version { format } = serde_json::from_slice(manifest).map_err(unreadable)?;
    if format != FORMAT {
        return Err(Fault::Format { found: format });
    }
    serde_json::from_slice(manifest).map_err(unreadable)
}

/// What an error of the decompressor, or of the archive in it, means.
fn damaged(error: io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            Fault::Damaged(format!("it is cut off, or opens to more than {} MiB", MAX_OPENED >> 20))
        }
        _ => Fault::Damaged(error.to_string().escape_debug().to_string()),
    }
}

type Members = (BTreeMap<String, Vec<u8>>, Vec<String>);

/// The members that count, and the names of the others; `None` where there is
/// more evidence than this.
fn members(bytes: &[u8], most: u64) -> Result<Option<Members>, Fault> {
    let mut rest = Cursor::new(bytes);
    let mut decoder = Decoder::with_buffer(&mut rest).map_err(damaged)?.single_frame();
    decoder.window_log_max(WINDOW_LOG).map_err(Fault::Read)?;
    // What is said to be larger than all may be ends here as if cut off.
    let opened = BufReader::new(decoder).take(MAX_OPENED);
    let mut archive = tar::Archive::new(opened);
    let (mut found, mut extra, mut seen) = (BTreeMap::new(), Vec::new(), BTreeSet::new());
    // Raw: extended headers would let one member be called two things.
    for entry in archive.entries().map_err(damaged)?.raw(true) {
        let mut entry = entry.map_err(damaged)?;
        let name = plain_name(&entry)?;
        if seen.len() == MAX_MEMBERS {
            return Err(Fault::Damaged(format!("it has more than {MAX_MEMBERS} members")));
        }
        // Some file systems take names for the same that differ in case or in
        // how accents are written.
        if !seen.insert(name.nfkc().collect::<String>().to_lowercase()) {
            let shown = name.escape_debug();
            return Err(Fault::Damaged(format!("it has two members called `{shown}`, or alike")));
        }
        let limit = match name.as_str() {
            EVIDENCE => MAX_EVIDENCE,
            MANIFEST | SIGNATURE => MAX_SMALL,
            _ => {
                extra.push(name);
                continue;
            }
        };
        let size = entry.size().min(limit);
        if name == EVIDENCE && size > most {
            return Ok(None);
        }
        // One more, by which its end is seen without asking for twice as much.
        let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
        entry.by_ref().take(limit + 1).read_to_end(&mut content).map_err(damaged)?;
        if content.len() as u64 > limit {
            return Err(Fault::TooLarge { what: "archive", limit });
        }
        if content.len() as u64 != entry.size() {
            return Err(Fault::Damaged(format!("`{name}` is cut off")));
        }
        found.insert(name, content);
    }
    let mut opened = archive.into_inner();
    // The frame's checksum is behind the archive's end, and nothing else.
    let mut block = [0; 8192];
    loop {
        match opened.read(&mut block).map_err(damaged)? {
            0 => break,
            read if block[..read].iter().all(|byte| *byte == 0) => {}
            _ => return Err(Fault::Damaged("something follows its last member".to_owned())),
        }
    }
    if opened.limit() == 0 {
        return Err(Fault::TooLarge { what: "archive", limit: MAX_OPENED });
    }
    drop(opened);
    if rest.position() != bytes.len() as u64 {
        return Err(Fault::Damaged("something follows its archive".to_owned()));
    }
    Ok(Some((found, extra)))
}

/// The member's name, if it is a file in the archive's own root or below.
fn plain_name<R: Read>(entry: &tar::Entry<'_, R>) -> Result<String, Fault> {
    let bytes = entry.path_bytes();
    let shown = String::from_utf8_lossy(&bytes).escape_debug().to_string();
    let refuse = |why: &str| Err(Fault::Damaged(format!("its member `{shown}` {why}")));
    match entry.header().entry_type() {
        EntryType::Regular => {}
        EntryType::Symlink | EntryType::Link => return refuse("is a link"),
        EntryType::Directory => return refuse("is a directory"),
        _ => return refuse("is no plain file"),
    }
    if entry.header().mode().is_ok_and(|mode| mode & 0o7000 != 0) {
        return refuse("asks for special rights");
    }
    let Ok(name) = std::str::from_utf8(&bytes) else { return refuse("has a name that is not UTF-8") };
    let inside = !name.is_empty()
        && !name.contains(['\\', ':', '\0'])
        && !name.chars().any(char::is_control)
        && name.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if inside { Ok(name.to_owned()) } else { refuse("has a path that leads out of it") }
}

/// What was handed in instead, by its first bytes.
fn looks_like(bytes: &[u8]) -> &'static str {
    if bytes.get(257..262) == Some(b"ustar") {
        return "a tar archive that is not compressed";
    }
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(bytes.len());
    match &bytes[start..] {
        [] => "empty",
        [b'P', b'K', 3 | 5, ..] => "a zip archive",
        [0x1f, 0x8b, ..] => "a gzip file",
        [b'%', b'P', b'D', b'F', ..] => "a PDF",
        [b'<', ..] => "a web page or XML",
        [b'{' | b'[', ..] => "JSON",
        _ => "something else",
    }
}
