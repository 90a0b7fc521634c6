// SPDX-License-Identifier: Apache-2.0
/* For tools/policy-table: prompts, one a line on standard input, held against the rules.
 *
 *   policy_tool RULES        a line for each: level, rule, prompt; "off", "-" where no rule holds
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/judge/policy.h"

int main(int argc, char **argv)
{
    struct lk_error err = {0};
    lk_policy *policy = NULL;
    char line[65536 + 2];
    int rc = argc == 2 ? lk_policy_open(argv[1], NULL, NULL, &policy, &err) : LK_E_INPUT;
    while (!rc && fgets(line, sizeof line, stdin)) {
        struct lk_policy_hit hit;
        size_t n = 0;
        line[strcspn(line, "\n")] = 0;
        rc = lk_policy_screen(policy, line, NULL, &hit, 1, &n, &err);
        if (!rc)
            printf("%s\t%s\t%s\n", lk_policy_level_name(n ? hit.rule->level : LK_POLICY_OFF),
                   n ? hit.rule->name : "-", line);
    }
    lk_policy_free(policy);
    if (rc)
        fprintf(stderr, "policy_tool: %s\n", argc == 2 ? err.message : "usage: policy_tool RULES");
    return rc ? 1 : 0;
}
