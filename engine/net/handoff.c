/* handoff: see handoff.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/net/handoff.h"

#include <string.h>

#include "engine/reactor.h"

void handoff_send(struct reactor *reactor, struct connection *connection)
{
    MUST(connection->state == CONNECTION_STATE_MOVING && connection_is_quiet(connection));
    MUST(connection->move_to != reactor->index);
    const u32 count = buffer_count(&connection->input);
    struct mail *mail = mail_acquire(reactor, count);
    mail->kind = MAIL_KIND_SOCKET;
    mail->fd = connection->fd;
    mail->count = count;
    mail->arrival_ns = connection->mark_count > 0 ? connection->marks[0].arrival_ns : 0;
    mail->connection = connection->is_tcp;
    if (count > 0)
        memcpy(mail->bytes, connection->input.bytes + connection->input.begin, count);
    const u32 to = connection->move_to;
    connection_detach(connection);
    metric_add(&reactor->metrics->connections_moved, 1);
    mail_send(reactor, to, mail);
}

void handoff_receive(struct reactor *reactor, struct mail *mail)
{
    struct connection *connection = connection_open(reactor, mail->fd, mail->connection != 0);
    if (mail->count > 0) {
        struct buffer *input = &connection->input;
        memcpy(buffer_room(&reactor->buffers, input, mail->count), mail->bytes, mail->count);
        input->end += mail->count;
        connection->marks[0] =
            (struct arrival_mark){.end = mail->count, .arrival_ns = mail->arrival_ns};
        connection->mark_count = 1;
        connection_stall(connection); /* served in this turn, before anything new */
    }
    if (reactor->phase >= REACTOR_PHASE_LEAVING)
        connection_end(connection);
    const u32 from = mail->from;
    mail->kind = MAIL_KIND_DONE;
    mail_send(reactor, from, mail);
}
