//! Hostile inputs 1 to 15 as submissions.

use std::{fs, io::Write as _, os::unix::fs::symlink, process::Command};

use lab_bundle::submission::{EVIDENCE, MANIFEST};
use tar::EntryType;

use crate::{
    forge::{self, beside, changed, entry, file, gzip, link, parts, pax, tar, zip, zstd},
    room::{Class, Refused, refused},
};

#[test]
fn members_outside_of_the_archive_are_refused() {
    for name in [
        // 1 to 3.
        "../../.ssh/authorized_keys",
        "../out-evil/x",
        "a/../../x",
        "/etc/cron.d/x",
        "//server/share/x",
        "C:\\Windows\\x",
        "C:x",
        "\\\\server\\share\\x",
        "..\\x",
        "..",
        "./x",
        "",
    ] {
        let class = Class::new();
        class.put("eve.tar.zst", beside(vec![], vec![file(name, b"ssh-rsa AAAA")]));
        class.put("eve/first.tar.zst", beside(vec![file(name, b"ssh-rsa AAAA")], vec![]));
        let graded = class.grade(&[]);
        graded.is_refused("ungradable", "` has a path that leads out of it");
        let tried = graded.of("eve")["attempts"].as_array().unwrap().len();
        assert_eq!((tried, graded.unmatched.len()), (2, 0), "{name}: {}", graded.written);
    }
}

#[test]
fn members_that_are_no_plain_files_are_refused() {
    let mut all = Refused::default();
    // 4 to 6.
    let class = Class::new();
    let target = class.place.write("private", "a secret of the teacher's");
    let target = target.to_str().unwrap();
    let setuid = changed(file("tool", b"#!"), |header| header.set_mode(0o4755));
    for (members, why) in [
        (vec![link("x", EntryType::Symlink, target)], "its member `x` is a link"),
        (vec![link("x", EntryType::Link, target)], "its member `x` is a link"),
        (
            vec![
                link("x", EntryType::Symlink, "/tmp"),
                entry("x", EntryType::Directory, b""),
                file("x/y", b""),
            ],
            "its member `x` is a link",
        ),
        (vec![entry("x", EntryType::Directory, b"")], "its member `x` is a directory"),
        (vec![entry("x", EntryType::Char, b"")], "its member `x` is no plain file"),
        (vec![entry("x", EntryType::Block, b"")], "its member `x` is no plain file"),
        (vec![entry("x", EntryType::Fifo, b"")], "its member `x` is no plain file"),
        (vec![entry("x", EntryType::GNUSparse, b"")], "its member `x` is no plain file"),
        (vec![setuid], "its member `tool` asks for special rights"),
    ] {
        class.put("eve.tar.zst", beside(vec![], members.clone()));
        class.grade(&[]).is_refused("ungradable", why);
        class.put("eve.tar.zst", beside(members, vec![]));
        let graded = class.grade(&[]);
        graded.is_refused("ungradable", why);
        assert!(!graded.written.contains("a secret of the teacher's"));
    }
    // The evidence itself as a link to a file of the teacher's.
    let text = serde_json::to_vec(&forge::evidence("eve")).unwrap();
    let mut members = parts(&text).members();
    members[1] = link(EVIDENCE, EntryType::Symlink, target);
    all.add(zstd(&tar(&members)), "its member `evidence.json` is a link");
    all.check();
}

#[test]
fn bombs_are_stopped_while_they_open() {
    let mut all = Refused::default();
    // 7: a few KiB that open to 256 MiB, as evidence, beside it, and behind the archive's end.
    let zeros = vec![0; 1 << 20];
    let bomb = |before: &[u8], behind: &[u8]| {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.write_all(before).unwrap();
        for _ in 0..256 {
            encoder.write_all(&zeros).unwrap();
        }
        encoder.write_all(behind).unwrap();
        encoder.finish().unwrap()
    };
    let huge = |name| changed(file(name, b""), |header| header.set_size(256 << 20)).0;
    let text = serde_json::to_vec(&forge::evidence("eve")).unwrap();
    let whole = tar(&parts(&text).members());
    for (bytes, why) in [
        (bomb(huge(EVIDENCE).as_bytes(), &whole), "its archive is larger than 16 MiB"),
        (bomb(huge("more").as_bytes(), &whole), "opens to more than "),
        (bomb(&whole, b""), "its archive is larger than 17 MiB"),
    ] {
        assert!(bytes.len() < 1 << 20, "{}", bytes.len());
        all.add(&bytes, why);
    }
    all.check();
}

#[test]
fn a_window_that_needs_much_memory_is_refused() {
    let mut all = Refused::default();
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(30).unwrap();
    encoder.write_all(&tar(&[file(MANIFEST, &[b' '; 100])])).unwrap();
    all.add(encoder.finish().unwrap(), "Frame requires too much memory");
    all.check();
}

#[test]
fn archives_in_a_submission_are_not_opened() {
    // 8.
    let inner = zip(&[("x", b"x")]);
    let class = Class::new();
    class.put("eve.tar.zst", beside(vec![], vec![file("more.zip", &inner)]));
    let graded = class.grade(&[]);
    graded.is_full("eve");
    assert_eq!((graded.flags("eve"), graded.said.code), (vec!["extra-member"], 0));
    let text = serde_json::to_vec(&forge::evidence("eve")).unwrap();
    let mut members = parts(&text).members();
    members[1] = file(EVIDENCE, &zstd(&text));
    refused(&zstd(&tar(&members)), "`evidence.json` does not have the SHA-256");
}

#[test]
fn a_submission_of_many_members_is_refused() {
    let mut all = Refused::default();
    // 9.
    let many: Vec<_> = (0..100_001).map(|at| file(&format!("f{at}"), b"")).collect();
    all.add(beside(many.clone(), vec![]), "has more than 100000 entries");
    all.add(beside(vec![], many), "has more than 64 members");
    all.check();
}

#[test]
fn names_that_are_alike_are_refused() {
    let mut all = Refused::default();
    // 10.
    for names in
        [[MANIFEST, MANIFEST], [EVIDENCE, "Evidence.JSON"], ["gr\u{fc}n", "gru\u{308}n"], ["K", "\u{212a}"]]
    {
        let [one, other] = names.map(|name| file(name, b"{}"));
        all.add(beside(vec![one], vec![other]), ", or alike");
    }
    all.check();
}

#[test]
fn extended_headers_are_refused() {
    let mut all = Refused::default();
    // 11: which of the two sizes counts would depend on the reader.
    let text = serde_json::to_vec(&forge::evidence("eve")).unwrap();
    let own = parts(&text).members();
    let about = pax("size", "1");
    for (kind, about) in [
        (EntryType::XHeader, &about[..]),
        (EntryType::XGlobalHeader, &about),
        (EntryType::GNULongName, b"evidence.json\0"),
    ] {
        let mut members = own.clone();
        members.insert(1, entry("ahead", kind, about));
        all.add(zstd(&tar(&members)), "its member `ahead` is no plain file");
    }
    all.add(beside(vec![entry("ahead", EntryType::XHeader, &about)], vec![]), "name two sizes of one member");
    all.check();
}

#[test]
fn headers_that_lie_are_refused() {
    let mut all = Refused::default();
    let text = serde_json::to_vec(&forge::evidence("eve")).unwrap();
    let own = parts(&text).members();
    let mut broken = own.clone();
    broken[2].0.as_mut_bytes()[148] ^= 1;
    all.add(zstd(&tar(&broken)), "checksum");
    let mut long = own.clone();
    long[2] = changed(long[2].clone(), |header| header.set_size(u64::MAX));
    all.add(zstd(&tar(&long)), "is damaged");
    let mut short = own;
    short[1] = changed(short[1].clone(), |header| header.set_size(10));
    all.add(zstd(&tar(&short)), "is damaged");
    all.check();
}

#[test]
fn what_is_cut_off_or_goes_on_is_refused() {
    let mut all = Refused::default();
    // 13, of submissions.
    let whole = forge::good("eve");
    for length in [5, 100, whole.len() / 2, whole.len() - 1] {
        all.add(&whole[..length], "is damaged");
    }
    for rest in [&b"x"[..], &whole, &zstd(b"more")] {
        all.add([&whole, rest].concat(), "something follows its archive");
    }
    let text = serde_json::to_vec(&forge::evidence("eve")).unwrap();
    let twice = [tar(&parts(&text).members()), tar(&[file("x", b"x")])].concat();
    all.add(zstd(&twice), "something follows its last member");
    all.check();
}

#[test]
fn other_files_are_named_by_what_they_are() {
    // 14: the name says nothing.
    let text = serde_json::to_vec(&forge::evidence("eve")).unwrap();
    let own = parts(&text);
    let plain = tar(&own.members());
    let unpacked =
        [(MANIFEST, &own.manifest[..]), (EVIDENCE, &own.evidence), ("signature.json", &own.signature)];
    for (bytes, what) in [
        (&b"<!DOCTYPE html><title>Sign in</title>"[..], "a web page or XML"),
        (b"%PDF-1.7", "a PDF"),
        (b"{\"score\": 100}", "JSON"),
        (b"", "empty"),
        (b"kubectl get pods", "something else"),
        (&gzip(&text), "a gzip file"),
        (&plain, "a tar archive that is not compressed"),
        (&gzip(&plain), "a gzip file"),
        (&zip(&unpacked), "a zip archive"),
        (&vec![b'x'; 9 << 20], "its file is larger than 8 MiB"),
    ] {
        for name in ["eve.tar.zst", "eve.tar.gz"] {
            let class = Class::new();
            class.put(name, bytes);
            let graded = class.grade(&[]);
            graded.is_refused("ungradable", what);
            assert_eq!(graded.of("eve")["attempts"].as_array().unwrap().len(), 1, "{what}");
        }
    }
}

#[test]
fn links_and_pipes_on_disk_are_not_followed() {
    // 15.
    let class = Class::new();
    let elsewhere = class.place.write("elsewhere.tar.zst", forge::good("eve"));
    fs::create_dir_all(class.place.path("in/eve")).unwrap();
    symlink(&elsewhere, class.place.path("in/eve/a.tar.zst")).unwrap();
    symlink("/", class.place.path("in/eve/root")).unwrap();
    let graded = class.grade(&[]);
    graded.is_refused("ungradable", "is a link, expected a file");

    let class = Class::new();
    let pipe = class.place.path("in/eve.tar.zst");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    class.grade(&[]).is_refused("ungradable", "is no regular file");

    // The same named by the user.
    let class = Class::new();
    class.place.write("elsewhere.tar.zst", forge::good("eve"));
    symlink("elsewhere.tar.zst", class.place.path("eve.tar.zst")).unwrap();
    class.grade_paths(&["in", "eve.tar.zst"], &[]).is_refused("ungradable", "is a link, expected a file");
}
