/* stats_text: see stats_text.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/watch/stats_text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/memory.h"
#include "proto/limits.h"

static const char *const class_names[LATENCY_CLASS_COUNT] = {[LATENCY_CLASS_CONTROL] = "control",
                                                             [LATENCY_CLASS_READ] = "read",
                                                             [LATENCY_CLASS_WRITE] = "write",
                                                             [LATENCY_CLASS_REFUSED] = "refused",
                                                             [LATENCY_CLASS_GATHER] = "gather"};

static void put(json_t *object, const char *name, u64 value)
{
    (void)json_object_set_new(object, name, json_integer((json_int_t)value));
}

static json_t *describe_histogram(const struct histogram *histogram)
{
    json_t *object = json_object();
    const u64 count = metric_read(&histogram->count);
    put(object, "count", count);
    put(object, "mean_ns", count == 0 ? 0 : metric_read(&histogram->sum_ns) / count);
    put(object, "p50_ns", histogram_percentile(histogram, 500));
    put(object, "p90_ns", histogram_percentile(histogram, 900));
    put(object, "p99_ns", histogram_percentile(histogram, 990));
    put(object, "p999_ns", histogram_percentile(histogram, 999));
    put(object, "max_ns", metric_read(&histogram->max_ns));
    return object;
}

static json_t *describe_reactor(const struct metrics *metrics, u32 index)
{
    json_t *object = json_object();
    put(object, "reactor", index);
#define METRIC(name, text) put(object, #name, metric_read(&metrics->name));
#include "engine/watch/metrics.def"
#undef METRIC
    put(object, "connections_open", metric_read(&metrics->connections_open));
    put(object, "buffer_bytes", metric_read(&metrics->buffer_bytes));
    json_t *ring = json_object();
    put(ring, "enters", metric_read(&metrics->ring_enters));
    put(ring, "submissions", metric_read(&metrics->ring_submissions));
    put(ring, "completions", metric_read(&metrics->ring_completions));
    put(ring, "wakes", metric_read(&metrics->ring_wakes));
    put(ring, "overflows", metric_read(&metrics->ring_overflows));
    put(ring, "starved", metric_read(&metrics->ring_starved));
    put(ring, "stalls", metric_read(&metrics->ring_stalls));
    (void)json_object_set_new(object, "ring", ring);
    json_t *latency = json_object();
    for (u32 i = 0; i < LATENCY_CLASS_COUNT; i++)
        (void)json_object_set_new(latency, class_names[i],
                                  describe_histogram(&metrics->latency[i]));
    (void)json_object_set_new(object, "latency", latency);
    return object;
}

static json_t *describe_shard(const struct shard_metrics *metrics, u32 index)
{
    json_t *object = json_object();
    put(object, "shard", index);
#define METRIC(name, text) put(object, #name, metric_read(&metrics->name));
#include "engine/watch/shard_metrics.def"
#undef METRIC
    return object;
}

static json_t *describe_shards(const struct server *server)
{
    json_t *shards = json_array();
    for (u32 i = 0; i < server->shard_count; i++)
        (void)json_array_append_new(shards, describe_shard(&server->shard_metrics[i], i));
    return shards;
}

static char *finish(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    if (text != NULL && strlen(text) > TEXT_BYTES_MAX) {
        free(text);
        text = NULL;
    }
    return text;
}

char *stats_text_info(const struct server *server)
{
    json_t *object = json_object();
    if (object == NULL)
        return NULL;
    char id[40];
    (void)snprintf(id, sizeof id, "%016llx%016llx", (unsigned long long)server->dir.data_id.high,
                   (unsigned long long)server->dir.data_id.low);
    (void)json_object_set_new(object, "server", json_string("soukd"));
    (void)json_object_set_new(object, "version", json_string(SOUK_VERSION));
    (void)json_object_set_new(object, "data_id", json_string(id));
    (void)json_object_set_new(object, "durability",
                              json_string(config_mode_name(server->config.durability)));
    (void)json_object_set_new(object, "listen", json_string(server->address));
    (void)json_object_set_new(object, "unix", json_string(server->config.unix_path));
    (void)json_object_set_new(object, "io_backend", json_string(server->io_backend));
    (void)json_object_set_new(object, "insecure", json_boolean(server->config.is_insecure));
    put(object, "pid", (u64)getpid());
    put(object, "shards", server->shard_count);
    put(object, "reactors", server->reactor_count);
    put(object, "memory_max", server->config.memory_max);
    put(object, "resident_bytes", memory_resident_bytes());
    (void)json_object_set_new(object, "shard", describe_shards(server));
    return finish(object);
}

char *stats_text_stats(const struct server *server)
{
    json_t *object = json_object();
    if (object == NULL)
        return NULL;
    json_t *reactors = json_array();
    for (u32 i = 0; i < server->reactor_count; i++)
        (void)json_array_append_new(reactors, describe_reactor(&server->metrics[i], i));
    (void)json_object_set_new(object, "reactors", reactors);
    (void)json_object_set_new(object, "shards", describe_shards(server));
    return finish(object);
}

void stats_text_release(char *text)
{
    free(text);
}
