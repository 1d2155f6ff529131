//! One run of sampling: the sampler, the in-kernel programs, and what both cost.

use std::time::Instant;

use perfuse_analyze::Thresholds;
use perfuse_analyze::cost::OwnCost;
use perfuse_collect::bpf::{ALWAYS_ON, BpfSet, Options, Program, USE, WHY};
use perfuse_collect::{Root, Sampler, usage};
use perfuse_format::RawSnapshot;
use perfuse_symbol::{HostFiles, Symbolizer};

use crate::cli::UseArgs;
use crate::stacks::{self, Chain, OnCpu};

/// What is sampled, and how much.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The host's root directory.
    pub(crate) root: Root,
    /// In-kernel programs to run; none reads `/proc` and `/sys` alone.
    pub(crate) programs: &'static [Program],
    /// Share of the host's CPU past which the dearest program is detached.
    pub(crate) most_cost: f64,
    /// Whether call stacks are named at every complete snapshot, and not only at the last one.
    pub(crate) name_stacks: bool,
    /// Whether the other ends of pipes and sockets are looked for at which threads wait.
    pub(crate) ends: bool,
    /// Whether what runs on the CPUs is sampled.
    pub(crate) sample_cpus: bool,
}

impl Plan {
    /// What the command line asks for. A recording without an end (`all_day`) runs only the programs that are cheap
    /// enough for it, and names stacks only in the end.
    pub(crate) fn new(args: &UseArgs, thresholds: &Thresholds, all_day: bool) -> Self {
        let programs = if all_day { ALWAYS_ON } else { USE };
        Self {
            root: args.root.clone().map_or_else(Root::default, Root::at),
            programs: if args.no_bpf { &[] } else { programs },
            most_cost: thresholds.get("own-cost.max"),
            name_stacks: !all_day,
            ends: false,
            sample_cpus: false,
        }
    }

    /// What the search for one cause needs: everything, the states of threads included.
    pub(crate) fn why(no_bpf: bool, sample_cpus: bool, thresholds: &Thresholds) -> Self {
        Self {
            root: Root::default(),
            programs: if no_bpf { &[] } else { WHY },
            // A look of some seconds may cost more than what runs all day, and without its programs it would see nothing.
            most_cost: 5.0 * thresholds.get("own-cost.max"),
            name_stacks: true,
            ends: true,
            sample_cpus,
        }
    }
}

/// What everything had cost when it was last looked at.
struct Look {
    at: Instant,
    /// CPU seconds of this process.
    own: f64,
    /// CPU seconds of each program.
    programs: Vec<(Program, f64)>,
}

/// A run in progress. Dropping it detaches every program.
pub(crate) struct Session {
    sampler: Sampler,
    set: BpfSet,
    plan: Plan,
    started: Instant,
    cpus: f64,
    /// Programs that were detached for their cost, and the CPU seconds that they had used.
    detached: Vec<(Program, f64)>,
    /// The program that cost too much and goes at the next snapshot.
    condemned: Option<Program>,
    /// Stacks of programs that were detached.
    gone: Vec<Chain>,
    symbols: Symbolizer<HostFiles>,
    on_cpu: Option<OnCpu>,
    looked: Look,
    snapshots: u64,
    /// When the first snapshot was complete.
    first: Option<Instant>,
    /// CPU seconds of this process and its programs until then, and for the names of stacks.
    setup: f64,
}

impl Session {
    /// Loads the programs. What the kernel refuses is said in the snapshots; nothing here fails.
    pub(crate) fn start(plan: Plan) -> Self {
        let started = Instant::now();
        let sampler = Sampler::new(plan.root.clone());
        let sampler = if plan.ends { sampler.with_ends() } else { sampler };
        // In-kernel programs see the running kernel, not a host whose files are mounted somewhere.
        let programs = if plan.root.is_live() { plan.programs } else { &[] };
        let (set, _) = BpfSet::load(programs, &Options { run_stats: true, ..Options::default() });
        let cpus = f64::from(perfuse_collect::host::facts(&plan.root).cpus.max(1));
        let looked = Look { at: started, own: 0.0, programs: Vec::new() };
        // Without the right to it there are no such stacks, and the page shows none.
        let on_cpu = plan.sample_cpus.then(|| OnCpu::start(&plan.root)).flatten();
        let symbols = Symbolizer::new(HostFiles(plan.root.as_path().to_owned()));
        Self {
            sampler,
            set,
            plan,
            started,
            cpus,
            detached: Vec::new(),
            condemned: None,
            gone: Vec::new(),
            symbols,
            on_cpu,
            looked,
            snapshots: 0,
            first: None,
            setup: 0.0,
        }
    }

    /// Reads the next snapshot. `last` makes everything due that is read only now and then.
    pub(crate) fn snapshot(&mut self, last: bool) -> RawSnapshot {
        let set = &self.set;
        let condemned = self.condemned.is_some();
        let mut slow = false;
        let mut raw = self.sampler.snapshot(last, |tick, raw| {
            slow = tick.slow;
            set.sweep_tasks(raw);
            if tick.slow {
                set.sweep_files(raw);
                set.sweep_waits(raw);
                set.read_slow_into(raw);
            }
            // What a program counted until it goes is the last that it tells: read as early as all tables are, so that
            // the count fits the time stamp.
            if tick.slow || condemned {
                set.read_into(raw);
            }
        });
        self.detach_condemned(&raw);
        self.snapshots += 1;
        self.limit_cost();
        if let Some(on_cpu) = &mut self.on_cpu {
            on_cpu.look(&mut self.symbols);
        }
        if self.snapshots > 1 && (last || (slow && self.plan.name_stacks)) {
            let mut chains = self.gone.clone();
            chains.extend(stacks::chains(&raw, &self.set));
            let before = usage::cpu_seconds();
            if let Some(on_cpu) = &mut self.on_cpu {
                raw.put(perfuse_format::proc::oncpu::OnCpu::SOURCE, on_cpu.name(&mut self.symbols).to_bytes());
            }
            stacks::name(&mut raw, &chains, &mut self.symbols);
            // Reading the symbols of a large library once is not what a probe costs.
            let naming = usage::cpu_seconds() - before;
            self.looked.own += naming;
            self.setup += naming;
        }
        if self.first.is_none() {
            self.first = Some(Instant::now());
            self.setup += self.spent();
        }
        raw.put(OwnCost::SOURCE, self.cost().to_bytes());
        raw
    }

    /// CPU seconds of each program so far, the dearest first; detached ones as they were in the end.
    ///
    /// The iterators run inside our own system calls: their time is part of this process's and not counted again.
    fn program_seconds(&self) -> Vec<(Program, f64)> {
        let mut seconds: Vec<(Program, f64)> = self.detached.clone();
        for cost in self.set.costs() {
            if matches!(cost.program, Program::Tasks | Program::Files) {
                continue;
            }
            let spent = cost.run_time_ns as f64 / 1e9;
            match seconds.iter_mut().find(|(program, _)| *program == cost.program) {
                Some((_, sum)) => *sum += spent,
                None => seconds.push((cost.program, spent)),
            }
        }
        seconds.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        seconds
    }

    /// CPU seconds of this process and its programs.
    fn spent(&self) -> f64 {
        usage::cpu_seconds() + self.program_seconds().iter().map(|(_, seconds)| seconds).sum::<f64>()
    }

    /// What the run cost so far.
    fn cost(&self) -> OwnCost {
        let elapsed = self.started.elapsed().as_secs_f64().max(1e-3);
        let share = |seconds: f64| seconds / elapsed / self.cpus;
        let programs = self.program_seconds();
        let cpu_seconds = self.spent();
        // One sample is no looking.
        let looked = self.first.map(|first| first.elapsed().as_secs_f64()).filter(|_| self.snapshots > 1);
        let looking = looked.map(|looked| (cpu_seconds - self.setup).max(0.0) / looked.max(1e-3) / self.cpus);
        OwnCost {
            setup_seconds: self.setup,
            looking_share: looking,
            limit: Some(self.plan.most_cost),
            cpu_share: share(cpu_seconds),
            cpu_seconds,
            rss_bytes: usage::resident_bytes(),
            bpf: programs.iter().map(|(program, seconds)| (program.name().to_owned(), share(*seconds))).collect(),
            detached: self.detached.iter().map(|(program, _)| program.name().to_owned()).collect(),
        }
    }

    /// Detaches the program that cost too much, now that its tables have been read.
    fn detach_condemned(&mut self, raw: &RawSnapshot) {
        let Some(program) = self.condemned.take() else { return };
        let seconds = self.program_seconds();
        let sum = seconds.iter().find(|(known, _)| *known == program).map_or(0.0, |(_, sum)| *sum);
        self.gone.extend(stacks::chains(raw, &self.set));
        self.set.detach(program, "own-cost.max");
        self.detached.push((program, sum));
    }

    /// Condemns the dearest program when the time since the last look cost more than its share: it is detached at the
    /// next snapshot.
    fn limit_cost(&mut self) {
        let now = Instant::now();
        let elapsed = now.duration_since(self.looked.at).as_secs_f64();
        // What loading cost is past; and in a short step a single burst weighs too much.
        if self.snapshots > 1 && elapsed < 0.5 {
            return;
        }
        let look = Look { at: now, own: usage::cpu_seconds(), programs: self.program_seconds() };
        let before = std::mem::replace(&mut self.looked, look);
        if self.snapshots == 1 {
            return;
        }
        let spent_before = |wanted: Program| {
            before.programs.iter().find(|(program, _)| *program == wanted).map_or(0.0, |(_, seconds)| *seconds)
        };
        let gone = |program: &Program| self.detached.iter().any(|(known, _)| known == program);
        let steps = self.looked.programs.iter().filter(|(program, _)| !gone(program));
        let steps: Vec<(Program, f64)> = steps.map(|(program, sum)| (*program, sum - spent_before(*program))).collect();
        let total = self.looked.own - before.own + steps.iter().map(|(_, seconds)| seconds).sum::<f64>();
        let share = |seconds: f64| seconds / elapsed / self.cpus;
        if share(total) <= self.plan.most_cost {
            return;
        }
        let dearest = steps.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
        let dear = dearest.filter(|(_, step)| share(*step) > self.plan.most_cost / 10.0);
        self.condemned = dear.map(|(program, _)| program);
    }
}
