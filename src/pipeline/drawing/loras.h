// SPDX-License-Identifier: Apache-2.0
/* The LoRAs of a request, from --lora and from <lora:…> in the prompt, in the painter's checkpoint
 * and in the refiner's: each where it fits. docs/lora.md. */
#ifndef LK_PIPELINE_DRAWING_LORAS_H
#define LK_PIPELINE_DRAWING_LORAS_H

#include "pipeline/engine.h"
#include "pipeline/result.h"

/* Whether all that the request asks for are there and have weights. */
int lk__loras_check(lk_catalog *catalog, const struct lk_request *request, struct lk_error *err);

/* After painter and refiner were opened: merges what the request asks for, or takes out what the
 * one before had; networks are built anew only where weights change. Fills result->loras. */
int lk__loras_apply(lk_engine *engine, lk_result *result, struct lk_error *err);

/* The WebUI's "Lora hashes": "name: hash, name: hash"; malloc'd, NULL when there are none. */
char *lk__loras_hashes(const lk_result *result);
/* The prompt with those of --lora in the form <lora:name:weight> behind it, as the WebUI needs it
 * to draw the same; malloc'd, NULL when memory is out. */
char *lk__loras_prompt(const lk_result *result);

#endif
