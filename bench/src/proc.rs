//! What the kernel knows about a process.

use std::collections::HashSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};

use crate::Result;

/// CPU seconds that a process has used, user and system.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64> {
    stat_ticks(&format!("/proc/{pid}/stat"), 11)
}

/// CPU seconds of this process's children that have ended, and of theirs.
pub(crate) fn children_cpu_seconds() -> Result<f64> {
    stat_ticks("/proc/self/stat", 13)
}

/// Two neighbouring fields of `stat`, counted after the name, in seconds.
fn stat_ticks(path: &str, first: usize) -> Result<f64> {
    let stat = fs::read_to_string(path)?;
    let (_, fields) = stat.rsplit_once(") ").ok_or("stat without a name")?;
    let ticks: u64 = fields
        .split(' ')
        .skip(first)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum();
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Peak resident memory of a process (`VmHWM`), in KiB.
pub(crate) fn peak_rss_kib(pid: u32) -> Result<u64> {
    kib_field(&format!("/proc/{pid}/status"), "VmHWM:")
}

/// Memory that nobody has, in bytes.
pub(crate) fn free_memory_bytes() -> Result<u64> {
    Ok(kib_field("/proc/meminfo", "MemFree:")? * 1024)
}

fn kib_field(path: &str, name: &str) -> Result<u64> {
    fs::read_to_string(path)?
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|value| value.trim().trim_end_matches(" kB").parse().ok())
        .ok_or_else(|| format!("{path} has no {name}").into())
}

/// The first child of a process.
pub(crate) fn first_child(pid: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

/// Where a process listens on IPv4 loopback, if it does by now.
pub(crate) fn listening_address(pid: u32) -> Option<SocketAddr> {
    const LISTEN: &str = "0A";
    let sockets: HashSet<String> = fs::read_dir(format!("/proc/{pid}/fd"))
        .ok()?
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|link| {
            let link = link.to_str()?;
            Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect();
    let table = fs::read_to_string(format!("/proc/{pid}/net/tcp")).ok()?;
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_ours = *fields.get(3)? == LISTEN && sockets.contains(*fields.get(9)?);
        let (_, port) = fields.get(1)?.split_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        is_ours.then(|| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    })
}
