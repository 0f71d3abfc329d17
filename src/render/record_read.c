/* Reading a machine record. Absent and null fields are unknown; a field of the wrong type, a list that is too
 * long or a link to a pool that does not exist is named in the sentence. */
#include "plimsoll/render.h"
#include "render/record.h"

#include <math.h>
#include <string.h>

enum { PLACE_CAP = 48 };
static const double INTEGER_MAX = 9007199254740992.0; /* 2^53: beyond it cJSON's doubles lose integers */

/* Where a field stands, for the sentence: "pools[1]". */
struct place {
    char name[PLACE_CAP];
    struct pls_err *err;
};

static struct place place_at(struct pls_err *err, const char *list, uint32_t i)
{
    struct place p = { .err = err };
    struct pls_text t = PLS_TEXT(p.name);
    pls_text_add(&t, "%s[%u].", list, i);
    return p;
}

static enum pls_code wrong(const struct place *p, const char *key, const char *expected)
{
    return pls_fail(p->err, PLS_FORMAT, "machine record: %s%s: expected %s", p->name, key, expected);
}

static bool is_absent(const cJSON *item)
{
    return item == NULL || cJSON_IsNull(item);
}

static enum pls_code read_number(const struct place *p, const cJSON *item, const struct pls_field *f,
                                 void *at)
{
    double v = item->valuedouble;
    if (!cJSON_IsNumber(item) || !isfinite(v) || v < 0) {
        return wrong(p, f->key, "a number, not negative");
    }
    if (f->kind == PLS_FIELD_NUMBER) {
        memcpy(at, &v, sizeof(v));
        return PLS_OK;
    }
    double most = f->kind == PLS_FIELD_U32 ? (double)UINT32_MAX : INTEGER_MAX;
    if (v != floor(v) || v > most) {
        return wrong(p, f->key, "a whole number in range");
    }
    uint64_t u64 = (uint64_t)v;
    uint32_t u32 = (uint32_t)u64;
    memcpy(at, f->kind == PLS_FIELD_U32 ? (const void *)&u32 : (const void *)&u64, f->size);
    return PLS_OK;
}

static enum pls_code read_fields(const struct place *p, const cJSON *from, enum pls_record_part part,
                                 void *to)
{
    struct pls_fields fields = pls_record_fields(part);
    for (size_t i = 0; i < fields.n; i++) {
        const struct pls_field *f = &fields.items[i];
        unsigned char *at = (unsigned char *)to + f->at;
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(from, f->key);
        if (is_absent(item)) {
            continue;
        }
        enum pls_code code = PLS_OK;
        if (f->kind == PLS_FIELD_TEXT) {
            code = cJSON_IsString(item) ? PLS_OK : wrong(p, f->key, "text");
            if (code == PLS_OK) {
                pls_copy((char *)at, f->size, item->valuestring);
            }
        } else if (f->kind == PLS_FIELD_FLAG) {
            code = cJSON_IsBool(item) ? PLS_OK : wrong(p, f->key, "true or false");
            *(bool *)at = cJSON_IsTrue(item);
        } else {
            code = read_number(p, item, f, at);
        }
        if (code != PLS_OK) {
            return code;
        }
    }
    return PLS_OK;
}

/* Text of a word field, or NULL when absent; *code tells a wrong type. */
static const char *word(const struct place *p, const cJSON *from, const char *key, enum pls_code *code)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(from, key);
    if (is_absent(item)) {
        return NULL;
    }
    if (!cJSON_IsString(item)) {
        *code = wrong(p, key, "text");
        return NULL;
    }
    return item->valuestring;
}

/* The items of a list: NULL when absent. More than `most` is refused, so is anything that is not a list of
 * objects. */
static enum pls_code list(const struct place *p, const cJSON *from, const char *key, uint32_t most,
                          const cJSON **out)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(from, key);
    *out = NULL;
    if (is_absent(array)) {
        return PLS_OK;
    }
    if (!cJSON_IsArray(array)) {
        return wrong(p, key, "a list");
    }
    uint32_t n = 0;
    for (const cJSON *item = array->child; item != NULL; item = item->next) {
        if (!cJSON_IsObject(item)) {
            return wrong(p, key, "a list of objects");
        }
        if (++n > most) {
            return pls_fail(p->err, PLS_LIMIT, "machine record: %s%s: more than %u entries", p->name, key,
                            most);
        }
    }
    *out = array->child;
    return PLS_OK;
}

static enum pls_code read_isa(const struct place *p, const cJSON *cpu, uint32_t *out)
{
    const cJSON *isa = cJSON_GetObjectItemCaseSensitive(cpu, "isa");
    if (is_absent(isa)) {
        return PLS_OK;
    }
    if (!cJSON_IsArray(isa)) {
        return wrong(p, "isa", "a list of names");
    }
    for (const cJSON *item = isa->child; item != NULL; item = item->next) {
        if (!cJSON_IsString(item)) {
            return wrong(p, "isa", "a list of names");
        }
        *out |= (uint32_t)pls_isa_by_name(item->valuestring); /* an unknown one is newer than us: left out */
    }
    return PLS_OK;
}

static enum pls_code read_cpu(const cJSON *root, struct pls_cpu *cpu, struct pls_err *err)
{
    struct place p = { .name = "cpu.", .err = err };
    const cJSON *from = cJSON_GetObjectItemCaseSensitive(root, "cpu");
    const cJSON *item = NULL;
    if (is_absent(from)) {
        return PLS_OK;
    }
    if (!cJSON_IsObject(from)) {
        return pls_fail(err, PLS_FORMAT, "machine record: cpu: expected an object");
    }
    enum pls_code code = read_fields(&p, from, PLS_PART_CPU, cpu);
    code = code == PLS_OK ? read_fields(&p, from, PLS_PART_CPU_TAIL, cpu) : code;
    code = code == PLS_OK ? read_isa(&p, from, &cpu->isa) : code;
    code = code == PLS_OK ? list(&p, from, "tiers", PLS_MAX_TIERS, &item) : code;
    for (; code == PLS_OK && item != NULL; item = item->next) {
        struct place t = place_at(err, "cpu.tiers", cpu->n_tiers);
        code = read_fields(&t, item, PLS_PART_TIER, &cpu->tiers[cpu->n_tiers++]);
    }
    return code;
}

/* Ids are printed as they are, and other fields name them: plain letters only, and all of it. */
static bool is_id(const char *id, size_t cap)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-";
    return id != NULL && id[0] != '\0' && strlen(id) < cap && id[strspn(id, plain)] == '\0';
}

static int32_t pool_by_id(const struct pls_machine *m, const char *id)
{
    for (uint32_t i = 0; i < m->n_pools; i++) {
        if (pls_text_equal(m->pools[i].id, id)) {
            return (int32_t)i;
        }
    }
    return -1;
}

static int32_t gpu_by_id(const struct pls_machine *m, const char *id)
{
    for (uint32_t i = 0; i < m->n_gpus; i++) {
        if (pls_text_equal(m->gpus[i].id, id)) {
            return (int32_t)i;
        }
    }
    return -1;
}

static enum pls_code read_pool(const struct place *p, const cJSON *from, struct pls_pool *pool)
{
    enum pls_code code = PLS_OK;
    const char *id = word(p, from, "id", &code);
    const char *kind = code == PLS_OK ? word(p, from, "kind", &code) : NULL;
    const char *origin = code == PLS_OK ? word(p, from, "origin", &code) : NULL;
    if (code != PLS_OK) {
        return code;
    }
    if (!is_id(id, sizeof(pool->id))) {
        return wrong(p, "id", "a short name of letters and digits");
    }
    PLS_COPY(pool->id, id);
    int k = PLS_POOL_RAM;
    while (k <= PLS_POOL_SHARED
           && (kind == NULL || !pls_text_equal(kind, pls_pool_kind_name((enum pls_pool_kind)k)))) {
        k++;
    }
    if (k > PLS_POOL_SHARED) {
        return wrong(p, "kind", "ram, vram, unified or shared");
    }
    pool->kind = (enum pls_pool_kind)k;
    for (int o = PLS_ORIGIN_UNKNOWN; origin != NULL && o <= PLS_ORIGIN_MEASURED; o++) {
        if (pls_text_equal(origin, pls_origin_name((enum pls_origin)o))) {
            pool->origin = (enum pls_origin)o;
        }
    }
    const cJSON *item = NULL;
    code = read_fields(p, from, PLS_PART_POOL, pool);
    if (code == PLS_OK && pool->budget_bytes > pool->capacity_bytes) {
        return wrong(p, "budget_bytes", "no more than capacity_bytes");
    }
    if (code == PLS_OK && pool->free_bytes > pool->capacity_bytes) {
        return wrong(p, "free_bytes", "no more than capacity_bytes");
    }
    code = code == PLS_OK ? list(p, from, "limits", PLS_MAX_LIMITS, &item) : code;
    for (; code == PLS_OK && item != NULL; item = item->next) {
        code = read_fields(p, item, PLS_PART_LIMIT, &pool->limits[pool->n_limits++]);
    }
    return code;
}

/* RAM comes first inside, wherever it stands in the record. */
static enum pls_code read_pools(const cJSON *root, struct pls_machine *m, struct pls_err *err)
{
    struct place top = { .name = "", .err = err };
    const cJSON *first = NULL;
    enum pls_code code = list(&top, root, "pools", PLS_MAX_POOLS, &first);
    if (code != PLS_OK) {
        return code;
    }
    uint32_t i = 0;
    for (const cJSON *item = first; item != NULL; item = item->next, i++) {
        struct place p = place_at(err, "pools", i);
        struct pls_pool pool = { .gpu = -1, .within = -1 };
        code = read_pool(&p, item, &pool);
        if (code == PLS_OK && pool_by_id(m, pool.id) >= 0) {
            code = wrong(&p, "id", "a name used once");
        }
        if (code == PLS_OK && pool.kind == PLS_POOL_RAM && m->n_pools > 0
            && m->pools[0].kind == PLS_POOL_RAM) {
            code = wrong(&p, "kind", "one pool of kind ram");
        }
        if (code != PLS_OK) {
            return code;
        }
        m->pools[m->n_pools++] = pool;
        if (pool.kind == PLS_POOL_RAM && m->pools[0].kind != PLS_POOL_RAM) {
            m->pools[m->n_pools - 1] = m->pools[0];
            m->pools[0] = pool;
        }
    }
    if (m->n_pools == 0 || m->pools[0].kind != PLS_POOL_RAM || m->pools[0].capacity_bytes == 0) {
        return pls_fail(err, PLS_FORMAT, "machine record: pools: no pool of kind ram with a capacity");
    }
    return PLS_OK;
}

static enum pls_code read_gpu(const struct place *p, const cJSON *from, struct pls_machine *m)
{
    struct pls_gpu *gpu = &m->gpus[m->n_gpus];
    gpu->pool = -1;
    enum pls_code code = read_fields(p, from, PLS_PART_GPU, gpu);
    code = code == PLS_OK ? read_fields(p, from, PLS_PART_GPU_TAIL, gpu) : code;
    const char *id = code == PLS_OK ? word(p, from, "id", &code) : NULL;
    const char *backend = code == PLS_OK ? word(p, from, "backend", &code) : NULL;
    const char *pool = code == PLS_OK ? word(p, from, "pool", &code) : NULL;
    if (code != PLS_OK) {
        return code;
    }
    if (!is_id(id, sizeof(gpu->id)) || gpu_by_id(m, gpu->id) >= 0) {
        return wrong(p, "id", "a short name of letters and digits, used once");
    }
    if (backend != NULL && !pls_backend_by_name(backend, &gpu->backend)) {
        return wrong(p, "backend", "cuda, rocm, vulkan, metal, sycl, mlx or cpu");
    }
    if (pool != NULL && (gpu->pool = pool_by_id(m, pool)) < 0) {
        return wrong(p, "pool", "the id of a pool");
    }
    m->n_gpus++;
    return PLS_OK;
}

/* The device of a pool: as the pool says, else the GPU that names the pool. The two may not contradict each
 * other. */
static enum pls_code link_device(const struct place *p, const char *device, struct pls_machine *m, int32_t at)
{
    struct pls_pool *pool = &m->pools[at];
    pool->gpu = device != NULL ? gpu_by_id(m, device) : -1;
    for (uint32_t i = 0; device == NULL && i < m->n_gpus; i++) {
        pool->gpu = m->gpus[i].pool == at ? (int32_t)i : pool->gpu;
    }
    if (pool->kind == PLS_POOL_RAM) {
        return pool->gpu < 0 ? PLS_OK : wrong(p, "device", "none for RAM");
    }
    if (pool->gpu < 0) {
        return wrong(p, "device", "the id of a GPU");
    }
    struct pls_gpu *gpu = &m->gpus[pool->gpu];
    gpu->pool = gpu->pool < 0 ? at : gpu->pool;
    return gpu->pool == at ? PLS_OK : wrong(p, "device", "a GPU that has no other pool");
}

/* Pools name their device and the pool they draw on; both must exist, and drawing may not go in a circle. A
 * pool that is part of RAM by its kind draws on it whether or not it says so: its bytes must not be counted
 * as memory of their own. */
static enum pls_code read_links(const cJSON *root, struct pls_machine *m, struct pls_err *err)
{
    const cJSON *pools = cJSON_GetObjectItemCaseSensitive(root, "pools");
    uint32_t i = 0;
    for (const cJSON *item = pools->child; item != NULL; item = item->next, i++) {
        struct place p = place_at(err, "pools", i);
        enum pls_code code = PLS_OK;
        const char *id = word(&p, item, "id", &code);
        const char *device = code == PLS_OK ? word(&p, item, "device", &code) : NULL;
        const char *within = code == PLS_OK ? word(&p, item, "within", &code) : NULL;
        int32_t at = code == PLS_OK ? pool_by_id(m, id) : -1;
        code = code == PLS_OK ? link_device(&p, device, m, at) : code;
        if (code != PLS_OK) {
            return code;
        }
        struct pls_pool *pool = &m->pools[at];
        bool is_part = pool->kind == PLS_POOL_UNIFIED || pool->kind == PLS_POOL_SHARED;
        pool->within = within != NULL ? pool_by_id(m, within) : is_part ? 0 : -1;
        if (within != NULL && (pool->kind == PLS_POOL_RAM || pool->within != 0)) {
            return wrong(&p, "within", "the pool of kind ram");
        }
    }
    return PLS_OK;
}

static enum pls_code read_machine(const cJSON *root, struct pls_machine *m, struct pls_err *err)
{
    struct place top = { .name = "", .err = err };
    const cJSON *item = NULL;
    enum pls_code code = PLS_OK;
    const char *schema = word(&top, root, "schema", &code);
    if (code == PLS_OK && schema != NULL && !pls_text_equal(schema, "plimsoll.probe/1")) {
        return wrong(&top, "schema", "plimsoll.probe/1");
    }
    code = code == PLS_OK ? read_fields(&top, root, PLS_PART_MACHINE, m) : code;
    code = code == PLS_OK ? read_fields(&top, root, PLS_PART_MACHINE_TAIL, m) : code;
    code = code == PLS_OK ? read_cpu(root, &m->cpu, err) : code;
    code = code == PLS_OK ? read_pools(root, m, err) : code;
    code = code == PLS_OK ? list(&top, root, "gpus", PLS_MAX_GPUS, &item) : code;
    for (uint32_t i = 0; code == PLS_OK && item != NULL; item = item->next, i++) {
        struct place p = place_at(err, "gpus", i);
        code = read_gpu(&p, item, m);
    }
    code = code == PLS_OK ? read_links(root, m, err) : code;
    code = code == PLS_OK ? list(&top, root, "notes", PLS_MAX_NOTES, &item) : code;
    for (uint32_t i = 0; code == PLS_OK && item != NULL; item = item->next, i++) {
        struct place p = place_at(err, "notes", i);
        code = read_fields(&p, item, PLS_PART_NOTE, &m->notes[m->n_notes++]);
    }
    return code;
}

enum pls_code pls_record_parse(const char *json, size_t len, struct pls_machine *out, struct pls_err *err)
{
    const char *end = NULL;
    memset(out, 0, sizeof(*out));
    cJSON *root = cJSON_ParseWithLengthOpts(json, len, &end, 0);
    if (root == NULL) {
        return pls_fail(err, PLS_FORMAT, "machine record: not JSON (at byte %zu)",
                        end != NULL ? (size_t)(end - json) : (size_t)0);
    }
    while (end < json + len && (*end == ' ' || *end == '\n' || *end == '\r' || *end == '\t')) {
        end++;
    }
    enum pls_code code = PLS_OK;
    if (end < json + len) {
        code = pls_fail(err, PLS_FORMAT, "machine record: text behind the document at byte %zu",
                        (size_t)(end - json));
    } else if (!cJSON_IsObject(root)) {
        code = pls_fail(err, PLS_FORMAT, "machine record: expected an object");
    } else {
        code = read_machine(root, out, err);
    }
    cJSON_Delete(root);
    return code;
}
