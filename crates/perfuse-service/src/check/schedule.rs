//! All checks, each in its turn.
//!
//! Checks of one interval are spread over it by their names, so that a thousand of them do not come at once, and the
//! same one comes at the same place after a restart. At most so many run together; one that still runs when its turn
//! comes again misses that turn.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::{Clients, Found};
use crate::config::{Check, Component};

/// One result.
#[derive(Debug, Clone)]
pub struct Done {
    /// The component.
    pub component: Arc<str>,
    /// The check.
    pub check: Arc<Check>,
    /// What it found.
    pub found: Found,
    /// How long after its turn it began.
    pub late: Duration,
}

/// Where in its interval a check has its turn: FNV-1a over its names.
pub fn phase(component: &str, check: &Check) -> Duration {
    let names = [component, &check.name, check.instance.as_deref().unwrap_or_default()];
    let bytes = names.iter().flat_map(|name| name.bytes().chain([0]));
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let every = u64::try_from(check.every.as_micros()).unwrap_or(u64::MAX).max(1);
    // The high bits are the well-mixed ones.
    Duration::from_micros((hash >> 11) % every)
}

/// Starts all checks that this side makes. They run until the set is dropped, and send what they find to `to`; when
/// nobody reads there they wait, and miss turns.
pub fn start(
    clients: &Arc<Clients>,
    components: &[Component],
    concurrency: usize,
    to: &mpsc::Sender<Done>,
) -> JoinSet<()> {
    let permits = Arc::new(Semaphore::new(concurrency.max(1)));
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for component in components {
        let name: Arc<str> = component.name.as_str().into();
        for check in &component.checks {
            let turn = Turn {
                clients: Arc::clone(clients),
                permits: Arc::clone(&permits),
                component: Arc::clone(&name),
                check: Arc::new(check.clone()),
                to: to.clone(),
            };
            tasks.spawn(turn.go_on(begin + phase(&component.name, check)));
        }
    }
    tasks
}

struct Turn {
    clients: Arc<Clients>,
    permits: Arc<Semaphore>,
    component: Arc<str>,
    check: Arc<Check>,
    to: mpsc::Sender<Done>,
}

impl Turn {
    async fn go_on(self, first: Instant) {
        let mut turns = interval_at(first, self.check.every);
        turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let due = turns.tick().await;
            let Ok(permit) = self.permits.acquire().await else { return };
            let late = due.elapsed();
            // Nothing to ask: others report on this check.
            let Some(found) = self.clients.run(&self.check).await else { return };
            drop(permit);
            let done = Done { component: Arc::clone(&self.component), check: Arc::clone(&self.check), found, late };
            if self.to.send(done).await.is_err() {
                return;
            }
        }
    }
}
