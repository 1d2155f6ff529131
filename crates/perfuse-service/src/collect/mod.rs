//! What applications know about themselves: each configured application is asked with the client that it speaks to, on its
//! interval, with a time-out and bounds on what is taken in.
//!
//! [`Collectors`] asks all of them and sends what each said as a [`Gathered`]: numbers for the store, facts for the search
//! of causes, and tables that an incident keeps. An application that cannot be asked is a problem in words, never a
//! number that was not measured.
//!
//! Names of series begin with the application (`postgresql_connections`), or with what rules of the configuration make of
//! the metrics of an endpoint (`pool_used`); all have the label `collector`. Times are in seconds, sizes in bytes, and what
//! the application counts up is a rate per second.

mod blockers;
mod java;
mod jolokia;
mod jvm;
mod kafka;
mod mysql;
mod nats;
mod postgresql;
mod probe;
mod program;
mod prometheus;
mod rabbitmq;
mod rates;
mod redis;
mod rules;
mod sheet;
mod variable;

use std::sync::Arc;
use std::time::{Duration, Instant};

use perfuse_analyze::Msg;
use perfuse_analyze::app::{AppFact, AppKind, AppTable};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at};

use crate::check::Clients;
use crate::client::guarded;
use crate::client::web::Access;
use crate::config::{Collector, CollectorKind, Config, Probe, Variable};
use crate::store::SeriesKey;

use sheet::Sheet;

/// What an application said at one time.
#[derive(Debug, Clone)]
pub struct Gathered {
    /// The collector; of a variable and a probe the name of its series.
    pub source: Arc<str>,
    /// The component whose incidents show it.
    pub component: Option<Arc<str>>,
    /// How long the answer took.
    pub took: Duration,
    /// Series and their values, in the order in which they were found.
    pub series: Vec<(SeriesKey, f64)>,
    /// What may be a cause of something.
    pub facts: Vec<AppFact>,
    /// Tables as the application gave them.
    pub tables: Vec<AppTable>,
    /// What could not be learned, and why.
    pub problem: Option<Msg>,
}

/// All that is asked of applications.
pub struct Collectors {
    clients: Arc<Clients>,
    jobs: Vec<Job>,
}

impl Collectors {
    /// The collectors, variables and probes of a configuration.
    pub fn new(config: &Config, clients: &Arc<Clients>) -> Self {
        let collectors = config.collectors.iter().map(Job::of_collector);
        let variables = config.variables.iter().map(Job::of_variable);
        let probes = config.probes.iter().map(Job::of_probe);
        Self { clients: Arc::clone(clients), jobs: collectors.chain(variables).chain(probes).collect() }
    }

    /// Starts them. They run until the set is dropped, and send what they gather to `to`; when nobody reads there they
    /// wait, and miss turns.
    pub fn start(self, to: &mpsc::Sender<Gathered>) -> JoinSet<()> {
        let begin = tokio::time::Instant::now();
        let mut tasks = JoinSet::new();
        for (place, job) in self.jobs.into_iter().enumerate() {
            // The first look is early, since rates need a second one, and not at the same time as all others.
            let first = begin + Duration::from_millis(50 * (place as u64 % 20));
            tasks.spawn(go_on(job, Arc::clone(&self.clients), first, to.clone()));
        }
        tasks
    }

    /// Asks every one of them once, one after the other.
    pub async fn once(&mut self) -> Vec<Gathered> {
        let mut all = Vec::new();
        for job in &mut self.jobs {
            all.push(job.round(&self.clients).await);
        }
        all
    }
}

/// One application, and what is remembered of it from one round to the next.
struct Job {
    name: Arc<str>,
    component: Option<Arc<str>>,
    every: Duration,
    timeout: Duration,
    source: Source,
    /// Makes the source anew.
    plan: Plan,
}

enum Plan {
    Collector(Box<Collector>),
    Variable(Box<Variable>),
    Probe(Box<Probe>),
}

enum Source {
    PostgreSql(postgresql::Source),
    MySql(mysql::Source),
    Redis(redis::Source),
    RabbitMq(rabbitmq::Source),
    Nats(nats::Source),
    Kafka(kafka::Source),
    Jvm(jvm::Source),
    Jolokia(jolokia::Source),
    Prometheus(prometheus::Source),
    Variable(variable::Source),
    Probe(Box<probe::Source>),
}

impl Source {
    fn new(plan: &Plan) -> Self {
        let collector = match plan {
            Plan::Collector(collector) => collector,
            Plan::Variable(variable) => return Self::Variable(variable::Source::new(variable)),
            Plan::Probe(probe) => return Self::Probe(Box::new(probe::Source::new(probe))),
        };
        let timeout = collector.timeout;
        match &collector.kind {
            CollectorKind::PostgreSql(server) => Self::PostgreSql(postgresql::Source::new(server, timeout)),
            CollectorKind::MySql(server) => Self::MySql(mysql::Source::new(server)),
            CollectorKind::Redis(server) => Self::Redis(redis::Source::new(server)),
            CollectorKind::RabbitMq { url, login, trust } => {
                Self::RabbitMq(rabbitmq::Source::new(url, Access::of(login.as_ref(), trust)))
            }
            CollectorKind::Nats { url, trust } => Self::Nats(nats::Source::new(url, Access::nobody(trust))),
            CollectorKind::Kafka { cluster, groups } => Self::Kafka(kafka::Source::new(cluster, groups)),
            CollectorKind::Jolokia { url, login, trust } => {
                Self::Jolokia(jolokia::Source::new(url, Access::of(login.as_ref(), trust)))
            }
            CollectorKind::Jvm { process, service } => {
                Self::Jvm(jvm::Source::new(process.as_deref(), service.as_deref()))
            }
            CollectorKind::Prometheus { url, bearer, rules, trust } => {
                Self::Prometheus(prometheus::Source::new(url, Access::bearer(bearer.as_ref(), trust), rules))
            }
        }
    }

    fn kind(&self) -> AppKind {
        match self {
            Self::PostgreSql(_) => AppKind::PostgreSql,
            Self::MySql(_) => AppKind::MySql,
            Self::Redis(_) => AppKind::Redis,
            Self::RabbitMq(_) => AppKind::RabbitMq,
            Self::Nats(_) => AppKind::Nats,
            Self::Kafka(_) => AppKind::Kafka,
            Self::Jvm(_) | Self::Jolokia(_) => AppKind::Jvm,
            Self::Prometheus(_) => AppKind::Prometheus,
            Self::Variable(_) | Self::Probe(_) => AppKind::Other,
        }
    }

    async fn gather(&mut self, clients: &Clients, sheet: &mut Sheet) -> Result<(), Msg> {
        match self {
            Self::PostgreSql(source) => source.gather(clients, sheet).await,
            Self::MySql(source) => source.gather(clients, sheet).await,
            Self::Redis(source) => source.gather(clients, sheet).await,
            Self::RabbitMq(source) => source.gather(clients, sheet).await,
            Self::Nats(source) => source.gather(clients, sheet).await,
            Self::Kafka(source) => source.gather(clients, sheet).await,
            Self::Jvm(source) => source.gather(sheet).await,
            Self::Jolokia(source) => source.gather(clients, sheet).await,
            Self::Prometheus(source) => source.gather(clients, sheet).await,
            Self::Variable(source) => source.gather(sheet).await,
            Self::Probe(source) => source.gather(sheet).await,
        }
    }
}

impl Job {
    fn of_collector(collector: &Collector) -> Self {
        let plan = Plan::Collector(Box::new(collector.clone()));
        Self {
            name: collector.name.as_str().into(),
            component: collector.component.as_deref().map(Arc::from),
            every: collector.every,
            timeout: collector.timeout,
            source: Source::new(&plan),
            plan,
        }
    }

    fn of_variable(variable: &Variable) -> Self {
        Self::of_series(&variable.name, variable.every, Plan::Variable(Box::new(variable.clone())))
    }

    fn of_probe(probe: &Probe) -> Self {
        Self::of_series(&probe.name, probe.every, Plan::Probe(Box::new(probe.clone())))
    }

    /// A single series of this host. Looking for its place the first time may take longer than one point of it.
    fn of_series(name: &str, every: Duration, plan: Plan) -> Self {
        let timeout = every.max(Duration::from_secs(5));
        Self { name: name.into(), component: None, every, timeout, source: Source::new(&plan), plan }
    }

    /// Asks once, and comes back within the time-out.
    async fn round(&mut self, clients: &Clients) -> Gathered {
        let begun = Instant::now();
        let mut sheet = Sheet::new(&self.name, self.source.kind(), self.component.as_ref());
        let asked = guarded(self.source.gather(clients, &mut sheet));
        let problem = match tokio::time::timeout(self.timeout, asked).await {
            Ok(Some(Ok(()))) => None,
            Ok(Some(Err(problem))) => Some(problem),
            Ok(None) => {
                self.source = Source::new(&self.plan);
                Some(Msg::new("app-broken"))
            }
            Err(_) => {
                let seconds = format!("{:.1}", self.timeout.as_secs_f64());
                Some(Msg::new("app-timeout").with("seconds", seconds))
            }
        };
        let up = problem.is_none();
        if let Some(problem) = problem {
            sheet.problem(problem);
        }
        if matches!(self.plan, Plan::Collector(_)) {
            sheet.number("app_up", &[], f64::from(u8::from(up)));
            sheet.number("app_answer_seconds", &[], begun.elapsed().as_secs_f64());
        }
        sheet.done(begun.elapsed())
    }
}

async fn go_on(mut job: Job, clients: Arc<Clients>, first: tokio::time::Instant, to: mpsc::Sender<Gathered>) {
    let mut turns = interval_at(first, job.every);
    turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        turns.tick().await;
        let gathered = job.round(&clients).await;
        if to.send(gathered).await.is_err() {
            return;
        }
    }
}
