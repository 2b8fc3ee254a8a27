//! Orders on their way to the worker: none is lost when keys come faster than it listens, and none piles up.

use std::collections::VecDeque;
use std::mem::discriminant;

use tokio::sync::mpsc::{self, error::TrySendError};

use crate::poll::Order;

/// The sending end of the worker's orders.
pub(super) struct Orders {
    to: mpsc::Sender<Order>,
    /// What the channel has no room for, at most one order of each kind: the newest, which is the one that is
    /// meant. What is to be asked again adds up.
    waiting: VecDeque<Order>,
}

impl Orders {
    /// Orders that go to that worker.
    pub fn new(to: mpsc::Sender<Order>) -> Self {
        let waiting = VecDeque::new();
        Self { to, waiting }
    }

    /// Sends it now, or after those that wait.
    pub fn send(&mut self, mut order: Order) {
        if let Order::Now(probes) = &mut order {
            for waits in &self.waiting {
                if let Order::Now(earlier) = waits {
                    probes.extend(earlier);
                }
            }
            probes.sort_unstable();
            probes.dedup();
        }
        self.waiting.retain(|waits| discriminant(waits) != discriminant(&order));
        self.waiting.push_back(order);
        loop {
            match self.to.try_reserve() {
                Ok(room) => match self.waiting.pop_front() {
                    Some(order) => room.send(order),
                    None => return,
                },
                Err(TrySendError::Full(())) => return,
                // The worker has ended, which shows by its silence.
                Err(TrySendError::Closed(())) => return self.waiting.clear(),
            }
        }
    }

    /// Something waits for room.
    pub fn wait(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Sends the first one that waits as soon as there is room; nothing is lost if that is given up.
    pub async fn catch_up(&mut self) {
        match self.to.reserve().await {
            Ok(room) => {
                if let Some(order) = self.waiting.pop_front() {
                    room.send(order);
                }
            }
            Err(_) => self.waiting.clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Focus;

    fn look(pane: &'static str) -> Order {
        Order::Look(Focus {
            pane,
            ..Focus::default()
        })
    }

    #[tokio::test]
    async fn what_finds_no_room_waits_and_the_newest_of_a_kind_is_sent() {
        let (to, mut worker) = mpsc::channel(2);
        let mut orders = Orders::new(to);
        for pane in ["one", "two", "three"] {
            orders.send(look(pane));
        }
        orders.send(Order::GoOn);
        orders.send(look("four"));
        assert!(orders.wait());
        let mut heard = Vec::new();
        while heard.len() < 4 {
            heard.push(worker.recv().await.unwrap());
            if orders.wait() {
                orders.catch_up().await;
            }
        }
        assert_eq!(heard, [look("one"), look("two"), Order::GoOn, look("four")]);
        assert!(!orders.wait() && worker.try_recv().is_err());
    }

    #[tokio::test]
    async fn what_is_to_be_asked_again_adds_up() {
        let (to, mut worker) = mpsc::channel(1);
        let mut orders = Orders::new(to);
        orders.send(Order::GoOn);
        for probes in [["locks", "prepared"], ["activity", "locks"]] {
            orders.send(Order::Now(probes.to_vec()));
        }
        assert_eq!(worker.recv().await, Some(Order::GoOn));
        orders.catch_up().await;
        assert_eq!(
            worker.recv().await,
            Some(Order::Now(vec!["activity", "locks", "prepared"]))
        );
    }

    #[tokio::test]
    async fn nothing_waits_for_a_worker_that_has_ended() {
        let (to, worker) = mpsc::channel(1);
        let mut orders = Orders::new(to);
        orders.send(Order::GoOn);
        orders.send(look("one"));
        drop(worker);
        orders.catch_up().await;
        orders.send(look("two"));
        assert!(!orders.wait());
    }
}
