//! What became of a memory access: `union perf_mem_data_src` (Linux: `include/uapi/linux/perf_event.h`) as counts.

/// Bits of a field.
fn bits(source: u64, shift: u32, count: u32) -> u64 {
    source >> shift & ((1 << count) - 1)
}

/// `PERF_MEM_OP_*`.
const LOAD: u64 = 2;
const STORE: u64 = 4;
/// `PERF_MEM_LVL_*`.
const UNKNOWN: u64 = 1;
const HIT: u64 = 2;
const MISS: u64 = 4;
const L1: u64 = 8;
const FILL_BUFFER: u64 = 0x10;
const L2: u64 = 0x20;
const L3: u64 = 0x40;
const LOCAL_RAM: u64 = 0x80;
const REMOTE_RAM: u64 = 0x300;
const REMOTE_CACHE: u64 = 0xc00;
const IO: u64 = 0x1000;
const UNCACHED: u64 = 0x2000;
/// `PERF_MEM_SNOOP_*`.
const SNOOP_HIT: u64 = 4;
const SNOOP_HITM: u64 = 0x10;

macro_rules! counts {
    ($($(#[doc = $doc:literal])* $field:ident,)*) => {
        /// How many accesses of each kind.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct Counts {
            $($(#[doc = $doc])* pub $field: u64,)*
        }

        impl std::ops::AddAssign for Counts {
            fn add_assign(&mut self, other: Self) {
                $(self.$field = self.$field.saturating_add(other.$field);)*
            }
        }
    };
}

counts! {
    /// All.
    records,
    /// With a locked bus.
    locked,
    /// Loads.
    loads,
    /// Stores.
    stores,
    /// Loads of memory that is not cached.
    load_uncached,
    /// Loads from devices.
    load_io,
    /// Loads that missed.
    load_miss,
    /// Loads without an address.
    load_no_address,
    /// Loads from a fill buffer.
    load_fill_buffer,
    /// Loads from the first level.
    load_l1,
    /// Loads from the second level.
    load_l2,
    /// Loads from the last level.
    load_llc,
    /// Loads of a line that another core of this socket had modified.
    local_hitm,
    /// Loads of a line that a core of another socket had modified.
    remote_hitm,
    /// Loads from a peer's cache of this socket.
    local_peer,
    /// Loads from a peer's cache of another socket.
    remote_peer,
    /// Loads from caches of another socket.
    remote_hit,
    /// Loads from the memory of this node.
    local_dram,
    /// Loads from the memory of another node.
    remote_dram,
    /// Loads from memory of lines that nobody else had.
    load_exclusive,
    /// Loads from memory of lines that others had.
    load_shared,
    /// Stores to memory that is not cached.
    store_uncached,
    /// Stores without an address.
    store_no_address,
    /// Stores that hit the first level.
    store_l1,
    /// Stores that missed it.
    store_l1_miss,
    /// Stores of which no level is known.
    store_unknown,
    /// Loads that waited for data.
    blocked_by_data,
    /// Loads that waited for an address.
    blocked_by_address,
    /// Accesses whose code or data lie in no mapping that is known.
    no_mapping,
    /// Samples that tell neither load nor store.
    not_understood,
}

impl Counts {
    /// One access: what it was, its address, and whether code and data lie in known mappings.
    pub fn of(source: u64, address: u64, mapped: bool) -> Self {
        let operation = bits(source, 0, 5);
        let mut one = Self {
            records: 1,
            locked: u64::from(bits(source, 24, 2) & 2 != 0),
            blocked_by_data: u64::from(bits(source, 40, 3) & 2 != 0),
            blocked_by_address: u64::from(bits(source, 40, 3) & 4 != 0),
            ..Self::default()
        };
        let counted = if operation & LOAD != 0 {
            one.load(source, address)
        } else if operation & STORE != 0 {
            one.store(source, address)
        } else {
            one.not_understood = 1;
            false
        };
        one.no_mapping = u64::from(counted && !mapped);
        one
    }

    /// Whether it has an address.
    fn load(&mut self, source: u64, address: u64) -> bool {
        self.loads = 1;
        if address == 0 {
            self.load_no_address = 1;
            return false;
        }
        let (level, snoop) = (bits(source, 5, 14), bits(source, 19, 5));
        let peer = u64::from(bits(source, 38, 2) & 2 != 0);
        // POWER tells caches of other cores of the node by this bit too, and then how many hops away.
        let remote = bits(source, 37, 1) != 0 && bits(source, 43, 3) == 0;
        if level & HIT != 0 {
            let one = |bit: u64| u64::from(level & bit != 0);
            self.load_uncached = one(UNCACHED);
            self.load_io = one(IO);
            self.load_fill_buffer = one(FILL_BUFFER);
            self.load_l1 = one(L1);
            self.load_l2 = one(L2);
            self.local_peer = one(L2) * peer;
            if level & L3 != 0 {
                self.local_hitm = u64::from(snoop & SNOOP_HITM != 0);
                self.load_llc = 1 - self.local_hitm;
                self.local_peer += peer;
            }
            self.local_dram = one(LOCAL_RAM);
            self.remote_dram = u64::from(level & REMOTE_RAM != 0 || remote);
            let from_memory = self.local_dram + self.remote_dram;
            if snoop & SNOOP_HIT != 0 {
                self.load_shared = from_memory;
            } else {
                self.load_exclusive = from_memory;
            }
        }
        if level & REMOTE_CACHE != 0 || remote {
            if snoop & SNOOP_HIT != 0 {
                self.remote_hit = 1;
            } else if snoop & SNOOP_HITM != 0 {
                self.remote_hitm = 1;
            } else {
                self.remote_hit = peer;
                self.remote_peer = peer;
            }
        }
        self.load_miss = u64::from(level & MISS != 0);
        true
    }

    /// Whether it has an address.
    fn store(&mut self, source: u64, address: u64) -> bool {
        self.stores = 1;
        if address == 0 {
            self.store_no_address = 1;
            return false;
        }
        let level = bits(source, 5, 14);
        let both = |one: u64, other: u64| u64::from(level & one != 0 && level & other != 0);
        self.store_uncached = both(HIT, UNCACHED);
        self.store_l1 = both(HIT, L1);
        self.store_l1_miss = both(MISS, L1);
        self.store_unknown = u64::from(level & UNKNOWN != 0);
        true
    }

    /// Loads of modified lines.
    pub fn hitm(&self) -> u64 {
        self.local_hitm + self.remote_hitm
    }

    /// Loads from peers.
    pub fn peer(&self) -> u64 {
        self.local_peer + self.remote_peer
    }

    /// Loads that the last level did not serve.
    pub fn llc_misses(&self) -> u64 {
        self.local_dram + self.remote_dram + self.remote_hitm + self.remote_hit
    }

    /// Loads whose source is known.
    pub fn known_loads(&self) -> u64 {
        let near = self.load_fill_buffer + self.load_l1 + self.load_l2 + self.load_llc + self.local_hitm;
        self.llc_misses() + near
    }

    /// Accesses whose source is known.
    pub fn known(&self) -> u64 {
        self.known_loads() + self.store_l1 + self.store_l1_miss + self.store_unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accesses_are_counted_by_what_they_met() {
        let hitm = Counts::of(LOAD | (HIT | L3) << 5 | SNOOP_HITM << 19, 8, true);
        assert_eq!((hitm.local_hitm, hitm.load_llc, hitm.hitm(), hitm.known()), (1, 0, 1, 1));
        let remote = Counts::of(LOAD | (HIT | 0x400) << 5 | SNOOP_HITM << 19, 8, false);
        assert_eq!((remote.remote_hitm, remote.llc_misses(), remote.no_mapping), (1, 1, 1));
        // A remote level that is not known more closely counts as memory and as cache.
        let unknown = Counts::of(LOAD | HIT << 5 | SNOOP_HIT << 19 | 1 << 37, 8, true);
        assert_eq!((unknown.remote_dram, unknown.remote_hit, unknown.load_shared), (1, 1, 1));
        let store = Counts::of(STORE | (MISS | L1) << 5 | 2 << 24, 8, true);
        assert_eq!((store.store_l1_miss, store.locked, store.known(), store.known_loads()), (1, 1, 1, 0));
        assert_eq!(Counts::of(1, 8, true).not_understood, 1);
        assert_eq!(Counts::of(STORE | (HIT | L1) << 5, 0, false).no_mapping, 0);
    }

    #[test]
    fn any_source_is_counted_once() {
        for shift in 0..64 {
            let one = Counts::of(1 << shift | LOAD, u64::MAX, true);
            assert_eq!((one.records, one.loads), (1, 1));
        }
        let mut sum = Counts::of(u64::MAX, 1, true);
        sum += sum;
        assert_eq!(sum.records, 2);
    }
}
