/* psp_agenda: things to do later, and the thread that does them.
 *
 *      agenda_add(due, job) -> heap by (due, order of adding) -> thread: wait, take, run
 *
 * Jobs run one after the other, each when it is due or as soon after as the one before is done. Jobs due at
 * the same time run in the order they were added: a list of webhooks stays in order unless asked.
 *
 * Ownership  a job's context belongs to the job; run() frees it. The agenda's lock is never held
 *            while a job runs, so a job may add others; a caller may hold locks that jobs take.
 * Failure    none: memory is not expected to run out in a test.
 * The end    agenda_close runs what is left at once, each with `is_closing`, in the caller.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_PSP_AGENDA_H
#define SOUK_TESTS_PSP_AGENDA_H

#include <pthread.h>

#include "proto/base.h"

typedef void agenda_run(void *context, bool is_closing);

struct agenda_job {
    u64 due_ns;
    u64 number;
    agenda_run *run;
    void *context;
};

struct agenda {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct agenda_job *jobs; /* a heap, the first is due first */
    u32 count;
    u32 capacity;
    u32 running; /* 1 while a job runs */
    u64 added;
    bool is_closing;
};

/* Monotonic. */
u64 agenda_now_ns(void);
void agenda_open(struct agenda *agenda);
void agenda_add(struct agenda *agenda, u64 due_ns, agenda_run *run, void *context);
/* Jobs that wait or run. */
u32 agenda_pending(struct agenda *agenda);
void agenda_close(struct agenda *agenda);

#endif
