// SPDX-License-Identifier: Apache-2.0
/* What tests tell the pages that are made of their measurements (tools/parity/). */
#ifndef LK_TESTS_SUPPORT_NOTE_H
#define LK_TESTS_SUPPORT_NOTE_H

/* Adds "NAME<tab>VALUE" to the file that $LIKENESS_PARITY_NOTES names; nothing when it names none,
 * or the value is not finite. */
void test_note(const char *name, double value);

#endif
