/* render/record.h - the machine record (plimsoll.probe/1) as tables of fields, shared by its writer and its
 * reader. */
#ifndef RENDER_RECORD_H
#define RENDER_RECORD_H

#include "plimsoll/machine.h"
#include "render/json.h"

enum pls_field_kind {
    PLS_FIELD_TEXT = 0, /* char array; empty is unknown */
    PLS_FIELD_U32,      /* 0 is unknown */
    PLS_FIELD_U64,      /* 0 is unknown */
    PLS_FIELD_COUNT,    /* uint64_t where 0 is a value */
    PLS_FIELD_NUMBER,   /* double; 0 is unknown */
    PLS_FIELD_FLAG,
};

struct pls_field {
    const char *key;
    enum pls_field_kind kind;
    size_t at;   /* offset in the struct */
    size_t size; /* of the member */
};

struct pls_fields {
    const struct pls_field *items;
    size_t n;
};
/* Scalars of each part of the record, in document order; links and lists between them are written by hand. */
enum pls_record_part {
    PLS_PART_MACHINE = 0,
    PLS_PART_MACHINE_TAIL,
    PLS_PART_CPU,
    PLS_PART_CPU_TAIL,
    PLS_PART_TIER,
    PLS_PART_GPU,
    PLS_PART_GPU_TAIL,
    PLS_PART_POOL,
    PLS_PART_LIMIT,
    PLS_PART_NOTE,
    PLS_PART_COUNT,
};
struct pls_fields pls_record_fields(enum pls_record_part part);

/* Fills an object with the whole record; with_version adds "version" behind "schema". */
void pls_record_write(struct pls_json *j, cJSON *object, const struct pls_machine *machine);

#endif
