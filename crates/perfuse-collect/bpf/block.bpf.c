// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Block requests: how long in the kernel, how long at the device, and whose.
//
//   request made        inserted         issued             completed
//   ----|------------------|----------------|--------------------|----
//       start_time_ns      its process      issued_ns
//       |---------- queue ----------------->|------ device ----->|         together what /proc/diskstats counts
#include "perfuse.h"

struct gendisk {
	int major;
	int first_minor;
} CORE;

struct request_queue {
	struct gendisk *disk;
} CORE;

struct request {
	struct request_queue *q;
	unsigned int cmd_flags;
	unsigned int __data_len;
	u64 start_time_ns;
} CORE;

struct request___before_5_16 {
	struct gendisk *rq_disk;
} CORE;

// Went in 5.11, in the same release as the queue argument of the tracepoints.
struct hd_struct___before_5_11 {
	int partno;
} CORE;

#define OP_MASK 0xff
#define OP_READ 0
#define OP_WRITE 1

struct block_key {
	u32 dev;
	u16 stage;
	u16 op;
};

struct block_process_key {
	u32 pid;
	u32 dev;
};

struct block_process {
	u64 queue_ns;
	u64 device_ns;
	u64 max_ns;
	u64 reads;
	u64 writes;
	u64 others;
	u64 read_bytes;
	u64 write_bytes;
	u64 cgroup_id;
	char comm[COMM];
};

// A request between insertion and completion.
struct flight {
	u64 issued_ns;
	// With the address, what tells it from a later request in the same place.
	u64 made_ns;
	u64 queue_ns;
	u64 cgroup_id;
	u32 pid;
	u32 dev;
	u32 bytes;
	u32 op;
	char comm[COMM];
};

TABLE(block_hist, MAP_PERCPU_HASH, 256, struct block_key, struct hist);
TABLE(block_process, MAP_LRU_HASH, 4096, struct block_process_key, struct block_process);
TABLE(w_flight, MAP_LRU_HASH, 8192, u64, struct flight);
// The value of a new row of block_hist: too large for the stack.
TABLE(w_zero, MAP_ARRAY, 1, u32, struct hist);

u64 lost_block_hist;
u64 lost_block_process;

// An argument of a tracepoint by its number of today. Each load has its own instruction behind it: the compiler would else make one load
// from a chosen address, which the verifier refuses.
INLINE u64 argument(u64 *ctx, u32 number)
{
	u64 value;

	if (type_exists(struct hd_struct___before_5_11)) {
		value = ctx[number + 1];
		asm volatile("%0 += 0" : "+r"(value));
	} else {
		value = ctx[number];
		asm volatile("%0 = %0" : "+r"(value));
	}
	return value;
}

INLINE struct request *request_of(u64 *ctx)
{
	return (void *)argument(ctx, 0);
}

INLINE u32 dev_of(struct request *rq)
{
	struct request___before_5_16 *old = (void *)rq;
	struct gendisk *disk;

	if (field_exists(old->rq_disk))
		disk = old->rq_disk;
	else
		disk = rq->q->disk;
	if (!disk)
		return 0;
	return (u32)disk->major << 20 | (disk->first_minor & 0xfffff);
}

INLINE void count(u32 dev, u16 stage, u16 op, u64 ns)
{
	struct block_key key = { dev, stage, op };
	struct hist *hist = map_lookup(&block_hist, &key);
	u32 zero = 0;

	if (!hist) {
		struct hist *fresh = map_lookup(&w_zero, &zero);

		if (fresh)
			map_update(&block_hist, &key, fresh, UPDATE_NEW);
		hist = map_lookup(&block_hist, &key);
	}
	if (hist)
		hist_add(hist, ns);
	else
		add(&lost_block_hist, 1);
}

INLINE void whose(struct flight *flight)
{
	struct task_struct *task = current_task();

	flight->pid = pid_of(task);
	flight->cgroup_id = cgroup_of(task);
	copy_comm(flight->comm, task->comm);
}

// A request that waits in a scheduler is often issued by a kernel thread; here it still is in the hands of its maker.
SEC("tp_btf/block_rq_insert")
int block_rq_insert(u64 *ctx)
{
	u64 id = (u64)request_of(ctx);
	struct flight flight = {};

	whose(&flight);
	map_update(&w_flight, &id, &flight, UPDATE_ANY);
	return 0;
}

SEC("tp_btf/block_rq_issue")
int block_rq_issue(u64 *ctx)
{
	struct request *rq = request_of(ctx);
	u64 now = ktime_ns();
	u64 made = rq->start_time_ns;
	u64 id = (u64)rq;
	struct flight *inserted = map_lookup(&w_flight, &id);
	struct flight flight = {};

	// One that is issued already was requeued by its driver: its time at the device goes on. (What remains of one whose
	// completion was not seen has another start.)
	if (inserted && inserted->issued_ns && made && inserted->made_ns == made)
		return 0;
	if (inserted && inserted->issued_ns)
		add(&lost_block_process, 1);
	if (inserted && !inserted->issued_ns)
		flight = *inserted;
	else
		whose(&flight);
	flight.dev = dev_of(rq);
	flight.op = rq->cmd_flags & OP_MASK;
	flight.bytes = rq->__data_len;
	flight.issued_ns = now;
	flight.made_ns = made;
	// 0 where I/O statistics are switched off for the device.
	if (made && now > made)
		flight.queue_ns = now - made;
	if (map_update(&w_flight, &id, &flight, UPDATE_ANY))
		add(&lost_block_process, 1);
	return 0;
}

INLINE void complete(struct flight *flight, u64 device_ns)
{
	struct block_process_key key = { flight->pid, flight->dev };
	struct block_process *process;

	process = at(&block_process, &key, &(struct block_process){}, &lost_block_process);
	if (!process)
		return;
	add(&process->queue_ns, flight->queue_ns);
	add(&process->device_ns, device_ns);
	raise(&process->max_ns, flight->queue_ns + device_ns);
	if (flight->op == OP_READ) {
		add(&process->reads, 1);
		add(&process->read_bytes, flight->bytes);
	} else if (flight->op == OP_WRITE) {
		add(&process->writes, 1);
		add(&process->write_bytes, flight->bytes);
	} else {
		add(&process->others, 1);
	}
	process->cgroup_id = flight->cgroup_id;
	copy_comm(process->comm, flight->comm);
}

// TP_PROTO(struct request *rq, blk_status_t error, unsigned int nr_bytes), before 5.11 with the queue in front
SEC("tp_btf/block_rq_complete")
int block_rq_complete(u64 *ctx)
{
	struct request *rq = request_of(ctx);
	u32 bytes = argument(ctx, 2);
	u64 id = (u64)rq;
	struct flight *flight = map_lookup(&w_flight, &id);
	u64 device_ns;

	// In parts: only the last one ends the request.
	if (!flight || bytes < rq->__data_len)
		return 0;
	if (flight->issued_ns && flight->dev) {
		device_ns = ktime_ns() - flight->issued_ns;
		count(flight->dev, 0, flight->op, flight->queue_ns);
		count(flight->dev, 1, flight->op, device_ns);
		complete(flight, device_ns);
	}
	map_delete(&w_flight, &id);
	return 0;
}
