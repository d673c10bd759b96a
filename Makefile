# Souk: build, test, measure. `make help` lists the targets.
# Flat on purpose: every room is a wildcard, so a new file needs no line here.

VERSION   := 0.1.0
BUILD     ?= build
CC        ?= gcc
WERROR    ?= 1
SOUK_DATA ?= ../shared/data
export SOUK_DATA
PREFIX    ?= /usr/local
DESTDIR   ?=
V         ?= 0
Q         := $(if $(filter 1,$(V)),,@)

ifeq ($(origin CC),default)
CC := gcc
endif

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wswitch-enum -Wundef -Wvla -Wcast-qual $(if $(filter 1,$(WERROR)),-Werror)
OPT      ?= -O2 -g
HARDEN   ?= -fstack-protector-strong -D_FORTIFY_SOURCE=2
EXTRA    ?=
PIC      ?= -fPIC
JEMALLOC ?= 1
CFLAGS   := -std=c11 -D_GNU_SOURCE -DSOUK_VERSION='"$(VERSION)"' -I. -I$(BUILD)/include $(WARNINGS) \
            $(OPT) $(HARDEN) $(PIC) -fvisibility=hidden -fno-omit-frame-pointer -pthread \
            $(if $(filter 1,$(JEMALLOC)),,-DSOUK_NO_JEMALLOC) $(EXTRA)
LDFLAGS  := -pthread -Wl,-z,relro,-z,now $(EXTRA)

# What each room is made of, and what it may be linked with.
SRC_proto  := $(wildcard proto/*.c)
SRC_shards := $(wildcard shards/*.c shards/*/*.c)
SRC_engine := $(filter-out engine/main.c,$(wildcard engine/*.c engine/*/*.c))
SRC_client := $(wildcard client/lib/*.c)
SRC_cli    := $(wildcard client/cli/*.c)
# The PostgreSQL peer needs libpq, which only `make bench-deps` installs: without it, a stand-in.
LIBPQ      := $(shell pkg-config --cflags --libs libpq 2>/dev/null)
SRC_bench  := $(wildcard bench/*.c) $(if $(LIBPQ),$(wildcard bench/peers/*.c),\
              $(filter-out bench/peers/postgres_checkout.c,$(wildcard bench/peers/*.c bench/peers/absent/*.c)))
SRC_bench_common := $(wildcard bench/common/*.c)
SRC_limits := $(wildcard bench/limits/*.c)
SRC_micro  := $(wildcard bench/micro/*.c)
# The payment worker needs libcurl: without it, it is left out.
LIBCURL    := $(shell pkg-config --libs libcurl 2>/dev/null)
SRC_example:= $(filter-out $(if $(LIBCURL),,client/examples/payment_worker.c),$(wildcard client/examples/*.c))
SRC_support:= $(wildcard tests/support/*.c)
LIBS_shards := -llz4 -lstemmer -lutf8proc
LIBS_engine := -luring $(if $(filter 1,$(JEMALLOC)),-ljemalloc) -ljansson $(LIBS_shards)
LIBS_cli    := -ljansson -ledit
LIBS_bench  := -luring -ljansson -lm $(filter -l% -L%,$(LIBPQ))

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIB_proto   := $(BUILD)/libproto.a
LIB_shards  := $(BUILD)/libshards.a
LIB_engine  := $(BUILD)/libengine.a
LIB_client  := $(BUILD)/libsouk.a
LIB_client_so := $(BUILD)/libsouk.so
LIB_bench   := $(BUILD)/libbench.a

.PHONY: all
all: $(BUILD)/soukd $(BUILD)/souk $(BUILD)/souk-bench $(LIB_client) $(LIB_client_so) examples limits ## build everything (default)
.DEFAULT_GOAL := all
.SECONDARY:

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	@$(if $(filter 1,$(V)),,echo "  CC    $<")
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

define archive
	@mkdir -p $(@D)
	@$(if $(filter 1,$(V)),,echo "  AR    $@")
	$(Q)rm -f $@ && ar rcs $@ $^
endef
define link
	@mkdir -p $(@D)
	@$(if $(filter 1,$(V)),,echo "  LD    $@")
	$(Q)$(CC) -o $@
endef

$(LIB_proto):  $(call obj,$(SRC_proto))
	$(archive)
$(LIB_shards): $(call obj,$(SRC_shards))
	$(archive)
$(LIB_engine): $(call obj,$(SRC_engine))
	$(archive)
$(LIB_client): $(call obj,$(SRC_client) $(SRC_proto))
	$(archive)
$(LIB_bench):  $(call obj,$(SRC_bench_common))
	$(archive)
$(LIB_client_so): $(call obj,$(SRC_client) $(SRC_proto)) client/lib/souk.map
	$(link) -shared -Wl,-soname,libsouk.so.0 -Wl,--version-script=client/lib/souk.map $(filter %.o,$^) $(LDFLAGS)

$(BUILD)/soukd: $(call obj,engine/main.c) $(LIB_engine) $(LIB_shards) $(LIB_proto)
	$(link) $^ $(LDFLAGS) $(LIBS_engine)
$(BUILD)/souk: $(call obj,$(SRC_cli)) $(LIB_client)
	$(link) $^ $(LDFLAGS) $(LIBS_cli)
# libpq-found: it was not there when this was linked last.
$(BUILD)/souk-bench: $(call obj,$(SRC_bench)) $(LIB_bench) $(LIB_proto) \
    $(if $(LIBPQ),$(if $(wildcard $(BUILD)/obj/bench/peers/postgres_checkout.o),,libpq-found))
	$(link) $(filter %.o %.a,$^) $(LDFLAGS) $(LIBS_bench)
.PHONY: libpq-found
$(BUILD)/obj/bench/peers/postgres_checkout.o: CFLAGS += $(filter -I%,$(LIBPQ))
$(BUILD)/obj/bench/peers/postgres_checkout.o: $(BUILD)/include/postgres_sql.inc
$(BUILD)/include/postgres_sql.inc: bench/peers/postgres.sql
	@mkdir -p $(@D)
	$(Q)od -An -v -tx1 $< | sed 's/ \(..\)/0x\1,/g' > $@
# Preloaded into a server whose allocations are counted.
$(BUILD)/alloc_hook.so: $(BUILD)/obj/bench/hook/alloc_hook.o
	$(link) -shared $^ $(LDFLAGS) -ldl

.PHONY: examples limits micro
# What the state machines get memory from in programs that are not the server.
PLAIN_MEMORY := $(BUILD)/obj/tests/support/plain_memory.o
# As an installed header: #include <souk.h>.
$(BUILD)/obj/client/examples/%.o: CFLAGS += -Iclient/lib
examples: $(patsubst client/examples/%.c,$(BUILD)/examples/%,$(SRC_example))
$(BUILD)/examples/%: $(BUILD)/obj/client/examples/%.o $(LIB_client)
	$(link) $^ $(LDFLAGS) $(LIBS_example)
$(BUILD)/examples/payment_worker: $(call obj,$(wildcard client/examples/payment/*.c))
$(BUILD)/examples/payment_worker: LIBS_example := $(LIBCURL) -ljansson
limits: $(patsubst bench/limits/%.c,$(BUILD)/limits/%,$(SRC_limits))
$(BUILD)/limits/%: $(BUILD)/obj/bench/limits/%.o $(LIB_bench) $(LIB_proto)
	$(link) $(filter %.o,$^) $(LIB_bench) $(LIB_proto) $(LIB_bench) $(LDFLAGS) -luring -llz4
micro: $(patsubst bench/micro/%.c,$(BUILD)/micro/%,$(SRC_micro))
# Searches: catalogs that grow, and the peers if they are installed (`make bench-deps`); Xapian's library is C++.
FIND_PEERS := $(shell pkg-config --exists sqlite3 xapian-core && command -v $(CXX) > /dev/null && pkg-config --libs sqlite3 xapian-core)
FIND_OBJ   := $(call obj,bench/find/grow.c tests/support/feeder.c tests/support/gather_loop.c) \
              $(if $(FIND_PEERS),$(call obj,bench/find/find_fts5.c) $(BUILD)/obj/bench/find/find_xapian.o,\
              $(call obj,bench/find/absent/find_peers_absent.c))
$(BUILD)/obj/bench/find/find_xapian.o: bench/find/find_xapian.cc bench/find/find_peer.h
	@mkdir -p $(@D)
	@$(if $(filter 1,$(V)),,echo "  CXX   $<")
	$(Q)$(CXX) -I. -Wall -Wextra $(OPT) $(PIC) -c $< -o $@
$(BUILD)/micro/micro_recommend: $(call obj,tests/support/feeder.c tests/support/gather_loop.c)
$(BUILD)/micro/micro_slice: $(call obj,bench/find/grow.c tests/support/feeder.c)
$(BUILD)/micro/micro_search: $(FIND_OBJ)
$(BUILD)/micro/micro_search: LIBS_engine += $(FIND_PEERS) $(if $(FIND_PEERS),-lstdc++) -lm
$(BUILD)/micro/%: $(BUILD)/obj/bench/micro/%.o $(BUILD)/obj/tests/support/plain_panic.o $(PLAIN_MEMORY) $(LIB_engine) $(LIB_shards) $(LIB_proto)
	$(link) $(filter %.o,$^) $(filter %.a,$^) $(LDFLAGS) $(LIBS_engine)

# Unit tests: tests/unit/<room>/test_x.c is one program, linked with its room and the rooms below.
# tests/support/test_panic.c turns a failed MUST into a mock assertion of CMocka.
UNIT_SRC := $(wildcard tests/unit/*/test_*.c tests/unit/*/*/test_*.c)
UNIT_BIN := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(UNIT_SRC))
TEST_PANIC := $(BUILD)/obj/tests/support/test_panic.o
# Shards in one process, with the mail between them, and gathers over them: for whoever calls them.
LIB_test   := $(BUILD)/libtest.a
$(LIB_test): $(call obj,tests/town/town.c tests/support/gather_loop.c tests/support/feeder.c)
	$(archive)

$(BUILD)/tests/unit/proto/%:  $(BUILD)/obj/tests/unit/proto/%.o $(TEST_PANIC) $(LIB_proto)
	$(link) $^ $(LDFLAGS) -lcmocka
$(BUILD)/tests/unit/shards/%: $(BUILD)/obj/tests/unit/shards/%.o $(TEST_PANIC) $(PLAIN_MEMORY) $(LIB_test) $(LIB_shards) $(LIB_proto)
	$(link) $^ $(LDFLAGS) $(LIBS_shards) -lcmocka
# Orders live on several shards with mail between them.
$(BUILD)/tests/unit/shards/test_order_%: $(BUILD)/obj/tests/unit/shards/test_order_%.o $(BUILD)/obj/tests/town/town.o $(TEST_PANIC) $(PLAIN_MEMORY) $(LIB_shards) $(LIB_proto)
	$(link) $^ $(LDFLAGS) $(LIBS_shards) -lcmocka
$(BUILD)/tests/unit/engine/%: $(BUILD)/obj/tests/unit/engine/%.o $(TEST_PANIC) $(LIB_engine) $(LIB_shards) $(LIB_proto)
	$(link) $^ $(LDFLAGS) $(LIBS_engine) -lcmocka
# These bring operations with test meanings of their own, which come before those of the archives.
$(BUILD)/tests/unit/engine/test_post $(BUILD)/tests/unit/engine/test_park $(BUILD)/tests/unit/engine/test_inquiry $(BUILD)/tests/unit/shards/test_mail: LDFLAGS += -Wl,-z,muldefs
$(BUILD)/tests/unit/client/%: $(BUILD)/obj/tests/unit/client/%.o $(LIB_client)
	$(link) $^ $(LDFLAGS) -lcmocka
$(BUILD)/tests/unit/cli/%: $(BUILD)/obj/tests/unit/cli/%.o $(filter-out %/main.o,$(call obj,$(SRC_cli))) $(LIB_client)
	$(link) $^ $(LDFLAGS) $(LIBS_cli) -lcmocka

.PHONY: unit
unit: $(UNIT_BIN) ## run the unit tests
	$(Q)for t in $(UNIT_BIN); do $$t || exit 1; done

# ---- what stands around the code ----------------------------------------------------------------

.PHONY: deps bench-deps
deps: ## install the Debian packages that are missing
	@sh .ci/deps.sh build
bench-deps: ## install the peers that `make bench` compares with
	@sh .ci/deps.sh bench

BASE ?= HEAD
BENCH_OPTIONS ?=
.PHONY: bench bench-micro bench-compare
bench: $(BUILD)/soukd $(BUILD)/souk-bench $(BUILD)/alloc_hook.so limits micro ## measure everything, judge every gate (BENCH_OPTIONS=...; text and JSON in build/bench/)
	$(Q)$(BUILD)/souk-bench run --out $(BUILD)/bench $(BENCH_OPTIONS)
bench-micro: micro ## the state machine and its containers, in-core
	$(Q)for m in $(patsubst bench/micro/%.c,$(BUILD)/micro/%,$(SRC_micro)); do echo "== $$m"; $$m || exit 1; done
bench-compare: $(BUILD)/soukd $(BUILD)/souk-bench ## this tree against another commit, interleaved (BASE=ref)
	$(Q)CC=$(CC) sh bench/compare.sh $(BUILD) $(BASE) $(BENCH_OPTIONS)

# Searches without pause beside takes at a fixed rate.
$(BUILD)/search-load: $(call obj,bench/tail/search_load.c bench/find/grow.c) $(LIB_client) $(LIB_proto)
	$(link) $(filter %.o %.a,$^) $(LDFLAGS)
.PHONY: bench-tail
bench-tail: $(BUILD)/soukd $(BUILD)/souk-bench $(BUILD)/search-load ## what searches do to the tail of reservations (PRODUCTS= ROUNDS= RATE=)
	$(Q)sh bench/tail/tail.sh $(BUILD)

.PHONY: debug
debug: ## -O0 -g3, every CHECK on, in $(BUILD)-debug
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)-debug OPT="-O0 -g3 -DSOUK_CHECKS" HARDEN= all

.PHONY: format format-check lint
format: ## apply clang-format
	$(Q)git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i
format-check: ## does clang-format agree with every file?
	$(Q)git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format --dry-run -Werror
lint: ## layers, purity, banned functions, sizes, headers alone
	$(Q)CC=$(CC) sh tests/lint/lint.sh $(BUILD)/lint

DOC_FILES := docs/protocol.md docs/errors.md docs/operations.md docs/orders.md docs/man/soukd.1
.PHONY: docs docs-check
$(BUILD)/print_docs: $(BUILD)/obj/docs/gen/print_docs.o $(BUILD)/obj/tests/support/plain_panic.o $(LIB_proto)
	$(link) $^ $(LDFLAGS)
$(BUILD)/souk_header: $(BUILD)/obj/client/lib/gen/souk_header.o $(LIB_proto)
	$(link) $^ $(LDFLAGS)
docs: $(BUILD)/print_docs $(BUILD)/souk_header ## print the tables of the documents from the .def files
	$(Q)docs/gen/splice.sh $(BUILD)/print_docs $(DOC_FILES)
	$(Q)$(BUILD)/souk_header client/lib/souk.h > $(BUILD)/souk.h && \
	    { cmp -s $(BUILD)/souk.h client/lib/souk.h || cp $(BUILD)/souk.h client/lib/souk.h; }
docs-check: $(BUILD)/print_docs $(BUILD)/souk_header ## are those tables current?
	$(Q)docs/gen/splice.sh $(BUILD)/print_docs --check $(DOC_FILES)
	$(Q)$(BUILD)/souk_header --check client/lib/souk.h

# ---- test and check -----------------------------------------------------------------------------

JOBS ?= $(shell nproc)
# Rooms that have more than unit tests name their target here: TEST_TARGETS for `make test` (all of it
# under a minute once built), CHECK_TARGETS for `make check`.
TEST_TARGETS  ?=
CHECK_TARGETS ?=

.PHONY: unit-build test check
unit-build: $(UNIT_BIN)
test: ## what every change must pass: unit, table, golden and model tests, fuzz corpora
	$(Q)sh .ci/deps.sh build
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all unit-build
	$(Q)$(MAKE) --no-print-directory unit
	$(Q)for t in $(TEST_TARGETS); do $(MAKE) --no-print-directory $$t || exit 1; done
	@echo "make test: all passed"
check: ## the rest of what .ci/run runs: lint, second compiler, sanitizers, integration, crash, fuzz
	$(Q)sh .ci/deps.sh check
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all
	$(Q)for t in format-check lint docs-check install-check $(CHECK_TARGETS) build-clang test-asan; do \
	    echo "== $$t"; $(MAKE) --no-print-directory -j$(JOBS) CLANG_BUILDS=all $$t || exit 1; done
	@echo "make check: all passed"

SANITIZED := HARDEN= JEMALLOC=0 OPT="-O1 -g -DSOUK_CHECKS"
.PHONY: build-clang test-asan test-ubsan test-tsan test-valgrind
CLANG_BUILDS ?= all unit-build
build-clang: ## everything with clang, no warnings (make check: without the unit tests)
	$(Q)$(MAKE) --no-print-directory CC=clang BUILD=$(BUILD)-clang $(CLANG_BUILDS)
test-asan: ## unit tests with address and undefined behaviour sanitizers, CHECK on
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)-asan $(SANITIZED) EXTRA="-fsanitize=address,undefined -fno-sanitize-recover=undefined" unit-build unit
test-ubsan: ## unit tests with the undefined behaviour sanitizer alone
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)-ubsan $(SANITIZED) EXTRA="-fsanitize=undefined -fno-sanitize-recover=undefined" unit-build unit
test-tsan: ## unit tests with the thread sanitizer
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)-tsan $(SANITIZED) EXTRA="-fsanitize=thread" unit-build unit
test-valgrind: ## unit tests under valgrind
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)-valgrind $(SANITIZED) unit-build
	$(Q)for t in $(patsubst $(BUILD)/%,$(BUILD)-valgrind/%,$(UNIT_BIN)); do \
	    valgrind -q --error-exitcode=1 --leak-check=full $$t || exit 1; done

.PHONY: demo
demo: ## install what is missing, build, run a generated shop and a flash sale (DATA=FILE: real sales)
	$(Q)sh .ci/deps.sh build
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) $(BUILD)/soukd $(BUILD)/souk
	$(Q)sh tests/demo/demo.sh $(BUILD) $(DATA)

# ---- relevance ------------------------------------------------------------------------------------

# Real searches against plain BM25, on real catalogs and on one of invented words.
.PHONY: relevance relevance-short
$(BUILD)/relevance: $(call obj,$(wildcard tests/relevance/*.c) client/cli/csv.c tests/support/feeder.c tests/support/gather_loop.c \
    tests/support/plain_panic.c) $(PLAIN_MEMORY) $(LIB_shards) $(LIB_proto)
	$(link) $^ $(LDFLAGS) $(LIBS_shards) -lm
relevance: $(BUILD)/relevance ## do searches find what was meant? every query, against plain BM25, with gates (SHARDS=2)
	$(Q)$(BUILD)/relevance --shards $(or $(SHARDS),2)
relevance-short: $(BUILD)/relevance ## the same with 1,500 queries of each set
	$(Q)$(BUILD)/relevance --queries 1500
CHECK_TARGETS += relevance-short

# Searches against an oracle that looks at every document (tests/find).
QUERIES ?= 100000
$(BUILD)/find_check: $(call obj,$(wildcard tests/find/*.c) tests/relevance/relevance_sets.c client/cli/csv.c tests/support/feeder.c \
    tests/support/gather_loop.c tests/support/plain_panic.c) $(PLAIN_MEMORY) $(LIB_shards) $(LIB_proto)
	$(link) $^ $(LDFLAGS) $(LIBS_shards)
.PHONY: find-check find-long
find-check: $(BUILD)/find_check ## searches against an oracle, on real and on random catalogs: a few thousand questions
	$(Q)$<
find-long: $(BUILD)/find_check ## the same, QUERIES=100000 (SEED=)
	$(Q)$< --queries $(QUERIES) $(if $(SEED),--seed $(SEED))
CHECK_TARGETS += find-check

# ---- model, golden vectors, fuzzing ---------------------------------------------------------------

# The state machines against a second, plain implementation of docs/stock.md.
OPS  ?= 20000000
SEED ?=
MODEL_OBJ := $(call obj,$(wildcard tests/model/model*.c))
$(BUILD)/tests/model/model-test: $(call obj,$(wildcard tests/model/*.c)) $(BUILD)/obj/tests/support/plain_panic.o $(PLAIN_MEMORY) $(LIB_shards) $(LIB_proto)
	$(link) $^ $(LDFLAGS) $(LIBS_shards)
$(BUILD)/tests/golden/golden: $(BUILD)/obj/tests/golden/golden.o $(BUILD)/obj/tests/support/plain_panic.o $(LIB_proto)
	$(link) $^ $(LDFLAGS)

.PHONY: model model-short golden
model: $(BUILD)/tests/model/model-test ## shard against model, OPS=20000000 records (SEED= to repeat one)
	$(Q)$< --ops $(OPS) $(if $(SEED),--seed $(SEED))
	$(Q)$< --ops $(OPS) --shards 3 $(if $(SEED),--seed $(SEED))
	$(Q)$< --counters yes
model-short: $(BUILD)/tests/model/model-test
	$(Q)$< --seed 1 --ops 1500000
	$(Q)$< --seed 2 --ops 500000 --shards 3
	$(Q)$< --seed 3 --ops 500000 --mutate all
golden: $(BUILD)/tests/golden/golden ## do frames, batches and routes still have their bytes?
	$(Q)$< tests/golden

# Real sales: hidden products of baskets, looked for among the recommendations for the others.
$(BUILD)/tests/recommend/recommend_check: $(call obj,$(wildcard tests/recommend/*.c) tests/support/feeder.c tests/support/gather_loop.c) $(BUILD)/obj/tests/support/plain_panic.o $(PLAIN_MEMORY) $(LIB_shards) $(LIB_proto)
	$(link) $^ $(LDFLAGS) $(LIBS_shards) -lm
.PHONY: recommend-check
recommend-check: $(BUILD)/tests/recommend/recommend_check ## recommendations on real sales against exact counts and popularity; cancelled orders leave no trace (SEED=1)
	$(Q)sales=$(SOUK_DATA)/online-retail-2010-12-to-2011-08.csv.xz; \
	    if [ ! -r $$sales ]; then echo "recommend-check: SKIPPED, there is no $$sales"; exit 0; fi; \
	    xz -dc $$sales | $< --shards 4 --seed $(or $(SEED),1)
CHECK_TARGETS += recommend-check

# Many shards in one thread, with mail between them and a bank that nothing can be relied on.
ORDERS ?= 1000000
TOWN_OBJ := $(call obj,$(wildcard tests/town/town.c tests/town/b*.c tests/town/shop*.c))
$(BUILD)/tests/town/%: $(BUILD)/obj/tests/town/%.o $(TOWN_OBJ) $(BUILD)/obj/tests/support/plain_panic.o $(PLAIN_MEMORY) $(LIB_shards) $(LIB_proto)
	$(link) $^ $(LDFLAGS) $(LIBS_shards)
.PHONY: payments payments-short
payments: $(BUILD)/tests/town/payments ## ORDERS=1000000 checkouts over a bank that loses, delays and doubles answers (SEED=)
	$(Q)$< --orders $(ORDERS) --seed $(or $(SEED),1)
payments-short: $(BUILD)/tests/town/payments
	$(Q)$< --orders 10000 --seed 1
.PHONY: crash-steps crash-seeds
crash-steps: $(BUILD)/tests/town/steps ## the power cut before and after every step of an order (ROUNDS= seeds per step)
	$(Q)$< --seeds tests/town/steps.seeds --per-line $(or $(ROUNDS),1)
crash-seeds: $(BUILD)/tests/town/steps ## look anew for seeds that take every step, and keep them
	$(Q)$< --write tests/town/steps.seeds --limit 20000

TEST_TARGETS  += payments-short
CHECK_TARGETS += crash-steps

# A real server, many threads of libsouk, and a provider in the process.
RACES_OBJ := $(call obj,tests/races/market.c tests/races/provider.c tests/town/books.c)
$(BUILD)/tests/races/%: $(BUILD)/obj/tests/races/%.o $(RACES_OBJ) $(LIB_client)
	$(link) $^ $(LDFLAGS)
.PHONY: races races-short baskets baskets-short
races: $(BUILD)/soukd $(BUILD)/tests/races/races ## shoppers, workers, webhooks and the shop at the same moment: ROUNDS=400 SEED=
	$(Q)SOUKD=$(BUILD)/soukd $(BUILD)/tests/races/races --rounds $(or $(ROUNDS),400) --seed $(or $(SEED),1)
races-short: $(BUILD)/soukd $(BUILD)/tests/races/races
	$(Q)SOUKD=$(BUILD)/soukd $(BUILD)/tests/races/races --rounds 40
baskets: $(BUILD)/soukd $(BUILD)/tests/races/baskets ## 100,000 baskets that want the same 50 SKUs: BASKETS= SEED=
	$(Q)SOUKD=$(BUILD)/soukd $(BUILD)/tests/races/baskets --orders $(or $(BASKETS),100000) --seed $(or $(SEED),1)
baskets-short: $(BUILD)/soukd $(BUILD)/tests/races/baskets
	$(Q)SOUKD=$(BUILD)/soukd $(BUILD)/tests/races/baskets --orders 5000
CHECK_TARGETS += races-short baskets-short

# A target is tests/fuzz/fuzz_NAME.c, its seeds are tests/fuzz/corpus/NAME. What is found goes to
# $(BUILD)/fuzz/found; a new input that matters is added to the corpus by hand. A target that needs
# more objects than the archives has a line like that of `batch`.
SECONDS      ?= 60
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,$(filter-out tests/fuzz/fuzz_replay.c,$(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_CFLAGS  := BUILD=$(BUILD)/fuzz-build CC=clang HARDEN= OPT="-O1 -g -DSOUK_CHECKS" EXTRA="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined"
$(BUILD)/fuzz/replay_batch $(BUILD)/fuzz/fuzz_batch: $(MODEL_OBJ)
$(BUILD)/fuzz/replay_csv $(BUILD)/fuzz/fuzz_csv: $(call obj,client/cli/csv.c client/cli/cli_value.c)
$(BUILD)/fuzz/replay_config $(BUILD)/fuzz/fuzz_config: $(call obj,engine/config.c)
$(BUILD)/fuzz/replay_log $(BUILD)/fuzz/fuzz_log: $(call obj,$(addprefix engine/log/,recovery.c segment.c superblock.c wal_format.c))
$(BUILD)/fuzz/replay_reply $(BUILD)/fuzz/fuzz_reply: $(call obj,$(wildcard client/lib/core_*.c))
$(BUILD)/fuzz/replay_order $(BUILD)/fuzz/fuzz_order: $(call obj,tests/town/town.c)
$(BUILD)/fuzz/replay_search $(BUILD)/fuzz/fuzz_search: $(call obj,tests/support/feeder.c tests/support/gather_loop.c)
$(BUILD)/fuzz/replay_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(BUILD)/obj/tests/fuzz/fuzz_replay.o $(BUILD)/obj/tests/support/plain_panic.o $(PLAIN_MEMORY) $(LIB_shards) $(LIB_proto)
	$(link) $(filter %.o,$^) $(filter %.a,$^) $(LDFLAGS) $(LIBS_shards)
$(BUILD)/fuzz/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(BUILD)/obj/tests/support/plain_panic.o $(PLAIN_MEMORY) $(LIB_shards) $(LIB_proto)
	$(link) $(filter %.o,$^) $(filter %.a,$^) $(LDFLAGS) $(LIBS_shards) -fsanitize=fuzzer

.PHONY: fuzz fuzz-smoke fuzz-corpus
fuzz: ## libFuzzer with clang: T=frame SECONDS=60
	$(Q)$(MAKE) --no-print-directory $(FUZZ_CFLAGS) $(BUILD)/fuzz-build/fuzz/fuzz_$(T)
	$(Q)mkdir -p $(BUILD)/fuzz/found/$(T)
	$(Q)$(BUILD)/fuzz-build/fuzz/fuzz_$(T) -max_total_time=$(SECONDS) -max_len=16384 -timeout=20 -verbosity=0 \
	    -artifact_prefix=$(BUILD)/fuzz/found/ $(BUILD)/fuzz/found/$(T) tests/fuzz/corpus/$(T) \
	    > $(BUILD)/fuzz/$(T).log 2>&1 || { tail -60 $(BUILD)/fuzz/$(T).log; exit 1; }
	@echo "fuzz $(T): $(SECONDS) s, nothing found"
fuzz-smoke: ## every fuzz target for a few seconds
	$(Q)for t in $(FUZZ_TARGETS); do $(MAKE) --no-print-directory fuzz T=$$t SECONDS=3 || exit 1; done
fuzz-corpus: $(patsubst %,$(BUILD)/fuzz/replay_%,$(FUZZ_TARGETS))
	$(Q)for t in $(FUZZ_TARGETS); do $(BUILD)/fuzz/replay_$$t tests/fuzz/corpus/$$t || exit 1; done

# The real server is not in these figures: integration and crash tests run another build of it.
COVERAGE := BUILD=$(BUILD)-coverage HARDEN= OPT="-O0 -g" EXTRA="--coverage -fprofile-update=atomic"
.PHONY: coverage
coverage: ## line and branch coverage per room (V=1: per file), in $(BUILD)-coverage, with gcc
	$(Q)mkdir -p $(BUILD)-coverage && find $(BUILD)-coverage -name '*.gcda' -delete
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) $(COVERAGE) unit-build
	$(Q)for t in unit $(TEST_TARGETS); do \
	    $(MAKE) --no-print-directory -j$(JOBS) $(COVERAGE) $$t > $(BUILD)-coverage/$$t.log 2>&1 || \
	        { tail -20 $(BUILD)-coverage/$$t.log; exit 1; }; done
	$(Q)V=$(V) sh tests/coverage.sh $(BUILD)-coverage

TEST_TARGETS  += golden fuzz-corpus model-short
CHECK_TARGETS += fuzz-smoke

# ---- the real server over its wire --------------------------------------------------------------

# Each tests/integration/test_*.c is a program that starts $(BUILD)/soukd on a temporary directory.
INTEGRATION_BIN := $(patsubst tests/integration/%.c,$(BUILD)/tests/integration/%,$(wildcard tests/integration/test_*.c))
$(BUILD)/tests/integration/%: $(BUILD)/obj/tests/integration/%.o $(BUILD)/obj/tests/integration/raw.o $(BUILD)/obj/tests/integration/raw_server.o $(TEST_PANIC) $(LIB_proto)
	$(link) $^ $(LDFLAGS) -lcmocka
$(BUILD)/tests/integration/test_client $(BUILD)/tests/integration/test_shards $(BUILD)/tests/integration/test_edges: $(BUILD)/tests/integration/%: $(BUILD)/obj/tests/integration/%.o $(LIB_client)
	$(link) $^ $(LDFLAGS) -lcmocka
.PHONY: integration
integration: $(BUILD)/soukd $(INTEGRATION_BIN) ## raw protocol tests against the real server
	$(Q)for t in $(INTEGRATION_BIN); do SOUKD=$(BUILD)/soukd $$t || exit 1; done

CHECK_TARGETS += integration

# ---- a real server and a real client ---------------------------------------------------------------

ROUNDS ?=
.PHONY: cli-check replay-check crash crash-orders oversell crash-short
cli-check: $(BUILD)/soukd $(BUILD)/souk $(BUILD)/examples/ad_budget ## every verb of the command line, with exit codes and answers
	$(Q)sh tests/replay/cli.sh $(BUILD)
	$(Q)sh tests/replay/cli_find.sh $(BUILD)
replay-check: $(BUILD)/soukd $(BUILD)/souk ## real sales through a server, as takes and as orders, against independent computations (FULL=1)
	$(Q)sh tests/replay/run.sh $(BUILD)
crash: $(BUILD)/soukd $(BUILD)/souk ## kill -9 during a replay, resume, compare: ROUNDS=20 SEED=
	$(Q)sh tests/crash/crash.sh $(BUILD) $(or $(ROUNDS),20) $(SEED)
crash-orders: $(BUILD)/soukd $(BUILD)/souk ## kill -9 of server and replay during checkouts, payments, returns: ROUNDS=50 SEED=
	$(Q)sh tests/crash/crash_orders.sh $(BUILD) $(or $(ROUNDS),50) $(SEED)
oversell: $(BUILD)/soukd $(BUILD)/souk ## flash sales over cut connections, none oversold: ROUNDS=200 SEED=
	$(Q)sh tests/crash/oversell.sh $(BUILD) $(or $(ROUNDS),200) $(SEED)
crash-short: $(BUILD)/soukd $(BUILD)/souk
	$(Q)sh tests/crash/crash.sh $(BUILD) $(or $(ROUNDS),6) $(SEED)
	$(Q)sh tests/crash/crash_orders.sh $(BUILD) $(or $(ROUNDS),3) $(SEED)
	$(Q)sh tests/crash/oversell.sh $(BUILD) $(or $(ROUNDS),6) $(SEED)

CHECK_TARGETS += cli-check replay-check crash-short

# The second computation of what the replays must come to, against a shop small enough for a pencil.
.PHONY: oracle-check
oracle-check: ## invoices as orders: the independent computation, checked by hand-made sales
	$(Q)sh tests/replay/orders_oracle_check.sh
CHECK_TARGETS += oracle-check

# ---- a payment provider that runs here ---------------------------------------------------------------

# What it speaks: tests/standin/psp_api.h. psp-sink takes its webhooks in its own tests.
STANDIN_OBJ := $(call obj,$(filter-out tests/standin/psp_sink.c,$(wildcard tests/standin/*.c))) $(BUILD)/obj/tests/support/plain_panic.o
$(BUILD)/tests/standin/psp-standin: $(STANDIN_OBJ) $(LIB_proto)
	$(link) $^ $(LDFLAGS) -lmicrohttpd -lcurl -ljansson
$(BUILD)/tests/standin/psp-sink: $(call obj,tests/standin/psp_sink.c) $(BUILD)/obj/tests/support/plain_panic.o
	$(link) $^ $(LDFLAGS) -lmicrohttpd
.PHONY: standin standin-check
standin: $(BUILD)/tests/standin/psp-standin $(BUILD)/tests/standin/psp-sink ## the payment provider for tests
standin-check: standin ## every answer and every fault of the payment provider for tests
	$(Q)sh tests/standin/standin.sh $(BUILD)
.PHONY: worker-check
worker-check: standin examples $(BUILD)/soukd $(BUILD)/souk ## the payment worker between an engine and that provider: nobody is charged twice (CHECKOUTS=300 SEED=1)
	$(Q)sh tests/standin/worker_void.sh $(BUILD)
	$(Q)sh tests/standin/worker.sh $(BUILD) $(or $(CHECKOUTS),300) $(or $(SEED),1)
CHECK_TARGETS += standin-check worker-check

# ---- mutants: builds with a known fault, which the tests must notice ----------------------------

# A server that acknowledges before its log write has completed must fail the test at the seam.
.PHONY: mutants mutants-ack
mutants: mutants-ack ## a server that acknowledges early, and 26 faults of orders, must be noticed (EVERY=4: every fourth)
	$(Q)CC=$(CC) sh tests/town/mutants.sh $(BUILD)
mutants-ack: ## a server that acknowledges early must be noticed
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/mutant EXTRA="$(EXTRA) -DMUT_ACK_EARLY" $(BUILD)/mutant/tests/unit/engine/test_seam
	$(Q)TEST='a_withheld*' $(BUILD)/mutant/tests/unit/engine/test_seam >$(BUILD)/mutant/ack_early.log 2>&1; code=$$?; \
	    if [ $$code -eq 0 ] || ! grep -q '  FAILED  ' $(BUILD)/mutant/ack_early.log; then \
	        cat $(BUILD)/mutant/ack_early.log; echo "mutants: acknowledging early was not noticed"; exit 1; fi
	@echo "mutants: acknowledging early was noticed"

CHECK_TARGETS += mutants-ack

# ---- installing ---------------------------------------------------------------------------------

BINDIR := $(DESTDIR)$(PREFIX)/bin
LIBDIR := $(DESTDIR)$(PREFIX)/lib
SHARE  := $(DESTDIR)$(PREFIX)/share

.PHONY: install uninstall install-check
install: all ## binaries, library, header, man pages, completion, unit (PREFIX=, DESTDIR=)
	install -d $(BINDIR) $(LIBDIR)/pkgconfig $(LIBDIR)/systemd/system $(DESTDIR)$(PREFIX)/include \
	    $(SHARE)/man/man1 $(SHARE)/bash-completion/completions $(SHARE)/doc/souk
	install -m 755 $(BUILD)/soukd $(BUILD)/souk $(BUILD)/souk-bench $(BINDIR)
	install -m 644 $(LIB_client) $(LIBDIR)
	install -m 755 $(LIB_client_so) $(LIBDIR)/libsouk.so.$(VERSION)
	ln -sf libsouk.so.$(VERSION) $(LIBDIR)/libsouk.so.0
	ln -sf libsouk.so.0 $(LIBDIR)/libsouk.so
	install -m 644 client/lib/souk.h $(DESTDIR)$(PREFIX)/include
	sed -e 's:@PREFIX@:$(PREFIX):' -e 's:@VERSION@:$(VERSION):' docs/package/souk.pc.in > $(LIBDIR)/pkgconfig/souk.pc
	sed -e 's:@PREFIX@:$(PREFIX):' docs/package/soukd.service > $(LIBDIR)/systemd/system/soukd.service
	for page in soukd souk souk-bench; do sed 's/@VERSION@/$(VERSION)/' docs/man/$$page.1 > $(SHARE)/man/man1/$$page.1; done
	$(BUILD)/souk completion bash > $(SHARE)/bash-completion/completions/souk
	install -m 644 README.md LICENSE docs/*.md docs/package/soukd.conf $(SHARE)/doc/souk
uninstall: ## remove what install put there
	rm -f $(BINDIR)/soukd $(BINDIR)/souk $(BINDIR)/souk-bench $(LIBDIR)/libsouk.a $(LIBDIR)/libsouk.so \
	    $(LIBDIR)/libsouk.so.0 $(LIBDIR)/libsouk.so.$(VERSION) $(DESTDIR)$(PREFIX)/include/souk.h \
	    $(LIBDIR)/pkgconfig/souk.pc $(LIBDIR)/systemd/system/soukd.service \
	    $(SHARE)/man/man1/soukd.1 $(SHARE)/man/man1/souk.1 $(SHARE)/man/man1/souk-bench.1 \
	    $(SHARE)/bash-completion/completions/souk
	rm -rf $(SHARE)/doc/souk
install-check: all ## install to a temporary directory and build an example against it
	$(Q)CC=$(CC) BUILD=$(BUILD) VERSION=$(VERSION) sh tests/integration/install_check.sh

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BUILD) $(BUILD)-*
.PHONY: distclean
distclean: clean ## the same: nothing is generated outside of the build directories

.PHONY: help
help: ## this list
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
