/* fields of the control and session operations. F(type, name, text) is a field, Z(type, name) a
 * reserved one that must be zero, S(name, bytes_max, text) a span. See proto/messages.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_FIELDS_CONTROL_H
#define SOUK_PROTO_FIELDS_CONTROL_H

#define HELLO_REQ(F, Z, S)                                                           \
    F(u16, version_min, "lowest protocol version that the caller speaks")            \
    F(u16, version_max, "highest one")                                               \
    F(u16, want_shard, "the connection will mostly talk to this shard; 65535 = any") \
    Z(u16, zero0)                                                                    \
    F(u64, features, "feature bits of the caller; none are defined yet")             \
    S(agent, AGENT_BYTES_MAX, "name and version of the calling program, for the server's log")
#define HELLO_RSP(F, Z, S)                                                                        \
    F(u16, version, "protocol version to use")                                                    \
    F(u16, shard_count, "shards of this data directory; see proto/route.h")                       \
    F(u16, reactor_count, "reactors of this server; shard i runs on reactor i mod reactor_count") \
    F(u16, durability, "0 durable, 1 async, 2 none")                                              \
    F(u64, features, "feature bits that both sides have")                                         \
    F(id128, data_id, "random id that the data directory was formatted with")                     \
    F(u64, time_ns, "wall clock of the server, ns since 1970")                                    \
    F(u32, frame_bytes_max, "longest frame accepted")                                             \
    F(u32, frame_records_max, "most records in a frame")                                          \
    F(u32, window_frames, "most unacknowledged frames of a session on a shard")                   \
    Z(u32, zero0)                                                                                 \
    F(u64, session_reply_bytes_max, "most bytes of kept replies of a session on a shard")         \
    F(u64, grant_retention_ms, "how long finished holds and allocations are remembered")          \
    S(server, AGENT_BYTES_MAX, "name and version of the server")

#define PING_REQ(F, Z, S) F(u64, echo, "any number")
#define PING_RSP(F, Z, S) F(u64, echo, "the same number")

#define INFO_REQ(F, Z, S) Z(u64, zero0)
#define INFO_RSP(F, Z, S)                           \
    F(u64, uptime_ns, "since the server was ready") \
    S(text, TEXT_BYTES_MAX, "a JSON object")

#define STATS_REQ(F, Z, S) Z(u64, zero0)
#define STATS_RSP(F, Z, S)                          \
    F(u64, uptime_ns, "since the server was ready") \
    S(text, TEXT_BYTES_MAX, "a JSON object")

#define VERIFY_REQ(F, Z, S) Z(u64, zero0)
#define VERIFY_RSP(F, Z, S)                                                    \
    F(id128, digest, "of the whole logical state; equal after replay")         \
    F(u64, violations, "sums that do not agree; 0 on a sound shard")           \
    F(u64, resource_count, "SKUs and other resources")                         \
    F(u64, hold_count, "open holds")                                           \
    F(u64, allocation_count, "open named allocations")                         \
    F(u64, tombstone_count, "finished holds and allocations still remembered") \
    F(u64, product_count, "products that are not deleted")                     \
    F(u64, session_count, "sessions known")                                    \
    F(i64, on_hand, "sum over all resources")                                  \
    F(i64, unavailable, "sum")                                                 \
    F(i64, held, "sum")                                                        \
    F(i64, allocated, "sum")                                                   \
    F(i64, received, "sum")                                                    \
    F(i64, shipped, "sum")                                                     \
    F(i64, returned, "sum, sellable and damaged")                              \
    F(i64, adjusted, "sum, with the changes made by stock_set")                \
    F(i64, written_off, "sum")                                                 \
    S(first, ATTRIBUTES_BYTES_MAX, "the first violations in words; empty on a sound shard")

#define SESSION_OPEN_REQ(F, Z, S) Z(u64, zero0)
#define SESSION_OPEN_RSP(F, Z, S)                       \
    F(u32, window_frames, "most unacknowledged frames") \
    Z(u32, zero0)                                       \
    F(u64, reply_bytes_max, "most bytes of kept replies")

#endif
