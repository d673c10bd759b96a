/* redis_wire: see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/peers/redis_wire.h"

#include "bench/common/bench_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the parser of one connection is. */
struct stream {
    u16 *fifo; /* slots in the order of sending */
    u32 head;
    u32 tail;
    u32 in_frame; /* replies of the frame at the head so far */
    u32 verdicts[REDIS_VERDICTS];
    u32 items; /* of an array, still to come */
    u64 skip;  /* bytes of a bulk and its line end, still to come */
    i64 number;
    bool is_negative;
    u8 kind; /* of the line under way; 0: between lines */
    struct redis_reply reply;
};

int redis_connect(struct load *load)
{
    for (u32 i = 0; i < load->options.connections; i++) {
        struct load_connection *connection = &load->connections[i];
        connection->link.fd = bench_connect(load->options.address);
        if (connection->link.fd < 0)
            return connection->link.fd;
        struct stream *stream = calloc(1, sizeof *stream + load->options.inflight * sizeof(u16));
        if (stream == NULL)
            return -ENOMEM;
        stream->fifo = (u16 *)(void *)(stream + 1);
        connection->state = stream;
    }
    return 0;
}

int redis_call(int fd, const char *command, char *reply, size_t bytes)
{
    int error = bench_send_all(fd, command, strlen(command));
    size_t got = 0;
    u32 lines_wanted = 1, lines = 0;
    while (error == 0 && lines < lines_wanted && got + 1 < bytes) {
        error = bench_recv_all(fd, reply + got, 1);
        if (error != 0)
            break;
        if (got == 0 && reply[0] == '$')
            lines_wanted = 2;
        lines += reply[got++] == '\n';
    }
    reply[got] = 0;
    if (error == 0 && reply[0] == '-') {
        (void)fprintf(stderr, "souk-bench: redis: %s", reply);
        return -EPROTO;
    }
    return error;
}

void redis_sent(struct load *load, struct load_connection *connection, u16 slot)
{
    struct stream *stream = connection->state;
    stream->fifo[stream->tail++ % load->options.inflight] = slot;
}

/* Counts are of whole frames, so that a result that begins anew in the middle of one adds up. */
static bool count_reply(struct load *load, struct load_connection *connection,
                        enum redis_verdict verdict)
{
    static const u16 statuses[REDIS_VERDICTS] = {STATUS_OK, STATUS_SOLD_OUT, STATUS_BAD_ARGUMENT};
    struct stream *stream = connection->state;
    if (stream->head == stream->tail)
        return false;
    stream->verdicts[verdict]++;
    if (++stream->in_frame < load->options.records)
        return true;
    for (u32 i = 0; i < REDIS_VERDICTS; i++)
        load->result->statuses[statuses[i]] += stream->verdicts[i];
    load->result->granted += stream->verdicts[REDIS_GRANTED];
    memset(stream->verdicts, 0, sizeof stream->verdicts);
    stream->in_frame = 0;
    load_answered(load, connection, stream->fifo[stream->head++ % load->options.inflight],
                  load->options.records);
    return true;
}

/* A line, or a bulk after its line, is complete. True when a whole reply is. */
static bool end_item(struct stream *stream)
{
    stream->kind = 0;
    if (stream->items != 0)
        stream->items--;
    return stream->items == 0;
}

/* The line under way has ended. False: nonsense. `is_whole`: and with it a reply. */
static bool end_line(struct stream *stream, bool *is_whole)
{
    const i64 number = stream->is_negative ? -stream->number : stream->number;
    if (stream->items == 0)
        stream->reply = (struct redis_reply){.kind = stream->kind, .number = number};
    *is_whole = false;
    if (stream->kind == '$' && number >= 0) {
        stream->skip = (u64)number + 2;
    } else if (stream->kind == '*' && number > 0) {
        if (stream->items != 0 || number > UINT32_MAX)
            return false;
        stream->items = (u32)number;
        stream->kind = 0;
    } else {
        *is_whole = end_item(stream);
    }
    return true;
}

/* One byte of a line. False: nonsense. */
static bool add_byte(struct stream *stream, u8 byte)
{
    if (stream->kind == 0) {
        stream->kind = byte;
        stream->number = 0;
        stream->is_negative = false;
        return byte == ':' || byte == '*' || byte == '$' || byte == '-' || byte == '+';
    }
    if (stream->kind == '-' || stream->kind == '+' || byte == '\r')
        return true;
    if (byte == '-')
        stream->is_negative = true;
    else if (byte >= '0' && byte <= '9' && stream->number < INT64_MAX / 16)
        stream->number = stream->number * 10 + (byte - '0');
    else
        return false;
    return true;
}

bool redis_read(struct load *load, struct load_connection *connection, const u8 *data, u32 bytes,
                redis_judge *judge)
{
    struct stream *stream = connection->state;
    for (u32 i = 0; i < bytes;) {
        bool is_whole = false;
        if (stream->skip != 0) {
            const u64 part = MIN(stream->skip, (u64)(bytes - i));
            stream->skip -= part;
            i += (u32)part;
            is_whole = stream->skip == 0 && end_item(stream);
        } else if (data[i++] != '\n' || stream->kind == 0) {
            if (!add_byte(stream, data[i - 1]))
                return false;
        } else if (!end_line(stream, &is_whole)) {
            return false;
        }
        if (is_whole && !count_reply(load, connection, judge(load, &stream->reply)))
            return false;
    }
    return true;
}
