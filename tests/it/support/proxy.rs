//! A way to a server that a test can close, or leave without an answer, as networks do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::postgres::free_port;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Open,
    /// Nobody listens, and what was connected is cut.
    Closed,
    /// What is connected hears nothing any more, for good; what connects hears nothing either.
    Silent,
}

/// How it's set, and how often it has been closed: what was closed and opened at once was closed.
#[derive(Debug, Clone, Copy)]
struct Set {
    way: Way,
    closings: usize,
}

pub struct Proxy {
    pub port: u16,
    server: Arc<AtomicU16>,
    way: watch::Sender<Set>,
}

impl Proxy {
    /// A way to this port.
    pub async fn to(server: u16) -> Proxy {
        // It's given up and taken again: nobody else is given it meanwhile.
        let port = free_port();
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let (way, seen) = watch::channel(Set { way: Way::Open, closings: 0 });
        let server = Arc::new(AtomicU16::new(server));
        tokio::spawn(listen(listener, port, Arc::clone(&server), seen));
        Proxy { port, server, way }
    }

    /// What connects from now on comes to another server, as where an address is moved.
    pub fn lead_to(&self, server: u16) {
        self.server.store(server, Ordering::SeqCst);
    }

    pub fn set(&self, way: Way) {
        self.way.send_modify(|set| {
            set.closings += usize::from(way == Way::Closed);
            set.way = way;
        });
    }
}

async fn listen(
    first: TcpListener,
    port: u16,
    server: Arc<AtomicU16>,
    mut way: watch::Receiver<Set>,
) {
    let mut listener = Some(first);
    loop {
        if way.borrow_and_update().way == Way::Closed {
            listener = None;
            if way.changed().await.is_err() {
                return;
            }
            continue;
        }
        if listener.is_none() {
            listener = Some(TcpListener::bind(("127.0.0.1", port)).await.unwrap());
        }
        tokio::select! {
            accepted = listener.as_ref().unwrap().accept() => {
                let server = server.load(Ordering::SeqCst);
                tokio::spawn(pass(accepted.unwrap().0, server, way.clone()));
            }
            changed = way.changed() => if changed.is_err() { return },
        }
    }
}

async fn pass(mut client: TcpStream, server: u16, mut way: watch::Receiver<Set>) {
    let Set { way: at_first, closings } = *way.borrow_and_update();
    if at_first == Way::Closed {
        return;
    }
    if at_first == Way::Open {
        let Ok(mut server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut server) => return,
            _ = way.changed() => {}
        }
    }
    // Silent until it's cut, or the test ends.
    let _ = way.wait_for(|way| way.closings > closings).await;
}
