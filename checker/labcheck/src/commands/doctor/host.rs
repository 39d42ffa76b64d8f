//! What the machine under Docker has: processors, memory, disk, and the
//! kernel's limits. On Linux it is this machine, elsewhere Docker's VM.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
};

use bollard::models::{SystemInfo, SystemInfoCgroupVersionEnum};

use super::Finding;
use crate::kind::offline;

const GIB: u64 = 1 << 30;
/// A one-node cluster with a lab on it takes about 1 GiB.
const MEMORY_LEAST: u64 = 2 * GIB;
/// Three nodes and a lab that fills memory on purpose.
const MEMORY_GOOD: u64 = 4 * GIB;
/// Node image, unpacked, and the labs' images.
const DISK_LEAST: u64 = 3 * GIB;
/// With room for the images that learners build.
const DISK_GOOD: u64 = 10 * GIB;
/// The kernel's default, enough for one cluster of three nodes.
const INSTANCES_LEAST: u64 = 128;
/// What kind's documentation asks for.
const INSTANCES_GOOD: u64 = 512;
const WATCHES_GOOD: u64 = 65_536;

pub fn machine(info: Option<&SystemInfo>) -> Vec<Finding> {
    let mut findings = vec![cpus(info), memory(info), disk(info)];
    findings.extend(cgroup(info));
    findings.extend(inotify());
    findings.push(ports());
    findings
}

fn cpus(info: Option<&SystemInfo>) -> Finding {
    const WHAT: &str = "cpu";
    let here = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let count = info.and_then(|info| usize::try_from(info.ncpu?).ok()).unwrap_or(here);
    match count {
        0 | 1 => Finding::note(
            WHAT,
            "1 processor: everything takes about twice as long",
            "give Docker 2 processors",
        ),
        count => Finding::ok(WHAT, format!("{count} processors")),
    }
}

fn memory(info: Option<&SystemInfo>) -> Finding {
    let total = info.and_then(|info| u64::try_from(info.mem_total?).ok());
    let available = fs::read_to_string("/proc/meminfo").ok().and_then(|text| mem_available(&text));
    match available.into_iter().chain(total).min() {
        Some(bytes) => memory_of(bytes),
        None => Finding::note("memory", "unknown", "start Docker, then again"),
    }
}

fn memory_of(bytes: u64) -> Finding {
    const WHAT: &str = "memory";
    let found = format!("{} available", gib(bytes));
    if bytes < MEMORY_LEAST {
        let expected = format!("{found}, expected {} or more", gib(MEMORY_LEAST));
        Finding::fix(WHAT, expected, "end other programs, or give Docker's VM more")
    } else if bytes < MEMORY_GOOD {
        let expected = format!("{found}, {} for labs with three nodes", gib(MEMORY_GOOD));
        Finding::note(WHAT, expected, "end other programs, or give Docker's VM more")
    } else {
        Finding::ok(WHAT, found)
    }
}

/// MemAvailable of /proc/meminfo, in bytes.
fn mem_available(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

fn disk(info: Option<&SystemInfo>) -> Finding {
    let docker = info.and_then(|info| info.docker_root_dir.clone()).map(PathBuf::from);
    let place = docker.filter(|dir| dir.exists()).or_else(|| existing(offline::cache()?));
    match place.as_deref().map(|place| (place, free(place))) {
        Some((place, Some(bytes))) => disk_of(place, bytes),
        _ => Finding::note("disk", "unknown", "`docker system df` tells what Docker uses"),
    }
}

fn disk_of(place: &Path, bytes: u64) -> Finding {
    const WHAT: &str = "disk";
    const FIX: &str = "`docker system prune` removes what no container uses";
    let found = format!("{} free at {}", gib(bytes), place.display());
    if bytes < DISK_LEAST {
        Finding::fix(WHAT, format!("{found}, expected {} or more", gib(DISK_LEAST)), FIX)
    } else if bytes < DISK_GOOD {
        Finding::note(WHAT, format!("{found}, {} is comfortable", gib(DISK_GOOD)), FIX)
    } else {
        Finding::ok(WHAT, found)
    }
}

/// The nearest directory above that exists.
fn existing(path: PathBuf) -> Option<PathBuf> {
    path.ancestors().find(|dir| dir.is_dir()).map(Path::to_owned)
}

#[cfg(unix)]
fn free(path: &Path) -> Option<u64> {
    let volume = rustix::fs::statvfs(path).ok()?;
    volume.f_bavail.checked_mul(volume.f_frsize)
}

#[cfg(not(unix))]
fn free(_path: &Path) -> Option<u64> {
    None
}

fn cgroup(info: Option<&SystemInfo>) -> Option<Finding> {
    const WHAT: &str = "cgroup";
    match info?.cgroup_version? {
        SystemInfoCgroupVersionEnum::_2 => Some(Finding::ok(WHAT, "version 2")),
        SystemInfoCgroupVersionEnum::_1 => Some(Finding::note(
            WHAT,
            "version 1: Kubernetes 1.35 and newer refuse it unless told; `up` tells them",
            "boot with systemd.unified_cgroup_hierarchy=1 when you can",
        )),
        SystemInfoCgroupVersionEnum::EMPTY => None,
    }
}

fn inotify() -> Vec<Finding> {
    let read = |name: &str| -> Option<u64> {
        fs::read_to_string(format!("/proc/sys/fs/inotify/{name}")).ok()?.trim().parse().ok()
    };
    let Some((instances, watches)) = read("max_user_instances").zip(read("max_user_watches")) else {
        return Vec::new();
    };
    vec![inotify_of(instances, watches)]
}

fn inotify_of(instances: u64, watches: u64) -> Finding {
    const WHAT: &str = "inotify";
    let found = format!("{instances} instances, {watches} watches");
    let fix = format!(
        "sudo sysctl fs.inotify.max_user_instances={INSTANCES_GOOD} fs.inotify.max_user_watches=524288"
    );
    if instances < INSTANCES_LEAST {
        Finding::fix(WHAT, format!("{found}: a node needs about {INSTANCES_LEAST} instances"), fix)
    } else if instances < INSTANCES_GOOD || watches < WATCHES_GOOD {
        Finding::note(WHAT, format!("{found}: enough for one cluster"), fix)
    } else {
        Finding::ok(WHAT, found)
    }
}

/// kind publishes the API server on a free port of the loopback interface; no
/// port has to be a certain one.
fn ports() -> Finding {
    match TcpListener::bind(("127.0.0.1", 0)) {
        Ok(_) => Finding::ok("ports", "127.0.0.1 has a free one for the API server; none is fixed"),
        Err(error) => Finding::fix(
            "ports",
            format!("127.0.0.1 has no free port: {error}"),
            "`ss -ltn` shows who listens",
        ),
    }
}

#[allow(clippy::cast_precision_loss)] // one decimal is shown
fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / GIB as f64)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{super::Word, GIB, disk_of, inotify_of, mem_available, memory_of};

    #[test]
    fn memory_is_read_as_the_kernel_writes_it() {
        assert_eq!(mem_available("MemTotal: 8 kB\nMemAvailable:   4194304 kB\n"), Some(4 * GIB));
        assert_eq!(mem_available("MemTotal: 8 kB\n"), None);
    }

    #[test]
    fn thresholds_divide_what_blocks_from_what_is_worth_a_note() {
        let words = |of: &dyn Fn(u64) -> Word, values: [u64; 3]| values.map(of);
        let expected = [Word::Fix, Word::Note, Word::Ok];
        assert_eq!(words(&|bytes| memory_of(bytes).result, [GIB, 3 * GIB, 4 * GIB]), expected);
        assert_eq!(words(&|bytes| disk_of(Path::new("/"), bytes).result, [GIB, 5 * GIB, 50 * GIB]), expected);
        assert_eq!(words(&|instances| inotify_of(instances, 1 << 20).result, [64, 128, 1024]), expected);
    }
}
