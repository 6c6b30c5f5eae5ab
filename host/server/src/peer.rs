//! Who is at the other end of a connection on this machine.
//!
//! The kernel's table of TCP connections names the user behind each end and the
//! socket's number; the process that holds that socket is found by its open
//! files. Both only on Linux: elsewhere nobody can be told, and whoever asks has
//! to take that for the worse.

use std::net::SocketAddr;

/// The two ends of a TCP connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connection {
    /// The other end.
    pub(crate) peer: SocketAddr,
    /// This end, as far as the system told.
    pub(crate) local: Option<SocketAddr>,
}

/// Who holds a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// The user.
    pub(crate) user: u32,
    socket: u64,
}

impl Connection {
    /// Who holds the other end, if that is on this machine and can be told. Reads
    /// a table of the system: call it off the async threads.
    pub(crate) fn holder(&self) -> Option<Holder> {
        let (peer, local) = (canonical(self.peer), canonical(self.local?));
        if !peer.ip().is_loopback() {
            return None;
        }
        let table = |name| std::fs::read_to_string(name).ok();
        table("/proc/net/tcp")
            .and_then(|table| holder_in(&table, peer, local))
            .or_else(|| {
                // A socket for both kinds of addresses is listed here, whichever it uses.
                let table = table("/proc/net/tcp6")?;
                holder_in(&table, as_ipv6(peer), as_ipv6(local))
            })
    }

    /// Whether the other end is a process of the host's own user, or of root.
    pub(crate) async fn is_own_users(self) -> bool {
        let holder = tokio::task::spawn_blocking(move || self.holder()).await;
        let own = rustix::process::geteuid().as_raw();
        matches!(holder, Ok(Some(holder)) if holder.user == own || holder.user == 0)
    }
}

impl Holder {
    /// A process that has the socket open. Looks at the open files of every
    /// process that may be looked at.
    pub(crate) fn process(&self) -> Option<u32> {
        let wanted = format!("socket:[{}]", self.socket);
        let processes = std::fs::read_dir("/proc").ok()?;
        processes.flatten().find_map(|process| {
            let pid: u32 = process.file_name().to_str()?.parse().ok()?;
            let files = std::fs::read_dir(process.path().join("fd")).ok()?;
            let holds = files.flatten().any(|file| {
                std::fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == &*wanted)
            });
            holds.then_some(pid)
        })
    }
}

/// Looks for the row of the socket that is bound to `peer` and connected to
/// `local`: that is the other end's own.
fn holder_in(table: &str, peer: SocketAddr, local: SocketAddr) -> Option<Holder> {
    let (peer, local) = (hexadecimal(peer), hexadecimal(local));
    table.lines().skip(1).find_map(|row| {
        let mut columns = row.split_ascii_whitespace();
        if columns.nth(1)? != peer || columns.next()? != local {
            return None;
        }
        // State, queues, timer and retransmissions come before.
        let user = columns.nth(4)?.parse().ok()?;
        let socket = columns.nth(1)?.parse().ok()?;
        Some(Holder { user, socket })
    })
}

/// An IPv4 address that is written as an IPv6 one, as what it is.
fn canonical(address: SocketAddr) -> SocketAddr {
    (address.ip().to_canonical(), address.port()).into()
}

fn as_ipv6(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(it) => (it.ip().to_ipv6_mapped(), it.port()).into(),
        SocketAddr::V6(_) => address,
    }
}

/// An address as the kernel's tables write it: each word of four bytes in the
/// machine's own order, then the port.
fn hexadecimal(address: SocketAddr) -> String {
    let bytes = match address {
        SocketAddr::V4(address) => address.ip().octets().to_vec(),
        SocketAddr::V6(address) => address.ip().octets().to_vec(),
    };
    let words: String = bytes
        .chunks_exact(4)
        .map(|word| {
            format!(
                "{:08X}",
                u32::from_ne_bytes([word[0], word[1], word[2], word[3]])
            )
        })
        .collect();
    format!("{words}:{:04X}", address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0D80 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 100 1 0000000000000000 100 0 0 10 0
   1: 0100007F:0D80 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 101 1 0000000000000000 20 4 30 10 -1
   2: 0100007F:C350 0100007F:0D80 01 00000000:00000000 00:00000000 00000000  1001        0 102 1 0000000000000000 20 4 30 10 -1
";

    #[cfg(target_endian = "little")]
    #[test]
    fn the_other_ends_row_counts_not_our_own() {
        let peer = "127.0.0.1:50000".parse().expect("address");
        let local = "127.0.0.1:3456".parse().expect("address");
        let holder = holder_in(TABLE, peer, local);
        assert_eq!(
            holder,
            Some(Holder {
                user: 1001,
                socket: 102
            })
        );
        let nobody = "127.0.0.1:50001".parse().expect("address");
        assert_eq!(holder_in(TABLE, nobody, local), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_client_whose_socket_takes_both_kinds_of_addresses_is_known() {
        use rustix::net::{AddressFamily, SocketType, connect, getsockname, socket};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("an address");
        let local = listener.local_addr().expect("address");
        let Ok(client) = socket(AddressFamily::INET6, SocketType::STREAM, None) else {
            return; // no IPv6 here
        };
        connect(&client, &as_ipv6(local)).expect("connect");
        let peer = getsockname(&client).expect("address");
        let connection = Connection {
            peer: canonical(peer.try_into().expect("an address of the internet")),
            local: Some(local),
        };
        let holder = connection.holder().expect("a holder");
        assert_eq!(holder.process(), Some(std::process::id()));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_connection_of_this_process_is_known_as_that() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = tokio::net::TcpListener::bind(address).await else {
                continue; // no IPv6 here
            };
            let local = listener.local_addr().expect("address");
            let client = tokio::net::TcpStream::connect(local)
                .await
                .expect("connect");
            let connection = Connection {
                peer: client.local_addr().expect("address"),
                local: Some(local),
            };
            let holder = connection.holder().expect("a holder");
            assert_eq!(holder.user, rustix::process::geteuid().as_raw());
            assert_eq!(holder.process(), Some(std::process::id()));
            assert!(connection.is_own_users().await);
        }
    }
}
