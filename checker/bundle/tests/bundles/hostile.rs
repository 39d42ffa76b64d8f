//! Bundles made to hurt.

use std::{io::Write, path::Path};

use lab_bundle::{Fault, Manifest, read, read_from};
use zstd::stream::write::Encoder;

use super::*;

/// The fault of reading these bytes.
fn fault(bytes: &[u8]) -> Fault {
    match read_from(bytes, "memory") {
        Ok(_) => panic!("expected a fault"),
        Err(error) => {
            let text = error.to_string();
            assert!(text.starts_with("bundle `memory`: ") && !text.contains('\n'), "{text}");
            error.fault
        }
    }
}

fn compressed(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 3).unwrap()
}

/// The sample's two lines.
fn parts() -> (Manifest, Vec<u8>) {
    let text = zstd::decode_all(&written(&sample())[..]).unwrap();
    let mut lines = text.split(|byte| *byte == b'\n');
    let manifest = serde_json::from_slice(lines.next().unwrap()).unwrap();
    (manifest, lines.next().unwrap().to_vec())
}

fn joined(manifest: &Manifest, body: &[u8]) -> Vec<u8> {
    let mut text = serde_json::to_vec(manifest).unwrap();
    text.push(b'\n');
    text.extend_from_slice(body);
    text.push(b'\n');
    compressed(&text)
}

/// A bundle around any body, its digest right.
fn around(body: &[u8]) -> Vec<u8> {
    use sha2::Digest;
    let (mut manifest, _) = parts();
    manifest.evidence.bytes = body.len() as u64;
    manifest.evidence.sha256 = sha2::Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    joined(&manifest, body)
}

#[test]
fn a_bundle_cut_anywhere_is_damaged() {
    let bytes = written(&sample());
    for length in 0..bytes.len() {
        assert!(matches!(fault(&bytes[..length]), Fault::Damaged(_) | Fault::NotABundle), "at {length}");
    }
}

#[test]
fn a_flipped_bit_is_found_or_changes_nothing() {
    let bytes = written(&sample());
    let mut found = 0;
    for at in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[at / 8] ^= 1 << (at % 8);
        match read_from(&bytes[..], "memory") {
            Err(_) => found += 1,
            Ok(evidence) => assert!(same(&evidence, &sample()), "bit {at}"),
        }
    }
    assert!(found > bytes.len() * 8 * 9 / 10, "{found} of {} found", bytes.len() * 8);
}

#[test]
fn trailing_bytes_of_every_sort_are_refused() {
    let (manifest, body) = parts();
    let whole = written(&sample());
    let frame = compressed(b"more");
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0][..], b"xx"].concat();
    for rest in [&b"x"[..], &frame, &skippable, &whole] {
        assert!(matches!(fault(&[&whole[..], rest].concat()), Fault::Damaged(_)));
    }
    let mut longer = serde_json::to_vec(&manifest).unwrap();
    longer.extend_from_slice(b"\n");
    longer.extend_from_slice(&body);
    longer.extend_from_slice(b"\n{}\n");
    assert!(matches!(fault(&compressed(&longer)), Fault::Damaged(_)));
}

#[test]
fn bombs_of_zeros_go_off_nowhere() {
    let bomb = |head: &[u8]| {
        let mut encoder = Encoder::new(Vec::new(), 3).unwrap();
        encoder.write_all(head).unwrap();
        let zeros = vec![0; 1 << 20];
        for _ in 0..1024 {
            encoder.write_all(&zeros).unwrap();
        }
        encoder.finish().unwrap()
    };
    assert!(matches!(fault(&bomb(b"")), Fault::NotABundle));
    // Behind a manifest that promises little, and behind one that promises it all.
    let (mut manifest, _) = parts();
    let line = |manifest: &Manifest| [serde_json::to_vec(manifest).unwrap(), b"\n".to_vec()].concat();
    assert!(matches!(fault(&bomb(&line(&manifest))), Fault::Damaged(_)));
    manifest.evidence.bytes = 1 << 30;
    assert!(matches!(fault(&bomb(&line(&manifest))), Fault::TooLarge { .. }));
}

#[test]
fn a_window_beyond_ours_is_refused() {
    let mut encoder = Encoder::new(Vec::new(), 3).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(&vec![b'{'; 64 << 20]).unwrap();
    assert!(matches!(fault(&encoder.finish().unwrap()), Fault::Damaged(why) if why.contains("memory")));
}

#[test]
fn json_bombs_are_stopped_before_parsing() {
    let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    assert!(matches!(fault(&around(deep.as_bytes())), Fault::TooDeep));
    let wide = format!("[{}0]", "0,".repeat(20_000_000));
    assert!(matches!(fault(&around(wide.as_bytes())), Fault::TooManyNodes(_)));
}

#[test]
fn other_formats_and_other_files_are_named() {
    let (mut manifest, body) = parts();
    manifest.format = 2;
    assert!(matches!(fault(&joined(&manifest, &body)), Fault::Format { found: 2 }));
    assert!(matches!(fault(&compressed(b"{\"format\":3,\"new\":[]}\n")), Fault::Format { found: 3 }));
    assert!(matches!(fault(&compressed(b"{\"format\":1}\n")), Fault::Damaged(_)));
    for other in [&b"PK\x03\x04 a zip archive"[..], b"\x1f\x8b gzip", b"{\"format\":1}"] {
        assert!(matches!(fault(other), Fault::NotABundle));
    }
    assert!(matches!(fault(&compressed(b"no json\n")), Fault::NotABundle));
    assert!(matches!(fault(&around(b"{\"format\":1}")), Fault::Json(_)));
    assert!(matches!(fault(&around(b"not json")), Fault::Json(_)));
    let unknown = String::from_utf8(body).unwrap().replacen("{\"format\":1", "{\"format\":1,\"more\":0", 1);
    assert!(matches!(fault(&around(unknown.as_bytes())), Fault::Json(_)));
}

#[test]
fn records_that_do_not_match_are_damage() {
    let (manifest, body) = parts();
    let text = String::from_utf8(body.clone()).unwrap();
    let changed = text.replacen("lab01", "lab02", 1);
    assert!(
        matches!(fault(&joined(&manifest, changed.as_bytes())), Fault::Damaged(why) if why.contains("SHA-256"))
    );
    let recount = text.replacen("redacted-2", "redacted-1", 1);
    assert!(matches!(fault(&around(recount.as_bytes())), Fault::Damaged(why) if why.contains("redaction")));
    let open = text.replacen("redacted-2", "aHVudGVyMg", 1);
    assert!(matches!(fault(&around(open.as_bytes())), Fault::NotRedacted { .. }));
}

#[test]
fn a_file_beyond_the_limit_is_cut_short_and_places_without_files_are_named() {
    // A linear congruential generator's high bytes do not compress.
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    })
    .take(33 << 20)
    .collect();
    let mut encoder = Encoder::new(Vec::new(), 1).unwrap();
    let (mut manifest, _) = parts();
    manifest.evidence.bytes = noise.len() as u64;
    encoder.write_all(&serde_json::to_vec(&manifest).unwrap()).unwrap();
    encoder.write_all(b"\n").unwrap();
    encoder.write_all(&noise).unwrap();
    let large = encoder.finish().unwrap();
    assert!(large.len() as u64 > lab_bundle::MAX_COMPRESSED, "noise compresses to {}", large.len());
    assert!(matches!(fault(&large), Fault::Damaged(why) if why.contains("larger than 32 MiB")));

    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(read(dir.path()).unwrap_err().fault, Fault::NotAFile));
    assert!(matches!(read(Path::new("/dev/zero")).unwrap_err().fault, Fault::NotAFile));
    let error = read(&dir.path().join("missing.labcheck")).unwrap_err();
    assert!(error.to_string().contains("missing.labcheck`: cannot be read"), "{error}");
}
