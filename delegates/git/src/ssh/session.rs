//! One SSH session as its users hold it: commands go in, their output comes out. A thread of its own drives it and ends
//! by itself: when nobody holds the session any more, when it was idle for long, or when the server is gone.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use bytes::Bytes;
use suitesync_reach::TimeLimits;
use tokio::sync::oneshot;

use super::driver::Driver;
use super::exchange::{Order, Pieces, output};
use super::fault::Fault;
use super::host_key::{Expectation, Vouched};
use super::identity::Identity;
use super::login::{Login, Shown};
use super::waker::Waker;

/// A session that is signed in, or about to be.
#[derive(Debug)]
pub(crate) struct Session {
    shared: Arc<Shared>,
}

/// What the thread and the users of a session share.
#[derive(Debug)]
pub(super) struct Shared {
    orders: Mutex<VecDeque<Order>>,
    pub(super) waker: Arc<Waker>,
    /// Nobody holds the session any more.
    is_released: AtomicBool,
    /// No further orders are taken: the reason.
    end: OnceLock<Fault>,
}

/// A session on its way: the key of the server first, then whether we are let in.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) session: Session,
    greeted: oneshot::Receiver<Result<Greeting, Fault>>,
    signed_in: oneshot::Receiver<Result<String, Fault>>,
}

/// A server that has shown a key that is trusted.
#[derive(Debug)]
pub(crate) struct Greeting {
    pub(super) shown: Shown,
    pub(super) vouched: Vouched,
}

impl Session {
    /// Begins to speak SSH on a connection on which nothing was said yet.
    pub(super) fn open(
        socket: OwnedFd,
        identity: Identity,
        expectation: Expectation,
        algorithms: String,
        limits: TimeLimits,
    ) -> io::Result<Opening> {
        let waker = Arc::new(Waker::new()?);
        let orders = Mutex::default();
        let shared = Arc::new(Shared { orders, waker, is_released: AtomicBool::default(), end: OnceLock::new() });
        let (greeted, greeting) = oneshot::channel();
        let (signed_in, signing_in) = oneshot::channel();
        let login = Login { identity, expectation, algorithms, limits, shared: Arc::clone(&shared) };
        let drive = move || match login.greet(socket) {
            Err(fault) => login.refuse(fault, greeted),
            Ok((connected, greeting)) => {
                // Who gave up waiting has let go of the session as well.
                let _ = greeted.send(Ok(greeting));
                match login.sign_in(&connected) {
                    Err(fault) => login.refuse(fault, signed_in),
                    Ok(detail) => {
                        let _ = signed_in.send(Ok(detail));
                        Driver::new(connected, login.shared, limits).run();
                    }
                }
            }
        };
        thread::Builder::new().name("suitesync-ssh".to_owned()).spawn(drive)?;
        Ok(Opening { session: Self { shared }, greeted: greeting, signed_in: signing_in })
    }

    /// Has a command run; its output comes in pieces.
    pub(super) fn run(&self, command: &Arc<str>, input: Bytes) -> Pieces {
        let (reply, pieces) = output(Arc::clone(&self.shared.waker));
        self.shared.place(Order { command: Arc::clone(command), input, reply });
        pieces
    }

    pub(super) fn is_open(&self) -> bool {
        self.shared.end.get().is_none()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.shared.is_released.store(true, Ordering::SeqCst);
        self.shared.waker.wake();
    }
}

impl Opening {
    pub(super) async fn greeted(&mut self) -> Result<Greeting, Fault> {
        (&mut self.greeted).await.unwrap_or(Err(Fault::Closed))
    }

    /// Waits until we are let in; the detail is for people.
    pub(super) async fn signed_in(self) -> Result<(Session, String), Fault> {
        let detail = self.signed_in.await.unwrap_or(Err(Fault::Closed))?;
        Ok((self.session, detail))
    }
}

impl Shared {
    pub(super) fn is_released(&self) -> bool {
        self.is_released.load(Ordering::SeqCst)
    }

    /// The order that came first, if there is any.
    pub(super) fn take(&self) -> Option<Order> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Puts an order back that could not be begun yet.
    pub(super) fn put_back(&self, order: Order) {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).push_front(order);
    }

    pub(super) fn has_orders(&self) -> bool {
        !self.orders.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Takes no further orders, and fails those that were not begun.
    pub(super) fn close(&self, fault: &Fault) {
        let waiting = {
            let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
            // The first reason stands. Orders are placed under the same lock, so none comes in behind this.
            let _ = self.end.set(fault.clone());
            std::mem::take(&mut *orders)
        };
        for order in waiting {
            order.reply.end(Err(fault.clone()));
        }
    }

    fn place(&self, order: Order) {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        match self.end.get() {
            Some(fault) => order.reply.end(Err(fault.clone())),
            None => orders.push_back(order),
        }
        drop(orders);
        self.waker.wake();
    }
}
