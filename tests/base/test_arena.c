// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "base/arena.h"
#include "support/check.h"

static void memory_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    lk_arena *arena = lk_arena_new(1 << 20);
    unsigned char *last = NULL;
    for (size_t i = 1; i < 200; i++) {
        unsigned char *p = lk_arena_alloc(arena, i, 3);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        for (size_t j = 0; j < 3 * i; j++)
            assert_int_equal(p[j], 0);
        memset(p, 0xff, 3 * i);
        assert_ptr_not_equal(p, last);
        last = p;
    }
    lk_arena_free(arena);
}

static void the_limit_is_kept_to_the_byte(void **state)
{
    (void)state;
    lk_arena *arena = lk_arena_new(100 * 64);
    for (int i = 0; i < 100; i++)
        assert_non_null(lk_arena_alloc(arena, 64, 1));
    assert_null(lk_arena_alloc(arena, 1, 1));
    assert_int_equal(lk_arena_used(arena), 100 * 64);
    lk_arena_free(arena);
}

static void a_product_that_overflows_is_refused(void **state)
{
    (void)state;
    lk_arena *arena = lk_arena_new(SIZE_MAX);
    assert_null(lk_arena_alloc(arena, SIZE_MAX / 2, 3));
    assert_null(lk_arena_alloc(arena, SIZE_MAX, 1));
    assert_null(lk_arena_alloc(arena, SIZE_MAX - 64, 1));
    assert_non_null(lk_arena_alloc(arena, 0, 8));
    lk_arena_free(arena);
}

static void strings_are_copied_with_their_end(void **state)
{
    (void)state;
    lk_arena *arena = lk_arena_new(1 << 20);
    assert_string_equal(lk_arena_strdup(arena, "face"), "face");
    assert_string_equal(lk_arena_strdup(arena, ""), "");
    assert_string_equal(lk_arena_strndup(arena, "face", 2), "fa");
    assert_string_equal(lk_arena_strndup(arena, "face", 9), "face");
    lk_arena_free(arena);
}

static void a_reset_keeps_the_largest_block_only(void **state)
{
    (void)state;
    enum { LIMIT = 1 << 20 };
    lk_arena *arena = lk_arena_new(LIMIT);
    for (int round = 0; round < 50; round++) {
        while (lk_arena_used(arena) < LIMIT / 4)
            assert_non_null(lk_arena_alloc(arena, 1000, 1));
        lk_arena_reset(arena);
        assert_int_equal(lk_arena_used(arena), 0);
    }
    unsigned char *p = lk_arena_alloc(arena, 5000, 1);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(p[i], 0);
    lk_arena_free(arena);
    lk_arena_free(NULL);
}

/* The linker sends the arena's only system call for memory here. */
static struct {
    int calls, fail_at;
    size_t bytes;
} heap;

void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    heap.calls++;
    heap.bytes += size;
    return heap.calls == heap.fail_at ? NULL : __real_aligned_alloc(alignment, size);
}

/* Budget: 1 MiB in pieces of 64 bytes takes the blocks of 16, 32, … 1024 KiB, and no more. */
static void small_pieces_cost_few_blocks(void **state)
{
    (void)state;
    lk_arena *arena = lk_arena_new((size_t)4 << 20);
    memset(&heap, 0, sizeof heap);
    for (int i = 0; i < 16 * 1024; i++)
        assert_non_null(lk_arena_alloc(arena, 64, 1));
    assert_int_equal(heap.calls, 7);
    assert_int_equal(heap.bytes, (2048 - 16) * 1024 + 7 * 64);
    lk_arena_reset(arena);
    for (int i = 0; i < 16 * 1024; i++)
        assert_non_null(lk_arena_alloc(arena, 64, 1));
    assert_int_equal(heap.calls, 7);
    lk_arena_free(arena);
}

static void an_arena_outlives_a_heap_that_is_out(void **state)
{
    (void)state;
    lk_arena *arena = lk_arena_new((size_t)4 << 20);
    char *kept = lk_arena_strdup(arena, "kept");
    heap.calls = 0;
    heap.fail_at = 1;
    assert_null(lk_arena_alloc(arena, 1 << 20, 1));
    heap.fail_at = 0;
    assert_non_null(lk_arena_alloc(arena, 1 << 20, 1));
    assert_string_equal(kept, "kept");
    lk_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(the_limit_is_kept_to_the_byte),
        cmocka_unit_test(a_product_that_overflows_is_refused),
        cmocka_unit_test(strings_are_copied_with_their_end),
        cmocka_unit_test(a_reset_keeps_the_largest_block_only),
        cmocka_unit_test(small_pieces_cost_few_blocks),
        cmocka_unit_test(an_arena_outlives_a_heap_that_is_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
