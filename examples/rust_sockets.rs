// SPDX-License-Identifier: LGPL-2.1-or-later

//! Rust in two stacks: TcpListener in one, TcpStream in the other.
//!
//! TcpListener, TcpStream and UdpSocket take a descriptor by from_raw_fd(), and own it then: dropping them closes
//! it. Libraries that take objects of std::net work with them, for example by TcpStream::from_std() of tokio,
//! after set_nonblocking(true).
//!
//! vdestack_listen() and vdestack_dial() of libvdestack-dns return descriptors that are bound and connected, so
//! this needs no crate. Names are looked up by the resolver of the stack.
//!
//! rustc rust_sockets.rs

use std::ffi::{CStr, CString};
use std::io::{Error, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::raw::{c_char, c_int, c_void};
use std::os::unix::io::FromRawFd;

#[repr(C)]
struct Handle {
    _private: [u8; 0],
}

#[link(name = "vdestack-nointerpose")]
extern "C" {
    fn vdestack_new(config: *const c_char, opts: *const c_void) -> *mut Handle;
    fn vdestack_delete(stack: *mut Handle) -> c_int;
    fn vdestack_last_error() -> *const c_char;
}

#[link(name = "vdestack-dns")]
extern "C" {
    fn vdestack_listen(stack: *mut Handle, network: *const c_char, address: *const c_char) -> c_int;
    fn vdestack_dial(stack: *mut Handle, network: *const c_char, address: *const c_char, timeout_ms: c_int) -> c_int;
    fn vdestack_dns_last_error() -> *const c_char;
}

/// The message of the library as an error. It belongs to the thread and is valid until its next failing call.
fn error(message: *const c_char) -> Error {
    let text = unsafe { CStr::from_ptr(message) };
    Error::new(Error::last_os_error().kind(), text.to_string_lossy().into_owned())
}

struct Stack(*mut Handle);

// Every function of the library may be called from any thread.
unsafe impl Send for Stack {}
unsafe impl Sync for Stack {}

impl Stack {
    fn new(config: &str) -> Result<Stack, Error> {
        let config = CString::new(config)?;
        let handle = unsafe { vdestack_new(config.as_ptr(), std::ptr::null()) };
        if handle.is_null() {
            return Err(error(unsafe { vdestack_last_error() }));
        }
        Ok(Stack(handle))
    }

    fn listen(&self, address: &str) -> Result<TcpListener, Error> {
        let address = CString::new(address)?;
        let fd = unsafe { vdestack_listen(self.0, b"tcp\0".as_ptr().cast(), address.as_ptr()) };
        if fd < 0 {
            return Err(error(unsafe { vdestack_dns_last_error() }));
        }
        Ok(unsafe { TcpListener::from_raw_fd(fd) })
    }

    fn connect(&self, address: &str) -> Result<TcpStream, Error> {
        let address = CString::new(address)?;
        let fd = unsafe { vdestack_dial(self.0, b"tcp\0".as_ptr().cast(), address.as_ptr(), 20000) };
        if fd < 0 {
            return Err(error(unsafe { vdestack_dns_last_error() }));
        }
        Ok(unsafe { TcpStream::from_raw_fd(fd) })
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        unsafe { vdestack_delete(self.0) };
    }
}

fn main() -> Result<(), Error> {
    // dropped in the reverse order: sockets before their stacks
    let there = Stack::new("vnl=inproc://lan ip=10.0.0.1/24")?;
    let here = Stack::new("vnl=inproc://lan ip=10.0.0.2/24")?;
    let listener = there.listen("10.0.0.1:7")?;
    let server = std::thread::spawn(move || -> Result<(), Error> {
        let (mut connection, peer) = listener.accept()?;
        write!(connection, "hello {}", peer.ip())
    });

    let mut text = String::new();
    here.connect("10.0.0.1:7")?.read_to_string(&mut text)?;
    server.join().expect("the server")?;
    println!("{}", text);
    println!("refused: {:?}", here.connect("10.0.0.1:8").unwrap_err().kind());
    Ok(())
}
