//! `labcheck grade --shard`: whose share is what lies in an archive.

use std::{fs, io::Write as _};

use zip::{ZipWriter, write::SimpleFileOptions};

use crate::{
    grading::{place, submission},
    place::{Place, Said},
    postgres::Server,
};

fn zipped(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A tar archive in zstd, as submissions are.
fn tarred(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    zstd::encode_all(&archive.into_inner().unwrap()[..], 1).unwrap()
}

/// A submission that has a file before its own: it begins as an archive of
/// submissions does, and is none.
fn beside(submission: &[u8]) -> Vec<u8> {
    let inner = zstd::decode_all(submission).unwrap();
    let mut outer = zstd::decode_all(&tarred(&[("notes.txt".to_owned(), b"mine".to_vec())])[..]).unwrap();
    outer.truncate(1024);
    outer.extend(inner);
    zstd::encode_all(&outer[..], 1).unwrap()
}

#[track_caller]
fn grade(place: &Place, address: &str, more: &[&str]) -> Said {
    let args = ["grade", "in", "--lab", "lab01", "--roster", "roster.csv", "--no-progress"];
    let mut command = place.command(&[&args[..], more].concat());
    if !address.is_empty() {
        command.env("LABCHECK_STORE", address);
    }
    place.said(command)
}

#[test]
fn members_of_archives_are_shared_like_files_and_nothing_is_judged_twice() {
    let ada = |attempt| submission("solution", "ada", |evidence| evidence.params.seed = attempt);
    let many = |from: u64| -> Vec<_> {
        (from..from + 4).map(|attempt| (format!("ada-{attempt}.tar.zst"), ada(attempt))).collect()
    };
    let class = [
        ("bob.tar.zst", submission("solution", "bob", |_| {})),
        ("eve.tar.zst", beside(&submission("starter", "eve", |_| {}))),
        ("export.zip", zipped(&many(0))),
        ("more.tar.zst", tarred(&many(4))),
        ("broken.zip", b"PK\x03\x04rest".to_vec()),
    ];
    let (place, server) = (place(&class), Server::start());
    let whole = grade(&place, "", &["--out", "whole"]);
    for count in [1, 2, 5] {
        let database = format!("class{count}");
        server.sql("postgres", &format!("CREATE DATABASE {database}"));
        let address = server.address(&database);
        let mut told = 0;
        for index in 0..count {
            let (shard, out) = (format!("{index}/{count}"), format!("out-{count}-{index}"));
            let said = grade(&place, &address, &["--out", &out, "--shard", &shard]);
            assert_eq!(said.code, 0, "{}", said.err);
            let rest = said.out.strip_prefix(&format!("shard {shard} has ")).expect(&said.out);
            told += rest.split(' ').next().unwrap().parse::<usize>().unwrap();
        }
        // Two loose ones, eight in archives, and an archive that is broken.
        assert_eq!((told, server.judged(&database)), (11, 10), "{count} shards");
        let out = format!("together-{count}");
        let settled = grade(&place, &address, &["--out", &out]);
        assert_eq!(settled.code, whole.code, "{}", settled.err);
        for file in ["grades.csv", "grades.json"] {
            let read = |out: &str| fs::read(place.path(out).join(file)).unwrap();
            assert!(read("whole") == read(&out), "`{file}` of {count} shards differs from one machine's");
        }
    }
}
