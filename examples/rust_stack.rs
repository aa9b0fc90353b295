// SPDX-License-Identifier: LGPL-2.1-or-later

//! Rust: a safe type for stacks, and TcpListener, TcpStream and UdpSocket of a stack by from_raw_fd().
//!
//! vdestack_msocket() is all of the library that a socket needs; bind(2), listen(2) and connect(2) of std are for
//! sockets that std makes, so they are called here. With libvdestack-dns vdestack_dial() and vdestack_listen() do that
//! (rust_sockets.rs).
//!
//! The sockets borrow their stack: the compiler refuses a program in which the stack is dropped before them.
//!
//! rustc rust_stack.rs

use std::ffi::{CStr, CString};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::marker::PhantomData;
use std::mem::size_of;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::ops::{Deref, DerefMut};
use std::os::raw::{c_char, c_int, c_void};
use std::os::unix::io::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::time::Duration;

#[repr(C)]
struct Handle {
    _private: [u8; 0],
}

#[link(name = "vdestack-nointerpose")]
extern "C" {
    fn vdestack_new(config: *const c_char, opts: *const c_void) -> *mut Handle;
    fn vdestack_delete(stack: *mut Handle) -> c_int;
    fn vdestack_msocket(stack: *mut Handle, domain: c_int, kind: c_int, protocol: c_int) -> c_int;
    fn vdestack_last_error() -> *const c_char;
}

// libc, as std links it
#[repr(C)]
struct SockaddrIn {
    family: u16,
    port: [u8; 2],
    addr: [u8; 4],
    zero: [u8; 8],
}

extern "C" {
    fn bind(fd: c_int, addr: *const SockaddrIn, len: u32) -> c_int;
    fn listen(fd: c_int, backlog: c_int) -> c_int;
    fn connect(fd: c_int, addr: *const SockaddrIn, len: u32) -> c_int;
}

const AF_INET: c_int = 2;
const SOCK_STREAM: c_int = 1;
const SOCK_DGRAM: c_int = 2;
const SOCK_CLOEXEC: c_int = 0o2000000;

/// The message of the library, with the kind of errno. It belongs to this thread.
fn last_error() -> Error {
    let kind = Error::last_os_error().kind(); // before another call can change errno
    let text = unsafe { CStr::from_ptr(vdestack_last_error()) };
    Error::new(kind, text.to_string_lossy().into_owned())
}

fn check(returned: c_int) -> Result<()> {
    if returned < 0 {
        return Err(Error::last_os_error());
    }
    Ok(())
}

/// A network stack. Dropping it deletes it.
pub struct Stack(NonNull<Handle>);

// Every function of the library may be called from any thread.
unsafe impl Send for Stack {}
unsafe impl Sync for Stack {}

impl Drop for Stack {
    fn drop(&mut self) {
        unsafe { vdestack_delete(self.0.as_ptr()) };
    }
}

/// A socket of std that lives no longer than its stack.
pub struct Inside<'a, T>(T, PhantomData<&'a Stack>);

impl<T> Deref for Inside<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Inside<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl Stack {
    /// A NUL in the text is an error here, as C would cut the text there.
    pub fn new(config: &str) -> Result<Stack> {
        let config = CString::new(config)?;
        let handle = unsafe { vdestack_new(config.as_ptr(), std::ptr::null()) };
        NonNull::new(handle).map(Stack).ok_or_else(last_error)
    }

    fn socket(&self, kind: c_int) -> Result<OwnedFd> {
        let fd = unsafe { vdestack_msocket(self.0.as_ptr(), AF_INET, kind | SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(last_error());
        }
        // The only owner of a new descriptor: dropping it closes it, on each path of an error below too.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }

    fn inside<T: From<OwnedFd>>(&self, fd: OwnedFd) -> Inside<'_, T> {
        Inside(T::from(fd), PhantomData)
    }

    pub fn listen(&self, at: SocketAddrV4) -> Result<Inside<'_, TcpListener>> {
        let fd = self.socket(SOCK_STREAM)?;
        check(unsafe { bind(fd.as_raw_fd(), &address(at), size_of::<SockaddrIn>() as u32) })?;
        check(unsafe { listen(fd.as_raw_fd(), 128) })?;
        Ok(self.inside(fd))
    }

    pub fn connect(&self, to: SocketAddrV4) -> Result<Inside<'_, TcpStream>> {
        let fd = self.socket(SOCK_STREAM)?;
        check(unsafe { connect(fd.as_raw_fd(), &address(to), size_of::<SockaddrIn>() as u32) })?;
        Ok(self.inside(fd))
    }

    pub fn udp(&self, at: SocketAddrV4) -> Result<Inside<'_, UdpSocket>> {
        let fd = self.socket(SOCK_DGRAM)?;
        check(unsafe { bind(fd.as_raw_fd(), &address(at), size_of::<SockaddrIn>() as u32) })?;
        Ok(self.inside(fd))
    }
}

fn address(at: SocketAddrV4) -> SockaddrIn {
    SockaddrIn { family: AF_INET as u16, port: at.port().to_be_bytes(), addr: at.ip().octets(), zero: [0; 8] }
}

fn main() -> Result<()> {
    let limit = Some(Duration::from_secs(20));
    let server = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 7);
    let client = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 7);
    let there = Stack::new("vnl=inproc://lan ip=10.0.0.1/24")?;
    let here = Stack::new("vnl=inproc://lan ip=10.0.0.2/24")?;

    let listener = there.listen(server)?;
    std::thread::scope(|threads| -> Result<()> {
        let greeter = threads.spawn(|| -> Result<()> {
            let (mut connection, peer) = listener.accept()?;
            write!(connection, "hello {}", peer.ip())
        });
        let mut text = String::new();
        let mut connection = here.connect(server)?;
        connection.set_read_timeout(limit)?;
        connection.read_to_string(&mut text)?;
        greeter.join().expect("the greeter")?;
        println!("TcpStream: {}", text);
        Ok(())
    })?;

    let (one, two) = (there.udp(server)?, here.udp(client)?);
    let mut buffer = [0; 64];
    one.set_read_timeout(limit)?;
    two.send_to(b"a datagram", server)?;
    let (n, from) = one.recv_from(&mut buffer)?;
    println!("UdpSocket: {} from {}", String::from_utf8_lossy(&buffer[..n]), from);

    println!("refused: {:?}", here.connect(SocketAddrV4::new(*server.ip(), 8)).err().map(|e| e.kind()));
    println!("in use: {:?}", there.listen(server).err().map(|e| e.kind()));
    println!("a NUL: {}", Stack::new("ip=10.0.0.1/24\0").err().map_or(false, |e| e.kind() == ErrorKind::InvalidInput));
    Ok(())
}
