# plimsoll - GNU Makefile
#
#   make run      install what is missing, build, answer "what fits here"
#   make check    everything the tests need, and all tests
#   make          build only            make install [DESTDIR=] [prefix=/usr/local]
#   make analyze  cppcheck and clang-tidy; a finding is a failure
#   DEPS=no       never install anything       V=1   show commands
#   SAN=1 DEV=1   sanitizers; warnings are errors (each in a build folder of its own)

prefix      ?= /usr/local
exec_prefix ?= $(prefix)
bindir      ?= $(exec_prefix)/bin
datadir     ?= $(prefix)/share
mandir      ?= $(datadir)/man
pkgdatadir  ?= $(datadir)/plimsoll
bashcompdir ?= $(datadir)/bash-completion/completions
zshcompdir  ?= $(datadir)/zsh/site-functions
fishcompdir ?= $(datadir)/fish/vendor_completions.d
INSTALL     ?= install
PKG_CONFIG  ?= pkg-config

VERSION := $(shell sed -n 's/^.define PLS_VERSION "\(.*\)"/\1/p' include/plimsoll/base.h)
SYSTEM  ?= $(shell uname -s | tr A-Z a-z)
MACHINE ?= $(shell $(CC) -dumpmachine 2>/dev/null | cut -d- -f1)

ifeq ($(SAN),1)
B := build/san
SANFLAGS := -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifeq ($(DEV),1)
B := build/dev
WERROR := -Werror
else
B := build
endif

PKGS := hwloc sqlite3 libcjson smartcols
pkg_cflags := $(shell $(PKG_CONFIG) --silence-errors --cflags $(PKGS) 2>/dev/null)
pkg_libs   := $(shell $(PKG_CONFIG) --silence-errors --libs $(PKGS) 2>/dev/null)

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes \
        -Wcast-qual -Wcast-align -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wswitch-enum -Wdouble-promotion \
        -Wpointer-arith -Wredundant-decls -Wnull-dereference
CFLAGS  ?= -O2 -g
ALL_CPPFLAGS = -Iinclude -Isrc -I. -D_POSIX_C_SOURCE=200809L -DPLS_PKGDATADIR='"$(pkgdatadir)"' $(pkg_cflags) $(CPPFLAGS)
ALL_CFLAGS   = -std=c11 $(WARN) $(WERROR) -ffp-contract=off -fno-common -pthread $(SANFLAGS) $(ISA_CFLAGS) $(CFLAGS)
ALL_LDFLAGS  = -pthread $(SANFLAGS) $(LDFLAGS)
LIBS         = $(pkg_libs) -lm -ldl

# One file per system behind one header: the build picks a file, no call site has an #ifdef.
os_sources := $(wildcard src/probe/os_*.c)
os_file    := src/probe/os_$(SYSTEM:darwin=macos).c
os_file    := $(wildcard $(if $(wildcard $(os_file)),$(os_file),src/probe/os_none.c))

# Kernels: one translation unit per family and instruction set, flags on that object alone.
x86_sources  := $(wildcard src/kern/*_avx2.c src/kern/*_avx512.c src/kern/*_avx512vnni.c src/kern/*_avx512bf16.c)
neon_sources := $(wildcard src/kern/*_neon.c src/kern/*_dotprod.c src/kern/*_i8mm.c)
other_isa    := $(if $(filter x86_64 amd64,$(MACHINE)),$(neon_sources),$(if $(filter aarch64 arm64,$(MACHINE)),$(x86_sources),$(neon_sources) $(x86_sources)))
$(B)/src/kern/%_avx2.o $(B)/src/kern/%_avx2.tidy: ISA_CFLAGS = -mavx2 -mfma -mf16c -mbmi2
$(B)/src/kern/%_avx512.o $(B)/src/kern/%_avx512.tidy: ISA_CFLAGS = -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd -mavx2 -mfma -mf16c -mbmi2
$(B)/src/kern/%_avx512vnni.o $(B)/src/kern/%_avx512vnni.tidy: ISA_CFLAGS = -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd -mavx512vnni -mavx2 -mfma -mf16c -mbmi2
$(B)/src/kern/%_avx512bf16.o $(B)/src/kern/%_avx512bf16.tidy: ISA_CFLAGS = -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd -mavx512bf16 -mavx2 -mfma -mf16c -mbmi2
$(B)/src/kern/%_dotprod.o $(B)/src/kern/%_dotprod.tidy: ISA_CFLAGS = -march=armv8.2-a+dotprod+fp16
$(B)/src/kern/%_i8mm.o $(B)/src/kern/%_i8mm.tidy: ISA_CFLAGS = -march=armv8.2-a+dotprod+fp16+i8mm

sources := $(filter-out $(os_sources) $(other_isa) src/cli/main.c,$(wildcard src/*/*.c)) $(os_file)
objects := $(sources:%.c=$(B)/%.o)
library := $(B)/libplimsoll.a
program := $(B)/plimsoll
catalog := $(B)/catalog.db

unit_sources := $(wildcard tests/unit/test_*.c)
units        := $(unit_sources:tests/unit/%.c=$(B)/tests/%)
# Stand-ins for vendor libraries, loaded at run time by tests only.
fakes        := $(patsubst tests/fakes/%.c,$(B)/tests/fakes/%.so,$(wildcard tests/fakes/*.c)) $(B)/tests/fakes/lib/libnvidia-ml.so.1
# The fuzz targets without a fuzzer, over the inputs that lie in tests/fuzz/corpus.
replays      := $(patsubst tests/fuzz/%.c,$(B)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))
check_cflags  = $(shell $(PKG_CONFIG) --silence-errors --cflags check 2>/dev/null)
check_libs    = $(shell $(PKG_CONFIG) --silence-errors --libs check 2>/dev/null)

Q := $(if $(V),,@)

.PHONY: all run check units deps deps-check install uninstall clean dist distcheck lint fuzz
.DELETE_ON_ERROR:
.SUFFIXES:

all: $(program) $(if $(wildcard tools/mkcatalog.c),$(catalog))
ifeq ($(B),build)
all: plimsoll
plimsoll: $(program)
	@ln -sf $< $@
endif

# Recursive, because pkg-config must be asked again once the packages are there.
run:
	@DEPS="$(DEPS)" tools/deps.sh build
	@$(MAKE) --no-print-directory all
	@./plimsoll fit

check:
	@DEPS="$(DEPS)" tools/deps.sh check
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory units
	@$(MAKE) --no-print-directory SAN=1 CFLAGS="-O1 -g" units
	@BUILD=$(abspath $(B)) CC="$(CC)" CK_TAP_LOG_FILE_NAME=- CK_VERBOSITY=silent \
	    prove $(PROVEFLAGS) -j2 -e '' $(units) $(units:$(B)/%=build/san/%) $(wildcard tests/*.t tests/lint/*.t)

units: $(units) $(replays) $(fakes) $(B)/ability-check all
deps:
	@tools/deps.sh build
deps-check:
	@tools/deps.sh check

$(program): $(B)/src/cli/main.o $(library)
	@echo "  LD $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(library): $(objects)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(B)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# schema.sql is compiled in, one string per line: the user's own database is made of it wherever the program runs.
$(B)/gen/schema_sql.h: data/schema.sql
	@mkdir -p $(@D)
	$(Q)sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n",/' $< >$@
$(B)/src/catalog/schema.o $(B)/src/catalog/schema.tidy: $(B)/gen/schema_sql.h
$(B)/src/catalog/schema.o $(B)/src/catalog/schema.tidy: ALL_CPPFLAGS += -I$(B)/gen

$(B)/mkcatalog: $(B)/tools/mkcatalog.o $(library)
	@echo "  LD $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

catalog_inputs := $(wildcard data/cards/*.json data/*.tsv data/*.sql)
$(catalog): $(B)/mkcatalog $(catalog_inputs)
	$(B)/mkcatalog -o $@ data

$(B)/tests/%: tests/unit/%.c $(library)
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) $(ALL_CPPFLAGS) -Itests/unit -DTEST_BUILD='"$(B)"' $(check_cflags) $(ALL_CFLAGS) -Wno-missing-prototypes -MMD -MP -MF $@.d $(ALL_LDFLAGS) -o $@ $< $(library) $(check_libs) $(LIBS)

$(B)/tests/fuzz_%: tests/fuzz/fuzz_%.c tests/fuzz/replay.c tests/fuzz/fuzz.h $(library)
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< tests/fuzz/replay.c $(library) $(LIBS)

$(B)/tests/fakes/%.so: tests/fakes/%.c $(wildcard tests/fakes/*.c)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -O1 -g -fPIC -shared $(CFLAGS) -o $@ $<

$(B)/tests/fakes/lib/libnvidia-ml.so.1: $(B)/tests/fakes/fake_nvml.so
	@mkdir -p $(@D)
	$(Q)cp $< $@

install: all
	$(INSTALL) -d $(DESTDIR)$(bindir) $(DESTDIR)$(pkgdatadir)/schema $(DESTDIR)$(mandir)/man1 $(DESTDIR)$(mandir)/man5 $(DESTDIR)$(mandir)/man7 \
	    $(DESTDIR)$(bashcompdir) $(DESTDIR)$(zshcompdir) $(DESTDIR)$(fishcompdir)
	$(INSTALL) -m 755 $(program) $(DESTDIR)$(bindir)/plimsoll
	$(INSTALL) -m 444 $(catalog) $(DESTDIR)$(pkgdatadir)/catalog.db
	for f in $(wildcard data/schema/*.json); do $(INSTALL) -m 444 $$f $(DESTDIR)$(pkgdatadir)/schema/ || exit 1; done
	for f in $(wildcard man/*.[157]); do $(INSTALL) -m 644 $$f $(DESTDIR)$(mandir)/man$${f##*.}/ || exit 1; done
	$(INSTALL) -m 644 completions/plimsoll.bash $(DESTDIR)$(bashcompdir)/plimsoll
	$(INSTALL) -m 644 completions/_plimsoll $(DESTDIR)$(zshcompdir)/_plimsoll
	$(INSTALL) -m 644 completions/plimsoll.fish $(DESTDIR)$(fishcompdir)/plimsoll.fish

uninstall:
	rm -f $(DESTDIR)$(bindir)/plimsoll $(DESTDIR)$(bashcompdir)/plimsoll $(DESTDIR)$(zshcompdir)/_plimsoll \
	    $(DESTDIR)$(fishcompdir)/plimsoll.fish
	rm -rf $(DESTDIR)$(pkgdatadir)
	for f in $(notdir $(wildcard man/*.[157])); do rm -f $(DESTDIR)$(mandir)/man$${f##*.}/$$f; done

clean:
	rm -rf build plimsoll

dist:
	@mkdir -p build
	git archive --format=tar.gz --prefix=plimsoll-$(VERSION)/ -o build/plimsoll-$(VERSION).tar.gz HEAD

# A tarball must build, test its units and install from nothing.
distcheck: dist
	rm -rf build/distcheck && mkdir -p build/distcheck
	tar -C build/distcheck -xzf build/plimsoll-$(VERSION).tar.gz
	$(MAKE) -C build/distcheck/plimsoll-$(VERSION) DEPS=no all
	$(MAKE) -C build/distcheck/plimsoll-$(VERSION) DEPS=no DESTDIR=$(abspath build/distcheck/root) install
	test -x build/distcheck/root$(bindir)/plimsoll && test -f build/distcheck/root$(pkgdatadir)/catalog.db

# Errors of the speed model against a table of published speeds, and its constants fitted anew to one: CSV=path.
speed_objects := $(patsubst %.c,$(B)/%.o,tests/speed/rows.c tests/speed/sample.c tests/speed/fitting.c)
speed_tables = $(CSV) tests/speed/published.csv
$(B)/speed-%: $(B)/tests/speed/%.o $(speed_objects) $(library)
	@echo "  LD $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
.PHONY: speed-check speed-fit speed-cpu
speed-cpu: $(B)/speed-cpu
speed-check: $(B)/speed-check $(catalog)
	@test -n "$(CSV)" || { echo "make speed-check CSV=FILE" >&2; exit 2; }
	@$(B)/speed-check $(speed_tables) $(catalog)
speed-fit: $(B)/speed-fit $(catalog)
	@test -n "$(CSV)" || { echo "make speed-fit CSV=FILE" >&2; exit 2; }
	@$(B)/speed-fit $(speed_tables) $(catalog)

# Held-out errors of the capability fit over the catalog.
$(B)/ability-check: $(B)/tests/ability/check.o $(library)
	@echo "  LD $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
.PHONY: ability-check
ability-check: $(B)/ability-check $(catalog)
	@$(B)/ability-check $(catalog) $(BY)

lint:
	prove -j2 -e '' $(wildcard tests/lint/*.t)

# cppcheck over all of it, clang-tidy over what is built here: other systems' files and other processors' kernels need
# headers that are not here. A file that is clean leaves a stamp and is not asked again before it or a header changes.
CPPCHECK   ?= cppcheck
CLANG_TIDY ?= clang-tidy
tidy_stamps := $(patsubst %.c,$(B)/%.tidy,$(sources) src/cli/main.c $(wildcard tools/*.c))
tidy_reads  := .clang-tidy src/kern/.clang-tidy $(wildcard include/plimsoll/* src/*/*.h src/*/*.def data/*.def)
.PHONY: analyze cppcheck
analyze: cppcheck $(tidy_stamps)
cppcheck:
	@echo "  CPPCHECK src tools"
	$(Q)CPPCHECK="$(CPPCHECK)" tools/cppcheck.sh $(B) src tools

$(B)/%.tidy: %.c $(tidy_reads)
	@mkdir -p $(@D)
	@echo "  TIDY $<"
	$(Q)$(CLANG_TIDY) --quiet $< -- $(ALL_CPPFLAGS) -std=c11 -ffp-contract=off $(ISA_CFLAGS) 2>$@.log || { cat $@.log; exit 1; }
	@touch $@

fuzz:
	$(MAKE) -f tests/fuzz/Makefile

-include $(objects:.o=.d) $(B)/src/cli/main.d $(B)/tools/mkcatalog.d $(units:=.d) $(B)/tests/ability/check.d
