/* Base values: numbers as people type them, text that cannot overflow, arithmetic that cannot wrap. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "plimsoll/arena.h"
#include "plimsoll/text.h"
#include "unit.h"

START_TEST(bytes_are_binary_whatever_the_suffix)
{
    uint64_t n = 0;
    ck_assert(pls_parse_bytes("24GB", &n));
    ck_assert_uint_eq(n, 24 * PLS_GIB);
    ck_assert(pls_parse_bytes("1.5t", &n));
    ck_assert_uint_eq(n, 1536 * PLS_GIB);
    ck_assert(pls_parse_bytes("4096", &n));
    ck_assert_uint_eq(n, 4096);
    ck_assert(!pls_parse_bytes("", &n));
    ck_assert(!pls_parse_bytes("12 parsecs", &n));
    ck_assert(!pls_parse_bytes("-1G", &n));
    ck_assert(!pls_parse_bytes("99999999999G", &n));
    ck_assert_uint_eq(n, 4096);
}
END_TEST

START_TEST(tokens_read_k_as_1024)
{
    uint64_t n = 0;
    ck_assert(pls_parse_tokens("32k", &n));
    ck_assert_uint_eq(n, 32768);
    ck_assert(!pls_parse_tokens("32kb", &n));
}
END_TEST

START_TEST(arithmetic_sticks_at_the_top)
{
    ck_assert_uint_eq(pls_add(UINT64_MAX - 1, 2), PLS_SATURATED);
    ck_assert_uint_eq(pls_mul((uint64_t)1 << 40, (uint64_t)1 << 40), PLS_SATURATED);
    ck_assert_uint_eq(pls_pad(10000, 256), 10240); /* 39.06 blocks of 256, so 40 */
    ck_assert_uint_eq(pls_pad(UINT64_MAX, 256), PLS_SATURATED);
    ck_assert_uint_eq(pls_sub(3, 5), 0);
}
END_TEST

START_TEST(escaping_shows_control_characters)
{
    char room[128];
    struct pls_text t = PLS_TEXT(room);
    pls_text_escape(&t, "a\x1b[31m\n\xff\xe2\x80\xae z \xc3\xa9");
    ck_assert_str_eq(room, "a\\x1b[31m\\x0a\\xff\\xe2\\x80\\xae z \xc3\xa9");
}
END_TEST

START_TEST(shell_words_survive_quotes)
{
    char room[64];
    struct pls_text t = PLS_TEXT(room);
    pls_text_shell(&t, "it's; rm -rf ~");
    ck_assert_str_eq(room, "'it'\\''s; rm -rf ~'");
}
END_TEST

START_TEST(text_never_overflows)
{
    char room[8];
    struct pls_text t = PLS_TEXT(room);
    pls_text_add(&t, "%s", "0123456789");
    ck_assert(t.truncated);
    ck_assert_str_eq(room, "0123456");
    pls_text_put(&t, "x", 1);
    ck_assert_str_eq(room, "0123456");
}
END_TEST

START_TEST(sizes_read_as_people_say_them)
{
    char room[64];
    struct pls_text t = PLS_TEXT(room);
    pls_text_bytes(&t, 24 * PLS_GIB);
    pls_text_add(&t, "|");
    pls_text_bytes(&t, 4920000000ULL); /* 4920000000 / 2^30 = 4.582 */
    pls_text_add(&t, "|");
    pls_text_tokens(&t, 131072);
    ck_assert_str_eq(room, "24.0 GiB|4.58 GiB|128k");
}
END_TEST

START_TEST(swapped_letters_are_one_change)
{
    char longer[PLS_TEXT_DISTANCE_MAX + 2];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    ck_assert_uint_eq(pls_text_distance("", ""), 0);
    ck_assert_uint_eq(pls_text_distance("", "fit"), 3);
    ck_assert_uint_eq(pls_text_distance("plan", "plan"), 0);
    ck_assert_uint_eq(pls_text_distance("fti", "fit"), 1);
    ck_assert_uint_eq(pls_text_distance("kitten", "sitting"), 3);
    ck_assert_uint_eq(pls_text_distance("sitting", "kitten"), 3);
    ck_assert_uint_eq(pls_text_distance(longer, "x"), PLS_TEXT_DISTANCE_MAX);
    longer[PLS_TEXT_DISTANCE_MAX] = '\0';
    ck_assert_uint_eq(pls_text_distance(longer, ""), PLS_TEXT_DISTANCE_MAX);
}
END_TEST

START_TEST(arena_refuses_what_does_not_fit)
{
    unsigned char store[256];
    struct pls_arena a = pls_arena_over(store, sizeof(store));
    ck_assert_ptr_nonnull(pls_arena_take(&a, 10, 8));
    size_t mark = a.used;
    ck_assert_ptr_null(pls_arena_take(&a, SIZE_MAX, 16));
    ck_assert_ptr_null(pls_arena_take(&a, 1, 1000));
    ck_assert_uint_eq(a.used, mark);
}
END_TEST

UNIT_MAIN("base", bytes_are_binary_whatever_the_suffix, tokens_read_k_as_1024, arithmetic_sticks_at_the_top,
          escaping_shows_control_characters, shell_words_survive_quotes, text_never_overflows,
          sizes_read_as_people_say_them, swapped_letters_are_one_change, arena_refuses_what_does_not_fit)
