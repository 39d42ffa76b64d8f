//! Hostile inputs 1 to 14 as archives around submissions. What is wrong with
//! one member is that member's; what is wrong with an archive is the archive's.

use std::io::Write as _;

use tar::EntryType;
use zip::{ZipWriter, unstable::write::FileOptionsExt as _, write::SimpleFileOptions};

use crate::{
    forge::{self, Member, changed, entry, file, gzip, link, pax, tar, zip, zstd},
    room::{Class, Graded, Refused},
};

/// Grades an archive of eve's beside ada's submission.
fn grade(name: &str, bytes: &[u8]) -> Graded {
    let class = Class::new();
    class.put(&format!("eve/{name}"), bytes);
    class.grade(&[])
}

/// The same members in every kind of tar archive.
fn tars(members: &[Member]) -> [(&'static str, Vec<u8>); 3] {
    let plain = tar(members);
    [("x.tar.gz", gzip(&plain)), ("x.tar.zst", zstd(&plain)), ("x.tar", plain)]
}

/// Asserts that one member of eve's is refused and the one beside it is graded.
#[track_caller]
fn one_of_two(graded: &Graded, why: &str) {
    graded.is_full("ada");
    graded.is_full("eve");
    let attempts = graded.of("eve")["attempts"].as_array().unwrap();
    let refused: Vec<_> = attempts.iter().filter(|tried| tried["standing"]["is"] == "ungradable").collect();
    assert_eq!((attempts.len(), refused.len()), (2, 1), "{attempts:?}");
    assert!(refused[0]["standing"]["why"].as_str().unwrap().contains(why), "{refused:?}");
}

#[test]
fn every_kind_of_wrapper_is_read_by_its_content() {
    let good = forge::good("eve");
    let members = [entry("./", EntryType::Directory, b""), file("./in/e.tar.zst", &good)];
    let mut archives: Vec<_> = tars(&members).to_vec();
    archives.push(("x.zip", zip(&[("in/", b""), ("in/e.tar.zst", &good)])));
    for (name, bytes) in archives {
        for name in [name, "no-extension", "wrong.pdf"] {
            let graded = grade(name, &bytes);
            graded.is_full("eve");
            let place = graded.of("eve")["attempts"][0]["place"].as_str().unwrap();
            assert!(
                place.starts_with(&format!("in/eve/{name}!")) && place.ends_with("in/e.tar.zst"),
                "{place}"
            );
            assert_eq!(graded.said.code, 0);
        }
    }
}

#[test]
fn what_operating_systems_leave_is_passed_over() {
    let good = forge::good("eve");
    let junk = [
        ("__MACOSX/._e.tar.zst", &b"x"[..]),
        (".DS_Store", b"x"),
        ("in/.hidden/x", b"x"),
        ("Thumbs.db", b"x"),
        ("e.tar.zst", &good),
    ];
    let graded = grade("x.zip", &zip(&junk));
    graded.is_full("eve");
    assert_eq!(graded.of("eve")["attempts"].as_array().unwrap().len(), 1);
    let class = Class::new();
    for (name, bytes) in junk {
        class.put(name, bytes);
    }
    let graded = class.grade(&[]);
    assert_eq!((graded.said.code, graded.unmatched.len()), (0, 0));
    // An archive of nothing else is not passed over.
    grade("x.zip", &zip(&[(".DS_Store", b"x")])).is_refused("ungradable", "an archive with nothing in it");
    grade("x.zip", &zip(&[])).is_refused("ungradable", "an archive with nothing in it");
}

#[test]
fn members_outside_of_a_wrapper_are_refused_alone() {
    // 1 to 3.
    let good = forge::good("eve");
    for name in
        ["../../.ssh/authorized_keys", "../out-evil/x", "a/../x", "/etc/x", "C:\\x", "\\\\server\\x", "..\\x"]
    {
        one_of_two(
            &grade("x.zip", &zip(&[(name, b"ssh-rsa AAAA"), ("e.tar.zst", &good)])),
            "has a path that leads out of the archive; it was not read",
        );
        for (archive, bytes) in tars(&[file(name, b"ssh-rsa AAAA"), file("e.tar.zst", &good)]) {
            one_of_two(&grade(archive, &bytes), "has a path that leads out of the archive; it was not read");
        }
    }
}

#[test]
fn members_that_are_no_regular_files_are_refused_alone() {
    // 4 to 6.
    let good = file("e.tar.zst", &forge::good("eve"));
    let class = Class::new();
    let secret = class.place.write("private", "a secret of the teacher's");
    let to = secret.to_str().unwrap();
    for (member, why) in [
        (link("l", EntryType::Symlink, to), "is a link, expected a file"),
        (link("l", EntryType::Link, to), "is a link, expected a file"),
        (entry("f", EntryType::Fifo, b""), "is no regular file"),
        (entry("c", EntryType::Char, b""), "is no regular file"),
        (entry("b", EntryType::Block, b""), "is no regular file"),
        (entry("s", EntryType::GNUSparse, b""), "is a sparse file"),
        (changed(file("u", b"#!"), |header| header.set_mode(0o6755)), "asks for special rights"),
        (file("b\u{1b}[2J", b"x"), "has control characters in its name"),
    ] {
        for (archive, bytes) in tars(&[good.clone(), member.clone()]) {
            class.put(&format!("eve/{archive}"), bytes);
            let graded = class.grade(&[]);
            one_of_two(&graded, why);
            assert!(!graded.written.contains("a secret of the teacher's"));
            assert!(!graded.written.contains('\u{1b}'));
            std::fs::remove_file(class.place.path(format!("in/eve/{archive}"))).unwrap();
        }
    }
    // Number 5 in a wrapper: a link, then a directory of its name with a file in it.
    let members =
        [link("x", EntryType::Symlink, "/tmp"), entry("x", EntryType::Directory, b""), good.clone()];
    for (archive, bytes) in tars(&members) {
        one_of_two(&grade(archive, &bytes), "is a link, expected a file");
    }
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.add_symlink("l", to, SimpleFileOptions::default()).unwrap();
    writer.start_file("e.tar.zst", SimpleFileOptions::default()).unwrap();
    writer.write_all(&good.1).unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    one_of_two(&grade("x.zip", &bytes), "is a link, expected a file");
}

#[test]
fn a_member_that_is_a_bomb_is_refused_alone() {
    // 7: a thousand times its size, which a student may put beside honest files.
    let good = forge::good("eve");
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file("bomb", SimpleFileOptions::default().large_file(true)).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..64 {
        writer.write_all(&zeros).unwrap();
    }
    writer.start_file("e.tar.zst", SimpleFileOptions::default()).unwrap();
    writer.write_all(&good).unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    assert!(bytes.len() < 2 << 20);
    one_of_two(&grade("x.zip", &bytes), "is larger than 8 MiB");
}

#[test]
fn an_archive_that_is_a_bomb_is_refused_whole() {
    let mut all = Refused::default();
    let good = forge::good("eve");
    let zeros = vec![0; 16 << 20];
    // In tar, a member that is not read has to be passed over.
    let huge: Vec<_> = (0..8).map(|at| file(&format!("z{at}"), &zeros)).collect();
    for (archive, bytes) in tars(&[&[file("e.tar.zst", &good)], &huge[..]].concat()).into_iter().take(2) {
        assert!(bytes.len() < 4 << 20);
        all.named(archive, &bytes, "opens to more than ");
    }
    // A description of a member that is itself the bomb.
    let long = entry("l", EntryType::GNULongName, &zeros);
    for (archive, bytes) in tars(&[long, file("x", b"")]) {
        all.named(archive, &bytes, "with a description of a member that is too long");
    }
    // Many members that share one body, so that each opens it again.
    let bytes = overlapping(2_000, &vec![0; 4 << 20]);
    assert!(bytes.len() < 1 << 20, "{}", bytes.len());
    all.named("x.zip", &bytes, "opens to more than ");
    let bytes = overlapping(100, &good);
    all.named("x.zip", &bytes, "is an archive whose members overlap");
    all.check();
}

#[test]
fn archives_in_a_wrapper_are_not_opened() {
    let mut all = Refused::default();
    // 8.
    let good = forge::good("eve");
    let inner = zip(&[("e.tar.zst", &good)]);
    let nested = tar(&[file("e.tar.zst", &good)]);
    for (inner, what) in [
        (inner, "is a zip archive, expected a submission"),
        (gzip(&nested), "is a gzip file, expected a submission"),
        (nested.clone(), "is a tar archive that is not compressed, expected a submission"),
        (zstd(&nested), "it has no `manifest.json`"),
    ] {
        all.named("x.zip", zip(&[("inner", &inner)]), what);
        for (archive, bytes) in tars(&[file("inner", &inner)]) {
            all.named(archive, &bytes, what);
        }
    }
    all.check();
}

#[test]
fn an_archive_of_too_many_members_is_refused_whole() {
    let mut all = Refused::default();
    // 9, beyond the bound: the count is what stops it, not what it says of itself.
    let many: Vec<_> = (0..100_001).map(|at| file(&format!("f{at}"), b"")).collect();
    for (archive, bytes) in tars(&many) {
        all.named(archive, &bytes, "has more than 100000 entries");
    }
    all.named("x.zip", overlapping(100_001, b""), "has more than 100000 entries");
    all.check();
}

#[test]
fn members_of_one_name_are_all_refused() {
    // 10: none of them wins.
    let (one, other) = (forge::good("eve"), forge::good("bob"));
    for names in [["e", "e"], ["e", "E"], ["gr\u{fc}n", "gru\u{308}n"]] {
        for (archive, bytes) in tars(&[file(names[0], &one), file(names[1], &other)]) {
            let graded = grade(archive, &bytes);
            graded.is_refused("ungradable", "its archive has another file of this name, or of one alike");
            assert_eq!(graded.of("bob")["standing"]["is"], "missing");
        }
    }
    let bytes = zip(&[("e", &one), ("E", &other)]);
    grade("x.zip", &bytes).is_refused("ungradable", "its archive has another file of this name");
    let bytes = zip(&[("e", &one), ("X", &other)]);
    let same: Vec<_> = bytes.iter().map(|byte| if *byte == b'X' { b'e' } else { *byte }).collect();
    let graded = grade("x.zip", &same);
    assert_eq!(graded.of("eve")["standing"]["is"], "ungradable", "{}", graded.written);
    assert_eq!(graded.of("bob")["standing"]["is"], "missing");
}

#[test]
fn headers_that_name_two_sizes_are_refused() {
    // 11.
    let good = forge::good("eve");
    let ahead = |text: &[u8]| entry("PaxHeaders/x", EntryType::XHeader, text);
    let short = pax("size", "10");
    for (members, why) in [
        (vec![ahead(&short), file("e", &good)], "whose headers name two sizes of one member"),
        (vec![entry("g", EntryType::XGlobalHeader, &short), file("e", &good)], "one name or size"),
        (vec![ahead(&pax("path", "a")), ahead(&pax("path", "b")), file("e", &good)], "one member twice"),
        (vec![ahead(b"nonsense\n"), file("e", &good)], "description of a member that cannot be read"),
        (vec![file("e", &good), ahead(&pax("path", "a"))], "ends before the member it announces"),
    ] {
        for (archive, bytes) in tars(&members) {
            grade(archive, &bytes).is_refused("ungradable", why);
        }
    }
    // Those that agree are what Python and macOS write.
    let length = good.len().to_string();
    let about = [pax("path", "in/a long name.tar.zst"), pax("size", &length), pax("mtime", "1.5")].concat();
    for (archive, bytes) in tars(&[ahead(&about), file("e", &good)]) {
        let graded = grade(archive, &bytes);
        graded.is_full("eve");
        let place = graded.of("eve")["attempts"][0]["place"].as_str().unwrap();
        assert!(place.ends_with("!in/a long name.tar.zst"), "{place}");
    }
    let sparse = pax("GNU.sparse.major", "1");
    for (archive, bytes) in tars(&[ahead(&sparse), file("s", b"x"), file("e", &good)]) {
        one_of_two(&grade(archive, &bytes), "is a sparse file");
    }
}

#[test]
fn zip_headers_that_disagree_are_refused() {
    // 12: the local header says `X`, the directory `e`, or another size or checksum.
    let good = forge::good("eve");
    let bytes = zip(&[("eve", &good)]);
    assert_eq!(&bytes[30..33], b"eve");
    for (at, value) in [(30, b'X'), (8, 0), (14, !bytes[14]), (18, !bytes[18]), (22, !bytes[22])] {
        let mut other = bytes.clone();
        other[at] = value;
        grade("x.zip", &other).is_refused("ungradable", "is a zip archive that cannot be opened");
    }
    // A body that is not what its checksum says.
    let mut other = bytes.clone();
    other[33 + good.len() / 2] ^= 1;
    let graded = grade("x.zip", &other);
    graded.is_full("ada");
    assert_eq!(graded.of("eve")["standing"]["is"], "ungradable");
}

#[test]
fn a_wrapper_that_is_cut_off_or_goes_on_gives_no_grade() {
    // 13: half of a class is no class.
    let members = [file("a", &forge::good("eve")), file("b", &forge::good("bob"))];
    for (archive, bytes) in tars(&members) {
        for length in [bytes.len() / 3, bytes.len() * 2 / 3, bytes.len() - 1200, bytes.len() - 1] {
            if archive == "x.tar" && length == bytes.len() - 1 {
                continue;
            }
            let graded = grade(archive, &bytes[..length]);
            graded.is_refused("ungradable", "");
            let why = graded.of("eve")["standing"]["why"].as_str().unwrap();
            assert!(why.starts_with("is an archive that") || why.contains("it is cut off"), "{why}");
            assert_eq!(graded.of("bob")["standing"]["is"], "missing", "{archive} at {length}");
        }
        for rest in [&bytes[..], b"x", &gzip(b"more"), &zstd(b"more")] {
            let graded = grade(archive, &[&bytes, rest].concat());
            graded.is_refused("ungradable", "is an archive with something behind its end");
            assert_eq!(graded.of("bob")["standing"]["is"], "missing");
        }
    }
    let bytes = zip(&[("a", &forge::good("eve")), ("b", &forge::good("bob"))]);
    for length in [10, bytes.len() / 2, bytes.len() - 1] {
        let graded = grade("x.zip", &bytes[..length]);
        graded.is_refused("ungradable", "is a zip archive that cannot be opened");
        assert_eq!(graded.of("bob")["standing"]["is"], "missing");
    }
}

#[test]
fn encrypted_members_are_refused_and_pages_are_no_archives() {
    let mut all = Refused::default();
    // 14.
    let good = forge::good("eve");
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let locked = SimpleFileOptions::default().with_deprecated_encryption(b"password").unwrap();
    writer.start_file("locked.tar.zst", locked).unwrap();
    writer.write_all(&good).unwrap();
    writer.start_file("e.tar.zst", SimpleFileOptions::default()).unwrap();
    writer.write_all(&good).unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    one_of_two(&grade("x.zip", &bytes), "is encrypted; hand it in without a password");
    let page = b"<!DOCTYPE html><title>Sign in</title>";
    for name in ["x.tar.gz", "x.zip", "x.tar"] {
        all.named(name, page, "is a web page or XML, expected a submission");
    }
    all.check();
}

/// A zip archive whose directory lists one body many times.
fn overlapping(times: usize, body: &[u8]) -> Vec<u8> {
    let one = zip(&[("000000", body)]);
    let find = |mark: &[u8]| one.windows(4).rposition(|window| window == mark).unwrap();
    let (directory, end) = (find(b"PK\x01\x02"), find(b"PK\x05\x06"));
    let mut bytes = one[..directory].to_vec();
    for at in 0..times {
        let mut entry = one[directory..end].to_vec();
        if times > 2_000 {
            entry[46..52].copy_from_slice(format!("{at:06}").as_bytes());
        }
        bytes.extend_from_slice(&entry);
    }
    let length = bytes.len() - directory;
    let mut zip64 = b"PK\x06\x06".to_vec();
    zip64.extend_from_slice(&44_u64.to_le_bytes());
    zip64.extend_from_slice(&[45, 0, 45, 0]);
    zip64.extend_from_slice(&[0; 8]);
    for number in [times, times, length, directory] {
        zip64.extend_from_slice(&(number as u64).to_le_bytes());
    }
    let at = bytes.len() as u64;
    bytes.extend_from_slice(&zip64);
    bytes.extend_from_slice(b"PK\x06\x07\0\0\0\0");
    bytes.extend_from_slice(&at.to_le_bytes());
    bytes.extend_from_slice(&1_u32.to_le_bytes());
    bytes.extend_from_slice(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff");
    bytes.extend_from_slice(&[0xff; 8]);
    bytes.extend_from_slice(&[0, 0]);
    bytes
}
