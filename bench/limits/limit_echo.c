/* limit_echo: the bare io_uring echo, the upper limit of any server that answers at all.
 *
 * The ring recipe of the server (bench/common/bench_ring.h): multishot accept and receive into
 * provided buffers, one send per connection and turn, one io_uring_enter per turn. What comes in
 * goes out again, byte for byte; nothing is looked at.
 *
 * Without --seconds it serves until SIGTERM. With --drive it is its own load: a second thread on
 * another processor keeps --inflight messages of --bytes on each of --connections under way, and the
 * program prints messages per second.
 *
 * Connections are never given back: the program ends before that matters.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/common/bench_clock.h"
#include "bench/common/bench_options.h"
#include "bench/common/bench_ring.h"
#include "bench/common/bench_socket.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINK_BYTES   (1u << 20)
#define EVENTS_MAX   1024u
#define RING_ENTRIES 1024u
#define BUFFER_COUNT 512u
#define BUFFER_BYTES (16u << 10)
#define TICK_NS      (100 * NS_PER_MS)

struct echo {
    struct bench_ring ring;
    struct bench_link *links; /* of the driver; the server allocates as it accepts */
    u32 link_count;
    u32 inflight;
    u32 bytes;
    i32 cpu;
    const char *listen_on; /* as asked for */
    char address[128];     /* as it came out */
    u64 messages;          /* driver: answered within the measured time */
    u64 cpu_ns;            /* of the thread, over the measured time */
    bool is_driver;
    bool is_driven; /* the server of --drive: no ready line */
};

static volatile sig_atomic_t is_stopping;
static atomic_bool is_measuring;

static void on_signal(int number)
{
    (void)number;
    is_stopping = 1;
}

static NORETURN void fail(const char *what, int error)
{
    (void)fprintf(stderr, "limit_echo: %s: %s\n", what, strerror(error));
    exit(1);
}

static void send_back(struct bench_link *link, const u8 *data, u32 bytes)
{
    u8 *to = bench_link_room(link, bytes);
    if (to == NULL)
        fail("a client does not read", ENOBUFS);
    memcpy(to, data, bytes);
    bench_link_commit(link, bytes);
}

static void on_event(struct echo *echo, const struct bench_ring_event *event)
{
    if (event->kind == BENCH_RING_ACCEPT && event->result >= 0) {
        struct bench_link *link = aligned_alloc(64, ROUND_UP(sizeof *link, (size_t)64));
        bench_socket_tune(event->result);
        if (link == NULL || bench_link_open(link, event->result, LINK_BYTES, 4096) != 0)
            fail("memory", ENOMEM);
        bench_ring_recv(&echo->ring, link);
    } else if (event->kind == BENCH_RING_SEND) {
        bench_link_sent(&echo->ring, event->link, event->result);
        bench_link_flush(&echo->ring, event->link);
    } else if (event->kind == BENCH_RING_RECV) {
        if (event->has_buffer) {
            send_back(event->link, event->data, (u32)event->result);
            bench_ring_return(&echo->ring, event->buffer);
            if (echo->is_driver && atomic_load_explicit(&is_measuring, memory_order_relaxed))
                echo->messages += (u32)event->result; /* bytes for now */
        } else if (event->result != -ENOBUFS) {
            event->link->is_closed = true;
            return;
        }
        if (event->is_last)
            bench_ring_recv(&echo->ring, event->link);
    }
}

/* Both sides are the same: what comes in goes out again. The driver has only begun it. */
static void *turn(void *argument)
{
    struct echo *echo = argument;
    struct bench_ring_event *events = calloc(EVENTS_MAX, sizeof *events);
    int error = bench_pin(echo->cpu);
    if (error == 0)
        error = bench_ring_open(&echo->ring, RING_ENTRIES, BUFFER_COUNT, BUFFER_BYTES);
    if (error != 0 || events == NULL)
        fail("ring", -error);
    if (echo->is_driver) {
        for (u32 i = 0; i < echo->link_count; i++) {
            bench_ring_recv(&echo->ring, &echo->links[i]);
            bench_link_flush(&echo->ring, &echo->links[i]);
        }
    } else {
        const int listener = bench_listen(echo->listen_on, echo->address, sizeof echo->address);
        if (listener < 0)
            fail(echo->listen_on, -listener);
        bench_ring_accept(&echo->ring, listener);
        if (!echo->is_driven)
            (void)printf("ready %s\n", echo->address);
        (void)fflush(stdout);
    }
    u64 begin_ns = 0;
    while (!is_stopping) {
        const i32 count = bench_ring_turn(&echo->ring, TICK_NS, events, EVENTS_MAX);
        if (count < 0)
            fail("ring", -count);
        for (i32 i = 0; i < count; i++)
            on_event(echo, &events[i]);
        for (i32 i = 0; i < count; i++)
            if (events[i].link != NULL)
                bench_link_flush(&echo->ring, events[i].link);
        if (begin_ns == 0 && atomic_load(&is_measuring))
            begin_ns = bench_thread_cpu_ns();
    }
    echo->cpu_ns = bench_thread_cpu_ns() - begin_ns;
    free(events);
    return NULL;
}

static void open_driver(struct echo *driver, const char *address)
{
    driver->links = calloc(driver->link_count, sizeof *driver->links);
    if (driver->links == NULL)
        fail("memory", ENOMEM);
    for (u32 i = 0; i < driver->link_count; i++) {
        int fd = -1;
        for (u32 attempt = 0; attempt < 100 && (fd = bench_connect(address)) < 0; attempt++)
            (void)usleep(10000);
        if (fd < 0 || bench_link_open(&driver->links[i], fd, LINK_BYTES, 4096) != 0)
            fail(address, -fd);
        const u32 bytes = driver->inflight * driver->bytes;
        u8 *to = bench_link_room(&driver->links[i], bytes);
        if (to == NULL)
            fail("inflight x bytes", ENOBUFS);
        memset(to, 'e', bytes);
        bench_link_commit(&driver->links[i], bytes);
    }
}

static void drive(struct echo *server, struct echo *driver, u32 seconds, bool is_json)
{
    pthread_t threads[2];
    if (pthread_create(&threads[0], NULL, turn, server) != 0)
        fail("thread", EAGAIN);
    (void)usleep(100000);
    open_driver(driver, server->address);
    if (pthread_create(&threads[1], NULL, turn, driver) != 0)
        fail("thread", EAGAIN);
    (void)usleep(300000);
    atomic_store(&is_measuring, true);
    const u64 begin_ns = bench_now_ns();
    (void)sleep(seconds);
    atomic_store(&is_measuring, false);
    const u64 wall_ns = bench_now_ns() - begin_ns;
    is_stopping = 1;
    (void)pthread_join(threads[1], NULL);
    (void)pthread_join(threads[0], NULL);
    const double messages = (double)driver->messages / driver->bytes;
    const double per_s = messages * (double)NS_PER_S / (double)wall_ns;
    (void)printf(
        is_json ? "{\"messages_per_s\":%.0f,\"server_cpu_ns\":%.1f,\"client_cpu_ns\":%.1f}\n"
                : "%.0f messages/s, processor time per message: server %.1f ns, client %.1f ns\n",
        per_s, (double)server->cpu_ns / messages, (double)driver->cpu_ns / messages);
}

int main(int argc, char **argv)
{
    const char *listen_on = "127.0.0.1:0";
    u32 seconds = 0, connections = 50, inflight = 16, bytes = 64;
    i32 cpu = 0, client_cpu = 1;
    bool is_json = false, is_driving = false;
    const struct bench_option table[] = {
        {"listen", BENCH_OPTION_TEXT, &listen_on, "HOST:PORT or path (127.0.0.1:0)"},
        {"seconds", BENCH_OPTION_U32, &seconds, "stop by itself; 0 = at SIGTERM; --drive: 2"},
        {"cpu", BENCH_OPTION_I32, &cpu, "pin to this processor (0); -1 = do not"},
        {"drive", BENCH_OPTION_FLAG, &is_driving, "be the load too, and print the rate"},
        {"client-cpu", BENCH_OPTION_I32, &client_cpu, "processor of the load (1)"},
        {"connections", BENCH_OPTION_U32, &connections, "50"},
        {"inflight", BENCH_OPTION_U32, &inflight, "messages per connection (16)"},
        {"bytes", BENCH_OPTION_U32, &bytes, "per message (64)"},
        {"json", BENCH_OPTION_FLAG, &is_json, "the result as JSON"},
        {NULL, BENCH_OPTION_FLAG, NULL, NULL}};
    bench_options_parse(table, "limit_echo: the bare io_uring echo.", argc, argv);
    if (connections == 0 || inflight == 0 || bytes == 0)
        return 2;
    struct echo server = {.cpu = cpu, .listen_on = listen_on, .is_driven = is_driving};
    (void)signal(SIGTERM, on_signal);
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGALRM, on_signal);
    if (is_driving) {
        struct echo driver = {.cpu = client_cpu,
                              .is_driver = true,
                              .link_count = connections,
                              .inflight = inflight,
                              .bytes = bytes};
        drive(&server, &driver, seconds == 0 ? 2 : seconds, is_json);
        return 0;
    }
    (void)alarm(seconds);
    (void)turn(&server);
    return 0;
}
