/* Machine records: read, written, read again; and every wrong field named. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plimsoll/render.h"
#include "unit.h"

static struct pls_machine m;
static struct pls_err err;

static enum pls_code parse(const char *json)
{
    memset(&err, 0, sizeof(err));
    return pls_record_parse(json, strlen(json), &m, &err);
}

#define RAM "{\"id\":\"ram\",\"kind\":\"ram\",\"capacity_bytes\":17179869184}"

static const char full[] =
    "{\"schema\":\"plimsoll.probe/1\",\"name\":\"box\",\"os\":\"linux\",\"arch\":\"x86_64\","
    "\"cpu\":{\"name\":\"c\",\"cores\":8,\"threads\":16,\"tiers\":[{\"name\":\"Performance\",\"cores\":8}],"
    "\"isa\":[\"avx2\",\"fma\",\"from_the_future\"]},"
    "\"gpus\":[{\"id\":\"gpu0\",\"name\":\"g\",\"vendor\":\"nvidia\",\"backend\":\"cuda\",\"pool\":\"gpu0\"}],"
    "\"pools\":["
    "{\"id\":\"gpu0\",\"kind\":\"vram\",\"device\":\"gpu0\",\"within\":null,\"capacity_bytes\":25757220864,"
    "\"bandwidth_gbs\":1008,\"origin\":\"table\"},"
    "{\"id\":\"ram\",\"kind\":\"ram\",\"capacity_bytes\":9007199254740991,\"reserved_bytes\":0,\"budget_bytes\":1,"
    "\"limits\":[{\"code\":\"cgroup-v2\",\"bytes\":4096,\"path\":\"/x\"}]}]}";

START_TEST(a_record_is_read_whole)
{
    ck_assert_msg(parse(full) == PLS_OK, "%s", err.text);
    ck_assert_str_eq(m.pools[0].id, "ram"); /* RAM first, wherever it stood */
    ck_assert_uint_eq(m.pools[0].capacity_bytes, 9007199254740991); /* 2^53 - 1: no bit lost */
    ck_assert_uint_eq(m.pools[0].limits[0].bytes, 4096);
    ck_assert_int_eq(m.pools[1].gpu, 0);
    ck_assert_int_eq(m.pools[1].within, -1);
    ck_assert_int_eq(m.gpus[0].pool, 1);
    ck_assert_int_eq(m.gpus[0].backend, PLS_BACKEND_CUDA);
    ck_assert_uint_eq(m.cpu.isa, PLS_ISA_AVX2 | PLS_ISA_FMA);
    ck_assert_int_eq(m.pools[1].origin, PLS_ORIGIN_TABLE);
}
END_TEST

START_TEST(what_is_written_reads_back_the_same)
{
    char *text = NULL;
    size_t len = 0;
    struct pls_screen screen = { 0 };
    ck_assert_int_eq(parse(full), PLS_OK);
    struct pls_machine first = m;
    FILE *to = open_memstream(&text, &len);
    ck_assert_int_eq(pls_render_machine(to, PLS_OUT_JSON, &first, &screen, &err), PLS_OK);
    fclose(to);
    ck_assert_msg(pls_record_parse(text, len, &m, &err) == PLS_OK, "%s", err.text);
    ck_assert_mem_eq(&m, &first, sizeof(m));
    free(text);
}
END_TEST

START_TEST(absent_fields_are_unknown)
{
    ck_assert_int_eq(parse("{\"pools\":[" RAM "]}"), PLS_OK);
    ck_assert_uint_eq(m.cpu.cores, 0);
    ck_assert_int_eq(m.pools[0].origin, PLS_ORIGIN_UNKNOWN);
    ck_assert_int_eq(m.pools[0].gpu, -1);
    ck_assert(m.pools[0].bandwidth_gbs == 0);
}
END_TEST

/* json, then what the sentence must name. */
static const struct {
    const char *json, *names;
} bad[] = {
    { "", "not JSON" },
    { "{\"pools\":[" RAM "]} x", "behind the document" },
    { "[]", "an object" },
    { "{\"schema\":\"plimsoll.plan/1\",\"pools\":[" RAM "]}", "schema" },
    { "{}", "pools" },
    { "{\"pools\":[{\"id\":\"gpu0\",\"kind\":\"vram\",\"capacity_bytes\":1}]}", "kind ram" },
    { "{\"pools\":[{\"id\":\"ram\",\"kind\":\"ram\"}]}", "capacity" },
    { "{\"pools\":[{\"id\":\"ram\",\"kind\":\"ram\",\"capacity_bytes\":-1}]}", "pools[0].capacity_bytes" },
    { "{\"pools\":[{\"id\":\"ram\",\"kind\":\"ram\",\"capacity_bytes\":1.5}]}", "pools[0].capacity_bytes" },
    { "{\"pools\":[{\"id\":\"ram\",\"kind\":\"ram\",\"capacity_bytes\":1e300}]}", "pools[0].capacity_bytes" },
    { "{\"pools\":[{\"id\":\"ram\",\"kind\":\"ram\",\"capacity_bytes\":\"16G\"}]}", "pools[0].capacity_bytes" },
    { "{\"pools\":[{\"id\":\"ram\",\"kind\":\"rom\",\"capacity_bytes\":1}]}", "pools[0].kind" },
    { "{\"pools\":[" RAM "," RAM "]}", "pools[1].id" },
    { "{\"pools\":[{\"id\":\"a-name-far-too-long\",\"kind\":\"ram\",\"capacity_bytes\":1}]}", "pools[0].id" },
    { "{\"pools\":[" RAM ",{\"id\":\"g\",\"kind\":\"unified\",\"within\":\"nowhere\"}]}", "pools[1].within" },
    { "{\"pools\":[" RAM ",{\"id\":\"g\",\"kind\":\"unified\",\"within\":\"g\"}]}", "pools[1].within" },
    { "{\"pools\":[" RAM ",{\"id\":\"g\",\"kind\":\"vram\",\"device\":\"gpu7\"}]}", "pools[1].device" },
    { "{\"pools\":[" RAM "],\"gpus\":[{\"id\":\"gpu0\",\"backend\":\"abacus\"}]}", "gpus[0].backend" },
    { "{\"pools\":[" RAM "],\"gpus\":[{\"id\":\"gpu0\",\"pool\":\"nowhere\"}]}", "gpus[0].pool" },
    { "{\"pools\":[" RAM "],\"gpus\":{}}", "gpus" },
    { "{\"pools\":[" RAM "],\"cpu\":{\"cores\":4294967296}}", "cpu.cores" },
    { "{\"pools\":[" RAM "],\"cpu\":{\"isa\":[3]}}", "cpu.isa" },
    { "{\"pools\":[" RAM "],\"cpu\":7}", "cpu" },
    { "{\"pools\":[" RAM "],\"container\":\"yes\"}", "container" },
};

START_TEST(every_wrong_field_is_named)
{
    ck_assert_int_eq(parse(bad[_i].json), PLS_FORMAT);
    ck_assert_msg(strstr(err.text, bad[_i].names) != NULL, "'%s' does not name '%s'", err.text, bad[_i].names);
}
END_TEST

START_TEST(lists_are_bounded)
{
    static char json[8192];
    struct pls_text t = PLS_TEXT(json);
    pls_text_add(&t, "{\"pools\":[" RAM);
    for (int i = 0; i < PLS_MAX_POOLS; i++) {
        pls_text_add(&t, ",{\"id\":\"g%d\",\"kind\":\"vram\"}", i);
    }
    pls_text_add(&t, "]}");
    ck_assert_int_eq(parse(json), PLS_LIMIT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("record");
    TCase *group = tcase_create("record");
    tcase_add_test(group, a_record_is_read_whole);
    tcase_add_test(group, what_is_written_reads_back_the_same);
    tcase_add_test(group, absent_fields_are_unknown);
    tcase_add_loop_test(group, every_wrong_field_is_named, 0, (int)(sizeof(bad) / sizeof(bad[0])));
    tcase_add_test(group, lists_are_bounded);
    suite_add_tcase(suite, group);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
