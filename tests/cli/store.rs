//! `labcheck grade` with a PostgreSQL store: shares of a class, judged by
//! several graders at once, and what can be wrong with a store.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    grading::{place, submission},
    place::{Place, Said, repository},
    postgres::{PASSWORD, Server},
};

/// Labcheck beside a store: `LABCHECK_STORE` is `address`.
fn command(place: &Place, address: &str, args: &[&str]) -> Command {
    let mut command = place.command(args);
    command.env("LABCHECK_STORE", address);
    command
}

#[track_caller]
fn said(place: &Place, command: &mut Command) -> Said {
    let said = place.said(command);
    assert!(!format!("{said:?}").contains(PASSWORD), "{said:?}");
    said
}

const GRADE: [&str; 8] = ["grade", "in", "--lab", "lab01", "--roster", "roster.csv", "--out", "out"];

/// Grades the small class of lab01 into a store.
#[track_caller]
fn grade(place: &Place, address: &str, more: &[&str]) -> Said {
    said(place, &mut command(place, address, &[&GRADE[..], more].concat()))
}

/// A class that can be killed in the middle, and the arguments that grade it:
/// nonsense, which is judged in no time, comes first and fills what is kept at
/// once; real submissions take their time.
fn class(place: &Place) -> Vec<&'static str> {
    let labs = repository().join("labs");
    let plan = class::Plan { labs, lab: "lab01".to_owned(), students: 24, seed: 3, honest: false };
    plan.write(&place.path("class")).unwrap();
    for number in 0..NONSENSE {
        place.write(&format!("class/submissions/0-{number:03}.tar.zst"), format!("nonsense {number}"));
    }
    let roster = ["--lab", "lab01", "--roster", "class/roster.csv", "--assignment", "class/assignment.csv"];
    [&["grade", "class/submissions"], &roster[..], &["--threads", "1", "--no-progress"]].concat()
}

/// How many files of nonsense a class has: more than is kept at once in each
/// of two shares.
const NONSENSE: usize = 200;

/// Every file of grades, by name.
fn outputs(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .filter(|(name, _)| !name.starts_with('.') && !name.starts_with("journal"))
        .collect();
    files.sort();
    files
}

#[test]
fn shards_that_are_killed_and_begun_again_come_to_what_one_machine_says() {
    let (place, server) = (Place::new(), Server::start());
    let args = class(&place);
    let with = |out: &'static str, more: &[&'static str]| [&args[..], &["--out", out], more].concat();
    let all = ["--write", "csv,json,canvas,moodle,junit,lti,dashboard"];
    let whole = said(&place, &mut place.command(&with("whole", &all)));
    assert_eq!(whole.code, 3, "some of this class have no score: {}", whole.err);

    let address = server.address("class");
    let start = |out, shard| {
        let mut command = command(&place, &address, &with(out, &["--shard", shard]));
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    // Both at once, and two graders with the same share; then two of three die.
    let mut shards = [start("s0", "0/2"), start("s1", "1/2"), start("s1-again", "1/2")];
    server.until_judged("class", 64);
    shards[0].kill().unwrap();
    shards[1].kill().unwrap();
    for shard in &mut shards {
        shard.wait().unwrap();
    }
    let left = server.judged("class");
    let handed_in = fs::read_dir(place.path("class/submissions")).unwrap().count();
    assert!((64..handed_in).contains(&left), "killed in the middle: {left} of {handed_in} were judged");

    let mut told = 0;
    for (out, shard) in [("s0", "0/2"), ("s1", "1/2")] {
        let said = said(&place, &mut command(&place, &address, &with(out, &["--shard", shard])));
        assert_eq!(said.code, 0, "{}", said.err);
        let start = format!("shard {shard} has ");
        let rest = said.out.strip_prefix(&start).unwrap_or_else(|| panic!("{}", said.out));
        told += rest.split(' ').next().unwrap().parse::<usize>().unwrap();
        assert_eq!(outputs(&place.path(out)), [], "a shard writes no grades");
    }
    assert_eq!(told, handed_in, "every submission is in one share");

    let settled = said(&place, &mut command(&place, &address, &with("settled", &all)));
    assert!(settled.err.contains("grading lab01: 0 judged anew"), "{}", settled.err);
    assert_eq!((settled.code, settled.out), (3, whole.out.replace("`whole`", "`settled`")));
    let (whole, settled) = (outputs(&place.path("whole")), outputs(&place.path("settled")));
    assert_eq!(whole.len(), 7);
    for (one, other) in whole.iter().zip(&settled) {
        assert!(one == other, "`{}` differs from one machine's", one.0);
    }
    assert_eq!(whole.len(), settled.len());
    assert!(!place.path("settled/journal.sqlite").exists(), "the store is the journal");
}

#[test]
fn a_server_that_goes_away_in_the_middle_costs_nothing_that_was_kept() {
    let (place, mut server) = (place(&[]), Server::start());
    let address = server.address("class");
    assert_eq!(grade(&place, &address, &[]).code, 0, "the tables are made");
    // Whoever would keep more than 64 waits, so that the server goes in the middle however fast we judge.
    server.sql(
        "class",
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           IF (SELECT count(*) FROM labcheck_judged) >= 64 THEN PERFORM pg_sleep(600); END IF;
           RETURN NULL; END $$;
         CREATE TRIGGER wait BEFORE INSERT ON labcheck_judged FOR EACH STATEMENT EXECUTE FUNCTION wait()",
    );
    let args = [&class(&place)[..], &["--out", "out"]].concat();
    let grader =
        command(&place, &address, &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    server.until("class", "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
    server.stop();
    let output = grader.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{err}");
    let place_told = format!("error: store `127.0.0.1:{}/class`: ", server.port());
    assert!(err.contains(&place_told) && !err.contains(PASSWORD), "{err}");
    assert!(err.contains("; what was judged is kept, run the same command again"), "{err}");

    server.again();
    let kept = server.judged("class");
    assert_eq!(kept, 64, "what was kept before stays, and nothing half");
    server.sql("class", "DROP TRIGGER wait ON labcheck_judged");
    let said = said(&place, &mut command(&place, &address, &args));
    let anew = said.err.rsplit("grading lab01: ").next().unwrap().split(' ').next().unwrap();
    assert_eq!(
        (said.code, anew.parse::<usize>().unwrap()),
        (3, server.judged("class") - kept),
        "{}",
        said.err
    );
}

#[test]
fn what_is_wrong_with_a_store_is_said_and_its_password_never_is() {
    let place = place(&[("a.tar.zst", submission("solution", "ada", |_| {}))]);
    let server = Server::start();
    let (address, port) = (server.address("class"), server.port());
    let fails = |address: &str, code: i32, why: &str| {
        let said = grade(&place, address, &[]);
        assert!(said.err.contains(why), "expected `{why}`: {}", said.err);
        assert_eq!((said.code, said.out.as_str()), (code, ""), "{}", said.err);
    };
    fails(
        &address.replace(PASSWORD, "wrong"),
        3,
        "password authentication failed for user \\\"grader\\\"; check user and password in the address",
    );
    fails(
        &address.replace("/class", "/nowhere"),
        3,
        "database \\\"nowhere\\\" does not exist; make it with `createdb`",
    );
    fails(&address.replace("sslmode=disable", "sslmode=verify-full"), 3, "server does not support TLS");
    fails(&address.replace("?sslmode=disable", ""), 3, "server does not support TLS");
    fails(
        &address.replace("disable", "prefer"),
        2,
        "`LABCHECK_STORE` has an `sslmode` that falls back to plain text",
    );
    fails("", 2, "error: `LABCHECK_STORE` is no address of PostgreSQL");
    let closed = address.replace(&port.to_string(), "1");
    fails(&closed, 3, "error: store `127.0.0.1:1/class`: error connecting to server: Connection refused");
    fails(
        &address.replace("127.0.0.1", "nowhere.invalid"),
        3,
        &format!("error: store `nowhere.invalid:{port}/class`: "),
    );
    assert_eq!(server.sql("class", "SELECT to_regclass('labcheck_about') IS NULL"), "t\n");

    assert_eq!(grade(&place, &address, &[]).code, 0);
    server.sql("class", "UPDATE labcheck_about SET version = 9");
    fails(
        &address,
        3,
        "`: has version 9, expected 1; a newer labcheck wrote it, use that one or another database",
    );
    server.sql("class", "UPDATE labcheck_about SET version = 1, lab = 'lab08'");
    fails(&address, 3, "`: holds grades of `lab08`, expected `lab01`; use another database");
    server
        .sql("class", "UPDATE labcheck_about SET lab = 'lab01'; CREATE ROLE poor LOGIN PASSWORD 'kl4wtw0rt'");
    fails(
        &address.replace("grader", "poor"),
        3,
        "permission denied for table labcheck_about; name the database's owner in the address",
    );
    // Who may only read and add needs no right to make tables.
    server.sql(
        "class",
        "GRANT SELECT ON labcheck_about TO poor; GRANT SELECT, INSERT ON labcheck_judged TO poor",
    );
    let said = grade(&place, &address.replace("grader", "poor"), &[]);
    assert!(said.code == 0 && said.err.contains("grading lab01: 0 judged anew"), "{}", said.err);
}

#[test]
fn what_a_student_wrote_fits_into_a_database_of_any_encoding() {
    let place = place(&[("a.tar.zst", submission("solution", "日本 😀", |_| {}))]);
    let server = Server::start();
    server.sql(
        "postgres",
        "CREATE DATABASE old TEMPLATE template0 ENCODING LATIN1 LC_COLLATE 'C' LC_CTYPE 'C'",
    );
    for anew in [1, 0] {
        let said = grade(&place, &server.address("old"), &[]);
        let told = format!("grading lab01: {anew} judged anew");
        assert!(said.code == 3 && said.err.contains(&told), "{}", said.err);
        assert!(fs::read_to_string(place.path("out/grades.json")).unwrap().contains("日本 😀"));
    }
}

#[test]
fn the_address_stands_in_the_environment_or_in_a_file() {
    let place = place(&[("a.tar.zst", submission("solution", "ada", |_| {}))]);
    let server = Server::start();
    place.write("secret/address", format!("{}\n", server.address("class")));
    place.write("secret/long", "x".repeat(5_000));
    place.write("secret/binary", [0xff, 0xfe]);
    let from = |file: &str| said(&place, place.command(&GRADE).env("LABCHECK_STORE_FILE", file));
    assert_eq!((from("secret/address").code, server.judged("class")), (0, 1));
    for (file, why) in [
        ("secret/none", "`secret/none`, which `LABCHECK_STORE_FILE` names, cannot be read: No such file"),
        ("secret/long", "is longer than 4096 bytes, expected an address"),
        ("secret/binary", "is not UTF-8"),
        ("roster.csv", "`roster.csv`, which `LABCHECK_STORE_FILE` names, is no address of PostgreSQL"),
    ] {
        let said = from(file);
        assert!(said.code == 2 && said.err.contains(why), "{file}: {}", said.err);
    }
    let both = said(&place, command(&place, "x", &GRADE).env("LABCHECK_STORE_FILE", "secret/address"));
    both.is_usage("error: `LABCHECK_STORE` and `LABCHECK_STORE_FILE` are both set, expected one of them\n");
}

#[test]
fn a_share_is_one_of_several_in_a_store_that_they_share() {
    let place = place(&[]);
    for (shard, why) in [
        ("4/4", "4 shards are numbered from 0 to 3, found `4`"),
        ("5/4", "4 shards are numbered from 0 to 3, found `5`"),
        ("x", "expected `I/N`, as in `0/4`"),
    ] {
        let said = grade(&place, "postgres://u:p@127.0.0.1:1/class", &["--shard", shard]);
        assert!(said.code == 2 && said.err.contains(why), "{}", said.err);
    }
    let alone = place.run(&[&GRADE[..], &["--shard", "0/4"]].concat());
    alone.is_usage(
        "error: `--shard 0/4` needs a store that all shards share\nnext: set `LABCHECK_STORE`, or `LABCHECK_STORE_FILE` to a file that holds it\n",
    );
    assert!(!place.path("out").exists());
    let writes = place.run(&[&GRADE[..], &["--shard", "0/4", "--write", "csv"]].concat());
    assert!(writes.code == 2 && writes.err.contains("cannot be used with '--write"), "{}", writes.err);
}

#[test]
fn a_server_is_believed_only_with_a_certificate_for_its_name() {
    let place = place(&[("a.tar.zst", submission("solution", "ada", |_| {}))]);
    let certificates = place.path("tls");
    fs::create_dir(&certificates).unwrap();
    let openssl = |args: &[&str]| {
        let output = Command::new("openssl").args(args).current_dir(&certificates).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    openssl(
        &[&["req", "-x509", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem"], &key[..]].concat(),
    );
    openssl(&[&["req", "-subj", "/CN=db", "-keyout", "db.key", "-out", "db.csr"], &key[..]].concat());
    fs::write(certificates.join("names"), "subjectAltName=IP:127.0.0.1").unwrap();
    openssl(&[
        "x509",
        "-req",
        "-in",
        "db.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-out",
        "db.pem",
        "-extfile",
        "names",
    ]);
    let server = Server::with(|dir| {
        for file in ["db.key", "db.pem"] {
            fs::copy(certificates.join(file), dir.join(file)).unwrap();
        }
        let path = |file| dir.join(file).display().to_string();
        vec![
            "ssl=on".to_owned(),
            "log_connections=on".to_owned(),
            format!("ssl_key_file={}", path("db.key")),
            format!("ssl_cert_file={}", path("db.pem")),
        ]
    });
    let run = |address: &str, roots: &str| {
        said(&place, command(&place, address, &GRADE).env("SSL_CERT_FILE", certificates.join(roots)))
    };
    for address in [
        server.address("class").replace("?sslmode=disable", ""),
        server.address("class").replace("disable", "verify-full"),
    ] {
        let trusted = run(&address, "ca.pem");
        assert_eq!(trusted.code, 0, "{}", trusted.err);
        // Another authority's word is nobody's.
        let stranger = run(&address, "db.pem");
        assert!(stranger.code == 3 && stranger.err.contains("certificate"), "{}", stranger.err);
        let elsewhere = run(&address.replace("127.0.0.1", "localhost"), "ca.pem");
        assert!(elsewhere.code == 3 && elsewhere.err.contains("certificate"), "{}", elsewhere.err);
    }
    assert_eq!(run(&server.address("class").replace("disable", "require"), "ca.pem").code, 0);
    let log = server.log();
    let encrypted =
        log.lines().filter(|line| line.contains("application_name=labcheck") && line.contains("SSL enabled"));
    assert_eq!(encrypted.count(), 3, "{log}");
}
