/* psp_agenda: see tests/standin/psp_agenda.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/standin/psp_agenda.h"

#include <stdlib.h>
#include <time.h>

u64 agenda_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

static bool is_before(const struct agenda_job *a, const struct agenda_job *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static void swap_jobs(struct agenda *agenda, u32 a, u32 b)
{
    const struct agenda_job job = agenda->jobs[a];
    agenda->jobs[a] = agenda->jobs[b];
    agenda->jobs[b] = job;
}

static void push_job(struct agenda *agenda, struct agenda_job job)
{
    if (agenda->count == agenda->capacity) {
        agenda->capacity = agenda->capacity == 0 ? 256 : agenda->capacity * 2;
        agenda->jobs = realloc(agenda->jobs, agenda->capacity * sizeof *agenda->jobs);
        MUST(agenda->jobs != NULL);
    }
    u32 at = agenda->count++;
    agenda->jobs[at] = job;
    for (; at > 0 && is_before(&agenda->jobs[at], &agenda->jobs[(at - 1) / 2]); at = (at - 1) / 2)
        swap_jobs(agenda, at, (at - 1) / 2);
}

static struct agenda_job pop_job(struct agenda *agenda)
{
    MUST(agenda->count > 0);
    const struct agenda_job first = agenda->jobs[0];
    agenda->jobs[0] = agenda->jobs[--agenda->count];
    for (u32 at = 0;;) {
        u32 least = at;
        for (u32 child = 2 * at + 1; child <= 2 * at + 2 && child < agenda->count; child++)
            if (is_before(&agenda->jobs[child], &agenda->jobs[least]))
                least = child;
        if (least == at)
            return first;
        swap_jobs(agenda, at, least);
        at = least;
    }
}

/* Under the lock: until the first job is due, one is added, or the end. */
static void wait_for_change(struct agenda *agenda)
{
    if (agenda->count == 0) {
        (void)pthread_cond_wait(&agenda->changed, &agenda->lock);
        return;
    }
    const u64 due_ns = agenda->jobs[0].due_ns;
    const struct timespec until = {(time_t)(due_ns / NS_PER_S), (long)(due_ns % NS_PER_S)};
    (void)pthread_cond_timedwait(&agenda->changed, &agenda->lock, &until);
}

static void *run_jobs(void *context)
{
    struct agenda *agenda = context;
    (void)pthread_mutex_lock(&agenda->lock);
    while (!agenda->is_closing) {
        if (agenda->count == 0 || agenda->jobs[0].due_ns > agenda_now_ns()) {
            wait_for_change(agenda);
            continue;
        }
        const struct agenda_job job = pop_job(agenda);
        agenda->running = 1;
        (void)pthread_mutex_unlock(&agenda->lock);
        job.run(job.context, false);
        (void)pthread_mutex_lock(&agenda->lock);
        agenda->running = 0;
    }
    (void)pthread_mutex_unlock(&agenda->lock);
    return NULL;
}

void agenda_open(struct agenda *agenda)
{
    pthread_condattr_t attributes;
    *agenda = (struct agenda){.count = 0};
    (void)pthread_mutex_init(&agenda->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&agenda->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    const int failed = pthread_create(&agenda->thread, NULL, run_jobs, agenda);
    MUST(failed == 0);
}

void agenda_add(struct agenda *agenda, u64 due_ns, agenda_run *run, void *context)
{
    (void)pthread_mutex_lock(&agenda->lock);
    push_job(agenda, (struct agenda_job){due_ns, agenda->added++, run, context});
    (void)pthread_cond_signal(&agenda->changed);
    (void)pthread_mutex_unlock(&agenda->lock);
}

u32 agenda_pending(struct agenda *agenda)
{
    (void)pthread_mutex_lock(&agenda->lock);
    const u32 pending = agenda->count + agenda->running;
    (void)pthread_mutex_unlock(&agenda->lock);
    return pending;
}

void agenda_close(struct agenda *agenda)
{
    (void)pthread_mutex_lock(&agenda->lock);
    agenda->is_closing = true;
    (void)pthread_cond_signal(&agenda->changed);
    (void)pthread_mutex_unlock(&agenda->lock);
    (void)pthread_join(agenda->thread, NULL);
    while (agenda->count > 0) {
        const struct agenda_job job = pop_job(agenda);
        job.run(job.context, true);
    }
    free(agenda->jobs);
    (void)pthread_cond_destroy(&agenda->changed);
    (void)pthread_mutex_destroy(&agenda->lock);
}
