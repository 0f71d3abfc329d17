#include "team.h"

#include "plimsoll/sys.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#define SPINS_BEFORE_YIELD 2000u

struct worker {
    struct pls_team *team;
    pthread_t thread;
    uint32_t index;
    uint32_t cpu;
};

struct pls_team {
    pthread_mutex_t lock;
    pthread_cond_t wake; /* a job is there, or the end */
    pthread_cond_t done;
    uint64_t generation; /* counts jobs */
    bool quit;
    pls_team_job *job;
    void *context;
    uint32_t n_job;     /* members of the current job */
    uint32_t n_running; /* of these, not yet back */
    uint32_t n;
    /* On lines of their own: the two words every member spins on. */
    _Alignas(64) atomic_uint arrived;
    _Alignas(64) atomic_uint phase;
    _Alignas(64) struct worker workers[];
};

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

void pls_team_barrier(const struct pls_member *self)
{
    struct pls_team *team = self->team;
    unsigned phase = atomic_load_explicit(&team->phase, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&team->arrived, 1, memory_order_acq_rel) == self->n - 1) {
        atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&team->phase, phase + 1, memory_order_release);
        return;
    }
    for (unsigned spins = 0; atomic_load_explicit(&team->phase, memory_order_acquire) == phase; spins++) {
        relax();
        if (spins > SPINS_BEFORE_YIELD) {
            sched_yield();
        }
    }
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    struct pls_team *team = worker->team;
    (void)pls_sys_pin(worker->cpu);
    uint64_t seen = 0;
    pthread_mutex_lock(&team->lock);
    for (;;) {
        while (team->generation == seen && !team->quit) {
            pthread_cond_wait(&team->wake, &team->lock);
        }
        if (team->quit) {
            break;
        }
        seen = team->generation;
        if (worker->index >= team->n_job) {
            continue;
        }
        struct pls_member self = { .team = team, .index = worker->index, .n = team->n_job };
        pls_team_job *job = team->job;
        void *context = team->context;
        pthread_mutex_unlock(&team->lock);
        job(&self, context);
        pthread_mutex_lock(&team->lock);
        if (--team->n_running == 0) {
            pthread_cond_signal(&team->done);
        }
    }
    pthread_mutex_unlock(&team->lock);
    return NULL;
}

static void team_init(struct pls_team *team)
{
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->wake, NULL);
    pthread_cond_init(&team->done, NULL);
    team->generation = 0;
    team->quit = false;
    team->job = NULL;
    team->context = NULL;
    team->n_job = 0;
    team->n_running = 0;
    team->n = 0;
    atomic_init(&team->arrived, 0);
    atomic_init(&team->phase, 0);
}

enum pls_code pls_team_open(uint32_t n, const uint32_t *cpus, uint32_t n_cpus, struct pls_team **out,
                            struct pls_err *err)
{
    n = n < 1 ? 1 : n > PLS_TEAM_MAX ? PLS_TEAM_MAX : n;
    size_t bytes = (size_t)pls_pad(sizeof(struct pls_team) + n * sizeof(struct worker), 64);
    struct pls_team *team = aligned_alloc(64, bytes);
    if (team == NULL) {
        return pls_fail(err, PLS_NOMEM, "benchmark: no memory for %u threads", n);
    }
    team_init(team);
    for (uint32_t i = 0; i < n; i++) {
        struct worker *worker = &team->workers[i];
        *worker = (struct worker){ .team = team, .index = i, .cpu = cpus[i % n_cpus] };
        if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0) {
            break;
        }
        team->n++;
    }
    if (team->n == 0) {
        pls_team_close(team);
        return pls_fail(err, PLS_NOMEM, "benchmark: no thread could be started");
    }
    *out = team;
    return PLS_OK;
}

void pls_team_close(struct pls_team *team)
{
    if (team == NULL) {
        return;
    }
    pthread_mutex_lock(&team->lock);
    team->quit = true;
    pthread_cond_broadcast(&team->wake);
    pthread_mutex_unlock(&team->lock);
    for (uint32_t i = 0; i < team->n; i++) {
        pthread_join(team->workers[i].thread, NULL);
    }
    pthread_cond_destroy(&team->done);
    pthread_cond_destroy(&team->wake);
    pthread_mutex_destroy(&team->lock);
    free(team);
}

uint32_t pls_team_size(const struct pls_team *team)
{
    return team->n;
}

void pls_team_run(struct pls_team *team, uint32_t n, pls_team_job *job, void *context)
{
    n = n < 1 ? 1 : n > team->n ? team->n : n;
    pthread_mutex_lock(&team->lock);
    team->job = job;
    team->context = context;
    team->n_job = n;
    team->n_running = n;
    team->generation++;
    pthread_cond_broadcast(&team->wake);
    while (team->n_running > 0) {
        pthread_cond_wait(&team->done, &team->lock);
    }
    pthread_mutex_unlock(&team->lock);
}
