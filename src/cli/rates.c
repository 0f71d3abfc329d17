/* How fast this machine is: measured earlier and kept, measured now, or stated. */
#include <stdio.h>
#include <unistd.h>

#include "cli/session.h"
#include "plimsoll/bench.h"

/* Once, and not where opening the user's database has already been complained of. */
static void say_unkept(struct pls_session *s, const char *why, const char *what)
{
    char room[640];
    struct pls_text t = PLS_TEXT(room);
    bool is_said = s->is_unkept || (s->catalog != NULL && pls_catalog_warning(s->catalog) != NULL);
    if (!is_said) {
        pls_text_add(&t, "%s: %s", why, what);
        pls_warn(room);
    }
    s->is_unkept = true;
}

/* A damaged catalog is said with the remedy it has: no other folder to keep things in would help. */
static bool has_catalog(struct pls_session *s)
{
    struct pls_err err = { 0 };
    if (pls_session_catalog(s, &err) == PLS_OK) {
        return true;
    }
    if (!s->is_catalog_said) {
        pls_warn(err.text);
    }
    s->is_catalog_said = true;
    return false;
}

void pls_session_keep_rates(struct pls_session *s)
{
    struct pls_err err = { 0 };
    char key[PLS_RATES_KEY];
    pls_catalog_rates_key(&s->machine, key, sizeof(key));
    if (!has_catalog(s)) {
        return;
    }
    if (pls_catalog_rates_save(s->catalog, key, &s->rates, &err) != PLS_OK) {
        say_unkept(s, err.text, "what was measured is not kept (XDG_DATA_HOME names a folder to keep it in)");
    }
}

bool pls_session_bar(double share, const char *what, void *context)
{
    enum { BAR = 24 };
    int done = (int)(share * BAR);
    (void)context;
    if (share >= 1) {
        fprintf(stderr, "\r\033[K");
    } else {
        fprintf(stderr, "\r[%.*s%*s] %-24.24s", done, "########################", BAR - done, "", what);
    }
    fflush(stderr);
    return true;
}

static bool has_kernels(const struct pls_rates *rates)
{
    for (size_t i = 0; i < PLS_TYPE_COUNT; i++) {
        if (rates->type[i].stream_gbs > 0) {
            return true;
        }
    }
    return false;
}

/* A quarter of the RAM that may be filled and is free: a benchmark must not be what fills a container. */
static uint64_t room_to_measure(const struct pls_machine *m)
{
    uint64_t room = m->pools[0].budget_bytes;
    if (m->pools[0].free_bytes > 0) {
        room = pls_min(room, m->pools[0].free_bytes);
    }
    return room / 4;
}

enum pls_code pls_session_bench_ask(const struct pls_session *s, struct pls_bench_ask *ask,
                                    struct pls_err *err)
{
    const struct pls_cpu *cpu = &s->machine.cpu;
    ask->memory_bytes = room_to_measure(&s->machine);
    if (s->is_live && ask->n_threads == 0 && pls_cpu_is_rationed(cpu)) {
        ask->n_threads = pls_cpu_threads(cpu);
    }
    if (ask->memory_bytes < PLS_BENCH_LEAST_BYTES) {
        char room[32];
        struct pls_text t = PLS_TEXT(room);
        pls_text_bytes(&t, 4 * ask->memory_bytes);
        return pls_fail(err, PLS_NOMEM,
                        "no room to measure in: %s of RAM are free to be filled, %d MiB are needed", room,
                        4 * PLS_BENCH_LEAST_BYTES >> 20);
    }
    return PLS_OK;
}

/* Whether what is measured can be kept; says so where it can't. */
static bool can_keep(struct pls_session *s)
{
    struct pls_err err = { 0 };
    bool is_open = has_catalog(s);
    if (is_open && pls_catalog_rates_ready(s->catalog, &err) != PLS_OK) {
        say_unkept(s, err.text,
                   "what is measured can't be kept, so memory bandwidth alone is, at every run"
                   " (XDG_DATA_HOME names a folder to keep it in, --no-bench measures nothing)");
        return false;
    }
    return is_open;
}

/* Of two measurements the quieter one; kernels outweigh a bandwidth alone. */
static void take(struct pls_session *s, struct pls_rates *got)
{
    struct pls_rates *kept = &s->rates;
    bool is_first = !(kept->ram_gbs > 0) || (has_kernels(got) && !has_kernels(kept));
    uint32_t n_tries = is_first ? 1 : kept->n_tries + 1;
    if (is_first || pls_bench_doubt(got) < pls_bench_doubt(kept)) {
        got->calibration = kept->calibration;
        *kept = *got;
    }
    kept->n_tries = n_tries;
}

/* kernels: all the predictor needs, a few seconds with a bar on a terminal; else the memory's bandwidth
 * alone, in half a second. Seconds are spent on what can be kept: where it can't, every run would spend
 * them. */
static void measure(struct pls_session *s, bool kernels)
{
    struct pls_err err = { 0 };
    struct pls_rates got = { .n_threads = 0 };
    struct pls_bench_ask ask = { .n_threads = 0 };
    enum pls_code code = pls_session_bench_ask(s, &ask, &err);
    bool keeps = code == PLS_OK && can_keep(s);
    ask.bandwidth_only = !kernels || !keeps;
    ask.progress = !ask.bandwidth_only && isatty(STDERR_FILENO) ? pls_session_bar : NULL;
    code = code == PLS_OK ? pls_bench_run(&ask, &got, &err) : code;
    if (code != PLS_OK) {
        /* another try, no more */
        bool is_spare = s->rates.ram_gbs > 0 && (!kernels || has_kernels(&s->rates));
        if (!is_spare) {
            pls_warn(err.text);
        }
        return;
    }
    take(s, &got);
    if (keeps) {
        pls_session_keep_rates(s);
    }
}

static bool load(struct pls_session *s, bool kernels)
{
    struct pls_err err = { 0 };
    char key[PLS_RATES_KEY];
    pls_catalog_rates_key(&s->machine, key, sizeof(key));
    return pls_session_catalog(s, &err) == PLS_OK
           && pls_catalog_rates_load(s->catalog, key, &s->rates, &err) == PLS_OK && s->rates.ram_gbs > 0
           && (!kernels || has_kernels(&s->rates));
}

/* A measurement that was disturbed is taken again on a later run, MOST_TRIES times in all, since some
 * machines are never quiet. Not one that runs of an engine were held against: what was learnt of them is
 * relative to it. Nor for a look at the bandwidth alone, which would lose the kernels. */
static bool wants_another(const struct pls_session *s, bool kernels)
{
    enum { MOST_TRIES = 3 };
    const struct pls_rates *r = &s->rates;
    return pls_bench_doubt(r) > PLS_BENCH_SPREAD_MAX && r->n_tries < MOST_TRIES && r->calibration.n_runs == 0
           && (kernels || !has_kernels(r));
}

static void note_doubt(struct pls_session *s)
{
    double doubt = pls_bench_doubt(&s->rates);
    if (doubt > PLS_BENCH_SPREAD_MAX) {
        pls_machine_note(
            &s->machine, "disturbed",
            "something disturbed the measurement of this machine (%s); plimsoll bench takes it again",
            doubt < 1 ? "its turns differ by more than a quarter" : "too few turns were possible");
    }
}

void pls_session_rates(struct pls_session *s, bool kernels)
{
    struct pls_pool *ram = &s->machine.pools[0];
    if (s->has_rates) {
        return;
    }
    s->has_rates = true;
    if (s->is_live && !pls_args_has(s->args, PLS_OPT_BANDWIDTH)) {
        bool is_loaded = load(s, kernels);
        if ((!is_loaded || wants_another(s, kernels)) && !pls_args_has(s->args, PLS_OPT_NO_BENCH)) {
            measure(s, kernels);
        }
        note_doubt(s);
        if (s->rates.ram_gbs > 0) {
            ram->bandwidth_gbs = s->rates.ram_gbs;
            ram->origin = s->rates.ram_origin;
            return;
        }
    }
    s->rates.ram_gbs = ram->bandwidth_gbs;
    s->rates.ram_origin = ram->bandwidth_gbs > 0 ? ram->origin : PLS_ORIGIN_UNKNOWN;
}
