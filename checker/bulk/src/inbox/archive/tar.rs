//! Members of tar archives, raw: what stands before a member to describe it is
//! bounded, and may not contradict it.

use std::{fs::File, io::Read, mem, ops::ControlFlow};

use tar::{Entry, EntryType, PaxExtensions};

use super::{
    Kind, Member, Visit,
    limits::{self, MAX_ENTRIES, MAX_NAME, Metered, told},
    stream::Stream,
};

/// Bytes of what describes the member behind it.
const MAX_ABOUT: u64 = 64 << 10;

/// What stood before a member.
#[derive(Default)]
struct Ahead {
    name: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
}

pub fn walk(kind: Kind, file: File, visit: &mut Visit<'_>) -> Result<(), String> {
    let length = file.metadata().map_err(|error| told(&error))?.len();
    let stream = Stream::open(kind, file).map_err(|error| told(&error))?;
    let mut archive = tar::Archive::new(Metered::new(stream, limits::opened(length)));
    let (mut ahead, mut count) = (None, 0);
    for entry in archive.entries().map_err(|error| told(&error))?.raw(true) {
        let mut entry = entry.map_err(|error| told(&error))?;
        count += 1;
        if count > MAX_ENTRIES {
            return Err(limits::too_many());
        }
        if describes(&mut entry, &mut ahead)? {
            continue;
        }
        let about = mem::take(&mut ahead).unwrap_or_default();
        let size = entry.size();
        if about.size.is_some_and(|said| said != size) {
            return Err("is an archive whose headers name two sizes of one member".to_owned());
        }
        if entry.header().entry_type() == EntryType::Directory && size == 0 {
            continue;
        }
        let bytes = about.name.unwrap_or_else(|| entry.path_bytes().into_owned());
        let mut fault = fault(&entry).or_else(|| about.sparse.then_some("is a sparse file"));
        if std::str::from_utf8(&bytes).is_err() {
            fault = fault.or(Some("has a name that is not UTF-8"));
        }
        let mut read = |limit| limits::whole(&mut entry, size, limit);
        let name = String::from_utf8_lossy(&bytes).into_owned();
        let member = Member { name, fault: fault.map(str::to_owned), read: &mut read };
        if let ControlFlow::Break(()) = visit(member) {
            return Ok(());
        }
    }
    if ahead.is_some() {
        return Err("is an archive that ends before the member it announces".to_owned());
    }
    end(archive.into_inner())
}

/// Takes in an entry that describes the next one.
fn describes(entry: &mut Entry<'_, impl Read>, ahead: &mut Option<Ahead>) -> Result<bool, String> {
    let kind = entry.header().entry_type();
    if !matches!(
        kind,
        EntryType::XHeader | EntryType::XGlobalHeader | EntryType::GNULongName | EntryType::GNULongLink
    ) {
        return Ok(false);
    }
    let size = entry.size();
    let text = limits::whole(&mut *entry, size, MAX_ABOUT)
        .map_err(|_| "is an archive with a description of a member that is too long".to_owned())?;
    let twice = || "is an archive that describes one member twice".to_owned();
    let broken = || "is an archive with a description of a member that cannot be read".to_owned();
    match kind {
        EntryType::GNULongName => {
            let name = text.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
            match ahead.get_or_insert_default().name.replace(name) {
                Some(_) => return Err(twice()),
                None => return Ok(true),
            }
        }
        // Links are refused by what they are.
        EntryType::GNULongLink => return Ok(true),
        _ => {}
    }
    for extension in PaxExtensions::new(&text) {
        let extension = extension.map_err(|_| broken())?;
        let key = extension.key().map_err(|_| broken())?;
        let names_member = matches!(key, "path" | "size") || key.starts_with("GNU.sparse");
        if kind == EntryType::XGlobalHeader {
            if names_member {
                return Err("is an archive that gives all its members one name or size".to_owned());
            }
            continue;
        }
        let about = ahead.get_or_insert_default();
        let before = match key {
            "path" => about.name.replace(extension.value_bytes().to_vec()).is_some(),
            "size" => {
                let size = extension.value().ok().and_then(|size| size.parse().ok());
                about.size.replace(size.ok_or_else(broken)?).is_some()
            }
            _ => {
                about.sparse |= names_member;
                false
            }
        };
        if before {
            return Err(twice());
        }
    }
    Ok(true)
}

/// Why a member is not read.
fn fault(entry: &Entry<'_, impl Read>) -> Option<&'static str> {
    match entry.header().entry_type() {
        EntryType::Regular | EntryType::Continuous => {}
        EntryType::Symlink | EntryType::Link => return Some("is a link, expected a file"),
        EntryType::Directory => return Some("is a directory with content"),
        EntryType::GNUSparse => return Some("is a sparse file"),
        _ => return Some("is no regular file"),
    }
    if entry.header().mode().is_ok_and(|mode| mode & 0o7000 != 0) {
        return Some("asks for special rights");
    }
    (entry.path_bytes().len() as u64 > MAX_NAME).then_some("has a name that is too long")
}

/// Behind the last member there is nothing but padding.
fn end(mut stream: Metered<Stream<File>>) -> Result<(), String> {
    if stream.ended {
        return Err("is an archive that is cut off; copy it again".to_owned());
    }
    let mut block = [0; 8192];
    loop {
        let read = stream.read(&mut block).map_err(|error| told(&error))?;
        if read == 0 {
            break;
        }
        if block[..read].iter().any(|byte| *byte != 0) {
            return Err("is an archive with something behind its end".to_owned());
        }
    }
    match stream.into_inner().ends().map_err(|error| told(&error))? {
        true => Ok(()),
        false => Err("is an archive with something behind its end".to_owned()),
    }
}
