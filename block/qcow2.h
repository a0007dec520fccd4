// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * qcow2 images, versions 2 and 3. Between the files qcow2*.c; the outside sees a struct block.
 *
 * Modelled: L1 and L2 tables, refcounts of every width, backing files, internal snapshots, clusters
 * compressed by zlib and zstd, zero clusters, discard, the dirty and corrupt bits. Refused by name:
 * extended L2 entries, external data files, encryption. Persistent bitmaps are not kept: writing
 * clears their consistency bit.
 *
 *   qcow2.c             opening and closing
 *   qcow2_header.c      the header: parsed, checked, written
 *   qcow2_cache.c       pages of tables in memory, and the commit that writes them in order
 *   qcow2_map.c         from guest offsets to what is there
 *   qcow2_refcount.c    finding, taking and giving back clusters
 *   qcow2_task.c        requests as tasks: running, waiting, what a task holds
 *   qcow2_read.c        reading
 *   qcow2_write.c       writing, zeros, discards
 *   qcow2_compressed.c  compressed clusters
 *
 * A request is a task that goes in steps. A step looks up what it needs in the cache; if something
 * is missing it starts the transfer, changes nothing, and is run again from its beginning when
 * anything in the image has moved on. So no step holds anything across a wait, except what its task
 * names: a range of clusters, a workspace.
 *
 * What is safe at any power cut: a cluster is taken (refcount, in memory), data are written to it,
 * then it is linked (L2, in memory). A commit writes refcounts, flushes, which also makes the data
 * stable, then writes L2 and L1 tables, and flushes again if somebody asked for it. Clusters that
 * became free are given back only after that. Whatever of it reaches the disk, every table entry
 * there points at data that is there; the worst that is left are clusters taken and not used.
 */
#pragma once

#include "block/driver.h"
#include "block/qcow2_format.h"

enum {
	QCOW2_WAIT = 1, /* returned by a step's calls: run me again later */

	QCOW2_PAGE_BYTES_MAX = 4096,
	QCOW2_CACHE_BYTES = 1 << 20, /* default; 8 GiB of a disk with clusters of 64 KiB */
	QCOW2_CACHE_PAGES_MIN = 32,
	QCOW2_STEP_PAGES = 6, /* a step looks at fewer */
	QCOW2_TRANSFERS = 16, /* pages read or written at a time */
	QCOW2_TASKS = 32,     /* requests at a time; more wait */
	QCOW2_WORKSPACES = 4,
	QCOW2_RUN_CLUSTERS = 32, /* taken in one go */
	QCOW2_FREED_MAX = 4096,  /* ranges that wait to be given back */
	QCOW2_ADDED_MAX = 8, /* tables for one run of clusters; more are not missing, but lost */
};

/** The header, checked: offsets are aligned, sizes within limits. */
struct qcow2_header {
	uint32_t version;
	unsigned cluster_bits, refcount_order;
	uint64_t size_bytes;
	uint32_t l1_entries, reftable_clusters, snapshots, header_bytes;
	uint64_t l1_offset, reftable_offset, snapshots_offset;
	uint64_t incompatible, compatible, autoclear;
	uint8_t compression;
	char backing_file[QCOW2_BACKING_BYTES_MAX + 1]; /* empty: none */
	char backing_format[QCOW2_FORMAT_BYTES_MAX + 1];
};

/** Kinds of table pages, in the order in which a commit writes them. */
enum qcow2_table {
	QCOW2_REFTABLE,
	QCOW2_REFBLOCK,
	QCOW2_L1,
	QCOW2_L2,
	QCOW2_TABLES,
};

enum qcow2_page_state {
	QCOW2_PAGE_EMPTY,
	QCOW2_PAGE_LOADING,
	QCOW2_PAGE_READY,
	QCOW2_PAGE_FAILED, /* until the first who asks has been told */
};

struct qcow2_page {
	struct list_node hash; /* by offset */
	struct list_node age;  /* least recently used first */
	struct list_node dirty;
	uint64_t offset; /* in the file */
	uint8_t *data;
	enum qcow2_table table;
	enum qcow2_page_state state;
	int error;
	bool is_dirty;
};

/** A page on its way. */
struct qcow2_transfer {
	struct block_request part;
	struct iovec iov;
	struct qcow2 *image;
	struct qcow2_page *page; /* NULL: free */
};

struct qcow2_cache {
	uint8_t *memory; /* mapped; touched as pages are used */
	struct qcow2_page *pages;
	struct list_node *buckets; /* as many as pages: a power of two */
	size_t count;
	size_t page_bytes;
	struct list_node ages;
	struct list_node dirty[QCOW2_TABLES];
	struct qcow2_transfer transfers[QCOW2_TRANSFERS];
};

enum qcow2_commit_stage {
	QCOW2_COMMIT_IDLE,
	QCOW2_COMMIT_SYNC_BLOCKS, /* new refcount blocks, before the table points at them */
	QCOW2_COMMIT_WRITE_REFCOUNTS,
	QCOW2_COMMIT_SYNC_DATA,
	QCOW2_COMMIT_WRITE_MAP,
	QCOW2_COMMIT_SYNC_MAP,
};

struct qcow2_commit {
	enum qcow2_commit_stage stage;
	unsigned pending;
	int error;
	bool wants_sync; /* of the map, too */
	bool is_stalled; /* every transfer is a load: the next that comes back is its */
	bool is_for_room;
	int room_error; /* of the last one that somebody waited for to get room */
	size_t freed;   /* how many of image->freed it makes safe to give back */
	struct block_request sync;
	struct list_node tasks; /* that wait for its end */
	struct list_node next;  /* that wait for the next one's: it may have missed their data */
};

/** Clusters that nothing points at any more. */
struct qcow2_freed {
	uint64_t offset; /* in the file, of a cluster */
	uint64_t clusters;
	uint64_t punched; /* of these, from the first on: the host has their space, or must not */
	bool was_used;    /* false: taken and never linked, so no space to give back */
};

/** Memory for one task that copies or decompresses: three clusters. */
struct qcow2_workspace {
	uint8_t *memory;
	bool taken;
};

enum qcow2_extent_kind {
	QCOW2_EXTENT_HOLE, /* what the backing file has, or zeros */
	QCOW2_EXTENT_ZERO,
	QCOW2_EXTENT_DATA,
	QCOW2_EXTENT_COMPRESSED,
};

/** A part of the disk that lies in one piece. */
struct qcow2_extent {
	enum qcow2_extent_kind kind;
	uint64_t host;   /* of the first byte; for compressed ones where they begin */
	uint64_t bytes;  /* from the offset that was asked for */
	uint64_t stored; /* compressed: bytes in the file */
	bool may_write;  /* in place: nothing else shares the clusters */
};

struct qcow2_task;

enum qcow2_lock {
	QCOW2_UNLOCKED,
	QCOW2_SHARED,    /* data are moved */
	QCOW2_EXCLUSIVE, /* the mapping changes */
};

/** One of two edges of newly taken clusters that the request does not write. */
struct qcow2_edge {
	uint8_t *memory; /* in the workspace */
	uint64_t offset; /* on the disk */
	size_t bytes;
	struct qcow2_extent source;
	struct block_request part;
	struct iovec iov;
};

struct qcow2_task {
	struct list_node node; /* free, blocked, ready, finished, or waiting for a commit */
	struct qcow2 *image;
	struct block_request *request;
	int result; /* of the transfers under way, or of all */
	unsigned pending;
	/** Run when the task is ready. */
	void (*step)(struct qcow2_task *task);
	/** Run when 'pending' has come to zero. */
	void (*arrived)(struct qcow2_task *task);
	void (*then)(struct qcow2_task *task); /* after decompressing */
	enum qcow2_lock lock;
	uint64_t first, last; /* clusters of the disk that are locked */
	struct qcow2_workspace *workspace;
	/* where the step's data lie, or are to lie */
	size_t bytes;
	uint64_t host;
	unsigned clusters, freed_reserved;
	unsigned added;  /* tables, since data were last written */
	bool is_growing; /* it is the one that adds a table */
	bool is_flushed; /* the request's own flush has been done */
	struct qcow2_extent extent;
	struct block_request part;
	struct qcow2_edge head, tail;
	struct aio_op call;
};

struct qcow2 {
	struct block *block;   /* the disk that the guest sees */
	struct block *file;    /* the image's own bytes */
	struct block *backing; /* NULL: none */
	struct qcow2_header header;
	uint64_t cluster_bytes;
	bool is_given_away; /* to another process, with the guest */
	bool is_corrupt;    /* tables contradict themselves: nothing is written any more */
	struct qcow2_cache cache;
	struct qcow2_commit commit;
	/* Allocation */
	uint64_t next_cluster; /* no cluster below is free */
	uint64_t fresh_from;   /* from here on the file has never been written: zeros */
	bool is_growing;       /* a table is being added; nobody else takes clusters meanwhile */
	struct qcow2_freed *freed;
	size_t freed_count, freed_reserved, freed_safe;
	struct block_request punch; /* of the first of 'freed' */
	uint64_t punch_clusters;    /* 0: none is under way */
	/* Requests */
	struct qcow2_task tasks[QCOW2_TASKS];
	struct qcow2_workspace workspaces[QCOW2_WORKSPACES];
	struct list_node free, blocked, ready, finished;
	struct list_node waiting; /* requests without a task, by io.node */
	bool has_moved;           /* something has: blocked tasks have a reason to try */
	bool is_kicked;           /* 'kick' is under way */
	struct aio_op kick;       /* completes what has ended within block_start */
};

/* qcow2_header.c */

/** Parses the beginning of a file. 0, or -EINVAL or -ENOTSUP and a sentence that begins with what
 * is wrong. */
int qcow2_header_parse(struct qcow2_header *header, const uint8_t *data, size_t bytes,
		       struct err *err);
/** The same file's first 'QCOW2_HEADER_MAX_BYTES' bytes with the fields of 'header'; 'data' keeps
 * what is not known. */
void qcow2_header_store(const struct qcow2_header *header, uint8_t *data);
/** Reads, changes by 'header' and writes back the header of an image, and flushes. 0 or -errno. */
int qcow2_header_update(struct block *file, const struct qcow2_header *header);

/* qcow2_cache.c */

int qcow2_cache_init(struct qcow2 *image, size_t bytes);
void qcow2_cache_finish(struct qcow2 *image);
/**
 * The page with the byte at 'offset' of the file, which belongs to 'table'. 0; QCOW2_WAIT: its
 * loading, or a commit that makes room, has been started; or -errno.
 */
int qcow2_page_get(struct qcow2 *image, enum qcow2_table table, uint64_t offset,
		   struct qcow2_page **page);
/** An entry of 8 bytes at 'offset', as qcow2_page_get. */
int qcow2_entry_get(struct qcow2 *image, enum qcow2_table table, uint64_t offset, uint64_t *entry);
/** Whether tables may be changed now; else a step waits. */
bool qcow2_may_change(const struct qcow2 *image);
void qcow2_page_changed(struct qcow2 *image, struct qcow2_page *page);
/** A new table lies in the cluster at 'offset': what is remembered of that place is not true any
 * more. */
void qcow2_cache_forget(struct qcow2 *image, uint64_t offset, uint64_t bytes);
bool qcow2_is_clean(const struct qcow2 *image);
/** Room in what waits for a commit: starts one, and returns QCOW2_WAIT, or what the last one failed
 * with. */
int qcow2_make_room(struct qcow2 *image);
/** Starts a commit, unless one is under way. */
void qcow2_commit_start(struct qcow2 *image);
/** The task is ready again, with its result, when what is changed and written by now is stable. */
void qcow2_commit_wait(struct qcow2_task *task);

/* qcow2_map.c */

/** What lies at 'offset' of the disk, at most 'bytes' of it. As qcow2_page_get. */
int qcow2_map(struct qcow2 *image, uint64_t offset, uint64_t bytes, struct qcow2_extent *extent);
/** Where the L2 entry for 'offset' lies in the file, if its L2 table may be changed; 0 if a table
 * must be made first, of which 'old' is the present one or 0. As qcow2_page_get. */
int qcow2_map_find_entry(struct qcow2 *image, uint64_t offset, uint64_t *entry_offset,
			 uint64_t *old);
/** Points the L1 entry for 'offset' at a new L2 table. */
int qcow2_map_set_table(struct qcow2 *image, uint64_t offset, uint64_t table);
/** Makes 'clusters' entries from 'offset' on, which one page holds, point at 'host' and what
 * follows; QCOW2_ZERO and 0 make them zeros or holes. What they pointed at is free after the next
 * commit. */
int qcow2_map_set(struct qcow2 *image, uint64_t offset, unsigned clusters, uint64_t host);
/** How many clusters from 'offset' on have their entries in one page. */
uint64_t qcow2_map_page_clusters(const struct qcow2 *image, uint64_t offset);
/** Tells of tables that contradict themselves; -EIO. */
int qcow2_found_corrupt(struct qcow2 *image, const char *what, uint64_t offset);

/* qcow2_refcount.c */

uint64_t qcow2_refcount_load(const uint8_t *block, unsigned order, uint64_t index);
void qcow2_refcount_store(uint8_t *block, unsigned order, uint64_t index, uint64_t value);
static inline uint64_t qcow2_refcount_max(unsigned order)
{
	return order == QCOW2_REFCOUNT_ORDER_MAX ? UINT64_MAX : BIT64(1u << order) - 1;
}
/** Clusters that one refcount block counts. */
uint64_t qcow2_refblock_clusters(const struct qcow2_header *header);
/**
 * Takes at most 'wanted' clusters in one piece. 0: *offset and *got say where and how many;
 * QCOW2_WAIT; QCOW2_WAIT with *needs_block: a refcount block must be made first, by
 * qcow2_refblock_make; or -errno.
 */
int qcow2_take(struct qcow2 *image, unsigned wanted, uint64_t *offset, unsigned *got,
	       bool *needs_block);
/** Fills 'cluster' with the first content of the refcount block that is needed next; where it
 * lies. */
uint64_t qcow2_refblock_prepare(struct qcow2 *image, uint8_t *cluster);
/** Puts that block, which has been written, into the refcount table. As qcow2_page_get. */
int qcow2_refblock_add(struct qcow2 *image, uint64_t offset);
/** Room for 'count' qcow2_give_back, for the task's step. 0, QCOW2_WAIT or -errno. */
int qcow2_reserve_freed(struct qcow2_task *task, unsigned count);
/** Nothing will point at these clusters any more, once the tables are committed. */
void qcow2_give_back(struct qcow2 *image, uint64_t offset, uint64_t clusters, bool was_used);
/** Counts down what commits have made safe. True if something was done. */
bool qcow2_count_freed(struct qcow2 *image);

/* qcow2_task.c */

void qcow2_start(struct block *block, struct block_request *request);
bool qcow2_advance(struct block *block);
/** Something has moved on: blocked tasks are run again, by qcow2_run or later. */
void qcow2_moved_on(struct qcow2 *image);
/** At the end of every completion: runs what is ready. */
void qcow2_run(struct qcow2 *image);
void qcow2_task_ready(struct qcow2_task *task);

/* qcow2_compressed.c */

bool qcow2_can_decompress(enum qcow2_compression kind);
/** Makes 'bytes' of data of 'stored' ones. 0 or -EIO. From any thread. */
int qcow2_decompress(enum qcow2_compression kind, const uint8_t *stored, size_t stored_bytes,
		     uint8_t *data, size_t bytes);
