// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What every program of perfuse shares: kernel types cut down to the members that are read, the BPF helpers that are
// called, CO-RE spelled out, and the shapes of table rows. It stands alone: no header of the kernel or of libbpf.
#ifndef PERFUSE_H
#define PERFUSE_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;
typedef long long s64;

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))
#define CORE __attribute__((preserve_access_index))
#define NULL ((void *)0)
#define COMM 16
#define FRAMES 64

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// Maps, in the way that BTF carries their definition.
#define UINT(name, value) int (*name)[value]
#define TYPE(name, type) type *name
#define MAP_HASH 1
#define MAP_ARRAY 2
#define MAP_PERCPU_HASH 5
#define MAP_PERCPU_ARRAY 6
#define MAP_LRU_HASH 9
#define MAP_TASK_STORAGE 29
#define MAP_NO_PREALLOC 1

#define TABLE(name, map_type, entries, key_type, value_type)                                                           \
	struct {                                                                                                           \
		UINT(type, map_type);                                                                                          \
		UINT(max_entries, entries);                                                                                    \
		TYPE(key, key_type);                                                                                           \
		TYPE(value, value_type);                                                                                       \
	} name SEC(".maps")

// State of a task that the kernel frees together with the task.
#define TASK_STATE(name, value_type)                                                                                   \
	struct {                                                                                                           \
		UINT(type, MAP_TASK_STORAGE);                                                                                  \
		UINT(map_flags, MAP_NO_PREALLOC);                                                                              \
		TYPE(key, int);                                                                                                \
		TYPE(value, value_type);                                                                                       \
	} name SEC(".maps")

// CO-RE questions that the loader answers from the BTF of the running kernel.
#define field_exists(field) __builtin_preserve_field_info(field, 2)
#define type_exists(type) __builtin_preserve_type_info(*(typeof(type) *)0, 0)
#define enum_exists(type, value) __builtin_preserve_enum_value(*(typeof(type) *)value, 0)
#define enum_value(type, value) __builtin_preserve_enum_value(*(typeof(type) *)value, 1)

// Helpers by number (include/uapi/linux/bpf.h).
struct task_struct;
static void *(*const map_lookup)(void *map, const void *key) = (void *)1;
static long (*const map_update)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*const map_delete)(void *map, const void *key) = (void *)3;
static u64 (*const ktime_ns)(void) = (void *)5;
static u32 (*const this_cpu)(void) = (void *)8;
static u64 (*const current_uid_gid)(void) = (void *)15;
static long (*const current_comm)(void *buffer, u32 size) = (void *)16;
static u64 (*const current_task_address)(void) = (void *)35;
static long (*const get_stack)(void *ctx, void *buffer, u32 size, u64 flags) = (void *)67;
static long (*const read_kernel)(void *to, u32 size, const void *from) = (void *)113;
static long (*const seq_write)(void *seq, const void *data, u32 size) = (void *)127;
static long (*const get_task_stack)(struct task_struct *task, void *buffer, u32 size, u64 flags) = (void *)141;
static void *(*const task_storage)(void *map, struct task_struct *task, void *value, u64 flags) = (void *)156;
static struct task_struct *(*const current_task)(void) = (void *)158;

// A kernel function; the loader makes the call a plain copy of the pointer where the kernel has none (before 6.2).
extern void *bpf_rdonly_cast(const void *object, u32 type) __attribute__((section(".ksyms")));

// The same pointer for reading only. The verifier asks of every pointer that is read through one that it trusts
// whether it can be trusted too, a walk over all types of the kernel each (0.7 ms): with this it does not ask.
#define view(type, pointer) ((type *)bpf_rdonly_cast(pointer, __builtin_btf_type_id(*(type *)0, 1)))

#define UPDATE_ANY 0
#define UPDATE_NEW 1
#define STORAGE_CREATE 1
#define STACK_USER (1ULL << 8)

// Kernel types. Only names matter; offsets come from the running kernel.
struct kernfs_node {
	u64 id;
} CORE;

struct cgroup {
	struct kernfs_node *kn;
} CORE;

struct css_set {
	struct cgroup *dfl_cgrp;
} CORE;

struct pid_namespace;

struct upid {
	int nr;
	struct pid_namespace *ns;
} CORE;

struct pid {
	u32 level;
	struct upid numbers[1];
} CORE;

struct thread_info {
	u32 cpu;
	u32 status;
} CORE;

struct sched_info {
	unsigned long pcount;
	unsigned long long run_delay;
	unsigned long long last_queued;
} CORE;

struct rq {
	u64 clock;
} CORE;

struct cfs_rq {
	struct rq *rq;
} CORE;

struct sched_entity {
	u64 sum_exec_runtime;
	struct cfs_rq *cfs_rq;
} CORE;

struct task_io_accounting {
	u64 read_bytes;
	u64 write_bytes;
} CORE;

typedef struct {
	u32 val;
} kuid_t;

struct cred {
	kuid_t uid;
} CORE;

struct task_delay_info {
	u64 blkio_delay;
	u64 swapin_delay;
	u64 freepages_delay;
	u64 thrashing_delay;
} CORE;

struct rlimit {
	unsigned long rlim_cur;
	unsigned long rlim_max;
} CORE;

struct signal_struct {
	int nr_threads;
	u64 utime;
	u64 stime;
	unsigned long min_flt;
	unsigned long maj_flt;
	unsigned long nvcsw;
	unsigned long nivcsw;
	unsigned long long sum_sched_runtime;
	struct task_io_accounting ioac;
	struct rlimit rlim[16];
} CORE;

struct percpu_counter {
	s64 count;
} CORE;

// Since 6.2 an array of per-CPU counters; before, atomic counters in a struct.
struct mm_struct {
	struct percpu_counter rss_stat[4];
} CORE;

typedef struct {
	s64 counter;
} atomic_long_t;

struct mm_rss_stat {
	atomic_long_t count[4];
} CORE;

struct mm_struct___before_6_2 {
	struct mm_rss_stat rss_stat;
} CORE;

struct files_struct;

struct task_struct {
	struct thread_info thread_info;
	unsigned int __state;
	int exit_state;
	u32 flags;
	int prio;
	int static_prio;
	u32 policy;
	int nr_cpus_allowed;
	int pid;
	int tgid;
	u64 start_boottime;
	u64 utime;
	u64 stime;
	unsigned long min_flt;
	unsigned long maj_flt;
	unsigned long nvcsw;
	unsigned long nivcsw;
	struct sched_entity se;
	struct sched_info sched_info;
	struct task_delay_info *delays;
	struct task_io_accounting ioac;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	const struct cred *real_cred;
	struct signal_struct *signal;
	struct files_struct *files;
	struct mm_struct *mm;
	struct css_set *cgroups;
	struct pid *thread_pid;
	char comm[COMM];
} CORE;

struct task_struct___before_5_14 {
	long state;
} CORE;

struct task_struct___before_5_16 {
	u32 cpu;
} CORE;

#define PF_KTHREAD 0x00200000
#define TASK_INTERRUPTIBLE 1
#define TASK_UNINTERRUPTIBLE 2
#define TASK_NOLOAD 0x400

// A histogram of nanoseconds by powers of two; all words add up over CPUs. Mirrored by perfuse-format's Log2Hist.
#define SLOTS 40

struct hist {
	u64 count;
	u64 sum_ns;
	u64 slots[SLOTS];
};

// The small one of per-process rows: 2^10 (and shorter) to 2^25 ns (and longer).
#define SMALL_SLOTS 16
#define SMALL_FIRST 10

// Position of the highest bit; 0 for 0. BPF has no instruction for it.
INLINE u32 log2(u64 value)
{
	u32 high = value >> 32;
	u32 low = high ? high : (u32)value;
	u32 log = high ? 32 : 0;
	u32 shift;

	shift = (low > 0xffff) << 4;
	low >>= shift;
	log |= shift;
	shift = (low > 0xff) << 3;
	low >>= shift;
	log |= shift;
	shift = (low > 0xf) << 2;
	low >>= shift;
	log |= shift;
	shift = (low > 0x3) << 1;
	low >>= shift;
	log |= shift;
	return log | (low >> 1);
}

// Keeps the compiler from proving a bound that the verifier then cannot see.
#define opaque(value) asm volatile("" : "+r"(value))

// For a histogram that only this CPU writes.
INLINE void hist_add(struct hist *hist, u64 ns)
{
	u32 slot = log2(ns);

	if (slot >= SLOTS)
		slot = SLOTS - 1;
	opaque(slot);
	slot &= 63;
	if (slot < SLOTS)
		hist->slots[slot]++;
	hist->count++;
	hist->sum_ns += ns;
}

INLINE void small_add(u32 *slots, u64 ns)
{
	u32 slot = log2(ns);

	slot = slot < SMALL_FIRST ? 0 : slot - SMALL_FIRST;
	if (slot > SMALL_SLOTS - 1)
		slot = SMALL_SLOTS - 1;
	opaque(slot);
	slot &= SMALL_SLOTS - 1;
	__sync_fetch_and_add(&slots[slot], 1);
}

INLINE void add(u64 *counter, u64 by)
{
	__sync_fetch_and_add(counter, by);
}

INLINE void raise(u64 *max, u64 value)
{
	if (value > *max)
		*max = value;
}

// The value of `key`, made from `fresh` if there is none yet; NULL when the map is full, which `lost` counts.
INLINE void *at(void *map, const void *key, const void *fresh, u64 *lost)
{
	void *value = map_lookup(map, key);

	if (value)
		return value;
	map_update(map, key, fresh, UPDATE_NEW);
	value = map_lookup(map, key);
	if (!value)
		add(lost, 1);
	return value;
}

// Id of the cgroup v2 of a task; 1 is the root.
INLINE u64 cgroup_of(struct task_struct *task)
{
	return view(struct task_struct, task)->cgroups->dfl_cgrp->kn->id;
}

INLINE void copy_comm(char *to, const char *from)
{
	((u64 *)to)[0] = ((const u64 *)from)[0];
	((u64 *)to)[1] = ((const u64 *)from)[1];
}

// How deep the pid namespace of perfuse lies below the first one: set by the loader, 0 on the host itself.
const volatile u32 pid_ns_level = 0;

// Id of a task in the pid namespace `level` deep; 0 where it has none. A sibling namespace of the same depth is not
// told apart.
INLINE u32 nr_of(struct task_struct *task, u32 level)
{
	struct pid *pid;
	u64 entry;
	int nr = 0;

	if (!level)
		return task->pid;
	pid = task->thread_pid;
	if (!pid || pid->level < level)
		return 0;
	entry = (u64)&pid->numbers[0];
	opaque(entry);
	read_kernel(&nr, sizeof(nr), (void *)(entry + (level & 31) * sizeof(struct upid)));
	return nr;
}

INLINE u32 tid_of(struct task_struct *task)
{
	return nr_of(task, pid_ns_level);
}

INLINE u32 pid_of(struct task_struct *task)
{
	return pid_ns_level ? nr_of(task->group_leader, pid_ns_level) : (u32)task->tgid;
}

INLINE u64 positive(s64 pages)
{
	return pages > 0 ? pages : 0;
}

// File, anonymous and shared memory pages; not swap, which is the third counter. The per-CPU parts of the counters are
// not in it, as in /proc/PID/stat.
INLINE u64 rss_of(struct mm_struct *mm)
{
	struct mm_struct___before_6_2 *old = (void *)mm;
	s64 counts[4] = {};

	if (type_exists(struct mm_rss_stat)) {
		// The verifier of 6.1 does not look through the typedef of an array's elements.
		read_kernel(counts, sizeof(counts), &old->rss_stat.count[0]);
		return positive(counts[0]) + positive(counts[1]) + positive(counts[3]);
	}
	return positive(mm->rss_stat[0].count) + positive(mm->rss_stat[1].count) + positive(mm->rss_stat[3].count);
}

INLINE u32 state_of(struct task_struct *task)
{
	if (field_exists(task->__state))
		return task->__state;
	return ((struct task_struct___before_5_14 *)task)->state;
}

#endif
