/* One main for every unit test binary: UNIT_MAIN("module", test, test, ...) runs the tests as one suite.
 * TAP comes from Check itself: CK_TAP_LOG_FILE_NAME=- CK_VERBOSITY=silent. */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <stddef.h>

static inline int unit_run(const char *module, const TTest *const tests[], size_t n)
{
    Suite *suite = suite_create(module);
    TCase *group = tcase_create(module);
    tcase_set_timeout(group, 600);
    for (size_t i = 0; i < n; i++) {
        tcase_add_test(group, tests[i]);
    }
    suite_add_tcase(suite, group);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

#define UNIT_MAIN(module, ...)                                                                                     \
    int main(void)                                                                                                 \
    {                                                                                                              \
        const TTest *const tests[] = { __VA_ARGS__ };                                                              \
        return unit_run(module, tests, sizeof(tests) / sizeof(tests[0]));                                          \
    }

#endif
