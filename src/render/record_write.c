#include "render/record.h"

#include <string.h>

static void write_fields(struct pls_json *j, cJSON *to, enum pls_record_part part, const void *from)
{
    struct pls_fields fields = pls_record_fields(part);
    for (size_t i = 0; i < fields.n; i++) {
        const struct pls_field *f = &fields.items[i];
        const unsigned char *at = (const unsigned char *)from + f->at;
        uint32_t u32 = 0;
        uint64_t u64 = 0;
        double number = 0;
        switch (f->kind) {
        case PLS_FIELD_TEXT:
            pls_json_text(j, to, f->key, (const char *)at);
            break;
        case PLS_FIELD_U32:
            memcpy(&u32, at, sizeof(u32));
            pls_json_known(j, to, f->key, u32);
            break;
        case PLS_FIELD_U64:
            memcpy(&u64, at, sizeof(u64));
            pls_json_known(j, to, f->key, u64);
            break;
        case PLS_FIELD_COUNT:
            memcpy(&u64, at, sizeof(u64));
            pls_json_u64(j, to, f->key, u64);
            break;
        case PLS_FIELD_NUMBER:
            memcpy(&number, at, sizeof(number));
            pls_json_rate(j, to, f->key, number);
            break;
        case PLS_FIELD_FLAG:
            pls_json_flag(j, to, f->key, *at != 0);
            break;
        }
    }
}

static void write_cpu(struct pls_json *j, cJSON *root, const struct pls_cpu *cpu)
{
    cJSON *o = pls_json_object(j, root, "cpu");
    write_fields(j, o, PLS_PART_CPU, cpu);
    cJSON *tiers = pls_json_array(j, o, "tiers");
    for (uint32_t i = 0; i < cpu->n_tiers; i++) {
        write_fields(j, pls_json_object(j, tiers, NULL), PLS_PART_TIER, &cpu->tiers[i]);
    }
    if (cpu->isa == 0) {
        pls_json_null(j, o, "isa");
    } else {
        cJSON *isa = pls_json_array(j, o, "isa");
        for (uint32_t bit = 0; bit < 32; bit++) {
            const char *name = (cpu->isa & 1u << bit) != 0 ? pls_isa_name((enum pls_isa)(1u << bit)) : NULL;
            if (name != NULL) {
                pls_json_text(j, isa, NULL, name);
            }
        }
    }
    write_fields(j, o, PLS_PART_CPU_TAIL, cpu);
}

static void write_gpu(struct pls_json *j, cJSON *o, const struct pls_machine *m, const struct pls_gpu *gpu)
{
    write_fields(j, o, PLS_PART_GPU, gpu);
    pls_json_text(j, o, "backend", gpu->backend != PLS_BACKEND_NONE ? pls_backend_name(gpu->backend) : NULL);
    pls_json_text(j, o, "pool", gpu->pool >= 0 ? m->pools[gpu->pool].id : NULL);
    write_fields(j, o, PLS_PART_GPU_TAIL, gpu);
}

static void write_pool(struct pls_json *j, cJSON *o, const struct pls_machine *m, const struct pls_pool *pool)
{
    pls_json_text(j, o, "id", pool->id);
    pls_json_text(j, o, "kind", pls_pool_kind_name(pool->kind));
    pls_json_text(j, o, "device", pool->gpu >= 0 ? m->gpus[pool->gpu].id : NULL);
    pls_json_text(j, o, "within", pool->within >= 0 ? m->pools[pool->within].id : NULL);
    write_fields(j, o, PLS_PART_POOL, pool);
    pls_json_text(j, o, "origin", pls_origin_name(pool->origin));
    cJSON *limits = pls_json_array(j, o, "limits");
    for (uint32_t i = 0; i < pool->n_limits; i++) {
        write_fields(j, pls_json_object(j, limits, NULL), PLS_PART_LIMIT, &pool->limits[i]);
    }
}

void pls_record_write(struct pls_json *j, cJSON *object, const struct pls_machine *m)
{
    write_fields(j, object, PLS_PART_MACHINE, m);
    write_cpu(j, object, &m->cpu);
    cJSON *gpus = pls_json_array(j, object, "gpus");
    for (uint32_t i = 0; i < m->n_gpus; i++) {
        write_gpu(j, pls_json_object(j, gpus, NULL), m, &m->gpus[i]);
    }
    cJSON *pools = pls_json_array(j, object, "pools");
    for (uint32_t i = 0; i < m->n_pools; i++) {
        write_pool(j, pls_json_object(j, pools, NULL), m, &m->pools[i]);
    }
    write_fields(j, object, PLS_PART_MACHINE_TAIL, m);
    cJSON *notes = pls_json_array(j, object, "notes");
    for (uint32_t i = 0; i < m->n_notes; i++) {
        write_fields(j, pls_json_object(j, notes, NULL), PLS_PART_NOTE, &m->notes[i]);
    }
}
