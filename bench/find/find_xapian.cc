/* find_xapian: Xapian as a peer. Its library is C++, and so is this file, alone in the house.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <xapian.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/find/find_peer.h"

struct find_peer {
    std::string path;
    Xapian::WritableDatabase writer;
    Xapian::Database reader;
    Xapian::TermGenerator generator;
    Xapian::Stem stemmer{"english"};
};

extern "C" {

static struct find_peer *xapian_open(void)
{
    char path[] = "/dev/shm/souk-xapian-XXXXXX";
    if (mkdtemp(path) == nullptr)
        return nullptr;
    try {
        auto *peer = new find_peer;
        peer->path = path;
        peer->writer = Xapian::WritableDatabase(peer->path, Xapian::DB_CREATE_OR_OPEN);
        peer->generator.set_stemmer(peer->stemmer);
        peer->generator.set_stemming_strategy(Xapian::TermGenerator::STEM_SOME);
        return peer;
    } catch (const Xapian::Error &error) {
        std::fprintf(stderr, "xapian: %s\n", error.get_description().c_str());
        return nullptr;
    }
}

static void xapian_close(struct find_peer *peer)
{
    const std::string command = "rm -rf '" + peer->path + "'";
    delete peer;
    if (std::system(command.c_str()) != 0)
        std::fprintf(stderr, "xapian: its directory is left behind\n");
}

static int xapian_add(struct find_peer *peer, uint32_t, const char *title)
{
    try {
        Xapian::Document document;
        peer->generator.set_document(document);
        peer->generator.index_text(title);
        peer->writer.add_document(document);
        return 0;
    } catch (const Xapian::Error &error) {
        std::fprintf(stderr, "xapian: %s\n", error.get_description().c_str());
        return -1;
    }
}

static int xapian_finish(struct find_peer *peer)
{
    try {
        peer->writer.commit();
        const std::string compact = peer->path + "/compact";
        peer->writer.compact(compact);
        peer->reader = Xapian::Database(compact);
        return 0;
    } catch (const Xapian::Error &error) {
        std::fprintf(stderr, "xapian: %s\n", error.get_description().c_str());
        return -1;
    }
}

static int xapian_search(struct find_peer *peer, const char *const *words, uint32_t count,
                         bool is_prefix, bool is_phrase, uint32_t hits[10])
{
    try {
        std::vector<Xapian::Query> parts;
        for (uint32_t i = 0; i < count; i++) {
            const std::string word = words[i];
            if (is_phrase)
                parts.emplace_back(word);
            else if (is_prefix && i + 1 == count)
                parts.emplace_back(Xapian::Query::OP_WILDCARD, word, 0,
                                   Xapian::Query::WILDCARD_LIMIT_ERROR /* 0: no limit */);
            else
                parts.emplace_back("Z" + peer->stemmer(word));
        }
        const Xapian::Query query =
            is_phrase ? Xapian::Query(Xapian::Query::OP_PHRASE, parts.begin(), parts.end())
                      : Xapian::Query(Xapian::Query::OP_AND, parts.begin(), parts.end());
        Xapian::Enquire enquire(peer->reader);
        enquire.set_query(query);
        const Xapian::MSet set = enquire.get_mset(0, 10);
        int found = 0;
        for (auto hit = set.begin(); hit != set.end(); ++hit)
            hits[found++] = *hit - 1;
        return found;
    } catch (const Xapian::Error &error) {
        std::fprintf(stderr, "xapian: %s\n", error.get_description().c_str());
        return -1;
    }
}

const struct find_peer_calls *find_peer_xapian(void)
{
    static const struct find_peer_calls calls = {"Xapian",     xapian_open,   xapian_close,
                                                 xapian_add,   xapian_finish, xapian_search};
    return &calls;
}

} /* extern "C" */
