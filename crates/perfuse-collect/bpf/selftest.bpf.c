// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What the tests of the loader load: a little of each thing that it must be able to do, with known answers. Never run
// outside tests.
#include "iter.h"

// Answers that the test reads, by index.
#define ANSWERS 16
#define ANSWER_KNOB 0
#define ANSWER_CALL 1
#define ANSWER_FIELD_ABSENT 2
#define ANSWER_ENUM 3
#define ANSWER_SIZE 4
#define ANSWER_LOOP 5
#define ANSWER_TGID 6
#define ANSWER_FLAVOUR 7
#define ANSWER_WIDTH 8
#define ANSWER_TYPE_ABSENT 9

const volatile u32 knob = 5;
const volatile u32 watched_pid = 0;
const volatile u8 small_knob = 1;

u64 lost_answers;
u64 started = 3;

struct pair {
	u64 first;
	u64 second;
};

TABLE(answers, MAP_ARRAY, ANSWERS, u32, u64);
TABLE(numbers, MAP_HASH, 20000, u32, u64);
TABLE(cpus, MAP_PERCPU_ARRAY, 2, u32, struct pair);
TABLE(cpu_hash, MAP_PERCPU_HASH, 64, u32, struct pair);
TABLE(spoiled, MAP_ARRAY, 1, u32, u64);
TABLE(w_hidden, MAP_HASH, 16, u32, u64);
TASK_STATE(w_task, struct pair);

struct task_struct___nowhere {
	u64 member_of_no_kernel;
} CORE;

struct type_of_no_kernel {
	u64 member;
} CORE;

// The kernel's BPF_MAP_TYPE_ARRAY is 2, whatever stands here.
enum bpf_map_type___local {
	BPF_MAP_TYPE_ARRAY___local = 77,
};

// A wider view of an int.
struct task_struct___wide {
	u64 tgid;
} CORE;

static long (*const loop)(u32 count, void *callback, void *context, u64 flags) = (void *)181;

INLINE void answer(u32 index, u64 value)
{
	map_update(&answers, &index, &value, UPDATE_ANY);
}

static __attribute__((noinline)) u64 twice(u64 value)
{
	return value * 2 + small_knob;
}

// Calls another function of its section, which needs no relocation.
static __attribute__((noinline)) u64 four_times(u64 value)
{
	return twice(value) + twice(value);
}

SEC("iter/task")
int ask(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct pair *pair;
	u32 index = 1;

	if (!task) {
		answer(ANSWER_KNOB, knob);
		answer(ANSWER_CALL, four_times(knob));
		answer(ANSWER_FIELD_ABSENT, field_exists(((struct task_struct___nowhere *)NULL)->member_of_no_kernel) ? 1 : 100);
		answer(ANSWER_TYPE_ABSENT, type_exists(struct type_of_no_kernel) ? 1 : 100);
		answer(ANSWER_ENUM, enum_value(enum bpf_map_type___local, BPF_MAP_TYPE_ARRAY___local));
		answer(ANSWER_SIZE, __builtin_preserve_type_info(*(struct task_struct *)0, 1));
		answer(ANSWER_FLAVOUR, field_exists(((struct task_struct___before_5_14 *)NULL)->state) ? 1 : 100);
		pair = map_lookup(&cpus, &index);
		if (pair) {
			pair->first += 10;
			pair->second += started;
		}
		lost_answers += 7;
		return 0;
	}
	if (field_exists(((struct task_struct___nowhere *)NULL)->member_of_no_kernel))
		answer(ANSWER_FIELD_ABSENT, ((struct task_struct___nowhere *)task)->member_of_no_kernel);
	if ((u32)task->pid == watched_pid) {
		answer(ANSWER_TGID, task->tgid);
		answer(ANSWER_WIDTH, ((struct task_struct___wide *)task)->tgid);
	}
	return 0;
}

static long add_one(u32 index, u64 *sum)
{
	*sum += index;
	return 0;
}

// bpf_loop came with 5.17.
SEC("tp_btf/sched_process_exec")
int callback(void *ctx)
{
	u64 sum = 0;

	(void)ctx;
	loop(10, add_one, &sum, 0);
	answer(ANSWER_LOOP, sum);
	return 0;
}

SEC("raw_tp/sched_process_exit")
int raw(void *ctx)
{
	u32 key = 1;
	u64 value = 1;

	(void)ctx;
	map_update(&w_hidden, &key, &value, UPDATE_ANY);
	return 0;
}

SEC("tp/sched/sched_process_exec")
int classic(void *ctx)
{
	u32 key = 2;
	u64 value = 2;

	(void)ctx;
	map_update(&w_hidden, &key, &value, UPDATE_ANY);
	return 0;
}

SEC("perf_event/page_faults_min")
int fault(void *ctx)
{
	u32 key = 3;
	struct pair one = { 1, 0 }, *pair = map_lookup(&cpu_hash, &key);

	(void)ctx;
	if (pair)
		pair->first++;
	else
		map_update(&cpu_hash, &key, &one, UPDATE_ANY);
	return 0;
}

SEC("tp_btf/sched_process_wait")
int storage(void *ctx)
{
	struct pair *pair = task_storage(&w_task, current_task(), NULL, STORAGE_CREATE);

	(void)ctx;
	if (pair)
		pair->first++;
	return 0;
}

// Refused: the verifier knows no memory at 16.
SEC("tp_btf/sched_switch")
int refused(u64 *ctx)
{
	u32 zero = 0;
	u64 value = *(volatile u64 *)(ctx[0] * 0 + 16);

	map_update(&spoiled, &zero, &value, UPDATE_ANY);
	return 0;
}

// Refused: what it reads is not there.
SEC("tp_btf/sched_switch")
int without_member(u64 *ctx)
{
	struct task_struct___nowhere *task = (void *)ctx[1];
	u64 value = task->member_of_no_kernel;
	u32 zero = 0;

	map_update(&spoiled, &zero, &value, UPDATE_ANY);
	return 0;
}

// No kernel has this.
SEC("tp_btf/event_of_no_kernel")
int without_hook(void *ctx)
{
	(void)ctx;
	answer(14, 1);
	return 0;
}
