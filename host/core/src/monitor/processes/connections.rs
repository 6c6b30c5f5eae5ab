//! TCP connections and what went over them, as the kernel's socket table tells
//! (sock_diag(7)).
//!
//! Linux counts traffic for each connection, and for the machine; for processes it
//! does not. So a process's traffic is that of the connections which it holds when
//! it is looked at: TCP alone, in the host's own network namespace, and without what
//! a connection carried between the last look at it and its end.

use std::collections::HashMap;
use std::io;

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP};
use netlink_packet_sock_diag::inet::nlas::Nla;
use netlink_packet_sock_diag::inet::{
    ExtensionFlags, InetRequest, InetResponse, SocketId, StateFlags,
};
use netlink_sys::protocols::NETLINK_SOCK_DIAG;
use netlink_sys::{Socket, SocketAddr};

use super::NetworkTraffic;

/// Where `struct tcp_info` of linux/tcp.h has `tcpi_bytes_acked` and, after it,
/// `tcpi_bytes_received`.
const BYTES_ACKED: usize = 120;
const BYTES_RECEIVED: usize = 128;

/// Every TCP connection of this network namespace by its inode.
pub(crate) fn connections() -> io::Result<HashMap<u64, NetworkTraffic>> {
    let mut found = HashMap::new();
    for (family, socket_id) in [
        (AF_INET, SocketId::new_v4()),
        (AF_INET6, SocketId::new_v6()),
    ] {
        dump(family, socket_id, &mut found)?;
    }
    Ok(found)
}

/// The inodes of the sockets that a process holds; none for one that is gone or
/// somebody else's.
pub(crate) fn sockets(pid: u32) -> impl Iterator<Item = u64> {
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd"));
    descriptors
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|descriptor| inode(std::fs::read_link(descriptor.path()).ok()?.to_str()?))
}

/// `socket:[12345]`.
fn inode(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?
        .strip_suffix(']')?
        .parse()
        .ok()
}

fn dump(
    family: u8,
    socket_id: SocketId,
    found: &mut HashMap<u64, NetworkTraffic>,
) -> io::Result<()> {
    let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let request = SockDiagMessage::InetRequest(InetRequest {
        family,
        protocol: IPPROTO_TCP,
        extensions: ExtensionFlags::INFO,
        states: StateFlags::all() - StateFlags::LISTEN - StateFlags::TIME_WAIT,
        socket_id,
    });
    let mut message = NetlinkMessage::new(header, request.into());
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    socket.send(&bytes, 0)?;
    loop {
        let (answer, _) = socket.recv_from_full()?;
        let mut rest = answer.as_slice();
        while !rest.is_empty() {
            let message = NetlinkMessage::<SockDiagMessage>::deserialize(rest)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
            match message.payload {
                NetlinkPayload::Done(_) => return Ok(()),
                NetlinkPayload::Error(error) => return Err(error.to_io()),
                NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(response)) => {
                    found.extend(traffic(&response));
                }
                _ => {}
            }
            // Each message begins at a multiple of four bytes.
            let length = (message.header.length as usize).next_multiple_of(4);
            rest = rest.get(length.max(4)..).unwrap_or_default();
        }
    }
}

fn traffic(response: &InetResponse) -> Option<(u64, NetworkTraffic)> {
    let info = response.nlas.iter().find_map(|nla| match nla {
        Nla::TcpInfo(info) => Some(info.as_slice()),
        _ => None,
    })?;
    let traffic = NetworkTraffic {
        sent_bytes: number(info, BYTES_ACKED)?,
        received_bytes: number(info, BYTES_RECEIVED)?,
    };
    Some((u64::from(response.header.inode), traffic))
}

fn number(info: &[u8], at: usize) -> Option<u64> {
    let bytes = info.get(at..at + 8)?;
    Some(u64::from_ne_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd;

    #[test]
    fn a_connections_bytes_are_counted_on_both_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let mut sender =
            TcpStream::connect(listener.local_addr().expect("an address")).expect("connected");
        let (mut receiver, _) = listener.accept().expect("accepted");
        sender.write_all(&[7; 10_000]).expect("sent");
        receiver.read_exact(&mut [0; 10_000]).expect("received");

        let own: Vec<u64> = sockets(std::process::id()).collect();
        let of = |descriptor: i32| {
            let link = std::fs::read_link(format!("/proc/self/fd/{descriptor}")).expect("a link");
            inode(&link.to_string_lossy()).expect("an inode")
        };
        let (sending, receiving) = (of(sender.as_raw_fd()), of(receiver.as_raw_fd()));
        assert!(own.contains(&sending) && own.contains(&receiving));
        let found = connections().expect("the socket table");
        assert_eq!(found[&receiving].received_bytes, 10_000);
        // What is acknowledged counts a byte for the handshake on some kernels.
        assert!((10_000..=10_001).contains(&found[&sending].sent_bytes));
    }

    #[test]
    fn other_descriptors_are_no_sockets() {
        for (link, expected) in [
            ("socket:[12]", Some(12)),
            ("pipe:[12]", None),
            ("/dev/null", None),
            ("socket:[]", None),
        ] {
            assert_eq!(inode(link), expected, "{link}");
        }
    }
}
