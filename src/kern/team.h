/* kern/team.h - a fixed team of pinned threads that measure together.
 *
 * The caller never works itself: its own affinity stays untouched. Inside a job the members meet at a
 * spinning barrier, as an engine's threads do between two operations; the barrier yields after a while, so
 * that a team larger than the processors it was given is slow but not stuck.
 */
#ifndef PLIMSOLL_KERN_TEAM_H
#define PLIMSOLL_KERN_TEAM_H

#include "plimsoll/base.h"

#include <stdatomic.h>

#define PLS_TEAM_MAX 1024

struct pls_team;

/* What one member sees of the job it runs. */
struct pls_member {
    struct pls_team *team;
    uint32_t index; /* 0..n-1 */
    uint32_t n;     /* members of this job */
};
typedef void pls_team_job(const struct pls_member *self, void *context);

/* Starts n threads (fewer when the system gives fewer, at least one), the i-th pinned to cpus[i % n_cpus].
 * PLS_NOMEM when not even one could be started. */
enum pls_code pls_team_open(uint32_t n, const uint32_t *cpus, uint32_t n_cpus, struct pls_team **out,
                            struct pls_err *err);
void pls_team_close(struct pls_team *team); /* NULL is fine */
uint32_t pls_team_size(const struct pls_team *team);

/* Runs the job on the first n members (n is capped to the size) and returns when all of them have. */
void pls_team_run(struct pls_team *team, uint32_t n, pls_team_job *job, void *context);
void pls_team_barrier(const struct pls_member *self);

#endif
