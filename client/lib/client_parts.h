/* client_parts: what a souk_client is made of, and how its files share the work.
 *
 *      client.c        souk_open, souk_close, calls, polling: who leads, who waits
 *      client_turn.c   one turn of the leader: connect, send, wait, receive
 *      client_poller.c reads that stay parked at every shard until a command is ready
 *
 * What is made of calls and knows nothing of this: client_composed.c, client_view.c.
 *
 * Leader and followers: the thread that finds no leader becomes it and does the receiving for all;
 * the others wait, each on its own condition, until their call is done or the lead is free. Sending
 * is done by whoever has something to send; while a thread sends, it has given the lock away and
 * its connection is marked, so what others queue meanwhile leaves together in its next round.
 *
 * Invariants
 *   L1  `lock` guards everything; it is released only around send, epoll_wait and callbacks.
 *   L2  one leader at a time; if there are waiters and no leader, one of them has been woken.
 *   L3  a connection that is sending is taken down only by the thread that sends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_PARTS_H
#define SOUK_CLIENT_PARTS_H

#include <pthread.h>

#include "client/lib/core.h"
#include "client/lib/link.h"

/* What epoll reports: a link by its index, or one of these. */
#define TAG_EVENT_FD 1000u
#define TAG_TIMER_FD 1001u

enum client_call_flag {
    CLIENT_CALL_BLOCKING = 1 << 0,
    CLIENT_CALL_OWN_REPLIES = 1 << 1, /* the library frees texts and replies */
    CLIENT_CALL_TEXTS = 1 << 2,       /* the replies end with the memory of their texts */
    CLIENT_CALL_WATCH = 1 << 3 /* a struct client_watch: all who wait for its poller hear of it */
};

struct waiter {
    struct waiter *next;
    struct waiter *prev;
    pthread_cond_t condition;
    const struct client_poller *poller; /* what it waits for, or NULL */
    bool is_woken;                      /* a watch of that poller has ended */
};

struct blocking_call {
    struct core_call call; /* first: the core hands back a pointer to it */
    bool is_done;
    struct waiter *waiter;
};

/* A command_wait that is parked at a shard, whoever began it. */
struct client_watch {
    struct core_call call; /* first */
    struct client_poller *poller;
    struct souk_command_wait_reply reply;
    u64 again_ns; /* not before: a server that does not let it wait is not to be flooded */
    u64 ready;    /* what it told, until somebody takes it */
    int error;    /* likewise */
    u16 status;   /* likewise */
    bool is_out;
};

/* All watches of one group and kinds. Lives until souk_close. */
struct client_poller {
    struct client_poller *next;
    u32 group;
    u32 kinds;
    u16 turn; /* shard that is asked first next time */
    struct client_watch watches[SHARDS_MAX];
};

struct async_call {
    struct core_call call; /* first */
    u8 *more_replies;      /* of a batch without memory of the caller */
    u8 reply[CORE_REPLY_SIZE_MAX] __attribute__((aligned(8)));
};
STATIC_CHECK(offsetof(struct async_call, call) == 0);
STATIC_CHECK(offsetof(struct blocking_call, call) == 0);
STATIC_CHECK(offsetof(struct client_watch, call) == 0);

struct client_link {
    int fd;
    bool is_broken;   /* to be taken down by the thread that sends */
    bool wants_write; /* the socket was full */
    bool is_armed;    /* epoll reports when it can be written to */
};

struct souk_client {
    pthread_mutex_t lock;
    struct core core;
    struct link_target target;
    struct client_link links[REACTORS_MAX];
    int epoll_fd;
    int event_fd;
    int timer_fd;
    bool has_leader;
    bool is_watched;      /* the caller has souk_fd: keep it readable when there is work */
    u64 leader_until_ns;  /* when the leader wakes by itself */
    u64 timer_ns;         /* what timer_fd is set to */
    u64 unpumped_bytes;   /* of async calls since the last pump */
    u32 connect_failures; /* since the last success */
    struct waiter *waiters;
    struct core_call *callbacks_head;
    struct core_call *callbacks_tail;
    struct core_call *pool;
    struct client_poller *pollers;
    u64 open_calls;
    u32 connect_timeout_ms;
    u64 queue_bytes_max;
    char error[SOUK_ERROR_TEXT_MAX];
};

u64 client_now_ns(void);
void client_set_error(struct souk_client *client, const char *form, ...) PRINTF(2, 3);

/* Joins those who wait, and leaves them: somebody else leads then. The lock is held. */
void client_enlist(struct souk_client *client, struct waiter *waiter);
void client_leave(struct souk_client *client, struct waiter *waiter);
/* Waits, as the leader or behind it, until *is_done or until_ns, and runs callbacks that are due. The
 * lock is held, but not throughout. */
void client_await(struct souk_client *client, struct waiter *waiter, const bool *is_done,
                  u64 until_ns);

/* Pumps and sends what can be sent, on any thread. */
void client_send_all(struct souk_client *client, bool is_flush);
/* Moves ended calls to where they are waited for. */
void client_collect(struct souk_client *client);
/* One turn of the leader; waits until `until_ns` at most, not at all when *is_done or when callbacks
 * wait. A turn without `is_done` is that of a poll: it sends what gathers, too. */
void client_turn(struct souk_client *client, u64 until_ns, const bool *is_done);
/* Closes the socket of a link, or has its sender do so. */
void client_drop_link(struct souk_client *client, u16 index);
/* Wakes the leader, or the one who watches souk_fd. */
void client_notify(struct souk_client *client);
/* Sets the timer of souk_fd, if it is watched. */
void client_set_timer(struct souk_client *client);

/* A watch has ended: notes what it told and wakes who waits for it. The lock is held. */
void client_watch_ended(struct souk_client *client, struct client_watch *watch);
void client_free_pollers(struct souk_client *client);

#endif
