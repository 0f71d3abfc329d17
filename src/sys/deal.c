/* Independent pieces of work, dealt to threads one by one: a counter is all that they share. */
#include "plimsoll/sys.h"

#include <pthread.h>
#include <stdatomic.h>

struct dealing {
    pls_sys_job *job;
    void *context;
    uint32_t n;
    atomic_uint next;
};

struct hand {
    struct dealing *dealing;
    uint32_t worker;
    pthread_t thread;
    bool is_started;
};

static void *work(void *argument)
{
    const struct hand *hand = argument;
    struct dealing *d = hand->dealing;
    for (;;) {
        uint32_t item = atomic_fetch_add_explicit(&d->next, 1, memory_order_relaxed);
        if (item >= d->n) {
            return NULL;
        }
        d->job(item, hand->worker, d->context);
    }
}

/* A job may keep what it likes on the stack: musl gives a thread 128 KiB where others give 8 MiB. */
static bool start(struct hand *hand)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) {
        return false;
    }
    bool is_started = pthread_attr_setstacksize(&attributes, PLS_SYS_STACK) == 0
                      && pthread_create(&hand->thread, &attributes, work, hand) == 0;
    pthread_attr_destroy(&attributes);
    return is_started;
}

void pls_sys_deal(uint32_t n, uint32_t n_workers, pls_sys_job *job, void *context)
{
    struct dealing dealing = { .job = job, .context = context, .n = n };
    struct hand hands[PLS_SYS_WORKERS];
    atomic_init(&dealing.next, 0);
    n_workers = n_workers > PLS_SYS_WORKERS ? PLS_SYS_WORKERS : n_workers;
    for (uint32_t i = 1; i < n_workers && i < n; i++) {
        hands[i] = (struct hand){ .dealing = &dealing, .worker = i };
        hands[i].is_started = start(&hands[i]);
    }
    hands[0] = (struct hand){ .dealing = &dealing };
    work(&hands[0]);
    for (uint32_t i = 1; i < n_workers && i < n; i++) {
        if (hands[i].is_started) {
            pthread_join(hands[i].thread, NULL);
        }
    }
}
