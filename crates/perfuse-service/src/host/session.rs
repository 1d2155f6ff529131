//! One run of sampling: the sampler, the in-kernel programs, and what both cost.

use std::path::PathBuf;
use std::time::Instant;

use perfuse_analyze::Thresholds;
use perfuse_analyze::cost::OwnCost;
use perfuse_collect::bpf::{ALWAYS_ON, BpfSet, Options, Program, USE, WHY};
use perfuse_collect::{Root, Sampler, usage};
use perfuse_format::RawSnapshot;
use perfuse_symbol::{HostFiles, Symbolizer};

use super::stacks::{self, Chain, OnCpu, Unnamed};

/// What is sampled, and how much.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each switches one kind of measuring, and any may go with any")]
pub struct Plan {
    /// The host's root directory.
    pub root: Root,
    /// In-kernel programs to run; none reads `/proc` and `/sys` alone.
    pub programs: &'static [Program],
    /// Share of the host's CPU past which the dearest program is detached.
    pub most_cost: f64,
    /// Whether call stacks are named at every complete snapshot, and not only at the last one.
    pub name_stacks: bool,
    /// Whether the other ends of pipes and sockets are looked for at which threads wait.
    pub ends: bool,
    /// Whether what runs on the CPUs is sampled.
    pub sample_cpus: bool,
    /// Whether it runs without an end in a process that does other things, too: then what it costs is the time of the
    /// thread that it was started on, and what ran on the CPUs is kept of the last minutes only.
    pub resident: bool,
}

impl Plan {
    /// What a report of the host below `root` needs (without one: of this host). A recording without an end (`all_day`) runs
    /// only the programs that are cheap enough for it, and names stacks only in the end.
    pub fn report(root: Option<PathBuf>, no_bpf: bool, all_day: bool, thresholds: &Thresholds) -> Self {
        let programs = if all_day { ALWAYS_ON } else { USE };
        Self {
            root: root.map_or_else(Root::default, Root::at),
            programs: if no_bpf { &[] } else { programs },
            most_cost: thresholds.get("own-cost.max"),
            name_stacks: !all_day,
            ends: false,
            sample_cpus: false,
            resident: false,
        }
    }

    /// What the search for one cause needs: everything, the states of threads included.
    pub fn why(no_bpf: bool, sample_cpus: bool, thresholds: &Thresholds) -> Self {
        Self {
            root: Root::default(),
            programs: if no_bpf { &[] } else { WHY },
            // A look of some seconds may cost more than what runs all day, and without its programs it would see nothing.
            most_cost: 5.0 * thresholds.get("own-cost.max"),
            name_stacks: true,
            ends: true,
            sample_cpus,
            resident: false,
        }
    }

    /// What the daemon samples all the time.
    pub fn ring(thresholds: &Thresholds) -> Self {
        Self { sample_cpus: true, resident: true, ..Self::report(None, false, true, thresholds) }
    }

    /// The same as part of a process that does other things, too.
    #[must_use]
    pub fn within_a_daemon(self) -> Self {
        Self { resident: true, ..self }
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
pub struct Session {
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
    /// Of a resident run: CPU seconds that its thread spent on other things, and what it had spent when the last snapshot
    /// was done.
    elsewhere: f64,
    done: f64,
}

impl Session {
    /// Loads the programs. What the kernel refuses is said in the snapshots; nothing here fails.
    pub fn start(plan: Plan) -> Self {
        let started = Instant::now();
        let sampler = Sampler::new(plan.root.clone());
        let sampler = if plan.ends { sampler.with_ends() } else { sampler };
        // In-kernel programs see the running kernel, not a host whose files are mounted somewhere.
        let programs = if plan.root.is_live() { plan.programs } else { &[] };
        let (set, _) = BpfSet::load(programs, &Options { run_stats: true, ..Options::default() });
        let cpus = f64::from(perfuse_collect::host::facts(&plan.root).cpus.max(1));
        let looked = Look { at: started, own: 0.0, programs: Vec::new() };
        // Without the right to it there are no such stacks, and the page shows none.
        let on_cpu = plan.sample_cpus.then(|| OnCpu::start(&plan.root, plan.resident)).flatten();
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
            elsewhere: 0.0,
            done: usage::thread_cpu_seconds(),
        }
    }

    /// CPU seconds of what the run is charged with, its in-kernel programs not counted.
    fn own(&self) -> f64 {
        if self.plan.resident { usage::thread_cpu_seconds() - self.elsewhere } else { usage::cpu_seconds() }
    }

    /// Reads the next snapshot. `last` makes everything due that is read only now and then.
    pub fn snapshot(&mut self, last: bool) -> RawSnapshot {
        self.elsewhere += usage::thread_cpu_seconds() - self.done;
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
        if !self.plan.resident && self.snapshots > 1 && (last || (slow && self.plan.name_stacks)) {
            let mut chains = self.gone.clone();
            chains.extend(stacks::chains(&raw, &self.set));
            let before = self.own();
            if let Some(on_cpu) = &mut self.on_cpu {
                raw.put(perfuse_format::proc::oncpu::OnCpu::SOURCE, on_cpu.name(&mut self.symbols).to_bytes());
            }
            stacks::name(&mut raw, &chains, &mut self.symbols);
            // Reading the symbols of a large library once is not what a probe costs.
            let naming = self.own() - before;
            self.looked.own += naming;
            self.setup += naming;
        }
        if self.first.is_none() {
            self.first = Some(Instant::now());
            self.setup += self.spent();
        }
        raw.put(OwnCost::SOURCE, self.cost().to_bytes());
        self.done = usage::thread_cpu_seconds();
        raw
    }

    /// The stacks of the newest snapshot, which must be a complete one, for a resident run: to be named elsewhere.
    pub fn unnamed(&self, raw: &RawSnapshot) -> Unnamed {
        let mut chains = self.gone.clone();
        chains.extend(stacks::chains(raw, &self.set));
        Unnamed::new(chains, self.on_cpu.as_ref(), &self.symbols)
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
        self.own() + self.program_seconds().iter().map(|(_, seconds)| seconds).sum::<f64>()
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
        let look = Look { at: now, own: self.own(), programs: self.program_seconds() };
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
